"""The report as a person sees it: by Streamlit's own test driver, and in a real browser."""

import json
import sys
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from cues.corrections import Corrections, Swap, Trainee
from cues.library.session_folder import write_results
from cues.metrics.session import measure_session
from cues.parameters import Parameters, replace_parameter
from tests.made_session import made_session

PAGE = Path(__file__).parent / "report_page.py"
MISSING_FROM_S, MISSING_TO_S = 100, 250


NONE, USUAL = Corrections(), Parameters()


def written(folder, corrections=NONE, parameters=USUAL, **made):
    write_results(folder, measure_session(made_session(**made).observations, corrections, parameters))
    return folder


def shown(folder, monkeypatch, left_out=""):
    monkeypatch.setenv("REPORT_FOLDER", str(folder))
    monkeypatch.setenv("REPORT_LEFT_OUT", left_out)
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])  # the page would stay it: workers run it
    page = AppTest.from_file(str(PAGE), default_timeout=300).run()
    assert not page.exception
    return page


def words(page):
    return "\n".join(element.value for element in [*page.title, *page.header, *page.markdown, *page.caption])


@pytest.fixture(scope="module")
def call(tmp_path_factory):
    """A call in which the client's face is missing from 1:40 to 4:10."""
    return written(tmp_path_factory.mktemp("call"), minutes=9.4, missing={1: (MISSING_FROM_S, MISSING_TO_S)})


@pytest.fixture(scope="module")
def page(call):
    with pytest.MonkeyPatch.context() as monkeypatch:
        return shown(call, monkeypatch)


def test_the_page_goes_from_what_was_recorded_to_how_it_was_measured(page):
    assert [heading.value for heading in page.header] == [
        "Minute by minute",
        "What could not be measured, and why",
        "Reading it with care",
    ]
    assert [part.label for part in page.expander] == [
        "Details: the client, minute by minute",
        "Details: the whole session on one page",
        "Details: the minutes as a table",
        "Details: how right are the figures?",
        "Details: software, models, parameters",
    ]
    assert "A recorded call · 9 min 24 s" in words(page)


def test_figures_in_sentences_carry_their_coverage(page, call):
    summary = json.loads((call / "session.json").read_text())
    trainee, client = (person["cues"]["eye_contact"]["figures"]["eye_contact_pct"] for person in summary["people"])
    text = words(page)
    assert f"The trainee's gaze was toward the client's picture about **{trainee:.0f} %** of the time" in text
    assert "with all 10 minutes measured" in text
    assert f"The client's gaze was toward the trainee's picture about **{client:.0f} %**" in text
    assert "in the 8 of 10 minutes that could be measured" in text


def test_chance_stands_beside_shared_smiles_and_people_do_not_read_mirroring(page, call):
    smiles = json.loads((call / "session.json").read_text())["facial_mirroring"]["shared_smiles"]
    text = words(page)
    count = smiles["mirrored"] + smiles["simultaneous"]
    assert f"**{count}** shared smiles; about **{smiles['expected_by_chance']:.0f}** expected by chance" in text
    assert "irroring" not in text


def test_a_minute_without_a_figure_is_a_dash_and_its_reason_is_told(page):
    trainee, client = (table.value for table in page.table)
    assert list(client.loc[3]) == list(client.loc[4]) == ["–"] * 4
    assert "–" not in list(client.loc[1, client.columns[:3]]) + list(trainee.loc[3, trainee.columns[:3]])
    assert trainee.loc[3, "Shared smiles (by chance)"] == "–"
    text = words(page)
    assert "Client, eye contact, moved closer to the camera, smiling. Minutes 3–4: measured in less than half" in text


def test_a_partly_measured_minute_is_marked_in_the_table(page):
    assert page.table[1].value.loc[2, "Eye contact"].startswith("~")


def test_a_guessed_role_is_said_to_be_a_guess_and_a_named_one_is_not(page, tmp_path, monkeypatch):
    assert "Who is the trainee is a guess" in words(page)
    named = shown(written(tmp_path, Corrections((Trainee(1), Swap(90.0))), minutes=4), monkeypatch)
    text = words(named)
    assert "guess" not in text
    assert "You are on the right, your client is on the left." in text
    assert "The two people were exchanged from 1:30 on." in text


def test_a_recording_of_one_person_leaves_out_what_needs_two(tmp_path, monkeypatch):
    page = shown(written(tmp_path, minutes=4, people=1), monkeypatch)
    assert len(page.table) == 1
    assert "client" not in words(page).replace("The client is not held against any norm", "")
    assert "Shared smiles need two people" in words(page)


def test_an_unsettled_place_is_a_question_and_no_percentage(tmp_path, monkeypatch):
    page = shown(written(tmp_path, minutes=5, contact_share=(0.04, 0.3)), monkeypatch)
    text = words(page)
    assert "It is not settled which place is the client's picture, so there is no percentage." in text
    assert "Which one is the client's picture?" in text
    assert set(page.table[0].value["Eye contact"]) == {"–"}


def test_figures_of_who_was_not_always_shown_say_so(tmp_path, monkeypatch):
    page = shown(written(tmp_path, minutes=7, hidden={1: (0, 150)}), monkeypatch)
    assert "of the time in which the client is in the picture (64 % of the recording)" in words(page)


def test_changed_parameters_are_listed(tmp_path, monkeypatch):
    changed = replace_parameter(Parameters(), "lean.enter_cm=6.5")
    page = shown(written(tmp_path, parameters=changed, minutes=3), monkeypatch)
    assert "`lean.enter_cm` = 6.5 (usually 5.0)" in words(page)


def test_nothing_on_the_page_claims_an_intent_or_grades(page):
    text = words(page).lower()
    for word in ("you ", "good eye contact", "poor", "should", "better than", "bored", "engaged", "empath"):
        assert word not in text.replace("say how good a conversation", "")


def test_a_long_session_continues_in_further_strips(tmp_path, monkeypatch):
    page = shown(written(tmp_path, minutes=31), monkeypatch)
    told = [json.loads(chart.proto.spec)["description"] for chart in page.get("vega_lite_chart")]
    strips = [words for words in told if words.startswith("Speech, and episodes")]
    assert [words.partition("from ")[2] for words in strips] == ["0:00 to 11:00", "11:00 to 22:00", "22:00 to 31:00"]


def test_a_cue_that_was_left_out_is_nowhere(call, monkeypatch):
    page = shown(call, monkeypatch, "eye_contact")
    text = words(page)
    assert "**Lean.**" in text and "Moved closer" in text
    assert "gaze was toward" not in text and "**Eye contact.**" not in text
    told = [json.loads(chart.proto.spec)["description"] for chart in page.get("vega_lite_chart")]
    assert not [words for words in told if "eye contact" in words.lower()]
    assert all("Eye contact" not in table.value.columns for table in page.table)


def test_the_report_says_how_right_it_is_as_the_readme_does(page):
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    (table,) = (m.value for m in page.markdown if m.value.startswith("| what |"))
    rows = table.splitlines()[2:]
    assert len(rows) > 10
    for row in rows:
        what = row.split(" | ")[0].removeprefix("| ")
        assert f"| {what} |" in readme or "hared smiles" in what
    assert "not reached" in next(row for row in rows if "gaze direction" in row)
