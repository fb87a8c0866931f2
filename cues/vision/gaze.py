"""Which way the eyes look: a ray through each iris, met with a sphere fixed in the head.

The eyeball's centre is fixed in the face frame; the iris centre lies one centimetre in front of it (METHOD 2.1; the
construction is that of OpenFace's ray-sphere model). The pixel of the iris gives a ray from the lens; where it enters
the sphere is the iris in space, and the line from the eyeball's centre to it is the gaze.

Conventions: camera frame of `cues.observations`, cm; gaze angles in degrees relative to the ray from the eyes to the
lens, h + = image right, v + = up. First-order immune to a wrong focal length because both rays share the pixel.
"""

from dataclasses import dataclass

import numpy as np

from cues.vision.head_pose import HeadPose, Lens
from cues.vision.landmarks import IRIS_LEFT, IRIS_RIGHT

EYEBALL_LEFT_CM = np.array([3.18, 2.64, 2.83])
EYEBALL_RIGHT_CM = np.array([-3.18, 2.64, 2.83])
IRIS_RADIUS_CM = 1.0  # rotation centre to iris plane; straight ahead reproduces the canonical iris


@dataclass(frozen=True)
class GazeAngles:
    """Gaze (h, v) in degrees: both eyes together and each; `eyes` (3,) cm is the midpoint of the eyeballs' centres."""

    both: tuple[float, float]
    left: tuple[float, float]
    right: tuple[float, float]
    eyes: np.ndarray
    yaw_to_camera: float


def measure_gaze(points: np.ndarray, pose: HeadPose, lens: Lens, fade_deg: tuple[float, float]) -> GazeAngles:
    """Gaze from landmarks (478, 2) px and the head's pose.

    fade_deg: between these angles of the head to the camera the far eye loses its weight (METHOD 2.1).

    Where the iris ray misses the sphere (an eye at its limit, or a landmark off), the nearest point on the ray is
    taken, so there is always a value; whether it can be trusted is judged by `metrics.quality`.
    """
    rays = lens.rays(points[[IRIS_LEFT, IRIS_RIGHT]])
    centres = pose.place(np.stack([EYEBALL_LEFT_CM, EYEBALL_RIGHT_CM]))
    eyes = centres.mean(0)
    gazes = [_iris_direction(ray, centre) for ray, centre in zip(rays, centres, strict=True)]
    basis = basis_towards_lens(eyes)

    facing = basis @ pose.rotation[:, 2]
    yaw = float(np.degrees(np.arctan2(facing[0], facing[2])))
    fade = float(np.clip((fade_deg[1] - abs(yaw)) / (fade_deg[1] - fade_deg[0]), 0, 1))
    # A head turned to image right hides the eye on that side: the subject's left.
    weights = (fade, 1.0) if yaw > 0 else (1.0, fade)
    both = weights[0] * gazes[0] + weights[1] * gazes[1]
    return GazeAngles(_angles(basis @ both), _angles(basis @ gazes[0]), _angles(basis @ gazes[1]), eyes, yaw)


def basis_towards_lens(eyes: np.ndarray) -> np.ndarray:
    """Rows: image right, up, towards the lens, as unit vectors in the camera frame, seen from `eyes` (3,) cm."""
    towards = -eyes / np.linalg.norm(eyes)
    right = np.array([1.0, 0.0, 0.0])
    right -= (right @ towards) * towards
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(towards, right), towards])


def _iris_direction(ray: np.ndarray, centre: np.ndarray) -> np.ndarray:
    along = ray @ centre
    inside = along**2 - centre @ centre + IRIS_RADIUS_CM**2
    distance = along - np.sqrt(inside) if inside >= 0 else along
    direction = distance * ray - centre
    return direction / np.linalg.norm(direction)


def _angles(direction: np.ndarray) -> tuple[float, float]:
    """Azimuth and elevation [deg]. METHOD 2.2 divides both by the part towards the lens; that has no sense for gaze far
    to the side, as in a room (v of 95 degrees was seen for a level gaze 60 degrees aside)."""
    right, up, towards = direction / np.linalg.norm(direction)
    return float(np.degrees(np.arctan2(right, towards))), float(np.degrees(np.arcsin(np.clip(up, -1, 1))))
