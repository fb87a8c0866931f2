"""Where a person habitually sits: the rearmost density mode of a distance, rolling.

A lean is a change of distance, so everything hangs on what it is measured from. Averages fail: the more a
person leans, the more the average leans too. The rearmost mode of the last and next five minutes does not
(METHOD 3.4).

Conventions
-----------
Distances in cm, shape (n,), on a steady clock of `rate` Hz; larger is further back. Missing is
NaN and takes no part.
"""

import numpy as np
from scipy.ndimage import gaussian_filter1d

from cues.metrics.signals import robust_sd
from cues.parameters import Lean

_GRID_PER_BANDWIDTH = 4  # 0.2 cm at the bandwidth of 0.8 cm, as in the simulation behind METHOD 3.4
_PAD_BANDWIDTHS = 4  # so that a mode at the edge of the data is a local maximum like any other


def rear_mode(distance: np.ndarray, parameters: Lean) -> float:
    """The rearmost local maximum of the density of `distance` [cm] that is high enough; NaN without valid
    samples.

    Gaussian kernel density with a bandwidth of 0.8 cm or 1.3 % of the median distance, whichever is more;
    "high enough" is 25 % of the highest maximum (METHOD 3.4). NaN samples take no part.
    """
    valid = distance[np.isfinite(distance)]
    if len(valid) == 0:
        return float("nan")
    bandwidth = max(parameters.kde_bandwidth_cm, parameters.kde_bandwidth_share * float(np.median(valid)))
    step = bandwidth / _GRID_PER_BANDWIDTH
    low, high = np.percentile(valid, [0.5, 99.5])  # one mistaken face far away must not blow up the grid
    pad = _PAD_BANDWIDTHS * _GRID_PER_BANDWIDTH
    count = int(np.ceil((high - low) / step)) + 1 + 2 * pad
    start = low - pad * step
    place = np.round((valid - start) / step).astype(int)
    place = place[(place >= 0) & (place < count)]
    density = gaussian_filter1d(np.bincount(place, minlength=count).astype(float), _GRID_PER_BANDWIDTH, mode="constant")
    inner = density[1:-1]
    peaks = (inner >= density[:-2]) & (inner > density[2:])
    peaks &= inner >= parameters.rear_peak_relative * density.max()
    return float(start + step * (1 + np.flatnonzero(peaks)[-1]))


def rolling_baseline(distance: np.ndarray, rate: float, parameters: Lean) -> tuple[np.ndarray, bool]:
    """The baseline [cm] of one segment, shape (n,), and whether it is a rolling one.

    The rear mode of windows of 10 minutes every minute, each with at least 120 s of valid samples, linearly
    interpolated between the windows' centres. A segment shorter than 4 minutes, or without such a window, has
    its one rear mode throughout (False). All NaN where `distance` holds no valid sample.
    """
    n = len(distance)
    if n / rate >= parameters.short_recording_s:
        half = parameters.baseline_window_s * rate / 2
        centres = np.arange(0, n, parameters.baseline_step_s * rate)
        places, modes = [], []
        for centre in centres:
            window = distance[max(0, int(centre - half)) : int(centre + half)]
            if np.isfinite(window).sum() / rate >= parameters.baseline_min_s:
                places.append(centre)
                modes.append(rear_mode(window, parameters))
        if places:
            return np.interp(np.arange(n), places, modes), True
    return np.full(n, rear_mode(distance, parameters)), False


def sway(distance: np.ndarray, baseline: np.ndarray, parameters: Lean) -> float:
    """sigma0 [cm]: robust SD of the samples within 3 cm of the baseline (METHOD 3.4); NaN below two."""
    off = distance - baseline
    return robust_sd(off[np.abs(off) < parameters.sigma_window_cm])


def neutral_baseline(time: np.ndarray, distance: np.ndarray, neutral: list[tuple[float, float]]) -> np.ndarray | None:
    """The baseline [cm] that a person gave by naming neutral stretches (start, end) [s]; shape (n,) or None.

    The median distance of each named stretch stands at its middle, linearly interpolated between several.
    None where no named stretch holds a valid sample of this segment.
    """
    places, levels = [], []
    for start, end in sorted(neutral):
        part = distance[(time >= start) & (time <= end)]
        if np.isfinite(part).any():
            places.append((start + end) / 2)
            levels.append(float(np.nanmedian(part)))
    return np.interp(time, places, levels) if places else None
