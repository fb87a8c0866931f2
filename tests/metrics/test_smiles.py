"""Smiles: found where they are, timed to a tenth of a second, and never made up where nothing can be told."""

import numpy as np
import pytest

from cues.metrics.signals import moving_average
from cues.metrics.smiles import find_smiles, noise_floor, prewhiten, smile_minute, smile_series
from cues.parameters import Parameters
from tests.metrics.made_smiles import good_quality, person_columns, smile_shape, smiles_of, smiling

TIME = np.arange(3000) / 10


def test_every_clear_smile_is_found_once_and_its_onset_is_right_to_a_tenth_of_a_second():
    onsets = np.array([20.03, 51.48, 90.0, 141.77, 200.21, 250.64])
    smiles = smiles_of(0, TIME, smiling(TIME, onsets, seed=1))
    assert len(smiles.events) == len(onsets)
    # the start is where a fifth of the peak is reached, 0.1 s after a rise of 0.5 s begins
    error = np.array([event.start for event in smiles.events]) - (onsets + 0.1)
    assert np.abs(error - np.median(error)).max() < 0.1
    assert np.abs(error).max() < 0.2


def test_onsets_of_a_delayed_copy_differ_by_the_delay_to_a_few_hundredths_of_a_second():
    onsets = np.array([20.0, 52.0, 90.0, 141.0, 200.0, 250.0])
    first = smiles_of(0, TIME, sum(smile_shape(TIME, t, 0.5) for t in onsets))
    for delay in (0.4, 0.83, 1.5):
        second = smiles_of(1, TIME, sum(smile_shape(TIME, t + delay, 0.5) for t in onsets))
        assert second.onsets - first.onsets == pytest.approx(delay, abs=0.03)


@pytest.mark.parametrize("rate", [5.0, 10.0, 15.0, 25.0, 30.0])
def test_the_rate_of_the_observations_does_not_move_onsets(rate):
    time = np.arange(int(120 * rate)) / rate
    smiles = smiles_of(0, time, sum(smile_shape(time, t, 0.5) for t in (30.0, 70.0)))
    assert smiles.onsets == pytest.approx([30.05, 70.05], abs=0.1)


def test_the_average_is_centred_and_takes_speech_out():
    speech = 0.2 * (np.sin(2 * np.pi * 4.0 * TIME) > 0)  # lips at 4 Hz
    smiles = smiles_of(0, TIME, 0.05 + speech)
    assert smiles.events == []
    assert np.nanstd(smiles.smile) < 0.5 * np.std(speech)
    pulse = np.zeros(101)
    pulse[50] = 1.0
    assert np.flatnonzero(moving_average(pulse, 5)).tolist() == [48, 49, 50, 51, 52]


def test_smile_percent_counts_measured_time_only_and_coverage_says_how_much_that_is():
    values = np.full(1200, 0.05)
    values[100:250] = 0.6  # 15 s of smile
    values[300:600] = np.nan
    smiles = smiles_of(0, TIME[:1200], values)
    minute = smile_minute(smiles, 0, 60)
    assert minute["smile_coverage"] == pytest.approx(0.5, abs=0.01)
    assert minute["smile_pct"] == pytest.approx(50, abs=2)
    assert minute["smile_count"] == 1
    assert smile_minute(smiles, 60, 120) == {"smile_pct": 0.0, "smile_coverage": 1.0, "smile_count": 0.0}


def test_a_minute_without_a_face_has_no_percentage():
    columns = person_columns(0, smiling(TIME, np.array([20.0, 150.0]), seed=3))
    columns["face"][600:1200] = False
    smiles = smile_series(columns, good_quality(3000), TIME, 300.0, Parameters())
    minute = smile_minute(smiles, 60, 120)
    assert minute["smile_coverage"] == 0 and np.isnan(minute["smile_pct"]) and np.isnan(minute["smile_count"])


def test_gaps_up_to_half_a_second_are_bridged_and_longer_ones_are_not():
    values = smiling(TIME, np.array([20.0]), seed=4)
    values[1000:1004] = np.nan
    values[2000:2010] = np.nan
    smile = smiles_of(0, TIME, values).smile
    assert np.isfinite(smile[1000:1004]).all()
    assert np.isnan(smile[2000:2010]).all()


def test_lip_corners_that_never_move_are_unavailable_not_zero():
    smiles = smiles_of(0, TIME, np.full(3000, 0.004))
    assert smiles.reason and smiles.flags == ["DEAD_CHANNEL"]
    assert np.isnan(smiles.smile).all() and smiles.events == []
    assert np.isnan(smile_minute(smiles, 0, 60)["smile_pct"])


def test_a_person_who_smiles_once_in_ten_minutes_does_smile():
    time = np.arange(6000) / 10
    smiles = smiles_of(0, time, smile_shape(time, 300.0, 0.5))
    assert np.percentile(smile_shape(time, 300.0, 0.5), 99) < 0.02
    assert len(smiles.events) == 1 and smiles.reason is None
    assert smile_minute(smiles, 0, 60)["smile_pct"] == 0


def test_one_dead_side_leaves_the_other_to_measure_with():
    columns = person_columns(0, smiling(TIME, np.array([50.0, 120.0]), seed=5))
    columns["mouthSmileRight"][:] = 0.0
    smiles = smile_series(columns, good_quality(3000), TIME, 300.0, Parameters())
    assert len(smiles.events) == 2 and not smiles.alive["mouthSmileRight"]


def test_the_cheek_takes_part_only_where_it_moves():
    rng = np.random.default_rng(6)
    values, cheek = smiling(TIME, np.array([50.0, 120.0]), seed=6), np.abs(rng.normal(0.1, 0.05, 3000))
    alone = smiles_of(0, TIME, values)
    both = smile_series(person_columns(0, values, cheek), good_quality(3000), TIME, 300.0, Parameters())
    assert not alone.alive["cheekSquintLeft"] and both.alive["cheekSquintLeft"]
    assert np.corrcoef(alone.expression, alone.smile)[0, 1] == pytest.approx(1.0)
    assert np.corrcoef(both.expression, both.smile)[0, 1] < 0.95
    assert [e.start for e in both.events] == pytest.approx([e.start for e in alone.events])


def test_turning_the_head_is_not_a_smile():
    rng = np.random.default_rng(7)
    yaw = 20 * np.sin(2 * np.pi * TIME / 37) + rng.normal(0, 1, 3000)
    values = 0.2 + 0.008 * yaw + smiling(TIME, np.array([45.0, 160.0, 230.0]), seed=7)
    columns = person_columns(0, values)
    leaking = smile_series(columns, good_quality(3000), TIME, 300.0, Parameters())
    columns["head_yaw"] = yaw
    smiles = smile_series(columns, good_quality(3000), TIME, 300.0, Parameters())
    assert len(leaking.events) > 3
    assert [e.start for e in smiles.events] == pytest.approx([45.1, 160.1, 230.1], abs=0.25)


def test_a_smile_during_own_speech_must_be_half_as_high_again():
    values = sum(smile_shape(TIME, t, 0.2) for t in (50.0, 150.0))
    speaking = np.where((TIME > 140) & (TIME < 160), 1, 2).astype(np.int8)
    assert len(smiles_of(0, TIME, values).events) == 2
    assert [e.start for e in smiles_of(0, TIME, values, speaking=speaking).events] == pytest.approx([50], abs=0.3)


def test_a_smile_under_way_at_the_start_or_after_a_gap_has_no_known_onset():
    values = 0.05 + smile_shape(TIME, -1.0, 0.5, hold=3.0) + smile_shape(TIME, 100.0, 0.5, hold=6.0)
    values = values + smile_shape(TIME, 200.0, 0.5)
    values[1000:1030] = np.nan
    smiles = smiles_of(0, TIME, values)
    assert smiles.onset_known == [False, False, True]
    assert np.isnan(smiles.onsets[:2]).all()


def test_short_flickers_are_no_smile_and_close_smiles_are_one():
    p = Parameters().mirroring
    height = np.zeros(200)
    height[20:23] = 0.5  # 0.3 s
    height[50:60] = height[63:70] = 0.5  # 0.3 s apart
    height[100:110] = height[116:126] = 0.5  # 0.6 s apart
    events, known = find_smiles(np.arange(200) / 10, height, np.full(200, 0.15), 0.075, p)
    assert [round(e.start) for e in events] == [5, 10, 12] and all(known)
    assert events[0].end == pytest.approx(7.0, abs=0.11)


def test_a_smile_that_rises_before_the_last_one_faded_starts_at_the_lowest_point_between():
    time = np.arange(200) / 10
    height = np.interp(time, [2, 2.5, 4, 4.5, 5.2, 5.5, 7, 7.5], [0, 0.2, 0.2, 0.06, 0.07, 1.0, 1.0, 0])
    events, _ = find_smiles(time, height, np.full(200, 0.15), 0.075, Parameters().mirroring)
    assert len(events) == 2
    assert events[1].start == pytest.approx(5.2, abs=0.15) and events[1].start >= events[0].end - 0.1


def test_the_noise_floor_is_that_of_the_quiet_windows():
    rng = np.random.default_rng(8)
    values = rng.normal(0, 0.01, 3000)
    values[:1500] += rng.normal(0, 0.2, 1500)
    assert noise_floor(values, Parameters().mirroring) == pytest.approx(0.01, rel=0.2)
    assert np.isnan(noise_floor(np.full(3000, np.nan), Parameters().mirroring))


def test_prewhitening_leaves_nothing_of_a_first_order_process_to_predict():
    rng = np.random.default_rng(9)
    e = rng.normal(size=20000)
    x = np.zeros(20000)
    for i in range(1, len(x)):
        x[i] = 0.9 * x[i - 1] + e[i]
    assert prewhiten(x, 0.9)[1:] == pytest.approx(e[1:])
    x[100] = np.nan
    assert np.flatnonzero(np.isnan(prewhiten(x, 0.9))).tolist() == [0, 100, 101]
