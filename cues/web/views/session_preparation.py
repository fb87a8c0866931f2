"""Before an analysis: the recording, what a short look says of it, who is who, the consents, the start."""

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from cues.jobs.probing import is_looked_at, portrait, read_probe, start_probe
from cues.jobs.queue import queue_job, retry
from cues.library.consents import missing_for_analysis
from cues.library.guesses import ask_for_guess
from cues.library.models import JobKind, JobState
from cues.library.recordings import MOST, in_names_of_people, same_recording_elsewhere
from cues.library.sessions import choose_setup, name_trainee
from cues.metrics.summary import SETUP_WORDS
from cues.web.components.drop_zone import drop_zone
from cues.web.running import SUFFIXES, running
from cues.web.sentences import clock, plain
from cues.web.session_routes import portrait_address
from cues.web.views import session_consents
from cues.web.views.acting import do, do_on_own
from cues.web.views.verdicts import Row, verdict_line

if TYPE_CHECKING:
    from cues.web.views.session import Opened

_SETUPS = {
    "auto": "find out",
    "split_screen": "a recorded call",
    "shared_room": "two people in one room",
    "single": "one person",
    "two_files": "two files of one conversation",
}


def show(opened: "Opened") -> None:
    """Everything that has to be there before the analysis, from top to bottom, and the button that starts it."""
    if not opened.mine:
        st.write("This session is not analysed yet.")
        return
    if opened.job is not None and opened.job.state == JobState.FAILED:
        st.error(plain(opened.job.problem or "The analysis failed."))
    if opened.job is not None and opened.job.state == JobState.CANCELLED:
        st.info("The analysis was cancelled. What it had finished is kept.")
    st.header("1 · The recording")
    _recordings(opened)
    if opened.recordings:
        st.header("2 · What can be measured")
        _look(opened)
    st.header("3 · Consent of each person recorded" if opened.recordings else "2 · Consent of each person recorded")
    session_consents.show(opened)
    _start(opened)


def _recordings(opened: "Opened") -> None:
    for recording in opened.recordings:
        st.text(f"{recording.file_name} ({recording.size / 1e6:.0f} MB)")
    with running().library.reading() as db:
        for other in same_recording_elsewhere(db, opened.account, opened.session.id):
            st.warning(f"The same recording is also in your session of {other.held_on:%-d %B %Y}.")
    if len(opened.recordings) < MOST:
        if opened.recordings:
            st.caption("Each of you recorded on their own side? Add the second file of the same conversation.")
        limit = running().settings.largest_upload
        drop_zone(
            f"drop-{opened.session.id}", opened.session.id, SUFFIXES, limit, MOST - len(opened.recordings), _come_in
        )


def _come_in() -> None:
    """A file is whole: the page is made again, and finds it in the session."""


def _look(opened: "Opened") -> None:
    found = read_probe(opened.folder)
    if found is None:

        @st.fragment(run_every=1.0)
        def waiting() -> None:
            alive = is_looked_at(opened.folder)  # asked first: a look writes, then ends
            if read_probe(opened.folder) is not None:
                st.rerun()
            recording, again = opened.folder / opened.recordings[0].stored_as, f"looked-again-{opened.session.id}"
            if not alive and st.session_state.get(again):
                st.warning("The look at it was broken off twice. The analysis below needs no look.")
                return
            if not alive and recording.exists():
                st.session_state[again] = True
                start_probe(opened.folder, recording)
            st.caption("Looking at a few seconds of it …")

        waiting()
        return
    if "problem" in found:
        names = {recording.stored_as: recording.file_name for recording in opened.recordings}
        st.error(plain(in_names_of_people(found["problem"], names)))
        return
    st.write(f"{SETUP_WORDS[found['setup']].capitalize()}, {clock(found['duration_s'])} long.")
    people = found["people"]
    for person, column in zip(people, st.columns(max(len(people), 2)), strict=False):
        with column:
            _person(opened, person, several=len(people) > 1)
    if len(people) > 1:
        st.write(verdict_line(found["mirroring"]))
    for warning in found["warnings"]:
        st.caption(warning)
    _setup_choice(opened)


def _person(opened: "Opened", person: Row, several: bool) -> None:
    number = person["number"]
    if portrait(opened.folder, number).exists():
        st.html(f'<img src="{portrait_address(opened.session.id, number)}" width="140" alt="Person {number}">')
        if several:
            st.caption(f"Person {number}")
    place = person["place"]
    if not person["measured"]:
        st.caption("Would be left out.")
        return
    if several and place in ("left", "right"):
        if opened.session.trainee_place == place:
            st.markdown("**This is you.**")
        else:
            change = partial(name_trainee, session_id=opened.session.id, place=place)
            st.button("This is me", key=f"me-{place}", on_click=do, args=(change, "Noted."))
    for verdict in person["verdicts"]:
        st.write(verdict_line(verdict))


def _setup_choice(opened: "Opened") -> None:
    names = [name for name in _SETUPS if (name == "two_files") == (len(opened.recordings) == MOST)]
    if len(names) > 1:
        now = opened.session.setup if opened.session.setup in names else "auto"
        key = f"setup-{opened.session.id}"
        words = _SETUPS.__getitem__
        st.selectbox(
            "Which setup was it?",
            names,
            names.index(now),
            format_func=words,
            key=key,
            on_change=_choose,
            args=(opened, key),
        )


def _choose(opened: "Opened", key: str) -> None:
    do(partial(choose_setup, session_id=opened.session.id, setup=st.session_state[key]), "Noted.")


def _start(opened: "Opened") -> None:
    library, session_id = running().library, opened.session.id
    found = read_probe(opened.folder) or {}
    people = max(len([p for p in found.get("people", []) if p["measured"]]), len(opened.recordings), 1)
    with library.reading() as db:
        missing = missing_for_analysis(db, session_id, people, datetime.now(UTC).date())
    if not opened.recordings:
        missing = "A recording is needed first."
    elif missing is None and "problem" in found:
        missing = "This recording cannot be analysed."
    if missing:
        st.caption(missing)
    again = opened.job is not None and opened.job.state in (JobState.FAILED, JobState.CANCELLED)
    words = "Try again" if again else "Start the analysis"
    start = partial(_begin, opened, opened.job.job_id if again and opened.job is not None else None)
    st.button(words, type="primary", disabled=missing is not None, on_click=do_on_own, args=(session_id, start, ""))


def _begin(opened: "Opened", again: int | None) -> None:
    """Queues the analysis; `again` is the job to try again."""
    library = running().library
    if again is not None:
        retry(library, again)
        return
    with library.writing() as db:
        ask_for_guess(db, opened.session)
    queue_job(library, opened.session.id, JobKind.ANALYSIS)
    queue_job(library, opened.session.id, JobKind.REVIEW_COPY)
