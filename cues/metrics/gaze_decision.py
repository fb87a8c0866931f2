"""From distances to the target to contact, away and unknown, and to episodes (METHOD 2.6).

Conventions
-----------
Arrays have shape (n,) unless said. `longest` [s] is how long a sample can stand at most. Everything here
works on whole arrays, because the measurement interval makes all states nine times.
"""

from dataclasses import dataclass

import numpy as np

from cues.metrics.episodes import NO, UNKNOWN, YES, Episode, sample_ends
from cues.metrics.lids import CLOCK_TOLERANCE_S, run_bounds, runs_within
from cues.parameters import Gaze

AWAY_KINDS = ("away_up", "away_down", "away_left", "away_right", "eyes_closed")
UP, DOWN, LEFT, RIGHT, CLOSED = range(5)


@dataclass(frozen=True)
class Decision:
    """What the states are made from; kept so that they can be made again under other thresholds.

    offset (n, 2): angles from the target's centre [deg], along the wider axis of an oval cluster shrunk to
    the narrow one; NaN where the direction was not measured. usable (n,): it was. away_forced (n,): eyes
    closed or looking down where the irises cannot be read. blink (n,). toward_competitor (2,): direction to
    the nearest other candidate. centre_error [deg]: uncertainty of the centre.
    """

    offset: np.ndarray
    usable: np.ndarray
    away_forced: np.ndarray
    blink: np.ndarray
    toward_competitor: np.ndarray
    centre_error: float
    longest: float


def decide(
    distance: np.ndarray, enter: float, leave: float, decision: Decision, time: np.ndarray, gaze: Gaze
) -> np.ndarray:
    """State series int8 (n,): YES within `enter` [deg] of the target until further than `leave`; blinks
    bridged, gaps filled, glances below `min_episode_s` dropped.

    NaN distances are UNKNOWN unless `away_forced`. The side of a blink or short gap carries over to after it.
    """
    inside = _inside(distance, enter, leave, decision, time, gaze)
    states = np.where(decision.usable & np.isfinite(distance), inside, UNKNOWN).astype(np.int8)
    states[decision.away_forced] = NO
    return settle(states, decision.blink, time, decision.longest, gaze)


def _inside(
    distance: np.ndarray, enter: float, leave: float, decision: Decision, time: np.ndarray, gaze: Gaze
) -> np.ndarray:
    event = np.zeros(len(distance), np.int8)
    missing = ~np.isfinite(distance)
    event[missing & ~runs_within(missing, time, decision.longest, gaze.blink_max_s)] = -1
    event[np.append(False, np.diff(time) > gaze.blink_max_s)] = -1
    event[distance <= enter] = 1
    event[(distance > leave) | decision.away_forced] = -1
    last = np.maximum.accumulate(np.where(event != 0, np.arange(len(event)), -1))
    return np.where((last >= 0) & (event[last] == 1), YES, NO)


def settle(states: np.ndarray, blink: np.ndarray, time: np.ndarray, longest: float, gaze: Gaze) -> np.ndarray:
    """States with blinks and short unknowns bridged where both sides agree, short gaps filled, glances
    dropped."""
    if len(states) == 0:
        return states.copy()
    ends = sample_ends(time, longest)
    first, past, value, before, after = _runs(states)
    length = ends[past - 1] - time[first]
    all_blink = np.add.reduceat(blink.astype(int), first) == past - first
    limit = np.where(all_blink, gaze.blink_max_s, gaze.fill_gap_s) + CLOCK_TOLERANCE_S
    bridged = (value == UNKNOWN) & (before == after) & (length <= limit)
    states = np.repeat(np.where(bridged, before, value), past - first).astype(np.int8)

    contact = states == YES
    first, past, value, before, after = _runs(contact.astype(np.int8))
    length = ends[past - 1] - time[first]
    gap = (value == 0) & (before == 1) & (after == 1) & (length <= gaze.fill_gap_s + CLOCK_TOLERANCE_S)
    states[np.repeat(gap, past - first)] = YES

    first, past, value, before, after = _runs(states)
    length = ends[past - 1] - time[first]
    glance = (value == YES) & (length < gaze.min_episode_s - CLOCK_TOLERANCE_S)
    becomes = np.where((before == NO) | (after == NO), NO, UNKNOWN)
    return np.repeat(np.where(glance, becomes, value), past - first).astype(np.int8)


def contact_episodes(
    states: np.ndarray, distance: np.ndarray, time: np.ndarray, longest: float, kind: str, gaze: Gaze
) -> tuple[list[Episode], np.ndarray]:
    """Episodes of YES (strength: mean distance from the target [deg]), and which of them are censored, (k,)
    bool.

    Censored: the recording began or ended, or nothing was known for longer than `fill_gap_s`, right before or
    after.
    """
    if len(states) == 0:
        return [], np.zeros(0, bool)
    ends = sample_ends(time, longest)
    first, past, value, before, after = _runs(states)
    length = ends[past - 1] - time[first]
    opaque = (value == UNKNOWN) & (length > gaze.blink_max_s + CLOCK_TOLERANCE_S)
    edge = np.append(np.append(True, opaque), True)
    mean = _run_means(distance, first)
    contact = np.flatnonzero(value == YES)
    found = [Episode(float(time[first[k]]), float(ends[past[k] - 1]), kind, float(mean[k])) for k in contact]
    return found, edge[contact] | edge[contact + 2]


def away_kinds(angles: np.ndarray, closed: np.ndarray, down: np.ndarray) -> np.ndarray:
    """Which way each sample looks away, (n,) int: an index into AWAY_KINDS, -1 unknown. `angles` (n, 2) [deg]
    from the target; `closed` wins over `down`, both over the angles."""
    h, v = angles[:, 0], angles[:, 1]
    with np.errstate(invalid="ignore"):
        kinds = np.where(np.abs(v) > np.abs(h), np.where(v > 0, UP, DOWN), np.where(h > 0, RIGHT, LEFT))
    kinds[~np.isfinite(h)] = -1
    kinds[down] = DOWN
    kinds[closed] = CLOSED
    return kinds


def away_episodes(
    states: np.ndarray, kinds: np.ndarray, distance: np.ndarray, time: np.ndarray, longest: float, gaze: Gaze
) -> list[Episode]:
    """Looks away of at least `min_away_s`, each under the direction it mostly had; strength: mean distance
    [deg]."""
    if len(states) == 0:
        return []
    ends = sample_ends(time, longest)
    first, past, value, _, _ = _runs(states)
    votes = np.add.reduceat(kinds[:, None] == np.arange(len(AWAY_KINDS)), first, axis=0, dtype=int)
    mean = _run_means(distance, first)
    long = ends[past - 1] - time[first] >= gaze.min_away_s - CLOCK_TOLERANCE_S
    return [
        Episode(
            float(time[first[k]]),
            float(ends[past[k] - 1]),
            AWAY_KINDS[int(votes[k].argmax())],
            float(mean[k]),
        )
        for k in np.flatnonzero((value == NO) & long & (votes.sum(1) > 0))
    ]


def _run_means(values: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Mean of the valid values of each run, (k,); NaN for a run without."""
    valid = np.isfinite(values)
    total, count = (
        np.add.reduceat(np.where(valid, values, 0.0), first),
        np.add.reduceat(valid.astype(int), first),
    )
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _runs(states: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Runs: first index, one past the last, state, state before, state after (UNKNOWN beyond the edges); each
    (k,)."""
    first, past = run_bounds(states)
    value = states[first].astype(np.int8)
    before = np.append(np.int8(UNKNOWN), value[:-1])
    after = np.append(value[1:], np.int8(UNKNOWN))
    return first, past, value, before, after
