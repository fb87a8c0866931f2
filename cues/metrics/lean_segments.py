"""From observations to a distance whose values can be compared with one another, segment by segment.

A segment is a part of a recording within which one baseline can hold: one layout, an unmoved camera, a person
who did not come back in another place. This module finds the segments and what in them must not be read
(METHOD 3.1, 3.4).

Conventions
-----------
Raw samples have shape (n,), the lean clock has shape (m,). Distances in cm, missing is NaN. In a
shared room the distance is from the pivot of the head to the partner's habitual place, along the horizontal
line between the habitual places of the two; otherwise from the pivot to the lens.
"""

from dataclasses import dataclass, field

import numpy as np

from cues.metrics.camera_motion import CameraMotion, follow_camera
from cues.metrics.signals import resample, robust_sd, running_median
from cues.observations import Observations
from cues.parameters import Lean

_UP = np.array([0.0, -1.0, 0.0])


@dataclass
class Distance:
    """The distance of one person's head on the lean clock, and the segments it falls into.

    distance_cm (m,): NaN where not measured; segment (m,): -1 where nothing is to be measured.
    beside_camera_move: segments that begin or end with a camera move. towards: horizontal direction to the
    partner (x, z), shared room only. framed_share, followed_share: of the samples that show the person, those
    left out for auto-framing, and those with a background to follow. flags: machine codes.
    """

    distance_cm: np.ndarray
    segment: np.ndarray
    beside_camera_move: set[int] = field(default_factory=set)
    towards: np.ndarray | None = None
    framed_share: float = 0.0
    followed_share: float = 0.0
    flags: set[str] = field(default_factory=set)


def measure_distance(
    observations: Observations,
    person: int,
    partner: int | None,
    usable: np.ndarray,
    clock: np.ndarray,
    parameters: Lean,
) -> Distance:
    """Distance and segments of `person` on `clock`; `usable` (n,) says which samples have a head to measure.

    Without a partner, or without a sample of one, a shared room gives no distance.
    """
    rows, scene = observations.person(person), observations.scene_of(person)
    room = observations.facts.setup == "shared_room"
    partner_rows = observations.person(partner) if room and partner is not None else None
    found = Distance(np.full(len(clock), np.nan), np.full(len(clock), -1, np.int32))
    shown_total = max(1, int(scene["shown"].sum()))
    for inside in _stretches(scene["stretch"]):
        shown = int(scene["shown"][inside].sum())
        here = _on_clock(clock, rows["time"], inside)
        if shown == 0 or here.stop <= here.start:
            continue
        pivot = np.stack([rows[f"head_{axis}"][inside] for axis in "xyz"], 1)
        pivot[~usable[inside]] = np.nan
        if room:
            towards = _towards_partner(pivot, partner_rows, inside)
            if towards is None:
                continue
            found.towards = towards[1]
            along, across = _room_axes(pivot, *towards)
        else:
            along, across = np.linalg.norm(pivot, axis=1), pivot[:, :2]
        motion = _camera(scene, inside, pivot[:, 2], parameters)
        found.followed_share += motion.followed * shown / shown_total
        if motion.auto_framing or _size_stands_still(along, across, rows["time"][inside], parameters):
            found.framed_share += shown / shown_total
            found.flags.add("AUTO_FRAMING")
            continue
        if not motion.followed:
            found.flags.add("NO_BACKGROUND")
        _place(found, clock, here, rows["time"][inside], along, across, motion, parameters)
    return found


def _place(
    found: Distance,
    clock: np.ndarray,
    here: slice,
    time: np.ndarray,
    along: np.ndarray,
    across: np.ndarray,
    motion: CameraMotion,
    parameters: Lean,
) -> None:
    """Writes one stretch's smoothed distance and segments into `found`."""
    interval = max(float(np.median(np.diff(time))), 1e-3) if len(time) > 1 else 1.0
    part = clock[here]
    smooth = running_median(along, round(parameters.median_s / interval))
    distance = resample(time, smooth, part, parameters.fill_gap_s)
    borders = []
    for move in motion.moves:
        margin = parameters.camera_margin_s
        distance[(part >= move.start - margin) & (part <= move.end + margin)] = np.nan
        borders.append((move.start + move.end) / 2)
    for start, end in (*motion.brief, *motion.lost):
        margin = parameters.camera_margin_s
        distance[(part >= start - margin) & (part <= end + margin)] = np.nan
    if motion.lost:
        found.flags.add("BACKGROUND_LOST")
    segment = int(found.segment.max()) + 1 + np.searchsorted(np.array(borders), part, side="right")
    if motion.moves:
        found.flags.add("CAMERA_MOVED")
        found.beside_camera_move.update(np.unique(segment).tolist())
    for at in _returned_elsewhere(time, along, across, parameters):
        if not any(abs(at - border) <= parameters.lost_compare_s for border in borders):
            before = segment[min(int(np.searchsorted(part, at)), len(part) - 1)]
            segment = segment + (part >= at)
            if before in found.beside_camera_move:
                found.beside_camera_move.add(int(before) + 1)
            found.flags.add("PERSON_MOVED")
    found.distance_cm[here] = distance
    found.segment[here] = segment


def _stretches(stretch: np.ndarray) -> list[slice]:
    edges = [0, *(np.flatnonzero(np.diff(stretch)) + 1).tolist(), len(stretch)]
    return [slice(a, b) for a, b in zip(edges[:-1], edges[1:], strict=True) if b > a]


def _on_clock(clock: np.ndarray, time: np.ndarray, inside: slice) -> slice:
    """The clock's samples of a stretch of raw samples: from its first sample to the next stretch's."""
    start = 0 if inside.start == 0 else int(np.searchsorted(clock, time[inside.start]))
    stop = len(clock) if inside.stop >= len(time) else int(np.searchsorted(clock, time[inside.stop]))
    return slice(start, stop)


def _towards_partner(
    pivot: np.ndarray, partner_rows: dict[str, np.ndarray] | None, inside: slice
) -> tuple[np.ndarray, np.ndarray] | None:
    """The partner's habitual place (x, z) [cm] in this stretch and the unit direction to it, if known."""
    if partner_rows is None:
        return None
    other = np.stack([partner_rows["head_x"][inside], partner_rows["head_z"][inside]], 1)
    own = pivot[:, [0, 2]]
    own, other = own[np.isfinite(own).all(1)], other[np.isfinite(other).all(1)]
    if len(own) == 0 or len(other) == 0:
        return None
    place = np.median(other, 0)
    direction = place - np.median(own, 0)
    length = np.hypot(*direction)
    return (place, direction / length) if length > 0 else None


def _room_axes(pivot: np.ndarray, place: np.ndarray, direction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance to the partner's place along the line between the two (k,), and what is across it (k, 2)."""
    flat = pivot[:, [0, 2]]
    along = (place - flat) @ direction
    return along, np.stack([flat @ np.array([-direction[1], direction[0]]), pivot @ _UP], 1)


def _camera(scene: dict[str, np.ndarray], inside: slice, depth: np.ndarray, parameters: Lean) -> CameraMotion:
    tile = scene["tile_w"][inside]
    width = float(np.median(tile[np.isfinite(tile)])) if np.isfinite(tile).any() else float("nan")
    shift_x, shift_y, scale = (scene[name][inside] for name in ("shift_x", "shift_y", "scale"))
    return follow_camera(scene["time"][inside], shift_x, shift_y, scale, width, 1 / depth, parameters)


def _size_stands_still(along: np.ndarray, across: np.ndarray, time: np.ndarray, parameters: Lean) -> bool:
    """Auto-framing without a background: the face keeps its size while it moves sideways (METHOD 3.4)."""
    valid = np.isfinite(along)
    interval = max(float(np.median(np.diff(time))), 1e-3) if len(time) > 1 else 1.0
    if valid.sum() * interval < parameters.auto_framing_min_s:
        return False
    size = running_median(along, round(parameters.median_s / interval))[valid]
    sideways = across[valid].std(0).max()
    still = np.log(np.maximum(size, 1e-3)).std() < parameters.auto_framing_scale_sd
    return bool(still and sideways > parameters.auto_framing_lateral_sd_cm)


def _returned_elsewhere(time: np.ndarray, along: np.ndarray, across: np.ndarray, parameters: Lean) -> list[float]:
    """Middles [s] of gaps of over 5 s after which the person is in another place (METHOD 3.4 (ii)).

    Another place: the medians of the 10 s before and after differ by what a lean needs (5 cm or three times
    the sway), in distance or across it. The sway of each coordinate is the robust SD of its changes within 10
    s, over sqrt 2.
    """
    valid = np.flatnonzero(np.isfinite(along))
    gaps = np.flatnonzero(np.diff(time[valid]) > parameters.lost_s)
    if len(gaps) == 0:
        return []
    place = np.column_stack([along, across])
    later = np.clip(np.searchsorted(time, time + parameters.lost_compare_s), 0, len(time) - 1)
    sigma = np.array([robust_sd(column[later] - column) for column in place.T]) / np.sqrt(2)
    needed = np.fmax(parameters.enter_cm, parameters.lost_k_sigma * sigma)
    times = []
    for gap in gaps:
        last, first = time[valid[gap]], time[valid[gap + 1]]
        before = place[valid[: gap + 1]][time[valid[: gap + 1]] >= last - parameters.lost_compare_s]
        after = place[valid[gap + 1 :]][time[valid[gap + 1 :]] <= first + parameters.lost_compare_s]
        if (np.abs(np.median(after, 0) - np.median(before, 0)) > needed).any():
            times.append(float((last + first) / 2))
    return times
