import numpy as np
import pytest

from cues.corrections import Corrections
from cues.metrics.minutes import EYE_CONTACT, LEAN, minute_edges, rounded, sentence, settle
from cues.metrics.session import measure_session
from cues.parameters import Parameters
from tests.made_session import made_session

QUALITY = Parameters().quality


def rows_of(**made):
    session = made_session(**made)
    return session, measure_session(session.observations, Corrections(), Parameters()).minutes.to_pylist()


def of_person(rows, person):
    return [row for row in rows if row["person"] == person]


@pytest.fixture(scope="module")
def call():
    return rows_of(minutes=5.5, missing={1: (130, 220)})


def test_there_is_one_row_per_person_and_minute_and_the_last_one_may_be_short(call):
    _, rows = call
    assert [(row["minute"], row["person"]) for row in rows] == [(m, p) for m in range(1, 7) for p in (0, 1)]
    assert (rows[-1]["start_s"], rows[-1]["end_s"]) == (300, 330)
    assert {row["role"] for row in of_person(rows, 0)} == {"trainee"}


@pytest.mark.parametrize("person", [0, 1])
def test_eye_contact_lean_and_smiles_of_each_minute_are_what_was_made(call, person):
    session, rows = call
    time, truth = session.observations.time, session.truth[person]
    for row in of_person(rows, person):
        here = (time >= row["start_s"]) & (time < row["end_s"])
        if row["eye_contact_coverage"] == 1.0:
            assert row["eye_contact_pct"] == pytest.approx(100 * truth.contact[here].mean(), abs=4)
        if row["lean_coverage"] == 1.0:
            assert row["lean_forward_pct"] == pytest.approx(100 * truth.forward[here].mean(), abs=5)
        if row["smile_coverage"] == 1.0:
            began = sum(row["start_s"] <= start < row["end_s"] for start, _ in truth.smiles)
            assert abs(row["smile_count"] - began) <= 1


def test_a_minute_with_too_little_coverage_has_a_dash_and_says_why_but_keeps_its_coverage(call):
    row = of_person(call[1], 1)[2]
    assert row["eye_contact_coverage"] == pytest.approx(10 / 60, abs=0.03)
    for cue in ("eye_contact", "lean", "smile", "mutual_gaze", "mirroring"):
        assert row[f"{cue}_why"].startswith("Measured in only")
    figures = [name for name in row if name.endswith(("_pct", "_s", "_cm", "_count", "_episodes", "_low", "_high"))]
    empty = [name for name in figures if name not in ("start_s", "end_s")]
    assert empty
    assert all(row[name] is None for name in empty)
    assert "LOW_COV" in row["flags"].split(";")


def test_what_is_missing_of_one_person_costs_the_other_only_what_needs_both(call):
    row = of_person(call[1], 0)[2]
    assert row["eye_contact_pct"] is not None
    assert row["lean_forward_pct"] is not None
    assert row["mutual_gaze_pct"] is None
    assert row["shared_smiles_followed"] is None


def test_a_measured_minute_has_no_reason_and_its_figure_lies_in_its_interval(call):
    row = of_person(call[1], 0)[0]
    assert row["eye_contact_why"] is None
    assert row["lean_why"] is None
    assert row["eye_contact_pct_low"] <= row["eye_contact_pct"] <= row["eye_contact_pct_high"]
    assert row["lean_forward_pct_low"] <= row["lean_forward_pct"] <= row["lean_forward_pct_high"]


def test_a_recording_of_one_person_has_no_columns_that_need_a_partner():
    _, rows = rows_of(minutes=3, people=1)
    assert not [name for name in rows[0] if name.startswith(("mutual_gaze", "mirroring", "shared_smiles"))]
    assert "eye_contact_pct" in rows[0]


def test_columns_of_what_nobody_has_are_left_out(call):
    assert not [name for name in call[1][0] if name.startswith(("facing_", "camera_gaze_"))]


def test_counts_are_whole_numbers_and_percentages_have_one_decimal(call):
    row = of_person(call[1], 0)[0]
    assert isinstance(row["smile_count"], int)
    assert isinstance(row["lean_episodes"], int)
    assert row["eye_contact_pct"] == round(row["eye_contact_pct"], 1)


def test_a_last_minute_of_a_few_seconds_has_its_row_and_no_figures():
    _, rows = rows_of(minutes=2.1)
    last = of_person(rows, 0)[-1]
    assert (last["minute"], last["eye_contact_pct"], last["lean_forward_pct"]) == (3, None, None)
    assert last["lean_why"] == "The last minute is only 6 s long."
    assert last["lean_coverage"] == 1.0


def test_a_person_out_of_the_layout_is_flagged_in_those_minutes_only():
    _, rows = rows_of(minutes=4, hidden={0: (70, 110)})
    flagged = [row["minute"] for row in of_person(rows, 0) if "WHILE_SHOWN" in (row["flags"] or "")]
    assert flagged == [2]
    assert "not in the picture for 40 s of it" in of_person(rows, 0)[1]["eye_contact_why"]
    assert not any("WHILE_SHOWN" in (row["flags"] or "") for row in of_person(rows, 1))


@pytest.mark.parametrize(
    ("duration", "edges"),
    [
        (180.0, [0, 60, 120, 180]),
        (180.4, [0, 60, 120, 180]),
        (185.0, [0, 60, 120, 180, 185]),
        (0.5, [0, 0.5]),
        (59.9, [0, 59.9]),
    ],
)
def test_minutes_end_on_the_minute_and_a_remainder_below_a_second_is_none(duration, edges):
    np.testing.assert_allclose(minute_edges(duration, QUALITY), edges)


def test_a_figure_that_small_changes_move_by_more_than_forty_points_is_not_shown():
    cells = {
        "lean_forward_pct": 50.0,
        "lean_coverage": 1.0,
        "lean_forward_pct_low": 20.0,
        "lean_forward_pct_high": 65.0,
    }
    settled, code = settle(LEAN, cells, "", 0.0, 60.0, QUALITY)
    assert settled["lean_forward_pct"] is None
    assert settled["lean_why"] == "Small changes of the thresholds move this figure by 45 points."
    assert code == "LOW_CONFIDENCE"


def test_a_figure_that_small_changes_move_by_thirty_points_is_shown_with_a_flag():
    cells = {"eye_contact_pct": 50.0, "eye_contact_coverage": 1.0, "eye_contact_state": "confident",
             "eye_contact_pct_low": 35.0, "eye_contact_pct_high": 65.0}  # fmt: skip
    settled, code = settle(EYE_CONTACT, cells, "", 0.0, 60.0, QUALITY)
    assert (settled["eye_contact_pct"], settled["eye_contact_why"], code) == (50.0, None, "LOW_CONFIDENCE")


def test_a_reason_of_the_session_stands_before_one_of_the_minute():
    cells = {"eye_contact_pct": float("nan"), "eye_contact_coverage": 0.1, "eye_contact_state": "confirm"}
    settled, _ = settle(EYE_CONTACT, cells, "More than one place could be the partner.", 0.0, 60.0, QUALITY)
    assert settled["eye_contact_why"] == "More than one place could be the partner."
    assert (settled["eye_contact_state"], settled["eye_contact_coverage"]) == ("confirm", 0.1)


def test_rounding_follows_the_unit_and_nan_is_nothing():
    assert rounded("a_pct", 12.345) == 12.3
    assert rounded("a_coverage", 0.98765) == 0.988
    assert rounded("a_s", 1.239) == 1.24
    assert str(rounded("lean_mean_cm", -0.01)) == "0.0"
    assert rounded("smile_count", 3.0) == 3
    assert rounded("a_pct", float("nan")) is None


def test_words_become_a_sentence_once():
    assert sentence("too far away") == "Too far away."
    assert sentence("Not seen.") == "Not seen."
    assert sentence("") == ""
