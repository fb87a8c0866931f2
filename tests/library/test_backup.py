"""Backups of a real library, brought back: whole, without what was deleted since, and never in place of a good one."""

import errno
import hashlib
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from cues.library import backup as backups
from cues.library.accounts import Roles, begin_sign_in, create_account
from cues.library.backup import BackupError, make_backup, remove_expired, restore_backup
from cues.library.database import FILE_NAME, LibraryError, open_library
from cues.library.deletions import LOG, read_log
from cues.library.folders import make_session_folder, remove_session_folder, session_folder
from cues.library.models import Account, Deed, PracticeSession, Recording, SignIn
from cues.library.person import delete_person
from cues.library.sessions import create_session, delete_session
from cues.parameters import Keeping

ROOT = Path(__file__).resolve().parents[2]


def add(library, account, title):
    """A session with a recording of random bytes; its id and the bytes."""
    content = os.urandom(100_000)
    with library.writing() as db:
        session = create_session(db, account, title, date(2026, 11, 20), "auto", None)
        stored = {"file_name": "a.mp4", "stored_as": "recording-1.mp4", "sha256": hashlib.sha256(content).hexdigest()}
        db.add(Recording(session_id=session.id, position=0, size=len(content), **stored))
    folder = make_session_folder(library.folder, session.id)
    (folder / "recording-1.mp4").write_bytes(content)
    (folder / "session.json").write_text("{}")
    return session.id, content


def remove(library, session_id):
    with library.writing() as db:
        delete_session(db, None, db.get_one(PracticeSession, session_id), "a test")
    remove_session_folder(library.folder, session_id)


def titles(folder):
    library = open_library(folder)
    with library.reading() as db:
        found = sorted(db.scalars(select(PracticeSession.title)))
    library.close()
    return found


def holds(folder, content):
    return [path for path in folder.rglob("*") if path.is_file() and content in path.read_bytes()]


@pytest.fixture
def target(tmp_path):
    return tmp_path / "backups"


@pytest.fixture(params=["links", "copies"])
def disk(request, monkeypatch):
    """The backups' disk: the library's own, or another one, which knows no second names across."""
    if request.param == "copies":
        real = os.link

        def link(source, into):
            if Path(source).parent != Path(into).parent:
                raise OSError(errno.EXDEV, "Invalid cross-device link")
            real(source, into)

        monkeypatch.setattr(backups.os, "link", link)
    return request.param


def test_what_was_there_comes_back_without_what_was_deleted_since(library, people, target, disk):
    (kept, seen), (gone, unseen), (later, _) = (add(library, people["ada"], title) for title in ("kept", "gone", "new"))
    theirs, of_ben = add(library, people["ben"], "Ben's")
    with library.writing() as db:
        begin_sign_in(db, people["ada"], "127.0.0.1")
    remove(library, later)
    made = make_backup(library.folder, None, target)
    assert (made.sessions, made.missing) == (3, ()) and (made.copied < 100_000) == (disk == "links")
    remove(library, gone)
    delete_person(library, people["adm"], people["ben"].id)
    after, _ = add(library, people["ada"], "after the backup")
    library.close()
    restored = restore_backup(made.folder, library.folder, None)
    assert (restored.sessions, restored.people) == (2, 1)
    assert titles(library.folder) == ["kept"]
    assert (session_folder(library.folder, kept) / "recording-1.mp4").read_bytes() == seen
    assert holds(library.folder, unseen) == holds(library.folder, of_ben) == []
    assert not session_folder(library.folder, theirs).exists()
    assert (session_folder(restored.before, after) / "recording-1.mp4").exists()
    again = open_library(library.folder)
    with again.reading() as db:
        assert db.scalar(select(Account).where(Account.name == "Ben")) is None
        assert db.scalar(select(SignIn)) is None, "a sign-in that was ended since could come back"
        deeds = {deed.action: deed.details for deed in db.scalars(select(Deed))}
    again.close()
    assert deeds["restore"]["deleted_again"] == 2 and deeds["restore"]["by"]


def test_a_backup_is_its_owners_alone_and_goes_on_record(library, people, target):
    add(library, people["ada"], "one")
    mask = os.umask(0)
    try:
        made = make_backup(library.folder, None, target)
    finally:
        os.umask(mask)
    for path in (target, *target.rglob("*")):
        if not str(path).endswith("session.json") and not str(path).endswith("recording-1.mp4"):  # links: as they were
            assert path.stat().st_mode & 0o077 == 0, path
    with library.reading() as db:
        deed = db.scalars(select(Deed).where(Deed.action == "back up")).one()
    assert deed.details["sessions"] == 1 and deed.details["to"] == made.folder.name and deed.details["by"]


def test_into_an_empty_place_a_library_comes_back_without_what_the_log_of_the_backups_has(
    library, people, target, tmp_path
):
    add(library, people["ada"], "kept")
    gone, content = add(library, people["ada"], "gone")
    made = make_backup(library.folder, None, target)
    remove(library, gone)
    library.close()
    shutil.rmtree(library.folder)  # the whole disk, as it were
    restored = restore_backup(made.folder, tmp_path / "new place" / "library", None)
    assert restored.before is None and titles(tmp_path / "new place" / "library") == ["kept"]
    assert holds(tmp_path / "new place", content) == []


def test_a_session_that_was_brought_again_after_its_deletion_is_not_deleted_by_a_restore(library, people, target):
    session_id, _ = add(library, people["ada"], "one")
    remove(library, session_id)
    with library.writing() as db:
        create_session(db, people["ada"], "one", date(2026, 11, 20), "auto", None).id = session_id
    made = make_backup(library.folder, None, target)
    library.close()
    restore_backup(made.folder, library.folder, None)
    assert titles(library.folder) == ["one"]


@pytest.mark.parametrize("place", [0, 5000])
def test_a_database_that_was_written_over_is_told_and_the_backup_brings_it_back(library, people, target, place):
    gone, content = add(library, people["ada"], "gone")
    add(library, people["ada"], "kept")
    made = make_backup(library.folder, None, target)
    remove(library, gone)
    library.close()
    rows = library.folder / FILE_NAME
    before = rows.read_bytes()
    with rows.open("r+b") as file:
        file.seek(place)
        file.write(os.urandom(20_000))
    with pytest.raises(LibraryError, match=f"is damaged .*python -m cues restore .*{made.folder.name}"):
        open_library(library.folder)
    assert len(before) == rows.stat().st_size
    restore_backup(made.folder, library.folder, None)
    assert titles(library.folder) == ["kept"], "what was deleted is known from the log, not from the database"
    assert holds(library.folder, content) == []


@pytest.mark.parametrize("fault", ["rows", "file", "description", "cut"])
def test_a_backup_that_is_not_whole_is_refused_and_the_library_stays(library, people, target, fault):
    add(library, people["ada"], "one")
    made = make_backup(library.folder, None, target).folder
    library.close()
    if fault == "rows":
        with (made / FILE_NAME).open("r+b") as file:
            file.seek(4000)
            file.write(b"overwritten")
    elif fault == "file":
        next(made.rglob("recording-1.mp4")).unlink()
    elif fault == "description":
        (made / backups.MANIFEST).unlink()
    else:
        said = json.loads((made / backups.MANIFEST).read_text())
        said["files"]["../out"] = 1
        (made / backups.MANIFEST).write_text(json.dumps(said))
    with pytest.raises(BackupError, match="Nothing was changed"):
        restore_backup(made, library.folder, None)
    assert titles(library.folder) == ["one"] and list(library.folder.parent.glob("library.before*")) == []


def test_a_library_in_use_is_not_replaced(library, people, target):
    made = make_backup(library.folder, None, target).folder
    with library.reading() as db:
        db.scalars(select(Account)).all()
    with pytest.raises(BackupError, match="application is running"):
        restore_backup(made, library.folder, None)
    library.close()
    assert people and restore_backup(made, library.folder, None).before


KILLED = """
import os, signal, sys
from pathlib import Path
from cues.library import backup
real, left = getattr(backup, sys.argv[3]), [int(sys.argv[4])]
def dies(*given):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*given)
setattr(backup, sys.argv[3], dies)
backup.restore_backup(Path(sys.argv[1]), Path(sys.argv[2]), None)
"""


@pytest.mark.parametrize(("at", "times"), [("_copy", 1), ("_exchange", 0)])
def test_a_restore_that_is_killed_leaves_the_old_library_and_can_be_done_again(library, people, target, at, times):
    add(library, people["ada"], "one")
    made = make_backup(library.folder, None, target).folder
    add(library, people["ada"], "two")
    library.close()
    done = subprocess.run([sys.executable, "-c", KILLED, made, library.folder, at, str(times)], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert titles(library.folder) == ["one", "two"]
    restore_backup(made, library.folder, None)
    assert titles(library.folder) == ["one"]


def made_on(backup):
    """The day that its expiry is counted from: midnight may lie between two backups."""
    return date.fromisoformat(json.loads((backup / "backup.json").read_text())["made"][:10])


def test_backups_expire_and_only_those(library, people, target):
    add(library, people["ada"], "one")
    short = make_backup(library.folder, None, target, keep_days=2).folder
    long = make_backup(library.folder, None, target).folder
    day = made_on(short)
    assert remove_expired(library.folder, day + timedelta(2)) == []
    assert remove_expired(library.folder, day + timedelta(3)) == [short]
    assert not short.exists() and long.exists()
    library.close()
    before = restore_backup(long, library.folder, None).before
    assert remove_expired(library.folder, made_on(long) + timedelta(Keeping().backup_days)) == []
    aside_on = date.fromisoformat(before.name.partition(".before-")[2][:8])
    day = aside_on + timedelta(Keeping().backup_days + 1)
    assert set(remove_expired(library.folder, day)) == {long, before}


def test_while_sessions_are_written_and_deleted_every_backup_is_whole(library, people, target):
    writer = f"""
from datetime import date
from pathlib import Path
from sqlalchemy import select
from cues.library.database import open_library
from cues.library.folders import make_session_folder, remove_session_folder
from cues.library.models import Account, PracticeSession
from cues.library.sessions import create_session, delete_session
from cues.whole_files import write_whole
library = open_library(Path({str(library.folder)!r}))
for k in range(100000):
    with library.writing() as db:
        account = db.scalars(select(Account).where(Account.name == "Ada")).one()
        made = create_session(db, account, str(k), date(2026, 11, 20), "auto", None).id
    both = {{"minutes.csv": str(k).encode() * 5000, "session.json": str(k).encode() * 5000}}
    write_whole(make_session_folder(library.folder, made), both)
    if k == 1:  # one that stays
        print("begun", flush=True)
    if k % 3 == 0:
        with library.writing() as db:
            delete_session(db, None, db.get_one(PracticeSession, made), "a test")
        remove_session_folder(library.folder, made)
"""
    with subprocess.Popen([sys.executable, "-c", writer], cwd=ROOT, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        made = []
        for _ in range(3):
            made.append(make_backup(library.folder, None, target).folder)
        process.kill()
    for folder in made:
        with sqlite3.connect(folder / FILE_NAME) as rows:
            assert rows.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            ids = {row[0] for row in rows.execute("SELECT id FROM practice_session")}
        kept = {path.name for path in (folder / "sessions").iterdir()} if (folder / "sessions").exists() else set()
        assert kept <= ids
        for path in folder.glob("sessions/*/session.json"):
            assert path.read_bytes() == (path.parent / "minutes.csv").read_bytes()
    library.close()
    restore_backup(made[-1], library.folder, None)
    assert titles(library.folder) and people


def test_another_database_than_the_librarys_own_is_refused_in_a_sentence(library, target):
    with pytest.raises(BackupError, match="pg_dump"):
        make_backup(library.folder, "postgresql+psycopg://u@h/n", target)
    with pytest.raises(BackupError, match="inside"):
        make_backup(library.folder, None, library.folder / "backups")
    assert not target.exists()


def test_a_folder_with_the_backups_of_another_library_is_refused(library, target, tmp_path):
    make_backup(library.folder, None, target)
    make_backup(library.folder, None, target)
    other = open_library(tmp_path / "other")
    other.close()
    with pytest.raises(BackupError, match="another library"):
        make_backup(other.folder, None, target)
    assert len(list(target.iterdir())) == 2


def test_the_log_of_deletions_follows_the_record_after_a_crash_between_the_two(library, people):
    session_id, _ = add(library, people["ada"], "one")
    create = Roles(trainee=True)
    with library.writing() as db:
        create_account(db, "eve@example.org", "Eve", create)
    remove(library, session_id)
    (library.folder / LOG).write_text('{"at": "2026-')
    library.close()
    again = open_library(library.folder)
    again.close()
    assert [one.id for one in read_log(library.folder)] == [session_id]
