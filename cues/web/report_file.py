"""The report as a PDF: what the page says, in the page's own words, and the route that serves it."""

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from cues.errors import CuesError
from cues.export.report_pdf import Minutes, Picture, Report, Said, report_pdf
from cues.export.stills import still
from cues.library.comments import Thread, threads_of
from cues.library.consents import FACES, missing_for
from cues.library.deeds import record
from cues.library.folders import session_folder
from cues.library.models import Account, PracticeSession
from cues.library.session_folder import StoredSession, read_session
from cues.library.sessions import CUES, find_session, left_out_for
from cues.library.verdicts import Reviewer, verdicts_of
from cues.metrics.session import SessionCues
from cues.observations import read_facts
from cues.review.verdicts import ADJUST, AGREE, DISAGREE, attach
from cues.web import moments, sentences
from cues.web.charts import SHARED_SMILES, Panel, with_shared_smiles
from cues.web.gate import visitor_of
from cues.web.measured import measured_session
from cues.web.report import (
    HOW_RIGHT,
    HOW_TO_READ,
    WITH_CARE,
    Row,
    View,
    not_measured,
    shown_episodes,
    shown_panels,
    told_of_the_trainee,
)
from cues.web.running import running

_NOTHING = "There is nothing here."
_HOW_TO_READ_CHARTS = (
    "A bar is a minute's figure, the thin line its interval. The small box below fills with how much of the minute "
    "could be measured. A grey dash: not measured, which is not zero."
)
_HIDDEN = (
    "At most six, two of them drawn at random. Faces are hidden in the pictures; that makes people harder to "
    "recognise, not anonymous: names written in the picture, clothes and rooms stay."
)
_VISIBLE = (
    "At most six, two of them drawn at random. Faces are visible in the pictures, because each person on the recording "
    "has agreed to that: keep this report as you would keep the recording."
)
_NO_STILL = "No picture: a face could not be hidden for certain."


def report_routes() -> list[Route]:
    """The route of the report."""
    return [Route("/api/sessions/{session_id}/report.pdf", _report)]


def report_address(session_id: str) -> str:
    """Where the report is fetched."""
    return f"/api/sessions/{session_id}/report.pdf"


async def _report(request: Request) -> Response:
    return await run_in_threadpool(_made, request)


def _made(request: Request) -> Response:
    visitor, library = visitor_of(request), running().library
    try:
        with library.reading() as db:
            session_id = request.path_params["session_id"]
            session = None if visitor is None else find_session(db, visitor.account, session_id)
            if session is None or visitor is None or len(left_out_for(db, visitor.account, session)) == len(CUES):
                return PlainTextResponse(_NOTHING, 404)
            data = report_pdf(_worded(db, visitor.account, session))
    except CuesError:
        return PlainTextResponse(_NOTHING, 404)
    with library.writing() as db:
        record(db, visitor.account.id, "export", session.id, {"format": "report.pdf"})
    name = quote(f"{session.held_on} {' '.join(session.title.split())} report.pdf", safe="")
    disposition = f"attachment; filename=\"report.pdf\"; filename*=UTF-8''{name}"
    headers = {"Content-Disposition": disposition, "Cache-Control": "private, no-store"}
    return Response(data, media_type="application/pdf", headers=headers)


def _worded(db: Session, account: Account, session: PracticeSession) -> Report:
    folder = session_folder(running().library.folder, session.id)
    stored = read_session(folder)
    mine = session.trainee_id == account.id
    files = [recording.file_name for recording in session.recordings]
    view = View(session.id, "", mine, left_out_for(db, account, session), files)
    summary, rows = stored.summary, with_shared_smiles(stored.minutes.to_pylist())
    people = sorted(summary["people"], key=lambda person: person["role"] != "trainee")
    of_trainee = [row for row in rows if row["person"] == people[0]["person"]]
    panels = shown_panels(people[0], summary, view)
    if len(people) == 2 and SHARED_SMILES.cue not in view.left_out:
        panels.append(SHARED_SMILES)
    versions = summary["versions"]
    hidden = _faces_hidden(db, session, folder)
    return Report(
        title=session.title,
        lines=[
            f"{session.held_on:%-d %B %Y}",
            sentences.recorded(summary, files).replace("`", ""),
            sentences.who_is_who(summary, mine and not sentences.guessed(summary)),
        ],
        sentences=list(told_of_the_trainee(stored, view).values()),
        how_to_read=HOW_TO_READ,
        charts=[_panel(of_trainee, panel) for panel in panels],
        how_to_read_charts=_HOW_TO_READ_CHARTS,
        moments=_pictures(stored, view, measured_session(folder), people[0]["person"], folder, hidden),
        how_to_read_moments=_HIDDEN if hidden else _VISIBLE,
        comments=[_said(thread) for thread in threads_of(db, account, session.id) if thread.first.comment.text],
        reviewed=[_reviewed(one, stored) for one in verdicts_of(db, account, session.id) if one.verdicts],
        not_measured=not_measured(summary, people, rows, view),
        with_care=WITH_CARE,
        measured=[
            HOW_RIGHT[summary["setup"]],
            "Software: " + ", ".join(f"{name} {version}" for name, version in versions["software"].items()),
            "Models: " + ", ".join(f"{name} ({digest[:12]})" for name, digest in versions["models"].items()),
        ],
    )


def _panel(rows: list[Row], panel: Panel) -> Minutes:
    names = (panel.figure, panel.low, panel.high, panel.coverage)
    values = [tuple(row.get(name) for name in names) for row in rows]
    most = 100.0 if not panel.counts else max([v[0] or 0.0 for v in values] + [4.0])
    return Minutes(panel.title, panel.colour, most, sentences.reasons(rows, panel.figure, panel.why), values)  # type: ignore[arg-type]  # four names, four values


def _faces_hidden(db: Session, session: PracticeSession, folder: Path) -> bool:
    """Unless everybody in the picture was measured, and so is known, and has agreed to show their face."""
    facts, today = read_facts(folder), datetime.now(UTC).date()
    people = max(len(facts.people), len(session.recordings))
    return bool(facts.left_out) or missing_for(db, session.id, FACES, people, today) is not None


def _pictures(
    stored: StoredSession, view: View, measured: SessionCues, person: int, folder: Path, hidden: bool
) -> list[Picture]:
    observations = measured.corrected.observations
    shows = "faces hidden" if hidden else "faces visible"
    found = []
    for moment in moments.proposed(stored.summary, shown_episodes(stored, view), view.session_id):
        picture = still(observations, folder, person, (moment.start + moment.end) / 2, hidden=hidden)
        told = _NO_STILL if picture is None else f"The picture at {sentences.clock(moment.start)}, {shows}."
        found.append(Picture(sentences.clock(moment.start), moment.words, picture, told))
    return found


def _said(thread: Thread) -> Said:
    first = thread.first.comment
    return Said(_at(first.start, first.end), [(w.author, w.comment.text) for w in (thread.first, *thread.answers)])


def _reviewed(one: Reviewer, stored: StoredSession) -> str:
    attached = attach(one.verdicts, stored.episodes.to_pylist())
    words = [verdict.word for verdict in attached.of.values()]
    told = {
        "agreed with": words.count(AGREE),
        "disagreed with": words.count(DISAGREE),
        "moved the ends of": words.count(ADJUST),
        "added": len(attached.added),
    }
    return (
        f"{one.name}, of the episodes: " + ", ".join(f"{name} {count}" for name, count in told.items() if count) + "."
    )


def _at(start: float, end: float | None) -> str:
    return sentences.clock(start) + (f"–{sentences.clock(end)}" if end is not None else "")
