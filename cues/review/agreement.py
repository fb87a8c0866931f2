"""How far two views of one session agree: frame by frame (Cohen's kappa) and episode by episode (F1).

Conventions
-----------
A view is a list of stretches (start, end) [s] in which a cue is seen. Frames are `FRAME_S` apart. A frame nearer than
`COLLAR_S` to a beginning or an end in either view is left out: nobody sets an end more exactly (the forgiveness collar
of NIST's md-eval). Kappa is (p - e) / (1 - e), p the share of frames in which both say the same, e what their own
shares alone give (Cohen 1960); there is none where e is 1. F1 is 2 m / (a + b), m the pairs of stretches with an
intersection over union above `EVENT_IOU` (unique, as the stretches of a view do not overlap), a and b how many
stretches each has; there is none where nobody has one.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from cues.metrics.episodes import iou

FRAME_S, COLLAR_S, EVENT_IOU = 0.1, 0.25, 0.5
_ROUNDING_S = 1e-6
"""Times of frames and ends are sums of hundredths: a frame just at the collar counts, whatever the last bits say."""

Stretch = tuple[float, float]


@dataclass(frozen=True)
class Agreement:
    """kappa, f1: None where there is none. frames: how many were compared; episodes: of the one and of the other view;
    matched: pairs of them."""

    kappa: float | None
    frames: int
    f1: float | None
    episodes: tuple[int, int]
    matched: int


def agreement(
    one: Sequence[Stretch], other: Sequence[Stretch], within: Iterable[Stretch], collar_s: float = COLLAR_S
) -> Agreement:
    """Two views compared inside the stretches `within`; an episode counts where its middle lies inside."""
    one, other, within = _joined(one), _joined(other), list(within)
    time = np.concatenate([np.arange(a + FRAME_S / 2, b, FRAME_S) for a, b in within]) if within else np.zeros(0)
    edges = np.array(sorted({edge for stretch in (*one, *other) for edge in stretch}))
    counted = time[_distance(time, edges) >= collar_s - _ROUNDING_S]
    a, b = _holds(counted, one), _holds(counted, other)
    firsts, seconds = _inside(one, within), _inside(other, within)
    matched = sum(any(iou(x, y) > EVENT_IOU for y in _touching(seconds, x)) for x in firsts)
    total = len(firsts) + len(seconds)
    return Agreement(
        cohens_kappa(a, b), len(counted), 2 * matched / total if total else None, (len(firsts), len(seconds)), matched
    )


def cohens_kappa(one: np.ndarray, other: np.ndarray) -> float | None:
    """Kappa of two series of bool (n,); None where chance alone would agree always, or there is no frame."""
    if not len(one):
        return None
    same, a, b = float((one == other).mean()), float(one.mean()), float(other.mean())
    chance = a * b + (1 - a) * (1 - b)
    return None if math.isclose(chance, 1.0) else (same - chance) / (1 - chance)


def wilson(hits: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """Interval of a share (0-1) after `hits` in `of` trials, 95 % for the usual z (Wilson 1927); (0, 1) of none."""
    if of == 0:
        return 0.0, 1.0
    share, square = hits / of, z * z / of
    middle, half = share + square / 2, z * math.sqrt(share * (1 - share) / of + square / (4 * of))
    return max(0.0, (middle - half) / (1 + square)), min(1.0, (middle + half) / (1 + square))


def _joined(stretches: Iterable[Stretch]) -> list[Stretch]:
    """Stretches by time, those that overlap or touch made one."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            start, end = found[-1][0], max(end, found.pop()[1])
        found.append((start, end))
    return found


def _touching(stretches: Sequence[Stretch], one: Stretch) -> Sequence[Stretch]:
    """Those of disjoint ones, by time, that can overlap `one`."""
    first = bisect_right(stretches, one[0], key=itemgetter(1))
    return stretches[first : bisect_left(stretches, one[1], key=itemgetter(0))]


def _holds(time: np.ndarray, stretches: Sequence[Stretch]) -> np.ndarray:
    if not stretches:
        return np.zeros(len(time), bool)
    starts, ends = np.array(stretches).T
    at = np.searchsorted(starts, time, side="right") - 1
    held: np.ndarray = (at >= 0) & (time < ends[np.maximum(at, 0)])
    return held


def _distance(time: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """How far each time is from the nearest edge [s]."""
    if not len(edges):
        return np.full(len(time), np.inf)
    after = np.clip(np.searchsorted(edges, time), 0, len(edges) - 1)
    return np.minimum(np.abs(edges[after] - time), np.abs(edges[np.maximum(after - 1, 0)] - time))


def _inside(stretches: Sequence[Stretch], within: Sequence[Stretch]) -> list[Stretch]:
    return [s for s in stretches if any(a <= (s[0] + s[1]) / 2 < b for a, b in within)]
