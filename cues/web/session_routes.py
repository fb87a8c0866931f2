"""What the browser asks for of a session beside the page: the recording in ranges, the lanes, pictures.

Every route of a session asks `find_session` first: what somebody may not see is answered like what does not exist.
"""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from cues.jobs.probing import portrait
from cues.library.deeds import record
from cues.library.folders import review_copy, session_folder
from cues.library.sessions import find_session, left_out_for
from cues.observations import in_file
from cues.vision.crop import head_in
from cues.vision.video import read_frames_at
from cues.web.gate import visitor_of
from cues.web.kept_file_response import KeptFileResponse
from cues.web.measured import measured_session
from cues.web.overlay import overlay
from cues.web.running import check_folder, running
from cues.web.timeline import timeline

_PRIVATE = {"Cache-Control": "private, no-store"}  # a browser's cache would keep faces after they were deleted here
_MEDIA_TYPES = {".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/mp4", ".webm": "video/webm"}
_NEAR_S, _HEAD_PX = 1.0, 192
_NOTHING = "There is nothing here."


def session_routes() -> list[Route]:
    """All of them, under /api/sessions, and the pictures of one's own check of a setup."""
    return [
        Route("/api/sessions/{session_id}/video/{position:int}", _video, methods=["GET", "HEAD"]),
        Route("/api/sessions/{session_id}/timeline", _timeline),
        Route("/api/sessions/{session_id}/overlay/{minute:int}", _overlay),
        Route("/api/sessions/{session_id}/person/{number:int}", _portrait),
        Route("/api/check/person/{number:int}", _own_check),
        Route("/api/sessions/{session_id}/still/{person:int}/{milliseconds:int}", _still),
    ]


def video_address(session_id: str, position: int) -> str:
    """Where the player finds a recording of a session."""
    return f"/api/sessions/{session_id}/video/{position}"


def timeline_address(session_id: str, version: str) -> str:
    """Where the player finds the lanes; `version` changes when they do."""
    return f"/api/sessions/{session_id}/timeline?version={version}"


def overlay_address(session_id: str, version: str) -> str:
    """Where the player finds what is drawn on the picture; MINUTE stands for the minute, from 0."""
    return f"/api/sessions/{session_id}/overlay/MINUTE?version={version}"


def portrait_address(session_id: str, number: int) -> str:
    """A picture of person `number` of a session, from 1."""
    return f"/api/sessions/{session_id}/person/{number}"


def check_portrait_address(number: int, version: str) -> str:
    """A picture of person `number` of one's own last check; `version` changes when it does."""
    return f"/api/check/person/{number}?version={version}"


def still_address(session_id: str, person: int, time: float) -> str:
    """A picture of one person's head at a time [s]."""
    return f"/api/sessions/{session_id}/still/{person}/{round(1000 * time)}"


async def _video(request: Request) -> Response:
    path = await run_in_threadpool(_recording, request)
    if path is None:
        return PlainTextResponse(_NOTHING, 404)
    kind = _MEDIA_TYPES.get(path.suffix, "application/octet-stream")
    return await run_in_threadpool(KeptFileResponse, path, media_type=kind, headers=_PRIVATE)


async def _timeline(request: Request) -> Response:
    lanes = await run_in_threadpool(_lanes, request)
    return PlainTextResponse(_NOTHING, 404) if lanes is None else JSONResponse(lanes, headers=_PRIVATE)


async def _overlay(request: Request) -> Response:
    drawn = await run_in_threadpool(_drawn, request)
    return PlainTextResponse(_NOTHING, 404) if drawn is None else JSONResponse(drawn, headers=_PRIVATE)


async def _portrait(request: Request) -> Response:
    path = await run_in_threadpool(_picture, request)
    if path is None:
        return PlainTextResponse(_NOTHING, 404)
    return await run_in_threadpool(KeptFileResponse, path, headers=_PRIVATE)


async def _own_check(request: Request) -> Response:
    path = await run_in_threadpool(_check_picture, request)
    if path is None:
        return PlainTextResponse(_NOTHING, 404)
    return await run_in_threadpool(KeptFileResponse, path, headers=_PRIVATE)


async def _still(request: Request) -> Response:
    picture = await run_in_threadpool(_head, request)
    if picture is None:
        return PlainTextResponse(_NOTHING, 404)
    return Response(picture, media_type="image/jpeg", headers=_PRIVATE)


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


def _check_picture(request: Request) -> Path | None:
    visitor = visitor_of(request)
    path = None if visitor is None else portrait(check_folder(visitor.account.id), request.path_params["number"])
    return path if path is not None and path.exists() else None


def _visible_folder(request: Request) -> tuple[Path | None, list[str]]:
    """The session's folder and the cues that are left out for who asks; None where they may not see it."""
    visitor, library = visitor_of(request), running().library
    with library.reading() as db:
        session = None if visitor is None else find_session(db, visitor.account, request.path_params["session_id"])
        if session is None or visitor is None:
            return None, []
        return session_folder(library.folder, session.id), left_out_for(db, visitor.account, session)


def _lanes(request: Request) -> dict[str, Any] | None:
    folder, left_out = _visible_folder(request)
    if folder is None or not (folder / "session.json").exists():
        return None
    return timeline(measured_session(folder), left_out)


def _drawn(request: Request) -> dict[str, Any] | None:
    folder, left_out = _visible_folder(request)
    if folder is None or not (folder / "session.json").exists():
        return None
    return overlay(measured_session(folder), request.path_params["minute"], left_out)


def _head(request: Request) -> bytes | None:
    """A JPEG of one person's head at a time; None where the face was not seen around then, or eye contact, which these
    pictures explain, is left out."""
    folder, left_out = _visible_folder(request)
    if folder is None or not (folder / "session.json").exists() or "eye_contact" in left_out:
        return None
    observations = measured_session(folder).corrected.observations
    person, time = request.path_params["person"], request.path_params["milliseconds"] / 1000
    file = observations.facts.file_of(person)
    recording = next(iter(sorted(folder.glob(f"recording-{file + 1}.*"))), None)
    if person not in observations.people or recording is None:
        return None
    columns = observations.person(person)
    boxes = np.stack([columns[f"box_{k}"] for k in "xywh"], 1)
    near = np.flatnonzero(np.isfinite(boxes).all(1) & (np.abs(columns["time"] - time) < _NEAR_S))
    if not len(near):
        return None
    box = boxes[near[np.abs(columns["time"][near] - time).argmin()]]
    instant = in_file(observations.facts.alignment, file, np.array([time]))
    for frame in read_frames_at(recording, [float(instant[0])]):
        return cv2.imencode(".jpg", head_in(frame.image, box, _HEAD_PX))[1].tobytes()
    return None
