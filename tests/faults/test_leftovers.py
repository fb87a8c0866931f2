"""What a process that died in one certain place has left, and what the next start makes of it."""

import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from cues.jobs.starting import hold_name
from cues.library.accounts import Roles, create_account
from cues.library.database import LibraryError, open_library
from cues.library.folders import make_session_folder
from cues.library.incoming import Incoming, create_upload, open_chunk
from cues.library.models import PracticeSession
from cues.library.retention import delete_left_files
from cues.library.sessions import create_session, delete_session
from cues.web.uploads import announce_left
from cues.whole_files import finish_interrupted, write_whole

ROOT = Path(__file__).resolve().parents[2]
OLD, NEW = {"minutes.csv": b"old", "session.json": b"old"}, {"minutes.csv": b"new", "session.json": b"new"}
_DIES = """
import os, signal, sys
from pathlib import Path
from cues.whole_files import write_whole
real, left = getattr(Path, sys.argv[2]), [int(sys.argv[3])]
def dies(self, target):
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    left[0] -= 1
    return real(self, target)
setattr(Path, sys.argv[2], dies)
write_whole(Path(sys.argv[1]), {"minutes.csv": b"new", "session.json": b"new"})
"""


@pytest.mark.parametrize(("call", "before", "becomes"), [("rename", 0, OLD), ("replace", 0, NEW), ("replace", 1, NEW)])
def test_a_set_of_results_is_the_old_or_the_new_one_wherever_its_writer_was_killed(tmp_path, call, before, becomes):
    write_whole(tmp_path, OLD)
    done = subprocess.run([sys.executable, "-c", _DIES, str(tmp_path), call, str(before)], cwd=ROOT)
    assert done.returncode == -signal.SIGKILL
    finish_interrupted(tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == becomes


@pytest.mark.parametrize("after", ["mkdir", "open"])
def test_a_folder_that_is_taken_for_a_leftover_before_it_is_held_is_made_anew(tmp_path, monkeypatch, after):
    place = Path if after == "mkdir" else os
    real, taken = getattr(place, after), []

    def then_taken(path, *arguments, **options):
        done = real(path, *arguments, **options)
        if Path(path).name.startswith(".writing-") and not taken:
            taken.append(path)
            finish_interrupted(tmp_path)
        return done

    monkeypatch.setattr(place, after, then_taken)
    written = write_whole(tmp_path, NEW)
    assert taken and {path.name: path.read_bytes() for path in written} == NEW
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(NEW)


def test_files_of_a_deleted_session_go_and_files_that_no_record_tells_of_stay(tmp_path):
    library = open_library(tmp_path / "library")
    with library.writing() as db:
        ada = create_account(db, "ada@example.org", "Ada", Roles(trainee=True))
        deleted, kept = (create_session(db, ada, title, date(2026, 11, 20), "auto", None).id for title in "AB")
    folders = {one: make_session_folder(library.folder, one) for one in (deleted, kept, "f" * 32)}
    for folder in folders.values():
        (folder / "recording-1.mp4").write_bytes(b"a face")
    with library.writing() as db:
        delete_session(db, ada.id, db.get_one(PracticeSession, deleted), "test")
    assert delete_left_files(library) == [deleted]
    assert [folder.exists() for folder in folders.values()] == [False, True, True]
    library.close()


def test_an_upload_whose_last_byte_came_before_a_kill_is_announced_by_the_next_start_once(tmp_path):
    incoming, told = Incoming(tmp_path / "incoming", reserve_bytes=0), []
    whole, unfinished = (create_upload(incoming, 1, 5, "a.mp4") for _ in range(2))
    for upload, content in ((whole, b"12345"), (unfinished, b"123")):
        chunk = open_chunk(incoming, upload.id, 0, None)
        chunk.write(content)
        chunk.close()
    announce_left(incoming, told.append)
    announce_left(incoming, told.append)
    assert [(one.id, one.whole, one.sha256 is not None) for one in told] == [(whole.id, True, True)]


def test_a_coordinators_name_is_held_until_its_process_ends(tmp_path):
    code = "import sys; from pathlib import Path; from cues.jobs.starting import hold_name;"
    code += "print(hold_name(Path(sys.argv[1]), 'one'), flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None and other.stdout.readline() == "True\n"
        assert not hold_name(tmp_path, "one") and hold_name(tmp_path, "two")
        other.kill()
        other.wait()
    assert hold_name(tmp_path, "one")


def test_a_library_of_a_later_version_is_refused_with_a_sentence(tmp_path):
    library = open_library(tmp_path)
    with library.engine.begin() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9998'")
    library.close()
    with pytest.raises(LibraryError, match="later version"):
        open_library(tmp_path)
