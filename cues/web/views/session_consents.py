"""The consents of the people on a recording: noting them, and what follows where one is withdrawn."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import streamlit as st
from sqlalchemy import select

from cues.errors import CuesError
from cues.library.consents import PURPOSES, USUAL, enter_consent, withdraw
from cues.library.folders import remove_session_folder
from cues.library.models import Consent
from cues.library.sessions import own_session
from cues.web.running import running
from cues.web.sentences import plain
from cues.web.views.acting import do
from cues.web.views.addresses import SESSIONS, go
from cues.web.views.asking import answered, asks, dialog
from cues.web.visiting import visitor

if TYPE_CHECKING:
    from cues.web.views.session import Opened


def folded(opened: "Opened") -> None:
    """The same, in the report of a session."""
    with st.expander("Consent of each person recorded"):
        show(opened)
        st.caption(
            "Who takes back a single purpose, such as clips for teaching: add a consent of the same person without it. "
            "The last one counts."
        )


def show(opened: "Opened") -> None:
    """The consents, each with a way to withdraw it, and a form for another one."""
    session_id = opened.session.id
    with running().library.reading() as db:
        consents = list(db.scalars(select(Consent).where(Consent.session_id == session_id).order_by(Consent.id)))
    for consent in consents:
        until = f" until {consent.valid_until:%-d %B %Y}" if consent.valid_until else ""
        words = "; ".join(PURPOSES[p] for p in consent.purposes)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.text(f"{consent.person}, {consent.given_on:%-d %B %Y}: {words}{until}", width="stretch")
            if asks("Withdrawn…", f"withdraw-{consent.id}"):
                _withdraw_dialog(opened, consent.id, consent.person)
    st.markdown("[A form to print and sign](/consent-form)")
    with st.form("consent", clear_on_submit=True):
        st.text_input("Who agreed (a name or a code)", max_chars=120, key=f"who-agreed-{session_id}")
        said = PURPOSES.__getitem__
        st.multiselect("To what", list(PURPOSES), list(USUAL), format_func=said, key=f"agreed-to-{session_id}")
        left, right = st.columns(2)
        left.date_input("On", datetime.now(UTC).date(), key=f"agreed-on-{session_id}")
        right.date_input("Until (leave empty for no end)", None, key=f"agreed-until-{session_id}")
        st.form_submit_button("Add this consent", on_click=_enter, args=(session_id,))


def _enter(session_id: str) -> None:
    names = ("who-agreed", "agreed-to", "agreed-on", "agreed-until")
    who, purposes, on, until = (st.session_state[f"{name}-{session_id}"] for name in names)
    do(
        lambda db, me: enter_consent(db, own_session(db, me, session_id), who, purposes, on, until, me.id),
        "Consent noted.",
    )


@dialog("Consent withdrawn")
def _withdraw_dialog(opened: "Opened", consent_id: int, person: str) -> None:
    st.write(
        f"{plain(person)} has withdrawn their consent: the recording and everything measured from it will be deleted "
        "now, for everybody. What was exported before is listed afterwards, so that you can have it deleted there."
    )
    account, library = visitor(), running().library
    if account is not None and st.button("Delete everything of this session", type="primary"):
        try:
            with library.writing() as db:
                taken_out = withdraw(db, account, opened.session.id, consent_id)
        except CuesError:
            answered()
            go(SESSIONS)  # deleted in another tab
        remove_session_folder(library.folder, opened.session.id)
        lines = [f"{deed['at'][:10]}: {deed.get('format', deed['action'])}" for deed in taken_out]
        st.success("Deleted. " + ("Exported before: " + "; ".join(lines) if lines else "Nothing had been exported."))
