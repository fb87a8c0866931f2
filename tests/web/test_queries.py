"""How often pages and routes ask the database: not more often where there are more sessions and people."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select
from streamlit.testing.v1 import AppTest

from cues.jobs.queue import queue_job
from cues.library.accounts import Roles, begin_sign_in, create_account, signed_in
from cues.library.database import Library
from cues.library.guesses import ask_for_guess
from cues.library.models import Account, Comment, Deed, JobKind, Share, VerdictRow
from cues.library.sessions import create_session
from cues.web import running as application
from cues.web import visiting
from cues.web.application import make_application
from cues.web.gate import COOKIE
from cues.web.settings import read_settings
from tests.sample_clip import SAMPLE
from tests.web.made_library import add_session, made_results

PAGE = Path(__file__).parent / "page_alone.py"
DAY = date(2026, 11, 20)
SESSIONS, PEOPLE = 200, 60
MOST = {
    "sessions": 20,
    "inbox": 12,
    "people": 12,
    "progress": 12,
    "my_account": 16,
    "trust": 12,
    "setup_check": 10,
    "open_handover": 10,
    "session": 70,
}
"""Statements for one run of a page, those that begin and end transactions not counted."""
MOST_OF_ROUTE = 15


class Counted:
    """What was asked of a library's database since `clear`."""

    def __init__(self, library: Library) -> None:
        self.asked: list[str] = []
        event.listen(library.engine, "before_cursor_execute", self._note)

    def _note(self, *arguments) -> None:
        statement = arguments[2]
        if not statement.startswith(("PRAGMA", "BEGIN")):
            self.asked.append(statement)


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Library, Counted, dict[str, str], str]]:
    folder = tmp_path_factory.mktemp("clinic")
    settings = replace(read_settings({"CUES_LIBRARY": str(folder / "library")}), coordinates=False)
    library = application.begin(settings).library
    with library.writing() as db:
        people = {
            "ada": create_account(db, "ada@example.org", "Ada", Roles(trainee=True)),
            "eva": create_account(db, "eva@example.org", "Eva", Roles(supervisor=True)),
            "adm": create_account(db, "adm@example.org", "Adm", Roles(administrator=True)),
        }
        tokens = {name: begin_sign_in(db, account, "127.0.0.1") for name, account in people.items()}
    session_id = add_session(library, "The first", made_results(folder / "made", minutes=3.0), [SAMPLE])
    _grow(library, 1, 1)
    yield library, Counted(library), tokens, session_id
    application.end()


def _grow(library: Library, sessions: int, people: int) -> None:
    """More sessions of Ada's, shared with Eva, with words and verdicts of both, some in the queue; more people."""
    queued = []
    with library.writing() as db:
        ada, eva = (db.scalars(select(Account).where(Account.name == name)).one() for name in ("Ada", "Eva"))
        for _ in range(people):
            number = db.scalar(select(Account.id).order_by(Account.id.desc()).limit(1)) or 0
            other = create_account(db, f"p{number}@example.org", f"P {number}", Roles(trainee=True))
            made = create_session(db, other, "Of another", DAY, "auto", None).id
            db.add(Share(session_id=made, supervisor_id=eva.id, left_out=["eye_contact"]))
        for k in range(sessions):
            session = create_session(db, ada, f"Session {k}", DAY - timedelta(days=k), "auto", None)
            made = session.id
            db.add(Share(session_id=made, supervisor_id=eva.id, left_out=[], asked=None))
            db.add(Comment(session_id=made, author_id=eva.id, start=1.0, text="Here?"))
            db.add(Deed(account_id=eva.id, action="view report", session_id=made))
            row = {"word": "agree", "person": 0, "cue": "eye_contact", "kind": "x", "start": 1.0, "end": 2.0}
            db.add(VerdictRow(session_id=made, reviewer_id=eva.id, analysis="a", drawn=True, **row))
            if k % 3 == 0:
                queued.append(made)
            elif k % 3 == 1:
                ask_for_guess(db, session)
    for made in queued:
        queue_job(library, made, JobKind.ANALYSIS)


PAGES = [
    ("sessions", "ada"),
    ("sessions", "eva"),
    ("inbox", "eva"),
    ("people", "adm"),
    ("progress", "ada"),
    ("my_account", "ada"),
    ("trust", "ada"),
    ("setup_check", "ada"),
    ("open_handover", "eva"),
    ("session", "ada"),
    ("session", "eva"),
]


def _opened(page: str, token: str, session_id: str, counted: Counted, patch: pytest.MonkeyPatch) -> list[str]:
    patch.setenv("CUES_PAGE", page)
    patch.setattr(visiting, "signed_in", lambda db, _: signed_in(db, token))
    run = AppTest.from_file(str(PAGE), default_timeout=300)
    run.query_params["id"] = session_id
    run.run()  # what is kept between runs is there then
    counted.asked.clear()
    run.run()
    assert not run.exception, run.exception
    return list(counted.asked)


async def _get(app, path: str, token: str) -> int:
    """The status of an answer, without a server in between."""
    headers = [(b"host", b"127.0.0.1"), (b"cookie", f"{COOKIE}={token}".encode())]
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {"headers": headers, "http_version": "1.1", "scheme": "http", "client": ("127.0.0.1", 1), "server": None}
    answered = []

    async def receive():
        await asyncio.sleep(60)

    async def send(message) -> None:
        answered.append(message)

    await app({**scope, "root_path": ""}, receive, send)
    return answered[0]["status"]


def _routes(app, session_id: str, token: str, counted: Counted) -> dict[str, int]:
    of_session = ("timeline", "video/0", "overlay/0", "person/1", "export/minutes", "still/0/1000")
    found = {}
    for path in ("/api/signed-in", "/sign-out", *(f"/api/sessions/{session_id}/{one}" for one in of_session)):
        counted.asked.clear()
        assert asyncio.run(_get(app, path, token)) in (200, 206, 404), path
        found[path] = len(counted.asked)
    return found


def test_no_page_and_no_route_asks_more_often_where_there_is_more(clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    library, counted, tokens, session_id = clinic
    # that somebody is here is noted once a minute, which may fall into any request
    monkeypatch.setattr("cues.library.accounts._SEEN_EVERY", timedelta(hours=1))
    with library.writing() as db:
        eva = db.scalars(select(Account).where(Account.name == "Eva")).one()
        db.add(Share(session_id=session_id, supervisor_id=eva.id, left_out=[]))
    client = make_application(application.running().settings)._build_starlette_app()
    _grow(library, 20, 10)  # past the first of each kind
    before = {(page, who): _opened(page, tokens[who], session_id, counted, monkeypatch) for page, who in PAGES}
    routes = _routes(client, session_id, tokens["ada"], counted)
    _grow(library, SESSIONS - 20, PEOPLE - 10)
    after = {(page, who): _opened(page, tokens[who], session_id, counted, monkeypatch) for page, who in PAGES}
    asked = {one: (len(before[one]), len(after[one])) for one in PAGES}
    assert [one for one, (few, many) in asked.items() if many > few or not 0 < many <= MOST[one[0]]] == [], asked
    assert _routes(client, session_id, tokens["ada"], counted) == routes
    assert 0 < max(routes.values()) <= MOST_OF_ROUTE, routes
