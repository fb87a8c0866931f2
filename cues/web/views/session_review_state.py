"""Where the review of a session stands: asked for, signed off, and for its trainee who looked at it."""

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st
from sqlalchemy import select

from cues.library.models import Share
from cues.library.reviews import looks_at, open_again, sign_off, sign_offs_of
from cues.web.running import running
from cues.web.sentences import plain
from cues.web.views.acting import do

if TYPE_CHECKING:
    from cues.web.views.session import Opened

_LOOKS_SHOWN = 50


def for_the_reviewer(opened: "Opened") -> None:
    """Whether a review was asked for, and the button that ends it."""
    me, session_id = opened.account, opened.session.id
    with running().library.reading() as db:
        share = db.scalar(
            select(Share).where(Share.session_id == session_id, Share.supervisor_id == me.id, Share.ended.is_(None))
        )
        offs = sign_offs_of(db, me, session_id)
    mine = next((at for name, at in offs if name == me.name), None)
    told = []
    if share is not None and share.asked is not None:
        told.append(f"A review was asked for on {share.asked:%-d %B %Y}.")
    told += [f"{plain(name) if name != me.name else 'You'} signed it off on {at:%-d %B %Y}." for name, at in offs]
    with st.container(horizontal=True, vertical_alignment="center"):
        if told:
            st.caption(" ".join(told), width="content")
        if mine is None:
            change, said = partial(sign_off, session_id=session_id), "Signed off; the trainee sees it."
            words = "You have finished with this session. The trainee sees it; you can open it again."
            st.button("Sign off", on_click=do, args=(change, said), help=words)
        else:
            again = partial(open_again, session_id=session_id)
            st.button("Open it again", on_click=do, args=(again, "Your review is open again."))


def for_the_trainee(opened: "Opened") -> None:
    """Who signed off, and who looked at the session."""
    with running().library.reading() as db:
        offs = sign_offs_of(db, opened.account, opened.session.id)
        looks = looks_at(db, opened.account, opened.session.id)
    if offs:
        st.caption(" ".join(f"{plain(name)} signed this session off on {at:%-d %B %Y}." for name, at in offs))
    with st.popover("Who looked at it"):
        if not looks:
            st.write("Nobody but you so far.")
        for look in looks[:_LOOKS_SHOWN]:
            st.markdown(f"{look.day:%-d %B %Y}: {plain(look.name)}, {look.what}")
