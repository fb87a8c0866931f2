"""How pages refer to one another."""

from typing import NoReturn

import streamlit as st

SESSION, SESSIONS = "session", "sessions"
PAGES = "pages"
"""Where the pages of this visit are found by their address, in the session state: pages do not import one another."""


def session_address(session_id: str) -> str:
    """The page of one session."""
    return f"/{SESSION}?id={session_id}"


def go(address: str, **query: str) -> NoReturn:
    """Goes to another page of this visit."""
    st.switch_page(st.session_state[PAGES][address], query_params=query)
