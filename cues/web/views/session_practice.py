"""One thing to practise: clips with most and least of a cue to judge together, and what became of it afterwards."""

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from cues.errors import SessionFolderError
from cues.library.folders import session_folder
from cues.library.practice import JUDGED, LONGEST, Point, choose_point, end_point, point_before, point_of
from cues.library.session_folder import StoredSession, read_session
from cues.library.sessions import CUES
from cues.review.clips import OF_EACH, Clip, most_and_least
from cues.web.charts import jump_to
from cues.web.measured import measured_session
from cues.web.progress import LEAST_MINUTES, LINES, band
from cues.web.progress import point_of as figure_of
from cues.web.running import running
from cues.web.sentences import clock, plain
from cues.web.views.acting import do

if TYPE_CHECKING:
    from cues.web.views.session import Opened

_TITLES = {line.cue: line.title for line in LINES}


def show(opened: "Opened", stored: StoredSession) -> None:
    """What was to be practised in this session and what became of it; what is to be practised from now on."""
    with running().library.reading() as db:
        before = point_before(db, opened.account, opened.session)
        chosen = point_of(db, opened.account, opened.session.id)
    if before is not None:
        with st.container(border=True):
            _since(opened, stored, before)
    if chosen is not None:
        with st.container(border=True):
            st.markdown(f"**To practise: {_TITLES[chosen.point.cue].lower()}.**")
            st.text(chosen.point.text)
            st.caption(f"Chosen by {plain(chosen.author)} on {chosen.point.created:%-d %B %Y}.")
            _judged(chosen)
            end = partial(end_point, session_id=opened.session.id)
            st.button("No longer to be practised", on_click=do, args=(end, "It is no longer to be practised."))
    with st.expander("One thing to practise" if chosen is None else "Practise something else"):
        _choose(opened, stored)


def _since(opened: "Opened", stored: StoredSession, before: Point) -> None:
    """The comparison with the session in which the point was chosen, on that point alone."""
    line = next(line for line in LINES if line.cue == before.point.cue)
    st.markdown(f"**To practise since {before.session.held_on:%-d %B %Y}: {line.title.lower()}.**")
    st.text(before.point.text)
    try:
        earlier = read_session(session_folder(running().library.folder, before.session.id))
    except SessionFolderError:
        st.caption("The figures of that session cannot be read.")
        return
    if earlier.summary["setup"] != stored.summary["setup"]:
        st.caption("The two sessions were recorded in different ways, so their figures cannot be compared.")
        return
    points = [
        figure_of(session.id, session.title, session.held_on, _trainees(found), line.column)
        for session, found in ((before.session, earlier), (opened.session, stored))
    ]
    known = [point for point in points if point is not None]
    half = band(known)
    if half is None:
        st.caption(f"It cannot be compared: one of the sessions has fewer than {LEAST_MINUTES} measured minutes.")
        return
    difference = known[1].value - known[0].value
    inside = "inside the band" if abs(difference) <= half else "outside the band"
    st.write(
        f"Then {known[0].value:.0f} %, now {known[1].value:.0f} %: {difference:+.0f} points, {inside} of "
        f"±{half:.0f} within which minutes of one session differ by themselves."
    )
    st.caption("More is not better. Another client and another topic move the figure as well.")


def _trainees(stored: StoredSession) -> list[dict[str, Any]]:
    return [row for row in stored.minutes.to_pylist() if row["role"] == "trainee"]


def _judged(chosen: Point) -> None:
    said = [clip for clip in chosen.point.clips.get("clips", []) if clip["judged"]]
    if said:
        links = (f"[{clock(c['start'])}]({jump_to(c['start'], c['end'])}) {c['judged']}" for c in said)
        st.markdown("Clips that were judged: " + ", ".join(links))


def _choose(opened: "Opened", stored: StoredSession) -> None:
    open_to = [cue for cue in CUES if cue not in opened.left_out]
    if not open_to:
        st.write("No cue of this session is shown to you.")
        return
    st.write(
        f"Choose a cue: {OF_EACH} clips with most of it and {OF_EACH} with least are cut. Look at them together and "
        "judge: more of it is not always better."
    )
    key = f"practise-{opened.session.id}"
    cue = st.selectbox("Cue", open_to, None, format_func=_TITLES.__getitem__, key=f"{key}-cue")
    if cue is None:
        return
    try:
        measured = measured_session(opened.folder).measured
    except SessionFolderError as damage:
        st.write(plain(damage))
        return
    person = next(p["person"] for p in stored.summary["people"] if p["role"] == "trainee")
    most, least = most_and_least(measured, person, cue, stored.summary["duration_s"])
    if not most:
        st.write(
            "There are no clips that differ in this cue: too little of it was measured, or it is alike throughout."
        )
    for words, clips in (("With most of it", most), ("With least of it", least)):
        if clips:
            st.markdown(f"**{words}**")
        for clip in clips:
            _clip(clip, key)
    st.text_input("What exactly? In your own words", max_chars=LONGEST, key=f"{key}-text")
    arguments = (opened.session.id, cue, (*most, *least), key)
    st.button("Practise this", key=f"{key}-choose", on_click=_keep, args=arguments)


def _clip(clip: Clip, key: str) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        link = f"[{clock(clip.start)}–{clock(clip.end)}]({jump_to(clip.start, clip.end)})"
        st.markdown(f"{link} · {100 * clip.share:.0f} % of the time", width="stretch")
        st.segmented_control(
            f"Judge the clip at {clock(clip.start)}",
            JUDGED[1:],
            key=f"{key}-{clip.start}",
            label_visibility="collapsed",
        )


def _keep(session_id: str, cue: str, clips: tuple[Clip, ...], key: str) -> None:
    said = [{**clip.__dict__, "judged": st.session_state.get(f"{key}-{clip.start}") or ""} for clip in clips]
    text = st.session_state[f"{key}-text"]
    do(partial(choose_point, session_id=session_id, cue=cue, text=text, clips=said), "Chosen.")
