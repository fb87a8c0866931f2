"""Where the review of a session stands: asked for, signed off, and for its trainee who looked at it."""

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from cues.library.reviews import (
    Look,
    ask_for_review,
    asked_on,
    looks_at,
    open_again,
    sign_off,
    sign_offs_of,
    waits_for,
)
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
        asked, waits = asked_on(db, session_id, me.id), waits_for(db, session_id, me.id)
        offs = sign_offs_of(db, me, session_id)
    told = [
        f"{'You' if off.reviewer_id == me.id else plain(off.name)} signed it off on {off.at:%-d %B %Y}." for off in offs
    ]
    if asked is not None:
        mine = next((off.at for off in offs if off.reviewer_id == me.id), None)
        again = "again " if waits and mine is not None else ""
        told.insert(len(told) if again else 0, f"A review was asked for {again}on {asked:%-d %B %Y}.")
    with st.container(horizontal=True, vertical_alignment="center"):
        if told:
            st.caption(" ".join(told), width="content")
        if waits or all(off.reviewer_id != me.id for off in offs):
            change, said = partial(sign_off, session_id=session_id), "Signed off; the trainee sees it."
            words = "You have finished with this session. The trainee sees it; you can open it again."
            st.button("Sign off", on_click=do, args=(change, said), help=words)
        else:
            again_ = partial(open_again, session_id=session_id)
            st.button("Open it again", on_click=do, args=(again_, "Your review is open again."))


def ask(opened: "Opened", supervisor_id: int, name: str) -> None:
    """For the trainee: whether this supervisor was asked for a review, or the button that asks."""
    session_id = opened.session.id
    with running().library.reading() as db:
        asked, waits = asked_on(db, session_id, supervisor_id), waits_for(db, session_id, supervisor_id)
    if asked is not None and waits:
        st.caption(f"Asked for a review on {asked:%-d %B %Y}.")
        return
    change = partial(ask_for_review, session_id=session_id, supervisor_id=supervisor_id)
    words = f"Ask {plain(name)} {'' if asked is None else 'again '}for a review"
    said = f"{plain(name)} finds it in the inbox."
    st.button(words, key=f"ask-{supervisor_id}", on_click=do, args=(change, said))


def for_the_trainee(opened: "Opened") -> None:
    """Who signed off, and who looked at the session."""
    with running().library.reading() as db:
        offs = sign_offs_of(db, opened.account, opened.session.id)
        looks = looks_at(db, opened.account, opened.session.id)
    if offs:
        st.caption(" ".join(f"{plain(off.name)} signed this session off on {off.at:%-d %B %Y}." for off in offs))
    with st.popover("Who looked at it"):
        if not looks:
            st.write("Nobody but you so far.")
        st.markdown("\n".join(f"- {_line(look)}" for look in looks[:_LOOKS_SHOWN]))
        if len(looks) > _LOOKS_SHOWN:
            st.caption(f"{len(looks) - _LOOKS_SHOWN} earlier ones are not shown.")


def _line(look: Look) -> str:
    did = [words for words, done in (("the report", look.report), ("the recording", look.recording)) if done]
    if look.taken_out:
        named = ", ".join(plain(name) for name in look.taken_out if name)
        did.append(f"took out {named or 'a file'}")
    return f"{look.day:%-d %B %Y}: {plain(look.name)}, {', '.join(did)}"
