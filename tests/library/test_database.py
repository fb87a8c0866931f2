"""Opening the library's database."""

import stat
import threading
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from cues.library.accounts import Roles, create_account
from cues.library.database import FILE_NAME, Library, LibraryError, migrations, open_library
from cues.library.models import Account, Base, Comment, KeptTierRow, PracticeSession, Share
from tests.library.conftest import BOTH


@pytest.mark.parametrize("library", BOTH, indirect=True)
def test_the_migrations_make_the_tables_that_the_models_describe(library: Library) -> None:
    with library.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_a_library_opens_again_with_what_it_held_and_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "library"
    first = open_library(folder)
    with first.writing() as db:
        create_account(db, "A@Example.org ", "Ada  L", Roles(trainee=True))
    first.close()
    again = open_library(folder)
    with again.reading() as db:
        account = db.scalars(select(Account)).one()
    again.close()
    assert (account.email, account.name) == ("a@example.org", "Ada L")
    assert account.created.tzinfo is not None
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o600


@pytest.mark.parametrize("library", BOTH, indirect=True)
def test_a_transaction_that_fails_leaves_nothing(library: Library) -> None:
    with pytest.raises(ZeroDivisionError), library.writing() as db:
        create_account(db, "a@example.org", "A", Roles(trainee=True))
        raise ZeroDivisionError
    with library.reading() as db:
        assert db.scalars(select(Account)).all() == []


@pytest.mark.parametrize("library", BOTH, indirect=True)
def test_writers_at_the_same_time_wait_for_each_other(library: Library) -> None:
    """Each reads, then writes what it read plus one: without an order some would be lost, or refused."""
    with library.writing() as db:
        counter = create_account(db, "a@example.org", "0", Roles(trainee=True)).id

    def count() -> None:
        for _ in range(20):
            with library.writing(wait_s=300) as db:
                account = db.get_one(Account, counter)
                account.name = str(int(account.name) + 1)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with library.reading() as db:
        assert db.get_one(Account, counter).name == "80"


@pytest.mark.parametrize(
    "url", ["no address", "sqlite:////proc/no/such/folder.db", "mysql://there/name", "postgresql://x@127.0.0.1:1/name"]
)
def test_a_database_that_cannot_be_opened_is_said_in_one_sentence(tmp_path: Path, url: str) -> None:
    with pytest.raises(LibraryError, match="database"):
        open_library(tmp_path, url)


def test_a_file_that_is_no_database_is_said_and_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("not a database" * 100)
    with pytest.raises(LibraryError, match="not a database"):
        open_library(tmp_path)
    assert (tmp_path / FILE_NAME).read_text() == "not a database" * 100


_ROWS = {
    "0001": (
        "insert into account (id, email, name, trainee, supervisor, administrator, active, created) "
        "values (1, 'a@example.org', 'A', true, false, false, true, '2026-11-20')",
        "insert into practice_session (id, trainee_id, title, held_on, setup, created) "
        "values ('s', 1, 'T', '2026-11-20', 'auto', '2026-11-20')",
        "insert into comment (id, session_id, author_id, start, text, created) "
        "values (7, 's', 1, 12.5, 'What was this?', '2026-11-20')",
        "insert into share (id, session_id, supervisor_id, left_out, created) values (3, 's', 1, '[]', '2026-11-20')",
        "insert into deed (id, at, action, session_id, details, address) "
        "values (9, '2026-11-20', 'view', 's', '{}', '')",
    ),
    "0002": ("update practice_session set trainee_place = 'left'",),
    "0003": (
        "insert into comment (id, session_id, author_id, start, answers_to, text, created) "
        "values (8, 's', 1, 12.5, 7, 'A nod.', '2026-11-20')",
    ),
    "0004": (
        "insert into guess (session_id, figures, shown, created) values ('s', '{}', false, '2026-11-20')",
        "insert into sign_off (id, uid, session_id, reviewer_id, created) values (5, 'u', 's', 1, '2026-11-20')",
    ),
    "0005": (
        "insert into kept_tier (id, session_id, owner_id, view, subject, name, marks, created) "
        "values (4, 's', 1, 'supervisor', 'Ada', 'Posture', '[]', '2026-11-20')",
    ),
}
"""What each version may hold that the one before could not."""


@pytest.mark.parametrize("library", BOTH, indirect=True)
@pytest.mark.parametrize("version", _ROWS)
def test_a_library_of_an_earlier_version_opens_with_what_it_held(library: Library, version: str) -> None:
    url = library.engine.url.render_as_string(hide_password=False)
    before = [one for one in _ROWS if one <= version]
    with library.engine.begin() as connection:
        config = migrations(connection)
        command.downgrade(config, "base")
        for one in before:
            command.upgrade(config, one)
            for row in _ROWS[one]:
                connection.exec_driver_sql(row)
    again = open_library(library.folder, url)
    with again.reading() as db:
        comments = list(db.scalars(select(Comment).order_by(Comment.id)))
        assert (comments[0].start, comments[0].text, comments[0].answers_to) == (12.5, "What was this?", None)
        assert [comment.id for comment in comments] == ([7, 8] if version >= "0003" else [7])
        assert db.get_one(Share, 3).left_out == [] and db.get_one(Account, 1).uid
        assert [tier.name for tier in db.scalars(select(KeptTierRow))] == (["Posture"] if version >= "0005" else [])
        assert db.get_one(PracticeSession, "s").trainee_place == ("left" if version >= "0002" else None)
    with pytest.raises(IntegrityError), again.writing() as db:
        db.add(Comment(session_id="s", author_id=1, start=-1.0, text="before the beginning"))
    again.close()
