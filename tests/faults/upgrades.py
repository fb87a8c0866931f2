"""A library of every earlier version, with rows in every table, is opened; and an upgrade that fails in the middle."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from pathlib import Path
from typing import Any

from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import JSON as Json
from sqlalchemy import Boolean, Date, DateTime, Float, Integer, MetaData, create_engine, insert

from cues.errors import CuesError
from cues.library import database
from cues.library.database import FILE_NAME, migrations, open_library
from tests.faults.outcomes import Outcome

_FAILS = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "9999", "{head}"
def upgrade():
    op.execute("update account set name = 'changed'")
    op.create_table("half", sa.Column("id", sa.Integer))
    with op.batch_alter_table("comment", recreate="always") as table:
        table.drop_column("text")
    op.execute("insert into no_such_table values (1)")
"""


def versions() -> list[str]:
    """The migrations, oldest first."""
    found = ScriptDirectory(str(database._MIGRATIONS)).walk_revisions()
    return sorted(revision.revision for revision in found)


def library_of(folder: Path, version: str) -> dict[str, list[dict[str, Any]]]:
    """Makes a library of a version with two rows in every table; what is in it."""
    folder.mkdir(mode=0o700)
    engine = create_engine(f"sqlite:///{folder / FILE_NAME}")
    with engine.begin() as connection:
        command.upgrade(migrations(connection), version)
    tables = MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:
        for table in tables.sorted_tables:
            if table.name != "alembic_version":
                connection.execute(insert(table), [_row(table, number) for number in (1, 2)])
    engine.dispose()
    return rows_of(folder)


def rows_of(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Every row of every table, as SQLite keeps it."""
    with closing(sqlite3.connect(folder / FILE_NAME)) as db:
        db.row_factory = sqlite3.Row
        names = [row[0] for row in db.execute("select name from sqlite_master where type = 'table' order by name")]
        return {name: [dict(row) for row in db.execute(f'select * from "{name}" order by 1')] for name in names}


def soak(folder: Path, clip: Path, rounds: int, seed: int) -> Iterator[Outcome]:  # noqa: ARG001
    """Every version, and one that fails."""
    for version in versions():
        yield from_version(folder, version)
    yield failing(folder)


def from_version(folder: Path, version: str) -> Outcome:
    """Opened by this program: every row is there with what it held."""
    place = folder / f"version-{version}"
    before = library_of(place, version)
    outcome = Outcome("upgrade from an earlier version of the database")
    open_library(place).close()
    after = rows_of(place)
    for name, rows in before.items():
        if name == "alembic_version":
            continue
        kept = [{column: row[column] for column in rows[0]} for row in after[name]]
        outcome.check(kept == rows, f"rows of {name} are not what they were in version {version}")
    with closing(sqlite3.connect(place / FILE_NAME)) as db:
        outcome.check(db.execute("PRAGMA integrity_check").fetchall() == [("ok",)], "the database is damaged")
        outcome.check(not db.execute("PRAGMA foreign_key_check").fetchall(), "rows without what they belong to")
    outcome.on_disk, outcome.seen, outcome.restart = "every row", "nothing", "brings the tables up to date"
    return outcome


def failing(folder: Path) -> Outcome:
    """A later migration changes rows and tables and then fails; the old program opens the library as it was."""
    place, scripts = folder / "failing", folder / "migrations"
    head = versions()[-1]
    before = library_of(place, head)
    shutil.copytree(database._MIGRATIONS, scripts, ignore=shutil.ignore_patterns("__pycache__"))
    (scripts / "versions" / "9999_fails.py").write_text(_FAILS.format(head=head))
    outcome = Outcome("upgrade that fails in the middle")
    own, database._MIGRATIONS = database._MIGRATIONS, scripts
    try:
        open_library(place).close()
        outcome.check(False, "it did not fail")
    except CuesError as problem:
        outcome.seen = str(problem).replace(str(place), "LIBRARY")
    finally:
        database._MIGRATIONS = own
    outcome.check(rows_of(place) == before, "the old database was changed")
    outcome.on_disk = "the old database, row by row"
    open_library(place).close()
    outcome.restart = "the earlier program opens it as it was"
    return outcome


def _row(table: Any, number: int) -> dict[str, Any]:
    """Values that fit: a row's references are to the first rows of the tables they are to."""
    return {column.name: _value(column, number) for column in table.columns}


def _value(column: Any, number: int) -> Any:
    if column.foreign_keys:
        kind = next(iter(column.foreign_keys)).column.type
        inside = next(iter(column.foreign_keys)).column.table is column.table
        if inside:
            return None
        first = number if column.primary_key else 1
        return first if isinstance(kind, Integer) else f"{first:032x}"
    if column.name == "position":
        return number - 1
    if column.name == "start":
        return float(number)
    if column.name in ("end", "new_start", "new_end"):
        return number + 1.5
    if isinstance(column.type, Boolean):
        return number == 1
    if isinstance(column.type, Json):
        return ["eye_contact"] if column.name in ("purposes", "left_out") else {"number": number}
    if isinstance(column.type, DateTime):
        return datetime(2026, 11, 20, 12, number)
    if isinstance(column.type, Date):
        return date(2026, 11, number)
    if isinstance(column.type, Integer):
        return number
    if isinstance(column.type, Float):
        return number / 2
    words = {"state": "done", "kind": "analysis" if column.table.name == "job" else "contact"}
    return words.get(column.name, f"{number:032x}")
