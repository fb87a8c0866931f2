"""Moments to look at: few, mixed, the same for everybody, and in words that ask."""

import pytest

from cues.corrections import Corrections
from cues.metrics.session import measure_session
from cues.parameters import Parameters
from cues.web.moments import AT_RANDOM, PROPOSED, all_moments, proposed
from cues.web.timeline import LEAN_HZ, timeline
from tests.made_session import made_session


@pytest.fixture(scope="module")
def metrics():
    return measure_session(made_session(minutes=12).observations, Corrections(), Parameters())


@pytest.fixture(scope="module")
def episodes(metrics):
    return metrics.episodes.to_pylist()


def test_at_most_six_are_proposed_of_several_kinds_by_time(metrics, episodes):
    found = proposed(metrics.summary, episodes, "a" * 32)
    assert len(found) == PROPOSED and len({m.kind for m in found}) >= 3
    assert [m.start for m in found] == sorted(m.start for m in found)
    assert set(found) <= set(all_moments(metrics.summary, episodes))


def test_the_same_session_gives_everybody_the_same_and_another_one_other_random_ones(metrics, episodes):
    first = proposed(metrics.summary, episodes, "a" * 32)
    assert proposed(metrics.summary, episodes, "a" * 32) == first
    others = [set(proposed(metrics.summary, episodes, f"{k:032x}")) for k in range(20)]
    always = set.intersection(*others)
    assert len(always) == PROPOSED - AT_RANDOM
    assert len(set.union(*others)) > PROPOSED + 5


def test_words_ask_and_do_not_judge(metrics, episodes):
    for moment in all_moments(metrics.summary, episodes):
        assert moment.words.endswith("?")
        for word in ("should", "good", "poor", "failed", "too ", "mirror", "you "):
            assert word not in moment.words.lower()


def test_without_a_settled_place_no_moment_is_about_gaze(metrics, episodes):
    people = [
        {**p, "cues": {**p["cues"], "eye_contact": {**p["cues"]["eye_contact"], "state": "confirm"}}}
        for p in metrics.summary["people"]
    ]
    kinds = {m.kind for m in all_moments({**metrics.summary, "people": people}, episodes)}
    assert not kinds & {"away", "toward the client"}


def test_lanes_are_the_episodes_and_the_series_of_the_metrics(metrics, episodes):
    lanes = timeline(metrics)
    trainee = next(p for p in metrics.summary["people"] if p["role"] == "trainee")["person"]
    drawn = lanes["people"][0]
    assert drawn["person"] == trainee and drawn["role"] == "trainee"
    for lane, cue, kinds in (
        ("eye_contact", "eye_contact", ("eye_contact",)),
        ("smiles", "smile", ("smile",)),
        ("forward_lean", "forward_lean", ("forward", "head_forward", "back")),
    ):
        wanted = [
            (round(e["start"], 1), round(e["end"], 1))
            for e in episodes
            if e["person"] == trainee and e["cue"] == cue and e["kind"] in kinds
        ]
        assert [(round(e["start"], 1), round(e["end"], 1)) for e in drawn[lane]["episodes"]] == wanted, lane
    lean = metrics.measured.lean[trainee]
    at = len(lean.time) // 2
    assert drawn["forward_lean"]["mm"][round(lean.time[at] * LEAN_HZ)] == pytest.approx(10 * lean.lean_cm[at], abs=1)
    assert lanes["duration"] == metrics.summary["duration_s"]
    assert len(lanes["shared_smiles"]) == sum(e["cue"] == "facial_mirroring" for e in episodes)


def test_missing_is_a_stretch_of_its_own_and_a_left_out_cue_is_not_there():
    made = made_session(minutes=6, missing={1: (100, 200)}).observations
    metrics = measure_session(made, Corrections(), Parameters())
    client = timeline(metrics)["people"][1]
    for lane in ("eye_contact", "forward_lean", "smiles"):
        inside = [u for u in client[lane]["unknown"] if u[0] <= 105 and u[1] >= 195]
        assert len(inside) == 1, lane
    assert all(value is None for value in client["forward_lean"]["mm"][int(110 * LEAN_HZ) : int(190 * LEAN_HZ)])
    left = timeline(metrics, ["eye_contact", "facial_mirroring"])
    assert all(set(p) == {"person", "role", "forward_lean"} for p in left["people"]) and left["shared_smiles"] == []
