"""A supervisor's inbox: what waits for them, what is new. People are in no order but that of asking, and of dates.

No figure of a cue is on this page: whoever opens a session sees it there, and nobody is held against somebody else.
"""

from collections.abc import Callable

import streamlit as st

from cues.errors import SessionFolderError
from cues.library.folders import session_folder
from cues.library.reviews import NEW, SEEN, SIGNED_OFF, WAITS, Entry, inbox
from cues.library.session_folder import read_session
from cues.metrics.session import SETUP_WORDS
from cues.web.running import running
from cues.web.sentences import clock, plain
from cues.web.views.addresses import link_to_session
from cues.web.visiting import visitor

_GROUPS = {
    WAITS: "Waits for you",
    NEW: "New",
    SEEN: "Seen",
    SIGNED_OFF: "Signed off",
}
_COUNTED = {
    "eye_contact": ("eye contact", "eye_contact_pct"),
    "forward_lean": ("lean", "lean_forward_pct"),
    "facial_mirroring": ("smiles", "smile_pct"),
}
_told: dict[tuple[str, int, tuple[str, ...]], str] = {}
"""What was measured of a session's results as they were last written; they are read once."""


def page() -> None:
    """The page; empty for somebody who is no supervisor any more."""
    account = visitor()
    if account is None or not account.supervisor:
        return
    st.title("Inbox")
    st.caption(
        "Open a session at six moments, two of them drawn at random: about ten minutes. Everything else is under "
        "“all moments” there."
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
        for entry in group:
            _line(entry)


_ORDER: dict[str, Callable[[Entry], float]] = {
    WAITS: lambda e: e.asked.timestamp() if e.asked else 0.0,  # who asked first
    NEW: lambda e: -e.shared.timestamp(),
    SEEN: lambda e: -e.session.held_on.toordinal(),
    SIGNED_OFF: lambda e: -e.session.held_on.toordinal(),
}


def _line(entry: Entry) -> None:
    session = entry.session
    with st.container(border=True):
        link_to_session(session.id, f"**{plain(session.title)}**")
        told = [f"{session.held_on:%-d %B %Y}", plain(entry.trainee)]
        if entry.asked is not None:
            told.append(f"asked for a review on {entry.asked:%-d %B}")
        if entry.new:
            told.append(f"{entry.new} new comment{'s' if entry.new > 1 else ''}")
        if entry.signed_off is not None:
            told.append(f"signed off on {entry.signed_off:%-d %B}")
        st.caption(" · ".join(told))
        st.caption(_measured(entry))


def _measured(entry: Entry) -> str:
    """Setup, length, and in how many minutes each cue that is shown could be measured."""
    folder = session_folder(running().library.folder, entry.session.id)
    try:
        key = (entry.session.id, (folder / "session.json").stat().st_mtime_ns, entry.left_out)
        if key not in _told:
            _told[key] = _read(entry)
        return _told[key]
    except (FileNotFoundError, SessionFolderError):
        return "Not analysed yet."


def _read(entry: Entry) -> str:
    stored = read_session(session_folder(running().library.folder, entry.session.id))
    rows = [row for row in stored.minutes.to_pylist() if row["role"] == "trainee"]
    parts = []
    for cue, (name, column) in _COUNTED.items():
        if cue not in entry.left_out:
            count = sum(row.get(column) is not None for row in rows)
            parts.append(f"{name} in {'all' if count == len(rows) else count or 'none'}")
    setup, length = SETUP_WORDS[stored.summary["setup"]], clock(stored.summary["duration_s"])
    minutes = f"{len(rows)} minute{'s' if len(rows) > 1 else ''}"
    measured = f"; of {minutes} could be measured: {', '.join(parts)}" if parts else ""
    return f"{setup[0].upper()}{setup[1:]}, {length} long{measured}."
