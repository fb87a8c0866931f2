"""Who is looking at the page that this script run makes, and in which library."""

import streamlit as st

from cues.library.accounts import signed_in
from cues.library.models import Account
from cues.web.gate import COOKIE
from cues.web.running import running


def visitor() -> Account | None:
    """The account that is signed in in this browser, asked of the database in every run: an open page does not outlive
    its sign-in."""
    token = st.context.cookies.get(COOKIE)
    with running().library.reading() as db:
        found = signed_in(db, token)
        return None if found is None else found.account
