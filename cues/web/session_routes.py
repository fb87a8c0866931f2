"""What the browser asks for of a session beside the page: the recording in ranges, the lanes, pictures.

Every route asks `find_session` first: what somebody may not see is answered like what does not exist.
"""

from pathlib import Path
from threading import Lock
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from cues.jobs.probing import portrait
from cues.library.deeds import record
from cues.library.folders import review_copy, session_folder
from cues.library.session_folder import load_corrections
from cues.library.sessions import find_session, left_out_for
from cues.metrics.session import measure_session
from cues.observations import read_observations
from cues.parameters import Parameters
from cues.web.gate import visitor_of
from cues.web.running import running
from cues.web.timeline import timeline

_PRIVATE = {"Cache-Control": "private, no-cache"}
_MEDIA_TYPES = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm"}
_NOTHING = "There is nothing here."


def session_routes() -> list[Route]:
    """All of them, under /api/sessions."""
    return [
        Route("/api/sessions/{session_id}/video/{position:int}", _video, methods=["GET", "HEAD"]),
        Route("/api/sessions/{session_id}/timeline", _timeline),
        Route("/api/sessions/{session_id}/person/{number:int}", _portrait),
    ]


def video_address(session_id: str, position: int) -> str:
    """Where the player finds a recording of a session."""
    return f"/api/sessions/{session_id}/video/{position}"


def timeline_address(session_id: str, version: str) -> str:
    """Where the player finds the lanes; `version` changes when they do."""
    return f"/api/sessions/{session_id}/timeline?version={version}"


async def _video(request: Request) -> Response:
    path = await run_in_threadpool(_recording, request)
    if path is None:
        return PlainTextResponse(_NOTHING, 404)
    kind = _MEDIA_TYPES.get(path.suffix, "application/octet-stream")
    return FileResponse(path, media_type=kind, headers=_PRIVATE)


async def _timeline(request: Request) -> Response:
    lanes = await run_in_threadpool(_lanes, request)
    return PlainTextResponse(_NOTHING, 404) if lanes is None else JSONResponse(lanes, headers=_PRIVATE)


async def _portrait(request: Request) -> Response:
    path = await run_in_threadpool(_picture, request)
    return PlainTextResponse(_NOTHING, 404) if path is None else FileResponse(path, headers=_PRIVATE)


def _recording(request: Request) -> Path | None:
    """The file to play: the copy that browsers can play where there is one. The first bytes of it count as a view."""
    visitor, position = visitor_of(request), request.path_params["position"]
    library = running().library
    with library.reading() as db:
        session = None if visitor is None else find_session(db, visitor.account, request.path_params["session_id"])
        if session is None or position not in {r.position for r in session.recordings}:
            return None
        stored = next(r.stored_as for r in session.recordings if r.position == position)
    copy = review_copy(library.folder, session.id, position)
    path = copy if copy.exists() else session_folder(library.folder, session.id) / stored
    begins = request.headers.get("range", "bytes=0-").startswith("bytes=0-")
    if begins and request.method == "GET" and visitor is not None:
        with library.writing() as db:
            record(db, visitor.account.id, "view recording", session.id)
    return path if path.exists() else None


def _picture(request: Request) -> Path | None:
    folder, _ = _visible_folder(request)
    path = None if folder is None else portrait(folder, request.path_params["number"])
    return path if path is not None and path.exists() else None


def _visible_folder(request: Request) -> tuple[Path | None, list[str]]:
    """The session's folder and the cues that are left out for who asks; None where they may not see it."""
    visitor, library = visitor_of(request), running().library
    with library.reading() as db:
        session = None if visitor is None else find_session(db, visitor.account, request.path_params["session_id"])
        if session is None or visitor is None:
            return None, []
        return session_folder(library.folder, session.id), left_out_for(db, visitor.account, session)


_measured: dict[tuple[str, int, tuple[str, ...]], dict[str, Any]] = {}
_KEPT = 8
_measuring = Lock()


def _lanes(request: Request) -> dict[str, Any] | None:
    """The lanes of the figures as they were last written; the last few are kept, because an hour takes a second."""
    folder, left_out = _visible_folder(request)
    results = None if folder is None else folder / "session.json"
    if folder is None or results is None or not results.exists():
        return None
    key = (str(folder), results.stat().st_mtime_ns, tuple(left_out))
    with _measuring:
        if key not in _measured:
            metrics = measure_session(read_observations(folder), load_corrections(folder), Parameters())
            _measured[key] = timeline(metrics, left_out)
            while len(_measured) > _KEPT:
                del _measured[next(iter(_measured))]
        return _measured[key]
