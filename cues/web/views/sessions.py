"""The list of sessions that somebody may see: search, state, the three cues in small, and a new one."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from html import escape

import streamlit as st
from sqlalchemy import select

from cues.errors import CuesError, SessionFolderError
from cues.jobs.queue import JobProgress, latest_job, progress
from cues.library.folders import session_folder
from cues.library.models import Account, JobKind, JobState, PracticeSession
from cues.library.session_folder import read_session
from cues.library.sessions import create_session, left_out_for, visible
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
    for one in shown:
        _line(one, several=any(s.trainee != one.trainee for s in listed))


def sessions_of(account: Account) -> list[Listed]:
    """What the list shows, newest first."""
    library = running().library
    with library.reading() as db:
        names = {a.id: a.name for a in db.scalars(select(Account))}
        rows = [
            (s, names.get(s.trainee_id, ""), left_out_for(db, account, s), [r.file_name for r in s.recordings])
            for s in db.scalars(visible(account))
        ]
    listed = [_listed(session, trainee, left_out, files) for session, trainee, left_out, files in rows]
    hidden = {session.id for session, _, left_out, _ in rows if left_out and session.trainee_id == account.id}
    return [replace(one, detail=_ASKED) if one.id in hidden and one.state == ANALYSED else one for one in listed]


def _listed(session: PracticeSession, trainee: str, left_out: list[str], files: list[str]) -> Listed:
    library = running().library
    job_id = latest_job(library, session.id, JobKind.ANALYSIS)
    state, detail, figures = WAITING, "no recording yet" if not files else "ready to be analysed", []
    if (session_folder(library.folder, session.id) / "session.json").exists():
        state, detail = ANALYSED, ""
        figures = _figures(session.id, left_out)
    if job_id is not None:
        job = progress(library, job_id)
        if job.state in (JobState.QUEUED, JobState.RUNNING):
            state, detail = WORKING, _how_far(job)
        elif job.state in (JobState.FAILED, JobState.CANCELLED) and state != ANALYSED:
            state, detail = FAILED, job.problem or "cancelled"
    return Listed(session.id, session.title, session.held_on, trainee, state, detail, session.keep_until, figures)


def _how_far(job: JobProgress) -> str:
    return f"{100 * job.share:.0f} %" if job.state == JobState.RUNNING else f"number {job.place} in the queue"


def _figures(session_id: str, left_out: list[str]) -> list[tuple[str, list[float | None], str]]:
    try:
        stored = read_session(session_folder(running().library.folder, session_id))
    except SessionFolderError:
        return []
    rows = [row for row in stored.minutes.to_pylist() if row["role"] == "trainee"]
    wanted = (
        ("eye_contact", "Eye contact", "eye_contact_pct", BLUE),
        ("forward_lean", "Lean", "lean_forward_pct", AMBER),
        ("facial_mirroring", "Smiling", "smile_pct", ROSE),
    )
    return [(name, [r.get(column) for r in rows], c) for cue, name, column, c in wanted if cue not in left_out]


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
        st.error(str(problem))
