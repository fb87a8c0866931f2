"""What a person does on a page: one transaction, then the page again, with what was done or why not."""

from collections.abc import Callable

import streamlit as st
from sqlalchemy.orm import Session

from cues.errors import CuesError
from cues.library.models import Account
from cues.web.running import running
from cues.web.visiting import visitor

SAID, PROBLEM = "said", "problem"
"""Where a sentence for the next run of the page waits, in the session state."""


def act(change: Callable[[Session, Account], object], said: str) -> None:
    """Does it, and starts the page again."""
    do(change, said)
    st.rerun()


def do(change: Callable[[Session, Account], object], said: str) -> None:
    """Runs `change` with an open transaction and the account that is signed in now.

    For callbacks of controls: these run before anything of the page does, so a click that follows quickly and starts
    the page again cannot undo what was asked for.
    """
    account = visitor()
    if account is not None:
        try:
            with running().library.writing() as db:
                change(db, account)
        except CuesError as problem:
            st.session_state[PROBLEM] = str(problem)
        else:
            st.session_state[SAID] = said


def tell() -> None:
    """Shows what the last act came to."""
    if said := st.session_state.pop(SAID, None):
        st.success(said)
    if problem := st.session_state.pop(PROBLEM, None):
        st.error(problem)
