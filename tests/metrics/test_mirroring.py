"""Shared smiles: found where they are, beside what chance gives, and silent where nothing can be said."""

import os
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from cues.metrics.mirroring import measure_mirroring, mirroring_minute
from cues.metrics.shared_smiles import find_shared_smiles, smile_chance
from cues.parameters import Parameters
from tests.metrics.made_smiles import random_onsets, smile_shape, smiles_of, smiling

P = Parameters()


def made_pair(minutes, lag, share, seed=1, per_minute=4.0, order=1):
    """Two people who smile at random; `share` of the first's smiles are answered after `lag` s by the second.

    With order -1 the second leads. Returns their Smiles.
    """
    duration = 60.0 * minutes
    time = np.arange(int(duration * 10)) / 10
    own = random_onsets(duration, per_minute, seed)
    rng = np.random.default_rng(seed + 500)
    answered = own[rng.random(len(own)) < share] + lag
    free = random_onsets(duration, per_minute * (1 - share), seed + 1000)
    free = free[np.abs(free[:, None] - np.append(answered, -99)).min(1) > 4] if len(free) else free
    other = np.sort(np.append(answered, free))
    values = smiling(time, own, seed), smiling(time, other, seed + 7)
    return tuple(smiles_of(k, time, v) for k, v in enumerate(values[::order]))


def made_events(first, second, duration=600.0):
    """Smiles of two people who smile at exactly these times (of 20 % of the height)."""
    time = np.arange(int(duration * 10)) / 10
    return [
        smiles_of(k, time, np.zeros(len(time)) + sum(smile_shape(time, t - 0.1, 0.5) for t in onsets))
        for k, onsets in enumerate((first, second))
    ]


def test_mirrored_simultaneous_and_joined_smiles_are_told_apart_by_their_delay():
    a, b = made_events([50, 100, 150, 200, 250], [50.8, 100.1, 152.3, 199.5, 255.0])
    found = find_shared_smiles(a, b, P.mirroring)
    assert [(e.kind, e.leader, e.follower) for e in found] == [
        ("mirrored", 0, 1),
        ("simultaneous", 0, 1),
        ("joined", 0, 1),
        ("mirrored", 1, 0),
    ]
    assert [e.delay for e in found] == pytest.approx([0.8, 0.1, 2.3, 0.5], abs=0.05)


def test_one_smile_has_one_response_and_one_response_one_trigger():
    a, b = made_events([50.0, 100.0], [51.9])
    second = made_events([50.0], [50.5, 99.0])[1]
    assert len(find_shared_smiles(a, b, P.mirroring)) == 1
    crowded = find_shared_smiles(made_events([47.0, 51.0], [])[0], made_events([], [49.0])[1], P.mirroring)
    assert sum(e.kind == "mirrored" for e in crowded) == 1
    assert sum(e.kind == "mirrored" for e in find_shared_smiles(a, second, P.mirroring)) == 2


def test_the_count_expected_by_chance_is_the_one_of_a_plain_loop_over_shifts():
    a, b = made_pair(10, lag=0.8, share=0.4, seed=3)
    chance = smile_chance(a, b, 600.0, P.mirroring)
    kinds = []
    for shift in np.arange(10, 591):
        moved = np.mod(b.onsets + shift, 600.0)
        apart = moved[None, :] - a.onsets[:, None]
        apart = (apart + 300) % 600 - 300
        size = np.abs(apart)
        for i, j in zip(*np.nonzero(size <= 2.0), strict=True):
            if size[i, j] == size[i].min() and size[i, j] == size[:, j].min():
                kinds.append(apart[i, j])
    kinds = np.array(kinds)
    assert chance.simultaneous == pytest.approx((np.abs(kinds) <= 0.2).sum() / 581)
    assert chance.first_leads == pytest.approx((kinds > 0.2).sum() / 581)
    assert chance.second_leads == pytest.approx((kinds < -0.2).sum() / 581)
    assert chance.between(0, 600) == pytest.approx(chance.mirrored + chance.simultaneous)
    assert chance.p < 0.01


@pytest.mark.parametrize("lag", [0.0, 0.4, 0.8, 1.5])
def test_a_known_lag_is_recovered_within_a_tenth_of_a_second(lag):
    result = measure_mirroring(*made_pair(10, lag=lag, share=0.8, seed=4), 600.0, "shared_room", P)
    assert result.session.p < 0.01
    assert result.leader.lag_s == pytest.approx(lag, abs=0.1)
    if lag > 0:
        assert result.latency_s == pytest.approx(lag, abs=0.1)
        assert result.count("mirrored", leader=0) > 5 * max(1, result.count("mirrored", leader=1))
    else:
        assert result.count("simultaneous") > 10 and result.leader.person is None


def test_mirrored_smiles_are_found_and_hardly_any_invented():
    first, second = made_pair(10, lag=0.9, share=0.5, seed=5)
    truth = first.onsets[np.abs(second.onsets[:, None] - first.onsets - 0.9).min(0) < 0.25]
    result = measure_mirroring(first, second, 600.0, "split_screen", P)
    mirrored = [e.onset_leader for e in result.events if e.kind == "mirrored" and e.leader == 0]
    assert np.isin(np.round(truth, 3), np.round(mirrored, 3)).mean() >= 0.9
    assert result.count("mirrored") - len(truth) <= 5


def test_the_leader_is_named_only_beyond_what_a_call_can_delay():
    for order, person in ((1, 0), (-1, 1)):
        pair = made_pair(20, lag=0.9, share=0.7, seed=6, order=order)
        leader = measure_mirroring(*pair, 1200.0, "split_screen", P).leader
        assert leader.person == person and abs(leader.lag_s) == pytest.approx(0.9, abs=0.1)
    near = made_pair(20, lag=0.3, share=0.7, seed=6)
    assert measure_mirroring(*near, 1200.0, "split_screen", P).leader.person is None
    assert measure_mirroring(*near, 1200.0, "shared_room", P).leader.person == 0
    short = measure_mirroring(*made_pair(9, lag=0.9, share=0.7, seed=6), 540.0, "shared_room", P).leader
    assert short.person is None and "10 measured minutes" in short.reason


def test_under_eight_minutes_there_is_no_word_on_minutes_and_under_five_none_on_the_session():
    seven = measure_mirroring(*made_pair(7, lag=0.8, share=0.8), 420.0, "split_screen", P)
    assert seven.session is not None and all(m.stands_out is None and m.z is None for m in seven.minutes)
    assert any("8 measured minutes" in m.reason for m in seven.minutes)
    four = measure_mirroring(*made_pair(4, lag=0.8, share=0.8), 240.0, "split_screen", P)
    assert four.session is None and "5 minutes" in four.reason and four.count("mirrored") > 3
    seconds = measure_mirroring(*made_pair(0.5, lag=0.8, share=0.8), 30.0, "split_screen", P)
    assert seconds.session is None and seconds.minutes == []


def test_minutes_without_expression_are_not_judged_rather_than_zero():
    time = np.arange(9000) / 10
    onsets = random_onsets(900, 5, 8)
    onsets = onsets[(onsets < 290) | (onsets > 665)]  # nobody smiles from minute 5 to minute 11
    first, second = (smiles_of(k, time, smiling(time, onsets + 0.5 * k, seed=k)) for k in (0, 1))
    minutes = measure_mirroring(first, second, 900.0, "split_screen", P).minutes
    for m in minutes[6:10]:
        assert m.stands_out is None and m.z is None and m.percentile is None
        assert m.reason == "Too little expression to judge."
    assert all(m.stands_out is not None for m in minutes[:4] + minutes[12:])


def test_two_still_faces_give_no_figure_at_all():
    time = np.arange(6000) / 10
    first, second = (smiles_of(k, time, smiling(time, np.array([300.0]), seed=k)) for k in (0, 1))
    result = measure_mirroring(first, second, 600.0, "split_screen", P)
    assert result.session is None and result.reason == "Too little expression to judge."
    assert "LOW_EXPRESSION" in result.flags and result.leader.person is None and result.episodes == []
    dead = smiles_of(1, time, np.zeros(6000))
    result = measure_mirroring(first, dead, 600.0, "split_screen", P)
    assert result.session is None and result.events == [] and "DEAD_CHANNEL" in result.flags


def test_minutes_that_were_not_measured_leave_the_pool_and_say_so():
    first, second = made_pair(12, lag=0.8, share=0.6, seed=9)
    time = first.time
    gone = second.smile.copy()
    gone[3000:3400] = np.nan  # 40 s of the sixth minute
    second = smiles_of(1, time, gone)
    result = measure_mirroring(first, second, 720.0, "split_screen", P)
    assert result.minutes[5].stands_out is None and result.minutes[5].reason.startswith("The two faces were not")
    assert result.minutes[5].coverage == pytest.approx(1 / 3, abs=0.02)
    assert result.session.minutes == 11
    assert sum(m.stands_out is not None for m in result.minutes) >= 9


def test_the_minute_columns_count_by_role_and_stand_beside_chance():
    first, second = made_pair(10, lag=0.8, share=0.6, seed=10)
    result = measure_mirroring(first, second, 600.0, "split_screen", P)
    rows = [[mirroring_minute(result, person, 60 * m, 60 * m + 60) for m in range(10)] for person in (0, 1)]
    total = {name: [sum(row[name] for row in rows[k]) for k in (0, 1)] for name in rows[0][0] if "shared" in name}
    assert total["shared_smiles_led"][0] == total["shared_smiles_followed"][1] == result.count("mirrored", 0)
    assert total["shared_smiles_followed"][0] == total["shared_smiles_led"][1] == result.count("mirrored", 1)
    chance = result.expected_by_chance
    assert total["shared_smiles_expected"] == pytest.approx([chance.mirrored + chance.simultaneous] * 2)
    assert {row["mirroring_stands_out"] for row in rows[0]} <= {"yes", "no", None}
    assert not any("score" in name or "_z" in name for name in rows[0][0])
    assert mirroring_minute(result, 0, 600, 612)["mirroring_stands_out"] is None


def test_one_person_has_no_shared_smiles():
    first, second = made_pair(1, 0.5, 0.5)
    with pytest.raises(ValueError, match="one person"):
        measure_mirroring(first, second, 60.0, "single", P)


def test_the_timeline_marks_the_stretch_in_which_smiles_go_together():
    time = np.arange(12000) / 10
    a, b = (smiling(time, random_onsets(1200, 8, seed), seed=seed) for seed in (11, 12))
    b[5000:6200] = a[4994:6194] + np.random.default_rng(13).normal(0, 0.02, 1200)
    first, second = smiles_of(0, time, a), smiles_of(1, time, b)
    result = measure_mirroring(first, second, 1200.0, "split_screen", P)
    marked = np.zeros(1200, bool)
    for e in result.episodes:
        assert e.duration >= 3 and e.kind == "shared_smiling"
        marked[int(e.start) : int(e.end)] = True
    assert marked[505:615].mean() > 0.5
    assert marked[:490].mean() < 0.1 and marked[630:].mean() < 0.1


def test_the_same_input_gives_the_same_figures():
    runs = [measure_mirroring(*made_pair(8, 0.8, 0.5), 480.0, "split_screen", P) for _ in (1, 2)]
    assert runs[0].session == runs[1].session and runs[0].leader == runs[1].leader


# Real dyads: development data, on which METHOD's parameters were chosen.


@pytest.fixture(scope="module")
def dyads():
    """dyad -> (16200, 2): lip corner movement of both over 9 minutes at 30 Hz, in blendshape units."""
    folder = os.environ.get("CUES_TEST_DATA")
    path = Path(folder or "") / "dyads" / "video_call_dyads.parquet"
    if not folder or not path.exists():
        pytest.skip("CUES_TEST_DATA does not hold dyads/video_call_dyads.parquet")
    table = pq.read_table(path, columns=["dyad", "au12_a", "au12_b"])
    per_intensity = P.mirroring.smile_on / 0.7  # METHOD 4.6: a smile begins at 0.15, or at intensity 0.7
    values = np.column_stack([table["au12_a"].to_numpy(), table["au12_b"].to_numpy()]) * per_intensity
    number = table["dyad"].to_numpy()
    return {int(d): values[number == d] for d in np.unique(number)}


def dyad_smiles(person, values):
    return smiles_of(person, np.arange(len(values)) / 30, values)


def rolled_pairs(dyads, count, seed):
    """Pairs of people who never met, the second rolled in time."""
    rng = np.random.default_rng(seed)
    ids = sorted(dyads)
    for _ in range(count):
        i, j = rng.choice(ids, 2, replace=False)
        shift = int(rng.integers(900, 15300))
        yield dyads[i][:, 0], np.roll(dyads[j][:, 1], shift)


def test_real_dyads_are_told_from_pairs_who_never_met(dyads):
    real = (
        [dyad_smiles(0, v[:, 0]) for v in dyads.values()],
        [dyad_smiles(1, v[:, 1]) for v in dyads.values()],
    )
    real = [measure_mirroring(a, b, 540.0, "split_screen", P) for a, b in zip(*real, strict=True)]
    pseudo = [
        measure_mirroring(dyad_smiles(0, a), dyad_smiles(1, b), 540.0, "split_screen", P)
        for a, b in rolled_pairs(dyads, 40, seed=21)
    ]
    z_real, z_pseudo = (np.array([m.session.z for m in group]) for group in (real, pseudo))
    assert (z_real[:, None] > z_pseudo).mean() >= 0.90  # .95 over 450 pairs
    assert np.mean([m.session.p < 0.05 for m in pseudo]) <= 0.15  # .06 over 450 pairs; 40 here
    stands_out = [m.stands_out for result in pseudo for m in result.minutes if m.stands_out is not None]
    assert np.mean(stands_out) <= 0.08  # .04 over 450 pairs


def test_power_grows_with_the_share_of_smiles_that_are_answered(dyads):
    rng = np.random.default_rng(22)
    found = {}
    for share in (0.0, 0.2, 0.4):
        results = []
        for a, b in rolled_pairs(dyads, 12, seed=23):
            first = dyad_smiles(0, a)
            b = b.copy()
            for event in first.events:
                if rng.random() < share:  # METHOD 6.4 G4: the smile's own shape, weaker, after a log-normal delay
                    template = a[int(event.start * 30) : int(event.end * 30)] - first.rest
                    begin = int((event.start + rng.lognormal(np.log(0.8), 0.5)) * 30)
                    end = min(begin + len(template), len(b))
                    b[begin:end] += rng.uniform(0.4, 1.0) * np.clip(template[: end - begin], 0, None)
            results.append(measure_mirroring(first, dyad_smiles(1, b), 540.0, "split_screen", P))
        found[share] = np.mean([r.session.p < 0.05 for r in results])
    assert found[0.0] <= 0.25 and found[0.4] >= 0.75 and found[0.4] > found[0.0]
