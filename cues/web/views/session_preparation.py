"""Before an analysis: the recording, what a short look says of it, who is who, the consents, the start."""

from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st
from sqlalchemy import select

from cues.errors import CuesError
from cues.jobs.probing import portrait, read_probe
from cues.jobs.queue import queue_job, retry
from cues.library.consents import PURPOSES, enter_consent, missing_for_analysis, withdraw
from cues.library.guesses import ask_for_guess
from cues.library.models import Consent, JobKind, JobState
from cues.library.recordings import MOST, same_recording_elsewhere
from cues.library.sessions import choose_setup, name_trainee, own_session
from cues.metrics.session import SETUP_WORDS
from cues.web.components.drop_zone import drop_zone
from cues.web.running import SUFFIXES, running
from cues.web.sentences import clock
from cues.web.views.acting import do, do_on_own
from cues.web.views.addresses import SESSIONS, go
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
        st.error(opened.job.problem or "The analysis failed.")
    if opened.job is not None and opened.job.state == JobState.CANCELLED:
        st.info("The analysis was cancelled. What it had finished is kept.")
    st.header("1 · The recording")
    _recordings(opened)
    if opened.recordings:
        st.header("2 · What can be measured")
        _look(opened)
    st.header("3 · Consent of each person recorded" if opened.recordings else "2 · Consent of each person recorded")
    _consents(opened)
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
            if read_probe(opened.folder) is not None:
                st.rerun()
            st.caption("Looking at a few seconds of it …")

        waiting()
        return
    if "problem" in found:
        st.error(found["problem"])
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
    path = portrait(opened.folder, person["number"])
    if path.exists():
        st.image(str(path), width=140, caption=None if not several else f"Person {person['number']}")
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


def _consents(opened: "Opened") -> None:
    session_id = opened.session.id
    with running().library.reading() as db:
        consents = list(db.scalars(select(Consent).where(Consent.session_id == session_id).order_by(Consent.id)))
    for consent in consents:
        until = f" until {consent.valid_until:%-d %B %Y}" if consent.valid_until else ""
        words = "; ".join(PURPOSES[p] for p in consent.purposes)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"{consent.person}, {consent.given_on:%-d %B %Y}: {words}{until}", width="stretch")
            if st.button("Withdrawn…", key=f"withdraw-{consent.id}"):
                _withdraw_dialog(opened, consent.id, consent.person)
    st.markdown("[A form to print and sign](/consent-form)")
    with st.form("consent", clear_on_submit=True):
        st.text_input("Who agreed (a name or a code)", max_chars=120, key=f"who-agreed-{session_id}")
        said = PURPOSES.__getitem__
        st.multiselect("To what", list(PURPOSES), list(PURPOSES), format_func=said, key=f"agreed-to-{session_id}")
        left, right = st.columns(2)
        left.date_input("On", datetime.now(UTC).date(), key=f"agreed-on-{session_id}")
        right.date_input("Until (leave empty for no end)", None, key=f"agreed-until-{session_id}")
        st.form_submit_button("Add this consent", on_click=_enter, args=(session_id,))


def _enter(session_id: str) -> None:
    names = ("who-agreed", "agreed-to", "agreed-on", "agreed-until")
    who, purposes, on, until = (st.session_state[f"{name}-{session_id}"] for name in names)
    do(
        lambda db, me: enter_consent(db, own_session(db, me, session_id), who, purposes, on, until, me.id),
        "Consent noted.",
    )


@st.dialog("Consent withdrawn")
def _withdraw_dialog(opened: "Opened", consent_id: int, person: str) -> None:
    st.write(
        f"{person} has withdrawn their consent: the recording and everything measured from it will be deleted now, for "
        "everybody. What was exported before is listed afterwards, so that you can have it deleted there."
    )
    if st.button("Delete everything of this session", type="primary"):
        account, library = opened.account, running().library
        try:
            with library.writing() as db:
                taken_out = withdraw(db, account, opened.session.id, consent_id)
        except CuesError:
            go(SESSIONS)  # deleted in another tab
        from cues.library.folders import remove_session_folder

        remove_session_folder(library.folder, opened.session.id)
        lines = [f"{deed['at'][:10]}: {deed['action']}" for deed in taken_out]
        st.success("Deleted. " + ("Exported before: " + "; ".join(lines) if lines else "Nothing had been exported."))


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
