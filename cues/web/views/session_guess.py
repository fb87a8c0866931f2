"""A trainee's own guess, before they see the figures; afterwards beside them, without a word of judgement."""

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from cues.library.guesses import GUESSED, answer_guess, guess_of, show_guess
from cues.library.models import Guess
from cues.library.session_folder import StoredSession
from cues.web import sentences
from cues.web.progress import Figure, measured_figure
from cues.web.running import running
from cues.web.views.acting import do

if TYPE_CHECKING:
    from cues.web.views.session import Opened

ASKED = {
    "eye_contact_pct": "Looking toward the client",
    "lean_forward_pct": "Nearer than usual, leaning forward",
    "smile_pct": "Smiling",
}
"""Column that is guessed -> what is asked."""


def own_guess(opened: "Opened") -> Guess | None:
    """The guess of this session that this visitor may see."""
    with running().library.reading() as db:
        return guess_of(db, opened.account, opened.session.id)


def ask(opened: "Opened") -> None:
    """Before anything is shown."""
    key = f"guess-{opened.session.id}"
    with st.container(border=True):
        st.markdown("**Before you see the figures: what do you think?**")
        st.write(
            "For how much of the time, in per cent? Leave out what you do not want to guess. Only you see it, unless "
            "you say otherwise later. It is a way of noticing, not a test."
        )
        with st.form(f"{key}-form", border=False):
            for column, words in ASKED.items():
                st.number_input(f"{words} [%]", 0, 100, None, key=f"{key}-{column}")
            st.form_submit_button("Keep my guess and show the figures", type="primary", on_click=_keep, args=(opened,))
        skip = partial(answer_guess, session_id=opened.session.id, figures={})
        st.button("Skip, show me the figures", on_click=do, args=(skip, ""))


def _keep(opened: "Opened") -> None:
    key = f"guess-{opened.session.id}"
    found = {column: st.session_state.get(f"{key}-{column}") for column in ASKED}
    figures = {column: float(value) for column, value in found.items() if value is not None}
    do(partial(answer_guess, session_id=opened.session.id, figures=figures), "")


def beside(opened: "Opened", stored: StoredSession, guess: Guess | None) -> dict[str, list[str]]:
    """A line below each cue that was guessed."""
    lines: dict[str, list[str]] = {}
    settled = not sentences.guessed(stored.summary)  # which of the two the guess is about
    for column, value in (guess.figures if guess is not None else {}).items():
        cue = GUESSED[column]
        if cue in opened.left_out:
            continue
        measured = (
            _in_words(measured_figure(stored.summary, column)) if settled else "who the trainee is was not said yet"
        )
        who = "You" if opened.mine else "The trainee"
        lines.setdefault(cue, []).append(f"{who} thought {value:.0f} % ({ASKED[column].lower()}); {measured}.")
    return lines


def _in_words(figure: Figure | None) -> str:
    if figure is None:
        return "it could not be measured"
    low, high = round(figure.low), round(figure.high)
    return f"the tool measured {figure.value:.0f} %" + (f" ({low}–{high})" if low != high else "")


def show_it(opened: "Opened", guess: Guess | None) -> None:
    """Whether others see the guess, for its author."""
    if guess is None or not guess.figures or not opened.mine:
        return
    key = f"shown-{opened.session.id}"
    st.checkbox(
        "Show my guess to those who see this session", guess.shown, key=key, on_change=_switch, args=(opened, key)
    )


def _switch(opened: "Opened", key: str) -> None:
    change = partial(show_guess, session_id=opened.session.id, shown=st.session_state[key])
    do(change, "Those who see this session see your guess." if st.session_state[key] else "Only you see your guess.")
