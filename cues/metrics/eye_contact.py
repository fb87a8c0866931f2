"""Eye contact: gaze to the partner's face (METHOD 2).

A webcam cannot split eyes from mouth; gaze to the partner's face is the accepted proxy for eye contact. Where
the partner is on a person's screen nobody knows, so the target is found from the gaze itself (`gaze_target`),
and a person can confirm it. Outside the state `confident` the states below are what the likely target would
give, for a page to show while asking; no percentage is made of them (`eye_contact_minutes`).

Conventions
-----------
Arrays have shape (n,), one value per sample. States are YES (contact), NO (away), UNKNOWN. Angles in degrees,
+ = image right and up, so `away_left` is the image's left, the person's own right. Missing is NaN or UNKNOWN,
never NO.
"""

from dataclasses import dataclass, replace

import numpy as np

from cues.metrics.episodes import UNKNOWN, Episode
from cues.metrics.gaze_decision import (
    Decision,
    away_episodes,
    away_kinds,
    contact_episodes,
    decide,
)
from cues.metrics.gaze_target import (
    CONFIDENT,
    CONFIRM,
    NOT_SEPARABLE,
    Candidate,
    axis_sigmas,
    thresholds,
)
from cues.metrics.lids import looks_down, read_lids
from cues.metrics.pointing import (
    GAZE,
    HEAD_ONLY,
    Pointing,
    search_evidence,
    seconds_per_sample,
    where_pointing,
)
from cues.metrics.quality import FrameQuality, frame_quality, gaze_flags
from cues.metrics.signals import robust_sd
from cues.metrics.smile_shift import smile_shift, smile_strength
from cues.metrics.target_over_time import Segment, find_segments, worst_state
from cues.observations import Observations
from cues.parameters import Gaze, Parameters

EPISODE_KINDS = {GAZE: "eye_contact", HEAD_ONLY: "facing"}
PARTNER_AREA = "partner_area"
"""Kind of the episodes where the partner cannot be told from a neighbouring place: gaze toward screen or
partner."""


@dataclass(frozen=True)
class CameraGaze:
    """Gaze to the lens, which is what the partner of a call perceives as eye contact (METHOD 2.7): states
    (n,), and the measured angles (h, v) of the lens that they rest on."""

    states: np.ndarray
    zero: tuple[float, float]


@dataclass(frozen=True)
class EyeContact:
    """Eye contact of one person over a session.

    method "gaze", or "head_only" (facing the partner, under its own name). state, reason: how far the target
    can be trusted, and why. u (n, 2): target-relative angles; distance (n,): from the target. measured (n,):
    the direction was measured, whatever the state (a blink is not); gaze_measured (n,): the same of gaze
    proper, also when the method is head_only. episodes: contact (strength: mean distance [deg]); censored
    (k,): which of them began or ended where nothing was known. aways: looks away by direction. camera_zone:
    None when zero is not known; camera_reason says so. smile_shift_deg: what a full smile did to the height of gaze;
    it is taken out of u.
    """

    person: int
    method: str
    state: str
    reason: str
    target: tuple[float, float] | None
    candidates: list[Candidate]
    sigma_deg: float
    theta_in_deg: float
    theta_out_deg: float
    separation_deg: float
    time: np.ndarray
    states: np.ndarray
    measured: np.ndarray
    gaze_measured: np.ndarray
    blink: np.ndarray
    u: np.ndarray
    distance: np.ndarray
    episodes: list[Episode]
    censored: np.ndarray
    aways: list[Episode]
    camera_zone: CameraGaze | None
    camera_reason: str
    speaking: np.ndarray | None
    segments: list[Segment]
    decision: Decision
    flags: list[str]
    smile_shift_deg: float


@dataclass(frozen=True)
class _Target:
    """The main segment's target as the decision needs it: centre (n, 2), width, separation, axis_scale (2,),
    merged (m, 2): offsets of places that cannot be told apart from it."""

    centre: np.ndarray
    sigma: float
    separation: float
    axis_scale: np.ndarray
    merged: np.ndarray


def measure_eye_contact(
    observations: Observations,
    person: int,
    partner: int | None,
    parameters: Parameters,
    *,
    speaking: np.ndarray | None = None,
    target: tuple[float, float] | None = None,
    camera_zero: tuple[float, float] | None = None,
) -> EyeContact:
    """Eye contact of `person` with `partner` (None: the partner is not in the recording).

    `speaking` int8 (n,): 0 silence, 1 self, 2 partner, 3 both, -1 unknown. `target` (h, v) [deg]: a place
    that a person named as the partner's. `camera_zero`: measured angles of a look at the lens. A person never
    seen, or too little gaze, gives the state `not_measurable` and UNKNOWN throughout.
    """
    gaze = parameters.gaze
    columns = observations.person(person)
    time, seen = columns["time"], columns["face"].astype(bool)
    longest = 2.5 / observations.facts.rate_hz
    quality = frame_quality(columns, parameters)
    lids = read_lids(columns, quality, time, longest, gaze)
    direction = where_pointing(observations, columns, person, partner, quality, lids, parameters)
    smile, shift = smile_strength(columns), 0.0
    if direction.method == GAZE:
        height = np.where(direction.usable, direction.u[:, 1], np.nan)
        shift = smile_shift(height, smile, observations.facts.rate_hz, gaze)
        taken_out = np.stack([np.zeros(len(time)), shift * np.nan_to_num(smile)], 1)
        direction = replace(direction, u=direction.u - taken_out)

    evidence = search_evidence(columns, direction, speaking, observations.facts.rate_hz, gaze)
    short = observations.facts.duration_s < parameters.sampling.short_s
    segments = find_segments(
        evidence,
        direction.region,
        gaze,
        duration=observations.facts.duration_s,
        min_data_s=parameters.sampling.refuse_below_s if short else gaze.min_data_s,
        sample_s=seconds_per_sample(direction.usable, time, longest, len(evidence.u)),
        scale=direction.scale,
        confirmed=target,
    )
    main = max(segments, key=lambda segment: segment.end - segment.start)
    chosen = main.choice.chosen
    found, reason = worst_state(segments)
    place = _target(segments, main, found, direction, time, gaze)
    state, reason = _limit(found, reason, place, direction.doubt, short, target is not None, gaze)
    if state != found:
        place = _target(segments, main, state, direction, time, gaze)
    enter, leave = _thresholds(place.sigma, place.separation, direction.method, gaze)

    offset = _offset(direction, place)
    distance = np.hypot(offset[:, 0], offset[:, 1])
    down = looks_down(lids, distance < enter, time, longest, gaze) & ~direction.usable & seen
    closed = lids.closed & seen
    drift = max(s.drift for s in segments) if chosen else 0.0
    decision = Decision(
        offset=offset,
        usable=direction.usable,
        away_forced=(closed | down) & ~direction.usable & (chosen is not None),
        blink=lids.blink & ~direction.usable,
        toward_competitor=main.choice.toward_competitor,
        centre_error=max(gaze.interval_centre_deg, drift / 2),
        longest=longest,
    )
    states = decide(distance, enter, leave, decision, time, gaze)
    if chosen is None:
        states[:] = UNKNOWN
    kind = PARTNER_AREA if state == NOT_SEPARABLE else EPISODE_KINDS[direction.method]
    episodes, censored = contact_episodes(states, distance, time, longest, kind, gaze)
    kinds = away_kinds(direction.u - place.centre, closed & ~(down & lids.lowered), down)
    gaze_measured = ((quality.gaze >= 1) & ~lids.blink) | ((closed | down) & ~decision.blink)
    camera, camera_reason = _camera_gaze(direction, decision, target, camera_zero, chosen, time, gaze, observations)
    flags = gaze_flags(columns, quality, parameters)
    flags += _target_flags(observations, segments, state, direction, short, camera_zero or (0.0, 0.0), gaze)
    if _eyes_disagree(columns, quality, gaze):
        flags.append("EYES_DISAGREE")
    if "CAMERA_NOT_SEPARABLE" in flags:
        reason += "; partner/camera (not separable)"
    return EyeContact(
        person=person,
        method=direction.method,
        state=state,
        reason=reason,
        target=None if chosen is None else (chosen.h, chosen.v),
        candidates=main.choice.candidates,
        sigma_deg=place.sigma,
        theta_in_deg=enter,
        theta_out_deg=leave,
        separation_deg=place.separation,
        time=time,
        states=states,
        measured=gaze_measured if direction.method == GAZE else direction.usable,
        gaze_measured=gaze_measured,
        blink=decision.blink,
        u=direction.u,
        distance=distance,
        episodes=episodes,
        censored=censored,
        aways=away_episodes(states, kinds, distance, time, longest, gaze),
        camera_zone=camera,
        camera_reason=camera_reason,
        speaking=speaking,
        segments=segments,
        decision=decision,
        flags=flags,
        smile_shift_deg=shift,
    )


def _limit(
    state: str, reason: str, place: "_Target", doubt: str, short: bool, confirmed: bool, gaze: Gaze
) -> tuple[str, str]:
    """The state after what the search does not know: an oval cluster's own measure of distance, the room, the
    length."""
    if state not in (CONFIDENT, CONFIRM):
        return state, reason
    if place.separation / place.sigma < gaze.separation_sigma_min:
        return (
            NOT_SEPARABLE,
            "another place lies too near to the likely partner, along the direction in which gaze spreads",
        )
    if state == CONFIRM or short:
        return CONFIRM, reason if state == CONFIRM else "the recording is shorter than a minute"
    if not confirmed and place.separation / place.sigma < gaze.separation_sigma_ok:
        return CONFIRM, "another place that is looked at often lies near the likely partner"
    if not confirmed and doubt:
        return CONFIRM, doubt
    return state, reason


def _target(
    segments: list[Segment], main: Segment, state: str, direction: Pointing, time: np.ndarray, gaze: Gaze
) -> _Target:
    """Centre at every sample, width and separation; an oval cluster is measured along its narrow axis (METHOD
    2.6)."""
    nowhere = np.zeros((0, 2))
    centre = np.full((len(time), 2), np.nan)
    for segment in segments:
        rows = (time >= segment.start) & (time < segment.end)
        centre[rows] = segment.centre_at(time[rows])
    chosen = main.choice.chosen
    if chosen is None:
        return _Target(centre, float("nan"), float("nan"), np.ones(2), nowhere)
    others = [c.centre - chosen.centre for c in main.choice.candidates if c is not chosen]
    if state == NOT_SEPARABLE:
        near = [o for o in others if np.hypot(*o) < gaze.separation_sigma_min * chosen.sigma]
        return _Target(centre, chosen.sigma, np.inf, np.ones(2), np.array([np.zeros(2), *near]))
    rows = direction.usable & (time >= main.start) & (time < main.end)
    sigmas = axis_sigmas(direction.u[rows] - centre[rows], np.zeros(2), gaze, direction.scale)
    if sigmas.max() / sigmas.min() <= gaze.anisotropy:
        return _Target(centre, chosen.sigma, main.choice.separation, np.ones(2), np.zeros((1, 2)))
    axis_scale = sigmas.min() / sigmas
    separation = min((float(np.hypot(*(o * axis_scale))) for o in others), default=np.inf)
    return _Target(centre, float(sigmas.min()), separation, axis_scale, np.zeros((1, 2)))


def _offset(direction: Pointing, place: _Target) -> np.ndarray:
    """Angles (n, 2) from the target, or from the nearest of the places that cannot be told from it."""
    offset = np.where(direction.usable[:, None], direction.u - place.centre, np.nan)
    if len(place.merged) > 1:
        from_each = offset[:, None] - place.merged[None]
        nearest = np.argmin(np.nan_to_num((from_each**2).sum(2)), 1)
        offset = from_each[np.arange(len(offset)), nearest]
    return offset * place.axis_scale


def _thresholds(sigma: float, separation: float, method: str, gaze: Gaze) -> tuple[float, float]:
    if method == GAZE:
        return thresholds(sigma, separation, gaze)
    enter = min(gaze.head_only_theta_deg, gaze.theta_separation_share * separation)
    return enter, min(gaze.out_ratio * enter, enter + gaze.out_add_deg)


def _camera_gaze(
    direction: Pointing,
    decision: Decision,
    target: tuple[float, float] | None,
    camera_zero: tuple[float, float] | None,
    chosen: Candidate | None,
    time: np.ndarray,
    gaze: Gaze,
    observations: Observations,
) -> tuple[CameraGaze | None, str]:
    """Gaze to the lens, only where the measured angles of the lens are known (METHOD 2.7)."""
    if direction.method != GAZE or observations.facts.setup == "shared_room":
        return None, "gaze to the camera means something in a call only, and needs readable irises"
    zero = camera_zero
    if zero is None and target is not None and chosen is not None and np.hypot(*target) <= gaze.camera_cluster_deg:
        zero = (chosen.h, chosen.v)
    if zero is None:
        return None, "it is not known which measured direction is the camera"
    h, v = direction.u[:, 0] - zero[0], direction.u[:, 1] - zero[1]
    inside = (
        (np.abs(h) <= gaze.camera_zone_h_deg) & (v >= gaze.camera_zone_v_low_deg) & (v <= gaze.camera_zone_v_high_deg)
    )
    distance = np.where(direction.usable, np.where(inside, 0.0, 2.0), np.nan)
    return CameraGaze(decide(distance, 1.0, 1.0, decision, time, gaze), zero), ""


def _target_flags(
    observations: Observations,
    segments: list[Segment],
    state: str,
    direction: Pointing,
    short: bool,
    lens: tuple[float, float],
    gaze: Gaze,
) -> list[str]:
    flags = []
    if short:
        flags.append("SHORT")
    if direction.method == HEAD_ONLY:
        flags.append("HEAD_ONLY")
    if len(segments) > 1:
        flags.append("TARGET_MOVED")
    chosen = max(segments, key=lambda segment: segment.end - segment.start).choice.chosen
    if state == NOT_SEPARABLE:
        flags.append("TARGET_NOT_SEPARABLE")
    elif state == CONFIRM and chosen is not None:
        flags.append("TARGET_AMBIGUOUS" if chosen.usual else "TARGET_UNUSUAL")
    in_call = observations.facts.setup != "shared_room" and direction.method == GAZE
    if (
        in_call
        and chosen is not None
        and np.hypot(chosen.h - lens[0], chosen.v - lens[1]) < gaze.camera_not_separable_deg
    ):
        flags.append("CAMERA_NOT_SEPARABLE")
    alignment = observations.facts.alignment or {}
    if observations.facts.setup == "two_files" and not alignment.get("residual_s", np.inf) <= gaze.sync_sd_max_s:
        flags.append("SYNC_UNCERTAIN")
    return flags


def _eyes_disagree(columns: dict[str, np.ndarray], quality: FrameQuality, gaze: Gaze) -> bool:
    """The eye shapes' own horizontal direction does not follow the irises' (METHOD 2.9, cross-check)."""
    by_shape = (
        columns["eyeLookOutLeft"] - columns["eyeLookInLeft"] + columns["eyeLookInRight"] - columns["eyeLookOutRight"]
    )
    in_head = columns["gaze_h"] - quality.yaw_to_camera
    rows = (quality.gaze >= 1) & np.isfinite(by_shape) & np.isfinite(in_head)
    if rows.sum() < 3 or robust_sd(in_head[rows]) < gaze.sigma_floor_deg or np.std(by_shape[rows]) == 0:
        return False
    return bool(np.corrcoef(by_shape[rows], in_head[rows])[0, 1] < gaze.blendshape_correlation_min)
