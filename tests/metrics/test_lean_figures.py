"""The figures of minutes and sessions, their intervals, and the parts held against a definition."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter1d

from cues.metrics.episodes import UNKNOWN, Episode, hysteresis
from cues.metrics.forward_lean import Lean, lean_intervals, lean_minute, lean_summary, measure_lean
from cues.metrics.lean_baseline import rear_mode
from cues.metrics.lean_states import BACK, FORWARD, NEUTRAL, lean_states
from cues.parameters import Parameters
from tests.metrics.made_lean import MINUTES_25, MadeLean, observe, session, sway

PARAMETERS = Parameters()


def measure(made: MadeLean) -> Lean:
    return measure_lean(made.observations, 0, None, PARAMETERS)


def test_the_numbers_of_a_minute_are_those_of_the_truth() -> None:
    lean = [Episode(70.0, 85.0, "forward", 10.0), Episode(100.0, 130.0, "forward", 8.0)]
    made = session(np.random.default_rng(1), duration_s=600, episodes=lean, sway_cm=0.2, sag_cm=0, missing_share=0)
    result = measure(made)
    second = lean_minute(result, 60, 120, PARAMETERS)
    assert second["lean_forward_pct"] == pytest.approx(100 * 35 / 60, abs=2)
    assert second["lean_neutral_pct"] == pytest.approx(100 * 25 / 60, abs=2)
    assert second["lean_back_pct"] == 0 and second["lean_unknown_pct"] == 0 and second["lean_coverage"] == 1
    assert second["lean_episodes"] == 2
    assert second["lean_longest_s"] == pytest.approx(30, abs=1)
    assert second["lean_peak_cm"] == pytest.approx(10, abs=1)
    assert second["lean_mean_cm"] == pytest.approx((15 * 10 + 20 * 8) / 60, abs=0.6)
    third = lean_minute(result, 120, 180, PARAMETERS)
    assert third["lean_episodes"] == 0 and third["lean_longest_s"] == pytest.approx(30, abs=1)
    last = lean_minute(result, 540, 600, PARAMETERS)
    assert last["lean_forward_pct"] == 0 and last["lean_longest_s"] == 0


def test_a_minute_seen_for_less_than_half_has_coverage_and_no_figures() -> None:
    n = 6000
    time = MINUTES_25[:n]
    face = ~((time >= 120) & (time < 160))
    rng = np.random.default_rng(1)
    observations = observe(time, np.zeros(n), 60 + sway(rng, n, 0.3), face, np.zeros(n), np.ones(n), rng)
    minute = lean_minute(measure_lean(observations, 0, None, PARAMETERS), 120, 180, PARAMETERS)
    assert minute["lean_coverage"] == pytest.approx(1 / 3, abs=0.02)
    assert minute["lean_unknown_pct"] == pytest.approx(100 * 2 / 3, abs=2)
    assert np.isnan([minute["lean_forward_pct"], minute["lean_mean_cm"], minute["lean_episodes"]]).all()


def test_minute_percentages_lie_in_their_measurement_interval_and_near_the_truth() -> None:
    made = session(np.random.default_rng(11), fraction=0.4)
    result = measure(made)
    edges = np.arange(0, 1501, 60.0)
    intervals = lean_intervals(result, edges, PARAMETERS)
    truly = np.zeros(len(made.time))
    for episode in made.leans:
        truly[(made.time >= episode.start) & (made.time < episode.end)] = 1
    errors = []
    for k in range(25):
        measured = lean_minute(result, edges[k], edges[k + 1], PARAMETERS)["lean_forward_pct"]
        assert intervals["lean_forward_pct_low"][k] <= measured <= intervals["lean_forward_pct_high"][k]
        inside = (made.time >= edges[k]) & (made.time < edges[k + 1])
        errors.append(abs(measured - 100 * truly[inside].mean()))
    assert np.mean(errors) < 5


def test_the_summary_counts_minutes_and_sway() -> None:
    made = session(np.random.default_rng(12))
    summary = lean_summary(measure(made), 0, 1500, PARAMETERS)
    assert summary["lean_valid_minutes"] == 25
    assert summary["lean_episodes"] == pytest.approx(len(made.leans), abs=2)
    assert summary["lean_sway_cm"] == pytest.approx(1, abs=0.3)
    assert summary["lean_distance_cm"] == pytest.approx(60, abs=3)


def test_states_are_those_of_the_plain_loop() -> None:
    rng = np.random.default_rng(0)
    value = 3 * sway(rng, 3000, 1.5, 3.0)
    value[rng.random(3000) < 0.02] = np.nan
    time = np.arange(3000) / 5
    parameters = replace(PARAMETERS.lean, merge_s=0.0, min_episode_s=0.0)
    states = lean_states(time, value, np.full(3000, 5.0), parameters)
    assert (states == FORWARD).any() and (states == BACK).any() and (states == NEUTRAL).any()
    assert ((states == FORWARD) == (hysteresis(value, 5.0, 3.0) == 1)).all()
    assert ((states == BACK) == (hysteresis(-value, 5.0, 3.0) == 1)).all()
    assert ((states == UNKNOWN) == np.isnan(value)).all()


def _rear_mode_of_the_reference(distance: np.ndarray, bandwidth: float, relative: float) -> float:
    """The definition that METHOD 3.4's simulation used, as it was written there."""
    low, high = np.percentile(distance, 0.5), np.percentile(distance, 99.5)
    grid = np.arange(low, high + 0.1, 0.2)
    edges = np.append(grid - 0.1, grid[-1] + 0.1)
    density = gaussian_filter1d(np.histogram(distance, edges)[0].astype(float), bandwidth / 0.2)
    peaks = [
        i
        for i in range(1, len(density) - 1)
        if density[i] >= density[i - 1] and density[i] > density[i + 1] and density[i] > relative * density.max()
    ]
    return float(grid[peaks[-1]] if peaks else grid[np.argmax(density)])


@pytest.mark.parametrize("fraction", [0.1, 0.5, 0.7])
def test_the_rear_mode_is_that_of_the_reference(fraction: float) -> None:
    fixed = replace(PARAMETERS.lean, kde_bandwidth_share=0.0)
    for seed in range(10):
        made = session(np.random.default_rng(seed), duration_s=600, fraction=fraction)
        ours, theirs = (
            rear_mode(made.distance_cm, fixed),
            _rear_mode_of_the_reference(made.distance_cm, 0.8, 0.25),
        )
        assert ours == pytest.approx(theirs, abs=0.25)
