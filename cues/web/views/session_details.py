"""The head of a session's page: title, date, how long it is kept; sharing; deleting."""

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st
from sqlalchemy import select

from cues.errors import CuesError
from cues.library.folders import remove_session_folder
from cues.library.models import Account, Comment, Consent, PracticeSession, Share
from cues.library.sessions import (
    CUES,
    change_session,
    delete_session,
    own_session,
    share_session,
    take_back,
)
from cues.web.running import running
from cues.web.sentences import plain
from cues.web.views import session_review_state
from cues.web.views.acting import do
from cues.web.views.addresses import SESSIONS, go
from cues.web.views.asking import answered, asks, dialog
from cues.web.visiting import visitor

if TYPE_CHECKING:
    from cues.web.views.session import Opened

_CUE_WORDS = {"eye_contact": "eye contact", "forward_lean": "lean", "facial_mirroring": "smiles and shared smiles"}


def heading(opened: "Opened") -> None:
    """Title and date, and for the trainee whose session it is what they can do with it."""
    session = opened.session
    st.title(plain(session.title))
    kept = f"kept until {session.keep_until:%-d %B %Y}" if session.keep_until else "kept until you delete it"
    if not opened.mine:
        st.caption(f"{session.held_on:%-d %B %Y} · shared with you")
        session_review_state.for_the_reviewer(opened)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(f"{session.held_on:%-d %B %Y} · {kept}", width="content")
        with st.popover("Details"):
            _details_form(session)
        with st.popover("Share"):
            _sharing(opened)
        session_review_state.for_the_trainee(opened)
        if asks("Delete…", f"delete-{session.id}"):
            _delete_dialog(session)


def _details_form(session: PracticeSession) -> None:
    with st.form("details", border=False):
        st.text_input("Title", session.title, max_chars=200, key=f"title-{session.id}")
        st.date_input("Date of the session", session.held_on, key=f"held-on-{session.id}")
        st.checkbox("Keep until I delete it", session.keep_until is None, key=f"for-ever-{session.id}")
        st.date_input("Keep until", session.keep_until or "today", key=f"keep-until-{session.id}")
        st.form_submit_button("Save", on_click=_save, args=(session.id,))


def _save(session_id: str) -> None:
    title, held_on, for_ever, until = (
        st.session_state[f"{name}-{session_id}"] for name in ("title", "held-on", "for-ever", "keep-until")
    )
    keep = None if for_ever else until
    do(partial(change_session, session_id=session_id, title=title, held_on=held_on, keep_until=keep), "Saved.")


def _sharing(opened: "Opened") -> None:
    session = opened.session
    with running().library.reading() as db:
        supervisors = list(db.scalars(select(Account).where(Account.supervisor, Account.active).order_by(Account.name)))
        running_shares = select(Share).where(Share.session_id == session.id, Share.ended.is_(None))
        shares = {share.supervisor_id: share for share in db.scalars(running_shares)}
    others = [one for one in supervisors if one.id != session.trainee_id]
    if not others:
        st.write("There is no supervisor in this library yet; an administrator can invite one.")
        return
    for one in others:
        if one.id in shares:
            without = ", ".join(_CUE_WORDS[cue] for cue in shares[one.id].left_out)
            st.write(f"{plain(one.name)} sees this session" + (f", without {without}." if without else "."))
            with st.container(horizontal=True):
                session_review_state.ask(opened, one.id, one.name)
                back = partial(take_back, session_id=session.id, supervisor_id=one.id)
                said = f"{plain(one.name)} sees it no longer."
                st.button(f"Take it back from {plain(one.name)}", key=f"back-{one.id}", on_click=do, args=(back, said))
    with st.form("share", border=False):
        st.selectbox("Share with", others, format_func=lambda a: a.name, key=f"share-with-{session.id}")
        st.multiselect(
            "Leave out, without giving a reason",
            CUES,
            format_func=_CUE_WORDS.__getitem__,
            key=f"leave-out-{session.id}",
        )
        st.caption(
            "They will see: the recording with its sound, the timeline and the minutes of both people, the moments, "
            "the comments, your corrections, and how it was measured; not the cues left out here. They cannot change "
            "or delete anything, and you can take it back at any time."
        )
        st.form_submit_button("Share", on_click=_share, args=(session.id,))


def _share(session_id: str) -> None:
    who, left_out = st.session_state[f"share-with-{session_id}"], st.session_state[f"leave-out-{session_id}"]
    share = partial(share_session, session_id=session_id, supervisor_id=who.id, left_out=left_out)
    do(share, f"Shared with {plain(who.name)}.")


@dialog("Delete this session?")
def _delete_dialog(session: PracticeSession) -> None:
    with running().library.reading() as db:
        recordings = db.get_one(PracticeSession, session.id).recordings
        megabytes = sum(r.size for r in recordings) / 1e6
        comments, consents = (
            db.query(table).where(table.session_id == session.id).count() for table in (Comment, Consent)
        )
    st.write(
        f"This removes the recording ({megabytes:.0f} MB), everything that was measured, {comments} comments and "
        f"{consents} consents, for everybody. It cannot be undone. That it was deleted, and by whom, stays on record."
    )
    if st.button("Delete it now", type="primary"):
        answered()
        remove(session.id, "deleted by the trainee")
        go(SESSIONS)


def remove(session_id: str, why: str) -> None:
    """Deletes a session of the visitor: rows first, then files."""
    account, library = visitor(), running().library
    if account is None:
        return
    try:
        with library.writing() as db:
            delete_session(db, account.id, own_session(db, account, session_id), why)
    except CuesError:
        return  # deleted in another tab
    remove_session_folder(library.folder, session_id)
