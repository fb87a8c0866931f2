"""The door of the application, on a real server: who gets in, how, and what is refused."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest
import requests
import uvicorn
import websockets
from sqlalchemy import func, select
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from cues.library.accounts import (
    IDLE,
    Roles,
    begin_sign_in,
    create_account,
    invite,
    owner_of_library,
    set_password,
    sign_out_everywhere,
)
from cues.library.database import Library, open_library
from cues.library.models import Account, Deed, SignIn
from cues.web.gate import COOKIE, POLICY, Gate, visitor_of
from cues.web.settings import Settings, read_settings
from cues.web.sign_in import OneTimeCode, sign_in_routes

PASSWORD = "a long enough one"
PUBLIC = "https://cues.example.org"


class Site(SimpleNamespace):
    """A running server: address, library, code, the account `ada`."""

    address: str
    library: Library
    code: OneTimeCode
    ada: Account

    def get(self, path: str, token: str | None = None, **more: object) -> requests.Response:
        return self.ask("GET", path, token, **more)

    def ask(self, method: str, path: str, token: str | None = None, **more: object) -> requests.Response:
        cookies = {COOKIE: token} if token else {}
        return requests.request(  # type: ignore[arg-type]
            method, self.address + path, cookies=cookies, allow_redirects=False, timeout=60, **more
        )

    def sign_in(self) -> str:
        with self.library.writing() as db:
            return begin_sign_in(db, self.ada, "here")


async def who(request: Request) -> JSONResponse:
    visitor = visitor_of(request)
    return JSONResponse(visitor and {"name": visitor.account.name, "form_token": visitor.form_token})


async def own_cookie(_: Request) -> PlainTextResponse:
    return PlainTextResponse("", headers={"Set-Cookie": "theirs=1; Path=/; SameSite=Lax"})


async def fault(_: Request) -> JSONResponse:
    raise RuntimeError("a secret of the machine")


async def echo(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


@contextmanager
def running(settings: Settings) -> Iterator[Site]:
    library = open_library(settings.library)
    code = OneTimeCode()
    routes = [
        *sign_in_routes(lambda: library, settings, code),
        Route("/api/who", who, methods=["GET", "POST"]),
        Route("/own-cookie", own_cookie),
        Route("/api/fault", fault),
        Route("/", who),
        WebSocketRoute("/live", echo),
    ]
    app = Starlette(routes=routes, middleware=[Middleware(Gate, library=lambda: library, settings=settings)])
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
    port = server.servers[0].sockets[0].getsockname()[1]
    with library.writing() as db:
        owner_of_library(db)
        ada = create_account(db, "ada@example.org", "Ada", Roles(trainee=True))
        set_password(db, ada, PASSWORD)
    try:
        yield Site(address=f"http://127.0.0.1:{port}", library=library, code=code, ada=ada)
    finally:
        server.should_exit = True
        thread.join()
        library.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(read_settings({"CUES_LIBRARY": str(tmp_path_factory.mktemp("library"))})) as started:
        yield started


def live(site: Site, token: str | None, origin: str | None) -> str:
    """What a websocket answers to "hello", or why it was closed."""

    async def talk() -> str:
        headers = {"Cookie": f"{COOKIE}={token}"} if token else {}
        address = site.address.replace("http", "ws") + "/live"
        async with websockets.connect(address, additional_headers=headers, origin=origin) as socket:  # type: ignore[arg-type]
            await socket.send("hello")
            return str(await socket.recv())

    try:
        return asyncio.run(talk())
    except (websockets.InvalidStatus, websockets.ConnectionClosed) as problem:
        return type(problem).__name__


def test_without_a_sign_in_nothing_is_answered_but_the_way_to_it(site: Site) -> None:
    page = site.get("/?session=1", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/sign-in?after=%2F%3Fsession%3D1")
    for method in ("GET", "POST", "PATCH", "DELETE"):
        assert site.ask(method, "/api/who").status_code == 401
    assert site.get("/api/who", token="invented").status_code == 401
    assert site.get("/api/no-such-thing").status_code == 401
    assert live(site, None, site.address) == "InvalidStatus"
    assert site.get("/sign-in").status_code == 200


def test_the_printed_code_signs_the_owner_in_once(site: Site) -> None:
    assert site.get("/sign-in?code=wrong").status_code == 403
    first = site.get(f"/sign-in?code={site.code.code}&after=/a")
    assert (first.status_code, first.headers["location"]) == (303, "/a")
    cookie = first.headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=lax" in cookie and "Secure" not in cookie
    assert site.get("/api/who", first.cookies[COOKIE]).json()["name"] == "Owner"
    assert site.get(f"/sign-in?code={site.code.code}").status_code == 403


def test_wrong_codes_are_limited_and_the_right_one_is_not(tmp_path: Path) -> None:
    """Without a limit, whoever reaches the page could fill the record of deeds."""
    with running(read_settings({"CUES_LIBRARY": str(tmp_path)})) as site:
        assert [site.get("/sign-in?code=wrong").status_code for _ in range(42)] == [403] * 40 + [429] * 2
        with site.library.reading() as db:
            assert db.scalar(select(func.count()).where(Deed.action == "sign-in refused")) == 40
        assert site.get(f"/sign-in?code={site.code.code}").status_code == 303


def test_another_name_for_where_one_comes_from_gives_no_more_attempts(site: Site) -> None:
    """Whoever is on this machine may say in the proxy's place where a request comes from."""
    form = {"email": "zoe@example.org", "password": "wrong"}
    answers = [
        site.ask("POST", "/sign-in", data=form, headers={"X-Forwarded-For": f"192.0.2.{k}"}).status_code
        for k in range(100, 110)
    ]
    assert answers == [403] * 8 + [429] * 2


def test_a_cookie_that_was_planted_before_is_not_the_one_that_signs_in(site: Site) -> None:
    form = {"email": "ada@example.org", "password": PASSWORD}
    planted = "planted-by-somebody-else"
    answer = site.ask("POST", "/sign-in", planted, data=form)
    assert answer.cookies[COOKIE] != planted
    assert [site.get("/api/who", token).status_code for token in (planted, answer.cookies[COOKIE])] == [401, 200]


def test_a_new_sign_in_ends_the_one_that_the_browser_had(site: Site) -> None:
    before = site.sign_in()
    form = {"email": "ada@example.org", "password": PASSWORD}
    after = site.ask("POST", "/sign-in", before, data=form).cookies[COOKIE]
    assert [site.get("/api/who", token).status_code for token in (before, after)] == [401, 200]


def test_strange_cookies_beside_it_do_not_sign_anybody_out(site: Site) -> None:
    """Browsers send the cookies of every port of a machine."""
    token = site.sign_in()
    for cookie in (
        f"a b=1; {COOKIE}={token}",
        f'{COOKIE}={token}; =x; {{}}="',
        f'x="y; {COOKIE}={token}',
        f"é={token}",
    ):
        found = site.get("/api/who", headers={"Cookie": cookie.encode()})
        assert found.status_code == (200 if COOKIE in cookie else 401), cookie


def _unused_for_half_the_time(site: Site) -> tuple[SignIn, datetime]:
    """The newest sign-in, put back to when half of the time without use is over, and that moment."""
    with site.library.writing() as db:
        mine = db.scalars(select(SignIn).order_by(SignIn.created.desc())).first()
        assert mine is not None
        mine.seen -= IDLE / 2
        return mine, mine.seen


def test_being_asked_whether_one_is_signed_in_is_no_use(site: Site) -> None:
    token = site.sign_in()
    mine, before = _unused_for_half_the_time(site)
    assert site.get("/api/signed-in", token).text == site.ada.uid
    with site.library.reading() as db:
        assert db.get_one(SignIn, mine.token_hash).seen == before


def test_a_fault_says_one_sentence_and_carries_the_headers(site: Site) -> None:
    answer = site.get("/api/fault", site.sign_in())
    assert (answer.status_code, answer.headers["content-security-policy"]) == (500, POLICY)
    assert answer.text.startswith("Something failed here.") and "secret" not in answer.text


def test_a_password_signs_in_and_a_wrong_one_does_not(site: Site) -> None:
    form = {"email": "ada@example.org", "password": PASSWORD, "after": "/sessions"}
    right = site.ask("POST", "/sign-in", data=form)
    assert (right.status_code, right.headers["location"]) == (303, "/sessions")
    assert site.get("/api/who", right.cookies[COOKIE]).json()["name"] == "Ada"
    wrong = site.ask("POST", "/sign-in", data=form | {"password": "<script>alert(1)</script>"})
    assert wrong.status_code == 403 and "do not belong together" in wrong.text and "<script>" not in wrong.text
    assert not wrong.cookies
    with site.library.reading() as db:
        assert "sign-in refused" in db.scalars(select(Deed.action)).all()


@pytest.mark.parametrize("after", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x", "a\nb"])
def test_signing_in_leads_to_no_other_site(site: Site, after: str) -> None:
    form = {"email": "ada@example.org", "password": PASSWORD, "after": after}
    assert site.ask("POST", "/sign-in", data=form).headers["location"] == "/"


def test_what_another_site_sends_is_refused(site: Site) -> None:
    token = site.sign_in()
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        assert site.ask("POST", "/api/who", token, headers=headers).status_code == 403
        form = {"email": "ada@example.org", "password": PASSWORD}
        assert site.ask("POST", "/sign-in", headers=headers, data=form).status_code == 403
    assert site.ask("POST", "/api/who", token, headers={"Origin": site.address}).status_code == 200
    assert live(site, token, site.address) == "hello"
    assert live(site, token, "https://evil.example") == "InvalidStatus"
    assert live(site, token, None) == "InvalidStatus"


def test_a_name_that_is_not_ours_is_refused(site: Site) -> None:
    """A foreign name that is made to point at this machine would otherwise be "the same site"."""
    answer = site.get("/api/who", site.sign_in(), headers={"Host": "evil.example"})
    assert answer.status_code == 403 and "CUES_PUBLIC_ADDRESS" in answer.text


def test_every_answer_carries_the_policy(site: Site) -> None:
    for answer in (site.get("/sign-in"), site.get("/api/who"), site.get("/", site.sign_in())):
        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-frame-options"] == "DENY"
    assert "no-store" in site.get("/sign-in").headers["cache-control"]


def test_signing_out_needs_the_forms_token_and_ends_this_or_every_sign_in(site: Site) -> None:
    one, two, three = (site.sign_in() for _ in range(3))
    form_token = site.get("/api/who", one).json()["form_token"]
    assert site.ask("POST", "/sign-out", one, data={"form_token": "guessed"}).status_code == 403
    assert site.get("/api/who", one).status_code == 200
    assert site.ask("POST", "/sign-out", one, data={"form_token": form_token}).status_code == 303
    assert [site.get("/api/who", token).status_code for token in (one, two)] == [401, 200]
    form_token = site.get("/api/who", two).json()["form_token"]
    site.ask("POST", "/sign-out", two, data={"form_token": form_token, "everywhere": "yes"})
    assert [site.get("/api/who", token).status_code for token in (two, three)] == [401, 401]


def test_an_open_page_is_cut_off_when_its_sign_in_ends(site: Site) -> None:
    async def talk() -> int:
        token = site.sign_in()
        address = site.address.replace("http", "ws") + "/live"
        headers = {"Cookie": f"{COOKIE}={token}"}
        async with websockets.connect(address, additional_headers=headers, origin=site.address) as socket:  # type: ignore[arg-type]
            await socket.send("one")
            assert await socket.recv() == "one"
            with site.library.writing() as db:
                sign_out_everywhere(db, site.ada.id)
            await asyncio.sleep(2.1)
            with pytest.raises(websockets.ConnectionClosed) as closed:
                await socket.send("two")
                await socket.recv()
            return closed.value.rcvd.code if closed.value.rcvd else 0

    assert asyncio.run(talk()) == 4401


def test_use_is_noted_and_puts_off_the_time_out(site: Site) -> None:
    token = site.sign_in()
    mine, before = _unused_for_half_the_time(site)
    assert site.get("/api/who", token).status_code == 200
    with site.library.reading() as db:
        assert db.get_one(SignIn, mine.token_hash).seen > before


def test_an_invitation_sets_a_password_and_signs_in(site: Site) -> None:
    with site.library.writing() as db:
        new = create_account(db, "new@example.org", "<b>New</b>", Roles(supervisor=True))
        path = "/invitation/" + invite(db, owner_of_library(db), new)
    shown = site.get(path)
    assert shown.status_code == 200 and "&lt;b&gt;New" in shown.text
    differ = site.ask("POST", path, data={"password": PASSWORD, "again": PASSWORD + "!"})
    short = site.ask("POST", path, data={"password": "short", "again": "short"})
    assert (differ.status_code, short.status_code) == (400, 400) and "at least 12" in short.text
    right = site.ask("POST", path, data={"password": PASSWORD, "again": PASSWORD})
    assert site.get("/api/who", right.cookies[COOKIE]).json()["name"] == "<b>New</b>"
    assert site.get(path).status_code == 404
    assert site.get("/invitation/guessed").status_code == 404


def test_behind_https_the_cookie_is_secure_and_the_public_name_is_answered(tmp_path: Path) -> None:
    with running(read_settings({"CUES_LIBRARY": str(tmp_path), "CUES_PUBLIC_ADDRESS": PUBLIC})) as site:
        form = {"email": "ada@example.org", "password": PASSWORD}
        headers = {"Host": "cues.example.org", "Origin": PUBLIC}
        answer = site.ask("POST", "/sign-in", data=form, headers=headers)
        assert answer.status_code == 303 and "Secure" in answer.headers["set-cookie"]
        own = site.get("/own-cookie", site.sign_in(), headers=headers)
        assert own.headers["set-cookie"] == "theirs=1; Path=/; SameSite=Lax; Secure"  # one that Streamlit sets
        for each in (answer, own, site.get("/api/who", headers=headers), site.get("/sign-in", headers=headers)):
            assert "max-age" in each.headers["strict-transport-security"]
        assert site.ask("POST", "/sign-in", data=form, headers={"Host": "cues.example.org.evil"}).status_code == 403
