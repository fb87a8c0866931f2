"""Who is rendered: face shape, colours, hair, clothes, glasses and beard, from a seed or from the two
sample people.

Colours are sRGB triples, 0-1. `shape` holds weights of the face model's first identity directions in
standard deviations.
"""

from dataclasses import dataclass, replace

import numpy as np

Color = tuple[float, float, float]

SKIN_TONES: dict[str, Color] = {
    "very light": (0.93, 0.77, 0.69),
    "light": (0.87, 0.68, 0.58),
    "medium": (0.76, 0.56, 0.44),
    "tan": (0.64, 0.45, 0.33),
    "brown": (0.49, 0.33, 0.24),
    "dark": (0.35, 0.23, 0.17),
}
HAIR_COLORS: dict[str, Color] = {
    "black": (0.10, 0.085, 0.08),
    "dark brown": (0.20, 0.135, 0.095),
    "brown": (0.33, 0.22, 0.14),
    "chestnut": (0.42, 0.23, 0.13),
    "blond": (0.66, 0.50, 0.30),
    "grey": (0.55, 0.54, 0.52),
}
IRIS_COLORS: dict[str, Color] = {
    "dark brown": (0.24, 0.14, 0.08),
    "brown": (0.38, 0.24, 0.13),
    "hazel": (0.44, 0.36, 0.20),
    "green": (0.36, 0.45, 0.30),
    "blue": (0.35, 0.49, 0.62),
    "grey": (0.44, 0.49, 0.53),
}
CLOTHS: tuple[Color, ...] = (
    (0.20, 0.33, 0.42),
    (0.48, 0.22, 0.26),
    (0.27, 0.36, 0.28),
    (0.72, 0.68, 0.60),
    (0.24, 0.25, 0.33),
    (0.55, 0.44, 0.30),
    (0.42, 0.35, 0.50),
)
HAIR_STYLES = ("short", "bob", "long", "cropped")


@dataclass(frozen=True)
class Identity:
    seed: int
    """seeds everything small: strands, freckles, wool"""
    shape: tuple[float, ...]
    skin_tone: str
    hair_color: str
    hair_style: str
    iris_color: str
    cloth: Color
    cloth_second: Color
    stripe_cm: float = 0.0
    lips: float = 0.5
    """how much redder the lips are than the skin, 0-1"""
    beard: float = 0.0
    """0 none, 0.4 stubble, 1 full"""
    glasses: bool = False
    key_from_left: bool = True
    """the room's main light comes from image left"""
    warmth: float = 0.5
    """0 daylight, 1 lamp light"""


def from_seed(seed: int) -> Identity:
    """A person drawn from a seed; consecutive seeds walk through all skin tones, glasses and beards."""
    rng = np.random.default_rng([seed, 7])
    tones, styles = list(SKIN_TONES), list(HAIR_STYLES)
    tone = tones[seed % len(tones)]
    dark = tone in ("brown", "dark", "tan")
    hair = str(rng.choice(["black", "dark brown"] if dark else list(HAIR_COLORS)))
    iris = str(rng.choice(["dark brown", "brown"] if dark else list(IRIS_COLORS)))
    style = styles[(seed // 2 + seed) % len(styles)]
    may_grow = style in ("short", "cropped")
    beard = float(np.random.default_rng([seed, 8]).choice([0.0, 0.45, 1.0])) if may_grow else 0.0
    shape = np.clip(rng.normal(0, 0.8, 40), -1.6, 1.6)
    cloth = CLOTHS[int(rng.integers(len(CLOTHS)))]
    return Identity(
        seed,
        tuple(float(w) for w in shape),
        tone,
        hair,
        style,
        iris,
        cloth,
        CLOTHS[int(rng.integers(len(CLOTHS)))],
        float(rng.choice([0.0, 0.0, 5.0])),
        float(rng.uniform(0.3, 0.8)) if style in ("bob", "long") else 0.3,
        beard,
        seed % 4 == 1,
        bool(rng.integers(2)),
        float(rng.uniform(0.1, 0.9)),
    )


def trainee() -> Identity:
    """The sample session's trainee: light skin, chestnut bob, blue-grey jumper."""
    return replace(
        from_seed(60),
        skin_tone="light",
        hair_color="chestnut",
        hair_style="bob",
        iris_color="blue",
        cloth=(0.20, 0.33, 0.42),
        stripe_cm=0.0,
        lips=0.7,
        beard=0.0,
        glasses=False,
        key_from_left=True,
        warmth=0.3,
    )


def client() -> Identity:
    """The sample session's client: brown skin, short black hair, stubble, dark red shirt."""
    return replace(
        from_seed(67),
        skin_tone="tan",
        hair_color="black",
        hair_style="short",
        iris_color="dark brown",
        cloth=(0.50, 0.23, 0.24),
        cloth_second=(0.58, 0.32, 0.30),
        stripe_cm=0.0,
        lips=0.3,
        beard=0.45,
        glasses=False,
        key_from_left=False,
        warmth=0.7,
    )


def linear(color: Color | np.ndarray) -> np.ndarray:
    """sRGB 0-1 to linear light."""
    c = np.asarray(color, np.float64)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
