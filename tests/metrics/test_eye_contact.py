"""Eye contact from made observations: agreement with the truth, guards, lids, fallback, minutes, mutual
gaze."""

from dataclasses import replace

import numpy as np
import pytest

from cues.metrics.episodes import NO, UNKNOWN, YES, hysteresis
from cues.metrics.eye_contact import EyeContact, measure_eye_contact
from cues.metrics.eye_contact_minutes import (
    eye_contact_intervals,
    eye_contact_minute,
    eye_contact_summary,
    mutual_gaze_episodes,
    mutual_gaze_minute,
)
from cues.metrics.gaze_coordinates import bearing
from cues.metrics.gaze_decision import Decision, decide
from cues.observations import Observations, RecordingFacts
from cues.parameters import Parameters
from tests.metrics.made_gaze import MadeGaze, as_observations, close_eyes, make, person_columns

PARAMETERS = Parameters()
SEEDS = range(9000, 9006)  # none of them was looked at while the method was written
NOISES = [(1.5, 1.0), (2.5, 1.5), (4.0, 2.5)]  # white noise, drift [deg]


def measured(what: MadeGaze, **named) -> tuple[EyeContact, np.ndarray]:
    """Eye contact of what was made, and the true contact, (n,) bool."""
    observations, places, speaking = make(what)
    result = measure_eye_contact(observations, 0, None, PARAMETERS, speaking=speaking if what.speech else None, **named)
    return result, places == "partner"


def kappa(result: EyeContact, truth: np.ndarray) -> float:
    rows = (result.states != UNKNOWN) & ~result.blink
    a, b = result.states[rows] == YES, truth[rows]
    chance = a.mean() * b.mean() + (1 - a.mean()) * (1 - b.mean())
    return float(((a == b).mean() - chance) / (1 - chance))


def minute_errors(result: EyeContact, truth: np.ndarray) -> np.ndarray:
    errors = []
    for start in np.arange(0, result.time[-1] - 1, 60):
        rows = (result.time >= start) & (result.time < start + 60)
        found = eye_contact_minute(result, start, start + 60, PARAMETERS)["eye_contact_pct"]
        errors.append(abs(found - 100 * truth[rows].mean()))
    return np.array(errors)


def steady(places: list[tuple[float, tuple[float, float]]], rate: float = 10.0, noise: float = 1.0) -> dict:
    """Columns of a person who looks at each (seconds, place) in turn."""
    random = np.random.default_rng(5)
    true = np.concatenate([np.tile(place, (round(seconds * rate), 1)) for seconds, place in places])
    return person_columns(np.arange(len(true)) / rate, true + random.normal(0, noise, true.shape))


def observations_of(*people: dict, setup: str = "split_screen", rate: float = 10.0) -> Observations:
    facts = RecordingFacts(setup, rate, len(people[0]["time"]) / rate, [], [{"person": k} for k in range(len(people))])
    return as_observations(facts, list(people))


PARTNER, NOTES, SIDE = (0.0, -7.0), (2.0, -28.0), (20.0, -5.0)


@pytest.mark.parametrize(("noise", "drift"), NOISES)
@pytest.mark.parametrize("share", [0.55, 0.85])
def test_contact_agrees_with_the_truth_where_the_target_is_confident(noise, drift, share):
    confident = 0
    for seed in SEEDS:
        result, truth = measured(MadeGaze(noise_deg=noise, drift_deg=drift, share=share, seed=seed))
        if result.state == "confident":
            confident += 1
            assert np.hypot(result.target[0], result.target[1] + 7) < 3
            assert kappa(result, truth) > 0.85
            assert minute_errors(result, truth).mean() < 4
    assert confident >= 3


@pytest.mark.parametrize(("noise", "drift"), NOISES)
@pytest.mark.parametrize("share", [0.15, 0.35])
def test_a_confirmed_partner_is_measured_also_when_looked_at_seldom(noise, drift, share):
    for seed in SEEDS:
        what = MadeGaze(noise_deg=noise, drift_deg=drift, share=share, seed=seed)
        result, truth = measured(what, target=PARTNER)
        assert result.state in ("confident", "not_separable")
        if result.state == "confident":
            assert "confirmed" in result.reason
            assert kappa(result, truth) > 0.8
            assert minute_errors(result, truth).mean() < 6


@pytest.mark.parametrize(("other", "place"), [("notes", (0.0, -28.0)), ("screen", (22.0, -6.0))])
@pytest.mark.parametrize("share", [0.15, 0.3])
@pytest.mark.parametrize("speech", [False, True])
def test_a_wrong_target_is_never_confident_when_notes_or_a_screen_dominate(other, place, share, speech):
    places = {"partner": PARTNER, other: place}
    for seed in SEEDS:
        what = MadeGaze(share=share, places=places, away={other: 1.0}, speech=speech, noise_deg=2.5, seed=seed)
        result, truth = measured(what)
        if result.state == "confident":
            assert np.hypot(result.target[0], result.target[1] + 7) < 3
            assert minute_errors(result, truth).mean() < 4
        else:
            assert result.flags and np.isnan(eye_contact_minute(result, 0, 60, PARAMETERS)["eye_contact_pct"])


@pytest.mark.parametrize(("noise", "drift"), NOISES)
@pytest.mark.parametrize("separation", [8, 10, 12, 16, 24])
def test_no_session_is_far_off_without_a_guard_that_speaks_up(noise, drift, separation):
    places = {"partner": PARTNER, "other": (0.0, -7.0 - separation)}
    for seed in list(SEEDS)[:3]:
        what = MadeGaze(places=places, away={"other": 1.0}, share=0.65, noise_deg=noise, drift_deg=drift, seed=seed)
        result, truth = measured(what)
        if result.state == "confident":
            assert minute_errors(result, truth).mean() < 5
        if separation / np.hypot(0.7 * noise, drift) < 2.6:
            assert result.state != "confident"


@pytest.mark.parametrize("rate", [5.0, 15.0, 30.0])
def test_other_rates_and_unsteady_clocks_give_the_same_minutes(rate):
    result, truth = measured(MadeGaze(rate_hz=rate, clock_jitter_s=0.2 / rate, noise_deg=2.0, seed=9100))
    assert result.state == "confident"
    assert minute_errors(result, truth).mean() < 3


def test_the_sessions_own_offset_does_not_matter():
    """Real landmarks read looking down with slope 0.7 and up to 7 deg too high."""
    places = {"partner": (2.0, 2.5), "notes": (3.0, -12.6), "up": (6.0, 18.0)}
    result, truth = measured(MadeGaze(places=places, away={"notes": 0.6, "up": 0.4}, share=0.65, seed=9101))
    assert result.state == "confident" and minute_errors(result, truth).mean() < 4
    assert "CAMERA_NOT_SEPARABLE" in result.flags and "not separable" in result.reason


def test_a_blink_is_bridged_and_belongs_to_no_denominator():
    columns = steady([(60, PARTNER), (30, SIDE)])
    close_eyes(columns, np.isin(np.arange(900), [300, 301, 302, 450]))
    result = measure_eye_contact(observations_of(columns), 0, None, PARAMETERS)
    assert [round(e.end) for e in result.episodes] == [60]
    assert result.blink.sum() == 4 and not result.measured[300:303].any()
    assert eye_contact_minute(result, 0, 60, PARAMETERS)["eye_contact_pct"] == pytest.approx(100, abs=0.5)
    assert eye_contact_minute(result, 0, 60, PARAMETERS)["eye_contact_coverage"] == pytest.approx(1)


def test_closed_eyes_are_a_look_away_not_a_gap():
    columns = steady([(90, PARTNER), (10, SIDE), (10, PARTNER)])
    close_eyes(columns, (np.arange(1100) >= 300) & (np.arange(1100) < 312))
    result = measure_eye_contact(observations_of(columns), 0, None, PARAMETERS)
    assert (result.states[300:312] == NO).all() and result.measured[300:312].all()
    assert [e.kind for e in result.aways] == ["eyes_closed", "away_right"]


def test_a_smile_that_narrows_the_eyes_does_not_close_them():
    columns = steady([(90, PARTNER), (20, SIDE)])
    for side in ("Left", "Right"):
        columns[f"eyeBlink{side}"][300:340] = 0.6
    result = measure_eye_contact(observations_of(columns), 0, None, PARAMETERS)
    assert (result.states[300:340] == YES).all()


def test_looking_down_with_unreadable_irises_is_away_down_and_measured():
    columns = steady([(60, PARTNER), (5, NOTES), (60, PARTNER), (15, SIDE)])
    columns["iris_circularity"][600:650] = 0.6
    result = measure_eye_contact(observations_of(columns), 0, None, PARAMETERS)
    assert (result.states[600:650] == NO).all() and result.measured[600:650].all()
    assert [e.kind for e in result.aways] == ["away_down", "away_right"]


def test_unreadable_irises_elsewhere_stay_unknown_and_break_an_episode():
    columns = steady([(100, PARTNER), (20, SIDE)])
    columns["iris_circularity"][400:460] = 0.6
    result = measure_eye_contact(observations_of(columns), 0, None, PARAMETERS)
    assert (result.states[400:460] == UNKNOWN).all() and not result.measured[400:460].any()
    assert len(result.episodes) == 2 and result.censored.tolist() == [True, True]
    row = eye_contact_minute(result, 0, 60, PARAMETERS)
    assert row["eye_contact_coverage"] == pytest.approx(0.9, abs=0.01)
    assert row["eye_contact_pct"] == pytest.approx(100) and row["eye_contact_lo_pct"] == pytest.approx(90, abs=0.5)


def test_a_minute_measured_for_less_than_half_has_no_percentage_but_its_coverage():
    columns = steady([(120, PARTNER), (20, SIDE)])
    columns["face"][200:550] = False
    row = eye_contact_minute(measure_eye_contact(observations_of(columns), 0, None, PARAMETERS), 0, 60, PARAMETERS)
    assert np.isnan(row["eye_contact_pct"]) and row["eye_contact_coverage"] == pytest.approx(0.41, abs=0.02)


def test_looks_away_are_counted_by_direction():
    parts = [(20, PARTNER)]
    for place in ((0.0, 14.0), NOTES, (-20.0, -7.0), SIDE, SIDE):
        parts += [(2, place), (12, PARTNER)]
    result = measure_eye_contact(observations_of(steady(parts)), 0, None, PARAMETERS)
    row = eye_contact_minute(result, 0, 90, PARAMETERS)
    assert [row[f"eye_contact_away_{way}"] for way in ("up", "down", "left", "right")] == [1, 1, 1, 2]
    assert row["eye_contact_episodes"] == 6
    assert row["eye_contact_longest_s"] == pytest.approx(20, abs=0.3)
    assert row["eye_contact_median_s"] == pytest.approx(12, abs=0.3)


def test_contact_is_split_by_who_speaks_where_there_is_enough_of_it():
    columns = steady([(20, PARTNER), (10, SIDE), (20, PARTNER), (10, SIDE), (60, PARTNER)])
    speaking = np.full(1200, 0, np.int8)
    speaking[:200], speaking[200:400], speaking[400:450] = 2, 1, 3
    result = measure_eye_contact(observations_of(columns), 0, None, PARAMETERS, speaking=speaking)
    row = eye_contact_minute(result, 0, 60, PARAMETERS)
    assert row["eye_contact_listening_pct"] == pytest.approx(100, abs=1)
    assert row["eye_contact_speaking_pct"] == pytest.approx(50, abs=2)
    assert np.isnan(eye_contact_minute(result, 60, 120, PARAMETERS)["eye_contact_speaking_pct"])


def test_a_short_recording_gets_states_but_at_most_confirm():
    result = measure_eye_contact(
        observations_of(steady([(10, PARTNER), (3, SIDE)])), 0, None, PARAMETERS, target=PARTNER
    )
    assert result.state == "confirm" and "SHORT" in result.flags
    assert (result.states == YES).sum() == pytest.approx(100, abs=3)
    assert np.isnan(eye_contact_minute(result, 0, 13, PARAMETERS)["eye_contact_pct"])


def test_a_person_never_seen_is_not_measurable_and_nothing_is_zero():
    columns = steady([(70, PARTNER)])
    columns["face"][:] = False
    for name in ("gaze_h", "gaze_v", "head_yaw", "head_pitch", "eye_x", "eye_y", "eye_z", "iris_distance"):
        columns[name][:] = np.nan
    result = measure_eye_contact(observations_of(columns), 0, None, PARAMETERS)
    assert result.state == "not_measurable" and (result.states == UNKNOWN).all() and result.target is None
    row = eye_contact_minute(result, 0, 60, PARAMETERS)
    assert row["eye_contact_coverage"] == 0 and np.isnan(row["eye_contact_pct"])
    assert eye_contact_summary(result, 0, 70, PARAMETERS)["eye_contact_valid_minutes"] == 0


def test_small_irises_fall_back_to_the_head_under_its_own_name():
    result, truth = None, None
    what = MadeGaze(seed=9200, share=0.6, head_share=0.7, noise_deg=1.5, places={"partner": PARTNER, "side":
    (40.0, -8.0)},
                    away={"side": 1.0})  # fmt: skip
    observations, places, _ = make(what)
    columns = observations.person(0)
    columns["iris_distance"] = np.full(len(columns["time"]), 25.0)
    columns["head_yaw"] = columns["head_yaw"] + np.random.default_rng(2).normal(0, 2, len(columns["time"]))
    result = measure_eye_contact(observations_of(columns), 0, None, PARAMETERS)
    truth = places == "partner"
    row = eye_contact_minute(result, 0, 60, PARAMETERS)
    assert result.method == "head_only" and {"HEAD_ONLY", "SMALL_FACE"} <= set(result.flags)
    assert result.state == "confident" and {e.kind for e in result.episodes} == {"facing"}
    assert row["facing_pct"] == pytest.approx(100 * truth[:600].mean(), abs=5)
    assert np.isnan(row["eye_contact_pct"]) and row["eye_contact_coverage"] < 0.1
    assert row["eye_contact_state"] == "not_measurable" and row["facing_state"] == "confident"


def test_camera_gaze_is_reported_only_when_the_lens_is_known():
    observations = observations_of(steady([(60, PARTNER), (30, (1.0, 12.0)), (20, SIDE)]))
    unknown = measure_eye_contact(observations, 0, None, PARAMETERS)
    assert unknown.camera_zone is None and unknown.camera_reason
    assert np.isnan(eye_contact_minute(unknown, 0, 60, PARAMETERS)["camera_gaze_pct"])
    known = measure_eye_contact(observations, 0, None, PARAMETERS, camera_zero=(1.0, 12.0))
    assert eye_contact_minute(known, 60, 90, PARAMETERS)["camera_gaze_pct"] == pytest.approx(100, abs=5)
    at_lens = measure_eye_contact(
        observations_of(steady([(90, (1.0, 2.0)), (20, SIDE)])), 0, None, PARAMETERS, target=(1.0, 2.0)
    )
    assert at_lens.camera_zone.zero == pytest.approx((1.0, 2.0), abs=0.3)
    assert "CAMERA_NOT_SEPARABLE" in at_lens.flags


def two_in_a_room(seconds: float = 120.0) -> list[dict]:
    """Two people at 90 degrees to each other, who look at each other's eyes and, every third part, at the
    floor."""
    n = int(seconds * 10)
    seats = [np.array([-45.0, 0, 170]), np.array([45.0, 5, 190])]
    people = []
    for k in range(2):
        random = np.random.default_rng(k)
        eye, partner = np.tile(seats[k], (n, 1)), np.tile(seats[1 - k], (n, 1))
        away = (np.arange(n) // 40 + k) % 3 == 0
        spot = np.where(away[:, None], eye + [0, 60, -60], partner)
        direction = spot - eye
        azimuth, elevation = bearing(direction, eye).T
        gaze = np.stack([azimuth, elevation], 1) + random.normal(0, 1.5, (n, 2))
        columns = person_columns(np.arange(n) / 10, gaze, yaw=0.4 * azimuth + np.degrees(np.arctan(-eye[0, 0] / 170)))
        columns |= {f"eye_{axis}": eye[:, i] + random.normal(0, 0.5, n) for i, axis in enumerate("xyz")}
        columns["made_away"] = away
        people.append(columns)
    return people


def test_in_a_room_the_partners_measured_position_is_the_target():
    people = two_in_a_room()
    observations = observations_of(*people, setup="shared_room")
    for person in (0, 1):
        result = measure_eye_contact(observations, person, 1 - person, PARAMETERS)
        assert result.state == "confident" and np.hypot(*result.target) < 3
        agree = (result.states == YES) == ~people[person]["made_away"]
        assert agree[result.states != UNKNOWN].mean() > 0.97


def test_in_a_room_with_an_unseen_partner_nothing_is_confident_unasked():
    observations = observations_of(steady([(90, (18.0, 3.0)), (20, NOTES)]), setup="shared_room")
    alone = measure_eye_contact(observations, 0, None, PARAMETERS)
    assert alone.state == "confirm"
    assert measure_eye_contact(observations, 0, None, PARAMETERS, target=(18.0, 3.0)).state == "confident"


def test_mutual_gaze_is_both_over_both_known():
    first = steady([(40, PARTNER), (10, SIDE), (40, PARTNER), (10, SIDE)])
    second = steady([(30, PARTNER), (10, NOTES), (50, PARTNER), (10, NOTES)])
    second["iris_circularity"][0:100] = 0.6
    observations = observations_of(first, second)
    a, b = (measure_eye_contact(observations, k, 1 - k, PARAMETERS) for k in range(2))
    row = mutual_gaze_minute(a, b, mutual_gaze_episodes(a, b, PARAMETERS), 0, 60, PARAMETERS)
    assert row["mutual_gaze_pct"] == pytest.approx(100 * 30 / 50, abs=1.5)
    assert row["mutual_gaze_one_way_pct"] == pytest.approx(100 * 10 / 50, abs=1.5)
    assert row["mutual_gaze_coverage"] == pytest.approx(50 / 60, abs=0.02)
    starts = [e.start for e in mutual_gaze_episodes(a, b, PARAMETERS)]
    assert starts == pytest.approx([10, 50], abs=0.3)
    unsure = replace(b, state="confirm")
    assert np.isnan(
        mutual_gaze_minute(a, unsure, mutual_gaze_episodes(a, unsure, PARAMETERS), 0, 60, PARAMETERS)["mutual_gaze_pct"]
    )
    assert mutual_gaze_episodes(a, unsure, PARAMETERS) == []


def test_two_files_out_of_step_have_no_mutual_gaze():
    columns = steady([(80, PARTNER), (20, SIDE)])
    observations = observations_of(columns, columns, setup="two_files")
    a, b = (measure_eye_contact(observations, k, 1 - k, PARAMETERS) for k in range(2))
    assert "SYNC_UNCERTAIN" in a.flags and np.isnan(
        mutual_gaze_minute(a, b, mutual_gaze_episodes(a, b, PARAMETERS), 0, 60, PARAMETERS)["mutual_gaze_pct"]
    )


def test_two_files_in_step_have_mutual_gaze():
    columns = steady([(80, PARTNER), (20, SIDE)])
    observations = observations_of(columns, columns, setup="two_files")
    facts = replace(observations.facts, alignment={"residual_s": 0.02})
    observations = replace(observations, facts=facts)
    a, b = (measure_eye_contact(observations, k, 1 - k, PARAMETERS) for k in range(2))
    assert mutual_gaze_minute(a, b, mutual_gaze_episodes(a, b, PARAMETERS), 0, 60, PARAMETERS)[
        "mutual_gaze_pct"
    ] == pytest.approx(100, abs=1)


def test_the_measurement_interval_holds_the_figure_and_widens_with_noise():
    widths = []
    for noise, drift in NOISES[::2]:
        result, _ = measured(MadeGaze(noise_deg=noise, drift_deg=drift, seed=9300))
        bars = eye_contact_intervals(result, np.arange(0, 301, 60.0), PARAMETERS)
        low, high = bars["eye_contact_pct_low"], bars["eye_contact_pct_high"]
        figures = [eye_contact_minute(result, 60 * k, 60 * k + 60, PARAMETERS)["eye_contact_pct"] for k in range(5)]
        assert (low <= np.array(figures) + 0.3).all() and (high >= np.array(figures) - 0.3).all()
        widths.append((high - low).mean())
    assert widths[0] < widths[1] < 15


def test_the_fast_states_are_those_of_plain_hysteresis():
    random = np.random.default_rng(1)
    distance = np.abs(np.cumsum(random.normal(0, 1.5, 3000))) % 14
    time = np.arange(3000) / 10
    nothing = np.zeros(3000, bool)
    decision = Decision(np.zeros((3000, 2)), ~nothing, nothing, nothing, np.zeros(2), 1.0, 0.25)
    still = replace(PARAMETERS.gaze, fill_gap_s=0.0, min_episode_s=0.0)
    fast = decide(distance, 6.0, 8.0, decision, time, still)
    assert (fast == hysteresis(-distance, -6.0, -8.0)).all()
