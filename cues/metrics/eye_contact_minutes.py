"""Eye contact and mutual gaze per minute and per session (METHOD 2.10, 5.1, 5.2).

Conventions
-----------
A minute is [start, end) in seconds, cut short by the caller where the recording ends. Percentages are 0-100,
coverage is 0-1, counts are of episodes that begin in the minute. Not known is NaN. Blinks are left out of
every denominator. A person measured by the direction of the head only has `facing_*` columns, and no eye
contact.
"""

from dataclasses import dataclass

import numpy as np

from cues.metrics.episodes import NO, UNKNOWN, YES, Episode, episodes_of, sample_ends
from cues.metrics.eye_contact import GAZE, HEAD_ONLY, EyeContact
from cues.metrics.gaze_decision import AWAY_KINDS, decide, settle
from cues.metrics.gaze_target import CONFIDENT, NOT_MEASURABLE
from cues.parameters import Parameters

Row = dict[str, float | str | None]

_FIGURES = (
    *("pct", "lo_pct", "hi_pct", "coverage", "episodes", "mean_s", "median_s", "longest_s", "censored"),
    *AWAY_KINDS,
    *("listening_pct", "speaking_pct"),
)


@dataclass(frozen=True)
class Intervals:
    """Measurement intervals of k minutes (METHOD 5.2): least and greatest percentage (k,), NaN where there is
    no figure; low_confidence (k,): wider than `interval_low_pp`; dash (k,): so wide that no figure is
    shown."""

    lo_pct: np.ndarray
    hi_pct: np.ndarray
    low_confidence: np.ndarray
    dash: np.ndarray


def eye_contact_minute(result: EyeContact, start: float, end: float, parameters: Parameters) -> Row:
    """The columns `eye_contact_*`, `facing_*` and `camera_gaze_*` of one minute.

    Percentages and counts are NaN outside the state `confident`, and the percentage also where less than
    `coverage_min` of the minute was measured; coverage is always given. `eye_contact_lo_pct`/`hi_pct`: all
    unmeasured time away / all of it contact. Mean, median and longest are of whole episodes, `censored` of
    which have an end that was not seen.
    """
    row: Row = {f"{thing}_{name}": float("nan") for thing in ("eye_contact", "facing") for name in _FIGURES}
    row["eye_contact_state"] = result.state if result.method == GAZE else NOT_MEASURABLE
    row["facing_state"] = result.state if result.method == HEAD_ONLY else None
    row["eye_contact_coverage"] = _coverage(result, result.gaze_measured, start, end)
    thing = "eye_contact" if result.method == GAZE else "facing"
    coverage = _coverage(result, result.measured, start, end)
    row[f"{thing}_coverage"] = coverage
    if result.state == CONFIDENT:
        row |= {
            f"{thing}_{name}": value
            for name, value in _figures(result, start, end, coverage, parameters).items()
        }
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


def eye_contact_intervals(
    result: EyeContact, starts: np.ndarray, ends: np.ndarray, parameters: Parameters
) -> Intervals:
    """The percentage under nine settings for all minutes at once: target's centre -, 0, + its uncertainty
    (along the line to the nearest competing place) times the threshold x 0.8, 1, 1.2 (METHOD 5.2)."""
    gaze, quality = parameters.gaze, parameters.quality
    starts, ends = np.asarray(starts, float), np.asarray(ends, float)
    nothing = np.full(len(starts), np.nan)
    if result.state != CONFIDENT:
        return Intervals(nothing, nothing.copy(), np.zeros(len(starts), bool), np.zeros(len(starts), bool))
    decision = result.decision
    seconds = sample_ends(result.time, decision.longest) - result.time
    first, past = np.searchsorted(result.time, starts), np.searchsorted(result.time, ends)
    shift = decision.toward_competitor * decision.centre_error
    grid = []
    for direction in (-1.0, 0.0, 1.0):
        distance = np.hypot(*(decision.offset - direction * shift).T)
        for factor in gaze.interval_theta:
            enter, leave = result.theta_in_deg * factor, result.theta_out_deg * factor
            states = decide(distance, enter, leave, decision, result.time, gaze)
            counted = np.where(result.blink, 0.0, seconds)
            yes = _between(np.where(states == YES, counted, 0.0), first, past)
            valid = _between(np.where(states != UNKNOWN, counted, 0.0), first, past)
            grid.append(np.where(valid > 0, 100 * yes / np.where(valid > 0, valid, 1), np.nan))
    lo, hi = np.min(grid, 0), np.max(grid, 0)
    measured = np.array([_coverage(result, result.measured, a, b) for a, b in zip(starts, ends, strict=True)])
    lo[~(measured >= quality.coverage_min)] = np.nan
    hi[~(measured >= quality.coverage_min)] = np.nan
    width = np.nan_to_num(hi - lo)
    return Intervals(lo, hi, width > quality.interval_low_pp, width > quality.interval_drop_pp)


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


def mutual_gaze_minute(a: EyeContact, b: EyeContact, start: float, end: float, parameters: Parameters) -> Row:
    """The columns `mutual_gaze_*` of one minute; both people share their sample times.

    `one_way_pct`: a looks at b while b does not look back. NaN unless both are `confident`.
    """
    names = ("pct", "one_way_pct", "coverage", "episodes", "mean_s", "longest_s")
    row: Row = {f"mutual_gaze_{name}": float("nan") for name in names}
    blink = a.blink | b.blink
    coverage = _share(a, a.gaze_measured & b.gaze_measured, blink, start, end)
    row["mutual_gaze_coverage"] = coverage
    if mutual_gaze_reason(a, b):
        return row
    states = mutual_gaze_states(a, b, parameters)
    seconds = np.where(blink, 0.0, _seconds(a, start, end))
    known = (a.states != UNKNOWN) & (b.states != UNKNOWN)
    if coverage >= parameters.quality.coverage_min:
        row["mutual_gaze_pct"] = _percent(seconds[known & (states == YES)].sum(), seconds[known].sum())
        one_way = known & (a.states == YES) & (b.states == NO)
        row["mutual_gaze_one_way_pct"] = _percent(seconds[one_way].sum(), seconds[known].sum())
    found = [e for e in mutual_gaze_episodes(a, b, parameters) if start <= e.start < end]
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
        row |= {"mean_s": lengths.mean(), "median_s": float(np.median(lengths)), "longest_s": lengths.max()}
    kinds = [e.kind for e in result.aways if start <= e.start < end]
    row |= {kind: float(kinds.count(kind)) for kind in AWAY_KINDS}
    if result.speaking is not None:
        for name, state in (("listening_pct", 2), ("speaking_pct", 1)):
            row[name] = _while(result, result.speaking == state, start, end, parameters)
    return row


def _while(result: EyeContact, rows: np.ndarray, start: float, end: float, parameters: Parameters) -> float:
    """Percent contact in the samples `rows` of a minute; NaN for too little of them."""
    seconds = np.where(result.blink | ~rows, 0.0, _seconds(result, start, end))
    known = seconds[result.states != UNKNOWN].sum()
    if (
        seconds.sum() < parameters.gaze.speech_state_min_s
        or known < parameters.quality.coverage_min * seconds.sum()
    ):
        return float("nan")
    return _percent(seconds[result.states == YES].sum(), known)


def _state_seconds(
    result: EyeContact, states: np.ndarray, start: float, end: float
) -> tuple[float, float, float]:
    """Seconds of contact, away and unknown in a minute, without blinks; time without samples is unknown."""
    seconds = _seconds(result, start, end)
    blink = float(seconds[result.blink].sum())
    counted = np.where(result.blink, 0.0, seconds)
    yes, no = float(counted[states == YES].sum()), float(counted[states == NO].sum())
    return yes, no, max(0.0, end - start - blink - yes - no)


def _coverage(result: EyeContact, measured: np.ndarray, start: float, end: float) -> float:
    return _share(result, measured, result.blink, start, end)


def _share(result: EyeContact, rows: np.ndarray, blink: np.ndarray, start: float, end: float) -> float:
    seconds = _seconds(result, start, end)
    total = end - start - seconds[blink].sum()
    return min(1.0, float(seconds[rows & ~blink].sum() / total)) if total > 0 else float("nan")


def _seconds(result: EyeContact, start: float, end: float) -> np.ndarray:
    """What each sample stands for [s] within [start, end), (n,)."""
    ends = np.minimum(sample_ends(result.time, result.decision.longest), end)
    return np.clip(ends - np.maximum(result.time, start), 0, None)


def _percent(part: float, whole: float) -> float:
    return float(100 * part / whole) if whole > 0 else float("nan")


def _between(seconds: np.ndarray, first: np.ndarray, past: np.ndarray) -> np.ndarray:
    total = np.append(0.0, np.cumsum(seconds))
    return total[past] - total[first]
