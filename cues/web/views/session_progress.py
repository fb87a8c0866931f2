"""How far an analysis is: stage, share, speed, time left, place in the queue; it can be cancelled."""

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from cues.errors import CuesError, SessionFolderError
from cues.jobs import preview
from cues.jobs.queue import JobProgress, cancel, progress
from cues.library.folders import is_full, provisional_folder
from cues.library.models import JobState
from cues.library.session_folder import read_session
from cues.metrics.preview import EYE_CONTACT, SMILING
from cues.web.report import View, minutes, shown_panels
from cues.web.running import running
from cues.web.sentences import plain
from cues.web.views import session_guess
from cues.web.views.acting import do_on_own

if TYPE_CHECKING:
    from cues.web.views.session import Opened

SHARES = {EYE_CONTACT: "Eye contact", SMILING: "Smiling"}
CUE_OF = {EYE_CONTACT: "eye_contact", SMILING: "facial_mirroring"}
"""Share of a preview -> the cue that it is left out with."""

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
        if job.problem and opened.account.administrator:  # why it waits, for who can change that
            st.warning(plain(job.problem))
        if is_full(running().library.folder):
            st.warning("The disk of this library is full. Nothing is lost: make room, and the analysis goes on.")
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
    """A preview of the whole and the minutes that are finished, for who wants to look at them already."""
    if not st.toggle("Show the minutes that are finished", key=f"finished-{opened.session.id}"):
        return
    at_a_glance(opened)

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


def at_a_glance(opened: "Opened") -> None:
    """The preview of the whole session, renewed as more of it is read; nothing while there is none."""

    @st.fragment(run_every=5.0)
    def glanced() -> None:
        path = provisional_folder(running().library.folder, opened.session.id) / preview.RESULT
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):  # none yet, or the analysis has ended
            return
        st.markdown("### The whole session at a glance")
        for role, name in (("trainee", "Trainee"), ("client", "Client")):
            rows = [s for s in told["shares"] if s["role"] == role and CUE_OF[s["cue"]] not in opened.left_out]
            if rows:
                st.write(f"**{name}.** " + " ".join(in_a_sentence(share) for share in rows))
        st.caption(
            f"From {told['looks']} looks of {told['look_s']:.0f} s all over the recording, and "
            f"{told['read_s'] / 60:.0f} minutes read whole. In brackets: how far the choice of looks alone may move a "
            "figure, nine times in ten; errors of measurement come on top. Leans last longer than a look: they come "
            "with the minutes."
        )

    glanced()


def in_a_sentence(share: dict[str, Any]) -> str:
    """One share of a preview: Eye contact: about 48 % of the time (39-58)."""
    if share["pct"] is None:
        return f"{SHARES[share['cue']]}: cannot be told yet."
    low, high = round(share["low_pct"]), round(share["high_pct"])
    within = f" ({low}–{high})" if low != high else ""
    return f"{SHARES[share['cue']]}: about {share['pct']:.0f} % of the time{within}."


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
