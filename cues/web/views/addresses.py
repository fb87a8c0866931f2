"""How pages refer to one another."""

from typing import NoReturn

import streamlit as st

SESSION, SESSIONS, TRUST, OPEN = "session", "sessions", "trust", "open"
PAGES = "pages"
"""Where the pages of this visit are found by their address, in the session state: pages do not import one another."""
VIEWED = "viewed"
"""The sessions that are open and were recorded as looked at, in the session state."""


def link_to_session(session_id: str, label: str) -> None:
    """A link to the page of one session, in this tab."""
    st.page_link(st.session_state[PAGES][SESSION], label=label, query_params={"id": session_id})


def go(address: str, **query: str) -> NoReturn:
    """Goes to another page of this visit."""
    st.switch_page(st.session_state[PAGES][address], query_params=query)
