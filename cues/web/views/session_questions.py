"""What only the trainee knows and figures wait for: which of the two they are, and which place is their partner's."""

from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from cues.corrections import Target, Trainee, apply_corrections
from cues.library.session_folder import StoredSession, load_corrections
from cues.observations import read_observations
from cues.web import sentences
from cues.web.evidence import gaze_chart, looking_at, seen_best
from cues.web.measured import measured_session
from cues.web.report import page_ink
from cues.web.session_routes import still_address
from cues.web.views.correcting import correct

if TYPE_CHECKING:
    from cues.web.views.session import Opened

Row = dict[str, Any]


def is_this_you(opened: "Opened", stored: StoredSession) -> None:
    """Asked before anything is said of "you", as long as it is a guess."""
    if not opened.mine or not sentences.guessed(stored.summary):
        return
    people = sorted(stored.summary["people"], key=lambda person: person["role"] != "trainee")
    # Not `measured_session`: of an hour that takes a second, and the player can be there meanwhile.
    corrected = apply_corrections(read_observations(opened.folder), load_corrections(opened.folder))
    with st.container(border=True, horizontal=True, vertical_alignment="center"):
        time = seen_best(corrected.observations, people[0]["person"])
        if time is not None:
            st.html(_picture(opened, people[0]["person"], time, "Taken to be the trainee", 96), width="content")
        with st.container():
            st.markdown("**Is this you?** Who is the trainee was guessed, and may be wrong.")
            with st.container(horizontal=True):
                this, other = (Trainee(person["person"]) for person in people)
                said = "Noted: this is you.", "Noted: you are the other person."
                st.button("Yes, this is me", type="primary", on_click=correct, args=(opened, this, said[0]))
                st.button("No, I am the other person", on_click=correct, args=(opened, other, said[1]))


def which_place(opened: "Opened", stored: StoredSession) -> None:
    """For the trainee's own eye contact, where it is not settled which place is the partner."""
    trainee = next(person for person in stored.summary["people"] if person["role"] == "trainee")
    if not opened.mine or not open_question(trainee):
        return
    with st.container(border=True):
        you = not sentences.guessed(stored.summary)
        places(opened, stored.summary, trainee, you)


def open_question(person: Row) -> bool:
    """The partner's place of this person has to be confirmed before there is a percentage."""
    return person["cues"]["eye_contact"].get("state") == "confirm" and bool(person["candidates"])


def places(opened: "Opened", summary: Row, person: Row, you: bool) -> None:
    """The places that one person often looked at: a map, pictures of them looking there, a button to choose one."""
    metrics, number = measured_session(opened.folder), person["person"]
    found, partner = person["candidates"], sentences.partner_of(summary, person, you)
    who = "you" if you and person["role"] == "trainee" else f"the {person['role']}"
    count = {1: "one place", 2: "two places"}.get(len(found), f"{len(found)} places")
    ask = f"Is it {partner}?" if len(found) == 1 else f"Which one is {partner}?"
    st.markdown(f"**We found {count} that {who} often looked at. {ask}**")
    st.caption("The pictures show the face while it looked there; the map, where the places are.")
    ink = page_ink()
    directions = [(place["h"], place["v"]) for place in found]
    chart = gaze_chart(metrics, number, ink, directions)
    left, right = st.columns([3, 2]) if chart is not None else (st.container(), None)
    for k, (place, direction) in enumerate(zip(found, directions, strict=True)):
        with left:
            st.markdown(f"**{k + 1}** · {sentences.place_looked_at(summary, person, place)}")
            times = looking_at(metrics, number, direction)
            words = [f"looking at place {k + 1}, {sentences.clock(time)}" for time in times]
            st.html("".join(_picture(opened, number, time, word, 84) for time, word in zip(times, words, strict=True)))
            arguments = opened, Target(number, *direction), "The place is noted, and everything computed with it."
            st.button(f"Place {k + 1} is it", key=f"place-{number}-{k}", on_click=correct, args=arguments)
    if right is not None and chart is not None:
        right.vega_lite_chart(spec=chart | {"width": 250, "height": 250}, width="content")


def _picture(opened: "Opened", person: int, time: float, words: str, size: int) -> str:
    address = still_address(opened.session.id, person, time)
    look = f'width="{size}" height="{size}" style="border-radius:4px;margin:0 .35rem .35rem 0"'
    return f'<img src="{address}" alt="{escape(words)}" title="{escape(words)}" {look}>'
