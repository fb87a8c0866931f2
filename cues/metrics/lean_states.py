"""Forward, neutral, back, unknown: thresholds on a lean, with hysteresis (METHOD 3.5).

Conventions
-----------
`lean` in cm, + = nearer, NaN = unknown, on a steady clock. States: FORWARD 1, NEUTRAL 0, BACK 2, UNKNOWN -1.
"""

import numpy as np

from cues.metrics.episodes import NO, UNKNOWN, YES, relabel_short
from cues.parameters import Lean

FORWARD, NEUTRAL, BACK = 1, 0, 2


def lean_states(time: np.ndarray, lean: np.ndarray, enter: np.ndarray, parameters: Lean) -> np.ndarray:
    """States int8 of shape (m,).

    A lean begins where `lean` (m,) reaches `enter` (m,) and ends where it falls below .6 of it; interruptions
    under 1 s are bridged, leans under 2 s dropped; leaning back is the same with the sign turned. NaN in
    either gives UNKNOWN and ends a lean.
    """
    longest = 2.5 / parameters.grid_hz
    states = np.full(len(lean), NEUTRAL, np.int8)
    for signed, label in ((lean, FORWARD), (-lean, BACK)):
        beyond = _beyond(signed, enter, parameters.exit_ratio * enter)
        beyond = relabel_short(beyond, time, longest, NO, parameters.merge_s, YES, YES)
        beyond = relabel_short(beyond, time, longest, YES, parameters.min_episode_s, NO, None)
        states[beyond == YES] = label
    states[~np.isfinite(lean) | ~np.isfinite(enter)] = UNKNOWN
    return states


def _beyond(value: np.ndarray, enter: np.ndarray, leave: np.ndarray) -> np.ndarray:
    """`episodes.hysteresis` with thresholds that change over time: the last decisive sample counts."""
    with np.errstate(invalid="ignore"):
        entered = value >= enter
        left = ~(value >= leave)  # NaN leaves
    decisive = np.where(entered | left, np.arange(len(value)), -1)
    last = np.maximum.accumulate(decisive) if len(value) else decisive
    states = np.where((last >= 0) & entered[np.clip(last, 0, None)], YES, NO).astype(np.int8)
    states[~np.isfinite(value) | ~np.isfinite(enter)] = UNKNOWN
    return states
