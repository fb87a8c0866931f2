"""What smiling does to the measured height of gaze, found on the person's own smiles and taken out again.

A smile lifts the cheeks and narrows the lids, which is easily read as looking lower: on twelve rendered people by 4
degrees in the median for a full smile as long as the gaze map did not know of smiles, by 1 since it does, but still by
-7 to 6 in single people. Somebody who smiles at the partner then seems to look
below them, and one place becomes two. Where somebody looks may change while they smile, but it seldom changes with
the beginning and the end of most smiles alike: the median over these moments is the shift (the pose leak of METHOD 2.4,
for the face). Larger changes are looks elsewhere, and do not count. Somebody who goes between two places less than
`smile_shift_most_deg` apart with every smile, and keeps to them, cannot be told from this.

Conventions
-----------
Angles in degrees, arrays (n,) on a steady clock of `rate_hz`; NaN where not measured.
"""

import numpy as np

from cues.metrics.smiles import SMILE
from cues.parameters import Gaze


def smile_strength(columns: dict[str, np.ndarray]) -> np.ndarray:
    """Mean of the two smile blendshapes, 0-1, above what this face shows at rest; shape (n,)."""
    strength = np.mean([columns[name] for name in SMILE], axis=0)
    rest = np.nanquantile(strength, 0.2) if np.isfinite(strength).any() else 0.0
    return np.asarray(strength - rest)


def smile_shift(v: np.ndarray, strength: np.ndarray, rate_hz: float, gaze: Gaze) -> float:
    """Change of the measured height of gaze `v` [deg] for a full smile; 0 where smiles are too few or do not agree.

    The estimate is drawn towards 0 by its own uncertainty, against `smile_shift_sd_deg` of people.
    """
    half, width = round(gaze.smile_shift_lag_s * rate_hz / 2), max(1, round(gaze.smile_shift_mean_s * rate_hz))
    if len(v) <= 2 * half or half == 0:
        return 0.0
    height, smile = _running_mean(v, width), _running_mean(strength, width)
    rise, change = height[2 * half :] - height[: -2 * half], smile[2 * half :] - smile[: -2 * half]
    with np.errstate(invalid="ignore"):
        rows = np.flatnonzero((np.abs(change) >= gaze.smile_shift_change) & np.isfinite(rise))
    if not len(rows):
        return 0.0
    # Samples of one beginning or end of a smile tell the same: the steepest stands for them.
    moments = np.split(rows, np.flatnonzero(np.diff(rows) > width / 2) + 1)
    steepest = np.array([moment[np.abs(change[moment]).argmax()] for moment in moments])
    steepest = steepest[np.abs(rise[steepest]) <= gaze.smile_shift_most_deg]
    if len(steepest) < gaze.smile_shift_moments:
        return 0.0
    each = rise[steepest] / change[steepest]
    shift = float(np.median(each))
    # Standard error of a median, its spread from the median absolute deviation of normal data.
    error = 1.25 * 1.48 * float(np.median(np.abs(each - shift))) / np.sqrt(len(each))
    if abs(shift) < 2 * error:
        return 0.0
    return shift * gaze.smile_shift_sd_deg**2 / (gaze.smile_shift_sd_deg**2 + error**2)


def _running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Mean over `width` samples of those that are known; NaN where less than half are."""
    known = np.isfinite(values)
    count = np.convolve(known, np.ones(width), "same")
    total = np.convolve(np.where(known, values, 0.0), np.ones(width), "same")
    return np.where(count >= width / 2, total / np.maximum(count, 1), np.nan)
