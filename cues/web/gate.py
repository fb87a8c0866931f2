"""The one door of the application: every page, websocket, recording, upload and table comes through here.

Nobody who is not signed in gets further than the pages on which one signs in. What another site makes a browser send
is refused; so is a name that the application is not known by (a foreign name pointed at this machine), and what
Streamlit serves that the application does not use. Every answer carries the content security policy, a fault's too. An
open page whose sign-in has ended is cut off with its next message, and nobody else can go on in it.
"""

import re
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cues.library.accounts import note_seen, signed_in, to_be_noted_as_seen
from cues.library.database import Library, why_unreachable
from cues.library.models import Account
from cues.web.icon import ICONS
from cues.web.settings import Settings, host_of

COOKIE = "cues_sign_in"
SIGN_IN = "/sign-in"
SIGNED_IN = "/api/signed-in"
"""Tells an open page whose sign-in its browser has; being asked is no use of it, so it puts no time-out off."""
OPEN = re.compile(f"{SIGN_IN}|/invitation/[^/]+|/_stcore/health|{'|'.join(map(re.escape, ICONS))}")
"""What can be asked for without being signed in."""

UNUSED = (
    "/_stcore/upload_file/",  # holds files in memory
    "/_stcore/metrics",
    "/_stcore/script-health-check",
    "/_stcore/agent/",
    "/_stcore/bidi-components/",
    "/component/",
    "/media/",  # pictures that a page showed, to whoever knows their address: after a share has ended, too
    "/app/",
    "/auth/",
    "/oauth2callback",
)
"""What Streamlit serves and no page of the application asks for."""

ACCOUNT_HEADER = b"x-cues-account"
"""What the gate tells Streamlit of a websocket: whose it is. Streamlit gives the state of a page back after a lost
connection to the same account alone (`server.trustedUserHeaders`)."""

POLICY = (
    "default-src 'self'; script-src 'self' blob:; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; media-src 'self' blob:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; "
    "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # without any, browsers send no usable Origin with our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
_FAULT = "Something failed here. Please tell the person who runs this, and load the page again."
_SAFE = ("GET", "HEAD", "OPTIONS")
_ASK_AGAIN_S = 2.0
_NOTING_WAITS_S = 0.5
_SIGNED_OUT = 4401  # close code of a websocket, from the range for applications


@dataclass(frozen=True)
class Visitor:
    """Who is signed in: the account as it was when they asked, and what their forms must carry."""

    account: Account
    form_token: str
    token: str


def visitor_of(request: Request) -> Visitor | None:
    """Who sent a request; None on the pages that are open to everybody."""
    visitor: Visitor | None = request.scope.get("cues.visitor")
    return visitor


class Gate:
    """Pure ASGI middleware around the whole application."""

    def __init__(self, app: ASGIApp, library: Callable[[], Library], settings: Settings) -> None:
        """`library` gives the open library; it is opened when the server starts, after this."""
        self._app, self._library, self._settings = app, library, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Lets a request through, or answers it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        answers = _Answers(send, self._settings.secure)
        try:
            await self._let_in(scope, receive, answers)
        except Exception as fault:
            if scope["type"] == "websocket" or answers.begun:
                raise
            traceback.print_exc(file=sys.stderr)
            if isinstance(fault, OperationalError):
                answer = PlainTextResponse(why_unreachable(fault), 503, {"Retry-After": "5"})
            else:
                answer = PlainTextResponse(_FAULT, 500)
            await answer(scope, receive, answers)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        refused = self._refused(scope, headers)
        if refused:
            await _refuse(scope, receive, send, refused)
            return
        token = token_in(headers)
        visitor = await run_in_threadpool(self._visitor, token, scope["path"] != SIGNED_IN)
        scope["cues.visitor"] = visitor
        if visitor is None and not (scope["type"] == "http" and OPEN.fullmatch(scope["path"])):
            await _ask_to_sign_in(scope, receive, send, headers)
        elif scope["path"].startswith(UNUSED):
            await _refuse(scope, receive, send, "There is nothing here.", 404)
        elif scope["type"] == "websocket" and visitor is not None:
            told = [(name, value) for name, value in scope["headers"] if name != ACCOUNT_HEADER]
            whose = (ACCOUNT_HEADER, visitor.account.uid.encode())
            await self._app({**scope, "headers": [*told, whose]}, self._watched(receive, send, token), send)
        else:
            await self._app(scope, receive, send)

    def _refused(self, scope: Scope, headers: Headers) -> str | None:
        host = headers.get("host", "")
        if host_of(host) not in self._settings.hosts:
            return "This address is not served here. Whoever runs the application can set CUES_PUBLIC_ADDRESS."
        origin = headers.get("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in _SAFE
        if not changes:
            return None
        own = {host, urlsplit(self._settings.public_address).netloc} - {""}
        foreign = origin is not None and urlsplit(origin).netloc not in own
        if foreign or headers.get("sec-fetch-site") in ("cross-site", "same-site"):
            return "This was sent by another site, and is refused."
        if scope["type"] == "websocket" and origin is None:
            return "A websocket is opened by a page of the application only."
        return None

    def _visitor(self, token: str | None, in_use: bool = True) -> Visitor | None:
        if not token:
            return None
        library = self._library()
        with library.reading() as db:
            found = signed_in(db, token)
            if found is None:
                return None
            noted = in_use and to_be_noted_as_seen(found)
            visitor = Visitor(found.account, found.form_token, token)
        if noted:  # not worth a refusal: while the database is busy, the next request notes it
            with suppress(OperationalError), library.writing(wait_s=_NOTING_WAITS_S) as db:
                note_seen(db, token)
        return visitor

    def _watched(self, receive: Receive, send: Send, token: str | None) -> Receive:
        asked = time.monotonic()

        async def next_message() -> Message:
            nonlocal asked
            message = await receive()
            if message["type"] == "websocket.receive" and time.monotonic() - asked > _ASK_AGAIN_S:
                asked = time.monotonic()
                if await run_in_threadpool(self._visitor, token) is None:
                    await send({"type": "websocket.close", "code": _SIGNED_OUT})
                    return {"type": "websocket.disconnect", "code": _SIGNED_OUT}
            return message

        return next_message


def token_in(headers: Headers) -> str | None:
    """The sign-in's token from the cookies of a request, read as Streamlit reads them for the pages."""
    return cookie_parser(headers.get("cookie", "")).get(COOKIE)


async def _refuse(scope: Scope, receive: Receive, send: Send, sentence: str, status: int = 403) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008, "reason": sentence[:120]})
        return
    await PlainTextResponse(sentence, status)(scope, receive, send)


async def _ask_to_sign_in(scope: Scope, receive: Receive, send: Send, headers: Headers) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": _SIGNED_OUT})
        return
    if scope["method"] == "GET" and "text/html" in headers.get("accept", ""):
        after = scope["path"] + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
        answer: RedirectResponse | PlainTextResponse = RedirectResponse(f"{SIGN_IN}?after={quote(after, safe='')}", 303)
    else:
        answer = PlainTextResponse("You are signed out. Sign in, then go on where you were.", 401)
    await answer(scope, receive, send)


class _Answers:
    """Sends on, with the headers that every answer carries. begun: whether an answer has begun."""

    def __init__(self, send: Send, secure: bool) -> None:
        self._send, self._secure, self.begun = send, secure, False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.begun = True
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers[name] = value
            if self._secure:
                headers["Strict-Transport-Security"] = "max-age=31536000"
                _only_by_https(message)
            if headers.get("content-type", "").startswith("text/html"):
                headers["Cache-Control"] = "no-store"
        await self._send(message)


def _only_by_https(message: Message) -> None:
    """Streamlit's own cookies as well: it does not know of the proxy in front."""
    message["headers"] = [
        (name, value + b"; Secure" if name == b"set-cookie" and b"; secure" not in value.lower() else value)
        for name, value in message["headers"]
    ]
