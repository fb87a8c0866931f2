"""The page of `drop_zone_app`: runs are counted, events are written out, the zone can be taken away."""

import streamlit as st

from cues.web.components.drop_zone import drop_zone

SESSION = "0123456789abcdef" * 2


def heard() -> None:
    told = st.session_state["drop"].uploaded
    st.session_state.setdefault("told", []).append(f"{told['name']} {told['size']} {told['id']}")


st.title("Practice session")
st.session_state["runs"] = st.session_state.get("runs", 0) + 1
st.button("Again")
above = st.checkbox("Text above")
if above:
    st.write("A line that moves the zone down")
if not st.checkbox("Elsewhere"):
    drop_zone("drop", SESSION, (".mp4", ".mov"), 60_000_000, 2, heard)
st.text(f"Run {st.session_state['runs']}")
for line in st.session_state.get("told", []):
    st.text(f"Told: {line}")
