"""The usual practice of the field: windowed cross-lagged correlation as the R package rMEA defines it (`MEAccf`).

Conventions
-----------
Series are float (n,) on a steady clock; missing is NaN. Windows of `width` samples begin every `increment` samples;
the last one still has room for the largest lag after it: begin + width + lag <= n. At a lag of L >= 0 samples the
window of x is compared with y L samples later (y follows), at -L the window of y with x L samples later. Pearson's r
over the samples valid in both; a window in which more than half of width + lag samples of either series are missing
is dropped (NaN), as is a lag at which the two are the same numbers. Fisher's z is held within +-10 and, as is usual,
made absolute. The session's figure is the mean over all windows and lags (`grandAver`).

The package's users compare it with dyads put together at random (`shuffle`). Here it is also put against the same
circular shifts as the product's own test (`shift_test`), so that the two differ in the statistic alone.

Source: kleinbub/rMEA, R/rMEA_ccf.R; defaults in METHOD 4.5. `tests/validation/test_agreement.py` has a plain loop.
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft

Z_LIMIT = 10.0
LAG_S, WINDOW_S, INCREMENT_S = 5.0, 60.0, 30.0
"""What the package's own example uses and most publications repeat [s]."""
_FLAT = 1e-12


@dataclass(frozen=True)
class Windows:
    """How windows are laid, in samples."""

    width: int
    increment: int
    lag: int
    absolute: bool = True

    @classmethod
    def of_the_field(cls, rate_hz: float, absolute: bool = True) -> "Windows":
        """The package's example settings on a clock of `rate_hz`."""
        width, increment, lag = (round(s * rate_hz) for s in (WINDOW_S, INCREMENT_S, LAG_S))
        return cls(width, increment, lag, absolute)

    def starts(self, n: int) -> np.ndarray:
        """First samples of the windows of a series of `n` samples; none where it is too short."""
        return np.arange(0, n - self.width - self.lag + 1, self.increment)


def lagged_table(x: np.ndarray, y: np.ndarray, windows: Windows) -> np.ndarray:
    """Fisher's z per window and lag: (windows, 2 lag + 1), the lags from -lag to +lag; positive: y follows x."""
    starts = windows.starts(len(x))
    lags = np.arange(windows.lag + 1)
    later = starts[:, None] + lags
    rows = np.arange(len(starts))[:, None]
    y_later = _correlations(x, y, starts, windows.width)[rows, later]
    x_later = _correlations(y, x, starts, windows.width)[rows, later]
    table = np.concatenate([x_later[:, :0:-1], y_later], axis=1)
    for k, column in zip(*np.nonzero(np.abs(table) > 1 - 1e-9), strict=True):
        lag = column - windows.lag
        a = x[starts[k] + max(0, -lag) :][: windows.width]
        b = y[starts[k] + max(0, lag) :][: windows.width]
        if ((a != b) & np.isfinite(a) & np.isfinite(b)).sum() < 2:
            table[k, column] = np.nan
    table[_too_much_missing(x, starts, windows) | _too_much_missing(y, starts, windows)] = np.nan
    return _fisher(table, windows.absolute)


def grand_average(table: np.ndarray) -> float:
    """The mean over all windows and lags that are known."""
    return float(np.nanmean(table)) if np.isfinite(table).any() else float("nan")


@dataclass(frozen=True)
class ShiftTest:
    """The session's figure; `z` in standard deviations of the shifted ones, `p` = (1 + k) / (1 + n) of them."""

    average: float
    z: float
    p: float


def shift_test(x: np.ndarray, y: np.ndarray, windows: Windows, step: int, least: int) -> ShiftTest:
    """The session's figure of x and y (n,), and what y shifted round the circle by least, least + step ... gives.

    As in the product's test, every series keeps its own windows and the other one is shifted against them.
    """
    n = len(x)
    starts = windows.starts(n)
    shifts = np.arange(least, n - least + 1, step)
    totals, counts = np.zeros(len(shifts)), np.zeros(len(shifts))
    for own, other, way, nearest in ((x, y, 1, 0), (y, x, -1, 1)):  # lag 0 belongs to the windows of x
        z = _fisher(_correlations(own, other, starts, windows.width), windows.absolute)
        known = np.isfinite(z)
        places = (starts[:, None] + way * shifts) % n
        totals += np.take_along_axis(_sums_ahead(np.where(known, z, 0.0), nearest, windows.lag), places, 1).sum(0)
        counts += np.take_along_axis(_sums_ahead(known * 1.0, nearest, windows.lag), places, 1).sum(0)
    null = totals / np.maximum(counts, 1)
    observed = grand_average(lagged_table(x, y, windows))
    p = (1 + (null >= observed).sum()) / (1 + len(null))
    return ShiftTest(observed, float((observed - null.mean()) / null.std()), float(p))


def _correlations(a: np.ndarray, b: np.ndarray, starts: np.ndarray, width: int) -> np.ndarray:
    """(k, n): Pearson's r of a[start : start + width] with b from every place on, round the circle; NaN where flat.

    By sums of products over the samples valid in both, all places at once (circular convolution theorem).
    """
    n = len(a)
    value_b, valid_b, square_b = fft.rfft(_powers(b))
    own = np.zeros((3, len(starts), n))
    for k, start in enumerate(starts):
        own[:, k, :width] = _powers(a)[:, start : start + width]
    value_a, valid_a, square_a = fft.rfft(own).conj()

    def sums(of_a: np.ndarray, of_b: np.ndarray) -> np.ndarray:
        return fft.irfft(of_a * of_b, n)

    count = np.maximum(np.round(sums(valid_a, valid_b)), 1.0)
    sum_a, sum_b = sums(value_a, valid_b), sums(valid_a, value_b)
    spread_a = sums(square_a, valid_b) - sum_a**2 / count
    spread_b = sums(valid_a, square_b) - sum_b**2 / count
    flat = (spread_a < _FLAT * width) | (spread_b < _FLAT * width)
    spread = np.where(flat, np.nan, spread_a * spread_b)
    return (sums(value_a, value_b) - sum_a * sum_b / count) / np.sqrt(spread)


def _powers(series: np.ndarray) -> np.ndarray:
    """(3, n): value over the standard deviation (0 where missing), 1 where valid, value squared."""
    valid = np.isfinite(series)
    centred = series - series[valid].mean()
    value = np.where(valid, centred / max(float(centred[valid].std()), 1e-300), 0.0)
    return np.stack([value, valid * 1.0, value**2])


def _sums_ahead(rows: np.ndarray, nearest: int, farthest: int) -> np.ndarray:
    """(k, n): sum of each circular row from `nearest` to `farthest` places ahead of every place."""
    n = rows.shape[1]
    running = np.cumsum(np.concatenate([np.zeros((len(rows), 1)), rows, rows[:, : farthest + 1]], axis=1), axis=1)
    places = np.arange(n)
    return running[:, places + farthest + 1] - running[:, places + nearest]


def _too_much_missing(series: np.ndarray, starts: np.ndarray, windows: Windows) -> np.ndarray:
    """(k,) bool: more than half of the samples that a window and its lags can reach are missing."""
    reach = windows.width + windows.lag
    gone = np.cumsum(np.append(0, np.isnan(series)))
    return gone[starts + reach] - gone[starts] > reach / 2


def _fisher(r: np.ndarray, absolute: bool) -> np.ndarray:
    with np.errstate(divide="ignore"):
        z = np.clip(np.arctanh(np.clip(r, -1.0, 1.0)), -Z_LIMIT, Z_LIMIT)
    return np.abs(z) if absolute else z
