"""The two networks: face landmarks with blendshapes, and body landmarks, on the picture of one person.

`read` takes a picture on its own: detector, then landmarks in the region that it found. A body may be followed from
its own landmarks of a moment ago, which spares its detector. A face is not: that would save a tenth of all computing,
but the region that a mesh gives moves with the head's turn, and so does then the distance that the mesh tells (error of
a lean 0.86 points instead of 0.61, leans found F1 .81 instead of .92, on the suite's seven calls). Nothing is smoothed
or remembered here, and no order of faces is relied upon.

The networks are those of MediaPipe's landmarkers, run directly: no object for each of 478 points, no thread of its own,
and what they read is taken from the frame without a picture in between. The preparation of their input and the reading
of their output follow MediaPipe's published graphs. On 70 crops of real clips its Tasks in IMAGE mode and this differ
by 0.015 px of 512 in the median (largest 0.16), in the blendshapes by .002 (.024); one grey level of noise moves the
Tasks' own points by 0.13 px. `tests/vision/test_landmarks.py` repeats the comparison.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cues.observations import BODY_POINTS
from cues.vision.detector import Detection, Detector
from cues.vision.inference import Network
from cues.vision.region import Region, View, turned_between

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

    @cached_property
    def box(self) -> np.ndarray:
        """x, y, width, height [px] of the mesh without the irises."""
        low, high = self.points[:468].min(0), self.points[:468].max(0)
        return np.array([*low, *(high - low)])


@dataclass(frozen=True)
class Body:
    """One body: name -> (x, y, visibility) px and 0-1; `world` name -> (x, y, z) m from between the hips.

    `extent` (2, 2) px: between the hips, and a point above it on the circle around the body.
    """

    image: dict[str, np.ndarray]
    world: dict[str, np.ndarray]
    extent: np.ndarray

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
    """Finds faces in a picture."""

    def __init__(self) -> None:
        self._detector = Detector(_FACES, "face_detector.tflite", strides=(8, 16, 16, 16))
        self._mesh = Network(_FACES, "face_landmarks_detector.tflite", (0, 1), scale=1 / 255)
        self._shapes = Network(_FACES, "face_blendshapes.tflite", (0,))

    def read(self, view: View, most: int = 2) -> list[Face]:
        """At most `most` faces, in px of the view, the surest first; an empty list where there are none."""
        found = [self.read_at(view, place) for place in self.places(view, most)]
        return [face for face in found if face is not None]

    def places(self, view: View, most: int) -> list[Region]:
        """At most `most` regions where there is a face, the surest first."""
        return [_face_region(face) for face in self._detector.find(view, most)]

    def read_at(self, view: View, region: Region) -> Face | None:
        """The face in one of `places`."""
        mesh, present = self._mesh.run(region.cut(view, self._mesh.shape[0], beyond_black=False))
        if present < _LOGIT_MIN:
            return None
        points = region.place(mesh.reshape(-1, 3)[:, :2] / self._mesh.shape[0])
        (shapes,) = self._shapes.run(points[_SHAPED_BY])
        return Face(points, shapes.astype(float))


class BodyReader:
    """Finds bodies in a picture."""

    def __init__(self) -> None:
        self._detector = Detector(_BODIES, "pose_detector.tflite", strides=(8, 16, 32, 32, 32))
        self._body = Network(_BODIES, "pose_landmarks_detector.tflite", (0, 1, 3, 4), scale=1 / 255)

    def read(self, view: View, most: int = 1) -> list[Body]:
        """At most `most` bodies, in px of the view, the surest first; an empty list where there are none."""
        found = [self._read(view, _body_region(body.points)) for body in self._detector.find(view, most)]
        return [body for body in found if body is not None]

    def follow(self, view: View, extent: np.ndarray) -> Body | None:
        """The body that had this `extent` (2, 2) px of the view a moment ago; None where it is not there."""
        return self._read(view, _body_region(extent))

    def _read(self, view: View, region: Region) -> Body | None:
        side = self._body.shape[0]
        points, present, heat, world = self._body.run(region.cut(view, side, beyond_black=False))
        if present < _PRESENT_MIN:
            return None
        wanted = [*_ALL_INDEX.values(), *_EXTENT_INDEX]
        rows, heat = points.reshape(-1, 5)[wanted], heat[..., wanted]
        places = region.place(np.array([_refined(p, heat[..., k]) for k, p in enumerate(rows[:, :2] / side)]))
        places, extent = places[:-2], places[-2:]
        visible = 1 / (1 + np.exp(-rows[:-2, 3].astype(float)))
        level = Region(np.zeros(2), np.ones(2), region.angle)
        metres = world.reshape(-1, 3)[list(_ALL_INDEX.values())].astype(float)
        metres[:, :2] = level.place(metres[:, :2] + 0.5)
        image = np.column_stack([places, visible])
        return Body(dict(zip(_ALL_INDEX, image, strict=True)), dict(zip(_ALL_INDEX, metres, strict=True)), extent)


_FACES, _BODIES = "face_landmarker.task", "pose_landmarker_full.task"
_PRESENT_MIN = 0.5
_LOGIT_MIN = 0.0  # of a presence of one half
_ALL_INDEX = {**_HEAD_INDEX, **{name: _BODY_INDEX[name] for name in BODY_POINTS}}
_EXTENT_INDEX = (33, 34)

# The points that the blendshapes are computed from, as the landmarker's graph gives them to their network.
# fmt: off
_SHAPED_BY = [
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
    81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153,
    154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249,
    251, 263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314,
    317, 318, 321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382,
    384, 385, 386, 387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473,
    474, 475, 476, 477,
]
# fmt: on


def _face_region(face: Detection) -> Region:
    """One and a half times the detector's rectangle, level with the eyes."""
    return Region((face.low + face.high) / 2, 1.5 * (face.high - face.low), turned_between(*face.points[:2]))


def _body_region(extent: np.ndarray) -> Region:
    """A square around the middle of the hips, upright with the body; the second point lies on the circle around it."""
    hips, circle = extent[:2]
    side = 1.25 * 2 * float(np.hypot(*(circle - hips)))
    return Region(hips, np.full(2, side), turned_between(hips, circle) + np.pi / 2)


def _refined(place: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A point (2,) 0-1, moved to the centre of its heat map's (h, w; logits) mass around it where that is sure."""
    height, width = heat.shape
    column, row = int(place[0] * width), int(place[1] * height)
    if not (0 <= column < width and 0 <= row < height):
        return place
    left, top = max(column - _HEAT_REACH, 0), max(row - _HEAT_REACH, 0)
    near = 1 / (1 + np.exp(-heat[top : row + _HEAT_REACH + 1, left : column + _HEAT_REACH + 1].astype(float)))
    if near.max() < _HEAT_MIN:
        return place
    y, x = np.mgrid[top : top + near.shape[0], left : left + near.shape[1]]
    return np.array([(x * near).sum() / width, (y * near).sum() / height]) / near.sum()


_HEAT_REACH, _HEAT_MIN = 3, 0.5
