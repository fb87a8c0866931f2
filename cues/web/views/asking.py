"""Dialogs that ask before something is deleted.

A dialog that the click itself draws is gone when the page runs once more right after it, as a page does that is still
loading. So what is asked is kept in the session state until it is answered, dismissed, or the page is left.
"""

from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

_ASKED, _ON = "asked", "asked-on"


def asks(label: str, about: str, place: DeltaGenerator | None = None) -> bool:
    """A button, in `place` where given; True from its click until the dialog about it ends. `about` is unique."""
    button = st.button if place is None else place.button
    button(label, key=f"ask-{about}", on_click=_ask, args=(about,))
    return st.session_state.get(_ASKED) == about


def answered() -> None:
    """Ends the dialog, with the next run of the page."""
    st.session_state.pop(_ASKED, None)


dialog = partial(st.dialog, on_dismiss=answered)
"""Decorates what draws a dialog; it is called where `asks` says so."""


def forget_elsewhere(page: str) -> None:
    """Ends a dialog of another page than this one, which was left by the browser's own buttons."""
    if st.session_state.get(_ON) != page:
        answered()
    st.session_state[_ON] = page


def _ask(about: str) -> None:
    st.session_state[_ASKED] = about
