"""Comments on a session: written in the player at a time or a stretch, read and answered here, settled when done."""

from collections.abc import Callable
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
from cues.web.report import player_key
from cues.web.sentences import clock, plain
from cues.web.views.acting import PROBLEM, do, done

if TYPE_CHECKING:
    from cues.web.views.session import Opened

AT_ONCE = 20
"""Threads shown before somebody asks for more: each has several controls."""
CUE_WORDS = {"eye_contact": "eye contact", "forward_lean": "lean", "facial_mirroring": "smiles"}


def for_the_player(threads: list[Thread]) -> list[dict[str, Any]]:
    """Where there are comments, for the timeline."""
    firsts = [thread.first.comment for thread in threads]
    return [{"start": c.start, "end": c.end, "settled": c.resolved is not None} for c in firsts]


def taken(opened: "Opened") -> dict[str, Any]:
    """Of the last comment from the player: `id`, and whether it was `kept`."""
    nothing = {"id": "", "kept": False}
    return dict(st.session_state.get(_taken_key(opened), nothing))


def take(opened: "Opened") -> None:
    """Keeps the comment that the player sent. It sends it again until it is in `taken`: a click that follows quickly
    ends the run of the page that was about to keep it."""
    written = st.session_state[player_key(opened.session.id)].get("comment") or {}
    if written.get("id") == taken(opened)["id"]:
        return
    kept = False
    try:
        change = _addition(opened.session.id, written)
    except (KeyError, TypeError, ValueError):
        st.session_state[PROBLEM] = "The browser sent what is no comment. Load the page again."
    else:
        kept = done(change, "Comment added.")
    st.session_state[_taken_key(opened)] = {"id": written.get("id", ""), "kept": kept}


def _addition(session_id: str, written: dict[str, Any]) -> Callable[[Session, Account], object]:
    return partial(
        add_comment,
        session_id=session_id,
        start=float(written["start"]),
        end=None if written["end"] is None else float(written["end"]),
        text=str(written["text"]),
        cue=written["cue"],
        uid=str(written["id"]),
    )


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


def _taken_key(opened: "Opened") -> str:
    return f"taken-comment-{opened.session.id}"
