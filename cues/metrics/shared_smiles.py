"""Shared smiles as events: whose smile followed whose, after how long, and how many chance alone would give.

Conventions
-----------
Two smiles belong together when each is the other's nearest in time of beginning, so one smile never answers
two. The delay is the follower's beginning minus the leader's [s], never negative:
* mirrored: more than 0.2 s and at most 2.0 s,
* simultaneous: at most 0.2 s (the order means nothing),
* joined: the follower began later than that, while the leader was still smiling. Not compared with chance.
Smiles whose beginning was not seen take no part, except that they can be joined.
Chance: the same count with one person's smiles shifted against the other's round the circle of the recording,
by every whole second from 10 s on. It keeps how often each smiles, and takes away who answers whom.

Source: METHOD 4.6.
"""

from dataclasses import dataclass

import numpy as np

from cues.metrics.smiles import Smiles
from cues.parameters import Mirroring as MirroringParameters


@dataclass(frozen=True)
class SharedSmile:
    """Two smiles that belong together. `kind`: mirrored, simultaneous or joined; times and delay in s."""

    leader: int
    follower: int
    onset_leader: float
    onset_follower: float
    delay: float
    kind: str


@dataclass(frozen=True)
class SmileChance:
    """How many shared smiles (mirrored and simultaneous) chance gives, from `shifts` circular shifts.

    Expected counts for the session: `mirrored`, `simultaneous`, `first_leads`, `second_leads` (mirrored, by
    direction). `p` is the share of shifts with at least as many mirrored and simultaneous smiles as there
    were, (1 + k) / (1 + n). `times` and `weights` spread the expectation over the session: each smile's
    beginning [s] and how many shared smiles chance gives it (each pair counts half at either smile). All NaN
    or empty where the recording is too short to shift.
    """

    mirrored: float
    simultaneous: float
    first_leads: float
    second_leads: float
    p: float
    shifts: int
    times: np.ndarray
    weights: np.ndarray

    def between(self, start: float, end: float) -> float:
        """Expected mirrored and simultaneous smiles in [start, end) s; NaN where chance is not known."""
        if self.shifts == 0:
            return float("nan")
        return float(self.weights[(self.times >= start) & (self.times < end)].sum())


def find_shared_smiles(first: Smiles, second: Smiles, p: MirroringParameters) -> list[SharedSmile]:
    """All shared smiles of two people, in order of the follower's beginning."""
    a, b = (s[np.isfinite(s)] for s in (first.onsets, second.onsets))
    found: list[SharedSmile] = []
    paired: tuple[set[float], set[float]] = (set(), set())
    for i, j in _nearest_pairs(a, b, p.response_max_s):
        delay = float(b[j] - a[i])
        kind = "simultaneous" if abs(delay) <= p.response_min_s else "mirrored"
        leads = (first, second, a[i], b[j]) if delay >= 0 else (second, first, b[j], a[i])
        found.append(_shared(*leads, kind))
        paired[0].add(float(a[i]))
        paired[1].add(float(b[j]))
    for follower, leader, own, taken in ((first, second, a, paired[0]), (second, first, b, paired[1])):
        starts = np.array([e.start for e in leader.events])
        ends = np.array([e.end for e in leader.events])
        for onset in own:
            before = int(np.searchsorted(starts, onset - p.response_max_s)) - 1
            if float(onset) not in taken and before >= 0 and onset < ends[before]:
                found.append(_shared(leader, follower, starts[before], onset, "joined"))
    return sorted(found, key=lambda shared: shared.onset_follower)


def smile_chance(first: Smiles, second: Smiles, duration: float, p: MirroringParameters) -> SmileChance:
    """What circular shifts of the second person's smiles give, in a recording of `duration` s."""
    a, b = (s[np.isfinite(s)] for s in (first.onsets, second.onsets))
    shifts = np.arange(p.min_shift_s, duration - p.min_shift_s + 1e-9, p.shift_step_s)
    nan = float("nan")
    if len(shifts) < 10 or duration <= 4 * p.response_max_s:
        return SmileChance(nan, nan, nan, nan, nan, 0, np.empty(0), np.empty(0))
    i, j, k, delay = _pairs_at_shifts(a, b, shifts, duration, p.response_max_s)
    simultaneous = np.abs(delay) <= p.response_min_s
    n = len(shifts)
    observed = len(_nearest_pairs(a, b, p.response_max_s))
    at_least = int((np.bincount(k, minlength=n) >= observed).sum())
    weights = np.concatenate([np.bincount(i, minlength=len(a)), np.bincount(j, minlength=len(b))]) / (2 * n)
    return SmileChance(
        mirrored=float((~simultaneous).sum() / n),
        simultaneous=float(simultaneous.sum() / n),
        first_leads=float((~simultaneous & (delay > 0)).sum() / n),
        second_leads=float((~simultaneous & (delay < 0)).sum() / n),
        p=(1 + at_least) / (1 + n),
        shifts=n,
        times=np.concatenate([a, b]),
        weights=weights,
    )


def _shared(leader: Smiles, follower: Smiles, onset_leader: float, onset_follower: float, kind: str) -> SharedSmile:
    onsets = float(onset_leader), float(onset_follower)
    return SharedSmile(leader.person, follower.person, *onsets, onsets[1] - onsets[0], kind)


def _nearest_pairs(a: np.ndarray, b: np.ndarray, longest: float) -> list[tuple[int, int]]:
    """(i, j) where b[j] is the nearest of b to a[i] and a[i] the nearest of a to b[j], within `longest` s."""
    if len(a) == 0 or len(b) == 0:
        return []
    apart = np.abs(b[None, :] - a[:, None])
    j = apart.argmin(1)  # the earliest of equals, as in the other direction: a smile is never used twice
    mutual = (apart.argmin(0)[j] == np.arange(len(a))) & (apart[np.arange(len(a)), j] <= longest)
    return [(int(i), int(j[i])) for i in np.flatnonzero(mutual)]


def _pairs_at_shifts(
    a: np.ndarray, b: np.ndarray, shifts: np.ndarray, duration: float, longest: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The mutually nearest pairs with b shifted by each of `shifts` (even) s: i, j, index of shift, delay."""
    if len(a) == 0 or len(b) == 0:
        none = np.empty(0, int)
        return none, none, none, np.empty(0)
    step = shifts[1] - shifts[0]
    apart = (b[None, :] - a[:, None]).ravel()
    nearest = np.round((np.mod(-apart, duration) - shifts[0]) / step).astype(int)
    reach = int(np.ceil(longest / step))
    k = nearest[:, None] + np.arange(-reach, reach + 1)
    pair = np.broadcast_to(np.arange(len(apart))[:, None], k.shape)[(k >= 0) & (k < len(shifts))]
    k = k[(k >= 0) & (k < len(shifts))]
    delay = np.mod(apart[pair] + shifts[k] + duration / 2, duration) - duration / 2
    close = np.abs(delay) <= longest
    pair, k, delay = pair[close], k[close], delay[close]
    i, j = np.divmod(pair, len(b))
    size = np.abs(delay)
    nearest_a = np.full(len(a) * len(shifts), np.inf)
    nearest_b = np.full(len(b) * len(shifts), np.inf)
    np.minimum.at(nearest_a, i * len(shifts) + k, size)
    np.minimum.at(nearest_b, j * len(shifts) + k, size)
    mutual = (size == nearest_a[i * len(shifts) + k]) & (size == nearest_b[j * len(shifts) + k])
    return i[mutual], j[mutual], k[mutual], delay[mutual]
