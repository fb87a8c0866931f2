"""One session: what is missing before it can be analysed, how far the analysis is, then its report."""

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import streamlit as st

from cues.errors import SessionFolderError
from cues.jobs.queue import JobProgress, latest_job, progress
from cues.library.comments import threads_of
from cues.library.deeds import record
from cues.library.folders import session_folder
from cues.library.models import Account, JobKind, JobState, PracticeSession, Recording
from cues.library.reviews import VIEW_REPORT
from cues.library.session_folder import analysis_of, read_session
from cues.library.sessions import find_session, left_out_for
from cues.web.measured import measured_session
from cues.web.report import View, first_screen, in_depth, recording_alone
from cues.web.running import running
from cues.web.sentences import plain
from cues.web.views import (
    session_annotations,
    session_clip,
    session_comments,
    session_consents,
    session_corrections,
    session_details,
    session_drawn,
    session_evidence,
    session_export,
    session_guess,
    session_handover,
    session_practice,
    session_preparation,
    session_progress,
    session_questions,
    session_verdicts,
)
from cues.web.views.acting import tell
from cues.web.views.addresses import PAGES, SESSIONS, VIEWED
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
    with st.container():
        session_details.heading(opened)
    tell()
    working = opened.job is not None and opened.job.state in (JobState.QUEUED, JobState.RUNNING)
    guess = session_guess.own_guess(opened)
    waits = opened.mine and guess is not None and guess.answered is None
    if working:
        session_progress.show(opened, waits)
        return
    try:
        stored = read_session(opened.folder) if (opened.folder / "session.json").exists() else None
    except SessionFolderError as damage:
        st.error(f"The figures of this session cannot be read: {plain(damage)}")
        stored = None
    if stored is None:
        session_preparation.show(opened)
        return
    files = [recording.file_name for recording in opened.recordings]
    if waits:
        session_guess.ask(opened)
        take, taken = partial(session_comments.take, opened), session_comments.taken(opened)
        view = View(opened.session.id, "", True, opened.left_out, files, taken=taken, on_comment=take)
        recording_alone(stored, view)
        return
    _note_view(opened)
    version = str((opened.folder / "session.json").stat().st_mtime_ns)
    with running().library.reading() as db:
        threads = threads_of(db, opened.account, opened.session.id)
    reviewers = session_verdicts.reviewers_of(opened)

    def beside() -> dict[str, list[str]]:
        lines = session_guess.beside(opened, stored, guess)
        for cue, more in session_verdicts.in_words(opened, stored, reviewers).items():
            lines.setdefault(cue, []).extend(more)
        return lines

    view = View(
        opened.session.id,
        version,
        opened.mine,
        opened.left_out,
        files,
        session_comments.for_the_player(threads),
        session_comments.taken(opened),
        session_verdicts.for_the_player(opened, stored, reviewers),
        partial(session_comments.take, opened),
        partial(session_verdicts.take, opened, analysis_of(stored.summary)),
        beside,
    )
    with st.container():
        session_questions.is_this_you(opened, stored)
    with st.container():
        first_screen(stored, view)
        session_guess.show_it(opened, guess)
    with suppress(SessionFolderError):  # the player says it where the tables cannot be read
        measured_session(opened.folder)  # before the charts are made: the player waits for it
    parts = [
        partial(session_questions.which_place, opened, stored),
        partial(session_comments.show, opened, threads),
        partial(session_practice.show, opened, stored),
        partial(in_depth, stored, view),
        partial(session_verdicts.show, opened, stored, reviewers),
        partial(session_drawn.show, opened, stored, reviewers),
        partial(session_evidence.show, opened, view),
    ]
    if opened.mine:
        parts.append(partial(session_corrections.show, opened, stored))
        parts.append(partial(session_consents.folded, opened))
    parts.append(partial(session_export.show, opened))
    parts.append(partial(session_annotations.show, opened))
    parts.append(partial(session_clip.show, opened, stored, view, threads))
    parts.append(partial(session_handover.show, opened))
    for part in parts:
        with st.container():  # what comes and goes in one moves nothing in another: what is open stays open
            part()


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
    """Once each time the page is opened."""
    seen = st.session_state.setdefault(VIEWED, set())
    if opened.session.id not in seen:
        seen.add(opened.session.id)
        with running().library.writing() as db:
            record(db, opened.account.id, VIEW_REPORT, opened.session.id)
