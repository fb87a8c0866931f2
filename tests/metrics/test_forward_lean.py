"""Forward lean on made sessions with known leans (METHOD 6.4 G3).

The generator's behaviour and the parameters are METHOD's; nothing was tuned on the seeds used here.
"""

import numpy as np
import pytest

from cues.metrics.episodes import UNKNOWN, Episode
from cues.metrics.forward_lean import (
    LEAN_FLAGS,
    Lean,
    lean_minute,
    lean_summary,
    measure_lean,
)
from cues.parameters import Parameters
from tests.metrics.made_lean import (
    MINUTES_25,
    WIDTH_PX,
    MadeLean,
    assemble,
    backward,
    event_scores,
    forward,
    head_rows,
    lean_course,
    observe,
    scene_rows,
    session,
    sway,
)

PARAMETERS = Parameters()


def measure(made: MadeLean, **options: object) -> Lean:
    return measure_lean(made.observations, 0, None, PARAMETERS, **options)  # type: ignore[arg-type]


def scores(made: list[MadeLean]) -> tuple[float, int, float]:
    """Event F1, leans back (none is true), mean absolute error of the percent change."""
    totals, back, errors = np.zeros(3), 0, []
    for one in made:
        result = measure(one)
        totals += event_scores(forward(result), one.leans)
        back += len(backward(result))
        truth = np.interp(result.time, one.time, 100 * (1 - one.distance_cm / one.neutral_cm))
        errors.append(np.nanmean(np.abs(result.lean_pct - truth)))
    hits, invented, missed = totals
    return 2 * hits / max(1.0, 2 * hits + invented + missed), back, float(np.mean(errors))


@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.5, 0.7])
def test_leans_are_found_whatever_share_of_the_session_they_fill(fraction: float) -> None:
    f1, back, error = scores([session(np.random.default_rng(s), fraction=fraction) for s in range(5)])
    assert f1 >= 0.95
    assert back == 0
    assert error <= 1.0


def test_a_session_without_leans_has_none() -> None:
    for seed in range(8):
        result = measure(session(np.random.default_rng(100 + seed), episodes=[]))
        assert not result.episodes and result.quality == 2 and not result.flags


def test_centimetres_are_those_of_the_lean() -> None:
    lean = [Episode(100.0 + 60 * k, 120.0 + 60 * k, "forward", 6.0 + k) for k in range(12)]
    result = measure(session(np.random.default_rng(7), duration_s=900, episodes=lean, sway_cm=0.3))
    found = np.array(
        [np.nanmedian(result.lean_cm[(result.time > e.start + 2) & (result.time < e.end - 2)]) for e in lean]
    )
    assert np.abs(found - [e.strength for e in lean]).max() < 1.5


def test_percent_change_does_not_depend_on_the_focal_length() -> None:
    lean = [Episode(100.0, 130.0, "forward", 8.0)]
    rng = np.random.default_rng(5)
    distance = 70 + sway(rng, 6000, 0.5) - lean_course(MINUTES_25[:6000], lean)
    seen = np.ones(6000, bool)
    peaks = []
    for wrong in (0.85, 1.0, 1.15):
        observations = observe(MINUTES_25[:6000], np.zeros(6000), wrong * distance, seen, None, np.ones(6000), rng)
        result = measure_lean(observations, 0, None, PARAMETERS)
        inside = (result.time > 105) & (result.time < 125)
        peaks.append(np.nanmedian(result.lean_pct[inside]))
    assert max(peaks) - min(peaks) < 0.5


def test_leaning_back_is_told_from_leaning_forward() -> None:
    lean = [Episode(60.0 * k, 60.0 * k + 6, "back", -10.0) for k in range(2, 20)]
    result = measure(session(np.random.default_rng(8), duration_s=1260, episodes=lean, sag_cm=0))
    assert event_scores(backward(result), lean) == (18, 0, 0)
    assert not forward(result)
    assert all(e.strength < -5 for e in result.episodes)


# --- the camera


@pytest.mark.parametrize("factor", [0.9, 1.03, 1.08, 1.2])
def test_a_bumped_camera_is_never_a_lean(factor: float) -> None:
    zoom, shift = np.where(MINUTES_25 > 700, factor, 1.0), np.where(MINUTES_25 > 700, 20.0, 0.0)
    for seed in range(4):
        result = measure(session(np.random.default_rng(seed), episodes=[], zoom=zoom, shift_px=shift))
        assert not result.episodes
        assert "CAMERA_MOVED" in result.flags
        around = (result.time >= 699.4) & (result.time < 702)
        assert (result.states[around] == UNKNOWN).all()
        assert (result.states != UNKNOWN).mean() > 0.9


def test_leans_are_found_on_both_sides_of_a_bump() -> None:
    zoom = np.where(MINUTES_25 > 700, 1.1, 1.0)
    f1, back, error = scores([session(np.random.default_rng(s), zoom=zoom) for s in range(5)])
    assert f1 >= 0.95 and back == 0 and error <= 1.0


@pytest.mark.parametrize("percent_in_10_s", [0.5, 2.0, 10.0])
def test_a_slow_zoom_is_never_a_lean(percent_in_10_s: float) -> None:
    zoom = np.exp(np.clip((MINUTES_25 - 600) / 1000 * percent_in_10_s, 0, 0.25))
    for seed in range(4):
        result = measure(session(np.random.default_rng(seed), episodes=[], zoom=zoom))
        assert not result.episodes
        zooming = (result.time > 610) & (result.time < 600 + 25 / percent_in_10_s * 10 - 10)
        assert (result.states[zooming] == UNKNOWN).mean() > 0.9


def _framed(distance: np.ndarray, dead: float) -> np.ndarray:
    """Zoom of a camera that restores the face's size within seconds once it is off by more than `dead`."""
    target, current, zoom = 1.0, 1.0, []
    for want in (distance / 60.0).tolist():
        if abs(np.log(want / target)) > dead:
            target = want
        current += (target - current) * 0.1 / 1.5
        zoom.append(current)
    return np.array(zoom)


@pytest.mark.parametrize("dead", [0.0, 0.03, 0.08, 0.15])
def test_a_camera_that_frames_by_itself_is_not_measurable(dead: float) -> None:
    for seed in range(3):
        zoom = _framed(session(np.random.default_rng(seed)).distance_cm, dead)
        result = measure(session(np.random.default_rng(seed), zoom=zoom))
        assert result.quality == 0 and not result.episodes and "AUTO_FRAMING" in result.flags
        assert result.reason == LEAN_FLAGS["AUTO_FRAMING"]
        assert np.isnan(lean_minute(result, 60, 120, PARAMETERS)["lean_forward_pct"])


def test_a_face_that_keeps_its_size_while_it_moves_is_not_measurable_without_a_background() -> None:
    rng = np.random.default_rng(2)
    n = 6000
    frozen = 60 * np.exp(sway(rng, n, 0.001))
    observations = observe(MINUTES_25[:n], sway(rng, n, 2.0), frozen, np.ones(n, bool), None, np.ones(n), rng)
    assert "AUTO_FRAMING" in measure_lean(observations, 0, None, PARAMETERS).flags
    still = observe(MINUTES_25[:n], sway(rng, n, 0.2), frozen, np.ones(n, bool), None, np.ones(n), rng)
    assert "AUTO_FRAMING" not in measure_lean(still, 0, None, PARAMETERS).flags


def test_without_a_background_leans_are_measured_and_marked() -> None:
    made = session(np.random.default_rng(4), background=False)
    result = measure(made)
    assert result.quality == 1 and "NO_BACKGROUND" in result.flags
    assert event_scores(forward(result), made.leans)[0] >= 0.9 * len(made.leans)


def test_a_zoom_that_the_background_is_lost_in_is_never_a_lean() -> None:
    near = (MINUTES_25 > 700) & (MINUTES_25 < 715)
    shift = np.where(near, np.nan, 0.0)
    made = session(np.random.default_rng(2), episodes=[], zoom=np.where(near, 1.15, 1.0), shift_px=shift)
    result = measure(made)
    assert forward(result) == [] and "BACKGROUND_LOST" in result.flags
    assert (result.states[(result.time > 701) & (result.time < 714)] == UNKNOWN).all()


def test_tile_width_decides_what_a_percent_is() -> None:
    shift = np.where(MINUTES_25 > 700, 0.008 * WIDTH_PX, 0.0)
    assert "CAMERA_MOVED" not in measure(session(np.random.default_rng(0), shift_px=shift)).flags


# --- the person


def test_a_moved_seat_is_flagged_as_a_new_posture_and_followed_in_the_end() -> None:
    result = measure(session(np.random.default_rng(1), episodes=[], seat_moves=[(500, -10)]))
    assert "NEW_POSTURE" in result.flags
    assert result.new_postures[0].start == pytest.approx(500, abs=40)
    assert np.nanmedian(result.lean_cm[result.time > 1300]) == pytest.approx(0, abs=2)


def test_a_seat_moved_back_is_followed() -> None:
    result = measure(session(np.random.default_rng(1), episodes=[], seat_moves=[(500, 10)]))
    assert np.nanmedian(result.lean_cm[result.time > 900]) == pytest.approx(0, abs=2)


def _away(offset_cm: float, away_s: float) -> Lean:
    rng = np.random.default_rng(6)
    n = 9000
    time = MINUTES_25[:n]
    distance = 60 + sway(rng, n, 0.5) - np.where(time > 450, offset_cm, 0.0)
    face = (time < 450) | (time > 450 + away_s)
    observations = observe(time, sway(rng, n, 0.5), distance, face, np.zeros(n), np.ones(n), rng)
    return measure_lean(observations, 0, None, PARAMETERS)


def test_coming_back_in_another_place_is_no_lean() -> None:
    result = _away(offset_cm=10, away_s=8)
    assert "PERSON_MOVED" in result.flags and not result.episodes


def test_coming_back_in_the_same_place_changes_nothing() -> None:
    result = _away(offset_cm=0, away_s=8)
    assert "PERSON_MOVED" not in result.flags and not result.episodes
    assert len(np.unique(result.segment)) == 1


def test_a_short_look_away_before_a_lean_does_not_hide_it() -> None:
    result = _away(offset_cm=10, away_s=3)
    assert "PERSON_MOVED" not in result.flags and forward(result)


def test_short_gaps_are_bridged_and_longer_ones_are_unknown() -> None:
    rng = np.random.default_rng(9)
    n = 3000
    time = MINUTES_25[:n]
    face = ~(((time > 100) & (time < 100.65)) | ((time > 200) & (time < 203)))
    observations = observe(time, np.zeros(n), 60 + sway(rng, n, 0.3), face, np.zeros(n), np.ones(n), rng)
    result = measure_lean(observations, 0, None, PARAMETERS)
    unknown = result.time[result.states == UNKNOWN]
    assert len(unknown) and unknown.min() > 199.5 and unknown.max() < 203.5


def test_a_lean_with_the_face_hidden_for_two_seconds_is_one_episode() -> None:
    rng = np.random.default_rng(9)
    n = 3000
    time = MINUTES_25[:n]
    lean = [Episode(150.0, 170.0, "forward", 10.0)]
    face = ~((time > 158) & (time < 160))
    distance = 60 + sway(rng, n, 0.3) - lean_course(time, lean)
    result = measure_lean(observe(time, np.zeros(n), distance, face, np.zeros(n), np.ones(n), rng), 0, None, PARAMETERS)
    assert len(forward(result)) == 1
    assert (result.states[(result.time > 158.7) & (result.time < 159.5)] == UNKNOWN).all()


def test_an_unusable_head_is_unknown_and_not_a_posture() -> None:
    time = MINUTES_25[:3000]
    rows = head_rows(time, 0, np.zeros(3000), np.full(3000, 60.0), np.ones(3000, bool))
    rows["iris_distance"][1000:2000] = 10.0
    result = measure_lean(assemble([rows], [scene_rows(time, 0)], "single"), 0, None, PARAMETERS)
    assert (result.states[(result.time > 101) & (result.time < 199)] == UNKNOWN).all()


def test_nobody_to_see_is_said() -> None:
    time = MINUTES_25[:600]
    rows = head_rows(time, 0, np.zeros(600), np.full(600, 60.0), np.zeros(600, bool))
    result = measure_lean(assemble([rows], [scene_rows(time, 0)], "single"), 0, None, PARAMETERS)
    assert result.quality == 0 and result.reason == "No face was seen."
    assert not result.episodes and (result.states == UNKNOWN).all()


# --- stretches, short recordings, a named neutral


def test_a_new_layout_has_its_own_baseline_and_ends_a_lean() -> None:
    rng = np.random.default_rng(3)
    n = 6000
    time = MINUTES_25[:n]
    stretch = (time >= 300).astype(int)
    distance = np.where(time < 300, 60.0, 45.0) + sway(rng, n, 0.5)
    distance -= lean_course(time, [Episode(280.0, 320.0, "forward", 9.0)])
    observations = observe(time, np.zeros(n), distance, np.ones(n, bool), np.zeros(n), np.ones(n), rng, stretch)
    result = measure_lean(observations, 0, None, PARAMETERS)
    found = forward(result)
    assert len(found) == 2 and not backward(result)
    assert found[0].end <= 300.1 <= found[1].start + 0.2
    assert np.ptp(result.baseline_cm[result.time < 299]) < 3


def test_a_piece_too_short_to_know_a_posture_is_unknown() -> None:
    n = 6000
    time = MINUTES_25[:n]
    stretch = (time >= 300).astype(int) + (time >= 312)
    rng = np.random.default_rng(3)
    observations = observe(
        time, np.zeros(n), 60 + sway(rng, n, 0.5), np.ones(n, bool), np.zeros(n), np.ones(n), rng, stretch
    )
    result = measure_lean(observations, 0, None, PARAMETERS)
    assert (result.states[(result.time >= 300) & (result.time < 312)] == UNKNOWN).all()
    assert (result.states[(result.time >= 313)] != UNKNOWN).all()


def test_in_a_short_clip_a_brief_recline_does_not_become_the_baseline_and_a_brief_lean_is_found() -> None:
    lean = [Episode(32.0, 34.5, "forward", 14.0), Episode(36.0, 40.0, "back", -25.0)]
    for seed in range(10):
        made = session(np.random.default_rng(seed), duration_s=53, neutral_cm=64, episodes=lean, missing_share=0)
        result = measure(made)
        assert event_scores(forward(result), lean[:1]) == (1, 0, 0)
        assert event_scores(backward(result), lean[1:]) == (1, 0, 0)
        assert result.quality == 1 and "SHORT_BASELINE" in result.flags


def test_a_named_neutral_posture_replaces_the_baseline() -> None:
    lean = [Episode(20.0, 280.0, "forward", 12.0)]
    made = session(np.random.default_rng(2), duration_s=300, episodes=lean, sag_cm=0, missing_share=0)
    assert lean_summary(measure(made), 0, 300, PARAMETERS)["lean_forward_pct"] < 100
    told = measure(made, neutral=[(2.0, 15.0)])
    assert lean_summary(told, 0, 300, PARAMETERS)["lean_forward_pct"] == pytest.approx(260 / 3, abs=2)
    other = measure(made, neutral=[(100.0, 120.0)])
    assert not forward(other) and backward(other)


def test_a_neutral_posture_named_where_nothing_was_seen_is_said() -> None:
    made = session(np.random.default_rng(2), duration_s=300, missing_share=0)
    assert "NEUTRAL_UNUSABLE" in measure(made, neutral=[(400.0, 420.0)]).flags
