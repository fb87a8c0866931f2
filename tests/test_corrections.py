import json

import numpy as np
import pytest

from cues.corrections import (
    Corrections,
    Neutral,
    People,
    Swap,
    Target,
    Trainee,
    add_correction,
    apply_corrections,
    corrections_from_json,
    corrections_to_json,
    person_named,
    undo_correction,
)
from cues.errors import ParameterError
from tests.made_session import made_session


@pytest.fixture(scope="module")
def call():
    return made_session(2).observations


@pytest.fixture(scope="module")
def gallery():
    return made_session(1, people=4, missing={1: (0, 50)}).observations


def corrected(observations, *items):
    corrections = Corrections()
    for item in items:
        corrections = add_correction(corrections, item, observations.facts)
    return apply_corrections(observations, corrections)


def test_without_corrections_the_person_on_the_left_is_guessed_to_be_the_trainee(call):
    after = corrected(call)
    assert after.roles == {0: "trainee", 1: "client"}
    assert after.role_guessed


def test_a_named_trainee_is_no_guess(call):
    after = corrected(call, Trainee(1))
    assert after.roles == {0: "client", 1: "trainee"}
    assert not after.role_guessed


def test_of_two_files_the_first_is_guessed_and_left_names_nobody():
    facts = made_session(0.2, setup="two_files").observations.facts
    assert person_named("second", facts) == 1
    with pytest.raises(ParameterError, match="'left' names nobody.*first, second"):
        person_named("left", facts)


def test_first_and_second_also_name_the_people_of_one_picture_in_their_order(call):
    assert person_named("right", call.facts) == person_named("second", call.facts) == 1
    assert person_named("left", call.facts) == person_named("first", call.facts) == 0


def test_a_single_person_can_be_named_first_but_not_second():
    facts = made_session(0.2, people=1).observations.facts
    assert person_named("first", facts) == 0
    with pytest.raises(ParameterError, match="1 measured"):
        person_named("second", facts)


def test_a_swap_exchanges_every_column_of_both_tables_from_its_moment_on(call):
    after = corrected(call, Swap(40.0)).observations
    for whole, part in ((call.table, after.table), (call.scene, after.scene)):
        assert whole.schema.equals(part.schema)
        assert whole.num_rows == part.num_rows
    late = call.time >= 40.0 - 1e-4
    for of in ("person", "scene_of"):
        here, there, now = getattr(call, of)(0), getattr(call, of)(1), getattr(after, of)(0)
        for name in here:
            expected = here[name] if name == "person" else np.where(late, there[name], here[name])
            np.testing.assert_array_equal(now[name], expected)
    assert late.sum() == 800


def test_a_swap_holds_until_the_next_one_in_whatever_order_they_were_made(call):
    after = corrected(call, Swap(90.0), Swap(30.0)).observations
    between = (call.time >= 30 - 1e-4) & (call.time < 90 - 1e-4)
    expected = np.where(between, call.person(0)["head_z"], call.person(1)["head_z"])
    np.testing.assert_array_equal(after.person(1)["head_z"], expected)


def test_swapping_twice_at_the_same_moment_changes_nothing(call):
    after = corrected(call, Swap(30.0), Swap(30.0)).observations
    np.testing.assert_array_equal(after.person(0)["head_z"], call.person(0)["head_z"])


def test_a_swap_from_the_start_exchanges_the_places_too(call):
    corrections = add_correction(Corrections(), Swap(0.0), call.facts)
    assert person_named("right", call.facts, corrections) == 0
    after = apply_corrections(call, corrections)
    assert {entry["person"]: entry["place"] for entry in after.observations.facts.people} == {
        0: "right",
        1: "left",
    }
    np.testing.assert_array_equal(after.observations.person(0)["head_z"], call.person(1)["head_z"])


def test_face_shares_are_counted_again_after_a_swap():
    observations = made_session(1, missing={0: (30, 60)}).observations
    shares = {e["person"]: e["face_share"] for e in corrected(observations, Swap(30.0)).observations.facts.people}
    assert shares == {0: 1.0, 1: 0.5}


def test_targets_and_neutral_stretches_are_kept_per_person(call):
    after = corrected(call, Target(0, 1, -8), Target(0, 2, -9), Neutral(1, 50, 60), Neutral(1, 10, 20))
    assert after.targets == {0: (2, -9)}
    assert after.neutral == {1: [(10, 20), (50, 60)]}


def test_of_four_people_the_two_with_most_face_time_are_proposed_and_the_rest_are_named(gallery):
    after = corrected(gallery)
    assert after.observations.people == [0, 2]
    assert [entry["person"] for entry in after.observations.facts.left_out] == [1, 3]
    assert set(after.observations.table["person"].to_pylist()) == {0, 2}


def test_other_people_can_be_chosen_and_their_rows_come_with_them(gallery):
    after = corrected(gallery, People(3, 1))
    assert after.observations.people == [1, 3]
    np.testing.assert_array_equal(after.observations.person(3)["head_z"], gallery.person(3)["head_z"])
    assert after.observations.scene.num_rows == after.observations.table.num_rows


def test_a_trainee_who_is_no_longer_among_the_chosen_is_guessed_again(gallery):
    after = corrected(gallery, Trainee(2), People(1, 3))
    assert after.role_guessed
    assert after.roles == {1: "trainee", 3: "client"}


@pytest.mark.parametrize(
    ("correction", "sentence"),
    [
        (Trainee(5), "no person 5 in this session, only 0, 1"),
        (Target(0, float("nan"), 0), "target's h is nan"),
        (Target(0, 0, 95), "target's v is 95"),
        (Swap(-3), "-3 s, it must not be negative"),
        (Swap(float("nan")), "must not be negative"),
        (Swap(500), "the recording ends at 120.0 s"),
        (Neutral(0, 20, 20), "not after its start"),
        (Neutral(0, -1, 20), "must not be negative"),
        (People(0, 0), "Two different people"),
        (People(0, 7), "Person 7 was not measured.*only 0, 1"),
    ],
)
def test_a_correction_that_does_not_fit_the_recording_is_refused_in_a_sentence(call, correction, sentence):
    with pytest.raises(ParameterError, match=sentence):
        add_correction(Corrections(), correction, call.facts)


def test_nobody_can_be_swapped_in_a_recording_of_one_person_or_of_two_files():
    for observations in (
        made_session(0.2, people=1).observations,
        made_session(0.2, setup="two_files").observations,
    ):
        with pytest.raises(ParameterError):
            add_correction(Corrections(), Swap(1.0), observations.facts)


def test_undoing_takes_back_the_last_one_or_any_other(call):
    corrections = Corrections((Trainee(1), Swap(5.0), Target(0, 1, 2)))
    assert undo_correction(corrections, call.facts).items == (Trainee(1), Swap(5.0))
    assert undo_correction(corrections, call.facts, 0).items == (Swap(5.0), Target(0, 1, 2))
    with pytest.raises(ParameterError, match="nothing to undo"):
        undo_correction(Corrections(), call.facts)
    with pytest.raises(ParameterError, match="number 3"):
        undo_correction(corrections, call.facts, 3)


def test_a_choice_of_people_that_a_later_correction_stands_on_is_not_undone(gallery):
    corrections = Corrections((People(1, 3), Trainee(3)))
    with pytest.raises(ParameterError, match="undo that one first"):
        undo_correction(corrections, gallery.facts, 0)


def test_corrections_survive_json():
    corrections = Corrections((People(0, 1), Trainee(1), Target(0, 1.5, -8.25), Swap(12.5), Neutral(1, 3.0, 9.0)))
    assert corrections_from_json(json.loads(json.dumps(corrections_to_json(corrections)))) == corrections


@pytest.mark.parametrize(
    "data",
    [
        [],
        {"schema": 1},
        {"schema": 99, "corrections": []},
        {"schema": 1, "corrections": [{"kind": "grade", "person": 0}]},
        {"schema": 1, "corrections": [{"kind": "trainee"}]},
        {"schema": 1, "corrections": [{"kind": "trainee", "person": 0.5}]},
        {"schema": 1, "corrections": [{"kind": "trainee", "person": True}]},
        {"schema": 1, "corrections": [{"kind": "swap", "from_s": "soon"}]},
    ],
)
def test_json_that_is_not_a_list_of_corrections_is_refused(data):
    with pytest.raises(ParameterError):
        corrections_from_json(data)
