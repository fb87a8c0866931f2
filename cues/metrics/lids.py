"""Blinks, closed eyes and looking down: what the lids say where the irises cannot (METHOD 2.6).

Conventions
-----------
Boolean arrays of shape (n,), one value per sample. `longest` [s] is how long a sample can stand at most.
"""

from dataclasses import dataclass

import numpy as np

from cues.metrics.episodes import sample_ends
from cues.metrics.quality import FrameQuality
from cues.parameters import Gaze

CLOCK_TOLERANCE_S = 2e-3
"""Times are kept as float32: after an hour a difference of two of them is this uncertain."""


@dataclass(frozen=True)
class Lids:
    """blink: lids low for at most `blink_max_s`; closed: for longer; lowered: more as in looking down than as
    in shut; elevation: where lids and head point vertically [deg, only differences mean something], NaN
    without a face."""

    blink: np.ndarray
    closed: np.ndarray
    lowered: np.ndarray
    elevation: np.ndarray


def read_lids(
    person: dict[str, np.ndarray], quality: FrameQuality, time: np.ndarray, longest: float, gaze: Gaze
) -> Lids:
    """Blinks and closed eyes of one person.

    The lids are low where eyeBlink is high or the eyes are open less than usual for this person; for longer
    than a blink, both must agree, since a broad smile narrows the eyes without closing them (where only one
    of the two was measured, it decides).
    """
    shut = (person["eyeBlinkLeft"] + person["eyeBlinkRight"]) / 2
    open_ = (person["eye_open_left"] + person["eye_open_right"]) / 2
    rest = np.nanmedian(shut) if np.isfinite(shut).any() else 0.0
    usual = np.nanmedian(open_) if np.isfinite(open_).any() else 0.0
    by_shape = shut > max(gaze.blink_on, rest + gaze.blink_above_rest)
    by_opening = open_ < gaze.blink_open_share * usual
    low = by_shape | by_opening
    both = (by_shape | ~np.isfinite(shut)) & (by_opening | ~np.isfinite(open_)) & low

    short = runs_within(low, time, longest, gaze.blink_max_s)
    long_closed = both & ~runs_within(both, time, longest, gaze.blink_max_s)
    down = (person["eyeLookDownLeft"] + person["eyeLookDownRight"]) / 2
    up = (person["eyeLookUpLeft"] + person["eyeLookUpRight"]) / 2
    elevation = quality.pitch_to_camera - gaze.look_down_scale_deg * (np.nan_to_num(down) - np.nan_to_num(up))
    return Lids(short, long_closed, down > shut, np.where(person["face"].astype(bool), elevation, np.nan))


def looks_down(lids: Lids, at_target: np.ndarray, time: np.ndarray, longest: float, gaze: Gaze) -> np.ndarray:
    """Sustained looking down, (n,): lids and head at least `look_down_deg` below where they are at the
    target.

    `at_target` (n,) are samples whose measured gaze is at the target; without any, the session's median
    stands in.
    """
    known = np.isfinite(lids.elevation)
    if not known.any():
        return np.zeros(len(time), bool)
    reference = np.median(lids.elevation[known & at_target] if (known & at_target).any() else lids.elevation[known])
    low = known & (lids.elevation < reference - gaze.look_down_deg)
    return low & ~runs_within(low, time, longest, gaze.look_down_min_s, inclusive=False)


def run_bounds(states: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First indices and one-past-last indices of maximal runs of equal values; both of shape (k,)."""
    if len(states) == 0:
        return np.zeros(0, int), np.zeros(0, int)
    edges = np.flatnonzero(states[1:] != states[:-1]) + 1
    return np.append(0, edges), np.append(edges, len(states))


def runs_within(
    flags: np.ndarray, time: np.ndarray, longest: float, at_most_s: float, inclusive: bool = True
) -> np.ndarray:
    """Samples of those runs of True that last at most (or, not inclusive, less than) `at_most_s`; (n,)
    bool."""
    if len(flags) == 0:
        return flags.copy()
    first, past = run_bounds(flags)
    length = sample_ends(time, longest)[past - 1] - time[first]
    limit = at_most_s + (CLOCK_TOLERANCE_S if inclusive else -CLOCK_TOLERANCE_S)
    return np.repeat(flags[first] & (length <= limit), past - first)
