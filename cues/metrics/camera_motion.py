"""Did the camera move? From the background behind a person to moves, zooms and auto-framing.

A camera that is bumped, zoomed or that frames by itself changes a face's size like a lean does. The
background tells them apart: it stays where it is when a person leans (METHOD 3.4).

Conventions
-----------
One stretch of a recording at a time. `time` [s] (n,); the background's shift [px] and scale
[ratio] relative to the stretch's reference picture (n,), NaN where it was not looked at or could not be
followed. Shifts are judged as a share of the picture's width, scales as their natural logarithm.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.ndimage import maximum_filter1d, minimum_filter1d

from cues.metrics.episodes import runs
from cues.metrics.signals import running_median
from cues.parameters import Lean

_OUTLIER_SAMPLES = 3  # a median over three looks removes a single mistaken one
_FOLLOWED_WITHIN_S = 1.5  # a sample this near to a look at the background counts as followed
_FOLLOWED_SHARE = 0.5
_FOLLOWABLE_S = 10.0  # followed for so long without a break: losing it then says something
_COVARYING_SD = 0.25  # of the scale limit: below, a varying scale is the follower's own noise
_COVARYING_SHARE = 0.3  # of the face's, half of what a zoom behind r > .6 must have; less is the person's pull


@dataclass(frozen=True)
class CameraMove:
    """The background went from one place to another: what changed, the shift as a share of the width.

    start, end [s]: the last look at the old place and the first at the new one.
    """

    start: float
    end: float
    shift: float
    log_scale: float


@dataclass(frozen=True)
class CameraMotion:
    """What one stretch's background says about its camera.

    followed: there was a background to follow. moves: lasting changes, each of them ends a segment. brief:
    stretches (start, end) [s] in which the background was elsewhere and came back. lost: stretches in which it
    could not be followed although it can be: the camera may have been elsewhere. auto_framing: the picture is
    zoomed again and again, or its scale goes with the face's.
    """

    followed: bool
    moves: list[CameraMove] = field(default_factory=list)
    brief: list[tuple[float, float]] = field(default_factory=list)
    lost: list[tuple[float, float]] = field(default_factory=list)
    auto_framing: bool = False


def follow_camera(
    time: np.ndarray,
    shift_x: np.ndarray,
    shift_y: np.ndarray,
    scale: np.ndarray,
    width: float,
    face_scale: np.ndarray,
    parameters: Lean,
) -> CameraMotion:
    """The camera's moves in one stretch.

    `width` is the picture's width [px], `face_scale` (n,) anything proportional to the size of the face in
    the picture, NaN without a face. A move is a departure of the background from its level by over 1 % of the
    width or over 1 % in scale (and more while the person is much nearer or further, see `_drag`) that lasts
    3 s or until the stretch ends; it ends when the background rests again. NaN in the background is left out,
    but a background that was followed for 10 s and then is not for 3 s is lost: a zoom in a poor picture does that
    as well as a person who comes near and hides the room. Where it is found again at its old place within 10 s it
    was hidden. Source: METHOD 3.4 (i) and "Auto-framing".
    """
    seen = np.isfinite(shift_x) & np.isfinite(shift_y) & np.isfinite(scale) & (scale > 0)
    followable = _followable(time[seen])
    if not np.isfinite(width) or not (followable or _followed(time, seen)):
        return CameraMotion(followed=False)
    t = time[seen]
    place = np.stack([shift_x[seen] / width, shift_y[seen] / width, np.log(scale[seen])])
    place = np.stack([running_median(row, _OUTLIER_SAMPLES) for row in place])
    limits = np.array([parameters.camera_shift_share] * 2 + [np.log1p(parameters.camera_scale_share)])
    log_face = np.log(face_scale[seen])
    drag = _drag(log_face - place[2], limits, parameters)
    moves, brief, levels = _moves(t, place / limits[:, None], limits, drag, parameters)
    residual = place[2] - levels[2] * limits[2]
    framing = _turns_too_often(t, place[2], limits[2], parameters)
    framing |= _goes_with_face(t, residual, log_face, limits[2], parameters)
    lost = _lost(time, t, place / limits[:, None], parameters) if followable else []
    return CameraMotion(True, moves, brief, lost, framing)


def _followable(looks: np.ndarray) -> bool:
    """Whether the background was followed without a break for long enough to be a good one."""
    if len(looks) == 0:
        return False
    breaks = np.flatnonzero(np.diff(looks) > _FOLLOWED_WITHIN_S)
    begin, end = looks[np.append(0, breaks + 1)], looks[np.append(breaks, len(looks) - 1)]
    return bool((end - begin).max() >= _FOLLOWABLE_S)


def _lost(time: np.ndarray, looks: np.ndarray, place: np.ndarray, parameters: Lean) -> list[tuple[float, float]]:
    """Stretches [s] of `time` (n,) in which no look found the background and it may have gone elsewhere; `place` (3, m)
    in limits, of the looks (m,) that did."""
    edges = np.concatenate([time[:1], looks, time[-1:]])
    away = np.abs(np.diff(place, axis=1)).max(0, initial=0.0) > 1
    moved = np.concatenate([[True], away, [True]])
    lasting = np.diff(edges)
    gaps = np.flatnonzero((lasting > parameters.camera_persist_s) & (moved | (lasting > parameters.camera_hidden_s)))
    return [(float(edges[k]), float(edges[k + 1])) for k in gaps]


def _followed(time: np.ndarray, seen: np.ndarray) -> bool:
    if not seen.any():
        return False
    looks = time[seen]
    after = np.clip(np.searchsorted(looks, time), 0, len(looks) - 1)
    nearest = np.minimum(np.abs(looks[after] - time), np.abs(looks[np.clip(after - 1, 0, None)] - time))
    return bool((nearest <= _FOLLOWED_WITHIN_S).mean() >= _FOLLOWED_SHARE)


def _drag(log_size: np.ndarray, limits: np.ndarray, parameters: Lean) -> np.ndarray:
    """How far (3, n), in limits, a background may seem to depart because the person before it came or went.

    `log_size` (n,) is the size of the face without what the background's own scale explains. On a real clip
    a recline of 40 % drew the background's scale along by 1.3 %. A camera move that is overlooked for so long
    falsifies a lean by no more than this tenth of it.
    """
    valid = np.isfinite(log_size)
    change = np.zeros(len(log_size))
    if valid.any():
        change[valid] = np.abs(log_size[valid] - np.median(log_size[valid]))
    return parameters.camera_drag_share * change / limits[:, None]


def _moves(
    t: np.ndarray, place: np.ndarray, limits: np.ndarray, drag: np.ndarray, parameters: Lean
) -> tuple[list[CameraMove], list[tuple[float, float]], np.ndarray]:
    """Moves, brief departures and the level of each look's segment (3, n); `place` (3, n) in limits."""
    n = len(t)
    interval = float(np.median(np.diff(t))) if n > 1 else parameters.camera_persist_s
    rests = np.flatnonzero(_resting(place, max(2, round(parameters.camera_persist_s / interval) + 1)))
    levels = np.full(place.shape, np.nan)
    moves: list[CameraMove] = []
    brief: list[tuple[float, float]] = []
    begin, previous, left_at, left_index = 0, None, 0.0, 0
    while begin < n:
        head = t[begin:] < t[begin] + parameters.camera_level_s
        level = np.median(place[:, begin:][:, head], 1)
        if previous is not None:
            change = (level - previous) * limits
            moves.append(CameraMove(left_at, float(t[begin]), float(np.hypot(*change[:2])), float(change[2])))
            levels[:, left_index:begin] = level[:, None]
        away = (np.abs(place[:, begin:] - level[:, None]) - drag[:, begin:]).max(0) > 1
        left, passing = _first_lasting(t[begin:], away, parameters.camera_persist_s)
        brief += passing
        levels[:, begin : begin + left] = level[:, None]
        previous, left_index = level, begin + left
        if left_index >= n:
            break
        left_at = float(t[left_index - 1])  # it may have left right after the last look at the old place
        resting_again = np.searchsorted(rests, left_index)
        begin = int(rests[resting_again]) if resting_again < len(rests) else n
        if begin >= n:
            moves.append(CameraMove(left_at, float(t[-1]), float("nan"), float("nan")))
            levels[:, left_index:] = place[:, left_index:]
    return moves, brief, levels


def _resting(place: np.ndarray, width: int) -> np.ndarray:
    """True where the background stays within half its limits for the next `width` looks; shape (n,)."""
    forward = -(width // 2)  # the window begins at its own look
    high = maximum_filter1d(place, width, axis=1, mode="nearest", origin=forward)
    low = minimum_filter1d(place, width, axis=1, mode="nearest", origin=forward)
    return (high - low).max(0) < 0.5


def _first_lasting(t: np.ndarray, away: np.ndarray, persist_s: float) -> tuple[int, list[tuple[float, float]]]:
    """Index where the first lasting departure begins (len(t) if none), and the brief ones before it."""
    passing: list[tuple[float, float]] = []
    for a, b, state in runs(away.astype(np.int8)):
        if not state:
            continue
        if b == len(t) or t[b] - t[a] >= persist_s:
            return a, passing
        passing.append((float(t[max(a - 1, 0)]), float(t[b])))
    return len(t), passing


def _turns_too_often(t: np.ndarray, log_scale: np.ndarray, limit: float, parameters: Lean) -> bool:
    """Zooms in and out by more than the limit, several times within a baseline window.

    One bump or one slow zoom has one direction and is dealt with as a move; a camera that frames by itself
    turns.
    """
    interval = float(np.median(np.diff(t))) if len(t) > 1 else 1.0
    smooth = running_median(log_scale, round(parameters.camera_level_s / interval))
    turns: list[float] = []
    direction, extreme, lowest, highest = 0, smooth[0], smooth[0], smooth[0]
    for when, value in zip(t.tolist(), smooth.tolist(), strict=True):
        lowest, highest = min(lowest, value), max(highest, value)
        if direction == 0 and highest - lowest > limit:
            direction, extreme = (1, value) if value == highest else (-1, value)
            turns.append(when)
        elif direction and (value - extreme) * direction > 0:
            extreme = value
        elif direction and (extreme - value) * direction > limit:
            direction, extreme = -direction, value
            turns.append(when)
    many = parameters.auto_framing_turns
    return any(b - a <= parameters.baseline_window_s for a, b in zip(turns, turns[many - 1 :], strict=False))


def _goes_with_face(t: np.ndarray, log_scale: np.ndarray, log_face: np.ndarray, limit: float, parameters: Lean) -> bool:
    """The background's scale, with its lasting moves removed, co-varies with the face's."""
    both = np.isfinite(log_face) & np.isfinite(log_scale)
    if both.sum() < 3 or np.ptp(t[both]) < parameters.auto_framing_min_s:
        return False
    background, face = log_scale[both], log_face[both]
    least = max(_COVARYING_SD * limit, _COVARYING_SHARE * face.std())
    if background.std() < least or face.std() == 0:
        return False
    return bool(np.corrcoef(background, face)[0, 1] > parameters.auto_framing_correlation)
