"""Rendered people for the fairness part: the same faces in four skin tones, with glasses, with a beard and without,
in the same poses and gazes, under five lights.

Conventions
-----------
A face is one of FACES (seeds of the generator); a person is a face with a skin tone and an extra. What the face looks
like, where it looks, how it is turned and how far away it is depends on the face alone, so that every group of people
holds the same. Hair and irises go with the tone as they commonly do. Everybody has four poses: one with and without a
smile, and two others, turned to either side.

People are rendered once, on black and on white, which gives what covers the background and how much; the lights are
made from that in linear light: `normal` as rendered, `dim` a tenth of the light with a camera's noise, `side` a lamp
70 degrees to one side (shading of a cylinder) with little light from elsewhere, `behind` a bright room behind a face
with a fifth of the light, `warm` an uncorrected lamp. DARKER goes on from dim light until faces are lost. Every picture
has noise and is compressed as a call is.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from tests.validation.generator import room
from tests.validation.generator.identity import Identity, from_seed
from tests.validation.generator.person import Camera, State, exact, render, to_linear
from tests.validation.scope import Scope

FACES = (401, 402, 403, 404)
TONES = ("very light", "medium", "brown", "dark")
EXTRAS = ("none", "glasses", "beard")
LIGHTS = ("normal", "dim", "side", "behind", "warm")
DARKER = {"dim": 0.1, "1/20": 0.05, "1/40": 0.025, "1/80": 0.0125, "1/160": 0.00625}
"""ever less light: name -> share of the light, until nothing can be seen"""
POSES = ("neutral", "smiling", "turned left", "turned right")
SMILE = {"mouthSmile_L": 0.7, "mouthSmile_R": 0.7, "cheekSquint_L": 0.5, "cheekSquint_R": 0.5}
CAMERA = Camera(640, 480, 640.0)

_HAIR = {
    "very light": ("blond", "brown", "chestnut", "dark brown"),
    "medium": ("dark brown", "black", "brown", "black"),
    "brown": ("black", "dark brown", "black", "black"),
    "dark": ("black", "black", "dark brown", "black"),
}
_IRIS = {
    "very light": ("blue", "green", "brown", "grey"),
    "medium": ("brown", "hazel", "dark brown", "brown"),
    "brown": ("dark brown", "brown", "dark brown", "dark brown"),
    "dark": ("dark brown", "dark brown", "brown", "dark brown"),
}
_NOISE = {"normal": 1.5, "side": 1.5, "behind": 2.5, "warm": 2.0} | dict.fromkeys(DARKER, 5.0)
"""standard deviation, grey levels"""
_JPEG = 80


@dataclass(frozen=True)
class Person:
    """One person: `face` an index into FACES."""

    face: int
    tone: str
    extra: str

    @property
    def identity(self) -> Identity:
        """Who is rendered."""
        plain = from_seed(FACES[self.face])
        return replace(
            plain,
            skin_tone=self.tone,
            hair_color=_HAIR[self.tone][self.face],
            iris_color=_IRIS[self.tone][self.face],
            hair_style=("short", "cropped")[self.face % 2],
            beard=1.0 if self.extra == "beard" else 0.0,
            glasses=self.extra == "glasses",
        )


def everybody(faces: int, tones: tuple[str, ...], extras: tuple[str, ...]) -> list[Person]:
    """All people; those of one face and extra follow each other, which are quicker to prepare together."""
    return [Person(face, tone, extra) for face in range(faces) for extra in extras for tone in tones]


def states(face: int) -> list[State]:
    """The face's four states, in the order of POSES."""
    rng = np.random.default_rng([FACES[face], 50])

    def one(yaw: float, pitch: float, distance: float, smile: bool = False) -> State:
        place = (float(rng.uniform(-4, 4)), 3.0 + float(rng.uniform(-2, 2)), distance)
        gaze = (float(rng.uniform(-12, 12)), float(rng.uniform(-16, 6)))
        return State(place, (yaw, pitch, float(rng.uniform(-4, 4))), gaze, 70.0, 0.0, SMILE if smile else {})

    neutral = one(float(rng.uniform(-6, 6)), float(rng.uniform(-6, 3)), float(rng.uniform(58, 68)))
    left = one(-float(rng.uniform(12, 20)), float(rng.uniform(-4, 4)), float(rng.uniform(50, 78)))
    right = one(float(rng.uniform(8, 16)), float(rng.uniform(-12, -4)), float(rng.uniform(50, 78)))
    return [neutral, replace(neutral, expression=SMILE), left, right]


def rendered(scope: Scope, person: Person) -> Path:
    """The folder with the person's renders on black and on white, one pair a pose."""
    recipe = {"person": [FACES[person.face], person.tone, person.extra], "states": repr(states(person.face))}
    recipe |= {"identity": repr(person.identity), "camera": repr(CAMERA)}

    def make(folder: Path) -> None:
        for pose, state in zip(POSES, states(person.face), strict=True):
            for name, value in (("black", 0.0), ("white", 1.0)):
                ground = np.full((CAMERA.height, CAMERA.width, 3), value, np.float32)
                cv2.imwrite(str(folder / f"{pose}-{name}.png"), render(person.identity, state, CAMERA, ground))

    return scope.rendered("fairness", recipe, make)


def picture(folder: Path, person: Person, pose: int, light: str) -> np.ndarray:
    """(480, 640, 3) uint8 BGR of one person in one pose under one light."""
    black, white = (to_linear(cv2.imread(str(folder / f"{POSES[pose]}-{name}.png"))) for name in ("black", "white"))
    through = np.clip(white - black, 0, 1)
    behind = _room(FACES[person.face] % 6)
    shading, veil = np.ones((1, CAMERA.width, 1), np.float32), 0.0
    if light in DARKER:
        shading, behind = shading * DARKER[light], behind * DARKER[light]
    elif light == "side":
        shading = _from_the_side(person, pose)
    elif light == "behind":
        shading, behind, veil = shading * 0.2, 0.7 + 0.4 * behind, 0.01
    elif light == "warm":
        tint = np.array([1.15, 0.75, 0.38], np.float32)  # linear RGB
        shading, behind = 0.7 * shading * tint, 0.7 * behind * tint
    seen = np.clip(black * shading + through * behind + veil, 0, 1)
    levels = 255 * np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055)
    seed = [FACES[person.face], TONES.index(person.tone), EXTRAS.index(person.extra), pose, list(_NOISE).index(light)]
    levels = levels[..., ::-1] + np.random.default_rng(seed).normal(0, _NOISE[light], levels.shape)
    coded = cv2.imencode(".jpg", np.clip(levels, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, _JPEG])[1]
    return cv2.imdecode(coded, cv2.IMREAD_COLOR)


def truth(person: Person, pose: int) -> dict[str, float | list]:
    """What is exactly known of a picture (`person.exact`)."""
    return exact(person.identity, states(person.face)[pose], CAMERA)


def _from_the_side(person: Person, pose: int) -> np.ndarray:
    """(1, width, 1): light on a cylinder as wide as the head, from 70 degrees to one side and a little from all."""
    known = truth(person, pose)
    irises = np.array([known["iris_right"], known["iris_left"]])
    radius = 1.25 * float(known["iris_distance"])  # type: ignore[arg-type]  # a number
    across = np.clip((np.arange(CAMERA.width) - irises[:, 0].mean()) / radius, -1, 1)
    side = -1 if person.face % 2 else 1
    lamp = np.radians(70)
    facing = side * across * np.sin(lamp) + np.sqrt(1 - across**2) * np.cos(lamp)
    return (0.10 + 1.1 * np.clip(facing, 0, None)).astype(np.float32)[None, :, None]


@lru_cache(maxsize=8)
def _room(seed: int) -> np.ndarray:
    return to_linear(room.draw(seed, CAMERA.width, CAMERA.height))
