"""What the trainee can put right in a report: who is who, the partner's place, the neutral posture. Each is computed at
once, listed, and can be taken back."""

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from cues.corrections import Neutral, Swap, Trainee, Voice
from cues.jobs.queue import queue_job
from cues.library.models import JobKind
from cues.library.session_folder import StoredSession
from cues.web import sentences
from cues.web.running import running
from cues.web.views import session_questions
from cues.web.views.acting import PROBLEM, do_on_own
from cues.web.views.correcting import correct, take_back

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
    _voices(opened, summary)
    lines = sentences.corrected(summary)
    for line in lines:
        st.markdown(f"- {line}")
    if lines:
        st.button("Take the last one back", on_click=take_back, args=(opened,))
    with st.expander("Analyse the recording again"):
        st.write("Everything is read again from the recording, with this version of the program.")
        queue = partial(queue_job, running().library, opened.session.id, JobKind.ANALYSIS)
        st.button("Analyse again", on_click=do_on_own, args=(opened.session.id, queue, ""))


def _who(opened: "Opened", people: list[Row]) -> None:
    client = next(person for person in people if person["role"] == "client")
    if any(person["role_guessed"] for person in people):
        st.write("Who is the trainee is a guess.")
    with st.container(horizontal=True, vertical_alignment="bottom"):
        exchanged = opened, Trainee(client["person"]), "The two roles are exchanged."
        st.button("I am the other person", on_click=correct, args=exchanged)
        if opened.session.setup != "two_files":
            key = f"exchange-{opened.session.id}"
            st.text_input("The two are mixed up from (m:ss)", placeholder="12:34", width=220, key=key)
            st.button("Exchange from there", on_click=_exchange, args=(opened, key))


def _exchange(opened: "Opened", key: str) -> None:
    at, st.session_state[key] = st.session_state[key], ""
    seconds = seconds_of(at)
    if seconds is not None:
        correct(opened, Swap(seconds), f"Exchanged from {sentences.clock(seconds)} on.")
    elif at:
        st.session_state[PROBLEM] = f"'{at}' is no time such as 12:34."


def _place(opened: "Opened", summary: Row, person: Row) -> None:
    if not person["candidates"] or sentences.head_only(person):
        return
    question = session_questions.open_question(person)
    if question and person["role"] == "trainee":
        return  # asked above
    partner = sentences.partner_of(summary, person)
    with st.expander(f"Where the {person['role']} sees {partner}", expanded=question):
        session_questions.places(opened, summary, person, not sentences.guessed(summary))


def _voices(opened: "Opened", summary: Row) -> None:
    """Which channel of the sound is the trainee's, where each voice has one."""
    channels = summary["speaking"]["channels"]
    if not channels or opened.session.setup == "two_files":
        return
    trainee = next(person["person"] for person in summary["people"] if person["role"] == "trainee")
    known = next((entry["channel"] for entry in channels if entry["person"] == trainee), None)
    with st.expander("Whose voice is on which channel", expanded=known is None):
        told = "It is not known which is yours." if known is None else f"Yours is taken to be channel {known + 1}."
        st.write(f"Each voice has a channel of the sound to itself. {told}")
        with st.container(horizontal=True):
            for channel in (entry["channel"] for entry in channels if entry["channel"] != known):
                said = opened, Voice(trainee, channel), f"Your voice is on channel {channel + 1}."
                st.button(f"My voice is on channel {channel + 1}", on_click=correct, args=said)


def _posture(opened: "Opened", people: list[Row]) -> None:
    with st.expander("Neutral posture"):
        st.write("Lean is measured against a person's usual posture. If it was mistaken, name a stretch of it.")
        with st.form("neutral", border=False):
            roles = {person["person"]: person["role"] for person in people}
            key = f"neutral-{opened.session.id}"
            st.selectbox("Whose", list(roles), format_func=roles.__getitem__, key=f"{key}-who")
            left, right = st.columns(2)
            left.text_input("From (m:ss)", placeholder="2:00", key=f"{key}-from")
            right.text_input("To", placeholder="2:30", key=f"{key}-to")
            st.form_submit_button("This is neutral", on_click=_neutral, args=(opened, key))


def _neutral(opened: "Opened", key: str) -> None:
    start, end = (seconds_of(st.session_state[f"{key}-{which}"]) for which in ("from", "to"))
    if start is None or end is None:
        st.session_state[PROBLEM] = "A stretch needs two times such as 2:00 and 2:30."
    else:
        correct(opened, Neutral(st.session_state[f"{key}-who"], start, end), "The neutral posture is noted.")


def seconds_of(text: str) -> float | None:
    """12:34 or 1:02:03 or 754 as seconds; None for anything else."""
    parts = text.strip().split(":")
    if not 1 <= len(parts) <= 3 or not all(part.isdecimal() for part in parts):
        return None
    seconds = 0
    for part in parts:
        seconds = 60 * seconds + int(part)
    return float(seconds)
