"""One's own account: who one is, how much is stored, what was done with one's sessions, signing out everywhere."""

from functools import partial

import streamlit as st
from sqlalchemy import select

from cues.library.accounts import PASSWORD_LEAST, AccountError, check_password, set_password
from cues.library.deeds import in_words
from cues.library.guesses import ask_me_first
from cues.library.models import Account, Deed, PracticeSession
from cues.library.recordings import bytes_of
from cues.web.running import running
from cues.web.sentences import plain
from cues.web.views import my_data
from cues.web.views.acting import do, tell
from cues.web.visiting import visitor

_SHOWN = 200


def page() -> None:
    """The page."""
    account = visitor()
    if account is None:
        return
    library = running().library
    roles = [name for name in ("trainee", "supervisor", "administrator") if getattr(account, name)]
    with library.reading() as db:
        stored = bytes_of(db, account)
        mine = select(PracticeSession.id).where(PracticeSession.trainee_id == account.id)
        deeds = list(db.scalars(select(Deed).where(Deed.session_id.in_(mine)).order_by(Deed.id.desc()).limit(_SHOWN)))
        titles = {row[0]: row[1] for row in db.execute(select(PracticeSession.id, PracticeSession.title))}
        names = {row[0]: row[1] for row in db.execute(select(Account.id, Account.name))}
    st.title("My account")
    tell()
    st.write(
        f"{plain(account.name)}, {plain(account.email)}: {', '.join(roles)}. Recordings stored: {stored / 1e6:.0f} MB."
    )
    st.html('<a href="/sign-out" target="_self">Sign out</a>')
    if account.password_hash is not None:
        _change_password(account)
    my_data.show(account)
    if account.trainee:
        st.checkbox(
            "Ask me what I think before showing me the figures of a session",
            account.guesses_first,
            key="guesses-first",
            on_change=_switch_guesses,
        )
        st.header("What was done with my sessions")
        if not deeds:
            st.write("Nothing yet.")
            return
        st.dataframe(
            [
                {
                    "when (UTC)": f"{deed.at:%Y-%m-%d %H:%M}",
                    "who": names.get(deed.account_id or 0, "the program"),
                    "what": in_words(deed),
                    "session": titles.get(deed.session_id or "", "deleted"),
                }
                for deed in deeds
            ],
            hide_index=True,
        )


def _switch_guesses() -> None:
    wanted = st.session_state["guesses-first"]
    do(
        partial(ask_me_first, wanted=wanted),
        "You will be asked first." if wanted else "You will not be asked any more.",
    )


def _change_password(account: Account) -> None:
    with st.expander("Change the password"), st.form("password", clear_on_submit=True):
        old = st.text_input("Password now", type="password", autocomplete="current-password")
        new = st.text_input(
            f"New password, at least {PASSWORD_LEAST} characters", type="password", autocomplete="new-password"
        )
        if not st.form_submit_button("Change it and sign out everywhere"):
            return
        library = running().library
        try:
            if check_password(library, account.email, old, "page") is None:
                st.error("This is not your password.")
                return
            with library.writing() as db:
                set_password(db, db.get_one(Account, account.id), new)
        except AccountError as problem:
            st.error(plain(problem))
            return
        st.success("Changed. [Sign in again](/sign-in).")
