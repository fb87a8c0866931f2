"""What the trainee can put right in a report: who is who, the partner's place, the neutral posture. Each is computed at
once, listed, and can be taken back."""

from typing import TYPE_CHECKING, Any

import streamlit as st

from cues.corrections import Neutral, Swap, Trainee, undo_correction
from cues.jobs.queue import queue_job
from cues.library.models import JobKind
from cues.library.session_folder import StoredSession
from cues.web import sentences
from cues.web.running import running
from cues.web.views import session_questions
from cues.web.views.acting import PROBLEM
from cues.web.views.correcting import change, correct

if TYPE_CHECKING:
    from cues.web.views.session import Opened

Row = dict[str, Any]


def show(opened: "Opened", stored: StoredSession) -> None:
    """The corrections that can be made, and those that were."""
    summary = stored.summary
    people = summary["people"]
    st.header("Corrections", anchor="corrections")
    st.caption("Each is computed at once, is listed in the report, and can be taken back.")
    if len(people) == 2:
        _who(opened, people)
    for person in people:
        _place(opened, summary, person)
    _posture(opened, people)
    lines = sentences.corrected(summary)
    for line in lines:
        st.markdown(f"- {line}")
    if lines and st.button("Take the last one back"):
        change(opened, lambda corrections, facts: undo_correction(corrections, facts), "Taken back.")
    with st.expander("Analyse the recording again"):
        st.write("Everything is read again from the recording, with this version of the program.")
        if st.button("Analyse again"):
            queue_job(running().library, opened.session.id, JobKind.ANALYSIS)
            st.rerun()


def _who(opened: "Opened", people: list[Row]) -> None:
    client = next(person for person in people if person["role"] == "client")
    if any(person["role_guessed"] for person in people):
        st.write("Who is the trainee is a guess.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        if st.button("I am the other person"):
            correct(opened, Trainee(client["person"]), "The two roles are exchanged.")
        if opened.session.setup != "two_files":
            at = st.text_input("The two are mixed up from (m:ss)", "", placeholder="12:34", width=220)
            if st.button("Exchange from there") and at:
                seconds = seconds_of(at)
                if seconds is None:
                    st.session_state[PROBLEM] = f"'{at}' is no time such as 12:34."
                    st.rerun()
                else:
                    correct(opened, Swap(seconds), f"Exchanged from {sentences.clock(seconds)} on.")


def _place(opened: "Opened", summary: Row, person: Row) -> None:
    if not person["candidates"] or sentences.head_only(person):
        return
    question = session_questions.open_question(person)
    if question and person["role"] == "trainee":
        return  # asked above
    partner = sentences.partner_of(summary, person)
    with st.expander(f"Where the {person['role']} sees {partner}", expanded=question):
        session_questions.places(opened, summary, person, not sentences.guessed(summary))


def _posture(opened: "Opened", people: list[Row]) -> None:
    with st.expander("Neutral posture"):
        st.write("Lean is measured against a person's usual posture. If it was mistaken, name a stretch of it.")
        with st.form("neutral", border=False):
            who = st.selectbox("Whose", people, format_func=lambda p: p["role"])
            left, right = st.columns(2)
            start, end = left.text_input("From (m:ss)", placeholder="2:00"), right.text_input("To", placeholder="2:30")
            if st.form_submit_button("This is neutral"):
                a, b = seconds_of(start), seconds_of(end)
                if a is None or b is None:
                    st.session_state[PROBLEM] = "A stretch needs two times such as 2:00 and 2:30."
                    st.rerun()
                else:
                    correct(opened, Neutral(who["person"], a, b), "The neutral posture is noted.")


def seconds_of(text: str) -> float | None:
    """12:34 or 1:02:03 or 754 as seconds; None for anything else."""
    parts = text.strip().split(":")
    if not 1 <= len(parts) <= 3 or not all(part.isdecimal() for part in parts):
        return None
    seconds = 0
    for part in parts:
        seconds = 60 * seconds + int(part)
    return float(seconds)
