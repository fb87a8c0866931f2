"""Stretches of time: from a series with three states to episodes.

Conventions
-----------
A state series is int8 of shape (n,): 1 yes, 0 no, -1 cannot tell (`YES`, `NO`, `UNKNOWN`).
`time` are the sample times [s], ascending; a sample stands for the time until the next one, at most `longest` seconds.
"""

from dataclasses import dataclass

import numpy as np

YES, NO, UNKNOWN = 1, 0, -1


@dataclass(frozen=True)
class Episode:
    """A stretch of time with a cue: start, end [s], what kind, how strong (unit of its cue)."""

    start: float
    end: float
    kind: str
    strength: float = float("nan")

    @property
    def duration(self) -> float:
        """Length [s]."""
        return self.end - self.start


def sample_ends(time: np.ndarray, longest: float) -> np.ndarray:
    """End [s] of each sample's stretch: the next sample's time, but at most `longest` seconds later; shape (n,)."""
    if len(time) == 0:
        return time.copy()
    following = np.append(time[1:], time[-1] + longest)
    return np.minimum(following, time + longest)


def hysteresis(value: np.ndarray, enter: float, leave: float) -> np.ndarray:
    """State series: YES from where `value` reaches `enter` until it falls below `leave` (enter >= leave).

    NaN gives UNKNOWN and ends a stretch: after it, `enter` must be reached again. Pass negated values for "below".
    """
    states = np.full(len(value), NO, np.int8)
    inside = False
    for i, v in enumerate(value):
        if np.isnan(v):
            inside, states[i] = False, UNKNOWN
            continue
        inside = v >= enter or (inside and v >= leave)
        states[i] = YES if inside else NO
    return states


def runs(states: np.ndarray) -> list[tuple[int, int, int]]:
    """Maximal runs of equal state: (first index, one past the last, state)."""
    if len(states) == 0:
        return []
    edges = np.flatnonzero(np.diff(states)) + 1
    bounds = [0, *edges.tolist(), len(states)]
    return [(a, b, int(states[a])) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]


def relabel_short(
    states: np.ndarray, time: np.ndarray, longest: float, state: int, below_s: float, becomes: int, between: int | None
) -> np.ndarray:
    """A copy in which runs of `state` shorter than `below_s` become `becomes`.

    With `between` given, only runs that have that state on both sides (used to fill gaps and to bridge blinks).
    """
    out = states.copy()
    ends = sample_ends(time, longest)
    found = runs(states)
    for k, (a, b, s) in enumerate(found):
        if s != state or ends[b - 1] - time[a] >= below_s:
            continue
        if between is not None:
            inner = 0 < k < len(found) - 1
            if not inner or found[k - 1][2] != between or found[k + 1][2] != between:
                continue
        out[a:b] = becomes
    return out


def episodes_of(
    states: np.ndarray, time: np.ndarray, longest: float, kind: str, strength: np.ndarray | None = None
) -> list[Episode]:
    """An Episode for each run of YES; `strength` (n,) is reduced by its signed extreme over the run (NaN ignored)."""
    ends = sample_ends(time, longest)
    found = []
    for a, b, s in runs(states):
        if s == YES:
            peak = float("nan")
            if strength is not None and np.isfinite(strength[a:b]).any():
                part = strength[a:b]
                peak = float(part[np.nanargmax(np.abs(part))])
            found.append(Episode(float(time[a]), float(ends[b - 1]), kind, peak))
    return found


def iou(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Intersection over union of two stretches (start, end) [s]."""
    overlap = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    union = (a[1] - a[0]) + (b[1] - b[0]) - overlap
    return overlap / union if union > 0 else 0.0
