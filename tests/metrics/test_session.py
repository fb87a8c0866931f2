import json

import numpy as np
import pytest

from cues.corrections import Corrections, Neutral, Swap, Target, Trainee
from cues.errors import ParameterError
from cues.metrics.session import EPISODES, measure_session
from cues.metrics.summary import FLAG_WORDS
from cues.parameters import Parameters, replace_parameter
from tests.made_session import DELAY_S, WINDOW_DEG, made_session

PARAMETERS = Parameters()


def measure(session, *corrections):
    return measure_session(session.observations, Corrections(corrections), PARAMETERS)


@pytest.fixture(scope="module")
def made():
    return made_session(8, seed=3)


@pytest.fixture(scope="module")
def measured(made):
    return measure(made)


def person(metrics, number):
    return next(entry for entry in metrics.summary["people"] if entry["person"] == number)


@pytest.mark.parametrize("number", [0, 1])
def test_session_figures_are_what_was_made(made, measured, number):
    cues = person(measured, number)["cues"]
    truth = made.truth[number]
    assert cues["eye_contact"]["figures"]["eye_contact_pct"] == pytest.approx(100 * truth.contact.mean(), abs=2)
    assert cues["lean"]["figures"]["lean_forward_pct"] == pytest.approx(100 * truth.forward.mean(), abs=3)
    assert cues["smile"]["figures"]["smile_count"] == pytest.approx(len(truth.smiles), abs=1)
    assert cues["eye_contact"]["coverage"] > 0.98
    assert cues["eye_contact"]["valid_minutes"] == 8


def test_each_person_has_role_place_target_and_candidates(measured):
    left = person(measured, 0)
    assert (left["role"], left["place"], left["role_guessed"]) == ("trainee", "left", True)
    assert left["target"]["h"] == pytest.approx(WINDOW_DEG[0], abs=1)
    assert left["target"]["v"] == pytest.approx(WINDOW_DEG[1], abs=1)
    assert not left["target"]["named_by_a_person"]
    assert len(left["candidates"]) >= 2


def test_shared_smiles_stand_beside_what_chance_gives(made, measured):
    found = measured.summary["facial_mirroring"]
    assert found["shared_smiles"]["mirrored"] == pytest.approx(len(made.mirrored), abs=2)
    assert 0 < found["shared_smiles"]["expected_by_chance"] < found["shared_smiles"]["mirrored"]
    assert found["latency_s"] == pytest.approx(DELAY_S, abs=0.1)
    assert found["session"]["p"] < 0.05
    assert found["leader"]["person"] is None
    assert found["leader"]["reason"]


def test_episodes_have_one_row_each_sorted_by_start(measured):
    rows = measured.episodes.to_pylist()
    assert measured.episodes.schema.equals(EPISODES)
    assert [row["start"] for row in rows] == sorted(row["start"] for row in rows)
    assert {row["cue"] for row in rows} == {"eye_contact", "forward_lean", "smile", "facial_mirroring"}
    assert all(row["end"] > row["start"] >= 0 for row in rows)


def test_a_mirrored_smile_belongs_to_who_followed_and_tells_its_delay(made, measured):
    mirrored = [row for row in measured.episodes.to_pylist() if row["kind"] == "mirrored"]
    onsets = sorted(row["start"] for row in mirrored)
    near = [min(abs(onset - leader) for onset in onsets) for leader, _ in made.mirrored]
    assert np.mean(np.array(near) < 0.3) >= 0.9
    assert np.median([row["strength"] for row in mirrored]) == pytest.approx(DELAY_S, abs=0.1)
    for row in mirrored:
        own = [start for start, _ in made.truth[row["person"]].smiles]
        assert min(abs(start - row["start"] - row["strength"]) for start in own) < 0.3


def test_nobody_is_scored_in_one_number(measured):
    assert not [key for key in json.dumps(measured.summary).split('"') if "score" in key and key != "score"]


def test_the_summary_is_valid_json_without_nan(measured):
    text = json.dumps(measured.summary, allow_nan=False)
    assert json.loads(text) == measured.summary


def test_the_summary_holds_every_parameter_and_version(measured):
    assert measured.summary["parameters"]["lean"]["enter_cm"] == PARAMETERS.lean.enter_cm
    assert measured.summary["versions"]["software"] == {"cues": "made"}
    assert measured.summary["versions"]["models"]


def test_a_parameter_that_is_changed_changes_the_figures(made, measured):
    strict = replace_parameter(PARAMETERS, "lean.enter_cm=15")
    changed = measure_session(made.observations, Corrections(), strict)
    assert person(changed, 0)["cues"]["lean"]["figures"]["lean_forward_pct"] == 0
    assert person(measured, 0)["cues"]["lean"]["figures"]["lean_forward_pct"] > 5


def test_naming_the_trainee_changes_roles_and_nothing_else(made, measured):
    other = measure(made, Trainee(1))
    assert person(other, 1)["role"] == "trainee"
    assert not person(other, 1)["role_guessed"]
    keep = [name for name in measured.minutes.column_names if name != "role"]
    assert other.minutes.select(keep).equals(measured.minutes.select(keep))
    assert set(other.episodes.filter(other.episodes["person"].to_numpy() == 1)["role"].to_pylist()) == {"trainee"}


def test_after_a_swap_from_the_middle_each_half_belongs_to_the_other_person(made, measured):
    swapped = measure(made, Swap(240.0))
    before, after = ({(r["minute"], r["person"]): r for r in m.minutes.to_pylist()} for m in (measured, swapped))
    for minute in range(1, 9):
        for number in (0, 1):
            source = number if minute <= 4 else 1 - number
            assert after[minute, number]["smile_pct"] == pytest.approx(before[minute, source]["smile_pct"], abs=2)


def test_a_target_that_a_person_named_is_used_and_recorded(made):
    named = measure(made, Target(0, -6.0, -32.0))
    assert person(named, 0)["target"]["named_by_a_person"]
    truth = made.truth[0].contact.mean()
    assert person(named, 0)["cues"]["eye_contact"]["figures"]["eye_contact_pct"] < 100 * (1 - truth) + 5
    assert named.summary["corrections"] == [{"kind": "target", "person": 0, "h": -6.0, "v": -32.0}]


def test_a_neutral_posture_that_a_person_named_moves_the_baseline(made):
    leaning = np.flatnonzero(made.truth[0].forward & np.roll(made.truth[0].forward, -60))
    start = float(made.observations.time[leaning[0]]) + 1
    named = measure(made, Neutral(0, start, start + 4))
    figures = person(named, 0)["cues"]["lean"]["figures"]
    assert figures["lean_forward_pct"] < 2
    assert figures["lean_back_pct"] > 40


def test_a_correction_that_does_not_fit_is_refused(made):
    with pytest.raises(ParameterError):
        measure(made, Swap(9999.0))


def test_a_recording_of_one_person_leaves_out_what_needs_two():
    alone = measure(made_session(4, people=1))
    assert "facial_mirroring" not in alone.summary
    assert "mutual_gaze" not in alone.summary["people"][0]["cues"]
    assert not [row for row in alone.episodes.to_pylist() if row["cue"] == "facial_mirroring"]


def test_two_measured_minutes_make_no_figure_for_the_session():
    cues = person(measure(made_session(2)), 0)["cues"]
    assert cues["lean"]["figures"] is None
    assert cues["lean"]["why"] == "Measured minutes: 2 of 2; a figure for the whole session needs 3."


def test_who_is_shown_part_of_the_time_has_figures_while_shown_and_none_for_the_session():
    metrics = measure(made_session(7, hidden={1: (0, 150)}))
    shown = person(metrics, 1)["cues"]
    assert shown["eye_contact"]["figures"] is None
    assert shown["eye_contact"]["while_shown"]["eye_contact_pct"] > 0
    assert "In the picture for 64 % of the recording only" in shown["eye_contact"]["why"]
    assert person(metrics, 0)["cues"]["eye_contact"]["figures"] is not None
    assert metrics.summary["facial_mirroring"]["session"] is None
    assert ("WHILE_SHOWN", 1) in [(flag["code"], flag["person"]) for flag in metrics.summary["quality_flags"]]


def test_nothing_is_claimed_of_smiles_where_nobody_smiles():
    metrics = measure(made_session(9, smiling=False))
    assert metrics.summary["facial_mirroring"]["session"] is None
    assert metrics.summary["facial_mirroring"]["why"]
    assert metrics.summary["facial_mirroring"]["shared_smiles"]["mirrored"] == 0


def test_a_short_recording_is_flagged_and_its_target_is_not_trusted_unasked():
    metrics = measure(made_session(0.8))
    codes = [flag["code"] for flag in metrics.summary["quality_flags"]]
    assert codes.count("SHORT") == 1
    for row in metrics.minutes.to_pylist():
        assert row["eye_contact_pct"] is None
        assert row["eye_contact_why"]
        assert row["eye_contact_state"] != "confident"
    assert "eye_contact" not in metrics.episodes["cue"].to_pylist()


def test_a_person_who_is_never_seen_has_reasons_instead_of_numbers():
    metrics = measure(made_session(4, missing={1: (0, 240)}))
    for cue, found in person(metrics, 1)["cues"].items():
        assert found["figures"] is None, cue
        assert found["why"], cue
    assert person(metrics, 0)["cues"]["lean"]["figures"] is not None


def test_camera_gaze_is_not_reported_without_a_known_zero(measured):
    camera = person(measured, 0)["cues"]["camera_gaze"]
    assert camera["figures"] is None
    assert camera["why"] == "It is not known which measured direction is the camera."


def test_where_irises_are_too_small_facing_is_measured_under_its_own_name():
    metrics = measure(made_session(6, iris_share=0.3))
    cues = person(metrics, 0)["cues"]
    assert cues["eye_contact"]["figures"] is None
    assert cues["eye_contact"]["state"] == "not_measurable"
    assert "direction of the head" in cues["eye_contact"]["why"]
    assert cues["facing"]["coverage"] > 0.9
    for row in metrics.minutes.to_pylist():
        assert row["eye_contact_pct"] is None
        assert row["facing_pct"] is not None or row["facing_why"]


def test_of_a_gallery_two_people_are_measured_and_the_others_are_named():
    metrics = measure(made_session(3, people=3, missing={0: (0, 170)}))
    assert [entry["person"] for entry in metrics.summary["people"]] == [1, 2]
    assert [entry["person"] for entry in metrics.summary["left_out"]] == [0]
    assert set(metrics.minutes["person"].to_pylist()) == {1, 2}


@pytest.mark.parametrize("number", [0, 1])
def test_a_figure_of_the_session_lies_in_its_interval(measured, number):
    cues = person(measured, number)["cues"]
    for cue, figure in (("eye_contact", "eye_contact_pct"), ("lean", "lean_forward_pct")):
        figures = cues[cue]["figures"]
        assert figures[f"{figure}_low"] <= figures[figure] <= figures[f"{figure}_high"]


def test_every_flag_is_told_in_a_sentence(measured):
    assert all(words[0].isupper() and words.endswith(".") for words in FLAG_WORDS.values())
    assert all(flag["words"] for flag in measured.summary["quality_flags"])
