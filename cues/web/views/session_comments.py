"""Comments on a session: at the time where the player stood when one was begun, by everybody who may see it."""

from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from cues.library.comments import LONGEST, add_comment, comments_of, delete_comment
from cues.web.running import running
from cues.web.sentences import clock
from cues.web.views.acting import act

if TYPE_CHECKING:
    from cues.web.views.session import Opened


def show(opened: "Opened", begun_at: float | None) -> None:
    """What was written, by time, and a form where the player has just asked for one."""
    session_id, key = opened.session.id, f"comment-at-{opened.session.id}"
    if begun_at is not None:
        st.session_state[key] = begun_at
    with running().library.reading() as db:
        written = comments_of(db, opened.account, session_id)
    at = st.session_state.get(key)
    if written or at is not None:
        st.header("Comments")
    for comment, author in written:
        with st.container(horizontal=True, vertical_alignment="top"):
            st.caption(f"{clock(comment.start)}", width=60)
            with st.container():
                st.text(comment.text)
                st.caption(author.replace("$", "\\$"))
            if comment.author_id == opened.account.id and st.button("Delete", key=f"delete-comment-{comment.id}"):
                act(partial(delete_comment, comment_id=comment.id), "Comment deleted.")
    if at is None:
        return
    with st.form("comment", clear_on_submit=True):
        text = st.text_area(f"Comment at {clock(at)}", max_chars=LONGEST)
        if st.form_submit_button("Add the comment", type="primary"):
            st.session_state.pop(key)
            act(lambda db, me: add_comment(db, me, session_id, at, None, text), "Comment added.")
