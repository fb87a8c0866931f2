"""Eye contact and mutual gaze per minute and per session (METHOD 2.10, 5.1, 5.2).

Conventions
-----------
A minute is [start, end) in seconds, cut short by the caller where the recording ends. Percentages are 0-100,
coverage is 0-1, counts are of episodes that begin in the minute. Not known is NaN. Blinks are left out of
every denominator. A person measured by the direction of the head only has `facing_*` columns, and no eye
contact.
"""

import numpy as np

from cues.metrics.episodes import NO, UNKNOWN, YES, Episode, episodes_of, sample_ends
from cues.metrics.eye_contact import EyeContact
from cues.metrics.gaze_decision import AWAY_KINDS, decide, settle
from cues.metrics.gaze_target import CONFIDENT, NOT_MEASURABLE
from cues.metrics.pointing import GAZE, HEAD_ONLY
from cues.parameters import Parameters

Row = dict[str, float | str | None]

THINGS = {GAZE: "eye_contact", HEAD_ONLY: "facing"}
"""Method -> first part of the names of its columns."""

_FIGURES = (
    *("pct", "lo_pct", "hi_pct", "coverage", "episodes", "mean_s", "median_s", "longest_s", "censored"),
    *AWAY_KINDS,
    *("listening_pct", "speaking_pct"),
)


def eye_contact_minute(result: EyeContact, start: float, end: float, parameters: Parameters) -> Row:
    """The columns `eye_contact_*`, `facing_*` and `camera_gaze_*` of one minute.

    Percentages and counts are NaN outside the state `confident`, and the percentage also where less than
    `coverage_min` of the minute was measured; coverage is always given. `eye_contact_lo_pct`/`hi_pct`: all
    unmeasured time away / all of it contact. Mean, median and longest are of whole episodes, `censored` of
    which have an end that was not seen.
    """
    row: Row = {f"{thing}_{name}": float("nan") for thing in THINGS.values() for name in _FIGURES}
    row["eye_contact_state"] = result.state if result.method == GAZE else NOT_MEASURABLE
    row["facing_state"] = result.state if result.method == HEAD_ONLY else None
    row["eye_contact_coverage"] = _coverage(result, result.gaze_measured, start, end)
    thing = THINGS[result.method]
    coverage = _coverage(result, result.measured, start, end)
    row[f"{thing}_coverage"] = coverage
    if result.state == CONFIDENT:
        row |= {f"{thing}_{name}": value for name, value in _figures(result, start, end, coverage, parameters).items()}
    row["camera_gaze_pct"] = row["camera_gaze_coverage"] = float("nan")
    if result.camera_zone is not None:
        yes, no, _ = _state_seconds(result, result.camera_zone.states, start, end)
        row["camera_gaze_coverage"] = row["eye_contact_coverage"]
        if coverage >= parameters.quality.coverage_min:
            row["camera_gaze_pct"] = _percent(yes, yes + no)
    return row


def eye_contact_summary(result: EyeContact, start: float, end: float, parameters: Parameters) -> Row:
    """The same columns for the whole session, and `eye_contact_valid_minutes` (of the method used).

    With fewer than `min_valid_minutes` minutes of enough coverage the percentages are NaN (METHOD 5.1).
    """
    row = eye_contact_minute(result, start, end, parameters)
    edges = np.arange(start, end, 60.0)
    shares = [_coverage(result, result.measured, a, min(a + 60, end)) for a in edges]
    valid = int(np.sum(np.array(shares) >= parameters.quality.coverage_min))
    if valid < parameters.quality.min_valid_minutes:
        row |= {name: float("nan") for name in row if name.endswith("_pct")}
    return row | {"eye_contact_valid_minutes": float(valid)}


def eye_contact_intervals(result: EyeContact, edges: np.ndarray, parameters: Parameters) -> dict[str, np.ndarray]:
    """Measurement intervals of all minutes at once (METHOD 5.2): `<thing>_pct_low` and `<thing>_pct_high`,
    (m,).

    `edges` (m + 1,) [s]. The least and the greatest percentage under nine settings: target's centre -, 0, +
    its uncertainty (along the line to the nearest competing place) times the threshold x 0.8, 1, 1.2. NaN
    where there is no percentage.
    """
    gaze = parameters.gaze
    starts, ends = np.asarray(edges[:-1], float), np.asarray(edges[1:], float)
    none = np.full(len(starts), np.nan)
    found = {f"{thing}_pct_{side}": none.copy() for thing in THINGS.values() for side in ("low", "high")}
    if result.state != CONFIDENT:
        return found
    decision = result.decision
    seconds = sample_ends(result.time, decision.longest) - result.time
    counted = np.where(result.blink, 0.0, seconds)
    first, past = np.searchsorted(result.time, starts), np.searchsorted(result.time, ends)
    shift = decision.toward_competitor * decision.centre_error
    grid = []
    for direction in (-1.0, 0.0, 1.0):
        distance = np.hypot(*(decision.offset - direction * shift).T)
        for factor in gaze.interval_theta:
            enter, leave = result.theta_in_deg * factor, result.theta_out_deg * factor
            states = decide(distance, enter, leave, decision, result.time, gaze)
            yes = _between(np.where(states == YES, counted, 0.0), first, past)
            valid = _between(np.where(states != UNKNOWN, counted, 0.0), first, past)
            grid.append(np.where(valid > 0, 100 * yes / np.where(valid > 0, valid, 1), np.nan))
    measured = _between(np.where(result.measured, counted, 0.0), first, past)
    total = ends - starts - _between(np.where(result.blink, seconds, 0.0), first, past)
    enough = measured >= parameters.quality.coverage_min * total
    thing = THINGS[result.method]
    found[f"{thing}_pct_low"] = np.where(enough, np.min(grid, 0), np.nan)
    found[f"{thing}_pct_high"] = np.where(enough, np.max(grid, 0), np.nan)
    return found


def mutual_gaze_states(a: EyeContact, b: EyeContact, parameters: Parameters) -> np.ndarray:
    """YES where both are in eye contact, NO where one is known not to be while the other is known, else
    UNKNOWN; (n,)."""
    states = np.where((a.states == YES) & (b.states == YES), YES, NO).astype(np.int8)
    states[(a.states == UNKNOWN) | (b.states == UNKNOWN)] = UNKNOWN
    return settle(states, a.blink | b.blink, a.time, a.decision.longest, parameters.gaze)


def mutual_gaze_episodes(a: EyeContact, b: EyeContact, parameters: Parameters) -> list[Episode]:
    """Stretches of at least `min_episode_s` in which both are in eye contact; none unless both are known to
    be."""
    if mutual_gaze_reason(a, b):
        return []
    return episodes_of(mutual_gaze_states(a, b, parameters), a.time, a.decision.longest, "mutual_gaze")


def mutual_gaze_reason(a: EyeContact, b: EyeContact) -> str:
    """Why there is no mutual gaze between two people, in plain words; "" when there is."""
    if a.method != GAZE or b.method != GAZE:
        return "the irises of at least one person cannot be read"
    if a.state != CONFIDENT or b.state != CONFIDENT:
        return "it is not known for both people where their partner is"
    if "SYNC_UNCERTAIN" in a.flags + b.flags:
        return "the two recordings may be out of step"
    return ""


def mutual_gaze_minute(
    a: EyeContact, b: EyeContact, together: list[Episode], start: float, end: float, parameters: Parameters
) -> Row:
    """The columns `mutual_gaze_*` of one minute; both people share their sample times.

    `together`: the session's `mutual_gaze_episodes`; an episode counts in the minute of its start.

    `one_way_pct`: a looks at b while b does not look back. NaN unless both are `confident`.
    """
    names = ("pct", "one_way_pct", "coverage", "episodes", "mean_s", "longest_s")
    row: Row = {f"mutual_gaze_{name}": float("nan") for name in names}
    blink = a.blink | b.blink
    coverage = _share(a, a.gaze_measured & b.gaze_measured, blink, start, end)
    row["mutual_gaze_coverage"] = coverage
    if mutual_gaze_reason(a, b):
        return row
    rows, seconds = _samples(a.time, a.decision.longest, start, end)
    counted = np.where(blink[rows], 0.0, seconds)
    by_a, by_b = a.states[rows], b.states[rows]
    known = (by_a != UNKNOWN) & (by_b != UNKNOWN)
    if coverage >= parameters.quality.coverage_min:
        both, one_way = (by_a == YES) & (by_b == YES), (by_a == YES) & (by_b == NO)
        row["mutual_gaze_pct"] = _percent(counted[both].sum(), counted[known].sum())
        row["mutual_gaze_one_way_pct"] = _percent(counted[one_way].sum(), counted[known].sum())
    found = [e for e in together if start <= e.start < end]
    lengths = np.array([e.duration for e in found])
    row["mutual_gaze_episodes"] = float(len(found))
    if len(found):
        row |= {"mutual_gaze_mean_s": float(lengths.mean()), "mutual_gaze_longest_s": float(lengths.max())}
    return row


def _figures(result: EyeContact, start: float, end: float, coverage: float, parameters: Parameters) -> Row:
    yes, no, unknown = _state_seconds(result, result.states, start, end)
    enough = coverage >= parameters.quality.coverage_min
    row: Row = {
        "pct": _percent(yes, yes + no) if enough else float("nan"),
        "lo_pct": _percent(yes, yes + no + unknown),
        "hi_pct": _percent(yes + unknown, yes + no + unknown),
    }
    begun = [k for k, e in enumerate(result.episodes) if start <= e.start < end]
    lengths = np.array([result.episodes[k].duration for k in begun])
    row["episodes"] = float(len(begun))
    row["censored"] = float(result.censored[begun].sum())
    if len(begun):
        row |= {"mean_s": float(lengths.mean()), "median_s": float(np.median(lengths))}
        row["longest_s"] = float(lengths.max())
    kinds = [e.kind for e in result.aways if start <= e.start < end]
    row |= {kind: float(kinds.count(kind)) for kind in AWAY_KINDS}
    if result.speaking is not None:
        row["listening_pct"] = _while(result, result.speaking == 2, start, end, parameters)
        row["speaking_pct"] = _while(result, result.speaking == 1, start, end, parameters)
    return row


def _while(result: EyeContact, counts: np.ndarray, start: float, end: float, parameters: Parameters) -> float:
    """Percent contact in a minute's samples that count, `counts` (n,) bool over all; NaN for too little of them."""
    rows, seconds = _samples(result.time, result.decision.longest, start, end)
    states = result.states[rows]
    counted = np.where(result.blink[rows] | ~counts[rows], 0.0, seconds)
    known = counted[states != UNKNOWN].sum()
    if counted.sum() < parameters.gaze.speech_state_min_s or known < parameters.quality.coverage_min * counted.sum():
        return float("nan")
    return _percent(counted[states == YES].sum(), known)


def _state_seconds(result: EyeContact, states: np.ndarray, start: float, end: float) -> tuple[float, float, float]:
    """Seconds of contact, away and unknown in a minute, without blinks; time without samples is unknown."""
    rows, seconds = _samples(result.time, result.decision.longest, start, end)
    blink, states = result.blink[rows], states[rows]
    counted = np.where(blink, 0.0, seconds)
    yes, no = float(counted[states == YES].sum()), float(counted[states == NO].sum())
    return yes, no, max(0.0, end - start - float(seconds[blink].sum()) - yes - no)


def _coverage(result: EyeContact, measured: np.ndarray, start: float, end: float) -> float:
    return _share(result, measured, result.blink, start, end)


def _share(result: EyeContact, flags: np.ndarray, blink: np.ndarray, start: float, end: float) -> float:
    rows, seconds = _samples(result.time, result.decision.longest, start, end)
    total = end - start - seconds[blink[rows]].sum()
    return min(1.0, float(seconds[flags[rows] & ~blink[rows]].sum() / total)) if total > 0 else float("nan")


def _samples(time: np.ndarray, longest: float, start: float, end: float) -> tuple[slice, np.ndarray]:
    """The samples that reach into [start, end), and what each stands for in it [s]."""
    first = max(0, int(np.searchsorted(time, start)) - 1)
    past = int(np.searchsorted(time, end))
    following = sample_ends(time[first : past + 1], longest)[: past - first]
    return slice(first, past), np.clip(np.minimum(following, end) - np.maximum(time[first:past], start), 0, None)


def _percent(part: float, whole: float) -> float:
    return float(100 * part / whole) if whole > 0 else float("nan")


def _between(seconds: np.ndarray, first: np.ndarray, past: np.ndarray) -> np.ndarray:
    total = np.append(0.0, np.cumsum(seconds))
    return total[past] - total[first]
