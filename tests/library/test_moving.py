"""A library's rows moved from SQLite to PostgreSQL by the command: the same rows, on which the application goes on."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sqlalchemy import JSON, Boolean, Date, Float, Integer, String, insert, select

from cues.library.accounts import Roles, create_account
from cues.library.database import ASIDE, FILE_NAME, Library, LibraryError, open_library
from cues.library.models import Account, Base, Comment, Moment, Words
from cues.library.moving import MoveError, move_database
from cues.library.sessions import create_session
from tests.commands import cues

AT = datetime(2026, 3, 29, 1, 30, 15, 123456, tzinfo=UTC)


def _value(column, n: int):
    """The n-th row's value of a column that refers to nothing; text has what databases tell apart."""
    kind = column.type
    if isinstance(kind, Moment):
        return AT
    if isinstance(kind, JSON):
        return {"é\0'": [n, None, 1.5]} if column.name != "purposes" and column.name != "left_out" else ["a", "Ä"]
    if isinstance(kind, Words | String):
        longest = getattr(kind, "length", None)
        return {"kind": "analysis", "state": "done"}.get(column.name) or f"{n}:Ä'\"\\%_ {column.name}"[:longest]
    for of, value in ((Boolean, n % 2 == 0), (Date, date(2026, 2, 28)), (Float, n + 0.1), (Integer, n)):
        if isinstance(kind, of):
            return value
    raise AssertionError(f"no value for {column}")


def _fill(library: Library) -> None:
    """Two rows in every table, with ids that leave gaps."""
    with library.writing() as db:
        keys: dict[str, list] = {}
        for table in Base.metadata.sorted_tables:
            keys[table.name] = []
            for n in range(2):
                row = {}
                for column in table.columns:
                    if column.foreign_keys:
                        other = next(iter(column.foreign_keys)).column.table.name
                        known = keys[other]
                        row[column.name] = known[n] if len(known) > n else (known[0] if known else None)
                    elif column.primary_key and isinstance(column.type, Integer):
                        row[column.name] = 7 + 10 * n
                    elif column.name == "position":
                        row[column.name] = n
                    else:
                        row[column.name] = _value(column, n + 1)
                db.execute(insert(table), row)
                keys[table.name].append(row[next(iter(table.primary_key.columns)).name])


def _everything(library: Library) -> dict[str, list[tuple]]:
    with library.reading() as db:
        return {
            table.name: sorted(map(tuple, db.execute(select(table))), key=repr) for table in Base.metadata.sorted_tables
        }


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    library = open_library(tmp_path / "library")
    _fill(library)
    library.close()
    return library.folder


def test_every_row_of_every_table_arrives_and_new_rows_get_fresh_ids(filled: Path, postgres_url: str) -> None:
    with_sqlite = open_library(filled)
    before = _everything(with_sqlite)
    with_sqlite.close()
    said = cues("move-database", "--to", postgres_url, "--library", filled)
    assert said.returncode == 0, said.stderr
    [aside] = filled.glob(f"{ASIDE}*")
    assert str(aside) in said.stdout.replace("\n", "") and not (filled / FILE_NAME).exists()

    moved = open_library(filled, postgres_url)
    after = _everything(moved)
    new = [row for row in after["deed"] if row not in before["deed"]]
    after["deed"] = [row for row in after["deed"] if row in before["deed"]]
    assert len(new) == 1 and "move database" in new[0]
    assert after == before and all(len(rows) == 2 for rows in before.values())
    times = [value for rows in after.values() for row in rows for value in row if isinstance(value, datetime)]
    assert times and all(value.tzinfo is not None for value in times)
    with moved.writing() as db:
        account = create_account(db, "new@example.org", "New", Roles(trainee=True))
        session = create_session(db, account, "New", date(2026, 11, 20), "auto", None)
        db.add(Comment(session_id=session.id, author_id=account.id, start=1.0, text="first"))
        db.flush()
        assert account.id == 18 and db.scalars(select(Comment.id)).all() == [7, 17, 18]
    moved.close()
    with pytest.raises(LibraryError, match="CUES_DATABASE_URL"):  # instead of an empty library in its place
        open_library(filled)


def test_nothing_is_moved_where_rows_are_or_where_the_application_runs(filled: Path, postgres_url: str) -> None:
    running = open_library(filled)
    with running.reading() as db:
        db.scalars(select(Account)).all()
        said = cues("move-database", "--to", postgres_url, "--library", filled)
    running.close()
    assert said.returncode != 0 and "end it first" in " ".join(said.stderr.split())
    target = open_library(filled, postgres_url)
    with target.writing() as db:
        create_account(db, "there@example.org", "There", Roles(trainee=True))
    target.close()
    with pytest.raises(MoveError, match="has rows already"):
        move_database(filled, postgres_url)
    with pytest.raises(MoveError, match="postgresql"):
        move_database(filled, "sqlite:///other.db")
    again = open_library(filled)
    assert all(len(rows) == 2 for rows in _everything(again).values())
    again.close()


def test_a_row_that_does_not_fit_leaves_both_as_they_were(filled: Path, postgres_url: str) -> None:
    library = open_library(filled)
    with library.writing() as db:
        db.get_one(Account, 17).name = "n" * 121
    library.close()
    with pytest.raises(MoveError, match="cannot be kept"):
        move_database(filled, postgres_url)
    target = open_library(filled, postgres_url)
    assert not any(_everything(target).values())
    target.close()
    assert (filled / FILE_NAME).exists()
