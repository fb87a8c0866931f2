"""The target search: coordinates, widths, candidates, and guards that speak up."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import brentq

from cues.metrics.close_places import find_jumps, locate_pair
from cues.metrics.gaze_coordinates import bearing, gaze_direction, room_angles, screen_angles
from cues.metrics.gaze_target import (
    CONFIDENT,
    CONFIRM,
    NOT_MEASURABLE,
    NOT_SEPARABLE,
    Evidence,
    axis_sigmas,
    choose,
    cluster_sigma,
    density_peaks,
    find_candidates,
    screen_region,
    thresholds,
)
from cues.metrics.signals import moving_average
from cues.metrics.target_over_time import find_segments
from cues.parameters import Parameters

GAZE = Parameters().gaze
REGION = screen_region(GAZE)


def evidence_of(u: np.ndarray, speaking: np.ndarray | None = None, rate: float = 10.0) -> Evidence:
    n = len(u)
    speech = np.full(n, -1) if speaking is None else speaking
    return Evidence(u, u, np.ones(n), speech, np.full(n, 0.1), np.arange(n) / rate)


def clusters(seed: int, *places: tuple[float, float, float, int]) -> np.ndarray:
    """Round clusters (h, v, width, samples), in mixed order."""
    random = np.random.default_rng(seed)
    u = np.concatenate([random.normal((h, v), width, (count, 2)) for h, v, width, count in places])
    return random.permutation(u)


def alternating(seed: int, share: float, width: float, other: tuple[float, float]) -> Evidence:
    """Looks of about 2 s at (0, -6) and, for `share` of the time, at `other`; averaged as the search
    averages."""
    random = np.random.default_rng(seed)
    at_other = np.repeat(random.random(200) < share, random.integers(8, 32, 200))
    single = np.where(at_other[:, None], other, (0.0, -6.0)) + random.normal(0, width, (len(at_other), 2))
    u = np.stack([moving_average(single[:, k], 5) for k in range(2)], 1)
    return replace(evidence_of(u), single=single)


def choice_of(u: np.ndarray, speaking: np.ndarray | None = None):
    return choose(find_candidates(evidence_of(u, speaking), REGION, GAZE), GAZE, len(u) / 10, GAZE.min_data_s)


def test_gaze_angles_and_directions_are_inverse_to_each_other():
    random = np.random.default_rng(1)
    h, v = random.uniform(-50, 50, 200), random.uniform(-40, 40, 200)
    eye = random.uniform((-30, -20, 40), (30, 20, 120), (200, 3))
    direction = gaze_direction(h, v, eye)
    toward = -eye / np.linalg.norm(eye, axis=1, keepdims=True)
    apart = np.degrees(np.arccos(np.cos(np.radians(h)) * np.cos(np.radians(v))))
    assert np.degrees(np.arccos((direction * toward).sum(1))) == pytest.approx(apart)
    assert bearing(direction, eye) == pytest.approx(np.stack([h, v], 1))


def test_looking_at_the_lens_is_zero_wherever_the_person_sits():
    eye = np.array([[0.0, 0, 60], [25, -10, 60], [-30, 5, 90]])
    assert screen_angles(np.zeros(3), np.zeros(3), eye) == pytest.approx(np.zeros((3, 2)), abs=1e-9)


def test_a_window_under_the_lens_keeps_its_place_while_the_person_leans_in_and_moves_sideways():
    eye = np.array([[0.0, 0, 60], [0, 0, 45], [8, 0, 60], [0, 5, 60]])
    window = np.array([0.0, 10.0, 0.0])
    direction = (window - eye) / np.linalg.norm(window - eye, axis=1, keepdims=True)
    from_lens = np.array([np.degrees(angles_to(d, e)) for d, e in zip(direction, eye, strict=True)])
    u = screen_angles(from_lens[:, 0], from_lens[:, 1], eye)
    assert np.ptp(from_lens[:, 1]) > 3
    assert u == pytest.approx(np.tile(u[0], (4, 1)), abs=0.01)
    assert u[0, 1] == pytest.approx(-9.5, abs=0.1)


def angles_to(direction: np.ndarray, eye: np.ndarray) -> tuple[float, float]:
    """(h, v) [rad] by the definition of METHOD 2.2, one sample."""
    z = -eye / np.linalg.norm(eye)
    x = np.array([1.0, 0, 0]) - z[0] * z
    x /= np.linalg.norm(x)
    y = np.array([0, -1.0, 0]) + z[1] * z
    y -= (y @ x) * x
    y /= np.linalg.norm(y)
    return np.arctan2(direction @ x, direction @ z), np.arctan2(direction @ y, direction @ z)


def test_in_a_room_looking_at_the_partners_eyes_is_zero_even_across_the_picture():
    eye, partner = np.array([[-60.0, 5, 200]]), np.array([[70.0, -5, 180]])
    direction = (partner - eye) / np.linalg.norm(partner - eye)
    assert room_angles(direction, eye, partner) == pytest.approx(np.zeros((1, 2)), abs=1e-9)
    assert abs(bearing(direction, eye)[0, 0]) > 60


@pytest.mark.parametrize("width", [1.7, 2.5, 3.5, 5.0])
def test_the_width_of_a_cluster_solves_the_rayleigh_fraction(width):
    u = np.random.default_rng(3).normal(0, width, (20000, 2))
    r = np.hypot(*u.T)
    inside = r[r < 5]
    fraction = (inside < 2.5).mean()

    def missing(s: float) -> float:
        return (1 - np.exp(-(2.5**2) / (2 * s**2))) / (1 - np.exp(-(5.0**2) / (2 * s**2))) - fraction

    expected = brentq(missing, 0.8, 8.0)
    assert cluster_sigma(u, np.zeros(2), GAZE) == pytest.approx(expected, abs=0.02)
    assert expected == pytest.approx(width, rel=0.1)


def test_a_cluster_without_noise_has_the_least_width():
    assert cluster_sigma(np.zeros((100, 2)), np.zeros(2), GAZE) == GAZE.sigma_floor_deg


def test_an_oval_cluster_shows_in_the_widths_along_each_axis():
    u = np.random.default_rng(5).normal(0, (1.6, 3.2), (20000, 2))
    assert axis_sigmas(u, np.zeros(2), GAZE) == pytest.approx([1.6, 3.2], rel=0.12)


def test_the_density_has_its_peaks_where_the_definition_puts_them():
    u = clusters(7, (0, -7, 2, 3000), (15, -20, 2, 1000))
    peaks = density_peaks(u, np.ones(len(u)), GAZE)

    def density(at: np.ndarray) -> float:  # a plain sum over samples
        return float(np.exp(-0.5 * ((u - at) ** 2).sum(1) / GAZE.kde_bandwidth_deg**2).sum())

    assert len(peaks) == 2 and peaks[0, 0] > peaks[1, 0]
    for _, h, v in peaks:
        around = [density(np.array([h + a, v + b])) for a in (-2, 0, 2) for b in (-2, 0, 2)]
        assert max(around) == around[4]


def test_thresholds_adapt_to_width_and_stop_halfway_to_a_neighbour():
    assert thresholds(1.5, np.inf, GAZE) == (5.0, 6.25)
    assert thresholds(3.0, np.inf, GAZE) == pytest.approx((7.8, 9.75))
    assert thresholds(5.0, np.inf, GAZE) == (10.0, 12.0)
    assert thresholds(3.0, 9.0, GAZE)[0] == 4.5


def test_one_place_that_stands_out_under_the_lens_is_confident():
    choice = choice_of(clusters(11, (0, -7, 2, 2000), (5, -28, 2, 600), (-18, 10, 2, 400)))
    assert choice.state == CONFIDENT
    assert np.hypot(choice.chosen.h, choice.chosen.v + 7) < 0.5


def test_two_equal_places_ask_for_confirmation():
    assert choice_of(clusters(13, (0, -7, 2, 1500), (14, -12, 2, 1400))).state == CONFIRM


@pytest.mark.parametrize("share", [0.2, 0.35])
def test_two_places_nearer_than_three_widths_are_not_separable_although_they_have_one_peak(share):
    evidence = alternating(17, share, 3.3, (0.0, -13.0))
    assert len(density_peaks(evidence.single, np.ones(len(evidence.u)), GAZE)) == 1
    choice = choose(find_candidates(evidence, REGION, GAZE), GAZE, 400.0, 60.0)
    assert choice.state == NOT_SEPARABLE and choice.separation / choice.chosen.sigma < 3


def test_one_place_of_any_shape_is_not_taken_for_two_even_when_it_drifts():
    random, time = np.random.default_rng(19), np.arange(4000) / 10
    drift = np.stack([3 * np.sin(time / 25), 3 * np.cos(time / 40)], 1)
    for widths in ((2.5, 2.5), (2.0, 3.5), (4.0, 4.0)):
        assert find_jumps(random.normal(0, widths, (4000, 2)) + drift, time, GAZE) is None


def test_going_back_and_forth_between_two_places_is_found_with_their_centres():
    random, time = np.random.default_rng(23), np.arange(4000) / 10
    at_second = (time // 2.3).astype(int) % 4 == 0
    u = np.where(at_second[:, None], (7.0, -10.0), (0.0, -6.0)) + random.normal(0, 2.8, (4000, 2))
    jumps = find_jumps(u, time, GAZE)
    assert np.abs(jumps.angle) == pytest.approx([7, 4], abs=0.8) and jumps.share == pytest.approx(0.45, abs=0.08)
    centres = locate_pair(u, np.array([1.0, -7.0]), jumps.angle, 3.0, GAZE)
    assert centres == pytest.approx(np.array([[0, -6], [7, -10]]), abs=0.8)


def test_dominant_notes_or_a_dominant_screen_are_never_confident():
    for place in ((0, -28), (22, -6), (3, -22)):
        u = clusters(29, (*place, 2, 3000), (0, -7, 2, 500))
        assert choice_of(u).state == CONFIRM


def test_speech_finds_the_partner_whom_a_person_mostly_looks_at_while_listening():
    partner, notes = clusters(31, (0, -7, 2, 1200)), clusters(32, (16, -14, 2, 1200))
    speaking = np.concatenate([np.full(900, 2), np.full(300, 1), np.full(300, 2), np.full(900, 1)])
    u = np.concatenate([partner, notes])
    best = find_candidates(evidence_of(u, speaking), REGION, GAZE)[0]
    assert np.hypot(best.h, best.v + 7) < 0.5 and best.listening_ratio == pytest.approx(3.0, abs=0.05)
    assert find_candidates(evidence_of(u), REGION, GAZE)[0].listening_ratio == 1.0


def test_gaze_all_over_the_place_has_no_target():
    u = np.random.default_rng(37).uniform(-44, 44, (3000, 2))
    assert choice_of(u).state == NOT_MEASURABLE


def test_less_than_a_minute_of_gaze_is_not_measurable():
    choice = choice_of(clusters(41, (0, -7, 2, 590)))
    assert choice.state == NOT_MEASURABLE and choice.chosen is None and "59 s" in choice.reason


def segments_of(u: np.ndarray, confirmed: tuple[float, float] | None = None):
    return find_segments(evidence_of(u), REGION, GAZE, len(u) / 10, 60.0, 0.1, confirmed=confirmed)


def test_slow_drift_is_followed_window_by_window():
    u = clusters(43, (0, 0, 1.5, 18000))
    u[:, 1] += np.linspace(-9, -3, len(u))
    segments = segments_of(u)
    assert len(segments) == 1
    centres = segments[0].centre_at(np.array([300.0, 900.0, 1500.0]))
    assert centres[:, 1] == pytest.approx([-8, -6, -4], abs=0.5)
    assert segments[0].drift == pytest.approx(4, abs=0.7)


def test_a_moved_screen_starts_a_new_segment_with_a_target_of_its_own():
    u = np.concatenate([clusters(47, (0, -7, 1.5, 6000)), clusters(48, (12, -10, 1.5, 6000))])
    segments = segments_of(u)
    assert [round(s.start) for s in segments] == [0, 600]
    assert [s.choice.state for s in segments] == [CONFIDENT, CONFIDENT]
    assert segments[1].choice.chosen.h == pytest.approx(12, abs=0.3)


def test_a_confirmed_place_wins_over_a_stronger_one():
    u = clusters(53, (0, -7, 2, 500), (0, -28, 2, 3000))
    segment = segments_of(u, confirmed=(1.0, -8.5))[0]
    assert segment.choice.state == CONFIDENT and "confirmed" in segment.choice.reason
    assert np.hypot(segment.choice.chosen.h, segment.choice.chosen.v + 7) < 0.5


def test_confirming_does_not_help_where_places_cannot_be_told_apart():
    evidence = alternating(59, 0.4, 3.3, (0.0, -13.0))
    segments = find_segments(evidence, REGION, GAZE, 400.0, 60.0, 0.1, confirmed=(0.0, -6.0))
    assert segments[0].choice.state == NOT_SEPARABLE
