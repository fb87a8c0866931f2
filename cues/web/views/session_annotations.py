"""What was corrected in ELAN or BORIS and comes back: what it would change, then, by one click, the verdicts."""

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from cues.annotations.comparing import Changed, Preview, previews
from cues.annotations.document import MOST_BYTES, Document
from cues.annotations.reading import SUFFIXES, read_document
from cues.annotations.taking_over import take_over
from cues.annotations.views import TOOL, tier_name
from cues.errors import CuesError
from cues.export.content import Content, content_of
from cues.library.folders import corrected_file
from cues.library.kept_tiers import Tier, remove_tier
from cues.library.models import new_uid
from cues.review.verdicts import ADD, ADJUST, AGREE, DISAGREE, WITHDRAW, Verdict
from cues.web.charts import jump_to
from cues.web.components.drop_zone import drop_zone
from cues.web.running import running
from cues.web.sentences import clock, plain
from cues.web.views.acting import PROBLEM, do
from cues.web.visiting import visitor

if TYPE_CHECKING:
    from cues.web.views.session import Opened

_COLUMNS = {ADJUST: "Moved", DISAGREE: "Gone", ADD: "New", AGREE: "There again", WITHDRAW: "Taken back"}
_WORDS = {
    ADJUST: "adjust",
    DISAGREE: "disagree: not in your file",
    ADD: "add: new in your file",
    AGREE: "agree: there again, as the tool has it",
    WITHDRAW: "no longer added by you",
}
_SHOWN = 300  # changes that are listed one by one


@dataclass(frozen=True)
class _Brought:
    """A file that was read, or why it could not be; uid: of the act that takes it over."""

    document: Document | None
    problem: str
    uid: str


def show(opened: "Opened") -> None:
    """Folded; the file that is brought in, and what is kept of earlier ones."""
    key = _key(opened.session.id)
    part = st.expander("Bring back what was corrected in ELAN or BORIS", key=f"open-{key}", on_change="rerun")
    if not part.open:
        return
    with part:
        st.write(
            "Take out session.eaf or session.boris above, correct the tool's tiers there, or your own, and drop the "
            "file here. What you moved, removed or added becomes your verdicts, after you have seen it here. An "
            "episode that you left alone gets no verdict: that is not yet agreeing. Other tiers that you made are kept "
            "for you alone, and are in your next file again."
        )
        come_in = partial(_come_in, opened.session.id)
        drop_zone(f"drop-{key}", opened.session.id, SUFFIXES, MOST_BYTES, 1, come_in, "file")
        with running().library.reading() as db:
            content = content_of(db, opened.account, running().library.folder, opened.session.id)
        if content is None:
            return
        if said := st.session_state.pop(_said(opened.session.id), None):
            (st.success if said[1] else st.error)(said[0])
        brought: _Brought | None = st.session_state.get(key)
        if brought is not None:
            with st.container(border=True):
                _would_change(opened, content, brought)
        _kept(opened, content)


def _come_in(session_id: str) -> None:
    """A file is whole: it is read, and does not stay on the disk."""
    account, library = visitor(), running().library
    if account is None:
        return
    paths = [corrected_file(library.folder, session_id, account.id, suffix) for suffix in SUFFIXES]
    there = sorted((path for path in paths if path.exists()), key=lambda path: path.stat().st_mtime)
    document, problem = None, "The file could not be taken in. It may be too large, or the session is gone."
    try:
        if there:
            document, problem = read_document(there[-1]), ""
    except CuesError as refused:
        problem = str(refused)
    for path in there:
        path.unlink(missing_ok=True)
    st.session_state[_key(session_id)] = _Brought(document, problem, new_uid())


def _would_change(opened: "Opened", content: Content, brought: _Brought) -> None:
    try:
        found = [] if brought.document is None else previews(brought.document, content)
        problem = brought.problem
    except CuesError as refused:
        found, problem = [], str(refused)
    if not found or brought.document is None:
        st.error(plain(problem))
        _forget_button(opened)
        return
    chosen = found[0]
    if len(found) > 1:
        names = {one.view: one for one in found}
        st.selectbox("Which tiers in it are yours?", names, format_func=_of_whom, key=_choice(opened, brought))
        chosen = names.get(st.session_state[_choice(opened, brought)], chosen)
    else:
        st.write(f"Read: {plain(_of_whom(chosen.view))}.")
    for note in chosen.notes:
        st.warning(plain(note))
    if chosen.problem:
        st.error(plain(chosen.problem))
        _forget_button(opened)
        return
    _preview(chosen)
    with st.container(horizontal=True):
        count = len(chosen.verdicts)
        change = partial(_take_over, opened.session.id, chosen, content.analysis, brought.uid)
        label = f"Give {_counted(count, 'verdict')}" if count else "Keep the tiers"
        st.button(label, type="primary", on_click=change, disabled=not count and not chosen.kept)
        _forget_button(opened)


def _preview(chosen: Preview) -> None:
    changed = [tier for tier in chosen.tiers if tier.verdicts]
    if changed:
        st.write("**These would be your verdicts:**")
        st.table(pd.DataFrame([_counts(chosen, tier) for tier in changed]).set_index("Tier"))
        lines = [_line(tier, verdict) for tier in changed for verdict in sorted(tier.verdicts, key=lambda v: v.start)]
        with st.container(height=260 if len(lines) > 8 else "content", border=False):
            st.markdown("\n".join(lines[:_SHOWN]))
        if len(lines) > _SHOWN:
            st.caption(f"and {len(lines) - _SHOWN} more")
    else:
        st.write("Nothing that can be judged is different from what is here.")
    if chosen.kept:
        names = ", ".join(f"{plain(tier_name(*tier.key))} ({len(tier.marks)})" for tier in chosen.kept)
        st.markdown(f"**Tiers that would be kept for you**, with their number of annotations: {names}")


def _counts(chosen: Preview, tier: Changed) -> dict[str, str]:
    """Columns that would be empty in every row are left out."""
    words = Counter(verdict.word for verdict in tier.verdicts)
    every = {verdict.word for verdict in chosen.verdicts}
    told = {"Tier": plain(f"{tier.subject} {_kind(tier.lane[2])}")}
    told |= {column: str(words[word]) for word, column in _COLUMNS.items() if word in every}
    return told | {"Untouched": str(tier.untouched)}


def _line(tier: Changed, verdict: Verdict) -> str:
    said = verdict.said or verdict.span
    start, end = min(verdict.start, said[0]), max(verdict.end, said[1])
    link = (
        f"[{_tenths(verdict.start)}–{_tenths(verdict.end)}]({jump_to(round(max(start - 1, 0), 1), round(end + 1, 1))})"
    )
    told = _WORDS[verdict.word]
    if verdict.word == ADJUST:
        told += f" to {_tenths(said[0])}–{_tenths(said[1])}"
    return f"- {link} · {tier.subject} {_kind(tier.lane[2])} · {told}"


def _take_over(session_id: str, chosen: Preview, analysis: str, uid: str) -> None:
    do(partial(take_over, session_id=session_id, preview=chosen, analysis=analysis, uid=uid), "")
    if problem := st.session_state.pop(PROBLEM, None):  # said here, where the button is
        st.session_state[_said(session_id)] = problem, False
        return
    count = _counted(len(chosen.verdicts), "verdict")
    given = f"{count} given, as one act: Undo in the player (v, then z) takes all of it back."
    st.session_state[_said(session_id)] = given if chosen.verdicts else "The tiers are kept.", True
    st.session_state.pop(_key(session_id), None)


def _kept(opened: "Opened", content: Content) -> None:
    if not content.kept:
        return
    st.write("**Kept for you from other programs**")
    for tier in content.kept:
        with st.container(horizontal=True, vertical_alignment="center"):
            count = _counted(len(tier.marks), "annotation")
            st.markdown(f"{plain(tier_name(*tier.key))} · {count}", width="stretch")
            key = f"remove-{opened.session.id}-{tier.key}"
            st.button("Remove", key=key, on_click=_remove, args=(opened.session.id, tier))


def _remove(session_id: str, tier: Tier) -> None:
    do(partial(remove_tier, session_id=session_id, key=tier.key), "The tier is not kept any more.")


def _forget_button(opened: "Opened") -> None:
    st.button("Leave it", on_click=_forget, args=(opened.session.id,))


def _forget(session_id: str) -> None:
    st.session_state.pop(_key(session_id), None)


def _key(session_id: str) -> str:
    return f"corrected-{session_id}"


def _said(session_id: str) -> str:
    return f"corrected-said-{session_id}"


def _choice(opened: "Opened", brought: _Brought) -> str:
    return f"view-{opened.session.id}-{brought.uid}"


def _of_whom(view: str) -> str:
    return "the tool's tiers, corrected in place" if view == TOOL else f"“{view}”"


def _kind(kind: str) -> str:
    return kind.replace("_", " ")


def _tenths(seconds: float) -> str:
    tenths = round(10 * seconds)
    return f"{clock(tenths // 10)}.{tenths % 10}"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
