"""What a face tells besides its pose: iris shape, lids, lips, sharpness (the quality evidence of METHOD 1.5-1.6).

All lengths are px of the upright frame unless they are ratios; nothing here decides whether a value is good enough.
"""

import cv2
import numpy as np

from cues.vision.landmarks import IRIS_LEFT, IRIS_RIGHT

_LIDS = {"left": (386, 374, 362, 263), "right": (159, 145, 133, 33)}  # upper, lower, inner and outer corner
_INNER_LIPS = (13, 14)
_FOREHEAD_CHIN = (10, 152)
_SHARPNESS_SIZE = 128


def iris_distance(points: np.ndarray, yaw_to_camera: float) -> float:
    """Distance between the irises corrected for the head's yaw [px]."""
    apart = np.linalg.norm(points[IRIS_LEFT] - points[IRIS_RIGHT])
    return float(apart / np.maximum(np.cos(np.radians(yaw_to_camera)), 0.1))


def iris_circularity(points: np.ndarray) -> float:
    """|horizontal - vertical diameter| over their mean, of the worse eye; 0 = round."""
    worst = 0.0
    for centre in (IRIS_LEFT, IRIS_RIGHT):
        ring = points[centre + 1 : centre + 5]
        one, other = np.linalg.norm(ring[0] - ring[2]), np.linalg.norm(ring[1] - ring[3])
        worst = max(worst, float(abs(one - other) / np.maximum((one + other) / 2, 1e-6)))
    return worst


def eye_opening(points: np.ndarray, side: str) -> float:
    """Lid opening over eye width, of the subject's `left` or `right` eye."""
    upper, lower, inner, outer = (points[i] for i in _LIDS[side])
    return float(np.linalg.norm(upper - lower) / np.maximum(np.linalg.norm(inner - outer), 1e-6))


def lip_gap(points: np.ndarray) -> float:
    """Distance of the inner lips over the height of the face."""
    height = np.linalg.norm(points[_FOREHEAD_CHIN[0]] - points[_FOREHEAD_CHIN[1]])
    return float(np.linalg.norm(points[_INNER_LIPS[0]] - points[_INNER_LIPS[1]]) / np.maximum(height, 1e-6))


def sharpness(image: np.ndarray, box: np.ndarray) -> float:
    """Variance of the Laplacian of the face (box x, y, w, h px of `image`) at 128 x 128 grey levels."""
    x, y, w, h = np.round(box).astype(int)
    part = image[max(y, 0) : max(y + h, 1), max(x, 0) : max(x + w, 1)]
    if part.size == 0:
        return 0.0
    grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SHARPNESS_SIZE, _SHARPNESS_SIZE), interpolation=cv2.INTER_AREA)
    return float(cv2.meanStdDev(cv2.Laplacian(small, cv2.CV_16S))[1][0, 0] ** 2)
