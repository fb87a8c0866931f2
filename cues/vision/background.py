"""How the room behind a person has moved in the picture since a stretch began: camera bumps, zoom, auto-framing.

Corners of the reference picture outside of people are followed by optical flow (pyramidal Lucas-Kanade, checked
forwards and backwards) into the current picture; a similarity with outliers removed gives shift and scale. Always
against the reference, never from picture to picture: nothing accumulates, and segments can be read apart.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from cues.parameters import Tracking

_BACKWARDS_PX = 0.7


@dataclass(frozen=True)
class Background:
    """The reference of one tile: small grey picture, corner points (n, 1, 2) in it, small px per frame px."""

    tile: np.ndarray
    picture: np.ndarray
    points: np.ndarray
    scale: float


def reference_background(
    reference: np.ndarray, reference_scale: float, tile: np.ndarray, boxes: np.ndarray, parameters: Tracking
) -> Background:
    """Prepares a tile's background.

    reference: BGR picture of the whole frame, reduced by reference_scale. boxes (n, 4): faces in it, frame px; head,
    hair and body around each are left out.
    """
    scale = min(parameters.background_width_px / tile[2], reference_scale)
    picture = _small_grey(reference, tile * reference_scale, (int(tile[2] * scale), int(tile[3] * scale)))
    mask = np.full(picture.shape, 255, np.uint8)
    for x, y, w, h in (boxes - [tile[0], tile[1], 0, 0]) * scale:
        mask[max(int(y - 0.6 * h), 0) : int(y + 1.1 * h), max(int(x - 0.5 * w), 0) : int(x + 1.5 * w)] = 0
        mask[max(int(y + 0.8 * h), 0) :, max(int(x - 1.3 * w), 0) : int(x + 2.3 * w)] = 0
    points = cv2.goodFeaturesToTrack(picture, parameters.background_points, 0.02, 6, mask=mask)
    return Background(tile, picture, np.zeros((0, 1, 2), np.float32) if points is None else points, scale)


def background_motion(background: Background, image: np.ndarray, parameters: Tracking) -> tuple[float, float, float]:
    """Shift x, y [frame px, at the tile's centre] and scale (1 = unchanged) of the background in a BGR frame.

    NaN where too few points could be followed: a plain or blurred background, or another picture altogether.
    """
    unknown = (float("nan"),) * 3
    points = background.points
    if len(points) < parameters.background_points_min:
        return unknown
    height, width = background.picture.shape
    current = _small_grey(image, background.tile, (width, height))
    there, found = _followed(background.picture, current, points)
    back, again = _followed(current, background.picture, there)
    good = (found[:, 0] == 1) & (again[:, 0] == 1) & (np.linalg.norm(back - points, axis=2)[:, 0] < _BACKWARDS_PX)
    if good.sum() < parameters.background_points_min:
        return unknown
    move, inliers = cv2.estimateAffinePartial2D(points[good], there[good], ransacReprojThreshold=1.0)
    if move is None or inliers.sum() < max(
        parameters.background_points_min, parameters.background_inliers_min * len(points)
    ):
        return unknown
    centre = np.array([width / 2, height / 2, 1.0])
    shift = (move @ centre - centre[:2]) / background.scale
    return float(shift[0]), float(shift[1]), float(np.hypot(move[0, 0], move[1, 0]))


def _followed(one: np.ndarray, other: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where `points` (n, 1, 2) of the grey picture `one` lie in `other`, same shape, and (n, 1) 1 where found."""
    there, found, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]  # stub: no None for nextPts
        one, other, points, None, winSize=(15, 15), maxLevel=3
    )
    return there, found


def _small_grey(image: np.ndarray, tile: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    x, y, w, h = np.round(tile).astype(int)
    part = image[max(y, 0) : y + h, max(x, 0) : x + w]
    return cv2.resize(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), size, interpolation=cv2.INTER_AREA)
