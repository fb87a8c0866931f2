"""A PostgreSQL of the tests' own: made in a temporary folder, reached by a socket there, ended with the tests.

Nothing of a server that the system may run is used. Databases are copied from one whose tables are at the newest
version, which takes some tens of milliseconds.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.engine import make_url

from cues.library.database import open_rows

MISSING = "PostgreSQL is not installed: apt install postgresql"
_SETTINGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=64MB",
    "max_connections=200",
)
_TEMPLATE = "cues_template"


def programs() -> Path | None:
    """The folder of the server's programs, None where there are none."""
    found = [Path(path).resolve().parent for path in [shutil.which("initdb")] if path]
    found += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: -int(path.parent.name))
    return next((path for path in found if (path / "initdb").exists() and (path / "postgres").exists()), None)


class PostgresServer:
    """A running server. `settings`: NAME=VALUE, later ones win."""

    def __init__(self, settings: tuple[str, ...] = ()) -> None:
        there = programs()
        assert there is not None, MISSING
        self._programs, self._settings = there, (*_SETTINGS, *settings)
        self.folder = Path(tempfile.mkdtemp(prefix="cues-pg-"))
        self._who: dict[str, str] = {}
        if os.geteuid() == 0:  # which the server refuses to be
            account = pwd.getpwnam("postgres")
            os.chown(self.folder, account.pw_uid, account.pw_gid)
            self._who = {"user": "postgres", "group": "postgres"}
        try:
            self._call("initdb", "-U", "cues", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N", "-D", "data")
            self.start()
            self._template()
        except BaseException:
            self.end()
            raise

    def _call(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, **self._who)  # type: ignore[call-overload]
        assert done.returncode == 0, done.stderr

    def start(self) -> None:
        """Starts it and waits until it answers."""
        command = [str(self._programs / "postgres"), "-D", "data", "-k", str(self.folder), "-c", "listen_addresses="]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*command, *(part for one in self._settings for part in ("-c", one))],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **self._who,  # type: ignore[arg-type]
            )
        for _ in range(2400):
            try:
                self.connect().close()
                return
            except psycopg.OperationalError:
                assert self.process.poll() is None, (self.folder / "log").read_text()
                time.sleep(0.05)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Ends it and every connection: SIGINT in order, SIGQUIT as a crash does, without writing anything."""
        if self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(120)

    def end(self) -> None:
        """Ends it and removes what it kept."""
        if hasattr(self, "process"):
            self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def connect(self, database: str = "postgres") -> "psycopg.Connection[tuple[object, ...]]":
        """A connection that commits each statement."""
        return psycopg.connect(host=str(self.folder), user="cues", dbname=database, autocommit=True)

    def url(self, database: str) -> str:
        """The address of a database, as CUES_DATABASE_URL has it."""
        return f"postgresql+psycopg://cues@/{database}?host={self.folder}"

    def empty(self) -> str:
        """The address of a new database without tables."""
        return self._made("template0")

    def migrated(self) -> str:
        """The address of a new database with the newest tables and no rows."""
        return self._made(_TEMPLATE)

    def drop(self, url: str) -> None:
        """Removes a database, whoever is connected."""
        with self.connect() as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')

    def _made(self, template: str) -> str:
        name = f"cues_{uuid4().hex[:12]}"
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE {template}')
        return self.url(name)

    def _template(self) -> None:
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {_TEMPLATE} TEMPLATE template0")
        with tempfile.TemporaryDirectory() as folder:
            open_rows(Path(folder), self.url(_TEMPLATE)).close()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server of all tests; they are skipped where PostgreSQL is not installed."""
    if programs() is None:
        pytest.skip(MISSING)
    server = PostgresServer()
    yield server
    server.end()


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """A database with the newest tables and no rows."""
    url = postgres.migrated()
    yield url
    postgres.drop(url)
