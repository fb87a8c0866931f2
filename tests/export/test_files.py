"""Every file that leaves the tool, read back by others: csv and pandas, pyarrow, pympi; what is left out is nowhere."""

import csv
import io
import json
import zipfile
from datetime import date

import pandas as pd
import pyarrow.parquet as pq
import pytest
from pympi import Elan

from cues.annotations.boris import boris
from cues.annotations.eaf import elan
from cues.annotations.views import COMMENTS
from cues.corrections import Corrections
from cues.export.content import content_of
from cues.export.subtitles import chapters, episodes_as_cues
from cues.export.tables import comments_csv, episodes_csv, everything, minutes_csv, parquet, summary_json, verdicts_csv
from cues.library.accounts import Roles, create_account
from cues.library.comments import add_comment, answer_comment
from cues.library.database import open_library
from cues.library.folders import make_session_folder
from cues.library.models import Recording
from cues.library.session_folder import write_results
from cues.library.sessions import create_session, share_session
from cues.library.verdicts import give
from cues.metrics.session import measure_session
from cues.observations import write_observations
from cues.parameters import Parameters
from cues.review.verdicts import ADD, DISAGREE, Verdict
from tests.made_session import made_session

DAY = date(2026, 11, 20)

HOSTILE = '=cmd()|"x" --> </ANNOTATION_VALUE> & <b>\u202e line\nbreak \u0001 😀'
TABLES = (minutes_csv, episodes_csv, comments_csv, verdicts_csv)


def archive(content):
    return everything(content, {"session.eaf": elan(content), "session.boris": boris(content)})


MADE = (*TABLES, summary_json, chapters, episodes_as_cues, elan, boris, archive)


@pytest.fixture(scope="module")
def session():
    return measure_session(made_session(minutes=3).observations, Corrections(), Parameters())


@pytest.fixture(scope="module")
def contents(session, tmp_path_factory):
    """What the trainee, a supervisor, one without eye contact, and a stranger may take out."""
    folder = tmp_path_factory.mktemp("library")
    library = open_library(folder)
    with library.writing() as db:
        ada = create_account(db, "ada@example.org", "Ada", Roles(trainee=True))
        others = [create_account(db, f"{n}@example.org", n, Roles(supervisor=True)) for n in ("Eva", "Tom", "Who")]
        found = create_session(db, ada, HOSTILE, DAY, "auto", None)
        db.add(Recording(session_id=found.id, position=0, file_name="a&b.mp4", stored_as="x", size=1, sha256="0" * 64))
        share_session(db, ada, found.id, others[0].id, [])
        share_session(db, ada, found.id, others[1].id, ["eye_contact"])
        first = add_comment(db, ada, found.id, 5.0, None, HOSTILE)
        add_comment(db, ada, found.id, 5.2, 9.0, "About your glance here", "eye_contact")
        answer_comment(db, others[0], first.id, "Yes")
        gaze = next(e for e in session.episodes.to_pylist() if (e["person"], e["kind"]) == (0, "eye_contact"))
        about = [gaze[name] for name in ("person", "cue", "kind", "start", "end")]
        give(db, others[0], found.id, [Verdict(DISAGREE, *about)], "a")
        give(db, others[0], found.id, [Verdict(ADD, 0, "smile", "smile", 100.0, 102.0)], "a")
    results = make_session_folder(folder, found.id)
    write_observations(made_session(minutes=3).observations, results)
    write_results(results, session)
    with library.reading() as db:
        made = [content_of(db, account, folder, found.id) for account in (ada, *others)]
    library.close()
    return dict(zip(("ada", "eva", "tom", "who"), made, strict=True))


def rows(data):
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"))))


def test_who_may_not_see_a_session_has_nothing_to_take_out(contents):
    assert contents["who"] is None
    assert [contents[name].mine for name in ("ada", "eva", "tom")] == [True, False, False]


def test_the_tables_hold_what_the_session_says(session, contents):
    minutes = pd.read_csv(io.BytesIO(minutes_csv(contents["eva"])))
    wanted = session.minutes.to_pandas()
    assert list(minutes.columns) == list(wanted.columns)
    for name in ("eye_contact_pct", "lean_forward_pct", "smile_pct", "shared_smiles_expected"):
        assert minutes[name].tolist() == pytest.approx(wanted[name].tolist(), nan_ok=True)
    episodes = pd.read_csv(io.BytesIO(episodes_csv(contents["eva"])))
    pd.testing.assert_frame_equal(episodes, session.episodes.to_pandas(), check_dtype=False)
    assert json.loads(summary_json(contents["eva"])) == json.loads(json.dumps(session.summary))


def test_texts_of_people_are_no_formulas_and_lose_nothing(contents):
    first, answer, about = rows(comments_csv(contents["ada"]))
    assert first["text"] == "'" + HOSTILE
    assert (answer["author"], answer["text"], answer["thread"]) == ("Eva", "Yes", "1")
    assert (about["cue"], about["start"], about["end"]) == ("eye_contact", "5.2", "9.0")
    told = [(row["reviewer"], row["word"], row["kind"]) for row in rows(verdicts_csv(contents["ada"]))]
    assert told == [("Eva", "disagree", "eye_contact"), ("Eva", "add", "smile")]


def test_the_tables_of_vision_are_for_the_trainee(session, contents):
    tables = zipfile.ZipFile(io.BytesIO(parquet(contents["ada"])))
    with tables.open("observations.parquet") as file:
        assert pq.read_table(file).num_rows == session.corrected.observations.table.num_rows
    names = {name: set(zipfile.ZipFile(io.BytesIO(archive(contents[name]))).namelist()) for name in ("ada", "eva")}
    assert names["ada"] - names["eva"] >= {"observations.parquet", "scene.parquet"}
    assert names["eva"] >= {"minutes.csv", "session.eaf", "chapters.vtt"}


def test_elan_reads_a_tier_for_every_person_kind_and_reviewer(session, contents, tmp_path):
    path = tmp_path / "session.eaf"
    path.write_bytes(elan(contents["ada"]))
    document = Elan.Eaf(str(path))
    [media] = document.get_linked_files()
    assert media["RELATIVE_MEDIA_URL"] == "./a&b.mp4"
    of_smiles = [e for e in session.episodes.to_pylist() if (e["role"], e["kind"]) == ("trainee", "smile")]
    wanted = [(round(1000 * e["start"]), round(1000 * e["end"]), "smile") for e in of_smiles]
    assert sorted(document.get_annotation_data_for_tier("trainee smile")) == sorted(wanted)
    tool = document.get_annotation_data_for_tier("trainee eye_contact")
    reviewed = document.get_annotation_data_for_tier("trainee eye_contact (reviewed by Eva)")
    assert len(reviewed) == len(tool) - 1
    added = document.get_annotation_data_for_tier("trainee smile (reviewed by Eva)")
    assert (100000, 102000, "smile") in added and len(added) == len(wanted) + 1
    said = sorted(document.get_annotation_data_for_tier(COMMENTS))
    assert said[0][2] == "Ada: " + HOSTILE.replace("\u0001", "")
    for tier in document.get_tier_names():
        spans = sorted(a[:2] for a in document.get_annotation_data_for_tier(tier))
        assert all(one[1] <= other[0] for one, other in zip(spans, spans[1:], strict=False)), tier


def test_a_cue_that_is_left_out_is_in_no_file(contents):
    seen = [made(contents["eva"]) for made in MADE]
    told = [made(contents["tom"]) for made in MADE]
    with zipfile.ZipFile(io.BytesIO(told[-1])) as inside:
        told += [inside.read(name) for name in inside.namelist()]
        assert "observations.parquet" not in inside.namelist()
    for word in (b"eye_contact", b"eye contact", b"mutual_gaze", b"camera_gaze", b"away_left", b"glance here"):
        found = [data for data in told if word in data]
        assert all(b'"parameters"' in data and word == b"eye_contact" for data in found), word
    assert any(b"eye_contact" in data for data in seen)
    summary = json.loads(summary_json(contents["tom"]))
    assert {"quality_flags", "corrections", "notes"}.isdisjoint(summary)
    assert all("eye_contact" not in person["cues"] and "target" not in person for person in summary["people"])


def test_subtitles_have_a_chapter_for_each_minute(contents):
    told = chapters(contents["eva"]).decode()
    assert told.startswith("WEBVTT\n\n00:00:00.000 --> 00:01:00.000\nMinute 1: eye contact ")
    assert told.count("-->") == 3
    assert episodes_as_cues(contents["eva"]).decode().count("-->") == len(contents["eva"].episodes)
