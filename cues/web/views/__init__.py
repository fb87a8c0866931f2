"""The pages of the application, one module each; which of them somebody has depends on their roles."""

import streamlit as st
from streamlit.navigation.page import StreamlitPage

from cues.library.models import Account
from cues.web.views import inbox, my_account, open_handover, people, progress, session, sessions, setup_check, trust
from cues.web.views.addresses import OPEN, PAGES, SESSION, SESSIONS, TRUST


def pages_for(account: Account) -> list[StreamlitPage]:
    """The pages of an account; that of one session is reached from the inbox or the list of sessions."""
    only_supervises = account.supervisor and not account.trainee
    found = {}
    if account.supervisor:
        found["inbox"] = st.Page(inbox.page, title="Inbox", url_path="inbox", default=only_supervises)
    found |= {
        SESSIONS: st.Page(sessions.page, title="Sessions", url_path=SESSIONS, default=not only_supervises),
        SESSION: st.Page(session.page, title="Session", url_path=SESSION, visibility="hidden"),
        TRUST: st.Page(trust.page, title="How far to trust", url_path=TRUST, visibility="hidden"),
        OPEN: st.Page(open_handover.page, title="Open a handed-over file", url_path=OPEN, visibility="hidden"),
    }
    if account.trainee:
        found["progress"] = st.Page(progress.page, title="My progress", url_path="progress")
        found["setup"] = st.Page(setup_check.page, title="Check my setup", url_path="setup")
    if account.administrator:
        found["people"] = st.Page(people.page, title="People", url_path="people")
    found["account"] = st.Page(my_account.page, title="My account", url_path="account")
    st.session_state[PAGES] = found
    return list(found.values())
