"""For administrators: accounts, invitations, what is stored. Never the content of a session."""

import streamlit as st
from sqlalchemy import func, select

from cues.errors import CuesError
from cues.library.accounts import INVITATION_LASTS, Roles, create_account, invite, is_from_file, sign_out_everywhere
from cues.library.deeds import record
from cues.library.models import Account, PracticeSession, Recording
from cues.web.running import running
from cues.web.views.acting import SAID
from cues.web.views.my_data import delete_dialog
from cues.web.visiting import visitor


def page() -> None:
    """The page; empty for somebody who is no administrator any more."""
    account = visitor()
    if account is None or not account.administrator:
        return
    st.title("People")
    st.caption("Accounts and storage. What is in a session is seen by its trainee and by whom they share it with.")
    if link := st.session_state.pop("invitation", None):
        name, address = link
        days = INVITATION_LASTS.days
        st.success(f"Give {name} this link yourself; it works once, for {days} days. It is shown only now.")
        st.code(address, language=None)
    if said := st.session_state.pop(SAID, None):
        st.success(said)
    if problem := st.session_state.pop("problem", None):
        st.error(problem)
    _invite_form(account)
    _accounts(account)


def _invite_form(account: Account) -> None:
    with st.form("invite"):
        st.header("Invite somebody")
        name = st.text_input("Name", max_chars=120)
        email = st.text_input("E-mail address", max_chars=254)
        roles = st.multiselect("Roles", ["trainee", "supervisor", "administrator"], default=["trainee"])
        if not st.form_submit_button("Make an invitation", type="primary"):
            return
    try:
        with running().library.writing() as db:
            made = create_account(db, email, name, Roles(**dict.fromkeys(roles, True)))
            token = invite(db, account, made)
    except CuesError as problem:
        st.session_state["problem"] = str(problem)
    else:
        st.session_state["invitation"] = (made.name, f"{_address()}/invitation/{token}")
    st.rerun()


def _accounts(account: Account) -> None:
    with running().library.reading() as db:
        accounts = list(db.scalars(select(Account).order_by(Account.id)))
        sizes = (
            select(PracticeSession.trainee_id, func.sum(Recording.size))
            .join(Recording, Recording.session_id == PracticeSession.id)
            .group_by(PracticeSession.trainee_id)
        )
        stored = {row[0]: row[1] for row in db.execute(sizes)}
    st.header("Accounts")
    for one in (one for one in accounts if not is_from_file(one)):
        with st.container(border=True):
            words, acts = st.columns([3, 2], vertical_alignment="center")
            roles = [r for r in ("trainee", "supervisor", "administrator") if getattr(one, r)]
            words.text(f"{one.name}, {one.email}")
            state = "" if one.active else "closed · "
            words.caption(f"{state}{', '.join(roles)} · {stored.get(one.id, 0) / 1e6:.0f} MB")
            if one.id != account.id:
                acts.button("New invitation", key=f"invite-{one.id}", on_click=_again, args=(one.id,))
                label = "Close the account" if one.active else "Open the account again"
                acts.button(label, key=f"close-{one.id}", on_click=_switch, args=(one.id,))
                if acts.button("Delete everything…", key=f"delete-{one.id}"):
                    delete_dialog(one)
    _from_files([one for one in accounts if is_from_file(one)])


def _from_files(known: list[Account]) -> None:
    if known:
        st.subheader("Known from files")
        st.caption("Named in files that were handed over; they cannot sign in here. They go with what came with them.")
        for one in known:
            st.text(one.name)


def _again(account_id: int) -> None:
    by = visitor()  # as they are now, not as they were when the button was drawn
    if by is None or not by.administrator:
        return
    with running().library.writing() as db:
        one = db.get_one(Account, account_id)
        token = invite(db, by, one)
    st.session_state["invitation"] = (one.name, f"{_address()}/invitation/{token}")


def _switch(account_id: int) -> None:
    """Closes an account, or opens it: who is closed is signed out at once, and nothing of theirs is deleted."""
    by = visitor()
    if by is None or not by.administrator:
        return
    with running().library.writing() as db:
        one = db.get_one(Account, account_id)
        one.active = not one.active
        if not one.active:
            sign_out_everywhere(db, one.id)
        record(db, by.id, "open account" if one.active else "close account", details={"account": one.id})


def _address() -> str:
    return running().settings.public_address or f"http://127.0.0.1:{st.get_option('server.port')}"
