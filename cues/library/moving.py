"""Moving a library's rows from its SQLite file into a PostgreSQL database; recordings and results stay where they are.

Everything is written in one transaction, counted at its end, and only then is the SQLite file set aside.
"""

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, func, insert, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DataError, IntegrityError, OperationalError

from cues.errors import CuesError
from cues.library.backup import refuse_while_running
from cues.library.database import ASIDE, FILE_NAME, open_rows, why_unreachable
from cues.library.deeds import record, system_user
from cues.library.models import Base

_TIME = "%Y%m%dT%H%M%S%fZ"
_ROWS = 1000


class MoveError(CuesError):
    """A database cannot be moved; the sentence is for whoever asked for it. Nothing has changed."""


@dataclass(frozen=True)
class Moved:
    """rows: by table. aside: the SQLite file, which nothing reads any more."""

    rows: dict[str, int]
    aside: Path


def move_database(folder: Path, url: str) -> Moved:
    """Copies all rows of the library in `folder` into the empty database at `url`. Raises MoveError, LibraryError,
    BackupError where the application or a coordinator runs."""
    folder = folder.resolve()
    _check(folder, url)
    refuse_while_running(folder)
    # The file is held to the end: whoever starts meanwhile waits for this transaction.
    with (
        closing(open_rows(folder)) as source,
        closing(open_rows(folder, url)) as target,
        source.writing() as held,
    ):
        rows = _copied(held.connection(), target.engine)
    refuse_while_running(folder)  # it also brings SQLite's log of changes into the file
    aside = folder / f"{ASIDE}{datetime.now(UTC).strftime(_TIME)}"
    (folder / FILE_NAME).rename(aside)
    with closing(open_rows(folder, url)) as target, target.writing() as db:
        record(db, None, "move database", details={"rows": sum(rows.values()), "by": system_user()})
    return Moved(rows, aside)


def _check(folder: Path, url: str) -> None:
    try:
        kind = make_url(url).get_backend_name()
    except ArgumentError:
        kind = ""
    if kind != "postgresql":
        raise MoveError("The database to move to must be like postgresql+psycopg://user:password@host/name.")
    if not (folder / FILE_NAME).exists():
        raise MoveError(f"There is no {FILE_NAME} in {folder}: its rows were moved already, or it is no library.")


def _copied(source: Connection, target: Engine) -> dict[str, int]:
    """Writes all tables, parents first, in one transaction of the target; how many rows each has."""
    tables = Base.metadata.sorted_tables
    try:
        with target.begin() as connection:
            for table in tables:
                connection.execute(text(f'LOCK TABLE "{table.name}" IN EXCLUSIVE MODE'))
            if any(connection.scalar(select(func.count()).select_from(table)) for table in tables):
                raise MoveError("The database to move to has rows already: make an empty one. Nothing was changed.")
            counted = {}
            for table in tables:
                order = table.primary_key.columns  # answers come after what they answer
                for part in source.execute(select(table).order_by(*order)).mappings().partitions(_ROWS):
                    connection.execute(insert(table), [dict(row) for row in part])
                counted[table.name] = _same_count(source, connection, table.name)
                if "id" in table.columns and table.columns["id"].autoincrement and len(order) == 1:
                    _set_sequence(connection, table.name)
    except (DataError, IntegrityError) as problem:
        raise MoveError(
            f"A row cannot be kept there: {str(problem.orig).splitlines()[0]}. Nothing was moved."
        ) from None
    except OperationalError as problem:
        raise MoveError(why_unreachable(problem)) from None
    return counted


def _same_count(source: Connection, target: Connection, table: str) -> int:
    there, here = (c.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one() for c in (source, target))
    if there != here:
        raise MoveError(f"Of {there} rows of {table} {here} arrived. Nothing was moved.")
    return int(here)


def _set_sequence(connection: Connection, table: str) -> None:
    """Behind the largest id, so that a new row gets a fresh one."""
    sequence = connection.execute(text("SELECT pg_get_serial_sequence(:t, 'id')"), {"t": table}).scalar()
    if sequence is not None:
        connection.execute(
            text(f'SELECT setval(:s, COALESCE((SELECT max(id) FROM "{table}"), 0) + 1, false)'), {"s": sequence}
        )
