"""Forward lean: has a person come nearer than where they habitually sit?

The distance from the camera to the pivot of the head (upper neck: nods, turns and an opening mouth leave it
where it is) is compared with the rearmost mode of the minutes around it. Percent change of that distance
hardly depends on the camera's focal length or the size of the head; centimetres are about right (METHOD 3.1).
In a shared room the distance is the one to the partner's habitual place, along the horizontal line between
the two (experimental).

A recording falls into *segments*: a new layout, a moved camera, or a face that comes back elsewhere after
having been lost begins a new one. Each segment has a baseline of its own; nothing is interpolated across
their borders, and the seconds around a camera move are unknown, never a lean. Where the camera frames by
itself nothing is measured.

Conventions
-----------
`time` is a steady clock of 5 Hz; each sample stands for 0.2 s. `lean_cm`, `lean_pct` + = nearer.
States: FORWARD 1, NEUTRAL 0, BACK 2, UNKNOWN -1. A lean is relative to the person's own posture: whoever
leans in for the entire recording shows about 0.

The neighbours: `lean_segments` (distance, segments), `camera_motion`, `lean_baseline`, `lean_states`,
`trunk`.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from cues.metrics.episodes import NO, UNKNOWN, YES, Episode, episodes_of, hysteresis, relabel_short
from cues.metrics.lean_baseline import neutral_baseline, rolling_baseline, sway
from cues.metrics.lean_segments import Distance, measure_distance
from cues.metrics.lean_states import BACK, FORWARD, NEUTRAL, lean_states
from cues.metrics.quality import frame_quality
from cues.metrics.signals import steady_clock
from cues.metrics.trunk import shoulder_ratios, trunk_angle
from cues.observations import Observations
from cues.parameters import Lean as LeanParameters
from cues.parameters import Parameters

FORWARD_KINDS = ("forward", "head_forward")

LEAN_FLAGS = {
    "AUTO_FRAMING": "The camera seems to frame the person by itself, so distances cannot be compared.",
    "CAMERA_MOVED": "The camera was moved or zoomed; the neutral posture was measured anew after it.",
    "NO_BACKGROUND": "The background could not be followed, so a moved camera would not have been noticed.",
    "BACKGROUND_LOST": "The background could not be followed at times; leaning is unknown there, as after a zoom.",
    "SHORT_BASELINE": "The neutral posture rests on less than four minutes.",
    "PERSON_MOVED": "The person was out of sight and came back in another place; neutral was measured anew.",
    "NEW_POSTURE": "The person stayed off the neutral posture for minutes: perhaps a new way of sitting.",
    "ROOM_LEAN": "Leaning towards the partner in a shared room is experimental.",
    "NEUTRAL_UNUSABLE": "A neutral posture was named where the person could not be measured.",
}
"""Machine codes of a Lean's flags, in plain words."""

_DEGRADING = {"NO_BACKGROUND", "SHORT_BASELINE", "ROOM_LEAN"}


@dataclass(frozen=True)
class Trunk:
    """The body beside the head; the angle (hips) is experimental.

    ratio: for each forward episode, in their order, the shoulders' approach over the head's; NaN if not
    measurable. angle_deg (n,): inclination towards the partner relative to neutral; NaN where hips are not
    visible. episodes: kind "trunk_forward", strength in degrees.
    """

    ratio: list[float]
    angle_deg: np.ndarray
    episodes: list[Episode] = field(default_factory=list)


@dataclass(frozen=True)
class Lean:
    """Forward lean of one person. Series have shape (n,) on `time`; NaN (states: UNKNOWN) where not measured.

    episodes: kinds "forward" (with the trunk, or trunk and neck cannot be told apart), "head_forward" (only
    the head came forward) and "back"; strength is the signed peak [cm]. new_postures: kind "new_posture",
    strength the median lean [cm]. segment: -1 where nothing was to be measured. quality: 2 good, 1 degraded,
    0 not measurable. reason: why nothing was measured, one sentence; empty when something was.
    """

    person: int
    time: np.ndarray
    distance_cm: np.ndarray
    baseline_cm: np.ndarray
    lean_cm: np.ndarray
    lean_pct: np.ndarray
    states: np.ndarray
    segment: np.ndarray
    sigma_cm: np.ndarray
    episodes: list[Episode]
    new_postures: list[Episode]
    trunk: Trunk
    quality: int
    reason: str
    flags: list[str]


def measure_lean(
    observations: Observations,
    person: int,
    partner: int | None,
    parameters: Parameters,
    *,
    neutral: list[tuple[float, float]] | None = None,
) -> Lean:
    """Forward lean of `person`; `partner` is needed in a shared room only.

    `neutral` are stretches (start, end) [s] that a human named as this person's neutral posture: they replace
    the measured baseline in the segments they lie in. Usable samples up to 1 s apart are joined, longer gaps
    are unknown. Sources: METHOD 3.1-3.5.
    """
    p, rows = parameters.lean, observations.person(person)
    clock = steady_clock(observations.facts.duration_s, p.grid_hz)
    usable = rows["face"] & (frame_quality(rows, parameters).head > 0)
    found = measure_distance(observations, person, partner, usable, clock, p)
    flags = set(found.flags)
    if observations.facts.setup == "shared_room":
        flags.add("ROOM_LEAN")
    baseline, sigma = _baselines(clock, found, neutral or [], p, flags)
    lean = baseline - found.distance_cm
    lean[1:][np.diff(found.segment) != 0] = np.nan  # so that no episode runs on across a border
    states = lean_states(clock, lean, _enter(sigma, p.enter_cm, p), p)
    postures = _new_postures(clock, lean, found.segment, p)
    if postures:
        flags.add("NEW_POSTURE")
    measured = bool((states != UNKNOWN).any())
    result = Lean(
        person=person,
        time=clock,
        distance_cm=found.distance_cm,
        baseline_cm=baseline,
        lean_cm=lean,
        lean_pct=100 * lean / baseline,
        states=states,
        segment=found.segment,
        sigma_cm=sigma,
        episodes=_head_episodes(clock, lean, states, found.segment, p),
        new_postures=postures,
        trunk=Trunk([], np.full(len(clock), np.nan)),
        quality=(1 if flags & _DEGRADING else 2) if measured else 0,
        reason="" if measured else _why_not(observations, person, usable, found),
        flags=sorted(flags),
    )
    return _with_trunk(result, rows, observations.facts.setup, found.towards, p)


def lean_minute(result: Lean, start: float, end: float, parameters: Parameters) -> dict[str, float]:
    """The columns of the minute [start, end) s.

    lean_coverage (0-1) and lean_unknown_pct are shares of the minute, forward, neutral and back percent are
    shares of what was measured in it; lean_mean_cm, lean_mean_pct and lean_peak_cm (largest) are over all
    measured samples. lean_episodes counts forward episodes that begin in it, lean_longest_s is the longest
    one that touches it, in its whole length, 0 without any. Everything but coverage and unknown is NaN where
    coverage is below .5 (METHOD 5.1).
    """
    return _figures(result, start, end, parameters.quality.coverage_min)


def lean_summary(result: Lean, start: float, end: float, parameters: Parameters) -> dict[str, float]:
    """The same columns over a whole session or part of it, in seconds measured whatever the coverage, and:

    lean_valid_minutes (minutes with coverage of at least .5), lean_episodes_per_min (per measured minute),
    lean_head_forward_episodes (those of lean_episodes in which only the head came forward), lean_sway_cm
    (median sigma0), lean_distance_cm (median baseline). A session figure wants at least 3 valid minutes
    (METHOD 5.1).
    """
    figures = _figures(result, start, end, 0.0)
    edges = np.append(np.arange(start, end, 60.0), end)
    coverage = _shares(result.time, result.states != UNKNOWN, edges)
    part = _between(result.time, start, end)
    measured_s = (result.states[part] != UNKNOWN).sum() * _step(result.time)
    begun = [e for e in result.episodes if start <= e.start < end]
    only_head = sum(e.kind == "head_forward" for e in begun)
    figures["lean_valid_minutes"] = float((coverage >= parameters.quality.coverage_min).sum())
    figures["lean_episodes_per_min"] = 60 * figures["lean_episodes"] / measured_s if measured_s else float("nan")
    figures["lean_head_forward_episodes"] = float(only_head) if measured_s else float("nan")
    figures["lean_sway_cm"] = _median(result.sigma_cm[part])
    figures["lean_distance_cm"] = _median(result.baseline_cm[part])
    return figures


def lean_intervals(result: Lean, edges: np.ndarray, parameters: Parameters) -> dict[str, np.ndarray]:
    """Measurement interval of the forward and back percentages of all minutes at once (METHOD 5.2).

    `edges` (m + 1,) [s] are the minutes' borders. The smallest and the largest figure of each minute when the
    baseline is moved by -1/2, 0, 1/2 sigma0 and the threshold is 4, 5, 6 cm (never below 3 sigma0):
    lean_forward_pct_low, lean_forward_pct_high, lean_back_pct_low, lean_back_pct_high, shape (m,), NaN
    without data.
    """
    p = parameters.lean
    known = _shares(result.time, result.states != UNKNOWN, edges)
    forward, back = [], []
    for enter_cm in p.interval_enter_cm:
        enter = _enter(result.sigma_cm, enter_cm, p)
        for half in (-0.5, 0.0, 0.5):
            moved = result.lean_cm + half * np.nan_to_num(result.sigma_cm)
            states = lean_states(result.time, moved, enter, p)
            forward.append(_shares(result.time, states == FORWARD, edges))
            back.append(_shares(result.time, states == BACK, edges))
    with np.errstate(invalid="ignore", divide="ignore"):
        forward_pct, back_pct = (100 * np.array(shares) / known for shares in (forward, back))
    return {
        "lean_forward_pct_low": forward_pct.min(0),
        "lean_forward_pct_high": forward_pct.max(0),
        "lean_back_pct_low": back_pct.min(0),
        "lean_back_pct_high": back_pct.max(0),
    }


def _baselines(
    clock: np.ndarray,
    found: Distance,
    neutral: list[tuple[float, float]],
    p: LeanParameters,
    flags: set[str],
) -> tuple[np.ndarray, np.ndarray]:
    """Baseline and sigma0 [cm], shape (n,) each; NaN in segments that are too short to have one."""
    baseline, sigma = np.full(len(clock), np.nan), np.full(len(clock), np.nan)
    used = set()
    edges = np.flatnonzero(np.diff(found.segment, prepend=-2, append=-2))
    for a, b in zip(edges[:-1], edges[1:], strict=True):
        here, number = slice(a, b), int(found.segment[a])
        distance = found.distance_cm[here]
        measured_s = np.isfinite(distance).sum() / p.grid_hz
        if number < 0 or measured_s == 0:
            continue
        named = neutral_baseline(clock[here], distance, neutral)
        needed = p.camera_segment_min_s if number in found.beside_camera_move else p.segment_min_s
        if named is not None:
            baseline[here] = named
            used |= {k for k, (start, end) in enumerate(neutral) if start <= clock[b - 1] and end >= clock[a]}
        elif measured_s >= needed:
            baseline[here], rolling = rolling_baseline(distance, p.grid_hz, p)
            if not rolling:
                flags.add("SHORT_BASELINE")
        else:
            continue
        sigma[here] = sway(distance, baseline[here], p)
    if len(used) < len(neutral):
        flags.add("NEUTRAL_UNUSABLE")
    return baseline, sigma


def _enter(sigma: np.ndarray, enter_cm: float, p: LeanParameters) -> np.ndarray:
    """Threshold [cm] of each sample: enter_cm or three times the sway (METHOD 3.5)."""
    return np.fmax(enter_cm, p.enter_k_sigma * sigma)


def _head_episodes(
    clock: np.ndarray, lean: np.ndarray, states: np.ndarray, segment: np.ndarray, p: LeanParameters
) -> list[Episode]:
    """Leans forward and back; a face out of sight for less than 5 s within one does not make it two."""
    longest = 2.5 / p.grid_hz
    border = np.diff(segment, prepend=segment[:1]) != 0
    found = []
    for label, kind in ((FORWARD, "forward"), (BACK, "back")):
        series = np.where(states == label, YES, np.where((states == UNKNOWN) & ~border, UNKNOWN, NO)).astype(np.int8)
        series = relabel_short(series, clock, longest, UNKNOWN, p.lost_s, YES, YES)
        found += episodes_of(series, clock, longest, kind, lean)
    return sorted(found, key=lambda episode: episode.start)


def _with_trunk(
    result: Lean, rows: dict[str, np.ndarray], setup: str, towards: np.ndarray | None, p: LeanParameters
) -> Lean:
    """Adds what shoulders and hips say, and renames the episodes in which only the head came forward.

    In a shared room the shoulders' width says nothing about an approach to the partner and is not used.
    """
    forward = [k for k, e in enumerate(result.episodes) if e.kind == "forward"]
    neutral = result.states == NEUTRAL
    ratios = [float("nan")] * len(forward)
    if setup != "shared_room":
        ratios = shoulder_ratios(
            rows,
            result.time,
            result.baseline_cm,
            result.lean_cm,
            neutral,
            result.segment,
            [result.episodes[k] for k in forward],
            p,
        )
    episodes = list(result.episodes)
    for k, ratio in zip(forward, ratios, strict=True):
        if ratio < p.trunk_ratio:
            episodes[k] = replace(episodes[k], kind="head_forward")
    angle = trunk_angle(rows, result.time, towards, p)
    still = angle[neutral & np.isfinite(angle)]
    angle -= np.median(still) if len(still) else _median(angle)
    inclined = hysteresis(angle, p.trunk_enter_deg, p.trunk_exit_deg)
    longest = 2.5 / p.grid_hz
    inclined = relabel_short(inclined, result.time, longest, YES, p.min_episode_s, NO, None)
    trunk = Trunk(ratios, angle, episodes_of(inclined, result.time, longest, "trunk_forward", angle))
    return replace(result, episodes=episodes, trunk=trunk)


def _new_postures(clock: np.ndarray, lean: np.ndarray, segment: np.ndarray, p: LeanParameters) -> list[Episode]:
    """Where the lean's median over 30 s stays beyond the threshold for 3 minutes and more."""
    block = round(30 * p.grid_hz)
    count = len(lean) // block
    if count == 0:
        return []
    blocks = lean[: count * block].reshape(count, block)
    enough = np.isfinite(blocks).mean(1) >= 0.5
    level = np.full(count, np.nan)
    level[enough] = np.nanmedian(blocks[enough], 1)
    time, number = clock[: count * block : block], segment[: count * block : block]
    found = []
    for sign in (1, -1):
        beyond = np.where(sign * level >= p.enter_cm, YES, NO).astype(np.int8)
        for episode in episodes_of(beyond, time, 30.0, "new_posture"):
            inside = (time >= episode.start) & (time < episode.end)
            if episode.duration >= p.new_posture_s and len(np.unique(number[inside])) == 1:
                found.append(replace(episode, strength=float(np.median(level[inside]))))
    return sorted(found, key=lambda episode: episode.start)


def _why_not(observations: Observations, person: int, usable: np.ndarray, found: Distance) -> str:
    room = observations.facts.setup == "shared_room"
    if not observations.person(person)["face"].any():
        return "No face was seen."
    if not usable.any():
        return "The face was never large enough and turned enough towards the camera."
    if found.framed_share > 0:
        return LEAN_FLAGS["AUTO_FRAMING"]
    if room and found.towards is None:
        return "In a shared room a lean is one towards the partner, whose head was not measured."
    if "CAMERA_MOVED" in found.flags:
        return "The camera was moved or zoomed so often that no neutral posture could be measured."
    return "The person was not seen for long enough at a time to know a neutral posture."


def _figures(result: Lean, start: float, end: float, coverage_min: float) -> dict[str, float]:
    part = _between(result.time, start, end)
    states = result.states[part]
    known = states != UNKNOWN
    total, measured = len(states), int(known.sum())
    coverage = measured / total if total else float("nan")
    names = (
        "forward_pct",
        "neutral_pct",
        "back_pct",
        "mean_cm",
        "mean_pct",
        "peak_cm",
        "episodes",
        "longest_s",
    )
    figures = {f"lean_{name}": float("nan") for name in names}
    figures["lean_unknown_pct"] = 100 * (1 - coverage)
    figures["lean_coverage"] = coverage
    if measured == 0 or coverage < coverage_min:
        return figures
    for name, state in (("forward", FORWARD), ("neutral", NEUTRAL), ("back", BACK)):
        figures[f"lean_{name}_pct"] = 100 * float((states == state).sum()) / measured
    figures["lean_mean_cm"] = float(result.lean_cm[part][known].mean())
    figures["lean_mean_pct"] = float(result.lean_pct[part][known].mean())
    figures["lean_peak_cm"] = float(result.lean_cm[part][known].max())
    forward = [e for e in result.episodes if e.kind in FORWARD_KINDS and e.start < end and e.end > start]
    figures["lean_episodes"] = float(sum(e.start >= start for e in forward))
    figures["lean_longest_s"] = max((e.duration for e in forward), default=0.0)
    return figures


def _between(time: np.ndarray, start: float, end: float) -> slice:
    return slice(*np.searchsorted(time, [start - 1e-6, end - 1e-6]).tolist())


def _shares(time: np.ndarray, of: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Share (m,) of the samples between edges (m + 1,) for which `of` (n,) holds; NaN without any."""
    total = np.concatenate([[0], np.cumsum(of)])
    at = np.searchsorted(time, np.asarray(edges) - 1e-6)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.diff(total[at]) / np.diff(at)


def _step(time: np.ndarray) -> float:
    return float(time[1] - time[0]) if len(time) > 1 else 0.0


def _median(values: np.ndarray) -> float:
    valid = values[np.isfinite(values)]
    return float(np.median(valid)) if len(valid) else float("nan")
