"""How was this measured? Pictures of judged moments, the map of gaze, the posture that lean is measured from."""

from html import escape
from typing import TYPE_CHECKING

import streamlit as st

from cues.errors import SessionFolderError
from cues.metrics.session import SessionCues
from cues.web.evidence import JUDGED, gaze_chart, lean_chart, stills
from cues.web.measured import measured_session
from cues.web.report import View, page_ink
from cues.web.sentences import clock, plain
from cues.web.session_routes import still_address

if TYPE_CHECKING:
    from cues.web.views.session import Opened


def show(opened: "Opened", view: View) -> None:
    """Opened on demand: until then nothing of it is computed."""
    st.header("How was this measured?")
    if not st.toggle("Show pictures, the map of gaze and the usual posture", key=f"evidence-{view.session_id}"):
        return
    try:
        metrics = measured_session(opened.folder)
    except SessionFolderError as problem:
        st.error(plain(problem))
        return
    ink = page_ink()
    roles = metrics.corrected.roles
    for person in sorted(metrics.measured.people, key=lambda p: roles[p] != "trainee"):
        st.markdown(f"### {roles[person].capitalize()}")
        if "eye_contact" not in view.left_out:
            _eye_contact(metrics, person, view, ink)
        if "forward_lean" not in view.left_out:
            chart = lean_chart(metrics, person, ink)
            if chart is not None:
                st.vega_lite_chart(spec=chart, width="stretch")
                st.caption("Grey: distance from the lens. Dashed: the usual posture, from which lean is measured.")


def _eye_contact(metrics: SessionCues, person: int, view: View, ink: str) -> None:
    shown = stills(metrics, person)
    parts = []
    for judged in JUDGED.values():
        pictures = "".join(
            f'<img src="{still_address(view.session_id, person, still.time)}" loading="lazy" height="96" '
            f'alt="{judged} at {clock(still.time)}" style="border-radius:3px;margin:0 .35rem .35rem 0">'
            for still in shown
            if still.judged == judged
        )
        if pictures:
            parts.append(f"<p style='margin:.4rem 0 .2rem'>Judged “{escape(judged)}”</p><div>{pictures}</div>")
    st.html("".join(parts))
    chart = gaze_chart(metrics, person, ink)
    if chart is not None:
        st.vega_lite_chart(spec=chart, width="content")
        st.caption("Darker: looked at more. The ring is the partner's zone.")
