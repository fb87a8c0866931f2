"""A database that is brought back by its own server's commands: what was deleted since is deleted again, once."""

import subprocess
from datetime import date

import pytest
from sqlalchemy import func, select

from cues.library.accounts import Roles, begin_sign_in, create_account
from cues.library.database import LibraryError, open_library
from cues.library.deletions import LOG, not_on_record, read_log
from cues.library.folders import make_session_folder, remove_session_folder, session_folder
from cues.library.models import Account, PracticeSession, SignIn
from cues.library.person import delete_person
from cues.library.sessions import create_session, delete_session
from tests.commands import cues
from tests.postgres import programs

DAY = date(2026, 11, 20)


def add(library, account, title):
    with library.writing() as db:
        session_id = create_session(db, account, title, DAY, "auto", None).id
    (make_session_folder(library.folder, session_id) / "session.json").write_text("{}")
    return session_id


def remove(library, session_id):
    with library.writing() as db:
        delete_session(db, None, db.get_one(PracticeSession, session_id), "a test")
    remove_session_folder(library.folder, session_id)


def pg(program, *arguments):
    subprocess.run([programs() / program, *arguments], check=True)


def test_after_a_dump_is_brought_back_nothing_starts_before_what_was_deleted_since_is_deleted_again(
    postgres_url: str, tmp_path, monkeypatch
):
    monkeypatch.setenv("CUES_DATABASE_URL", postgres_url)
    plain = postgres_url.replace("+psycopg", "")
    library = open_library(tmp_path / "library", postgres_url)
    with library.writing() as db:
        names = ("ada", "ben", "adm")
        ada, ben, adm = (create_account(db, f"{n}@example.org", n, Roles(True, False, n == "adm")) for n in names)
        begin_sign_in(db, ada, "127.0.0.1")
    earlier, gone, kept = (add(library, ada, title) for title in ("earlier", "gone", "kept"))
    of_ben = add(library, ben, "Ben's")
    remove(library, earlier)
    with library.writing() as db:  # brought again, by a file of another tool, with the id that it had
        create_session(db, ada, "again", DAY, "auto", None).id = earlier

    pg("pg_dump", "--format=custom", f"--file={tmp_path / 'cues.dump'}", plain)
    remove(library, gone)
    delete_person(library, adm, ben.id)
    with library.writing() as db:
        late = create_account(db, "late@example.org", "late", Roles(trainee=True)).id
    delete_person(library, adm, late)
    library.close()
    for session_id in (gone, of_ben):  # the files come back as well
        make_session_folder(library.folder, session_id)
    pg("pg_restore", "--clean", "--if-exists", f"--dbname={plain}", tmp_path / "cues.dump")

    with pytest.raises(LibraryError, match="older than its log of deletions.*delete-again"):
        open_library(tmp_path / "library", postgres_url)
    said = cues("delete-again", "--library", tmp_path / "library")
    assert said.returncode == 0 and "2 sessions, 1 people" in said.stdout, said
    library = open_library(tmp_path / "library", postgres_url)
    with library.writing() as db:
        assert set(db.scalars(select(PracticeSession.id))) == {earlier, kept}
        assert set(db.scalars(select(Account.name))) == {"ada", "adm"}
        assert db.scalar(select(func.count()).select_from(SignIn)) == 0
        new = create_account(db, "new@example.org", "new", Roles(trainee=True)).id
    assert new == late, "the server gives the number of somebody who was deleted since to somebody else"
    assert not session_folder(library.folder, gone).exists() and not session_folder(library.folder, of_ben).exists()
    library.close()

    said = cues("delete-again", "--library", tmp_path / "library")
    assert said.returncode == 0 and "0 sessions, 0 people" in said.stdout, said
    library = open_library(tmp_path / "library", postgres_url)
    with library.reading() as db:
        assert db.get(Account, new) is not None and not not_on_record(db, library.folder)
    library.close()


def test_a_log_that_was_cut_off_keeps_nobody_from_starting(tmp_path):
    library = open_library(tmp_path / "library")
    with library.writing() as db:
        ada = create_account(db, "ada@example.org", "Ada", Roles(trainee=True))
    remove(library, add(library, ada, "gone"))
    library.close()
    log = library.folder / LOG
    log.write_text(log.read_text() + '{"at": "2026-')
    again = open_library(tmp_path / "library")
    again.close()
    assert len(read_log(library.folder)) == 1
