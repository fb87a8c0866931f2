"""How two people's expressions go together: one person's minutes against every place in the other's record.

Conventions
-----------
Series are float of shape (n,) on a steady clock; missing is NaN. A window is `width` samples. All
correlations are Pearson's over the samples valid in both; where fewer than `min_valid` are, the correlation
is NaN. With gaps a correlation rests on fewer samples and is noisier; it is therefore multiplied by
sqrt(samples / width), which makes windows with gaps as noisy as complete ones and changes nothing for those
(simple consequence of sd(r) = 1/sqrt(n)). The strength of going together is signed: the highest correlation
within +-lag, Fisher-transformed; never its absolute.

Everything here goes through sums of products at all places at once (overlap-save FFT), because an hour asks
for 60 minutes x 36,000 places, twice.

Source: METHOD 4.3-4.5; the definitions are checked in the tests against plain loops.
"""

import numpy as np
from scipy import fft

_FFT_LENGTH = 4096
_FLAT = 1e-12  # a window whose variance is below this has no correlation: 0


def window_correlations(a: np.ndarray, b: np.ndarray, width: int, min_valid: float) -> np.ndarray:
    """Correlation of each whole window of `a` with as many samples of `b` from every place on, in a circle.

    `a`, `b` (n,) with n a multiple of `width`. Returns (n // width, n): [m, p] is window m of `a` against
    b[p], b[p+1] ... (after the end comes the beginning). NaN where fewer than min_valid * width samples are
    valid in both; see the module for how gaps count.
    """
    n = len(a)
    length = max(_FFT_LENGTH, fft.next_fast_len(2 * width, real=True))
    hop = length - width + 1
    windows = _powers(a, width).reshape(3, -1, width)  # value, valid, square
    circle = _powers(b, width)
    circle = np.concatenate([circle, circle[:, : width - 1]], axis=1)
    blocks = -(-n // hop)
    padded = np.pad(circle, ((0, 0), (0, blocks * hop + width - 1 - circle.shape[1])))
    pieces = np.lib.stride_tricks.sliding_window_view(padded, length, axis=1)[:, ::hop]
    value_b, valid_b, square_b = fft.rfft(pieces, axis=-1)
    value_a, valid_a, square_a = fft.rfft(windows, length, axis=-1).conj()
    running = np.cumsum(np.pad(circle, ((0, 0), (1, 0))), axis=1)
    sums_of_b = running[:, width:] - running[:, :-width]
    least = max(3.0, min_valid * width)

    def at_all_places(spectra: list[np.ndarray]) -> np.ndarray:
        return fft.irfft(np.stack(spectra), length, axis=-1)[..., :hop].reshape(len(spectra), -1)[:, :n]

    sum_b, count_b, sum_bb = sums_of_b
    count_b = np.maximum(count_b, 1.0)
    spread_b = sum_bb - sum_b**2 / count_b
    b_complete = bool(np.isfinite(b).all())
    out = np.full((len(windows[0]), n), np.nan)
    for m in np.flatnonzero(windows[1].sum(1) >= least):
        if b_complete:
            (sum_ab,) = at_all_places([value_a[m] * value_b])
            sum_a, sum_aa = windows[0, m].sum(), windows[2, m].sum()
        else:
            sum_ab, sum_a, sum_aa = at_all_places([value_a[m] * value_b, value_a[m] * valid_b, square_a[m] * valid_b])
        if windows[1, m].all():
            mean_b, count, spread = sum_b / count_b, count_b, spread_b
        else:
            own_sum, count, own_squares = at_all_places(
                [valid_a[m] * value_b, valid_a[m] * valid_b, valid_a[m] * square_b]
            )
            count = np.maximum(np.round(count), 1.0)
            mean_b = own_sum / count
            spread = own_squares - own_sum * mean_b
        both = (sum_aa - sum_a * (sum_a / count)) * spread
        flat = both < (_FLAT * width) ** 2
        both[flat] = np.inf
        out[m] = (sum_ab - sum_a * mean_b) * np.sqrt(count / (width * both))
        out[m, count < least] = np.nan
    return out


def minute_matrix(
    xy: np.ndarray,
    yx: np.ndarray,
    x: np.ndarray,
    y: np.ndarray,
    width: int,
    lag: int,
    r_clip: float,
    min_valid: float,
) -> np.ndarray:
    """How minute i of x goes together with minute j of y: (M, M), Fisher z, NaN where not enough is valid.

    `xy`, `yx` are the window correlations of x in y and of y in x over the M whole minutes; `x`, `y` the full
    series, whose rest after the last whole minute may still be reached by a lag. [i, j] is the mean of two
    directions: the best of minute i of x in y around minute j, and the best of minute j of y in x around
    minute i (METHOD 4.3).
    """
    forward = _best_near_minutes(xy, x, y, width, lag, min_valid)
    backward = _best_near_minutes(yx, y, x, width, lag, min_valid)
    return (fisher(forward, r_clip) + fisher(backward, r_clip).T) / 2


def shifted_means(
    xy: np.ndarray, yx: np.ndarray, width: int, lag: int, step: int, r_clip: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The session's mean strength with y shifted round the circle by 0, step, 2 step ... samples.

    Returns (shifts [samples], mean strength per shift, strength per minute at shift 0 (M,)). Minutes without
    enough valid samples at a shift are left out of its mean; NaN where none is left (METHOD 4.4).
    """
    n = xy.shape[1]
    shifts = np.arange(0, n, step)
    starts = np.arange(len(xy))[:, None] * width
    totals = np.zeros(len(shifts))
    counts = np.zeros(len(shifts))
    at_zero = []
    for correlations, sign in ((xy, 1), (yx, -1)):
        places = (starts + sign * shifts) % n
        strength = np.stack([_highest_around(row, lag)[at] for row, at in zip(correlations, places, strict=True)])
        valid = np.isfinite(strength)
        strength = fisher(np.where(valid, strength, 0.0), r_clip)
        totals += strength.sum(0)
        counts += valid.sum(0)
        at_zero.append(np.where(valid[:, 0], strength[:, 0], np.nan))
    with np.errstate(invalid="ignore"):
        return (
            shifts,
            np.where(counts > 0, totals / np.maximum(counts, 1), np.nan),
            (at_zero[0] + at_zero[1]) / 2,
        )


def lag_curves(xy: np.ndarray, yx: np.ndarray, width: int, lag: int, r_clip: float) -> np.ndarray:
    """Fisher z of each minute at each lag: shape (M, 2 lag + 1); a positive lag means that y follows x.

    The mean of both directions: minute m of x with y `lag` later, minute m of y with x `lag` earlier. NaN
    where not enough is valid; places before the beginning or after the end are not used.
    """
    n = xy.shape[1]
    lags = np.arange(-lag, lag + 1)
    places = np.arange(len(xy))[:, None] * width + np.stack([lags, -lags])[:, None, :]
    inside = (places >= 0) & (places <= n - width)
    curves = np.stack([np.take_along_axis(c, p % n, axis=1) for c, p in ((xy, places[0]), (yx, places[1]))])
    curves = np.where(inside, fisher(curves, r_clip), np.nan)
    valid = np.isfinite(curves)
    with np.errstate(invalid="ignore"):
        return np.where(valid.any(0), np.where(valid, curves, 0).sum(0) / np.maximum(valid.sum(0), 1), np.nan)


def timeline_strength(
    x: np.ndarray, y: np.ndarray, starts: np.ndarray, width: int, lag: int, r_clip: float, min_valid: float
) -> np.ndarray:
    """Strength in the windows that begin at samples `starts` (k,) of both; shape (k,), NaN where not known.

    As in the minute matrix, but missing samples count as the mean of the series, which makes one sum per lag
    enough; a window needs min_valid of its samples in both. Made for drawing a curve, not for a test (METHOD
    4.5).
    """
    n = len(x)
    ok = (starts >= lag) & (starts + width + lag <= n)
    inner = starts[ok]
    xs, ys = (np.where(np.isnan(s), 0.0, s - np.nanmean(s)) for s in (x, y))

    def over(values: np.ndarray, first: np.ndarray) -> np.ndarray:
        total = np.cumsum(np.append(0.0, values))
        return total[first + width] - total[first]

    def mean_and_sd(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        total, squares = (np.cumsum(np.append(0.0, v)) for v in (values, values**2))
        mean = (total[width:] - total[:-width]) / width
        variance = (squares[width:] - squares[:-width]) / width - mean**2
        return mean, np.sqrt(np.maximum(variance, _FLAT))

    mean_x, sd_x = mean_and_sd(xs)
    mean_y, sd_y = mean_and_sd(ys)
    best = np.full((2, len(inner)), -np.inf)
    for shift in range(-lag, lag + 1):
        product = xs[max(0, -shift) : n - max(0, shift)] * ys[max(0, shift) : n + min(0, shift)]
        total = np.cumsum(np.append(0.0, product))
        for direction, begin_x in enumerate((inner, inner - shift)):  # window of x in y, window of y in x
            at = begin_x - max(0, -shift)
            covariance = (total[at + width] - total[at]) / width - mean_x[begin_x] * mean_y[begin_x + shift]
            r = covariance / (sd_x[begin_x] * sd_y[begin_x + shift])
            np.maximum(best[direction], r, out=best[direction])
    enough = (over(np.isfinite(x) * 1.0, inner) >= min_valid * width) & (
        over(np.isfinite(y) * 1.0, inner) >= min_valid * width
    )
    out = np.full(len(starts), np.nan)
    out[ok] = np.where(enough, fisher(best, r_clip).mean(0), np.nan)
    return out


def fisher(r: np.ndarray, r_clip: float) -> np.ndarray:
    """Fisher's z of correlations, clipped at +-`r_clip`; NaN stays NaN."""
    return np.arctanh(np.clip(r, -r_clip, r_clip))


def _highest_around(circle: np.ndarray, lag: int) -> np.ndarray:
    """The highest value within +-lag of each place of a circle, (n,); NaN never wins; -inf if all are."""
    reach = 2 * lag + 1
    best = np.nan_to_num(np.concatenate([circle[-lag:], circle, circle[:lag]]) if lag else circle, nan=-np.inf)
    done = 1
    while 2 * done <= reach:  # best[p] is the highest of `done` values from p on
        best = np.maximum(best[:-done], best[done:])
        done *= 2
    return np.maximum(best[: len(circle)], best[reach - done :][: len(circle)])


def _powers(series: np.ndarray, width: int) -> np.ndarray:
    """(3, n): value (0 where missing; centred, which keeps the sums small), 1 where valid, value squared."""
    valid = np.isfinite(series)
    value = np.where(valid, series - (series[valid].mean() if valid.any() else 0.0), 0.0)
    return np.stack([value, valid * 1.0, value**2])[:, : len(series) // width * width]


def _best_near_minutes(
    places: np.ndarray, a: np.ndarray, b: np.ndarray, width: int, lag: int, min_valid: float
) -> np.ndarray:
    """(M, M): best correlation of minute i of `a` within +-lag of minute j of `b`, not round the circle."""
    minutes, n = places.shape
    known = np.where(np.isnan(places), -np.inf, places)
    best = np.empty((minutes, minutes))
    for j in range(minutes):
        best[:, j] = known[:, max(0, j * width - lag) : min(j * width + lag, n - width) + 1].max(1)
    for beyond in range(1, min(lag, len(b) - n) + 1):
        last = b[n - width + beyond : n + beyond]
        r = _correlations_with(a[:n].reshape(minutes, width), last, min_valid)
        best[:, -1] = np.fmax(best[:, -1], r)
    return np.where(np.isfinite(best), best, np.nan)


def _correlations_with(windows: np.ndarray, one: np.ndarray, min_valid: float) -> np.ndarray:
    """Correlation of each row of `windows` (m, width) with `one` (width,), gaps counted as in the module."""
    width = len(one)
    both = np.isfinite(windows) & np.isfinite(one)
    count = np.maximum(both.sum(1), 1)
    a = np.where(both, windows, 0.0)
    b = np.where(both, one, 0.0)
    a = np.where(both, a - (a.sum(1) / count)[:, None], 0.0)
    b = np.where(both, b - (b.sum(1) / count)[:, None], 0.0)
    norm = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    r = np.where(norm < _FLAT * count, 0.0, (a * b).sum(1) / np.where(norm > 0, norm, 1.0)) * np.sqrt(count / width)
    return np.where(both.sum(1) < max(3.0, min_valid * width), np.nan, r)
