"""The list of sessions that somebody may see: search, state, the three cues in small, and a new one."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from html import escape
from pathlib import Path

import streamlit as st
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from cues.errors import CuesError, SessionFolderError
from cues.jobs.latest import latest_of
from cues.jobs.queue import JobProgress
from cues.library.folders import session_folder
from cues.library.models import Account, JobKind, JobState, PracticeSession
from cues.library.session_folder import read_session
from cues.library.sessions import create_session, left_out_of, visible
from cues.web.charts import AMBER, BLUE, ROSE
from cues.web.drawings import as_picture
from cues.web.running import running
from cues.web.sentences import plain
from cues.web.views.acting import tell
from cues.web.views.addresses import OPEN, PAGES, SESSION, go, link_to_session
from cues.web.visiting import visitor

ANALYSED, WORKING, FAILED, WAITING = "analysed", "being analysed", "not finished", "waiting for you"
_ASKED = "your guess is asked for before the figures are shown"
_KEEP_DAYS = 365
_NOTICE_DAYS = 7
_IN_SMALL = (
    ("eye_contact", "Eye contact", "eye_contact_pct", BLUE),
    ("forward_lean", "Lean", "lean_forward_pct", AMBER),
    ("facial_mirroring", "Smiling", "smile_pct", ROSE),
)
AT_ONCE = 40
"""Lines that are shown before somebody asks for more."""
_SHOWN = "sessions-shown"


@dataclass(frozen=True)
class Listed:
    """One line of the list. figures: (name, values per minute or None, colour) of the cues that were measured."""

    id: str
    title: str
    held_on: date
    trainee: str
    state: str
    detail: str
    keep_until: date | None
    figures: list[tuple[str, list[float | None], str]]


def page() -> None:
    """The list."""
    account = visitor()
    if account is None:
        return
    st.title("Sessions")
    listed = sessions_of(account)
    if account.trainee:
        st.button("New session", type="primary", icon=":material/add:", on_click=_begin)
        if made := st.session_state.pop("made", None):
            go(SESSION, id=made)
    if account.trainee or account.supervisor:
        st.page_link(st.session_state[PAGES][OPEN], label="Open a handed-over file", icon=":material/lock_open:")
    tell()
    _notices(listed)
    if not listed:
        st.write("No session yet." if account.trainee else "Nothing was shared with you yet.")
        return
    search, state = st.columns([3, 2])
    words = search.text_input("Search", placeholder="Title, person or date", label_visibility="collapsed").lower()
    wanted = state.selectbox("State", ["all", ANALYSED, WORKING, FAILED, WAITING], label_visibility="collapsed")
    shown = [
        s
        for s in listed
        if words in f"{s.title} {s.trainee} {s.held_on:%d %B %Y} {s.held_on}".lower() and wanted in ("all", s.state)
    ]
    if not shown:
        st.write("No session fits this search.")
    several = len({one.trainee for one in listed}) > 1
    most = st.session_state.get(_SHOWN, AT_ONCE)
    for one in shown[:most]:
        _line(one, several)
    if len(shown) > most:
        st.button(f"Show more ({len(shown) - most})", on_click=_more)


def _more() -> None:
    st.session_state[_SHOWN] = st.session_state.get(_SHOWN, AT_ONCE) + AT_ONCE


def sessions_of(account: Account) -> list[Listed]:
    """What the list shows, newest first."""
    library = running().library
    with library.reading() as db:
        sessions = list(db.scalars(visible(account).options(selectinload(PracticeSession.recordings))))
        people = select(Account.id, Account.name).where(Account.id.in_({s.trainee_id for s in sessions}))
        names = {number: name for number, name in db.execute(people)}
        hidden_cues = left_out_of(db, account, sessions)
        rows = [(s, names[s.trainee_id], hidden_cues[s.id], [r.file_name for r in s.recordings]) for s in sessions]
    jobs = latest_of(library, [session.id for session in sessions], JobKind.ANALYSIS)
    listed = [
        _listed(session, trainee, left_out, files, jobs.get(session.id)) for session, trainee, left_out, files in rows
    ]
    hidden = {session.id for session, _, left_out, _ in rows if left_out and session.trainee_id == account.id}
    return [replace(one, detail=_ASKED) if one.id in hidden and one.state == ANALYSED else one for one in listed]


def _listed(
    session: PracticeSession, trainee: str, left_out: list[str], files: list[str], job: JobProgress | None
) -> Listed:
    library = running().library
    state, detail, figures = WAITING, "no recording yet" if not files else "ready to be analysed", []
    if (session_folder(library.folder, session.id) / "session.json").exists():
        state, detail = ANALYSED, ""
        figures = _figures(session.id, left_out)
    if job is not None:
        if job.state in (JobState.QUEUED, JobState.RUNNING):
            state, detail = WORKING, _how_far(job)
        elif job.state in (JobState.FAILED, JobState.CANCELLED) and state != ANALYSED:
            state, detail = FAILED, job.problem or "cancelled"
    return Listed(session.id, session.title, session.held_on, trainee, state, detail, session.keep_until, figures)


def _how_far(job: JobProgress) -> str:
    if job.state == JobState.RUNNING:
        return f"{100 * job.share:.0f} %"
    return "in the queue" if job.place is None else f"number {job.place} in the queue"


def _figures(session_id: str, left_out: list[str]) -> list[tuple[str, list[float | None], str]]:
    folder = session_folder(running().library.folder, session_id)
    try:
        minutes = _minutes(folder, (folder / "session.json").stat().st_mtime_ns)
    except (SessionFolderError, FileNotFoundError):
        return []
    return [
        (name, values, c) for (cue, name, _, c), values in zip(_IN_SMALL, minutes, strict=True) if cue not in left_out
    ]


@lru_cache(maxsize=4096)
def _minutes(folder: Path, version: int) -> tuple[list[float | None], ...]:  # noqa: ARG001
    """The trainee's values of each cue that is shown in small; `version` changes when they do."""
    rows = [row for row in read_session(folder).minutes.to_pylist() if row["role"] == "trainee"]
    return tuple([row.get(column) for row in rows] for _, _, column, _ in _IN_SMALL)


def _line(one: Listed, several: bool) -> None:
    with st.container(border=True):
        words, pictures = st.columns([5, 4], vertical_alignment="center")
        with words:
            link_to_session(one.id, f"**{plain(one.title)}**")
            parts = [f"{one.held_on:%-d %B %Y}", one.trainee if several else "", one.state, one.detail]
            st.caption(" · ".join(plain(part) for part in parts if part))
        if one.figures:
            pictures.html(small_multiples(one.figures))


def small_multiples(figures: list[tuple[str, list[float | None], str]]) -> str:
    """Bars per minute of each cue, 0-100 %, as SVG; a minute without a figure is a grey dash."""
    parts = []
    for name, values, colour in figures:
        width = 120 / max(len(values), 1)
        bars = "".join(
            f'<rect x="{k * width:.2f}" y="20" width="{0.7 * width:.2f}" height="1" fill="#7F858D"/>'
            if value is None
            else f'<rect x="{k * width:.2f}" y="{30 - 0.3 * value:.2f}" width="{0.8 * width:.2f}" '
            f'height="{max(0.3 * value, 0.6):.2f}" fill="{colour}"/>'
            for k, value in enumerate(values)
        )
        known = [value for value in values if value is not None]
        told = f"{sum(known) / len(known):.0f} % on average" if known else "not measured"
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 30" preserveAspectRatio="none" '
            f'width="240" height="60">{bars}</svg>'
        )
        picture = as_picture(svg, f"{name} by minute: {told}", "width:100%;height:34px")
        caption = f'<figcaption style="font-size:.8rem;opacity:.8">{escape(name)}</figcaption>'
        parts.append(f'<figure style="margin:0;flex:1 1 90px">{picture}{caption}</figure>')
    return f'<div style="display:flex;gap:1rem;flex-wrap:wrap">{"".join(parts)}</div>'


def _notices(listed: list[Listed]) -> None:
    soon = datetime.now(UTC).date() + timedelta(days=_NOTICE_DAYS)
    for one in listed:
        if one.keep_until is not None and one.keep_until <= soon:
            st.warning(
                f"{plain(one.title)} is kept until {one.keep_until:%-d %B %Y} and then deleted. Change the date "
                "on its page, under Details, to keep it longer."
            )


def _begin() -> None:
    """A new session, private to its trainee."""
    account = visitor()
    if account is None:
        return
    today = datetime.now(UTC).date()
    try:
        with running().library.writing() as db:
            keep = today + timedelta(days=_KEEP_DAYS)
            made = create_session(db, account, f"Session of {today:%-d %B %Y}", today, "auto", keep)
            st.session_state["made"] = made.id
    except CuesError as problem:
        st.error(plain(problem))
