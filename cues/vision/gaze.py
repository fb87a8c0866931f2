"""Which way the eyes look.

Two steps. The irises are found to a fraction of a pixel (`cues.vision.iris`). Then a map from where irises and lids lie
in the picture, seen from the head's own place, from how the head is turned, and from what else narrows the lids, gives
one direction for both eyes. The map was fitted on rendered people (`tests/validation/fit_gaze_map.py`); nobody it was
fitted on is among those that figures are reported of.

Why a map: the geometry of an eyeball behind the canonical face, which `each_eye` still computes, needs the eyeball's
centre to a fraction of a millimetre. It comes from the pose of the whole head, whose error, and the eyes' own
movement in it, cost more than the iris does: with the irises' exact places the error after one offset per person is
still 5.7 degrees of 6.9 (18 rendered people, 60 px and more between the irises, head within 25 degrees of the camera).

Conventions: camera frame of `cues.observations`, cm; gaze angles in degrees relative to the ray from the eyes to the
lens, h + = image right, v + = up. First-order immune to a wrong focal length because both rays share the pixel.
"""

from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import cv2
import numpy as np

from cues.observations import BLENDSHAPES, EYE_MIDPOINT_CM
from cues.vision.head_pose import HeadPose, Lens
from cues.vision.iris import LIDS_LEFT, LIDS_RIGHT, refine_iris
from cues.vision.landmarks import IRIS_LEFT, IRIS_RIGHT, Face

EYEBALL_LEFT_CM = np.array([3.18, 2.64, 2.83])
EYEBALL_RIGHT_CM = np.array([-3.18, 2.64, 2.83])
IRIS_ARM_CM = 1.0  # rotation centre to iris plane; straight ahead reproduces the canonical iris
IRIS_RADIUS_CM = 0.585

EXPRESSIONS = ("mouthSmile", "eyeSquint", "jawOpen", "browDown", "browInnerUp")
"""What narrows or widens the lids whatever the gaze; each is the mean of its sides. Without them a smile was read as a
look below, by 4 degrees in the median of twelve rendered people."""
_EXPRESSIONS = [[i for i, name in enumerate(BLENDSHAPES) if name.startswith(shape)] for shape in EXPRESSIONS]
EVIDENCE = 2 * (2 + len(LIDS_LEFT) + len(LIDS_RIGHT)) + 3 + len(EXPRESSIONS) + 6
_YAW = EVIDENCE - 6 - len(EXPRESSIONS) - 3

GAZE_MAP = Path(__file__).parent / "gaze_map.npz"


@dataclass(frozen=True)
class GazeAngles:
    """Gaze (h, v) in degrees of each eye by geometry, and the `evidence` that `gaze_of` reads both together from.

    `eyes` (3,) cm is the midpoint of the eyeballs' centres; `irises` (2, 2) px the refined centres, left and right.
    """

    evidence: np.ndarray
    left: tuple[float, float]
    right: tuple[float, float]
    eyes: np.ndarray
    irises: np.ndarray
    yaw_to_camera: float


def measure_gaze(image: np.ndarray, face: Face, pose: HeadPose, lens: Lens) -> GazeAngles:
    """Gaze from the BGR frame, the face with its landmarks in px of that frame, and the head's pose.

    There is always a value; whether it can be trusted is judged by `metrics.quality`.
    """
    irises = refined_irises(image, face.points, pose, lens)
    evidence = eye_evidence(face, irises, pose, lens)
    left, right = evidence[-6:].reshape(2, 3)
    yaw = float(10.0 * evidence[_YAW])
    return GazeAngles(evidence, _angles(left), _angles(right), pose.place(EYE_MIDPOINT_CM), irises, yaw)


def gaze_of(evidence: np.ndarray) -> np.ndarray:
    """Gaze (n, 2) h and v [deg] of both eyes together, from evidence (n, EVIDENCE); many at once cost little more than
    one."""
    return _map()(evidence)


def each_eye(irises: np.ndarray, pose: HeadPose, lens: Lens) -> np.ndarray:
    """Unit gaze directions (2, 3) [camera frame] of the left and the right eye, from iris centres (2, 2) px.

    The ray through the iris is met with a sphere fixed in the head (METHOD 2.1; the construction is that of OpenFace's
    ray-sphere model). Where it misses the sphere (an eye at its limit, or a landmark off) the nearest point of the ray
    is taken.
    """
    centres = pose.place(np.stack([EYEBALL_LEFT_CM, EYEBALL_RIGHT_CM]))
    rays = lens.rays(irises)
    along = (rays * centres).sum(1)
    inside = along**2 - (centres**2).sum(1) + IRIS_ARM_CM**2
    distance = along - np.sqrt(np.maximum(inside, 0.0))
    directions = distance[:, None] * rays - centres
    return directions / np.linalg.norm(directions, axis=1, keepdims=True)


def eye_evidence(face: Face, irises: np.ndarray, pose: HeadPose, lens: Lens) -> np.ndarray:
    """What the map reads, shape (EVIDENCE,): places of irises, left lids and right lids (x, y each) [cm], yaw, pitch,
    roll of the head relative to the ray to the lens [tens of degrees], the EXPRESSIONS (0-1), and the directions of
    `each_eye` in the same axes.

    Places are across the line of sight from the lens to between the eyes, origin there, with the head's roll undone.
    """
    eyes = pose.place(EYE_MIDPOINT_CM)
    basis = basis_towards_lens(eyes)
    facing, upright = basis @ pose.rotation[:, 2], basis @ pose.rotation[:, 1]
    roll = np.arctan2(-upright[0], upright[1])
    head = np.degrees([np.arctan2(facing[0], facing[2]), np.arcsin(np.clip(facing[1], -1, 1)), roll])
    points = face.points
    rays = lens.rays(np.concatenate([irises, points[LIDS_LEFT], points[LIDS_RIGHT]])) @ basis.T
    across = rays[:, :2] / -rays[:, 2:] * np.linalg.norm(eyes)
    level = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    expressions = [face.blendshapes[shapes].mean() for shapes in _EXPRESSIONS]
    directions = each_eye(irises, pose, lens) @ basis.T
    return np.concatenate([(across @ level.T).ravel(), head / 10.0, expressions, directions.ravel()])


def basis_towards_lens(eyes: np.ndarray) -> np.ndarray:
    """Rows: image right, up, towards the lens, as unit vectors in the camera frame, seen from `eyes` (3,) cm."""
    x, y, z = -eyes / np.linalg.norm(eyes)
    across = np.hypot(y, z)
    return np.array([[across, -x * y / across, -x * z / across], [0.0, z / across, -y / across], [x, y, z]])


@dataclass(frozen=True)
class GazeMap:
    """Linear in the evidence, plus kernel ridge regression of what that leaves: far from everything it was fitted on
    the second part fades out and the first goes on.

    `mean`, `scale` (EVIDENCE,) of the evidence; `constant` (2,), `linear` (EVIDENCE, 2); `support` (n, EVIDENCE) in
    units of scale; `weights` (n, 2); `width` of the Gaussian kernel, exp(-width * squared distance).
    """

    mean: np.ndarray
    scale: np.ndarray
    constant: np.ndarray
    linear: np.ndarray
    support: np.ndarray
    weights: np.ndarray
    width: float

    @cached_property
    def _lengths(self) -> np.ndarray:
        return (self.support**2).sum(1)

    def __call__(self, evidence: np.ndarray) -> np.ndarray:
        """Gaze (m, 2) [deg] of evidence (m, EVIDENCE)."""
        z = (evidence - self.mean) / self.scale
        apart = (z**2).sum(1)[:, None] + self._lengths - 2 * z @ self.support.T
        return self.constant + z @ self.linear + np.exp(-self.width * np.maximum(apart, 0)) @ self.weights


@cache
def _map() -> GazeMap:
    with np.load(GAZE_MAP) as stored:
        return GazeMap(**{name: stored[name].astype(np.float64) for name in stored.files})


def refined_irises(image: np.ndarray, points: np.ndarray, pose: HeadPose, lens: Lens) -> np.ndarray:
    """Iris centres (2, 2) px, left and right, found on the picture of the eyes alone."""
    eyes = points[LIDS_LEFT + LIDS_RIGHT + [IRIS_LEFT, IRIS_RIGHT]]
    margin = 0.3 * np.ptp(eyes[:, 0]) + 4
    low = np.maximum(np.floor(eyes.min(0) - margin), 0).astype(int)
    high = np.minimum(np.ceil(eyes.max(0) + margin), image.shape[1::-1]).astype(int)
    found = points[[IRIS_LEFT, IRIS_RIGHT]].copy()
    if (high - low < 4).any():
        return found  # outside of the picture
    grey = cv2.cvtColor(image[low[1] : high[1], low[0] : high[0]], cv2.COLOR_BGR2GRAY).astype(np.float32)
    moved = points - low
    for k, (index, direction) in enumerate(zip((IRIS_LEFT, IRIS_RIGHT), each_eye(found, pose, lens), strict=True)):
        centre = pose.place((EYEBALL_LEFT_CM, EYEBALL_RIGHT_CM)[k])
        radius = IRIS_RADIUS_CM * lens.focal / centre[2]
        across = direction[:2] / max(float(np.linalg.norm(direction[:2])), 1e-9)
        squeeze = max(float(-(direction @ centre) / np.linalg.norm(centre)), 0.5)
        found[k] = refine_iris(grey, moved, index, radius, across, squeeze) + low
    return found


def _angles(direction: np.ndarray) -> tuple[float, float]:
    """Azimuth and elevation [deg]. METHOD 2.2 divides both by the part towards the lens; that has no sense for gaze far
    to the side, as in a room (v of 95 degrees was seen for a level gaze 60 degrees aside)."""
    right, up, towards = direction / np.linalg.norm(direction)
    return float(np.degrees(np.arctan2(right, towards))), float(np.degrees(np.arcsin(np.clip(up, -1, 1))))
