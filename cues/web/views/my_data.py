"""What is kept of a person: taking a copy of it, deleting it, and the same for who was recorded and has no account."""

import streamlit as st
from sqlalchemy import select

from cues.errors import CuesError
from cues.library.accounts import check_password
from cues.library.consents import withdraw
from cues.library.folders import remove_session_folder
from cues.library.models import Account, PracticeSession
from cues.library.person import Kept, agreed_to, delete_person, recorded_person, write_everything
from cues.web.made_files import start
from cues.web.running import running
from cues.web.sentences import plain
from cues.web.views.acting import SAID
from cues.web.views.addresses import link_to_session
from cues.web.views.asking import answered, asks, dialog
from cues.web.views.making import show_made
from cues.web.visiting import visitor

_MADE = "everything of a person"
_TYPED = "delete everything"


def show(account: Account) -> None:
    """One's own copy, a recorded person's, deleting everything."""
    with st.expander("Everything that is kept of me", expanded=_MADE in st.session_state, key="copy"):
        st.write(
            "One archive (zip) with your account, your sessions with recordings and figures, what you wrote, and what "
            "was done with it; a README inside says what is what. It is not locked: keep it in a safe place."
        )
        st.button("Make the archive", on_click=_make)
        show_made(_MADE, account.id)
    if account.trainee:
        with st.expander("Everything of a person I recorded", key="recorded"):
            _recorded(account)
    with st.expander("Delete everything of me", key="delete"):
        st.write(
            "Your sessions with their recordings and figures, what you wrote anywhere, and your account go, for "
            "everybody and at once. It cannot be undone. What stays: that you were deleted and what was done before, "
            "by number, not by name; and where others answered you, an empty comment above their answer."
        )
        if asks("Delete everything of me…", "delete-me"):
            delete_dialog(account)


def _make() -> None:
    account, library = visitor(), running().library
    if account is None:
        return
    account_id = account.id
    with library.reading() as db:
        sessions = tuple(db.scalars(select(PracticeSession.id).where(PracticeSession.trainee_id == account_id)))
    st.session_state[_MADE] = start(
        account_id,
        "everything that is kept of me.zip",
        lambda path, progress: write_everything(library, account_id, path, progress),
        {"format": "everything of a person"},
        sessions,
    )


def _recorded(account: Account) -> None:
    st.write("For a client who asks what is kept of them, or wants it deleted: by the name or code of their consent.")
    person = st.text_input("Name or code", max_chars=120, key="recorded-person")
    library = running().library
    if not person.strip():
        return
    with library.reading() as db:
        found = recorded_person(db, library.folder, account, person)
    if not found:
        st.write("No session of yours has a consent under this name.")
    for kept in found:
        with st.container(border=True):
            _one(kept)


def _one(kept: Kept) -> None:
    session = kept.session
    link_to_session(session.id, f"**Session of {session.held_on:%-d %B %Y}**")
    for consent in kept.consents:
        until = f" until {consent.valid_until:%-d %B %Y}" if consent.valid_until else ""
        st.text(f"Agreed on {consent.given_on:%-d %B %Y}{until}: {agreed_to(consent)}")
    st.text(f"Recordings: {', '.join(kept.files) or 'none'}")
    st.text("Figures, face and posture tables: " + ("yes" if kept.analysed else "none"))
    until = f"{session.keep_until:%-d %B %Y}" if session.keep_until else "it is deleted"
    st.text(f"Kept until {until}. Taken out of the tool: {'; '.join(kept.taken_out) or 'never'}")
    if asks("Consent withdrawn: delete this session…", f"withdrawn-{session.id}"):
        _withdrawn_dialog(session.id, kept.consents[0].id)


@dialog("Consent withdrawn")
def _withdrawn_dialog(session_id: str, consent_id: int) -> None:
    st.write("The recording and everything measured from it will be deleted now, for everybody.")
    account, library = visitor(), running().library
    if account is not None and st.button("Delete everything of this session", type="primary"):
        try:
            with library.writing() as db:
                taken_out = withdraw(db, account, session_id, consent_id)
        except CuesError as problem:
            st.error(plain(problem))
            return
        remove_session_folder(library.folder, session_id)
        lines = [f"{deed['at'][:10]}: {deed.get('format', deed['action'])}" for deed in taken_out]
        st.success("Deleted. " + ("Taken out before: " + "; ".join(lines) if lines else "Nothing had been taken out."))


@dialog("Delete everything of this person?")
def delete_dialog(person: Account) -> None:
    """Asks for the words, and for one's own password where there is one; then deletes."""
    by = visitor()
    if by is None:
        return
    st.text(f"{person.name}, {person.email}")
    st.write("Their sessions, recordings, comments, verdicts and account are deleted. It cannot be undone.")
    with st.form("delete-everything", border=False):
        typed = st.text_input(f"Type: {_TYPED}", autocomplete="off")
        password = st.text_input("Your password", type="password") if by.password_hash is not None else None
        if not st.form_submit_button("Delete everything now", type="primary"):
            return
    if typed.strip().lower() != _TYPED:
        st.error(f"Type the words “{_TYPED}” into the first field.")
        return
    library = running().library
    try:
        if password is not None and check_password(library, by.email, password, "page") is None:
            st.error("This is not your password.")
            return
        delete_person(library, by, person.id)
    except CuesError as problem:
        st.error(plain(problem))
        return
    answered()
    st.session_state[SAID] = "Everything of this person was deleted."
    st.rerun()
