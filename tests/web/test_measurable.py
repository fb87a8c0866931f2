"""How much of a session could be measured, in words: which minutes, and never how much of a cue."""

import json
import os

import pytest

from cues.corrections import Corrections
from cues.library.session_folder import write_results
from cues.library.sessions import CUES
from cues.metrics.session import measure_session
from cues.parameters import Parameters
from cues.web.measurable import Measurable, in_words, measurable
from tests.made_session import made_session


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The results of a call of five minutes."""
    folder = tmp_path_factory.mktemp("made")
    write_results(folder, measure_session(made_session(minutes=5).observations, Corrections(), Parameters()))
    return folder


@pytest.mark.parametrize(
    ("minutes", "left_out", "words"),
    [
        ((5, 5, 5), (), "eye contact in all 5 minutes; lean in all; smiles in all"),
        ((4, 5, 2), (), "eye contact in 4 of 5 minutes; lean in all; smiles in 2"),
        ((0, 5, 5), (), "eye contact in none of 5 minutes; lean in all; smiles in all"),
        ((4, 0, 2), ("eye_contact",), "lean in none of 5 minutes; smiles in 2"),
        ((4, 0, 2), CUES, ""),
        (
            (None, 5, 2),
            (),
            "eye contact not yet: the client's place is not confirmed; lean in all 5 minutes; smiles in 2",
        ),
    ],
)
def test_each_cue_has_its_minutes_and_what_is_left_out_is_not_named(made, tmp_path, minutes, left_out, words):
    summary = json.loads((made / "session.json").read_text())
    trainee = next(person for person in summary["people"] if person["role"] == "trainee")
    for name, valid in zip(("eye_contact", "lean", "smile"), minutes, strict=True):
        trainee["cues"][name]["valid_minutes"] = valid or 0
        if valid is None:
            trainee["cues"][name]["state"] = "confirm"
    (tmp_path / "session.json").write_text(json.dumps(summary))
    found = measurable(tmp_path)
    assert found is not None and in_words(found, left_out) == words
    assert found.recorded == "A recorded call · 5 min 0 s"


def test_of_a_recording_of_one_minute_it_is_not_said_that_there_are_several():
    of = {"forward_lean": ("lean", 1), "facial_mirroring": ("smiles", 1)}
    assert in_words(Measurable("A recorded call · 40 s", of, 1), ()) == "lean in its one minute; smiles in all"


def test_what_is_not_analysed_or_damaged_has_none_and_new_results_are_read(made, tmp_path):
    path = tmp_path / "session.json"
    assert measurable(tmp_path) is None
    path.write_text("{")
    assert measurable(tmp_path) is None
    path.write_bytes((made / "session.json").read_bytes())
    os.utime(path, ns=(0, 10**18))
    assert measurable(tmp_path).minutes == 5
    path.write_text(path.read_text().replace('"minutes": 5', '"minutes": 6'))
    os.utime(path, ns=(0, 2 * 10**18))
    assert measurable(tmp_path).minutes == 6
