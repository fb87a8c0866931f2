"""The face model (ICT-FaceKit light, MIT), read from $CUES_TEST_DATA; it is never copied into this
repository.

*Frame.* Centimetres at life size, x to the subject's left (image right when facing a camera), y up, z out
of the face. The eyes lie at about (+-3.1, 3.6, 9), the chin at y = -8.5, the bust ends at y = -19.
"""

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from . import raster

ENVIRONMENT = "CUES_TEST_DATA"
# Anatomy, not the model's: from the rotation centre to the plane of the (apparent) pupil is about 10.5 mm
# (13.5 mm from centre to cornea less 3.0 mm), the iris is 11.7 mm wide. The model's own eyeballs are a
# quarter too big, so a gaze turned about their middle would move the iris a third too far.
IRIS_ARM_CM = 1.05
IRIS_RADIUS_CM = 0.585
SCLERA_RADIUS_CM = 1.53
IRIS_BEHIND_SCLERA_CM = 0.13
# The point about which the head turns (upper neck), where distance and lean are measured.
PIVOT = np.array([0.0, -3.0, 1.2], np.float32)
_MATERIALS = {
    "M_Face": raster.SKIN,
    "M_BackHead": raster.SKIN,
    "M_Teeth": raster.TEETH,
    "M_GumsTongue": raster.GUMS,
    "M_ScleraLeft": raster.EYE_LEFT,
    "M_ScleraRight": raster.EYE_RIGHT,
}
_SCLERA = {"M_ScleraLeft": slice(21451, 22221), "M_ScleraRight": slice(23021, 23791)}


@dataclass(frozen=True)
class FaceModel:
    neutral: np.ndarray
    """(N, 3) float32 [cm]"""
    expressions: dict[str, np.ndarray]
    """name: (N, 3) float32 displacement at weight 1"""
    identities: np.ndarray
    """(100, N, 3) float32 displacement for one standard deviation"""
    triangles: np.ndarray
    material: np.ndarray


class FaceModelMissing(RuntimeError):
    """The face model is not where CUES_TEST_DATA says, or the variable is not set."""


def model_path() -> Path:
    """Where the model lies; raises FaceModelMissing with what to do."""
    root = os.environ.get(ENVIRONMENT)
    if not root:
        raise FaceModelMissing(f"set {ENVIRONMENT} to the folder that holds face_model/ict_facekit_light.npz")
    path = Path(root) / "face_model" / "ict_facekit_light.npz"
    if not path.is_file():
        raise FaceModelMissing(f"{path} is missing; {ENVIRONMENT} must name the folder above face_model/")
    return path


@lru_cache(maxsize=1)
def load() -> FaceModel:
    """The model with triangles instead of quads, materials numbered as in `raster`, eyeballs made round."""
    data = np.load(model_path())
    quads, names = data["faces"], list(data["mats"])
    triangles, material = [], []
    for number, name in enumerate(names):
        if name not in _MATERIALS:
            continue
        faces = quads[data["face_mat"] == number]
        split = np.concatenate([faces[:, [0, 1, 2]], faces[faces[:, 3] >= 0][:, [0, 2, 3]]])
        triangles.append(split)
        material.append(np.full(len(split), _MATERIALS[name], np.int32))
    neutral = data["neutral"].astype(np.float32)
    for place in _SCLERA.values():
        ball = neutral[place]
        middle = _ball_middle(ball)
        away = ball - middle
        neutral[place] = middle + away / np.linalg.norm(away, axis=1, keepdims=True) * SCLERA_RADIUS_CM
    shapes = data["expr"].astype(np.float32)
    return FaceModel(
        neutral,
        dict(zip([str(n) for n in data["expr_names"]], shapes, strict=True)),
        data["ident"].astype(np.float32),
        np.concatenate(triangles).astype(np.int32),
        np.concatenate(material),
    )


def _ball_middle(ball: np.ndarray) -> np.ndarray:
    """Least-squares sphere through the back of an eyeball, whose front bulges with the cornea."""
    back = ball[ball[:, 2] < np.quantile(ball[:, 2], 0.6)]
    system = np.c_[2 * back, np.ones(len(back))]
    return np.linalg.lstsq(system, (back**2).sum(1), rcond=None)[0][:3]


def eye_centres(points: np.ndarray) -> np.ndarray:
    """(2, 3) rotation centres [cm] of the right and the left eye for a face shape, (N, 3)."""
    centres = [_ball_middle(points[_SCLERA[name]]) for name in ("M_ScleraRight", "M_ScleraLeft")]
    forward = SCLERA_RADIUS_CM - IRIS_BEHIND_SCLERA_CM - IRIS_ARM_CM
    return np.array(centres) + [0.0, 0.0, forward]


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """(3, 3): yaw > 0 turns the face to image right, pitch > 0 lifts it, roll > 0 tips its top to image
    left [deg]."""
    y, p, r = np.radians([yaw, -pitch, roll])
    turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    nod = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    tip = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return turn @ nod @ tip
