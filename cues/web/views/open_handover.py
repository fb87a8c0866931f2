"""Opening a file that somebody handed over: bring it in, see what it would change, take it over."""

from dataclasses import dataclass

import streamlit as st

from cues.encryption.passphrases import MOST
from cues.errors import CuesError
from cues.handover.contents import Manifest
from cues.handover.merging import DeletedHere, Merged, NoSupervisor
from cues.handover.opening import inbox, look, open_file, rehearse
from cues.handover.packing import SUFFIX
from cues.library.accounts import become_supervisor
from cues.library.models import Account
from cues.web.components.drop_zone import drop_zone
from cues.web.running import running
from cues.web.sentences import plain
from cues.web.views.acting import do, tell
from cues.web.views.addresses import PAGES, SESSIONS, link_to_session
from cues.web.visiting import visitor

_LOOKED, _NOW, _DONE = "handed over: looked", "handed over: now", "handed over: done"


@dataclass(frozen=True)
class _Looked:
    """A file that was looked into, with what it was opened with."""

    manifest: Manifest
    passphrase: str


def page() -> None:
    """The page, from the drop zone to what was taken over."""
    account = visitor()
    if account is None:
        return
    st.title("Open a handed-over file")
    st.page_link(st.session_state[PAGES][SESSIONS], label="All sessions")
    tell()
    _what_was_done()
    path = inbox(running().library.folder, account.id)
    if not path.exists():
        st.write(
            f"A file that ends in {SUFFIX}, from a trainee or a supervisor who uses this tool on another computer. You "
            "also need the passphrase that they locked it with."
        )
        limit = running().settings.largest_upload
        drop_zone(f"handed-over-{account.id}", "", (SUFFIX,), limit, 1, _come_in, "file")
        return
    st.text(f"A file is here ({max(path.stat().st_size / 1e6, 0.1):.1f} MB).")
    looked: _Looked | None = st.session_state.get(_LOOKED)
    if looked is None:
        with st.form("passphrase"):
            st.text_input("Its passphrase", key="passphrase", max_chars=MOST, autocomplete="off")
            st.form_submit_button("Look into it", type="primary", on_click=_look)
    else:
        _would_change(account, looked)
    st.button("Remove this file", on_click=_forget)


def _come_in() -> None:
    """A file is whole: the page is made again, and finds it."""
    st.session_state.pop(_LOOKED, None)
    st.session_state.pop(_DONE, None)


def _look() -> None:
    account = visitor()
    if account is None:
        return
    passphrase = st.session_state["passphrase"]
    try:
        manifest = look(inbox(running().library.folder, account.id), passphrase)
    except (CuesError, FileNotFoundError) as problem:
        st.session_state["problem"] = str(problem) if isinstance(problem, CuesError) else "The file is gone."
        return
    st.session_state[_LOOKED] = _Looked(manifest, passphrase)


def _forget() -> None:
    account = visitor()
    st.session_state.pop(_LOOKED, None)
    if account is not None:
        inbox(running().library.folder, account.id).unlink(missing_ok=True)


def _would_change(account: Account, looked: _Looked) -> None:
    manifest, library = looked.manifest, running().library
    bring_back = bool(st.session_state.get("bring-back"))
    st.text(f"{manifest.session.title}, {manifest.session.held_on:%-d %B %Y}")
    st.text(f"From {manifest.names[manifest.sender]}, made on {manifest.packed:%-d %B %Y at %H:%M} UTC.")
    try:
        merged = rehearse(library, account, manifest, bring_back)
    except NoSupervisor as problem:
        _offer_to_supervise(account, str(problem))
        return
    except DeletedHere as problem:
        st.warning(f"{plain(problem)} What you had written on it does not come back with the file.")
        st.checkbox("Bring the session back all the same", key="bring-back")
        return
    except CuesError as problem:
        st.error(plain(problem))
        return
    st.markdown("**This would be taken over:**")
    _list(merged)
    st.caption(
        "Whose words these are is as sure as that only the two of you know the passphrase. Nothing that was written "
        "in this library is overwritten."
    )
    st.button("Take it over", type="primary", on_click=_now, disabled=not merged.anything)
    if st.session_state.pop(_NOW, False):
        _take_over(account, looked, bring_back)


def _now() -> None:
    st.session_state[_NOW] = True


def _take_over(account: Account, looked: _Looked, bring_back: bool) -> None:
    """Opens the file. A click meanwhile ends it with nothing changed; once the rows are in, nothing interrupts it."""
    bar = st.progress(0.0, text="Reading the file …")
    library, shown = running().library, 0.0

    def progress(share: float) -> None:
        nonlocal shown
        if share - shown >= 0.02:
            shown = share
            bar.progress(min(share, 1.0), text="Reading the file …")

    path = inbox(library.folder, account.id)
    try:
        manifest, merged = open_file(library, account, path, looked.passphrase, bring_back, progress)
    except CuesError as problem:
        bar.empty()
        st.error(plain(problem))
        return
    st.session_state[_DONE] = (manifest.session.id, merged)
    _forget()
    st.rerun()


def _what_was_done() -> None:
    """What the last file brought, until the next one comes in."""
    done = st.session_state.get(_DONE)
    if done is None:
        return
    session_id, merged = done
    with st.container(border=True):
        st.markdown("**Taken over:**")
        _list(merged)
        link_to_session(session_id, "**Go to the session**")


def _offer_to_supervise(account: Account, problem: str) -> None:
    st.info(plain(problem))
    if account.administrator:
        st.write(
            "This is your own library. Do you supervise other trainees? Then sessions of others can be shown here."
        )
        st.button("I supervise", on_click=do, args=(become_supervisor, "Noted: you supervise."))
    else:
        st.write("Ask your administrator to make you a supervisor.")


def _list(merged: Merged) -> None:
    st.markdown("\n".join(f"- {line}" for line in in_words(merged)))


def in_words(merged: Merged) -> list[str]:
    """What a file brings, a line for each kind."""
    counted = (
        (merged.comments_added, "new comment", ""),
        (merged.comments_changed, "comment", " changed by its author"),
        (merged.comments_deleted, "comment", " deleted by its author"),
        (merged.threads_settled, "thread", " settled"),
        (merged.verdicts, "verdict", " given or changed"),
        (merged.sign_offs, "sign-off", " given or opened again"),
        (merged.practice_points, "point to practise", " chosen or changed"),
    )
    lines = ["a session that is not in this library yet"] if merged.new_session else []
    if merged.details:
        lines.append("details of the session: title, dates, consents or the trainee's own guess")
    if merged.files:
        lines.append(f"what was measured{' and the recording' if merged.recording else ''}")
    lines += [f"{count} {_several(count, what)}{how}" for count, what, how in counted if count]
    if merged.older:
        lines.append("no words: a newer file from the same side was opened before")
    if not lines:
        lines.append("nothing new: all of it is here already")
    if merged.passed_over:
        said = f"{merged.passed_over} {_several(merged.passed_over, 'comment')}"
        lines.append(f"not taken over: {said} by people of this library that differ from what is here")
    return lines


def _several(count: int, what: str) -> str:
    first, _, rest = what.partition(" to ")
    return what if count == 1 else f"{first}s{' to ' + rest if rest else ''}"
