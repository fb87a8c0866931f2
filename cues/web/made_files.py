"""Files that are made for one person, fetched by them once and removed: hand-overs, everything of a person.

A file is made in a thread, in a work folder of the library, so that the page shows how far it is and can be left. It
can be fetched by the account that asked for it alone, once, within KEPT_S; one that was not fetched goes then, with the
next one that is made, or with the application.
"""

import errno
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from cues.errors import CuesError
from cues.library.deeds import record
from cues.library.work_folders import WorkFolder
from cues.web.gate import visitor_of
from cues.web.running import running

ADDRESS = "/api/made"
KEPT_S = 3600.0

Make = Callable[[Path, Callable[[float], None]], object]
"""Writes the file to a path that does not exist yet, and tells the share (0-1) that is done."""


@dataclass
class Made:
    """A file that is being made (`whole` is False, share: how far), was made, or could not be (`problem`)."""

    account_id: int
    file_name: str
    sessions: tuple[str, ...]
    told: dict[str, Any]
    work: WorkFolder = field(repr=False)
    share: float = 0.0
    whole: bool = False
    problem: str | None = None

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self.work.path / "made"


_made: dict[str, Made] = {}
_changing = threading.Lock()


def start(account_id: int, file_name: str, make: Make, told: dict[str, Any], sessions: tuple[str, ...]) -> str:
    """Begins to make a file; its token. An earlier one of this account is removed. told: for
    the record of exports, which has a row for each of the `sessions` inside."""
    with _changing:
        for token in [token for token, one in _made.items() if one.account_id == account_id]:
            _made.pop(token).work.remove()
        one = Made(account_id, file_name, sessions, told, WorkFolder(running().library.folder))
        _made[one.work.token] = one
    threading.Thread(target=_run, args=(one, make), daemon=True).start()
    over = threading.Timer(KEPT_S, drop, [one.work.token])
    over.daemon = True
    over.start()
    return one.work.token


def found(token: str, account_id: int) -> Made | None:
    """The file of a token; None where there is none any more, or it is somebody else's."""
    one = _made.get(token)
    return one if one is not None and one.account_id == account_id else None


def drop(token: str) -> None:
    """Removes a file that was not fetched."""
    with _changing:
        one = _made.pop(token, None)
    if one is not None:
        one.work.remove()


def address(token: str) -> str:
    """Where it is fetched."""
    return f"{ADDRESS}/{token}"


def made_file_routes() -> list[Route]:
    """The one route."""
    return [Route(ADDRESS + "/{token}", _fetch, methods=["GET"])]


def _run(one: Made, make: Make) -> None:
    def progress(share: float) -> None:
        one.share = share

    try:
        make(one.path, progress)
    except CuesError as problem:
        one.problem = str(problem)
    except OSError as problem:
        full = problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        one.problem = "The disk of this library is full." if full else "The file could not be written."
    except Exception:  # a thread has nobody else to tell
        traceback.print_exc(file=sys.stderr)
        one.problem = "The file could not be made. Please tell the person who runs this."
    else:
        one.whole = True
    if one.problem is not None:
        one.path.unlink(missing_ok=True)


class _Once(FileResponse):
    """The file, which is gone when it was sent or the sending broke off."""

    def __init__(self, one: Made) -> None:
        headers = {"Cache-Control": "no-store"}
        kind = "application/octet-stream"
        super().__init__(one.path, filename=one.file_name, media_type=kind, headers=headers)
        self._one = one

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            await run_in_threadpool(self._one.work.remove)


async def _fetch(request: Request) -> Response:
    one = None if request.method != "GET" else await run_in_threadpool(_take, request)
    if one is None:
        return PlainTextResponse("This file is not there any more: it can be fetched once. Make it again.", 404)
    return _Once(one)


def _take(request: Request) -> Made | None:
    """The file, which nobody else gets from now on; that it leaves the tool is recorded."""
    visitor, token = visitor_of(request), request.path_params["token"]
    with _changing:
        one = None if visitor is None else found(token, visitor.account.id)
        if one is None or not one.whole:
            return None
        del _made[token]
    with running().library.writing() as db:
        for session_id in one.sessions or (None,):
            record(db, one.account_id, "export", session_id, one.told)
    return one
