"""Files that are made for one person, fetched by them once and removed: hand-overs, everything of a person.

A file is made in a thread, in a work folder of the library, so that the page shows how far it is and can be left. It
can be fetched by the account that asked for it alone, once, within KEPT_S; one that was not fetched goes then, with the
next one that is made, or with the application; and within LOOK_S of the moment at which it may not be fetched any more:
a session in it was deleted (a consent was withdrawn) or is not shared any more, the account was closed or deleted.
"""

import sys
import threading
import time
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from cues.errors import CuesError
from cues.library.deeds import record
from cues.library.models import Account
from cues.library.sessions import find_session
from cues.library.work_folders import WorkFolder
from cues.web.gate import visitor_of
from cues.web.kept_file_response import KeptFileResponse
from cues.web.running import NotRunning, running
from cues.whole_files import DISK_FULL

ADDRESS = "/api/made"
KEPT_S = 3600.0
LOOK_S = 2.0

Make = Callable[[Path, Callable[[float], None]], object]
"""Writes the file to a path that does not exist yet, and tells the share (0-1) that is done."""

Refuse = Callable[[], str | None]
"""Asked when the file is fetched: why it may not be any more, None where it may."""


@dataclass
class Made:
    """A file that is being made (`whole` is False, share: how far), was made, or could not be (`problem`)."""

    account_id: int
    file_name: str
    sessions: tuple[str, ...]
    told: dict[str, Any]
    work: WorkFolder = field(repr=False)
    refuse: Refuse = field(repr=False)
    share: float = 0.0
    whole: bool = False
    problem: str | None = None

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.work.path / "made"


_made: dict[str, Made] = {}
_changing = threading.Lock()


def start(
    account_id: int,
    file_name: str,
    make: Make,
    told: dict[str, Any],
    sessions: tuple[str, ...],
    refuse: Refuse = lambda: None,
) -> str:
    """Begins to make a file; its token. An earlier one of this account is removed. told: for
    the record of exports, which has a row for each of the `sessions` inside."""
    with _changing:
        for token in [token for token, one in _made.items() if one.account_id == account_id]:
            _made.pop(token).work.remove()
        one = Made(account_id, file_name, sessions, told, WorkFolder(running().library.folder), refuse)
        _made[one.work.token] = one
    threading.Thread(target=_run, args=(one, make), daemon=True).start()
    threading.Thread(target=_watch, args=(one,), daemon=True).start()
    return one.work.token


def found(token: str, account_id: int) -> Made | None:
    """The file of a token; None where there is none any more, or it is somebody else's."""
    one = _made.get(token)
    return one if one is not None and one.account_id == account_id else None


def drop(token: str) -> None:
    """Removes a file that was not fetched."""
    with _changing:
        if (one := _made.pop(token, None)) is not None:
            one.work.remove()  # before anybody is told that it is not there any more


def address(token: str) -> str:
    """Where it is fetched."""
    return f"{ADDRESS}/{token}"


def made_file_routes() -> list[Route]:
    """The one route."""
    return [Route(ADDRESS + "/{token}", _fetch, methods=["GET"])]


def _watch(one: Made) -> None:
    over = time.monotonic() + KEPT_S
    while one.work.token in _made and time.monotonic() < over:
        try:
            if _why_not(one) is not None:
                break
        except SQLAlchemyError:
            traceback.print_exc(file=sys.stderr)  # away for a moment; asked again, and when it is fetched
        except NotRunning:
            return
        time.sleep(LOOK_S)
    drop(one.work.token)


def _why_not(one: Made) -> str | None:
    """Why a file may not be fetched any more; None where it may."""
    with running().library.reading() as db:
        account = db.get(Account, one.account_id)
        if account is None or not account.active:
            return "This account is closed."
        if any(find_session(db, account, session_id) is None for session_id in one.sessions):
            return "A session in this file was deleted or is not shown to you any more."
    return one.refuse()


def _run(one: Made, make: Make) -> None:
    def progress(share: float) -> None:
        one.share = share

    try:
        make(one.path, progress)
    except CuesError as problem:
        why = str(problem)
    except OSError as problem:
        full = problem.errno in DISK_FULL
        why = "The disk of this library is full." if full else "The file could not be written."
    except Exception:  # a thread has nobody else to tell
        traceback.print_exc(file=sys.stderr)
        why = "The file could not be made. Please tell the person who runs this."
    else:
        one.whole = True
        return
    one.path.unlink(missing_ok=True)  # first: whoever reads why may look for room on the disk
    one.problem = why


class _Once(KeptFileResponse):
    """The file, which is gone from the disk before its first byte leaves, and where nothing of it was sent."""

    def __init__(self, one: Made) -> None:
        headers = {"Cache-Control": "no-store"}
        kind = "application/octet-stream"
        super().__init__(one.path, filename=one.file_name, media_type=kind, headers=headers)
        self._one = one

    @asynccontextmanager
    async def _open_file(self) -> AsyncIterator[anyio.AsyncFile[bytes]]:
        async with super()._open_file() as file:
            await run_in_threadpool(self._one.work.remove)  # what is open can be read to its end
            yield file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await run_in_threadpool(self._one.work.remove)


async def _fetch(request: Request) -> Response:
    one = None if request.method != "GET" else await run_in_threadpool(_take, request)
    if one is None:
        return PlainTextResponse("This file is not there any more: it can be fetched once. Make it again.", 404)
    return PlainTextResponse(one, 403) if isinstance(one, str) else await run_in_threadpool(_Once, one)


def _take(request: Request) -> Made | str | None:
    """The file, which nobody else gets from now on; that it leaves the tool is recorded. Why not where it is refused:
    it is removed then."""
    visitor, token = visitor_of(request), request.path_params["token"]
    with _changing:
        one = None if visitor is None else found(token, visitor.account.id)
        if one is None or not one.whole:
            return None
        del _made[token]
    if (why := _why_not(one)) is not None:
        one.work.remove()
        return why
    with running().library.writing() as db:
        for session_id in one.sessions or (None,):
            record(db, one.account_id, "export", session_id, one.told)
    return one
