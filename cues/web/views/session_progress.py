"""How far an analysis is: stage, share, speed, time left, place in the queue; it can be cancelled."""

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from cues.errors import CuesError, SessionFolderError
from cues.jobs.queue import JobProgress, cancel, progress
from cues.library.folders import provisional_folder
from cues.library.models import JobState
from cues.library.session_folder import read_session
from cues.web.report import View, minutes, shown_panels
from cues.web.running import running
from cues.web.views import session_guess
from cues.web.views.acting import do_on_own

if TYPE_CHECKING:
    from cues.web.views.session import Opened

STAGES = {
    "": "Starting",
    "survey": "Looking for people",
    "people": "Reading faces and posture",
    "sound": "Listening for speech",
    "figures": "Computing the figures",
    "copy": "Making a copy that browsers can play",
}


def show(opened: "Opened", waits: bool) -> None:
    """The running job, looked at every second until it ends; then the page is made again. waits: for a guess."""
    assert opened.job is not None
    job_id = opened.job.job_id

    @st.fragment(run_every=1.0)
    def looked_at() -> None:
        try:
            job = progress(running().library, job_id)
        except CuesError:
            st.rerun()
        if job.state not in (JobState.QUEUED, JobState.RUNNING):
            st.rerun()
        st.progress(min(max(job.share, 0.0), 1.0), text=in_words(job))
        st.caption("You can close this page; the analysis goes on, and the page shows it again.")

    looked_at()
    if waits:
        session_guess.ask(opened)
    else:
        _what_is_there(opened)
    if opened.mine:
        end = partial(cancel, running().library, job_id)
        st.button("Cancel the analysis", on_click=do_on_own, args=(opened.session.id, end, ""))


def _what_is_there(opened: "Opened") -> None:
    """The minutes that are finished, for who wants to look at them already."""
    if not st.toggle("Show the minutes that are finished", key=f"finished-{opened.session.id}"):
        return

    @st.fragment(run_every=15.0)
    def minutes_until_now() -> None:
        try:
            stored = read_session(provisional_folder(running().library.folder, opened.session.id))
        except SessionFolderError:
            st.caption("No minute is finished yet.")
            return
        view = View(opened.session.id, "", opened.mine, opened.left_out, ())
        trainee = next(person for person in stored.summary["people"] if person["role"] == "trainee")
        rows = [row for row in stored.minutes.to_pylist() if row["person"] == trainee["person"]]
        st.caption(f"The first {len(rows)} minutes. Provisional: places and postures are found from the whole of it.")
        for panel in shown_panels(trainee, stored.summary, view):
            minutes(rows, panel, "Trainee")

    minutes_until_now()


def in_words(job: JobProgress) -> str:
    """One line: Reading faces and posture · 43 % · 4.1 x real time · about 5 min left"""
    if job.state == JobState.QUEUED:
        return "Next in the queue" if job.place == 1 else f"Number {job.place} in the queue"
    parts = [STAGES.get(job.stage, job.stage), f"{100 * job.share:.0f} %"]
    if job.speed:
        parts.append(f"{job.speed:.1f} x real time")
    if job.seconds_left is not None:
        left = job.seconds_left
        parts.append(f"about {left / 60:.0f} min left" if left >= 90 else f"about {max(left, 1):.0f} s left")
    return " · ".join(parts)
