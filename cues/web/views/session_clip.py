"""A clip for teaching: which stretch, what is seen of the people, and the file."""

import math
from typing import TYPE_CHECKING

import streamlit as st

from cues.errors import CuesError
from cues.export.teaching_clip import BLURRED, FIGURE, LABEL, LONGEST_S, LOOKS, check_stretch
from cues.library.comments import Thread
from cues.library.session_folder import StoredSession
from cues.observations import read_facts
from cues.web import moments
from cues.web.report import View, shown_episodes
from cues.web.running import running
from cues.web.sentences import clock, plain
from cues.web.teaching_clips import refusal, start_clip
from cues.web.views.acting import PROBLEM
from cues.web.views.making import show_made
from cues.web.views.session_corrections import seconds_of
from cues.web.visiting import visitor

if TYPE_CHECKING:
    from cues.web.views.session import Opened

_AROUND_S = 2.0
Stretch = tuple[float, float, str]


def show(opened: "Opened", stored: StoredSession, view: View, threads: list[Thread]) -> None:
    """Folded. Where somebody's consent is missing it says whose."""
    key = f"clip-{opened.session.id}"
    with st.expander("Clip for teaching", expanded=key in st.session_state, key=f"open-{key}"):
        st.write(
            f"A stretch of at most {LONGEST_S:.0f} seconds as a video, without any sound, with its cues below. "
            f"It is **{LABEL}**."
        )
        with running().library.reading() as db:
            why = refusal(db, opened.account, opened.session.id)
        if why is not None:
            st.write(plain(why))
            return
        _stretch(key, _stretches(opened, stored, view, threads))
        looks = list(LOOKS)
        try:
            if read_facts(opened.folder).left_out:
                looks.remove(BLURRED)
                st.caption("Somebody is in the picture who was not measured: their face could not be hidden.")
        except CuesError as damage:
            st.error(plain(damage))
            return
        words = {look: said[0].upper() + said[1:] for look, said in LOOKS.items()}
        st.radio("What is seen", looks, format_func=words.__getitem__, key=f"{key}-look")
        st.caption(
            "Where a face's place is not known, all of that person's picture is hidden. How somebody sits and moves "
            "can still be recognised in either; with faces blurred also hair, clothes, the room and names written in "
            f"the picture. Every picture of the clip says “{LABEL}”. What is taken out is on record, and is no longer "
            "protected by this tool."
        )
        st.button("Make the clip", type="primary", key=f"{key}-make", on_click=_make, args=(opened, stored, key))
        show_made(key, opened.account.id)


def _stretches(opened: "Opened", stored: StoredSession, view: View, threads: list[Thread]) -> list[Stretch]:
    """Moments with a little before and after them, and stretches that were commented on."""
    end = stored.summary["duration_s"]
    found = [
        (max(moment.start - _AROUND_S, 0.0), min(moment.end + _AROUND_S, end), moment.words)
        for moment in moments.proposed(stored.summary, shown_episodes(stored, view), opened.session.id)
    ]
    for thread in threads:
        first = thread.first.comment
        if first.end is not None and first.text:
            found.append((first.start, first.end, f"Comment: {' '.join(first.text.split())[:60]}"))
    return sorted((start, min(stop, start + LONGEST_S), words) for start, stop, words in found)


def _stretch(key: str, stretches: list[Stretch]) -> None:
    if stretches:
        st.selectbox(
            "A moment, or a stretch that was commented on",
            stretches,
            None,
            format_func=lambda one: f"{clock(one[0])}–{clock(one[1])} {one[2]}",
            placeholder="Choose one, or type the times below",
            key=f"{key}-moment",
            on_change=_take_over,
            args=(key,),
        )
    left, right = st.columns(2)
    left.text_input("From (m:ss)", placeholder="2:00", key=f"{key}-from")
    right.text_input("To (m:ss)", placeholder="2:30", key=f"{key}-to")


def _take_over(key: str) -> None:
    chosen: Stretch | None = st.session_state[f"{key}-moment"]
    if chosen is not None:
        start, end = int(chosen[0]), math.ceil(chosen[1])
        st.session_state[f"{key}-from"] = clock(start)
        st.session_state[f"{key}-to"] = clock(min(end, start + LONGEST_S))


def _make(opened: "Opened", stored: StoredSession, key: str) -> None:
    account = visitor()  # as they are now, not as they were when the button was drawn
    if account is None:
        return
    start, end = (seconds_of(st.session_state[f"{key}-{which}"]) for which in ("from", "to"))
    try:
        start, end = check_stretch(start, end, stored.summary["duration_s"])
        look = st.session_state.get(f"{key}-look", FIGURE)
        st.session_state[key] = start_clip(account, opened.session.id, start, end, look)
    except CuesError as problem:
        st.session_state[PROBLEM] = str(problem)
