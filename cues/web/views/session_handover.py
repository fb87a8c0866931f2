"""Handing a session over to somebody who runs this tool on another computer, and the answers back."""

from typing import TYPE_CHECKING

import streamlit as st
from sqlalchemy import select

from cues.encryption.passphrases import LEAST, MOST, made_passphrase, usable
from cues.errors import CuesError
from cues.handover.opening import remove_handed_over
from cues.handover.packing import SUFFIX, may_hand_over, pack, video_files
from cues.library.consents import PURPOSES
from cues.library.models import Account, Consent, PracticeSession
from cues.web.made_files import start
from cues.web.running import running
from cues.web.sentences import plain
from cues.web.views.acting import PROBLEM, SAID
from cues.web.views.addresses import SESSIONS, go
from cues.web.views.asking import answered, asks, dialog
from cues.web.views.making import show_made
from cues.web.visiting import visitor

if TYPE_CHECKING:
    from cues.web.views.session import Opened


def show(opened: "Opened") -> None:
    """Folded; for the trainee, and for a reviewer whom the session reached as a file."""
    session_id, library = opened.session.id, running().library
    with library.reading() as db:
        session = db.get(PracticeSession, session_id)
        if session is None or not may_hand_over(db, opened.account, session):
            return
        trainee = db.get_one(Account, session.trainee_id).name
        stored = sum(path.stat().st_size for path in video_files(library.folder, session).values())
        not_agreed = _not_agreed(list(db.scalars(select(Consent).where(Consent.session_id == session_id))))
    title = "Hand over without a server" if opened.mine else "Hand my review back"
    with st.expander(title, expanded=_key(opened) in st.session_state, key=f"open-{_key(opened)}"):
        if opened.mine:
            st.write(
                "For a supervisor who runs this tool on their own computer. You get one file, locked with a "
                "passphrase: give them the file on a stick or by e-mail, and tell them the passphrase another way, "
                "such as on the telephone. Their answer comes back the same way: open it under Sessions."
            )
            st.caption(
                "The file holds everything that was measured, the comments, the consents and your corrections. No cue "
                "can be left out of it, because figures cannot be questioned without what they stand on. To leave "
                "out a cue, share the session with a supervisor who uses the same library."
            )
            if not_agreed:
                st.warning(f"{plain(', '.join(not_agreed))}: no consent to {PURPOSES['supervision']} was noted.")
        else:
            st.text(f"For {trainee}:")
            st.write(
                "One file, locked with a passphrase, with your comments, verdicts and sign-off on this session. "
                "Nothing of the recording is in it. Take the passphrase that you agreed on, or a new one."
            )
        _form(opened, stored)
        show_made(_key(opened), opened.account.id)
        if not opened.mine and asks("Remove this session from my library…", f"remove-{_key(opened)}"):
            _removal_dialog(opened)


def _not_agreed(consents: list[Consent]) -> list[str]:
    agreed = {c.person.lower() for c in consents if "supervision" in c.purposes}
    return sorted({c.person for c in consents if c.person.lower() not in agreed})


def _form(opened: "Opened", stored: int) -> None:
    key = _key(opened)
    _, proposed = st.session_state.setdefault(_proposed(opened), (0, made_passphrase()))
    if opened.mine and stored:
        size = f"{stored / 1e6:.0f} MB" if stored >= 1e6 else "less than 1 MB"
        st.checkbox(f"With the recording ({size})", True, key=f"video-{key}")
    # Proposed as the field's default, not put into its state: that is sent once, and where the page runs again before
    # it was sent, the file would be locked with a passphrase that nobody has seen.
    label, words = f"Passphrase, at least {LEAST} characters", _words(opened)
    st.text_input(label, proposed, key=words, max_chars=MOST, autocomplete="off")
    st.caption("Note it now: without it nobody can open the file, and it is kept nowhere.")
    with st.container(horizontal=True):
        st.button("Make the file", type="primary", key=f"make-{key}", on_click=_make, args=(opened,))
        st.button("Another passphrase", key=f"another-{key}", on_click=_another, args=(opened,))


def _another(opened: "Opened") -> None:
    made_before, _ = st.session_state[_proposed(opened)]
    st.session_state[_proposed(opened)] = made_before + 1, made_passphrase()


def _make(opened: "Opened") -> None:
    key, library = _key(opened), running().library
    video = bool(st.session_state.get(f"video-{key}"))
    try:
        passphrase = usable(st.session_state[_words(opened)])
    except CuesError as problem:
        st.session_state[PROBLEM] = str(problem)
        return
    account, session_id = visitor(), opened.session.id  # as they are now, not as they were when the button was drawn
    if account is None:
        return
    name = f"{'session' if opened.mine else 'review'} of {opened.session.held_on}{SUFFIX}"
    st.session_state[key] = start(
        account.id,
        name,
        lambda path, progress: pack(library, account, session_id, passphrase, path, video, progress),
        {"format": "hand-over", "recording": video},
        (session_id,),
    )


@dialog("Remove this session from your library?")
def _removal_dialog(opened: "Opened") -> None:
    st.write(
        "Everything of it goes from this library, what you wrote here as well. The trainee keeps what is theirs, and "
        "what you handed back."
    )
    account = visitor()
    if account is not None and st.button("Remove it now", type="primary"):
        try:
            remove_handed_over(running().library, account, opened.session.id)
        except CuesError as problem:
            st.error(plain(problem))
            return
        answered()
        st.session_state[SAID] = "The session was removed."
        go(SESSIONS)


def _key(opened: "Opened") -> str:
    return f"handover-{opened.session.id}"


def _proposed(opened: "Opened") -> str:
    return f"proposed-{_key(opened)}"


def _words(opened: "Opened") -> str:
    """Another field for each passphrase that is proposed, because a field keeps what was in it."""
    made_before, _ = st.session_state[_proposed(opened)]
    return f"passphrase-{_key(opened)}-{made_before}"
