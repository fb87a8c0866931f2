import csv
import errno
import json
import os

import pytest

from cues.corrections import Corrections, Swap, Trainee
from cues.errors import SessionFolderError
from cues.library.session_folder import (
    RESULT_FILES,
    load_corrections,
    read_session,
    save_corrections,
    write_results,
)
from cues.metrics.session import measure_session
from cues.parameters import Parameters
from tests.made_session import made_session


@pytest.fixture(scope="module")
def metrics():
    observations = made_session(3.5, missing={1: (60, 110)}).observations
    return measure_session(observations, Corrections(), Parameters())


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_what_is_written_reads_back_the_same(metrics, tmp_path):
    paths = write_results(tmp_path / "new", metrics)
    assert [path.name for path in paths] == list(RESULT_FILES)
    assert sorted(contents(tmp_path / "new")) == sorted(RESULT_FILES)
    stored = read_session(tmp_path / "new")
    assert stored.summary == metrics.summary
    assert stored.minutes.to_pylist() == metrics.minutes.to_pylist()
    assert stored.episodes.to_pylist() == metrics.episodes.to_pylist()


def test_a_dash_is_an_empty_cell_with_its_reason_in_the_same_row(metrics, tmp_path):
    write_results(tmp_path, metrics)
    with (tmp_path / "minutes.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    row = next(row for row in rows if (row["minute"], row["person"]) == ("2", "1"))
    assert (row["eye_contact_pct"], row["lean_forward_pct"]) == ("", "")
    assert row["eye_contact_why"].startswith("Measured in only")
    assert list(rows[0])[:5] == ["minute", "person", "role", "start_s", "end_s"]
    with (tmp_path / "episodes.csv").open(encoding="utf-8") as file:
        assert next(csv.reader(file)) == ["start", "end", "person", "role", "cue", "kind", "strength"]


def test_writing_again_replaces_the_results_and_nothing_else(metrics, tmp_path):
    (tmp_path / "review.mp4").write_bytes(b"kept")
    write_results(tmp_path, metrics)
    first = contents(tmp_path)
    write_results(tmp_path, metrics)
    assert contents(tmp_path) == first
    assert first["review.mp4"] == b"kept"


@pytest.mark.parametrize("fails_at", [1, 2, 3])
def test_a_full_disk_leaves_the_folder_as_it_was(metrics, tmp_path, monkeypatch, fails_at):
    write_results(tmp_path, metrics)
    (tmp_path / "session.json").write_text("old")
    before = contents(tmp_path)
    calls = []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) == fails_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SessionFolderError, match="No space left on device.*unchanged"):
        write_results(tmp_path, metrics)
    assert contents(tmp_path) == before


def test_a_folder_that_is_a_file_is_refused_in_a_sentence(metrics, tmp_path):
    (tmp_path / "out").write_text("")
    with pytest.raises(SessionFolderError, match="cannot be written"):
        write_results(tmp_path / "out", metrics)


def test_corrections_are_kept_in_their_order_and_none_is_an_empty_list(tmp_path):
    assert load_corrections(tmp_path) == Corrections()
    corrections = Corrections((Swap(3.0), Trainee(1)))
    save_corrections(tmp_path, corrections)
    assert load_corrections(tmp_path) == corrections
    assert json.loads((tmp_path / "corrections.json").read_text())["schema"] == 1


@pytest.mark.parametrize("text", ["", "[", "[]", '{"schema": 7, "corrections": []}', "\x00"])
def test_damaged_corrections_are_told_with_their_file(tmp_path, text):
    (tmp_path / "corrections.json").write_text(text)
    with pytest.raises(SessionFolderError, match="corrections.json"):
        load_corrections(tmp_path)


@pytest.mark.parametrize("name", [name for name in RESULT_FILES if name != "speaking.parquet"])  # for scripts only
def test_a_missing_result_is_named(metrics, tmp_path, name):
    write_results(tmp_path, metrics)
    (tmp_path / name).unlink()
    with pytest.raises(SessionFolderError, match=f"has no {name}"):
        read_session(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("session.json", "{", "cannot be read"),
        ("session.json", '{"schema": 0}', "schema version 0"),
        ("session.json", "[]", "schema version None"),
        ("minutes.csv", "", "damaged"),
        ("minutes.csv", "minute,person\n1\n", "damaged"),
        ("minutes.csv", "minute,person\none,two\n", "damaged"),
    ],
)
def test_a_damaged_result_is_told_in_a_sentence(metrics, tmp_path, name, text, sentence):
    write_results(tmp_path, metrics)
    (tmp_path / name).write_text(text)
    with pytest.raises(SessionFolderError, match=sentence):
        read_session(tmp_path)
