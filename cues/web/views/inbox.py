"""A supervisor's inbox: what waits for them, what is new. People are in no order but that of asking, and of dates.

No figure of a cue is on this page: whoever opens a session sees it there, and nobody is held against somebody else.
"""

from collections.abc import Callable

import streamlit as st

from cues.library.folders import session_folder
from cues.library.reviews import NEW, SEEN, SIGNED_OFF, WAITS, Entry, inbox
from cues.web.measurable import in_words, measurable
from cues.web.running import running
from cues.web.sentences import plain
from cues.web.views.addresses import link_to_session
from cues.web.visiting import visitor

_GROUPS = {
    WAITS: "Waits for you",
    NEW: "New",
    SEEN: "Seen",
    SIGNED_OFF: "Signed off",
}
AT_ONCE = 15
"""Lines of a group that are shown before somebody asks for more."""


def page() -> None:
    """The page; empty for somebody who is no supervisor any more."""
    account = visitor()
    if account is None or not account.supervisor:
        return
    st.title("Inbox")
    st.caption(
        "A review is the moments that the player proposes: at most six, two of them drawn at random, about ten "
        "minutes. Everything else stands there under “all”."
    )
    with running().library.reading() as db:
        entries = inbox(db, account)
    if not entries:
        st.write("Nothing is shared with you at the moment.")
        return
    words = st.text_input("Search", placeholder="Title, person or date", label_visibility="collapsed").lower()
    shown = [e for e in entries if words in f"{e.session.title} {e.trainee} {e.session.held_on:%d %B %Y}".lower()]
    if not shown:
        st.write("No session fits this search.")
    for state, title in _GROUPS.items():
        group = sorted((e for e in shown if e.state == state), key=_ORDER[state])
        if group:
            st.header(f"{title} ({len(group)})")
            _some(group, f"inbox-{state}")


_ORDER: dict[str, Callable[[Entry], float]] = {
    WAITS: lambda e: e.asked.timestamp() if e.asked else 0.0,  # who asked first
    NEW: lambda e: -e.shared.timestamp(),
    SEEN: lambda e: -e.session.held_on.toordinal(),
    SIGNED_OFF: lambda e: -e.session.held_on.toordinal(),
}


def _some(entries: list[Entry], key: str) -> None:
    shown = st.session_state.get(key, AT_ONCE)
    for entry in entries[:shown]:
        _line(entry)
    if len(entries) > shown:
        st.button(f"Show more ({len(entries) - shown})", key=f"more-{key}", on_click=_more, args=(key, shown))


def _line(entry: Entry) -> None:
    session = entry.session
    with st.container(border=True, gap="xxsmall"):
        link_to_session(session.id, f"**{plain(session.title)}**")
        told = [plain(entry.trainee), f"{session.held_on:%-d %B %Y}"]
        if entry.state == WAITS and entry.asked is not None:
            told.append(f"**asked for a review on {entry.asked:%-d %B %Y}**")
        if entry.new:
            told.append(f"{entry.new} new comment{'s' if entry.new > 1 else ''}")
        if entry.signed_off is not None:
            told.append(f"signed off on {entry.signed_off:%-d %B %Y}")
        st.caption(" · ".join(told) + "  \n" + _measured(entry))


def _more(key: str, shown: int) -> None:
    st.session_state[key] = shown + AT_ONCE


def _measured(entry: Entry) -> str:
    """Setup, length, and in how many minutes each cue that is shown could be measured."""
    found = measurable(session_folder(running().library.folder, entry.session.id))
    if found is None:
        return "Not analysed yet."
    words = in_words(found, entry.left_out)
    return f"{found.recorded}" + (f" · measured: {words}" if words else "")
