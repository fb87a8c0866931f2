"""Comments on a session: written in the player at a time or a stretch, read and answered here, settled when done."""

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st
from sqlalchemy.orm import Session

from cues.library.comments import (
    LONGEST,
    Thread,
    Written,
    add_comment,
    answer_comment,
    change_comment,
    delete_comment,
    settle_thread,
)
from cues.library.models import Account
from cues.web.charts import jump_to
from cues.web.sentences import clock, plain
from cues.web.views.acting import do

if TYPE_CHECKING:
    from cues.web.views.session import Opened

AT_ONCE = 20
"""Threads shown before somebody asks for more: each has several controls."""
CUE_WORDS = {"eye_contact": "eye contact", "forward_lean": "lean", "facial_mirroring": "smiles"}


def for_the_player(threads: list[Thread]) -> list[dict[str, Any]]:
    """Where there are comments, for the timeline."""
    firsts = [thread.first.comment for thread in threads]
    return [{"start": c.start, "end": c.end, "settled": c.resolved is not None} for c in firsts]


def kept(opened: "Opened") -> str | None:
    """The id of the last comment from the player that was taken."""
    found = st.session_state.get(_kept_key(opened))
    return None if found is None else str(found)


def keep(opened: "Opened", written: dict[str, Any] | None) -> None:
    """Takes the comment that was just written in the player; the page is made again then."""
    if written is None or written["id"] == kept(opened):
        return

    def change(db: Session, me: Account) -> None:
        end = None if written["end"] is None else float(written["end"])
        add_comment(db, me, opened.session.id, float(written["start"]), end, str(written["text"]), written["cue"])
        st.session_state[_kept_key(opened)] = written["id"]

    do(change, "Comment added.")
    st.rerun()


def show(opened: "Opened", threads: list[Thread]) -> None:
    """The threads by time: open ones first, settled ones folded away."""
    if not threads:
        return
    st.header("Comments")
    unsettled = [thread for thread in threads if thread.first.comment.resolved is None]
    settled = [thread for thread in threads if thread.first.comment.resolved is not None]
    _some(opened, unsettled, "open")
    if settled:
        with st.expander(f"Settled ({len(settled)})"):
            _some(opened, settled, "settled")


def _some(opened: "Opened", threads: list[Thread], which: str) -> None:
    key = f"threads-{which}-{opened.session.id}"
    shown = st.session_state.get(key, AT_ONCE)
    for thread in threads[:shown]:
        with st.container(border=True, gap="xsmall"):
            _thread(opened, thread)
    if len(threads) > shown and st.button(f"Show more ({len(threads) - shown})", key=f"more-{key}"):
        st.session_state[key] = shown + AT_ONCE
        st.rerun()


def _thread(opened: "Opened", thread: Thread) -> None:
    first = thread.first.comment
    span = clock(first.start) if first.end is None else f"{clock(first.start)}–{clock(first.end)}"
    about = f" · {CUE_WORDS[first.cue]}" if first.cue else ""
    st.markdown(f"**[{span}]({jump_to(first.start, first.end)})**{about}")
    for written in (thread.first, *thread.answers):
        _one(opened, written)
    with st.container(horizontal=True):
        # Another key after each answer, and after each change: that closes what was open.
        key = f"answer-{first.id}-{len(thread.answers)}"
        with st.popover("Answer", key=f"{key}-open"), st.form(f"{key}-form", border=False):
            st.text_area("Answer", max_chars=LONGEST, key=key)
            st.form_submit_button("Add the answer", on_click=_answer, args=(first.id, key))
        settled = first.resolved is not None
        st.button(
            "Open again" if settled else "Settled",
            key=f"settle-{first.id}",
            on_click=do,
            args=(
                partial(settle_thread, comment_id=first.id, settled=not settled),
                "The comment is open again." if settled else "The comment is settled.",
            ),
        )


def _one(opened: "Opened", written: Written) -> None:
    comment, mine = written.comment, written.comment.author_id == opened.account.id
    with st.container(horizontal=True, vertical_alignment="top"):
        with st.container(gap="xxsmall"):
            if comment.text:
                st.text(comment.text)
            else:
                st.caption("*Deleted by its author.*")
            changed = " · changed" if comment.edited and comment.text else ""
            st.caption(f"{plain(written.author)} · {comment.created:%d %B %Y}{changed}")
        if not mine or not comment.text:
            return
        key = f"change-{comment.id}-{comment.edited}"
        with st.popover("Change", key=f"{key}-open"), st.form(f"{key}-form", border=False):
            st.text_area("Comment", comment.text, max_chars=LONGEST, key=key)
            st.form_submit_button("Save the change", on_click=_change, args=(comment.id, key))
        gone = partial(delete_comment, comment_id=comment.id)
        st.button("Delete", key=f"delete-comment-{comment.id}", on_click=do, args=(gone, "Comment deleted."))


def _answer(comment_id: int, key: str) -> None:
    do(partial(answer_comment, comment_id=comment_id, text=st.session_state[key]), "Answer added.")


def _change(comment_id: int, key: str) -> None:
    do(partial(change_comment, comment_id=comment_id, text=st.session_state[key]), "Comment changed.")


def _kept_key(opened: "Opened") -> str:
    return f"kept-comment-{opened.session.id}"
