"""The reference: MediaPipe's own landmarkers in IMAGE mode, on the same model files. The product imports none of it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import cv2
import mediapipe as mp
import numpy as np

from cues.vision.models import model_path

_TASKS = mp.tasks.vision


@dataclass(frozen=True)
class Tasks:
    """Both landmarkers: at most two faces, one body."""

    faces: Any
    bodies: Any

    def face(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points (478, 2) px and blendshapes (52,) of the one face in a BGR picture."""
        result = self.faces.detect(_wrapped(image))
        [points], [shapes] = result.face_landmarks, result.face_blendshapes
        size = np.array(image.shape[1::-1])
        return np.array([(p.x, p.y) for p in points]) * size, np.array([c.score for c in shapes])

    def body(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points (33, 3) px and visibility, and (33, 3) m, of the one body in a BGR picture."""
        result = self.bodies.detect(_wrapped(image))
        [points], [world] = result.pose_landmarks, result.pose_world_landmarks
        size = np.array([*image.shape[1::-1], 1])
        return (
            np.array([(p.x, p.y, p.visibility) for p in points]) * size,
            np.array([(w.x, w.y, w.z) for w in world]),
        )


@contextmanager
def tasks() -> Iterator[Tasks]:
    """Both landmarkers, freed at the end."""
    base = [
        mp.tasks.BaseOptions(model_asset_path=str(model_path(name)))
        for name in ("face_landmarker.task", "pose_landmarker_full.task")
    ]
    image_mode = _TASKS.RunningMode.IMAGE
    faces = _TASKS.FaceLandmarkerOptions(
        base_options=base[0], running_mode=image_mode, num_faces=2, output_face_blendshapes=True
    )
    bodies = _TASKS.PoseLandmarkerOptions(base_options=base[1], running_mode=image_mode, num_poses=1)
    with (
        _TASKS.FaceLandmarker.create_from_options(faces) as face,
        _TASKS.PoseLandmarker.create_from_options(bodies) as body,
    ):
        yield Tasks(face, body)


def _wrapped(image: np.ndarray) -> mp.Image:
    return mp.Image(mp.ImageFormat.SRGB, np.ascontiguousarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB)))
