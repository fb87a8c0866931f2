import io
from dataclasses import replace

import pytest
from rich.console import Console

from cues.corrections import Corrections
from cues.metrics.session import measure_session
from cues.metrics.summary import FLAG_WORDS
from cues.parameters import Parameters
from cues.terminal import print_session
from tests.made_session import made_session


def printed(width=80, encoding="utf-8", **made):
    metrics = measure_session(made_session(**made).observations, Corrections(), Parameters())
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    print_session(metrics, Console(file=file, width=width))
    file.flush()
    return metrics, raw.getvalue().decode(encoding)


@pytest.fixture(scope="module")
def call():
    return printed(minutes=9.4, missing={1: (100, 250)})


def test_a_session_of_two_people_fits_eighty_columns_without_escape_codes(call):
    _, text = call
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text
    assert not set(text) & set("│┃━─┌┏")


def test_every_minute_has_a_line_with_both_peoples_figures(call):
    metrics, text = call
    row = metrics.minutes.to_pylist()[0]
    line = next(line for line in text.splitlines() if line.split()[:1] == ["1"])
    assert f"{row['eye_contact_pct']:.0f} (" in line
    assert sum(line.split()[0].isdigit() for line in text.splitlines() if line.strip()) >= 10


def test_what_was_not_measured_is_a_dash_and_its_reason_stands_below_once(call):
    _, text = call
    line = next(line for line in text.splitlines() if line.split()[:1] == ["3"])
    assert line.count("–") == 4
    assert text.count("Client, lean in minutes 3-4: Measured in less than half of the minute.") == 1


def test_shared_smiles_stand_beside_chance(call):
    metrics, text = call
    expected = metrics.summary["facial_mirroring"]["shared_smiles"]["expected_by_chance"]
    assert f"about {expected:.0f} expected by chance" in text
    assert "irroring" not in text


def test_a_guessed_role_is_said_to_be_one(call):
    assert "is a guess (--trainee changes" in call[1]


def test_a_wide_terminal_shows_coverage_beside_each_figure():
    _, text = printed(minutes=3, width=120, missing={1: (60, 75)})
    assert "seen" in text
    line = next(line for line in text.splitlines() if line.split()[:1] == ["2"])
    assert " 7" in line
    assert max(len(line) for line in text.splitlines()) <= 120


def test_one_person_has_no_columns_for_two():
    _, text = printed(minutes=4, people=1)
    assert "hared smiles" not in text
    assert "Client" not in text


def test_a_console_without_unicode_gets_plain_dashes():
    _, text = printed(minutes=3, encoding="ascii", missing={1: (60, 120)})
    assert " - " in text


def test_figures_of_who_is_shown_part_of_the_time_say_so():
    _, text = printed(minutes=7, hidden={1: (0, 150)})
    assert "while shown" in " ".join(text.split())


def test_where_only_the_head_was_measured_the_column_says_facing():
    _, text = printed(minutes=6, iris_share=0.3)
    assert "facing" in text
    assert "contact %" not in text
    assert f"Trainee, eye contact: {FLAG_WORDS['HEAD_ONLY']}" in " ".join(text.split())


def test_the_offset_and_drift_of_two_files_are_told_and_so_are_notes():
    made = made_session(3, setup="two_files").observations
    facts = replace(made.facts, alignment={"offset_s": -2.345, "drift_ppm": 12.0}, notes=["Two pictures are missing."])
    metrics = measure_session(replace(made, facts=facts), Corrections(), Parameters())
    file = io.StringIO()
    print_session(metrics, Console(file=file, width=80))
    text = " ".join(file.getvalue().split())
    assert "-2.35 s off" in text or "-2.34 s off" in text
    assert "12 ppm" in text
    assert "Two pictures are missing." in text


def test_a_reason_is_told_once_and_not_again_for_the_session():
    metrics, text = printed(minutes=0.7)
    whys = {value for row in metrics.minutes.to_pylist() for name, value in row.items() if name == "eye_contact_why"}
    assert whys
    for why in whys:
        assert " ".join(text.split()).count(f"no figure. {why}") == 0
