"""The curve under the minutes: where in the session two people's smiling goes together closely.

Conventions
-----------
Windows of 15 s, one every second, named by their middle. The curve is the strength of `moving_correlation.py`
in standard deviations of mismatched windows, which are the same windows with one series shifted round the
circle by equal parts of the session. By construction chance puts 5 % of the windows above the 95th
percentile: the curve shows where to look, the claim is the session test's.

Source: METHOD 4.5.
"""

import numpy as np

from cues.metrics.episodes import NO, YES, Episode, episodes_of
from cues.metrics.moving_correlation import timeline_strength
from cues.metrics.smiles import Smiles
from cues.parameters import Parameters


def shared_smile_timeline(
    first: Smiles, second: Smiles, parameters: Parameters
) -> tuple[np.ndarray, np.ndarray, list[Episode]]:
    """The curve of two people's smiling together, and where it is high.

    Returns the middles of the windows [s] (k,), the curve (k,) in standard deviations from mismatched windows
    (NaN where not known, or where one of them expresses too little), and the episodes: stretches of at least
    3 s above the 95th percentile of mismatched windows (kind "shared_smiling", strength = highest value of
    the curve). No curve where fewer than `timeline_mismatched_min` mismatched windows hold expression.
    """
    p = parameters.mirroring
    n = min(len(first.time), len(second.time))
    x, y = first.innovation[:n], second.innovation[:n]
    width, lag = int(round(p.timeline_window_s * p.grid_hz)), int(round(p.lag_s * p.grid_hz))
    step = int(round(p.timeline_step_s * p.grid_hz))
    starts = np.arange(0, n - width + 1, step)
    times = (starts + width / 2) / p.grid_hz
    nothing = np.full(len(starts), np.nan)
    if len(starts) == 0 or not (np.isfinite(x).any() and np.isfinite(y).any()):
        return times, nothing, []

    def strength(second_series: np.ndarray, second_lively: np.ndarray) -> np.ndarray:
        value = timeline_strength(x, second_series, starts, width, lag, p.r_clip, parameters.quality.coverage_min)
        return np.where(first_lively & second_lively, value, np.nan)

    def lively(smiles: Smiles, shift: int) -> np.ndarray:
        return _moving_sd(np.roll(smiles.smile[:n], shift), starts, width) >= p.gate_sd_sigma * smiles.noise_sd

    first_lively = lively(first, 0)
    count = -(-p.timeline_mismatched_windows // len(starts))
    shifts = [s for s in (n * np.arange(1, count + 1)) // (count + 1) if lag + width <= s <= n - width - lag]
    pool = np.concatenate([nothing, *(strength(np.roll(y, s), lively(second, int(s))) for s in shifts)])
    pool = pool[np.isfinite(pool)]
    if len(pool) < p.timeline_mismatched_min:
        return times, nothing, []
    curve = (strength(y, lively(second, 0)) - pool.mean()) / pool.std()
    threshold = (np.percentile(pool, p.timeline_percentile) - pool.mean()) / pool.std()
    half = p.timeline_step_s / 2
    above = np.where(curve > threshold, YES, NO).astype(np.int8)
    episodes = episodes_of(above, times - half, p.timeline_step_s, "shared_smiling", curve)
    return times, curve, [e for e in episodes if e.duration >= p.timeline_min_s - 1e-6]


def _moving_sd(values: np.ndarray, starts: np.ndarray, width: int) -> np.ndarray:
    """Standard deviation of the valid samples in windows from `starts` (k,) on; NaN where none is valid."""
    valid = np.isfinite(values)
    filled = np.where(valid, values - np.nanmean(values), 0.0)
    count, total, squares = (
        np.cumsum(np.append(0.0, v))[starts + width] - np.cumsum(np.append(0.0, v))[starts]
        for v in (valid * 1.0, filled, filled**2)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt(np.maximum(squares / count - (total / count) ** 2, 0.0))
