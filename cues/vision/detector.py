"""Where faces or bodies are in a picture: a single-shot detector's raw output as rectangles and key points.

Both detectors of the model files are of one kind (Bazarevsky et al., BlazeFace, 2019): at each anchor, a place on a
grid over the input, the network tells a score and the rectangle and key points relative to that place. Rectangles that
overlap are one find, their mean weighted by score. Settings are those of MediaPipe's published graphs for these files,
so that what is found is what its Tasks find (`tests/vision/test_landmarks.py`).
"""

from dataclasses import dataclass

import numpy as np

from cues.vision.inference import Network
from cues.vision.region import Region, View

_SCORE_MIN = 0.5
_OVERLAP = 0.5  # intersection over union above which two rectangles show one thing


@dataclass(frozen=True)
class Detection:
    """`low`, `high` (2,): corners; `points` (k, 2): key points; all px of the picture."""

    low: np.ndarray
    high: np.ndarray
    points: np.ndarray


class Detector:
    """A detector network; `strides` [input px] of its grids of anchors."""

    def __init__(self, bundle: str, member: str, strides: tuple[int, ...]) -> None:
        self._network = Network(bundle, member, (0, 1), scale=2 / 255, offset=-1.0)
        self._side = self._network.shape[0]
        self._anchors = _anchors(self._side, strides)

    def find(self, view: View, most: int) -> list[Detection]:
        """At most `most` of them, the surest first."""
        whole = Region(np.array(view.size) / 2, np.full(2, max(view.size), float), 0.0)
        places, scores = self._network.run(whole.cut(view, self._side, beyond_black=True))
        sure = np.flatnonzero(scores >= np.log(_SCORE_MIN / (1 - _SCORE_MIN)))
        if not len(sure):
            return []
        sure = sure[np.argsort(-scores[sure], kind="stable")]
        weights = 1 / (1 + np.exp(-np.maximum(scores[sure].astype(float), -100)))
        # As in the input, 0-1: centre, size and key points, all but the size relative to the anchor.
        pairs = places[sure].reshape(len(sure), -1, 2).astype(float) / self._side
        anchors = self._anchors[sure]
        centre, half, points = pairs[:, 0] + anchors, pairs[:, 1] / 2, pairs[:, 2:] + anchors[:, None]
        corners = np.concatenate([(centre - half)[:, None], (centre + half)[:, None], points], axis=1)
        found = _distinct(corners, weights)[:most]
        return [Detection(p[0], p[1], p[2:]) for p in (whole.size * (f - 0.5) + whole.centre for f in found)]


def _anchors(side: int, strides: tuple[int, ...]) -> np.ndarray:
    """Centres (n, 2), 0-1: two anchors in each cell and grid; grids of one stride share their cells."""
    found = []
    for stride in dict.fromkeys(strides):
        cells = -(-side // stride)
        y, x = np.mgrid[:cells, :cells]
        centres = (np.column_stack([x.ravel(), y.ravel()]) + 0.5) / cells
        found.append(np.repeat(centres, 2 * strides.count(stride), axis=0))
    return np.concatenate(found)


def _distinct(corners: np.ndarray, weights: np.ndarray) -> list[np.ndarray]:
    """Means of those that overlap the surest one, then of those that overlap the surest of the rest, and so on.

    corners (n, 2 + k, 2): low, high and key points, the surest first.
    """
    found, rest = [], np.arange(len(corners))
    while len(rest):
        first, others = corners[rest[0]], corners[rest]
        shared = np.maximum(np.minimum(first[1], others[:, 1]) - np.maximum(first[0], others[:, 0]), 0).prod(1)
        areas = (others[:, 1] - others[:, 0]).prod(1)
        same = shared > _OVERLAP * (areas[0] + areas - shared)
        same[0] = True
        found.append(np.average(others[same], axis=0, weights=weights[rest[same]]))
        rest = rest[~same]
    return found
