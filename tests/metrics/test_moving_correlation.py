"""The fast correlations against plain loops written from their definitions."""

import numpy as np
import pytest

from cues.metrics.moving_correlation import (
    lag_curves,
    minute_matrix,
    shifted_means,
    timeline_strength,
    window_correlations,
)
from cues.parameters import Parameters

W, LAG = 60, 7  # a "minute" of 60 samples keeps the loops short


def correlation(a, b):
    """Pearson's r over jointly valid samples, times sqrt(share valid); NaN under half of them."""
    both = np.isfinite(a) & np.isfinite(b)
    if both.sum() < 0.5 * len(a):
        return np.nan
    return np.corrcoef(a[both], b[both])[0, 1] * np.sqrt(both.mean())


def best(window, series, starts):
    """Fisher z of the highest correlation of `window` with `series` from each of `starts` on."""
    found = [correlation(window, series[s : s + len(window)]) for s in starts]
    found = [r for r in found if np.isfinite(r)]
    return np.arctanh(np.clip(max(found), -0.999, 0.999)) if found else np.nan


def made_pair(gaps):
    rng = np.random.default_rng(11)
    x, y = rng.normal(size=(2, 9 * W + 25))
    y[3:] += 0.6 * x[:-3]
    if gaps:
        x[70:90] = y[75:100] = y[200:215] = np.nan
        x[5 * W + 5 : 6 * W] = np.nan  # a minute that is all but missing
    return x, y


@pytest.mark.parametrize("gaps", [False, True])
def test_the_minute_matrix_is_the_one_of_the_definition(gaps):
    x, y = made_pair(gaps)
    minutes, n = len(x) // W, len(x) // W * W
    expected = np.empty((minutes, minutes))
    for i in range(minutes):
        for j in range(minutes):
            around_j = range(max(0, j * W - LAG), min(j * W + LAG, len(y) - W) + 1)
            around_i = range(max(0, i * W - LAG), min(i * W + LAG, len(x) - W) + 1)
            expected[i, j] = (best(x[i * W : i * W + W], y, around_j) + best(y[j * W : j * W + W], x, around_i)) / 2
    xy, yx = window_correlations(x[:n], y[:n], W, 0.5), window_correlations(y[:n], x[:n], W, 0.5)
    found = minute_matrix(xy, yx, x, y, W, LAG, 0.999, 0.5)
    assert np.isnan(expected).any() == gaps
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("gaps", [False, True])
def test_the_session_statistic_at_every_shift_is_the_one_of_the_definition(gaps):
    x, y = made_pair(gaps)
    n = len(x) // W * W
    x, y = x[:n], y[:n]
    xy, yx = window_correlations(x, y, W, 0.5), window_correlations(y, x, W, 0.5)
    shifts, strength, per_minute = shifted_means(xy, yx, W, LAG, 10, 0.999)
    round_x, round_y = np.tile(x, 3), np.tile(y, 3)
    for k in (0, 1, 7, 20, len(shifts) - 1):
        s = shifts[k]
        values = []
        for a in range(0, n, W):
            values.append(best(x[a : a + W], round_y, [n + (a + s + d) % n for d in range(-LAG, LAG + 1)]))
            values.append(best(y[a : a + W], round_x, [n + (a - s + d) % n for d in range(-LAG, LAG + 1)]))
        assert strength[k] == pytest.approx(np.nanmean(values), abs=1e-10)
        if k == 0:
            np.testing.assert_allclose(per_minute, np.reshape(values, (-1, 2)).mean(1), atol=1e-10)


def test_window_correlations_hold_for_records_longer_than_one_piece_of_the_transform():
    rng = np.random.default_rng(12)
    x, y = rng.normal(size=(2, 9000))
    y[4000:4100] = np.nan
    found = window_correlations(x, y, 600, 0.5)
    round_y = np.tile(y, 2)
    for m, place in ((0, 0), (3, 3495), (3, 3497), (7, 3900), (14, 8999), (9, 7001)):
        expected = correlation(x[m * 600 : (m + 1) * 600], round_y[place : place + 600])
        assert found[m, place] == pytest.approx(expected, abs=1e-10)


def test_flat_windows_have_no_correlation_and_empty_ones_are_unknown():
    x, y = made_pair(False)
    n = len(x) // W * W
    x, y = x[:n].copy(), y[:n].copy()
    x[:W] = 0.3
    x[W : 2 * W] = np.nan
    found = window_correlations(x, y, W, 0.5)
    assert (found[0] == 0).all() and np.isnan(found[1]).all() and np.isfinite(found[2:]).all()


def test_a_lag_is_positive_when_the_second_follows():
    x, y = made_pair(False)
    n = len(x) // W * W
    xy, yx = window_correlations(x[:n], y[:n], W, 0.5), window_correlations(y[:n], x[:n], W, 0.5)
    assert lag_curves(xy, yx, W, LAG, 0.999).mean(0).argmax() - LAG == 3


def test_the_timeline_is_the_one_of_the_definition_where_nothing_is_missing():
    x, y = made_pair(False)
    starts = np.arange(0, len(x) - W, 13)
    found = timeline_strength(x, y, starts, W, LAG, 0.999, 0.5)
    for k, s in enumerate(starts):
        if s - LAG < 0 or s + W + LAG > len(x):
            assert np.isnan(found[k])
            continue
        around = range(s - LAG, s + LAG + 1)
        assert found[k] == pytest.approx((best(x[s : s + W], y, around) + best(y[s : s + W], x, around)) / 2, abs=1e-10)


def test_gaps_shared_by_both_do_not_look_like_going_together():
    rng = np.random.default_rng(13)
    least = Parameters().mirroring.window_min_valid
    values = []
    for _ in range(40):
        x, y = rng.normal(size=(2, 12 * W))
        for start in range(15, 12 * W, 40):
            x[start : start + 12] = y[start : start + 12] = np.nan
        xy, yx = window_correlations(x, y, W, least), window_correlations(y, x, W, least)
        _, strength, _ = shifted_means(xy, yx, W, LAG, 10, 0.999)
        null = strength[2:-2]
        values.append((strength[0] - null.mean()) / null.std())
    assert abs(np.mean(values)) < 0.4  # 2.5 standard errors of 40 unrelated pairs
