"""The partner's place over a whole session: it drifts, and sometimes the person or the camera moves (METHOD
2.5.6).

Conventions
-----------
A session is cut into windows of about `recentre_window_s`. Windows that share a target form a segment; within
one the centre is refined window by window and interpolated between their middles. Angles in degrees, times in
seconds.
"""

from dataclasses import dataclass

import numpy as np

from cues.metrics.gaze_target import (
    CONFIDENT,
    CONFIRM,
    NOT_MEASURABLE,
    NOT_SEPARABLE,
    Choice,
    Evidence,
    Region,
    choose,
    density_peaks,
    describe_place,
    find_candidates,
    nearest_competitor,
    shifted_mean,
    speech_weights,
)
from cues.parameters import Gaze

_PAST_END_S = 1.0  # sample times may run a little past the stated duration
_WORST_FIRST = (NOT_MEASURABLE, NOT_SEPARABLE, CONFIRM, CONFIDENT)


@dataclass(frozen=True)
class Segment:
    """A part of the session with one target: start, end [s], the choice, and the centre at the middle of each
    window (`middles` (k,), `centres` (k, 2)). `confirmed`: a person said that this is the partner."""

    start: float
    end: float
    choice: Choice
    middles: np.ndarray
    centres: np.ndarray
    confirmed: bool = False

    @property
    def drift(self) -> float:
        """Largest distance [deg] between two windows' centres."""
        spread = self.centres[:, None] - self.centres[None]
        return float(np.hypot(spread[..., 0], spread[..., 1]).max())

    def centre_at(self, time: np.ndarray) -> np.ndarray:
        """Centre (n, 2) [deg] at `time` (n,)."""
        return np.stack([np.interp(time, self.middles, self.centres[:, k]) for k in range(2)], 1)


def find_segments(
    evidence: Evidence,
    region: Region,
    gaze: Gaze,
    duration: float,
    min_data_s: float,
    sample_s: float,
    scale: float = 1.0,
    confirmed: tuple[float, float] | None = None,
) -> list[Segment]:
    """The session's segments in order, each with its target; at least one.

    `sample_s` is what a sample stands for [s]. `confirmed` is a place [deg] that a person named as the
    partner: it holds in every segment in which it is looked at, or in all if it is looked at in none.
    """
    edges = _window_edges(duration, gaze.recentre_window_s)
    groups = _group_windows(evidence, edges, gaze, scale, min_data_s / sample_s)
    parts = [evidence.part((evidence.time >= a) & (evidence.time < b)) for a, b in groups]
    choices = []
    for part in parts:
        named_place = None if confirmed is None else np.array(confirmed)
        candidates = find_candidates(part, region, gaze, scale, named_place)
        choices.append(choose(candidates, gaze, len(part.u) * sample_s, min_data_s))
    named = [False] * len(groups)
    if confirmed is not None:
        by_person = [
            _confirm(part, choice, np.array(confirmed), region, gaze, scale)
            for part, choice in zip(parts, choices, strict=True)
        ]
        named = [c.chosen is not None and c.chosen.mass >= gaze.listening_mass_min for c in by_person]
        if not any(named):
            named = [True] * len(groups)
        choices = [b if n else c for b, c, n in zip(by_person, choices, named, strict=True)]
    return [
        _recentred(part, choice, start, end, edges, gaze, scale, is_named)
        for part, choice, (start, end), is_named in zip(parts, choices, groups, named, strict=True)
    ]


def worst_state(segments: list[Segment]) -> tuple[str, str]:
    """(state, reason) of a session: those of its least certain segment."""
    worst = min(segments, key=lambda s: _WORST_FIRST.index(s.choice.state))
    return worst.choice.state, worst.choice.reason


def _confirm(part: Evidence, choice: Choice, target: np.ndarray, region: Region, gaze: Gaze, scale: float) -> Choice:
    if choice.state == NOT_MEASURABLE and len(part.u) == 0:
        return choice
    reach = gaze.candidate_mass_radius_deg * scale
    place = min(choice.candidates, key=lambda c: float(np.hypot(*(c.centre - target))), default=None)
    if place is None or np.hypot(*(place.centre - target)) > reach:
        centre = shifted_mean(part.u, target, gaze.sigma_radius_deg * scale)
        centre = centre if np.hypot(*(centre - target)) <= reach else target
        place = describe_place(part, centre, region, gaze, scale)
    others = [c for c in choice.candidates if np.hypot(*(c.centre - place.centre)) >= gaze.kde_bandwidth_deg * scale]
    separation, direction = nearest_competitor(place, others)
    state, reason = CONFIDENT, "the partner's place was confirmed"
    if separation / place.sigma < gaze.separation_sigma_min:
        state = NOT_SEPARABLE
        reason = "the partner's place was confirmed, but another place that is looked at often lies too near to it"
    return Choice(place, [place, *others], separation, direction, state, reason)


def _window_edges(duration: float, window_s: float) -> np.ndarray:
    """Borders of windows of about `window_s`; the last one lies just behind the recording's last sample."""
    count = max(1, round(duration / window_s))
    return np.append(np.arange(count) * duration / count, duration + _PAST_END_S)


def _group_windows(
    evidence: Evidence, edges: np.ndarray, gaze: Gaze, scale: float, min_samples: float
) -> list[tuple[float, float]]:
    """Stretches of windows with a common target. A break needs both sides' strongest place to be gone on the
    other."""
    groups = [(edges[0], edges[1])]
    before: np.ndarray | None = None
    for start, end in zip(edges[:-1], edges[1:], strict=True):
        part = evidence.part((evidence.time >= start) & (evidence.time < end))
        peaks = None
        if len(part.u) >= min_samples and len(part.u):
            peaks = density_peaks(part.u, speech_weights(part, gaze), gaze, scale)[:, 1:]
        moved = before is not None and peaks is not None and _moved(before, peaks, gaze.recentre_max_deg * scale)
        if moved:
            groups.append((start, end))
        else:
            groups[-1] = (groups[-1][0], end)
        before = peaks if peaks is not None else before
    return groups


def _moved(before: np.ndarray, after: np.ndarray, reach: float) -> bool:
    gone = np.hypot(*(after - before[0]).T).min() > reach
    new = np.hypot(*(before - after[0]).T).min() > reach
    return bool(gone and new)


def _recentred(
    part: Evidence,
    choice: Choice,
    start: float,
    end: float,
    edges: np.ndarray,
    gaze: Gaze,
    scale: float,
    named: bool,
) -> Segment:
    windows = [(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True) if a >= start and b <= end]
    if choice.chosen is None:
        nowhere = np.full((len(windows), 2), np.nan)
        return Segment(start, end, choice, np.array([(a + b) / 2 for a, b in windows]), nowhere, named)
    centre = choice.chosen.centre
    centres = []
    for a, b in windows:
        rows = (part.time >= a) & (part.time < b)
        near = part.u[rows]
        if len(windows) > 1 and len(near):
            moved = shifted_mean(near, centre, gaze.sigma_radius_deg * scale)
            share = (np.hypot(*(near - moved).T) < gaze.candidate_mass_radius_deg * scale).mean()
            if share >= gaze.listening_mass_min and np.hypot(*(moved - centre)) <= gaze.recentre_max_deg * scale:
                centre = moved
        centres.append(centre)
    middles = np.array([(a + b) / 2 for a, b in windows])
    return Segment(start, end, choice, middles, np.array(centres), named)
