"""Files that are made for one person: nobody else fetches them, and nobody at all once there is no right to them."""

import threading
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware

from cues.library.accounts import Roles, begin_sign_in, create_account
from cues.library.models import Account
from cues.library.sessions import create_session, delete_session
from cues.web import made_files
from cues.web.gate import COOKIE, Gate
from cues.web.running import begin, end, running
from cues.web.settings import read_settings

WORDS = b"what was made"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SimpleNamespace]:
    settings = read_settings({"CUES_LIBRARY": str(tmp_path)})
    library = begin(settings).library
    gate = Middleware(Gate, library=lambda: library, settings=settings)
    app = Starlette(routes=made_files.made_file_routes(), middleware=[gate])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    tokens, accounts = {}, {}
    with library.writing() as db:
        for name in ("ada", "ben"):
            accounts[name] = create_account(db, f"{name}@example.org", name, Roles(trainee=True))
            tokens[name] = begin_sign_in(db, accounts[name], "here")
        session = create_session(db, accounts["ada"], "A session", date.today(), "auto", None)
    port = server.servers[0].sockets[0].getsockname()[1]

    def fetch(name: str | None, token: str) -> requests.Response:
        cookies = {COOKIE: tokens[name]} if name else {}
        return requests.get(f"http://127.0.0.1:{port}{made_files.address(token)}", cookies=cookies, timeout=60)

    yield SimpleNamespace(fetch=fetch, ada=accounts["ada"], session=session, work=tmp_path / "work")
    server.should_exit = True
    thread.join()
    end()


def made(site: SimpleNamespace, refuse: made_files.Refuse = lambda: None) -> str:
    def write(path: Path, _: object) -> None:
        path.write_bytes(WORDS)

    token = made_files.start(site.ada.id, "a file.zip", write, {"format": "x"}, (site.session.id,), refuse)
    while (one := made_files.found(token, site.ada.id)) is not None and not one.whole:
        pass
    return token


def test_a_file_is_fetched_by_whom_it_was_made_for_and_once(site: SimpleNamespace) -> None:
    token = made(site)
    assert [site.fetch(name, token).status_code for name in (None, "ben")] == [401, 404]
    assert [site.fetch("ada", other).status_code for other in ("guessed", token[:-1], token.upper())] == [404] * 3
    found = site.fetch("ada", token)
    assert (found.status_code, found.content, found.headers["Cache-Control"]) == (200, WORDS, "no-store")
    assert site.fetch("ada", token).status_code == 404
    assert not any(path.is_file() and path.read_bytes() == WORDS for path in site.work.rglob("*"))


@pytest.mark.parametrize("ends", ["right", "session", "account"])
def test_a_file_is_not_fetched_once_there_is_no_right_to_it(site: SimpleNamespace, ends: str) -> None:
    why: list[str] = []
    token = made(site, lambda: why[0] if why else None)
    with running().library.writing() as db:
        if ends == "right":
            why.append("A consent was taken back.")
        elif ends == "session":
            delete_session(db, site.ada.id, db.merge(site.session), "deleted")
        else:
            db.get_one(Account, site.ada.id).active = False
    found = site.fetch("ada", token)
    # 404 where it went by itself before it was asked for (`tests/web/test_made_files_end.py`)
    assert found.status_code in ((401,) if ends == "account" else (403, 404)) and WORDS not in found.content
    if ends != "account":  # that one goes when it is looked for next
        assert not [path for path in site.work.rglob("*") if path.is_file() and path.read_bytes() == WORDS]
