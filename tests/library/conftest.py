"""A library of its own for each test."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from cues.library.accounts import Roles, create_account
from cues.library.database import Library, open_library
from cues.library.models import Account
from cues.library.sessions import create_session, share_session


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A module that names DATABASES has its tests of the library run on each of them."""
    databases = getattr(metafunc.module, "DATABASES", None)
    if databases and "library" in metafunc.fixturenames:
        metafunc.parametrize("library", databases, indirect=True)


BOTH = ("sqlite", "postgresql")


@pytest.fixture
def library(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Library]:
    on_postgres = getattr(request, "param", "sqlite") == "postgresql"
    url = request.getfixturevalue("postgres_url") if on_postgres else None
    opened = open_library(tmp_path / "library", url)
    yield opened
    opened.close()


@pytest.fixture
def people(library: Library) -> dict[str, Account]:
    with library.writing() as db:
        return {
            "ada": create_account(db, "ada@example.org", "Ada", Roles(trainee=True)),
            "ben": create_account(db, "ben@example.org", "Ben", Roles(trainee=True)),
            "eva": create_account(db, "eva@example.org", "Eva", Roles(supervisor=True)),
            "tom": create_account(db, "tom@example.org", "Tom", Roles(supervisor=True)),
            "adm": create_account(db, "adm@example.org", "Adm", Roles(administrator=True)),
        }


@pytest.fixture
def shared(library: Library, people: dict[str, Account]) -> str:
    """A session of Ada's that Eva may see."""
    with library.writing() as db:
        session_id = create_session(db, people["ada"], "A session", date(2026, 11, 20), "auto", None).id
        share_session(db, people["ada"], session_id, people["eva"].id, [])
    return session_id
