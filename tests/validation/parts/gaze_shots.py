"""Single pictures of faces with exact gaze, drawn from seeds: what the gaze geometry is chosen and reported on.

A shot is a person before a camera at one instant, then what a camera and a call do to the picture: blur, noise, JPEG.
The lens that the analysis is told is wrong by up to a sixth, as an assumed one is.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from tests.validation.generator import Camera, State, exact, from_seed, render
from tests.validation.generator.model import rotation
from tests.validation.generator.person import TO_RENDERER, eyes, gaze_angles, gaze_direction
from tests.validation.scope import Scope

HEAD_YAW_DEG, HEAD_PITCH_DEG, HEAD_ROLL_DEG = 30.0, 20.0, 10.0
EYE_H_DEG, EYE_V_DEG = 25.0, 15.0
DISTANCE_CM = (45.0, 120.0)
IRIS_DISTANCE_PX = (40.0, 120.0)
INTERPUPILLARY_CM = 6.3
FOCAL_ERROR = 0.16


@dataclass(frozen=True)
class Shot:
    """What is rendered, and what happens to the picture: blur [px, sd], noise [grey levels, sd], JPEG quality."""

    identity: int
    state: State
    camera: Camera
    blur: float
    noise: float
    jpeg: int
    assumed_focal: float
    seed: int


def draw_shots(identities: list[int], each: int, seed: int, wider: float = 1.0) -> list[Shot]:
    """`each` shots of every identity (seeds of the generator), evenly spread over poses, gazes and distances.

    wider: how much further than the limits above heads and eyes turn.
    """
    return [_shot(i, np.random.default_rng([seed, i, k]), wider) for i in identities for k in range(each)]


def _shot(identity: int, rng: np.random.Generator, wider: float) -> Shot:
    def within(limit: float) -> float:
        return float(rng.uniform(-limit, limit))

    head = (within(wider * HEAD_YAW_DEG), within(wider * HEAD_PITCH_DEG), within(wider * HEAD_ROLL_DEG))
    distance = float(rng.uniform(*DISTANCE_CM))
    focal = float(rng.uniform(*IRIS_DISTANCE_PX)) * (distance - 8.0) / INTERPUPILLARY_CM
    side = int(np.clip(5.2 * focal * INTERPUPILLARY_CM / distance, 256, 720)) // 2 * 2
    pivot = (within(0.06) * distance, 6.0 + within(0.04) * distance, distance)
    eye_h, eye_v = np.radians(within(wider * EYE_H_DEG)), np.radians(within(wider * EYE_V_DEG))
    in_head = np.array([np.cos(eye_v) * np.sin(eye_h), np.sin(eye_v), np.cos(eye_v) * np.cos(eye_h)])
    between = np.array(pivot) + np.array([0, -7.0, -8.0])  # near enough: the truth is what gaze_angles makes of it
    state = State(
        pivot=pivot,
        head=head,
        gaze=gaze_angles(between, between + 100.0 * (rotation(*head) @ in_head) * TO_RENDERER),
        fixation_cm=float(rng.uniform(50, 90)),
        blink=max(0.0, within(0.25)),
        expression=_expression(rng),
    )
    return Shot(
        identity,
        state,
        Camera(side, side, focal),
        float(rng.choice([0.0, 0.5, 0.8, 1.1])),
        float(rng.choice([0.0, 2.0, 4.0, 6.0])),
        int(rng.choice([55, 70, 85, 95])),
        focal * (1 + within(FOCAL_ERROR)),
        int(rng.integers(2**31)),
    )


def _expression(rng: np.random.Generator) -> dict[str, float]:
    """Smiles, open jaws, brows; lids that are narrow or wide whatever the gaze: each in less than half of the shots."""
    weights: dict[str, float] = {}
    for names, most in (
        (("mouthSmile_L", "mouthSmile_R", "cheekSquint_L", "cheekSquint_R"), 0.8),
        (("jawOpen",), 0.4),
        (("browInnerUp_L", "browInnerUp_R", "browOuterUp_L", "browOuterUp_R"), 0.7),
        (("browDown_L", "browDown_R"), 0.7),
        (("eyeSquint_L", "eyeSquint_R"), 0.7),
        (("eyeWide_L", "eyeWide_R"), 0.6),
    ):
        weight = max(0.0, float(rng.uniform(-1.2 * most, most)))
        weights.update({name: weight for name in names if weight})
    return weights


def picture(shot: Shot) -> bytes:
    """The shot as a JPEG file's content."""
    image = render(from_seed(shot.identity), shot.state, shot.camera)
    if shot.blur:
        image = cv2.GaussianBlur(image, (0, 0), shot.blur)
    noise = np.random.default_rng(shot.seed).normal(0, 1, image.shape) * shot.noise
    image = np.clip(image + noise, 0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, shot.jpeg])[1].tobytes()


def truth(shot: Shot) -> dict[str, float | list[float]]:
    """iris_left, iris_right [px], iris_distance [px], and `direction` (3,), the gaze as a unit vector in the camera
    frame."""
    identity = from_seed(shot.identity)
    known = exact(identity, shot.state, shot.camera)
    direction = gaze_direction(eyes(identity, shot.state).mean(0), shot.state.gaze)
    return {name: known[name] for name in ("iris_left", "iris_right", "iris_distance")} | {
        "direction": direction.tolist()
    }


def rendered_shots(
    scope: Scope, person: int, each: int, seed: int, wider: float = 1.0
) -> list[tuple[Shot, np.ndarray, dict[str, float | list[float]]]]:
    """Every shot of one person with its BGR picture and its truth, rendered once and kept."""
    shots = draw_shots([person], each, seed, wider)

    def make(folder: Path) -> None:
        for k, shot in enumerate(shots):
            (folder / f"{k:03d}.jpg").write_bytes(picture(shot))
        (folder / "truth.json").write_text(json.dumps([truth(shot) for shot in shots]))

    recipe = {"what": "gaze shots", "person": person, "each": each, "seed": seed, "wider": wider}
    folder = scope.rendered(f"gaze-{person}", recipe, make)
    known = json.loads((folder / "truth.json").read_text())
    return [(shot, cv2.imread(str(folder / f"{k:03d}.jpg")), known[k]) for k, shot in enumerate(shots)]
