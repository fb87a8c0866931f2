"""Facial mirroring (shared smiles): do two people's smiles go together more than chance would have it?

What is claimed is claimed of the session: the strength of going together against the same series shifted in
time. A minute has its shared smiles and whether it stands out from mismatched minutes (minute 3 of one person
with minute 7 of the other); a score of a minute does not exist. Where too little is expressed there is no
figure, rather than zero.

Conventions
-----------
Series come from `smiles.py`: 10 Hz, prewhitened. Strength is the mean over both directions of the highest
correlation within +-2 s, Fisher-transformed, signed. Lags and delays in seconds. The last, short minute has
events only.

Source: METHOD 4.3-4.7. Sums of products: `moving_correlation.py`; single smiles: `shared_smiles.py`.
"""

from dataclasses import dataclass

import numpy as np

from cues.metrics.episodes import YES, Episode
from cues.metrics.moving_correlation import lag_curves, minute_matrix, shifted_means, window_correlations
from cues.metrics.shared_smile_timeline import shared_smile_timeline
from cues.metrics.shared_smiles import SharedSmile, SmileChance, find_shared_smiles, smile_chance
from cues.metrics.smiles import Smiles
from cues.parameters import Mirroring as MirroringParameters
from cues.parameters import Parameters

TOO_LITTLE_EXPRESSION = "Too little expression to judge."
NOT_MEASURED = "The two faces were not measured long enough together."
TOO_FEW_MINUTES = "Minutes are compared with each other only from {least} measured minutes on."


@dataclass(frozen=True)
class SessionTest:
    """The session's strength against circular shifts of one series.

    `z` = (strength - mean of shifts) / standard deviation of shifts; `interval` is the 95 % interval of z
    from a moving-block bootstrap over minutes; `p` the share of shifts at least as strong, (1 + k) / (1 + n).
    """

    strength: float
    z: float
    p: float
    interval: tuple[float, float]
    chance_mean: float
    chance_sd: float
    minutes: int
    shifts: int


@dataclass(frozen=True)
class MinuteStatistic:
    """One whole minute against mismatched minutes. Values are None where `reason` says why.

    `minute` counts from 1; `coverage` is the share in which both were measured; `z` is in standard deviations
    of the mismatched pool, `percentile` (0-100) the rank in it, `p` = (1 + k) / (1 + n); `stands_out` is p <
    0.05. `both_speak` says that both talked for most of it, so that lips moved for another reason; None where
    not known.
    """

    minute: int
    coverage: float
    z: float | None
    percentile: float | None
    p: float | None
    stands_out: bool | None
    both_speak: bool | None
    reason: str | None


@dataclass(frozen=True)
class Leader:
    """Who tends to smile first. `person` is None unless the interval excludes what delays explain.

    `lag_s` is where the session's mean correlation is highest, positive when the first person leads;
    `interval` its 95 % bootstrap interval over minutes; `asymmetry` the highest correlation at positive minus
    at negative lags.
    """

    person: int | None
    lag_s: float
    interval: tuple[float, float]
    asymmetry: float
    reason: str


@dataclass(frozen=True)
class Mirroring:
    """Shared smiles of two people.

    `session` is None where `reason` says why. `latency_s` and `latency_iqr_s` are of mirrored smiles (NaN
    with none). The timeline is `timeline` (strength, standard deviations from mismatched windows) at
    `timeline_time` [s]; `episodes` are its stretches above the 95th percentile of mismatched windows (kind
    "shared_smiling").
    """

    first: int
    second: int
    session: SessionTest | None
    reason: str | None
    minutes: list[MinuteStatistic]
    events: list[SharedSmile]
    expected_by_chance: SmileChance
    latency_s: float
    latency_iqr_s: tuple[float, float]
    leader: Leader
    timeline_time: np.ndarray
    timeline: np.ndarray
    episodes: list[Episode]
    flags: list[str]
    minute_s: float

    def count(self, kind: str, leader: int | None = None) -> int:
        """Number of events of a kind, of one leader if given."""
        return sum(e.kind == kind and leader in (None, e.leader) for e in self.events)


def measure_mirroring(first: Smiles, second: Smiles, duration: float, setup: str, parameters: Parameters) -> Mirroring:
    """Shared smiles of two people in a recording of `duration` s, made as `setup` says.

    Raises ValueError for setup `single`, which has no second person. NaN in the series is time without
    measurement: minutes with less than half of their samples measured in both are left out everywhere.
    """
    if setup == "single":
        raise ValueError("a recording of one person has no shared smiles to measure")
    p = parameters.mirroring
    n = min(len(first.time), len(second.time))
    width, lag = int(round(p.window_s * p.grid_hz)), int(round(p.lag_s * p.grid_hz))
    x, y = first.innovation[:n], second.innovation[:n]
    whole = n // width * width
    coverage = (np.isfinite(x[:whole]) & np.isfinite(y[:whole])).reshape(-1, width).mean(1)
    measured = coverage >= parameters.quality.coverage_min
    lively = _lively(first, second, whole, width, p)

    reason, flags = None, sorted({*first.flags, *second.flags})
    if first.reason or second.reason:
        reason = first.reason or second.reason
    elif measured.sum() < p.min_minutes_session:
        enough = len(measured) >= p.min_minutes_session
        reason = NOT_MEASURED if enough else f"Shorter than {p.min_minutes_session} minutes."
        if enough:
            flags.append("LOW_COV")
    elif (measured & lively.all(0)).sum() < p.min_minutes_expressive:
        reason = TOO_LITTLE_EXPRESSION
        flags.append("LOW_EXPRESSION")

    events = find_shared_smiles(first, second, p)
    delays = np.array([event.delay for event in events if event.kind == "mirrored"])
    quartiles = np.percentile(delays, [25, 50, 75]) if len(delays) else np.full(3, np.nan)
    session, leader = None, _no_leader(reason or "")
    minutes = _minutes_without_statistic(coverage, measured, lively, first, second, width, p, reason)
    if reason is None:
        xc, yc = (np.where(np.repeat(measured, width), s[:whole], np.nan) for s in (x, y))
        xy = window_correlations(xc, yc, width, p.window_min_valid)
        yx = window_correlations(yc, xc, width, p.window_min_valid)
        session = _session_test(xy, yx, width, lag, p)
        leader = _leader(lag_curves(xy, yx, width, lag, p.r_clip), session, setup, first.person, second.person, p)
        matrix = minute_matrix(xy, yx, x, y, width, lag, p.r_clip, p.window_min_valid)
        minutes = _against_mismatched(minutes, matrix, measured, p)
    times, curve, episodes = shared_smile_timeline(first, second, parameters)
    return Mirroring(
        first=first.person,
        second=second.person,
        session=session,
        reason=reason,
        minutes=minutes,
        events=events,
        expected_by_chance=smile_chance(first, second, duration, p),
        latency_s=float(quartiles[1]),
        latency_iqr_s=(float(quartiles[0]), float(quartiles[2])),
        leader=leader,
        timeline_time=times,
        timeline=curve,
        episodes=episodes,
        flags=flags,
        minute_s=p.window_s,
    )


def mirroring_minute(result: Mirroring, person: int, start: float, end: float) -> dict[str, float | str | None]:
    """The shared-smile columns of one person's minute [start, end) s.

    shared_smiles_led and shared_smiles_followed (mirrored smiles in which this person smiled first, or
    second), shared_smiles_simultaneous, shared_smiles_joined (this person joined the other's smile): counts,
    by the time of this person's smile. shared_smiles_expected: how many led, followed and simultaneous
    together chance gives in this minute. mirroring_stands_out: "yes", "no" or None, with mirroring_reason for
    None; mirroring_coverage 0-1. There is no score of a minute.
    """

    def count(kind: str, role: str) -> float:
        onset = "onset_" + role
        return float(
            sum(
                e.kind == kind and getattr(e, role) == person and start <= getattr(e, onset) < end
                for e in result.events
            )
        )

    index = int(round(start / result.minute_s))
    whole = index < len(result.minutes) and abs(end - start - result.minute_s) < 1e-6
    statistic = result.minutes[index] if whole else None
    stands_out = statistic.stands_out if statistic else None
    return {
        "shared_smiles_led": count("mirrored", "leader"),
        "shared_smiles_followed": count("mirrored", "follower"),
        "shared_smiles_simultaneous": count("simultaneous", "leader") + count("simultaneous", "follower"),
        "shared_smiles_joined": count("joined", "follower"),
        "shared_smiles_expected": result.expected_by_chance.between(start, end),
        "mirroring_stands_out": None if stands_out is None else ("yes" if stands_out else "no"),
        "mirroring_reason": statistic.reason if statistic else "Not a whole minute.",
        "mirroring_coverage": statistic.coverage if statistic else float("nan"),
    }


def _lively(first: Smiles, second: Smiles, whole: int, width: int, p: MirroringParameters) -> np.ndarray:
    """(2, M): whether each person expresses something in each minute: movement, and a smile nearby."""
    rows = []
    for smiles in (first, second):
        windows = smiles.smile[:whole].reshape(-1, width)
        valid = np.isfinite(windows)
        count = np.maximum(valid.sum(1), 1)
        mean = np.where(valid, windows, 0).sum(1) / count
        variance = np.where(valid, (windows - mean[:, None]) ** 2, 0).sum(1) / count
        starts = np.arange(len(windows)) * p.window_s
        near = [any(e.start < t + 2 * p.window_s and e.end > t - p.window_s for e in smiles.events) for t in starts]
        rows.append((np.sqrt(variance) >= p.gate_sd_sigma * smiles.noise_sd) & np.array(near, bool))
    return np.array(rows)


def _minutes_without_statistic(
    coverage: np.ndarray,
    measured: np.ndarray,
    lively: np.ndarray,
    first: Smiles,
    second: Smiles,
    width: int,
    p: MirroringParameters,
    session_reason: str | None,
) -> list[MinuteStatistic]:
    enough = measured.sum() >= p.min_minutes_percentile
    minutes = []
    for m, share in enumerate(coverage):
        reason = None
        if not measured[m]:
            reason = NOT_MEASURED
        elif not lively[:, m].all():
            reason = TOO_LITTLE_EXPRESSION
        elif session_reason is not None:
            reason = session_reason
        elif not enough:
            reason = TOO_FEW_MINUTES.format(least=p.min_minutes_percentile)
        speech = np.stack([s.own_speech[m * width : (m + 1) * width] for s in (first, second)])
        known = (speech >= 0).all(0).mean() > 0.5
        both = bool((speech == YES).all(0).mean() > p.both_speak_share) if known else None
        minutes.append(MinuteStatistic(m + 1, float(share), None, None, None, None, both, reason))
    return minutes


def _against_mismatched(
    minutes: list[MinuteStatistic],
    matrix: np.ndarray,
    measured: np.ndarray,
    p: MirroringParameters,
) -> list[MinuteStatistic]:
    """The minutes that can be judged, each against minutes of one person with other minutes of the other."""
    usable = measured[:, None] & measured[None, :] & np.isfinite(matrix)
    pool = matrix[usable & ~np.eye(len(matrix), dtype=bool)]
    judged = []
    for m, minute in enumerate(minutes):
        value = matrix[m, m]
        if minute.reason is None and np.isfinite(value):
            at_least = int((pool >= value).sum())
            p_value = (1 + at_least) / (1 + len(pool))
            minute = MinuteStatistic(
                minute.minute,
                minute.coverage,
                z=float((value - pool.mean()) / pool.std()),
                percentile=float(100 * (pool < value).mean()),
                p=p_value,
                stands_out=p_value < p.stands_out_p,
                both_speak=minute.both_speak,
                reason=None,
            )
        judged.append(minute)
    return judged


def _session_test(xy: np.ndarray, yx: np.ndarray, width: int, lag: int, p: MirroringParameters) -> SessionTest:
    shifts, strength, per_minute = shifted_means(xy, yx, width, lag, int(round(p.shift_step_s * p.grid_hz)), p.r_clip)
    least = p.min_shift_s * p.grid_hz
    null = strength[(shifts >= least) & (shifts <= xy.shape[1] - least)]
    null = null[np.isfinite(null)]
    observed = float(strength[0])
    mean, sd = float(null.mean()), float(null.std())
    valid = per_minute[np.isfinite(per_minute)]
    resampled = _block_weights(len(valid), p) @ valid
    low, high = (np.percentile(resampled, [2.5, 97.5]) - mean) / sd
    return SessionTest(
        strength=observed,
        z=(observed - mean) / sd,
        p=float((1 + (null >= observed).sum()) / (1 + len(null))),
        interval=(float(low), float(high)),
        chance_mean=mean,
        chance_sd=sd,
        minutes=len(valid),
        shifts=len(null),
    )


def _block_weights(count: int, p: MirroringParameters) -> np.ndarray:
    """(bootstrap, count): shares of `count` minutes in resamples of blocks of them. Always the same."""
    block = min(p.bootstrap_block_minutes, count)
    blocks = -(-count // block)
    starts = np.random.default_rng(0).integers(0, count - block + 1, (p.bootstrap, blocks))
    drawn = (starts[:, :, None] + np.arange(block)).reshape(p.bootstrap, -1)[:, :count]
    rows = np.repeat(np.arange(p.bootstrap), count) * count + drawn.ravel()
    return np.bincount(rows, minlength=p.bootstrap * count).reshape(p.bootstrap, count) / count


def _leader(
    curves: np.ndarray, session: SessionTest, setup: str, first: int, second: int, p: MirroringParameters
) -> Leader:
    """Who leads, from the minutes' correlations at each lag (M, lags); named if nothing else explains it."""
    curves = curves[np.isfinite(curves).all(1)]
    if len(curves) < 2:
        return _no_leader(NOT_MEASURED)
    middle = curves.shape[1] // 2
    lags = np.arange(-middle, middle + 1) / p.grid_hz
    mean = curves.mean(0)
    far = np.abs(lags) >= p.response_min_s - 1e-9
    asymmetry = float(mean[far & (lags > 0)].max() - mean[far & (lags < 0)].max())
    lag_s = float(_peak(mean[None], lags)[0])
    low, high = np.percentile(_peak(_block_weights(len(curves), p) @ curves, lags), [2.5, 97.5])
    remote = setup != "shared_room"
    exclude = p.leader_exclude_remote_s if remote else p.leader_exclude_same_camera_s
    person: int | None = None
    if len(curves) < p.leader_min_minutes:
        reason = f"No clear leader: that needs {p.leader_min_minutes} measured minutes."
    elif session.p >= p.stands_out_p:
        reason = "No clear leader: smiles did not go together more than by chance."
    elif low <= exclude and high >= -exclude:
        why = "delays of the call itself" if remote else "the precision of the measurement"
        reason = f"No clear leader: {why} can explain a lag of {exclude:g} s, and the interval reaches that."
    else:
        person = first if low > exclude else second
        reason = f"The other's smile tends to follow {abs(lag_s):.1f} s later."
    return Leader(person, lag_s, (float(low), float(high)), asymmetry, reason)


def _no_leader(reason: str) -> Leader:
    nan = float("nan")
    return Leader(None, nan, (nan, nan), nan, f"No clear leader. {reason}".strip())


def _peak(curves: np.ndarray, lags: np.ndarray) -> np.ndarray:
    """Lag of the highest point of each row (k, lags), refined by the parabola through its neighbours."""
    at = curves.argmax(1)
    inner = np.clip(at, 1, len(lags) - 2)
    before, top, after = (np.take_along_axis(curves, (inner + d)[:, None], 1)[:, 0] for d in (-1, 0, 1))
    bend = before - 2 * top + after
    offset = np.where((at == inner) & (bend < 0), 0.5 * (before - after) / np.where(bend < 0, bend, -1.0), 0.0)
    return lags[at] + offset * (lags[1] - lags[0])
