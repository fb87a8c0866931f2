"""Opening the library's database: SQLite inside the library's folder, or PostgreSQL by its address."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from cues.encryption.keys import LibraryKeyError, begin_encryption, given_key, is_encrypted, unlock
from cues.errors import CuesError
from cues.library.deletions import BACKUP_NAME, backup_folders, not_on_record, note_deletions

FILE_NAME = "library.db"
ASIDE = f"{FILE_NAME}.before-move-"
"""What the SQLite file of a library is called whose rows were moved to another database; the time follows."""
DELETES = "deletes"
"""Mark in the `info` of a transaction that deletes a session or a person."""
WAIT_S = 15
"""How long a write waits for another one: one is let in at a time."""
_STATEMENT_S, _LEFT_OPEN_S, _CONNECT_S = 120, 300, 10
"""On PostgreSQL: the longest statement, how long a transaction may do nothing, how long a connection may take."""
_POOL, _POOL_MORE = 10, 30
"""Connections to PostgreSQL that a process keeps, and how many more it opens for a moment."""
_WRITERS, _MIGRATORS = 0x63756573, 0x63756574
"""Advisory locks of PostgreSQL: a transaction that writes, a start that brings the tables to the newest version."""

_MIGRATIONS = Path(__file__).parent / "migrations"


class LibraryError(CuesError):
    """The library cannot be opened or written."""


@dataclass(frozen=True)
class Library:
    """An open library: its folder and its database. Safe to share between threads."""

    folder: Path
    engine: Engine

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that sees one state of the database and changes nothing."""
        options: dict[str, Any] = {"writes": False}
        if self.engine.dialect.name == "postgresql":
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.engine.connect().execution_options(**options) as connection, Session(connection) as session:
            yield session

    @contextmanager
    def writing(self, wait_s: float = WAIT_S) -> Iterator[Session]:
        """A transaction: everything in it is kept when it ends, nothing when it raises.

        wait_s: how long it waits while another one writes, before it raises OperationalError. One writes at a time on
        every database, so that what is read in it stays true until it ends.
        """
        engine = self.engine.execution_options(wait_s=wait_s)
        with Session(engine, expire_on_commit=False) as session:
            with session.begin():
                yield session
            if session.info.get(DELETES):
                # It is done: who asked goes on to remove files. What the log lacks is added at the next start.
                with suppress(OSError, SQLAlchemyError), self.reading() as db:
                    note_deletions(db, self.folder)

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()


def open_library(folder: Path, url: str | None = None) -> Library:
    """Opens the library in `folder` (made when missing, for its owner alone) and brings its tables to the newest
    version. A new library is encrypted where a key is given.

    `url` is the address of another database than the SQLite file inside the folder. Raises LibraryError, or
    LibraryKeyError where the key is missing or wrong, with a sentence for the person who runs it.
    """
    given = None if is_encrypted(folder) else given_key()
    if is_encrypted(folder):
        unlock(folder)
    elif given is not None and ((folder / FILE_NAME).exists() or (folder / "sessions").exists()):
        raise LibraryKeyError(
            f"A key is given, and the library in {folder} is not encrypted: encrypt it first by python -m cues "
            "encrypt, or start without a key."
        )
    elif given is not None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        begin_encryption(folder, given)
    library = open_rows(folder, url)
    with library.reading() as db:
        before = bool(not_on_record(db, folder))
    if before:
        library.close()
        raise LibraryError(
            f"The database of the library in {folder} is older than its log of deletions: python -m cues delete-again "
            "deletes those sessions and people once more. Then start again."
        )
    return library


def open_rows(folder: Path, url: str | None = None) -> Library:
    """The same for what reads no recording, such as a backup: the key is not asked for. Raises LibraryError."""
    address = _address(folder, url)
    if url is None and not (folder / FILE_NAME).exists() and any(folder.glob(f"{ASIDE}*")):
        raise LibraryError(
            f"The rows of the library in {folder} were moved to another database: set CUES_DATABASE_URL to its address."
        )
    engine = None
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        engine = _engine(address)
        with engine.begin() as connection:
            if connection.dialect.name == "sqlite":
                check_rows(connection)
            else:  # two starts at once: the second finds the work done
                connection.execute(text("SET LOCAL statement_timeout = 0"))
                connection.execute(text("SET LOCAL lock_timeout = 0"))
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATORS})
            command.upgrade(migrations(connection), "head")
        library = Library(folder, engine)
        with library.reading() as db:
            note_deletions(db, folder)
    except CommandError:
        if engine is not None:
            engine.dispose()
        raise LibraryError(
            f"The library in '{folder}' was written by a later version of this program: start that version. Nothing "
            "was changed."
        ) from None
    except (SQLAlchemyError, OSError) as problem:
        if engine is not None:
            engine.dispose()
        raise _cannot_open(folder, address, problem) from None
    return library


def check_rows(connection: Connection) -> None:
    """Raises DatabaseError where the pages of an SQLite database do not fit together."""
    said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if said != "ok":
        raise DatabaseError("quick_check", None, sqlite3.DatabaseError(str(said).splitlines()[-1]))


def _cannot_open(folder: Path, address: URL, problem: Exception) -> LibraryError:
    """What is told of a database that cannot be opened; of one that was written over, where its newest backup is."""
    orig = getattr(problem, "orig", None) or problem
    reason = str(orig).splitlines()[0]
    place = address.render_as_string(hide_password=True)
    if not isinstance(orig, sqlite3.DatabaseError) or isinstance(orig, sqlite3.OperationalError):
        return LibraryError(f"The library's database at {place} cannot be opened: {reason}. Nothing was changed.")
    made = [path for folder_of in backup_folders(folder) for path in folder_of.glob(f"{BACKUP_NAME}*")]
    newest = max(made, key=lambda path: path.name) if made else "BACKUP"
    return LibraryError(
        f"The library's database at {place} is damaged ({reason}); nothing was changed. Bring the newest backup back: "
        f"python -m cues restore {newest}. What is there now is kept beside it."
    )


def why_unreachable(problem: OperationalError) -> str:
    """What a person reads where the database did not take or give something: nothing of what was asked for is done."""
    said = str(problem.orig)
    if "is full" in said or "No space left" in said:
        return "The disk of this library is full: nothing was changed. Make room, then try again."
    return "The library's database cannot be reached or is busy. Nothing was lost: try again in a moment."


def migrations(connection: Connection) -> Config:
    """What alembic needs to bring the tables behind an open connection to a version."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def _address(library: Path, url: str | None) -> URL:
    if not url:
        return URL.create("sqlite", database=str(library / FILE_NAME))
    try:
        address = make_url(url)
    except ArgumentError:
        address = None
    if address is None or address.get_backend_name() not in ("sqlite", "postgresql"):
        raise LibraryError(
            "CUES_DATABASE_URL is no database address; it looks like postgresql+psycopg://user:password@host/name."
        )
    return address.set(drivername="postgresql+psycopg") if address.get_backend_name() == "postgresql" else address


def _engine(address: URL) -> Engine:
    if address.get_backend_name() != "sqlite":
        engine = create_engine(
            address,
            pool_pre_ping=True,  # a server that was started again is found before a page asks it
            pool_size=_POOL,
            max_overflow=_POOL_MORE,
            connect_args={"connect_timeout": _CONNECT_S, "options": _OPTIONS},
        )
        event.listen(engine, "begin", _wait_for_writers)
        return engine
    if address.database and address.database != ":memory:":
        Path(address.database).touch(mode=0o600)
    engine = create_engine(address, connect_args={"timeout": WAIT_S})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediately)
    return engine


_OPTIONS = " ".join(
    f"-c {name}={1000 * seconds}"
    for name, seconds in (
        ("statement_timeout", _STATEMENT_S),
        ("lock_timeout", WAIT_S),
        ("idle_in_transaction_session_timeout", _LEFT_OPEN_S),
    )
)


def _wait_for_writers(connection: Connection) -> None:
    # PostgreSQL lets transactions write at once that have read what the other one changes. The lock ends with the
    # transaction; a migration has one of its own.
    wait_s = connection.get_execution_options().get("wait_s")
    if wait_s is not None:
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {round(1000 * wait_s)}")
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITERS})")


def _prepare_sqlite(connection: Any, _: Any) -> None:
    # Transactions are begun by us: the driver would begin one at the first write, and a read before it could then
    # not be upgraded while another process writes.
    connection.isolation_level = None
    # secure_delete: what is deleted is overwritten in the file.
    # The time to wait comes first: switching to the log of writes may meet another process, too.
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")
    for pragma in (f"busy_timeout={WAIT_S * 1000}", *pragmas):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediately(connection: Any) -> None:
    options = connection.get_execution_options()
    immediate = options.get("writes", True)
    connection.exec_driver_sql(f"PRAGMA busy_timeout={round(1000 * options.get('wait_s', WAIT_S))}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
