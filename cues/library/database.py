"""Opening the library's database: SQLite inside the library's folder, or PostgreSQL by its address."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session

from cues.errors import CuesError

FILE_NAME = "library.db"
WAIT_S = 15
"""How long a write waits for another one on SQLite, which lets in one at a time."""

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
        with self.engine.connect().execution_options(writes=False) as connection, Session(connection) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction: everything in it is kept when it ends, nothing when it raises."""
        with Session(self.engine, expire_on_commit=False) as session, session.begin():
            yield session

    def close(self) -> None:
        """Closes all connections."""
        self.engine.dispose()


def open_library(folder: Path, url: str | None = None) -> Library:
    """Opens the library in `folder` (made when missing, for its owner alone) and brings its tables to the newest
    version.

    `url` is the address of another database than the SQLite file inside the folder. Raises LibraryError with a sentence
    for the person who runs it.
    """
    address = _address(folder, url)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        engine = _engine(address)
        with engine.begin() as connection:
            command.upgrade(migrations(connection), "head")
    except (SQLAlchemyError, OSError) as problem:
        place = address.render_as_string(hide_password=True)
        reason = str(getattr(problem, "orig", None) or problem).splitlines()[0]
        raise LibraryError(f"The library's database at {place} cannot be opened: {reason}.") from None
    return Library(folder, engine)


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
        return make_url(url)
    except ArgumentError:
        raise LibraryError(
            "CUES_DATABASE_URL is no database address; it looks like postgresql+psycopg://user:password@host/name."
        ) from None


def _engine(address: URL) -> Engine:
    if address.get_backend_name() != "sqlite":
        return create_engine(address, pool_pre_ping=True)
    if address.database and address.database != ":memory:":
        Path(address.database).touch(mode=0o600)
    engine = create_engine(address, connect_args={"timeout": WAIT_S})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediately)
    return engine


def _prepare_sqlite(connection: Any, _: Any) -> None:
    # Transactions are begun by us: the driver would begin one at the first write, and a read before it could then
    # not be upgraded while another process writes.
    connection.isolation_level = None
    # secure_delete: what is deleted is overwritten in the file.
    pragmas = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")
    for pragma in (*pragmas, f"busy_timeout={WAIT_S * 1000}"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediately(connection: Any) -> None:
    immediate = connection.get_execution_options().get("writes", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
