"""How the room behind a person has moved in the picture since a stretch began: camera bumps, zoom, auto-framing.

Corners of the reference picture outside of people are followed by optical flow (pyramidal Lucas-Kanade, checked
forwards and backwards) into the current picture; a similarity with outliers removed gives shift and scale. Flow reaches
about a tenth of the picture. Where it fails, features that look the same after zoom and shift (SIFT) are found again,
the picture is moved back by what they say, and flow measures the rest. Always against the reference, never from
picture to picture: nothing accumulates, and segments can be read apart.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from cues.parameters import Tracking

_BACKWARDS_PX = 0.7
_LEVELS = 3  # of the pyramid: flow reaches about a tenth of the picture
_LEVELS_NEAR = 1  # where little is left to be found: coarse levels would see the person more than the room
_DISTINCT = 0.8  # a feature's likeness to the best over the second best place (Lowe 2004)
_FEATURES_MIN = 4  # that agree on a similarity, twice what it needs; flow then has to confirm it
_FEATURES_TO_SEARCH = 12  # in the reference; of fewer hardly ever four agree, and the search costs as much as six faces
_FEATURES_PX = 3.0
_BACK = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


@dataclass(frozen=True)
class Background:
    """The reference of one tile: small grey picture, corner points (n, 1, 2) in it, small px per frame px.

    places (k, 2) and looks (k, 128) are those of its features.
    """

    tile: np.ndarray
    picture: np.ndarray
    points: np.ndarray
    scale: float
    places: np.ndarray
    looks: np.ndarray


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
    points = np.zeros((0, 1, 2), np.float32) if points is None else points
    return Background(tile, picture, points, scale, *_features(picture, mask))


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
    move = _similarity(background.picture, current, points, _LEVELS, parameters.background_points_min, parameters)
    if move is None:
        move = _found_again(background, current, parameters)
    if move is None:
        return unknown
    centre = np.array([width / 2, height / 2, 1.0])
    shift = (move @ centre - centre[:2]) / background.scale
    return float(shift[0]), float(shift[1]), float(np.hypot(move[0, 0], move[1, 0]))


def _similarity(
    one: np.ndarray, other: np.ndarray, points: np.ndarray, levels: int, least: int, parameters: Tracking
) -> np.ndarray | None:
    """The similarity (2, 3) that takes the points (n, 1, 2) of the grey picture `one` to `other`; None where fewer than
    `least` of them, or too small a share, can be followed."""
    if len(points) < least:
        return None
    there, found = _followed(one, other, points, levels)
    back, again = _followed(other, one, there, levels)
    good = (found[:, 0] == 1) & (again[:, 0] == 1) & (np.linalg.norm(back - points, axis=2)[:, 0] < _BACKWARDS_PX)
    if good.sum() < least:
        return None
    move, inliers = cv2.estimateAffinePartial2D(points[good], there[good], ransacReprojThreshold=1.0)
    enough = max(least, parameters.background_inliers_min * len(points))
    return None if move is None or inliers.sum() < enough else move


def _found_again(background: Background, current: np.ndarray, parameters: Tracking) -> np.ndarray | None:
    """The similarity to a picture that flow cannot reach, from features, confirmed and refined by flow on the picture
    moved back; points that have left the picture do not count."""
    if len(background.looks) < _FEATURES_TO_SEARCH:
        return None
    places, looks = _features(current, None)
    if len(looks) < 2:
        return None
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(background.looks, looks, k=2)
    sure = [best for best, second in pairs if best.distance < _DISTINCT * second.distance]
    if len(sure) < _FEATURES_MIN:
        return None
    ours, theirs = background.places[[m.queryIdx for m in sure]], places[[m.trainIdx for m in sure]]
    guess, agree = cv2.estimateAffinePartial2D(ours, theirs, ransacReprojThreshold=_FEATURES_PX)
    if guess is None or agree.sum() < _FEATURES_MIN:
        return None
    height, width = current.shape
    moved_back = cv2.warpAffine(current, guess, (width, height), flags=_BACK, borderMode=cv2.BORDER_REPLICATE)
    there = background.points[:, 0] @ guess[:, :2].T + guess[:, 2]
    inside = ((there > 0) & (there < [width, height])).all(1)
    least = max(_FEATURES_MIN, parameters.background_points_min - int(agree.sum()))
    rest = _similarity(background.picture, moved_back, background.points[inside], _LEVELS_NEAR, least, parameters)
    return None if rest is None else guess @ np.vstack([rest, [0.0, 0.0, 1.0]])


def _features(picture: np.ndarray, mask: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Places (k, 2) px and looks (k, 128) of the features of a grey picture."""
    found, looks = cv2.SIFT_create(contrastThreshold=0.02).detectAndCompute(picture, mask)  # type: ignore[attr-defined]  # not in the stub
    if looks is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    return np.array([k.pt for k in found], np.float32), looks


def _followed(one: np.ndarray, other: np.ndarray, points: np.ndarray, levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Where `points` (n, 1, 2) of the grey picture `one` lie in `other`, same shape, and (n, 1) 1 where found."""
    there, found, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]  # stub: no None for nextPts
        one, other, points, None, winSize=(15, 15), maxLevel=levels
    )
    return there, found


def _small_grey(image: np.ndarray, tile: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    x, y, w, h = np.round(tile).astype(int)
    part = image[max(y, 0) : y + h, max(x, 0) : x + w]
    return cv2.resize(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), size, interpolation=cv2.INTER_AREA)
