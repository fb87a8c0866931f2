"""One session: what is missing before it can be analysed, how far the analysis is, then its report."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from cues.errors import SessionFolderError
from cues.jobs.queue import JobProgress, latest_job, progress
from cues.library.comments import threads_of
from cues.library.deeds import record
from cues.library.folders import session_folder
from cues.library.models import Account, JobKind, JobState, PracticeSession, Recording
from cues.library.session_folder import read_session
from cues.library.sessions import find_session, left_out_for
from cues.web.measured import measured_session
from cues.web.report import View, first_screen, in_depth
from cues.web.running import running
from cues.web.views import (
    session_comments,
    session_corrections,
    session_details,
    session_evidence,
    session_handover,
    session_preparation,
    session_progress,
    session_questions,
)
from cues.web.views.acting import tell
from cues.web.views.addresses import PAGES, SESSIONS
from cues.web.visiting import visitor


@dataclass(frozen=True)
class Opened:
    """A session as this visitor may see it. left_out: cues that were not shared with them."""

    session: PracticeSession
    recordings: list[Recording]
    account: Account
    left_out: list[str]
    folder: Path
    job: JobProgress | None

    @property
    def mine(self) -> bool:
        return self.session.trainee_id == self.account.id


def page() -> None:
    """The session that the address names, or the same sentence for all that cannot be shown."""
    opened = _open()
    if opened is None:
        st.title("No such session")
        st.write("There is no session here that you can see; it may have been deleted, or is no longer shared.")
        st.page_link(st.session_state[PAGES][SESSIONS], label="All sessions")
        return
    session_details.heading(opened)
    tell()
    working = opened.job is not None and opened.job.state in (JobState.QUEUED, JobState.RUNNING)
    if working:
        session_progress.show(opened)
        return
    try:
        stored = read_session(opened.folder) if (opened.folder / "session.json").exists() else None
    except SessionFolderError as damage:
        st.error(f"The figures of this session cannot be read: {damage}")
        stored = None
    if stored is None:
        session_preparation.show(opened)
        return
    _note_view(opened)
    version = str((opened.folder / "session.json").stat().st_mtime_ns)
    with running().library.reading() as db:
        threads = threads_of(db, opened.account, opened.session.id)
    files = [recording.file_name for recording in opened.recordings]
    told = session_comments.for_the_player(threads), session_comments.kept(opened)
    view = View(opened.session.id, version, opened.mine, opened.left_out, files, *told)
    session_questions.is_this_you(opened, stored)
    written = first_screen(stored, view)
    with suppress(SessionFolderError):  # the player says it where the tables cannot be read
        measured_session(opened.folder)  # before the charts are made: the player waits for it
    session_questions.which_place(opened, stored)
    session_comments.keep(opened, written)
    session_comments.show(opened, threads)
    in_depth(stored, view)
    session_evidence.show(opened, view)
    if opened.mine:
        session_corrections.show(opened, stored)
    session_handover.show(opened)


def _open() -> Opened | None:
    account, library = visitor(), running().library
    if account is None:
        return None
    with library.reading() as db:
        session = find_session(db, account, st.query_params.get("id", ""))
        if session is None:
            return None
        recordings = list(session.recordings)
        left_out = left_out_for(db, account, session)
    job_id = latest_job(library, session.id, JobKind.ANALYSIS)
    job = None if job_id is None else progress(library, job_id)
    return Opened(session, recordings, account, left_out, session_folder(library.folder, session.id), job)


def _note_view(opened: Opened) -> None:
    """Once for each visit of a page."""
    seen = st.session_state.setdefault("viewed", set())
    if opened.session.id not in seen:
        seen.add(opened.session.id)
        with running().library.writing() as db:
            record(db, opened.account.id, "view report", opened.session.id)
