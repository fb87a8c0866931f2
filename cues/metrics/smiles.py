"""Smiles: from the blendshapes of one person to a steady series of smiling, and to single smiles.

Conventions
-----------
The clock is `parameters.mirroring.grid_hz` (10 Hz) from 0; series are float of shape (n,), missing is NaN.
Smiling is in blendshape units (0-1): the mean of the two lip-corner blendshapes, averaged over 0.5 s
*centred* on each instant (so that speech is averaged out and nothing is delayed), without the part that
follows head pose. `rest` is the 20th percentile of the session: a smile is what rises above it. A blendshape
that never exceeds 0.02 (99th percentile) is dead: unavailable, never zero.

METHOD 4.1 also counts eyeSquint to the cheek. It is left out here: with the face landmarker on five real
clips it goes with blinks (correlation .50 to .68) and in four of them not with the smile (-.22, .03, .25,
.26; .67 in one). cheekSquint was dead on all five, so that expression is in practice the smile alone.

Source: METHOD 4.1, 4.2, 4.6.
"""

from dataclasses import dataclass

import numpy as np

from cues.metrics.episodes import NO, UNKNOWN, YES, Episode, runs
from cues.metrics.quality import FrameQuality
from cues.metrics.signals import moving_average, resample, steady_clock
from cues.parameters import Mirroring, Parameters

SMILE = ("mouthSmileLeft", "mouthSmileRight")
CHEEK = ("cheekSquintLeft", "cheekSquintRight")


@dataclass(frozen=True)
class Smiles:
    """Smiling of one person over a session.

    Series of shape (n,) on the clock `time` [s]: `smile` (blendshape units), `expression` (smile and, where
    alive, cheek, each over its standard deviation), `innovation` (expression without what the sample before
    predicts), `states` (int8: 1 smiling, 0 not, -1 cannot tell), `own_speech` (int8: 1 speaks, 0 not, -1 not
    known). `events` are the smiles (kind "smile", strength = height above rest); `onset_known` says for each
    whether its beginning was seen (it is not at the start of the recording or after a gap). `alive` says for
    each blendshape used whether it moves. `reason` is a sentence where smiles cannot be measured.
    """

    person: int
    time: np.ndarray
    smile: np.ndarray
    expression: np.ndarray
    innovation: np.ndarray
    states: np.ndarray
    own_speech: np.ndarray
    events: list[Episode]
    onset_known: list[bool]
    rest: float
    noise_sd: float
    threshold: float
    alive: dict[str, bool]
    reason: str | None
    flags: list[str]

    @property
    def onsets(self) -> np.ndarray:
        """Beginnings of the smiles [s], shape (k,), NaN where the beginning was not seen."""
        starts = np.array([event.start for event in self.events], float)
        return np.where(np.array(self.onset_known, bool), starts, np.nan)


def smile_series(
    person: dict[str, np.ndarray],
    quality: FrameQuality,
    time: np.ndarray,
    duration: float,
    parameters: Parameters,
    speaking: np.ndarray | None = None,
) -> Smiles:
    """Smiling of one person.

    `person` are the person's observation columns, `quality` the frame quality of the same samples, `time`
    their times [s], all (n,); `duration` the recording's [s]; `speaking` int8 (n,): 0 silence, 1 self, 2
    partner, 3 both, -1 not known. Samples without a usable expression are missing; gaps up to 0.5 s are
    bridged. With dead lip corners, or no usable sample, every series is NaN, there are no events, and
    `reason` says why. Source: METHOD 4.1 (channels), 4.2 (series), 4.6 (events).
    """
    p = parameters.mirroring
    usable = (quality.expression > 0) & person["face"].astype(bool)
    columns = {name: np.where(usable, person[name], np.nan) for name in SMILE + CHEEK}
    spacing = float(np.median(np.diff(time))) if len(time) > 1 else 1 / p.grid_hz
    alive = {name: _alive(values, spacing, parameters) for name, values in columns.items()}
    clock = steady_clock(duration, p.grid_hz)
    number = int(person["person"][0]) if len(person["person"]) else -1
    own_speech = _own_speech(speaking, time, clock)

    def steady(values: np.ndarray) -> np.ndarray:
        return _steady(time, np.where(usable, values, np.nan), spacing, duration, p)

    def channel(names: tuple[str, ...]) -> np.ndarray | None:
        living = [columns[name] for name in names if alive[name]]
        return steady(np.mean(living, axis=0)) if living else None

    smile, cheek = channel(SMILE), channel(CHEEK)
    if smile is None or not np.isfinite(smile).any():
        nothing = np.full(len(clock), np.nan)
        seen = bool(np.isfinite(columns[SMILE[0]]).any())
        reason = (
            "The corners of the mouth never moved measurably: smiles cannot be told from a still face."
            if seen
            else "The face was never seen well enough to measure expression."
        )
        return Smiles(
            person=number,
            time=clock,
            smile=nothing,
            expression=nothing,
            innovation=nothing,
            states=np.full(len(clock), UNKNOWN, np.int8),
            own_speech=own_speech,
            events=[],
            onset_known=[],
            rest=float("nan"),
            noise_sd=float("nan"),
            threshold=float("nan"),
            alive=alive,
            reason=reason,
            flags=["DEAD_CHANNEL"] if seen else ["LOW_COV"],
        )

    pose = np.column_stack([steady(person[name]) for name in ("head_yaw", "head_pitch")])
    parts = [smile] if cheek is None else [smile, cheek]
    parts = [part - leak for part, leak in zip(parts, pose_leak(smile, parts[1:], pose, p), strict=True)]
    smile = parts[0]
    expression = np.mean([part / max(float(np.nanstd(part)), p.sd_floor) for part in parts], axis=0)

    rest = float(np.nanpercentile(smile, p.smile_rest_percentile))
    noise = noise_floor(smile, p)
    threshold = max(p.smile_on, p.smile_on_sigma * noise) if np.isfinite(noise) else p.smile_on
    enter = np.where(own_speech == YES, p.own_speech_factor, 1.0) * threshold
    events, onset_known = find_smiles(clock, smile - rest, enter, p.smile_off_ratio * threshold, p)
    states = np.where(np.isfinite(smile), NO, UNKNOWN).astype(np.int8)
    starts, ends = (np.searchsorted(clock, edges) for edges in ([e.start for e in events], [e.end for e in events]))
    for first, past in zip(starts, ends, strict=True):
        part = states[first:past]
        part[part == NO] = YES
    return Smiles(
        person=number,
        time=clock,
        smile=smile,
        expression=expression,
        innovation=prewhiten(expression, p.ar1_phi),
        states=states,
        own_speech=own_speech,
        events=events,
        onset_known=onset_known,
        rest=rest,
        noise_sd=noise,
        threshold=threshold,
        alive=alive,
        reason=None,
        flags=[],
    )


def smile_minute(smiles: Smiles, start: float, end: float) -> dict[str, float | str | None]:
    """The smile columns of one minute [start, end) s.

    smile_pct (0-100, of the measured time; NaN where nothing was measured), smile_coverage (0-1), smile_count
    (smiles that began in it; NaN where nothing was measured).
    """
    inside = smiles.states[np.searchsorted(smiles.time, start - 1e-6) : np.searchsorted(smiles.time, end - 1e-6)]
    smiling, measured = int((inside == YES).sum()), int((inside != UNKNOWN).sum())
    if measured == 0:
        return {"smile_pct": float("nan"), "smile_coverage": 0.0, "smile_count": float("nan")}
    count = sum(start <= event.start < end for event in smiles.events)
    return {
        "smile_pct": 100 * smiling / measured,
        "smile_coverage": measured / len(inside),
        "smile_count": float(count),
    }


def find_smiles(
    time: np.ndarray, height: np.ndarray, enter: np.ndarray, leave: float, p: Mirroring
) -> tuple[list[Episode], list[bool]]:
    """Smiles in `height` (n,), above rest, on a steady clock `time`; and whether each beginning was seen.

    A smile reaches `enter` (n,) and lasts until it falls below `leave`; smiles less than `smile_merge_s`
    apart are one, and one shorter than `smile_min_s` is none. Its start is the last time before it at which
    the height was below `onset_share` of its peak, its end where it falls below `leave`, both interpolated
    between samples. NaN ends a smile; one that is already under way at the first sample or after a gap has no
    known beginning. Source: METHOD 4.6.
    """
    step = _step(time)
    stretches: list[tuple[int, int]] = []
    for a, b, above in runs((height >= leave).astype(np.int8)):
        reached = np.flatnonzero(height[a:b] >= enter[a:b]) if above else np.empty(0, int)
        if len(reached):
            on = a + int(reached[0])
            if stretches:
                last = stretches[-1][1]
                near = (on - last) * step < p.smile_merge_s - 1e-9
                if near and np.isfinite(height[last:on]).all():
                    stretches[-1] = (stretches[-1][0], b)
                    continue
            stretches.append((on, b))
    events, known = [], []
    earliest = 0
    for on, b in stretches:
        if (b - on) * step < p.smile_min_s - 1e-9:
            continue
        peak = float(height[on:b].max())
        start, seen = _onset(time, height, earliest, on, p.onset_share * peak)
        events.append(Episode(start, _end(time, height, b, leave, step), "smile", peak))
        known.append(seen)
        earliest = b
    return events, known


def pose_leak(smile: np.ndarray, others: list[np.ndarray], pose: np.ndarray, p: Mirroring) -> list[np.ndarray]:
    """The part of `smile` (n,) and of `others` linear in head pose (n, 2) [deg: yaw, pitch]: one (n,) each.

    Turning the head moves lip corners in the picture. The slopes are fitted where the person does not smile:
    where `smile`, without what the last round took for leak, is near its rest. The leak is held constant
    outside the poses seen there, so that nothing is extrapolated; it is 0 where pose is missing, and
    everywhere if less than `crosstalk_min_s` without a smile was seen.
    """
    series = np.column_stack([smile, *others])
    thin = slice(None, None, max(1, int(p.smooth_s * p.grid_hz)))  # neighbours within the average say the same
    level, known = smile[thin].copy(), np.isfinite(pose[thin]).all(1)
    for _ in range(p.crosstalk_rounds):
        rest = np.nanpercentile(level, p.smile_rest_percentile)
        fit = (level < rest + p.smile_off_ratio * p.smile_on) & known
        if fit.sum() * thin.step < p.crosstalk_min_s * p.grid_hz:
            return [np.zeros(len(smile)) for _ in series.T]
        low, centre, high = np.percentile(pose[thin][fit], [1, 50, 99], axis=0)
        within = np.clip(pose, low, high) - centre
        design = np.column_stack([within[thin][fit], np.ones(fit.sum())])
        slopes = np.linalg.lstsq(design, series[thin][fit], rcond=None)[0][:2]
        level = smile[thin] - np.nan_to_num(within[thin] @ slopes[:, 0], nan=0.0)
    return list(np.nan_to_num(within @ slopes, nan=0.0).T)


def noise_floor(smile: np.ndarray, p: Mirroring) -> float:
    """Standard deviation of `smile` (n,) in the quietest 20 % of its 5-s windows (root mean square).

    Windows with fewer than 80 % valid samples are left out; NaN where none is left.
    """
    width = int(round(p.quiet_window_s * p.grid_hz))
    windows = smile[: len(smile) // width * width].reshape(-1, width)
    windows = windows[np.isfinite(windows).mean(1) >= 0.8]
    if len(windows) == 0:
        return float("nan")
    variances = np.sort(np.nanvar(windows, axis=1))
    return float(np.sqrt(variances[: max(1, int(round(p.quiet_share * len(variances))))].mean()))


def prewhiten(values: np.ndarray, phi: float) -> np.ndarray:
    """e_t = x_t - phi x_(t-1), shape (n,): what is new at each instant (METHOD 4.2). NaN if one is NaN."""
    return np.append(np.nan, values[1:] - phi * values[:-1])[: len(values)]


def _alive(values: np.ndarray, spacing: float, parameters: Parameters) -> bool:
    valid = values[np.isfinite(values)]
    if len(valid) == 0:
        return False
    moves = np.percentile(valid, 99) >= parameters.quality.dead_channel_p99
    smiled = (valid >= parameters.mirroring.smile_on).sum() * spacing >= parameters.mirroring.smile_min_s
    return bool(moves or smiled)


def _steady(time: np.ndarray, values: np.ndarray, spacing: float, duration: float, p: Mirroring) -> np.ndarray:
    """`values` on the clock after a centred average; a denser recording is averaged before it is thinned."""
    dense = max(1, int(round(1 / (spacing * p.grid_hz))))
    rate = dense * p.grid_hz
    filled = resample(time, values, steady_clock(duration, rate), p.gap_fill_s)
    width = int(round(p.smooth_s * rate)) | 1  # odd: an even one would delay by half a sample
    return moving_average(filled, width)[::dense][: len(steady_clock(duration, p.grid_hz))]


def _own_speech(speaking: np.ndarray | None, time: np.ndarray, clock: np.ndarray) -> np.ndarray:
    if speaking is None or len(time) == 0:
        return np.full(len(clock), UNKNOWN, np.int8)
    nearest = np.searchsorted((time[1:] + time[:-1]) / 2, clock)
    states = np.array([NO, YES, NO, YES, UNKNOWN], np.int8)  # of speaking 0, 1, 2, 3, -1
    return states[speaking[nearest].astype(int)]


def _onset(time: np.ndarray, height: np.ndarray, earliest: int, on: int, level: float) -> tuple[float, bool]:
    """Start [s] of the smile that is on at index `on`, from `earliest` on; and whether it was seen."""
    missing = np.flatnonzero(np.isnan(height[earliest:on]))
    first = earliest + int(missing[-1]) + 1 if len(missing) else earliest
    below = np.flatnonzero(height[first:on] < level)
    if len(below):
        i = first + int(below[-1])
        return float(time[i] + (time[i + 1] - time[i]) * (level - height[i]) / (height[i + 1] - height[i])), True
    if first == earliest and earliest > 0:  # risen again before the last smile had faded: from the lowest point between
        return float(time[first + int(np.argmin(height[first : on + 1]))]), True
    return float(time[first]), False


def _end(time: np.ndarray, height: np.ndarray, b: int, leave: float, step: float) -> float:
    if b < len(height) and np.isfinite(height[b]):
        return float(time[b - 1] + step * (height[b - 1] - leave) / (height[b - 1] - height[b]))
    return float(time[b - 1] + step)


def _step(time: np.ndarray) -> float:
    return float(time[1] - time[0]) if len(time) > 1 else 1.0
