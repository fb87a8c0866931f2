"""Series on a steady clock: resampling, smoothing, running statistics.

Conventions
-----------
Times in seconds, ascending. Missing is NaN and stays NaN: nothing here invents a value across a gap longer than the
stated one.
"""

import numpy as np
from scipy.ndimage import uniform_filter1d


def steady_clock(duration_s: float, rate_hz: float) -> np.ndarray:
    """Times k / rate [s] from 0 to below `duration_s`; shape (floor(duration * rate),)."""
    return np.arange(int(np.floor(duration_s * rate_hz + 1e-6))) / rate_hz


def resample(time: np.ndarray, values: np.ndarray, clock: np.ndarray, longest_gap_s: float) -> np.ndarray:
    """Linear interpolation of valid samples onto `clock`; NaN where valid neighbours are further apart than the gap.

    `values` (n,) may hold NaN; outside the first and last valid sample half the gap is extended with the nearest value.
    """
    valid = np.isfinite(values)
    if valid.sum() == 0:
        return np.full(len(clock), np.nan)
    t, v = time[valid], values[valid]
    out = np.interp(clock, t, v)
    after = np.searchsorted(t, clock, side="left")
    left = np.where(after > 0, t[np.clip(after - 1, 0, None)], -np.inf)
    right = np.where(after < len(t), t[np.clip(after, None, len(t) - 1)], np.inf)
    exact = right == clock
    near_edge = np.where(np.isinf(left), right - clock, np.where(np.isinf(right), clock - left, np.inf))
    inside = np.isfinite(left) & np.isfinite(right) & (right - left <= longest_gap_s + 1e-6)
    out[~(exact | inside | (near_edge <= longest_gap_s / 2 + 1e-6))] = np.nan
    return out


def moving_average(values: np.ndarray, width: int) -> np.ndarray:
    """Centred mean of the valid samples in `width` samples; NaN where the sample itself is missing."""
    valid = np.isfinite(values)
    filled = np.where(valid, values, 0.0)
    weight = uniform_filter1d(valid.astype(float), max(1, width), mode="constant")
    total = uniform_filter1d(filled, max(1, width), mode="constant")
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(valid, total / weight, np.nan)


def running_median(values: np.ndarray, width: int) -> np.ndarray:
    """Centred median of the valid samples in `width` samples (made odd); NaN where the sample itself is missing."""
    width = max(1, width) | 1
    if width == 1 or len(values) == 0:
        return values.copy()
    padded = np.pad(values, width // 2, constant_values=np.nan)
    windows = np.sort(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)  # NaN sorts last
    count = np.isfinite(windows).sum(1)
    low = np.take_along_axis(windows, np.clip((count - 1) // 2, 0, None)[:, None], 1)[:, 0]
    high = np.take_along_axis(windows, np.clip(count // 2, 0, width - 1)[:, None], 1)[:, 0]
    return np.where(np.isfinite(values), (low + high) / 2, np.nan)


def robust_sd(values: np.ndarray) -> float:
    """1.4826 times the median absolute deviation of the valid values; NaN for fewer than two."""
    valid = values[np.isfinite(values)]
    if len(valid) < 2:
        return float("nan")
    return float(1.4826 * np.median(np.abs(valid - np.median(valid))))
