"""The cues while listening and while speaking, over the session and minute by minute."""

from collections.abc import Collection
from typing import Any

import pandas as pd
import streamlit as st

from cues.parameters import Parameters
from cues.web.sentences import head_only

Row = dict[str, Any]

_STATES = ("listening", "speaking")


def show(people: list[Row], rows: list[Row], left_out: Collection[str]) -> None:
    """Two tables and what they mean; people as in session.json, the trainee first; rows of minutes.csv."""
    st.write("**Over the whole session**")
    st.table(pd.DataFrame(_session(people, left_out)).set_index(""))
    for person in people:
        st.write(f"**The {person['role']}, minute by minute**")
        st.table(_minutes(person, [row for row in rows if row["person"] == person["person"]], left_out))
    least = Parameters().gaze.speech_state_min_s
    st.caption(
        f"Per cent of the measured time in which the other one speaks alone (listening) or the person does (speaking). "
        f"– : less than {least:.0f} s of it in that time, or less than half of it measured. Looking at somebody who "
        "speaks and looking at them while speaking are different things: most people look more while they listen. In a "
        "minute the two are often a few seconds each, so they wander more than the minute's figure. Where all voices "
        "share one channel of the sound, who speaks is told by the mouths: speech behind a hand or a smile, and two "
        "speaking at once, are found less surely."
    )


def _cues(person: Row, left_out: Collection[str]) -> list[tuple[str, str, str]]:
    """Name, part of the summary, beginning of the columns."""
    gaze = ("Facing the partner", "facing") if head_only(person) else ("Eye contact", "eye_contact")
    every = [
        ("eye_contact", gaze[0], gaze[1], gaze[1]),
        ("forward_lean", "Lean", "lean", "lean_forward"),
        ("facial_mirroring", "Smiling", "smile", "smile"),
    ]
    return [(name, part, column) for cue, name, part, column in every if cue not in left_out]


def _session(people: list[Row], left_out: Collection[str]) -> list[Row]:
    lines = []
    for person in people:
        who = person["role"].capitalize()
        for name, part, column in _cues(person, left_out):
            figures = person["cues"][part]["figures"] or person["cues"][part].get("while_shown") or {}
            told = {state.capitalize(): _percent(figures.get(f"{column}_{state}_pct")) for state in _STATES}
            lines.append({"": f"{who}: {name.lower()}", **told})
            if figures.get("eye_contact_turn_end_pct") is not None:
                share, ends = figures["eye_contact_turn_end_pct"], figures["eye_contact_turn_ends"]
                at = f"{share:.0f} % of {ends}"
                lines.append({"": f"{who}: eye contact at the end of own turns", "Listening": "", "Speaking": at})
    return lines


def _minutes(person: Row, rows: list[Row], left_out: Collection[str]) -> pd.DataFrame:
    columns = {"Speaks": [_percent(row.get("talk_pct")) for row in rows]}
    for name, _, column in _cues(person, left_out):
        for state in _STATES:
            columns[f"{name}, {state}"] = [_percent(row.get(f"{column}_{state}_pct")) for row in rows]
    return pd.DataFrame(columns, index=pd.Index([row["minute"] for row in rows], name="Minute"))


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} %"
