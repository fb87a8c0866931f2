"""Files of a session to take away: each is made when it is asked for, and goes on record."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cues.annotations.boris import boris
from cues.annotations.eaf import elan
from cues.errors import SessionFolderError
from cues.export.content import Content, content_of
from cues.export.subtitles import chapters, episodes_as_cues
from cues.export.tables import (
    comments_csv,
    episodes_csv,
    everything,
    minutes_csv,
    parquet,
    summary_json,
    verdicts_csv,
)
from cues.library.deeds import record
from cues.web.gate import visitor_of
from cues.web.running import running

_NOTHING = "There is nothing here."


@dataclass(frozen=True)
class Format:
    """A kind of file: its name, its media type, what it is for, who writes it. own: for the session's trainee only."""

    file_name: str
    media_type: str
    words: str
    made: Callable[[Content], bytes]
    own: bool = False


def _everything(content: Content) -> bytes:
    return everything(content, {"session.eaf": elan(content), "session.boris": boris(content)})


FORMATS = {
    "minutes": Format("minutes.csv", "text/csv", "the minutes, for a spreadsheet", minutes_csv),
    "episodes": Format("episodes.csv", "text/csv", "the episodes, for a spreadsheet", episodes_csv),
    "comments": Format("comments.csv", "text/csv", "the comments and answers", comments_csv),
    "verdicts": Format("verdicts.csv", "text/csv", "the verdicts of the reviewers", verdicts_csv),
    "summary": Format("session.json", "application/json", "session figures, parameters, versions", summary_json),
    "chapters": Format("chapters.vtt", "text/vtt", "a chapter for every minute, for video players", chapters),
    "captions": Format("episodes.vtt", "text/vtt", "the episodes as captions, for video players", episodes_as_cues),
    "elan": Format("session.eaf", "application/xml", "tiers to work on in ELAN; put it beside the recording", elan),
    "boris": Format("session.boris", "application/json", "a project for BORIS; put it beside the recording", boris),
    "tables": Format("tables.zip", "application/zip", "what was seen, sample by sample (Parquet)", parquet, own=True),
    "everything": Format("session.zip", "application/zip", "all of these in one archive", _everything),
}
"""Last part of the address -> what comes."""


def export_routes() -> list[Route]:
    """The route of all formats."""
    return [Route("/api/sessions/{session_id}/export/{what}", _export)]


def export_address(session_id: str, what: str) -> str:
    """Where a file is fetched."""
    return f"/api/sessions/{session_id}/export/{what}"


async def _export(request: Request) -> Response:
    return await run_in_threadpool(_made, request)


def _made(request: Request) -> Response:
    visitor, library = visitor_of(request), running().library
    session_id, what = request.path_params["session_id"], request.path_params["what"]
    form = FORMATS.get(what)
    if visitor is None or form is None:
        return PlainTextResponse(_NOTHING, 404)
    try:
        with library.reading() as db:
            content = content_of(db, visitor.account, library.folder, session_id)
            if content is None or (form.own and not content.mine):
                return PlainTextResponse(_NOTHING, 404)
            data = form.made(content)
    except SessionFolderError:
        return PlainTextResponse(_NOTHING, 404)
    with library.writing() as db:
        record(db, visitor.account.id, "export", session_id, {"format": what})
    name = f"{content.held_on} {' '.join(content.title.split())} {form.file_name}"
    headers = {
        "Content-Disposition": f"attachment; filename=\"{form.file_name}\"; filename*=UTF-8''{quote(name, safe='')}",
        "Cache-Control": "private, no-store",
    }
    return Response(data, media_type=form.media_type, headers=headers)
