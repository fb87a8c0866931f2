"""What a person does on a page, in callbacks of its controls; the page says then what was done or why not.

Callbacks run before anything of the page does, so a click that follows quickly and starts the page again cannot undo
what was asked for.
"""

from collections.abc import Callable

import streamlit as st
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from cues.errors import CuesError
from cues.library.database import why_unreachable
from cues.library.models import Account
from cues.library.sessions import own_session
from cues.web.running import running
from cues.web.sentences import plain
from cues.web.visiting import visitor

SAID, PROBLEM = "said", "problem"
"""Where a sentence for the next run of the page waits, in the session state."""


def do(change: Callable[[Session, Account], object], said: str) -> None:
    """Runs `change` with an open transaction and the account that is signed in now."""
    done(change, said)


def done(change: Callable[[Session, Account], object], said: str) -> bool:
    """The same, and whether it was done."""
    account = visitor()
    if account is not None:
        try:
            with running().library.writing() as db:
                change(db, account)
        except CuesError as problem:
            st.session_state[PROBLEM] = str(problem)
        except OperationalError as problem:
            st.session_state[PROBLEM] = why_unreachable(problem)
        else:
            st.session_state[SAID] = said
            return True
    return False


def do_on_own(session_id: str, change: Callable[[], object], said: str) -> None:
    """Runs `change`, which has transactions of its own, where the session belongs to who is signed in now."""
    account = visitor()
    if account is not None:
        try:
            with running().library.reading() as db:
                own_session(db, account, session_id)
            change()
        except CuesError as problem:
            st.session_state[PROBLEM] = str(problem)
        except OperationalError as problem:
            st.session_state[PROBLEM] = why_unreachable(problem)
        else:
            st.session_state[SAID] = said


def tell() -> None:
    """Shows what the last act came to."""
    with st.container():  # a place of its own: what stands below stays where it is, with what is being written there
        if said := st.session_state.pop(SAID, None):
            st.success(said)
        if problem := st.session_state.pop(PROBLEM, None):
            st.error(plain(problem))
