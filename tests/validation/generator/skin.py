"""The face's colours, painted once per person on a frontal projection of the neutral face model.

The outlines (lips, brows, eyes) are in the face model's centimetres; they were read once from its neutral
face with the face landmarker and only say where to put colour.
"""

import cv2
import numpy as np

from .identity import HAIR_COLORS, SKIN_TONES, Identity, linear

PIXELS_PER_CM = 28.0
LEFT_CM, RIGHT_CM, TOP_CM, BOTTOM_CM = -11.0, 11.0, 15.0, -20.0
FRAME = np.array([LEFT_CM, TOP_CM, PIXELS_PER_CM])

_LIPS = [
    (-2.44, -3.54),
    (-2.19, -3.75),
    (-1.87, -3.94),
    (-1.36, -4.19),
    (-0.72, -4.35),
    (0.0, -4.39),
    (0.72, -4.35),
    (1.36, -4.19),
    (1.87, -3.94),
    (2.19, -3.75),
    (2.44, -3.54),
    (2.19, -3.34),
    (1.87, -3.14),
    (1.35, -2.91),
    (0.7, -2.69),
    (0.0, -2.83),
    (-0.7, -2.69),
    (-1.35, -2.91),
    (-1.87, -3.14),
    (-2.19, -3.34),
]
_BROW_TOP = [(-5.75, 4.75), (-5.24, 5.28), (-4.3, 5.62), (-3.02, 5.66), (-1.55, 5.38)]
_BROW_BOTTOM = [(-1.4, 4.85), (-2.89, 5.12), (-4.08, 5.15), (-4.91, 4.9), (-5.55, 4.58)]
_EYE = [
    (-4.47, 3.42),
    (-4.05, 3.08),
    (-3.72, 2.97),
    (-3.22, 2.93),
    (-2.72, 3.0),
    (-2.24, 3.1),
    (-1.75, 3.21),
    (-1.92, 3.42),
    (-2.3, 3.72),
    (-2.83, 3.93),
    (-3.35, 3.97),
    (-3.87, 3.86),
    (-4.18, 3.7),
]


def _canvas() -> np.ndarray:
    return np.zeros((int((TOP_CM - BOTTOM_CM) * PIXELS_PER_CM), int((RIGHT_CM - LEFT_CM) * PIXELS_PER_CM)), np.float32)


def _pixels(outline: list[tuple[float, float]]) -> np.ndarray:
    points = np.array(outline)
    return np.stack([(points[:, 0] - LEFT_CM), (TOP_CM - points[:, 1])], 1) * PIXELS_PER_CM


def _mask(outline: list[tuple[float, float]], soft_cm: float, mirrored: bool = False) -> np.ndarray:
    mask = _canvas()
    for sign in (1, -1) if mirrored else (1,):
        flipped = [(sign * x, y) for x, y in outline]
        cv2.fillPoly(mask, [np.round(_pixels(flipped) * 16).astype(np.int32)], 1.0, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(mask, (0, 0), soft_cm * PIXELS_PER_CM)


def _blob(x: float, y: float, rx: float, ry: float) -> np.ndarray:
    """A Gaussian spot on both sides of the face."""
    h, w = _canvas().shape
    gx = LEFT_CM + (np.arange(w) + 0.5) / PIXELS_PER_CM
    gy = TOP_CM - (np.arange(h) + 0.5) / PIXELS_PER_CM
    return np.exp(-(((np.abs(gx)[None] - x) / rx) ** 2) - ((gy[:, None] - y) / ry) ** 2).astype(np.float32)


def _noise(rng: np.random.Generator, scale_cm: float) -> np.ndarray:
    noise = rng.normal(0, 1, _canvas().shape).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), scale_cm * PIXELS_PER_CM)
    return noise / (noise.std() + 1e-9)


def _brows(rng: np.random.Generator) -> np.ndarray:
    """Short strokes that follow the brow, steep at the nose and flat at the temple."""
    brow = np.zeros_like(_canvas())
    top, bottom = np.array(_BROW_TOP), np.array(_BROW_BOTTOM)[::-1]
    for _ in range(420):
        along, across = rng.uniform(0, 1), rng.uniform(0.08, 0.92)
        x = np.interp(along, np.linspace(0, 1, 5), top[:, 0] * 0.5 + bottom[:, 0] * 0.5)
        low, high = (np.interp(x, line[:, 0], line[:, 1]) for line in (bottom, top))
        root = np.array([x, low + (high - low) * across])
        angle = np.radians(np.interp(along, [0, 0.6, 1], [198, 165, 105]) + rng.normal(0, 8))
        tip = root + np.array([np.cos(angle), np.sin(angle)]) * rng.uniform(0.3, 0.5)
        for sign in (1, -1):
            ends = np.round(_pixels([(sign * root[0], root[1]), (sign * tip[0], tip[1])]) * 16).astype(np.int32)
            stroke = np.zeros_like(brow)
            cv2.line(stroke, tuple(map(int, ends[0])), tuple(map(int, ends[1])), 1.0, 2, cv2.LINE_AA, 4)
            brow = np.maximum(brow, stroke)
    body = _mask(_BROW_TOP + _BROW_BOTTOM, 0.10, mirrored=True)
    return np.clip(0.55 * cv2.GaussianBlur(brow, (0, 0), 0.8) + 0.45 * body, 0, 1)


def _beard_area() -> np.ndarray:
    jaw = _mask(
        [
            (-7.6, 1.0),
            (-6.9, 0.5),
            (-5.6, -2.4),
            (-3.4, -3.0),
            (-2.4, -1.55),
            (0, -1.45),
            (2.4, -1.55),
            (3.4, -3.0),
            (5.6, -2.4),
            (6.9, 0.5),
            (7.6, 1.0),
            (7.6, -7),
            (4.5, -10.2),
            (-4.5, -10.2),
            (-7.6, -7),
        ],
        0.35,
    )
    inside = _mask([(x * 1.08, (y + 3.5) * 1.15 - 3.5) for x, y in _LIPS], 0.12)
    return np.clip(jaw * (1 - inside), 0, 1)


def paint(identity: Identity) -> np.ndarray:
    """(h, w, 4) float32: linear RGB and gloss of the face, seen from the front; see FRAME for its place."""
    rng = np.random.default_rng([identity.seed, 11])
    skin = linear(SKIN_TONES[identity.skin_tone])
    depth = 1.0 - float(skin.mean()) / 0.5
    texture = np.empty(_canvas().shape + (4,), np.float32)
    texture[..., :3] = skin
    texture[..., 3] = 0.05

    def stain(mask: np.ndarray, color: np.ndarray, strength: float) -> None:
        weight = (np.clip(mask, 0, 1) * strength)[..., None]
        texture[..., :3] = texture[..., :3] * (1 - weight) + color * weight

    red = skin * [1.06, 0.70, 0.66]
    stain(_blob(4.6, -0.4, 2.1, 1.7), red, 0.55)
    stain(_blob(0.0, 0.1, 1.1, 1.0), red, 0.45)
    stain(_blob(0.0, -6.6, 1.6, 1.0), red, 0.25)
    stain(_blob(8.2, 1.5, 1.2, 3.0), red, 0.5)
    stain(_blob(2.9, 2.45, 1.4, 0.45), skin * [0.80, 0.70, 0.72], 0.5)
    stain(_blob(3.2, 4.35, 1.5, 0.4), skin * [0.82, 0.68, 0.64], 0.4)
    stain(_blob(0.75, -1.05, 0.38, 0.2), skin * [0.30, 0.18, 0.16], 0.55)
    stain(_blob(0.0, -2.1, 0.35, 0.5), skin * 0.88, 0.4)
    shade = 1 + 0.035 * _noise(rng, 1.2) + 0.03 * _noise(rng, 0.25) + 0.025 * _noise(rng, 0.06)
    texture[..., :3] *= shade[..., None]
    freckles = (_noise(rng, 0.05) > 2.6).astype(np.float32) * rng.uniform(0.0, 0.5)
    stain(cv2.GaussianBlur(freckles, (0, 0), 1.0), skin * 0.55, 0.8)
    hair = linear(HAIR_COLORS[identity.hair_color])
    if identity.beard > 0:
        area = _beard_area()
        grain = np.clip(0.55 + 0.3 * _noise(rng, 0.035), 0, 1)
        stain(area * grain, hair * 0.9 + skin * 0.08, min(0.95, 0.35 + 0.6 * identity.beard))
    lips = skin * np.array([0.92 + 0.12 * identity.lips, 0.62 - 0.22 * identity.lips, 0.64 - 0.2 * identity.lips])
    stain(_mask(_LIPS, 0.07), lips * (1 - 0.15 * depth), 0.9)
    seam = _mask([(-2.3, -3.50), (0, -3.38), (2.3, -3.50), (0, -3.46)], 0.05)
    stain(seam, lips * 0.35, 0.55)
    texture[..., 3] += 0.10 * _mask(_LIPS, 0.1) + 0.05 * _blob(0, 0.2, 0.7, 2.6) + 0.03 * _blob(0, 7.5, 3.5, 1.8)
    stain(_brows(rng), hair * 0.8 + skin * 0.05, 0.88)
    eye = np.array(_EYE)
    rim = _mask([tuple(p) for p in eye], 0.05, mirrored=True)
    wide = _mask([tuple((p - [-3.1, 3.42]) * [1.1, 1.3] + [-3.1, 3.42]) for p in eye], 0.07, mirrored=True)
    stain(wide, skin * [0.62, 0.42, 0.38], 0.3)
    upper = [tuple(p + [0, 0.10]) for p in eye[6:]] + [tuple(eye[0] + [-0.15, 0.05])]
    band = _mask(upper + [tuple(p + [0, -0.05]) for p in eye[6:][::-1]], 0.04, mirrored=True)
    stain(np.maximum(band, 0.15 * rim), hair * 0.3 + skin * 0.03, 0.8)
    return np.ascontiguousarray(np.clip(texture, 0, 1))
