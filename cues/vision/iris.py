"""The centre of an iris to a fraction of a pixel, from its edge against the white of the eye.

The face network reads the iris at the resolution of its own input; at 60 px between the irises one pixel is six degrees
of gaze. Here a circle, foreshortened as the eye is turned, is moved over the picture of the eye until the step from
dark to bright along its left and right arcs is largest (Daugman's integro-differential operator, IEEE PAMI 1993,
restricted to what the lids leave open). Top and bottom of the iris lie under the lids and are not used.

Measured on renders (18 people, 270 pictures, 40-120 px between the irises, blur, noise, JPEG): mean distance from a
person's median error 0.46 mm across and 0.46 mm upright for the network's centre, 0.18 and 0.30 mm for this one; one
millimetre on the eye is 5.7 degrees.

Image positions are px of the upright frame.
"""

import cv2
import numpy as np

LIDS_LEFT = [263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466]
LIDS_RIGHT = [33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246]
"""Mesh points around the opening of the eye; the subject's own sides."""

_RADIUS = 12.0  # px of the iris in the patch that is searched
_HALF = 33  # px from the patch's middle to its edge
_STEP = 0.16  # of the radius between neighbouring centres, then half of it
_REACH = 3  # steps from the network's centre in each direction
_RADII = np.array([0.92, 0.98, 1.04, 1.10, 1.16])  # of the canonical face's iris; people differ by some percent
_EDGE = 0.16  # of the radius: how far inside and outside of the edge the picture is compared
_HOLD = 0.5  # cost of a centre one radius from the network's, in units of the eye's contrast
_SIDE = np.radians(np.linspace(-50, 50, 15))
_ARCS = np.concatenate([_SIDE, np.pi + _SIDE])


def refine_iris(
    grey: np.ndarray, points: np.ndarray, centre: int, radius: float, turned: np.ndarray, squeeze: float
) -> np.ndarray:
    """The iris's centre (2,) px from a grey picture (h, w) float32 and mesh points (478, 2) px.

    centre: index of the network's centre in `points`; radius: of the iris [px] as the head's distance has it;
    turned (2,): unit direction in the picture along which the iris is foreshortened, to the share `squeeze` (0-1).
    """
    start = points[centre]
    scale = _RADIUS / radius
    onto = np.array([[scale, 0.0, _HALF - scale * start[0]], [0.0, scale, _HALF - scale * start[1]]])
    size = (2 * _HALF + 1, 2 * _HALF + 1)
    way = cv2.INTER_LINEAR if scale >= 1 else cv2.INTER_AREA
    patch = cv2.warpAffine(grey, onto, size, flags=way, borderMode=cv2.BORDER_REPLICATE)
    patch = cv2.GaussianBlur(patch, (0, 0), max(0.8, 0.35 * scale))
    lids = (points[LIDS_LEFT if centre > 470 else LIDS_RIGHT] - start) * scale + _HALF
    opening = np.zeros(size, np.uint8)
    cv2.fillPoly(opening, [np.round(lids * 16).astype(np.int32)], 255, shift=4)
    inside = patch[opening > 127]
    if len(inside) < 20:
        return start  # closed
    low, high = _spread(inside)
    if high - low < 1.0:
        return start
    both = cv2.merge([patch / np.float32(high - low), cv2.GaussianBlur(opening, (0, 0), 1.2) / np.float32(255)])

    circle = np.column_stack([np.cos(_ARCS), np.sin(_ARCS)])
    circle += np.outer((circle @ turned) * (squeeze - 1), turned)
    reach = np.arange(-_REACH, _REACH + 1) * _STEP
    score = _scores(both, circle, reach, reach, _RADII)
    k, i, j = (int(n) for n in np.unravel_index(score.argmax(), score.shape))
    x, y = reach[j] + _FINER, reach[i] + _FINER
    score = _scores(both, circle, x, y, _RADII[max(k - 1, 0) : k + 2])
    k, i, j = (int(n) for n in np.unravel_index(score.argmax(), score.shape))
    half = _FINER[1] - _FINER[0]
    found = np.array([x[j] + half * _peak(score[k, i], j), y[i] + half * _peak(score[k, :, j], i)])
    return start + found * _RADIUS / scale


_FINER = np.arange(-2, 3) * _STEP / 2


def _scores(both: np.ndarray, circle: np.ndarray, x: np.ndarray, y: np.ndarray, radii: np.ndarray) -> np.ndarray:
    """Step across the edge for circles at offsets x (w,), y (h,) and radii (r,), all in radii; shape (r, h, w).

    `both`: the patch in units of the eye's contrast, and how open the lids leave it (0-1).
    """
    shape = (2 * len(radii), len(y), len(x), len(circle))
    rims = _RADIUS * np.concatenate([radii * (1 + _EDGE), radii * (1 - _EDGE)])
    columns = (_HALF + _RADIUS * x[:, None] + (rims[:, None] * circle[:, 0])[:, None]).astype(np.float32)
    rows = (_HALF + _RADIUS * y[:, None] + (rims[:, None] * circle[:, 1])[:, None]).astype(np.float32)
    flat = (shape[0] * shape[1], shape[2] * shape[3])
    values = cv2.remap(
        both,
        np.broadcast_to(columns[:, None], shape).reshape(flat),
        np.broadcast_to(rows[:, :, None], shape).reshape(flat),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    ).reshape(2, len(radii), len(y), len(x), 2, len(_SIDE), 2)
    step, open_ = values[0, ..., 0] - values[1, ..., 0], values[0, ..., 1]
    # A side of which the lids show little counts little: three samples of nothing stand beside it.
    sides = (open_ * step).sum(-1) / (open_.sum(-1) + 3.0)
    return sides.mean(-1) - _HOLD * (x[None, None, :] ** 2 + y[None, :, None] ** 2)


def _spread(values: np.ndarray) -> tuple[float, float]:
    """The 5th and the 95th percentile; numpy's own costs as much as the search for the iris."""
    ordered = np.sort(values)
    places = np.array([0.05, 0.95]) * (len(ordered) - 1)
    low, high = np.interp(places, np.arange(len(ordered)), ordered)
    return float(low), float(high)


def _peak(values: np.ndarray, index: int) -> float:
    """Offset [-0.5, 0.5] of a parabola's top from the largest of evenly spaced values; 0 at the border."""
    if index in (0, len(values) - 1):
        return 0.0
    before, top, after = values[index - 1 : index + 2]
    bend = before - 2 * top + after
    return float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else 0.0
