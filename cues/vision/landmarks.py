"""The two networks: face landmarks with blendshapes, and body landmarks, on the picture of one person.

Both run in IMAGE mode: every picture is read on its own, so that results do not depend on what was read before
(a recording's segments can be read apart), no hidden smoothing is applied (with `num_faces=1` a video stream is
smoothed by a One-Euro filter), and no order of faces is relied upon.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np

os.environ.setdefault("GLOG_minloglevel", "2")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import mediapipe as mp  # noqa: E402  (its log level is read at import)

from cues.errors import InstallationError  # noqa: E402
from cues.observations import BLENDSHAPES, BODY_POINTS  # noqa: E402
from cues.vision.models import model_path  # noqa: E402

IRIS_RIGHT, IRIS_LEFT = 468, 473
"""Indices of the iris centres; right and left are the subject's own. Rings follow: centre + 1 ... centre + 4."""

_BODY_INDEX = {"shoulder_left": 11, "shoulder_right": 12, "hip_left": 23, "hip_right": 24}
_NOSE_BEFORE_EARS_CM, _EARS_APART_CM = 10.0, 15.0
_HEAD_INDEX = {"nose": 0, "ear_left": 7, "ear_right": 8}


@dataclass(frozen=True)
class Face:
    """One face: `points` (478, 2) px of the picture given, `blendshapes` (52,) 0-1 in the order of BLENDSHAPES."""

    points: np.ndarray
    blendshapes: np.ndarray

    @property
    def box(self) -> np.ndarray:
        """x, y, width, height [px] of the mesh without the irises."""
        low, high = self.points[:468].min(0), self.points[:468].max(0)
        return np.array([*low, *(high - low)])


@dataclass(frozen=True)
class Body:
    """One body: name -> (x, y, visibility) px and 0-1; `world` name -> (x, y, z) m from between the hips."""

    image: dict[str, np.ndarray]
    world: dict[str, np.ndarray]

    @property
    def head(self) -> tuple[np.ndarray, float]:
        """Centre of nose and ears [px] and the distance of the ears from each other or from the nose [px]."""
        nose, left, right = (self.image[name][:2] for name in ("nose", "ear_left", "ear_right"))
        size = max(np.hypot(*(left - right)), 1.2 * np.hypot(*(nose - (left + right) / 2)))
        return (nose + left + right) / 3, float(size)

    @property
    def head_yaw(self) -> float:
        """Which way the head is turned from the camera [deg, + = image right], also in profile and from behind.

        The nose stands about 10 cm before the axis of the ears, which are about 15 cm apart: the ratio of the two in
        the picture is the tangent, whatever the distance. Measured beside the face's own pose on four real clips (233
        samples): mean difference 5.5 to 13.5 degrees, correlation .69 to .95.
        """
        nose, left, right = (self.image[name][:2] for name in ("nose", "ear_left", "ear_right"))
        forward = (nose - (left + right) / 2)[0] / _NOSE_BEFORE_EARS_CM
        across = (left - right)[0] / _EARS_APART_CM
        return float(np.degrees(np.arctan2(forward, across)))


class FaceReader:
    """Finds at most `most` faces in a picture."""

    def __init__(self, most: int = 2) -> None:
        self._order_checked = False
        options = mp.tasks.vision.FaceLandmarkerOptions(
            base_options=mp.tasks.BaseOptions(model_asset_path=str(model_path("face_landmarker.task"))),
            running_mode=mp.tasks.vision.RunningMode.IMAGE,
            num_faces=most,
            output_face_blendshapes=True,
        )
        with _quiet():
            self._task = mp.tasks.vision.FaceLandmarker.create_from_options(options)
            self._task.detect(_wrap(_WARM_UP))

    def close(self) -> None:
        """Frees the network; to be called before the interpreter ends."""
        self._task.close()

    def read(self, image: np.ndarray) -> list[Face]:
        """Faces in an RGB uint8 picture (h, w, 3), in no particular order; an empty list where there are none."""
        result = self._task.detect(_wrap(image))
        if result.face_blendshapes and not self._order_checked:
            self._order_checked = True
            if [c.category_name for c in result.face_blendshapes[0]] != list(BLENDSHAPES):
                raise InstallationError("This mediapipe names its blendshapes in another order: install 0.10.33.")
        size = np.array([image.shape[1], image.shape[0]], float)
        return [
            Face(np.array([(p.x, p.y) for p in points]) * size, np.array([c.score for c in shapes]))
            for points, shapes in zip(result.face_landmarks, result.face_blendshapes, strict=True)
        ]


class BodyReader:
    """Finds at most `most` bodies in a picture."""

    def __init__(self, most: int = 1) -> None:
        self._found_before = False  # the second network's runtime has its say when the first body is read
        options = mp.tasks.vision.PoseLandmarkerOptions(
            base_options=mp.tasks.BaseOptions(model_asset_path=str(model_path("pose_landmarker_full.task"))),
            running_mode=mp.tasks.vision.RunningMode.IMAGE,
            num_poses=most,
        )
        with _quiet():
            self._task = mp.tasks.vision.PoseLandmarker.create_from_options(options)
            self._task.detect(_wrap(_WARM_UP))

    def close(self) -> None:
        """Frees the network; to be called before the interpreter ends."""
        self._task.close()

    def read(self, image: np.ndarray) -> list[Body]:
        """Bodies in an RGB uint8 picture (h, w, 3); an empty list where there are none."""
        with nullcontext() if self._found_before else _quiet():
            result = self._task.detect(_wrap(image))
        self._found_before = self._found_before or bool(result.pose_landmarks)
        height, width = image.shape[:2]
        return [
            Body(
                {n: np.array([p[i].x * width, p[i].y * height, p[i].visibility]) for n, i in _ALL_INDEX.items()},
                {n: np.array([w[i].x, w[i].y, w[i].z]) for n, i in _ALL_INDEX.items()},
            )
            for p, w in zip(result.pose_landmarks, result.pose_world_landmarks, strict=True)
        ]


_ALL_INDEX = {**_HEAD_INDEX, **{name: _BODY_INDEX[name] for name in BODY_POINTS}}


_WARM_UP = np.zeros((64, 64, 3), np.uint8)


def _wrap(image: np.ndarray) -> mp.Image:
    # A picture with padded rows makes the landmarkers find nothing, without a word.
    return mp.Image(image_format=mp.ImageFormat.SRGB, data=np.ascontiguousarray(image))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what the networks' runtime writes to stderr while it starts out of the way of the progress bar."""
    sys.stderr.flush()
    kept, sink = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)
