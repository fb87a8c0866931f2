"""Clips with most and with least of a cue, for two people to look at together.

A clip is `CLIP_S` long and lies where at least `LEAST_MEASURED` of it could be measured. Its share is the share of the
measured time with the cue (leaning: forward). No two clips overlap.
"""

from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from cues.metrics.episodes import UNKNOWN, YES
from cues.metrics.lean_states import FORWARD
from cues.metrics.minutes import Measured

CLIP_S, STEP_S, LEAST_MEASURED, OF_EACH = 20.0, 1.0, 0.8, 3


@dataclass(frozen=True)
class Clip:
    """A stretch [s] and its share (0-1) of the cue."""

    start: float
    end: float
    share: float


def most_and_least(measured: Measured, person: int, cue: str, duration_s: float) -> tuple[list[Clip], list[Clip]]:
    """At most `OF_EACH` clips with most and as many with least of a cue (a word of `cues.library.sessions.CUES`), each
    by time; every one of the first has more of it than any of the second, so both may be empty."""
    places: dict[str, Any] = {
        "eye_contact": measured.eye_contact,
        "forward_lean": measured.lean,
        "facial_mirroring": measured.smiles,
    }
    series = places[cue][person]
    clips = _clips(series.time, series.states, FORWARD if cue == "forward_lean" else YES, duration_s)
    by_share = sorted(clips, key=lambda c: (c.share, c.start))
    most: list[Clip] = []
    least: list[Clip] = []
    for _ in range(OF_EACH):  # in turn, so that a short session gives as many of the one as of the other
        for chosen, ordered in ((most, by_share[::-1]), (least, by_share)):
            free = (c for c in ordered if all(c.end <= o.start or o.end <= c.start for o in (*most, *least)))
            chosen.extend(islice(free, 1))
    count = min(len(most), len(least))
    while count and most[count - 1].share <= least[count - 1].share:
        count -= 1
    return sorted(most[:count], key=lambda c: c.start), sorted(least[:count], key=lambda c: c.start)


def _clips(time: np.ndarray, states: np.ndarray, yes: int, duration_s: float) -> list[Clip]:
    found = []
    for start in np.arange(0.0, duration_s - CLIP_S + 1e-6, STEP_S):
        part = states[slice(*np.searchsorted(time, (start - 1e-6, start + CLIP_S - 1e-6)).tolist())]
        known = part != UNKNOWN
        if len(part) and known.mean() >= LEAST_MEASURED:
            found.append(Clip(float(start), float(start + CLIP_S), float((part[known] == yes).mean())))
    return found
