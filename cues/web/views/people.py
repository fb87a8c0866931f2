"""For administrators: accounts, invitations, what is stored. Never the content of a session."""

import streamlit as st
from sqlalchemy import func, or_, select

from cues.errors import CuesError
from cues.library.accounts import INVITATION_LASTS, Roles, create_account, from_file, invite, sign_out_everywhere
from cues.library.deeds import deeds_of_library, in_words, record
from cues.library.models import Account, Deed, PracticeSession, Recording
from cues.web.running import running
from cues.web.sentences import plain
from cues.web.views.acting import SAID
from cues.web.views.asking import asks
from cues.web.views.my_data import delete_dialog
from cues.web.visiting import visitor

_SHOWN = 50
AT_ONCE = 40
"""Accounts that are shown before somebody asks for more."""
_MOST = "people-shown"


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
        st.success(f"Give {plain(name)} this link yourself; it works once, for {days} days. It is shown only now.")
        st.code(address, language=None)
    if said := st.session_state.pop(SAID, None):
        st.success(said)
    if problem := st.session_state.pop("problem", None):
        st.error(plain(problem))
    _invite_form(account)
    _accounts(account)
    _library()


def _library() -> None:
    """Backups, restores, keys: what was done with the library as a whole."""
    with running().library.reading() as db:
        deeds = deeds_of_library(db, _SHOWN)
    if deeds:
        st.header("What was done with the library")
        rows = [
            {
                "when (UTC)": f"{deed.at:%Y-%m-%d %H:%M}",
                "who": deed.details.get("by", ""),
                "what": in_words(deed),
                "more": _more(deed),
            }
            for deed in deeds
        ]
        st.dataframe(rows, hide_index=True)


def _more(deed: Deed) -> str:
    told = {"to": "into", "until": "kept until", "made": "of", "deleted_again": "sessions deleted again"}
    told |= {"locked_by": "locked with a"}
    return ", ".join(f"{words} {deed.details[name]}" for name, words in told.items() if name in deed.details)


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
    st.header("Accounts")
    words = st.text_input("Search", placeholder="Name or e-mail address", label_visibility="collapsed")
    most = st.session_state.get(_MOST, AT_ONCE)
    wanted = or_(Account.name.icontains(words, autoescape=True), Account.email.icontains(words, autoescape=True))
    with running().library.reading() as db:
        found = select(Account).where(wanted, ~from_file()).order_by(Account.id)
        accounts = list(db.scalars(found.limit(most + 1)))
        known = list(db.scalars(select(Account.name).where(from_file()).order_by(Account.id).limit(_SHOWN)))
        sizes = (
            select(PracticeSession.trainee_id, func.sum(Recording.size))
            .join(Recording, Recording.session_id == PracticeSession.id)
            .where(PracticeSession.trainee_id.in_([one.id for one in accounts]))
            .group_by(PracticeSession.trainee_id)
        )
        stored = {row[0]: row[1] for row in db.execute(sizes)}
    if not accounts:
        st.write("Nobody fits this search.")
    for one in accounts[:most]:
        with st.container(border=True):
            roles = [r for r in ("trainee", "supervisor", "administrator") if getattr(one, r)]
            st.text(f"{one.name}, {one.email}")
            state = "" if one.active else "closed · "
            st.caption(f"{state}{', '.join(roles)} · {stored.get(one.id, 0) / 1e6:.0f} MB")
            if one.id != account.id:
                acts = st.container(horizontal=True)
                acts.button("New invitation", key=f"invite-{one.id}", on_click=_again, args=(one.id,))
                label = "Close the account" if one.active else "Open the account again"
                acts.button(label, key=f"close-{one.id}", on_click=_switch, args=(one.id,))
                if asks("Delete everything…", f"delete-{one.id}", acts):
                    delete_dialog(one)
    if len(accounts) > most:
        st.button("Show more", key="more-people", on_click=_more_people)
    _from_files(known)


def _more_people() -> None:
    st.session_state[_MOST] = st.session_state.get(_MOST, AT_ONCE) + AT_ONCE


def _from_files(known: list[str]) -> None:
    if known:
        st.subheader("Known from files")
        st.caption("Named in files that were handed over; they cannot sign in here. They go with what came with them.")
        for name in known:
            st.text(name)


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
