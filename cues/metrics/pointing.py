"""Where a person points: the gaze, or where the irises cannot be read the head; and what of it the target
search uses.

Conventions
-----------
Arrays have shape (n,), one value per sample, (n, 2) for angles u = (horizontal, vertical) [deg] relative to a
possible target (`gaze_coordinates`). NaN where nothing was measured.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d

from cues.metrics.gaze_coordinates import (
    eye_positions,
    face_direction,
    gaze_direction,
    room_angles,
    screen_angles,
    steady_positions,
)
from cues.metrics.gaze_target import Evidence, Region, beside_camera_region, room_region, screen_region
from cues.metrics.lids import Lids
from cues.metrics.quality import FrameQuality
from cues.metrics.signals import moving_average, running_median
from cues.observations import Observations
from cues.parameters import Gaze, Parameters

GAZE, HEAD_ONLY = "gaze", "head_only"

_SPEED_STEP_S = 0.1  # speed is taken over 0.2 s: noise is no saccade at 30 samples a second


@dataclass(frozen=True)
class Pointing:
    """Where a person points: angles u (n, 2), usable (n,), grade (n,) 0-2, what a partner's place is likely
    to be, the scale of the search, and why the target cannot be `confident` unasked ("" when it can)."""

    method: str
    u: np.ndarray
    usable: np.ndarray
    grade: np.ndarray
    region: Region
    scale: float
    doubt: str


def where_pointing(
    observations: Observations,
    columns: dict[str, np.ndarray],
    person: int,
    partner: int | None,
    quality: FrameQuality,
    lids: Lids,
    parameters: Parameters,
) -> Pointing:
    """Gaze where the irises can be read most of the time, else the direction of the head (METHOD 2.8).

    In a room where the face is hardly seen (two chairs, faces near profile), the turn of the head is taken relative to
    where a partner beside one is expected.
    """
    gaze = parameters.gaze
    rate = observations.facts.rate_hz
    eyes = eye_positions(columns)
    open_eyed = columns["face"].astype(bool) & ~lids.blink & ~lids.closed
    readable = quality.gaze >= 1
    known = open_eyed | ((quality.head == 0) & (quality.facing >= 1))
    irises_fail = readable[open_eyed].sum() < parameters.quality.coverage_min * known.sum()
    head_only = bool(irises_fail and (quality.facing >= 1).sum() > readable.sum())
    by_body = head_only and (quality.head >= 1).sum() < parameters.quality.coverage_min * (quality.facing >= 1).sum()
    usable = quality.facing >= 1 if head_only else readable & ~lids.blink & ~lids.closed
    scale = gaze.head_only_scale if head_only else 1.0

    h, v = columns["gaze_h"], columns["gaze_v"]
    doubt, region = "", screen_region(gaze)
    partner_eyes = np.full_like(eyes, np.nan)
    if observations.facts.setup == "shared_room":
        if partner is not None:
            seat = eye_positions(observations.person(partner))
            partner_eyes = steady_positions(seat, columns["time"], parameters.lean.median_s, rate)
        if by_body and partner is not None:
            region = room_region(gaze, scale)
            doubt = "the face was hardly seen: how the head is turned is known, but not whether it looks down"
        elif np.isfinite(partner_eyes).any():
            region = room_region(gaze, scale)
        else:
            region = beside_camera_region(gaze)
            doubt = "the partner is not in the picture, so it is not known on which side they sit"
    if by_body and partner is not None and observations.facts.setup == "shared_room":
        u = np.stack(
            [quality.yaw_to_camera - _side(observations, person) * gaze.prior_side_h_deg, quality.pitch_to_camera], 1
        )
    elif np.isfinite(partner_eyes).any():
        pointing = (
            face_direction(columns["head_yaw"], columns["head_pitch"]) if head_only else gaze_direction(h, v, eyes)
        )
        u = room_angles(pointing, eyes, partner_eyes)
    elif head_only:
        u = np.stack([quality.yaw_to_camera, quality.pitch_to_camera], 1)
    else:
        u = screen_angles(h, v, eyes)
    width = round(gaze.median_s * rate)
    u = np.stack([running_median(np.where(usable, u[:, k], np.nan), width) for k in range(2)], 1)
    method = HEAD_ONLY if head_only else GAZE
    grade = quality.facing if head_only else quality.gaze
    return Pointing(method, u, usable & np.isfinite(u).all(1), grade, region, scale, doubt)


def _side(observations: Observations, person: int) -> float:
    """+1 where this person's partner sits at image right, -1 at image left."""
    place = next(entry["place"] for entry in observations.facts.people if entry["person"] == person)
    return -1.0 if place == "right" else 1.0


def search_evidence(
    columns: dict[str, np.ndarray],
    direction: Pointing,
    speaking: np.ndarray | None,
    rate: float,
    gaze: Gaze,
) -> Evidence:
    """The samples of the target search: usable, and the eye not under way (METHOD 2.5.1), averaged over
    fixations."""
    time = columns["time"]
    step = max(1, round(_SPEED_STEP_S * rate))
    width = round(gaze.search_mean_s * rate) | 1
    speed = np.zeros(len(time))
    # An eye is under way for less than 0.2 s: of samples further apart all that it has moved happened in that time.
    most = 2 * _SPEED_STEP_S
    if len(time) > 2 * step:
        moved = np.hypot(*(direction.u[2 * step :] - direction.u[: -2 * step]).T)
        speed[step:-step] = np.nan_to_num(moved / np.clip(time[2 * step :] - time[: -2 * step], 1e-3, most))
    under_way = maximum_filter1d((speed >= gaze.saccade_deg_s).astype(np.int8), width) > 0
    fixated = np.where((direction.usable & ~under_way)[:, None], direction.u, np.nan)
    averaged = np.stack([moving_average(fixated[:, k], width) for k in range(2)], 1)
    speech = np.full(len(time), -1) if speaking is None else np.asarray(speaking, int)
    down = (columns["eyeLookDownLeft"] + columns["eyeLookDownRight"]) / 2
    everything = Evidence(averaged, direction.u, direction.grade / 2.0, speech, down, time)
    return everything.part(np.isfinite(averaged).all(1))


def seconds_per_sample(usable: np.ndarray, time: np.ndarray, longest: float, searched: int) -> float:
    """Seconds of measured direction per sample of the search: saccades are left out of it, but their time
    counts."""
    step = min(float(np.median(np.diff(time))), longest) if len(time) > 1 else longest
    return step * usable.sum() / searched if searched else step
