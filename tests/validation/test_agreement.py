"""Agreement with the field's definition: the fast windowed cross-lagged correlation against a plain loop.

The loop is written from the definition in the R package rMEA (`MEAccf`), window by window and lag by lag.
"""

import numpy as np
import pytest

from cues.metrics.moving_correlation import fisher, lag_curves, window_correlations
from tests.validation.parts.usual_practice import Windows, grand_average, lagged_table, shift_test


def plain_loop(x, y, width, increment, lag, absolute):
    """Fisher's z per window and lag, as the definition reads; NaN where it has none."""
    rows = []
    begin = 0
    while begin + width + lag <= len(x):
        both = x[begin : begin + width + lag], y[begin : begin + width + lag]
        row = []
        for k in range(-lag, lag + 1):
            a, b = both[0][:width], both[1][:width]
            if k > 0:
                b = both[1][k : k + width]
            if k < 0:
                a = both[0][-k : -k + width]
            valid = ~np.isnan(a) & ~np.isnan(b)
            a, b = a[valid], b[valid]
            if max(np.isnan(s).sum() for s in both) > (width + lag) / 2 or (a != b).sum() < 2:
                row.append(np.nan)
                continue
            if a.max() == a.min() or b.max() == b.min():
                row.append(np.nan)
                continue
            r = ((a - a.mean()) * (b - b.mean())).sum()
            r /= np.sqrt(((a - a.mean()) ** 2).sum() * ((b - b.mean()) ** 2).sum())
            z = min(max(0.5 * np.log((1 + r) / (1 - r)), -10.0), 10.0)
            row.append(abs(z) if absolute else z)
        rows.append(row)
        begin += increment
    return np.array(rows)


def made_pair(n=700, gaps=False, seed=5):
    """Smooth series of which the second follows the first by 7 samples, with an offset far from zero."""
    rng = np.random.default_rng(seed)
    x, y = (np.convolve(rng.normal(size=n + 20), np.ones(9) / 9, "valid")[:n] for _ in range(2))
    y[7:] += 0.7 * x[:-7]
    x, y = 40 + x, 3 * y - 100
    if gaps:
        x[60:75] = y[70:90] = np.nan
        x[300:380] = np.nan  # more than half of a window
        y[500] = np.nan
    return x, y


@pytest.mark.parametrize("absolute", [True, False], ids=["absolute", "signed"])
@pytest.mark.parametrize("gaps", [False, True], ids=["complete", "with gaps"])
@pytest.mark.parametrize(("width", "increment", "lag"), [(100, 50, 20), (100, 100, 20), (64, 30, 13), (90, 7, 0)])
def test_every_window_and_lag_is_the_one_of_the_definition(width, increment, lag, gaps, absolute):
    x, y = made_pair(gaps=gaps)
    expected = plain_loop(x, y, width, increment, lag, absolute)
    found = lagged_table(x, y, Windows(width, increment, lag, absolute))
    assert found.shape == expected.shape == (1 + (700 - width - lag) // increment, 2 * lag + 1)
    assert np.isnan(expected).any() == gaps
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert grand_average(found) == pytest.approx(np.nanmean(expected), abs=1e-6)


def test_the_fields_settings_on_ten_hertz_give_what_the_definition_gives():
    x, y = made_pair(5400)
    windows = Windows.of_the_field(10.0)
    assert (windows.width, windows.increment, windows.lag) == (600, 300, 50)
    expected = plain_loop(x, y, 600, 300, 50, True)
    assert expected.shape == (16, 101)
    np.testing.assert_allclose(lagged_table(x, y, windows), expected, rtol=0, atol=1e-6)


def test_lags_are_positive_where_the_second_follows():
    x, y = made_pair()
    mean = lagged_table(x, y, Windows(100, 50, 20, absolute=False)).mean(0)
    assert mean.argmax() - 20 == 7
    assert lagged_table(y, x, Windows(100, 50, 20, absolute=False)).mean(0).argmax() - 20 == -7


def test_a_flat_window_and_a_series_against_itself_have_no_figure_at_that_lag():
    x, y = made_pair()
    x[:200] = 5.0
    found = lagged_table(x, y, Windows(100, 50, 20))
    expected = plain_loop(x, y, 100, 50, 20, True)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-6)
    assert np.isnan(found[0, 20:]).all()
    same = lagged_table(y, y, Windows(100, 50, 20))
    np.testing.assert_allclose(same, plain_loop(y, y, 100, 50, 20, True), rtol=0, atol=1e-6)
    assert np.isnan(same[:, 20]).all() and np.isfinite(np.delete(same, 20, axis=1)).all()


def test_the_products_correlations_are_the_fields_where_the_definitions_coincide():
    """Complete series, windows side by side, signed, the partner never before the window: the same numbers."""
    x, y = made_pair()
    width, lag = 100, 20
    table = lagged_table(x, y, Windows(width, width, lag, absolute=False))
    forward = fisher(window_correlations(x, y, width, 0.25), 1.0)
    backward = fisher(window_correlations(y, x, width, 0.25), 1.0)
    for window, row in enumerate(table):
        places = window * width + np.arange(lag + 1)
        np.testing.assert_allclose(row[lag:], forward[window, places], rtol=0, atol=1e-6)
        np.testing.assert_allclose(row[lag::-1], backward[window, places], rtol=0, atol=1e-6)
    curves = lag_curves(np.tanh(forward), np.tanh(backward), width, lag, 1.0)
    np.testing.assert_allclose(curves[: len(table), lag], table[:, lag], rtol=0, atol=1e-6)


@pytest.mark.parametrize("gaps", [False, True], ids=["complete", "with gaps"])
def test_the_session_against_circular_shifts_is_the_one_of_a_plain_loop(gaps):
    x, y = made_pair(600, gaps)
    x[300:380] = made_pair(600)[0][300:380]
    width, increment, lag, n = 100, 50, 10, 600

    def r(a, b):
        valid = np.isfinite(a) & np.isfinite(b)
        return abs(np.arctanh(np.corrcoef(a[valid], b[valid])[0, 1]))

    round_x, round_y = np.tile(x, 3), np.tile(y, 3)
    null = []
    for shift in range(30, n - 30 + 1, 45):
        values = []
        for begin in range(0, n - width - lag + 1, increment):
            window_x, window_y = x[begin : begin + width], y[begin : begin + width]
            for k in range(lag + 1):
                values.append(r(window_x, round_y[n + begin + shift + k :][:width]))
                if k:
                    values.append(r(window_y, round_x[n + begin - shift + k :][:width]))
        null.append(np.mean(values))
    observed = np.nanmean(plain_loop(x, y, width, increment, lag, True))
    found = shift_test(x, y, Windows(width, increment, lag), 45, 30)
    assert found.average == pytest.approx(observed, abs=1e-6)
    assert found.z == pytest.approx((observed - np.mean(null)) / np.std(null), abs=1e-6)
    assert found.p == (1 + (np.array(null) >= observed).sum()) / (1 + len(null))
