"""The report of one session, from top to bottom as a person sees it. It only reads.

Streamlit runs this file anew for every visit (`app.py`). The session's folder is CUES_REPORT, videos/sample/report
when that is not given.
"""

import os
import shlex
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from cues.errors import SessionFolderError
from cues.library.session_folder import StoredSession, read_session
from cues.web import sentences
from cues.web.charts import (
    DARK_INK,
    LIGHT_INK,
    SHARED_SMILES,
    Panel,
    minute_chart,
    panels,
    strips,
    with_shared_smiles,
)

Row = dict[str, Any]

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = "videos/sample/report"
PAGE_PX = 940

# Less empty room above, figures below one another, and small print that is dark enough to read.
STYLE = """<style>
.stMainBlockContainer {padding-top: 2.5rem}
.stTable td {white-space: nowrap; font-variant-numeric: tabular-nums}
[data-testid="stCaptionContainer"] {color: inherit; opacity: 0.8}
</style>"""

HOW_TO_READ = (
    "Percentages are of the time that could be measured, in brackets how far a figure moves when the places and "
    "thresholds behind it are shifted a little. Recordings, postures and faces bring further error that no bracket "
    "shows."
)
WITH_CARE = (
    "**Nobody is graded here.** There is no score, and no figure says how good a conversation was.",
    "**More is not better.** People look away to think, to remember and to give the other room; nobody leans forward "
    "or smiles all the time.",
    "**Norms differ** with culture, neurotype, eyesight, topic and how well two people know each other. Autistic "
    "people, for one, may listen better while looking away. The client is not held against any norm at all.",
    "**The figures describe what was visible, not what was meant.** Notes, thought and distraction look the same, and "
    "so do a polite smile and a happy one.",
    "**One minute says little.** Even measured without any error, eye contact in a minute wanders by about 10 points "
    "by itself: a difference of less than 20 points between two minutes is no finding.",
    "**Leaning is compared with a person's own usual posture** in the same recording. Whoever sits forward all the "
    "time shows about 0.",
    "**Two people smile at the same time by chance, too.** That is why the number that chance gives stands beside "
    "shared smiles. Sadness and concern are not measured.",
)


def page() -> None:
    """The whole page, or one sentence where there is no session to show."""
    st.set_page_config(page_title="Practice session", layout="wide", initial_sidebar_state="collapsed")
    st.html(STYLE)
    named = os.environ.get("CUES_REPORT", "")
    path, folder = Path(named) if named else ROOT / SAMPLE, shlex.quote(named or SAMPLE)
    with st.container(horizontal_alignment="center"), st.container(width=PAGE_PX):
        try:
            session = read_session(path)
        except SessionFolderError as problem:
            st.title("No session to show yet")
            no_session(path, folder, problem)
            return
        report(session, folder)


def no_session(path: Path, folder: str, problem: SessionFolderError) -> None:
    """What to run; `folder` is the session's folder as a command line takes it."""
    if (path / "session.json").exists():
        st.write(str(problem))
        st.write(f"Compute it again: `python -m cues metrics {folder}`")
    else:
        st.write(f"There is no analysed session in `{folder}`.")
        st.write(
            "Run `make run` for the sample session, or analyse a recording: "
            f"`python -m cues analyze VIDEO --out {folder}`"
        )
    st.write("Then load this page again.")


def report(session: StoredSession, folder: str) -> None:
    """Everything that is known of a session; `folder` is its folder as a command line takes it."""
    summary, episodes = session.summary, session.episodes.to_pylist()
    rows = with_shared_smiles(session.minutes.to_pylist())
    people = sorted(summary["people"], key=lambda person: person["role"] != "trainee")
    trainee = people[0]
    ordered = summary | {"people": people}

    st.title("Practice session")
    st.caption(sentences.recorded(summary))
    st.write(sentences.who_is_who(summary))
    if other := sentences.other_way_round(summary, folder):
        st.caption(other)

    st.write(f"**Eye contact.** {sentences.eye_contact(summary, trainee)}")
    st.write(f"**Lean.** {sentences.lean(summary, trainee)}")
    st.write(f"**Smiles.** {sentences.shared_smiles(summary, rows)}")
    st.caption(HOW_TO_READ)

    st.subheader("Minute by minute")
    of_trainee = _rows_of(rows, trainee)
    for panel in panels(trainee, summary["setup"]):
        minutes(of_trainee, panel, "Trainee")
    if len(people) == 2:
        minutes(of_trainee, SHARED_SMILES, "Trainee and client")
    st.caption(
        "A bar is a minute's figure, the thin line its interval. The small box below fills with how much of the minute "
        "could be measured. Grey with a dash: not measured, which is not zero."
        + (" Dotted: how many shared smiles chance alone gives." if len(people) == 2 else "")
    )
    if len(people) == 2:
        client = people[1]
        with st.expander("Details: the client, minute by minute"):
            st.write(f"**Eye contact.** {sentences.eye_contact(summary, client)}")
            st.write(f"**Lean.** {sentences.lean(summary, client)}")
            st.write(f"**Smiling.** {sentences.smiling(summary, client)}")
            for panel in panels(client, summary["setup"]):
                minutes(_rows_of(rows, client), panel, "Client")

    st.subheader("The whole session")
    for strip in strips(ordered, rows, episodes):
        st.altair_chart(strip, width="stretch")
    st.caption(
        "Each bar is a stretch of time with the cue, at its place in the recording"
        + ("; lines join the two smiles of a shared smile. " if len(people) == 2 else ". ")
        + "Hatched: a minute without a figure."
    )
    with st.expander("The minutes as a table"):
        for person in people:
            st.write(f"**{person['role'].capitalize()}**")
            st.table(minute_table(summary, person, _rows_of(rows, person)))
        st.caption("– not measured; ~ measured for less than three quarters of the minute.")

    st.subheader("What could not be measured, and why")
    not_measured(summary, people, rows, folder)

    st.subheader("Reading it with care")
    st.markdown("\n".join(f"- {line}" for line in WITH_CARE))

    with st.expander("How this was measured"):
        measured_how(summary)


def minutes(rows: list[Row], panel: Panel, who: str) -> None:
    """One cue per minute; where no minute has a figure, only why."""
    st.markdown(f"#### {panel.title}")
    why = sentences.reasons(rows, panel.figure, panel.why)
    ink = DARK_INK if st.context.theme.type == "dark" else LIGHT_INK
    if any(row.get(panel.figure) is not None for row in rows):
        st.altair_chart(minute_chart(rows, panel, who, ink), width="stretch")
    for line in why:
        st.caption(f"– {line}")


def minute_table(summary: Row, person: Row, rows: list[Row]) -> pd.DataFrame:
    """The minutes of one person as text, a line each; beside the trainee's the shared smiles, with chance in
    brackets."""
    good = summary["parameters"]["quality"]["coverage_good"]
    columns = {panel.title: [_cell(row, panel, good) for row in rows] for panel in panels(person, summary["setup"])}
    if "facial_mirroring" in summary and person["role"] == "trainee":
        columns["Shared smiles (by chance)"] = [_shared_cell(row) for row in rows]
    return pd.DataFrame(columns, index=pd.Index([row["minute"] for row in rows], name="Minute"))


def _cell(row: Row, panel: Panel, good: float) -> str:
    value, low, high = (row.get(name) for name in (panel.figure, panel.low, panel.high))
    if value is None:
        return "–"
    bar = f" ({low:.0f}–{high:.0f})" if low is not None and high is not None and round(low) != round(high) else ""
    return f"{'~' if (row.get(panel.coverage) or 0) < good else ''}{value:.0f} %{bar}"


def _shared_cell(row: Row) -> str:
    if row["shared_smiles"] is None:
        return "–"
    chance = row["shared_smiles_expected"]
    return f"{row['shared_smiles']}" + (f" ({chance:.1f})" if chance is not None else "")


def not_measured(summary: Row, people: list[Row], rows: list[Row], folder: str) -> None:
    """Every reason once, with whom and which minutes it concerns, then what limits the whole session."""
    lines = []
    for person in people:
        told: dict[str, list[str]] = {}
        for panel in panels(person, summary["setup"]):
            for why in sentences.reasons(_rows_of(rows, person), panel.figure, panel.why):
                told.setdefault(why, []).append(_lowered(panel.title))
        lines += [f"{person['role'].capitalize()}, {', '.join(cues)}. {why}" for why, cues in told.items()]
        lines.append(sentences.places_looked_at(summary, person, folder))
        if sentences.head_only(person):
            lines.append(f"{person['role'].capitalize()}, eye contact. {person['cues']['eye_contact']['why']}")
    if len(people) == 2:
        shared = sentences.reasons(_rows_of(rows, people[0]), SHARED_SMILES.figure, SHARED_SMILES.why)
        lines += [f"Shared smiles. {why}" for why in shared]
    lines = [line for line in [*lines, *sentences.flags(summary)] if line]
    st.markdown("\n".join(f"- {line}" for line in lines) or "Everything could be measured in every minute.")


def measured_how(summary: Row) -> None:
    """Software, models, corrections, and parameters that differ from the usual ones."""
    versions = summary["versions"]
    st.write(
        f"The recording was looked at {summary['rate_hz']:.0f} times a second on this machine; nothing was sent "
        "anywhere. Faces and bodies were found with the models below, and everything else follows from their "
        "positions over time."
    )
    software = ", ".join(f"{name} {version}" for name, version in versions["software"].items())
    models = ", ".join(f"{name} (`{digest[:12]}`)" for name, digest in versions["models"].items())
    st.markdown(f"- Software: {software}\n- Models: {models}")
    for title, lines in (
        ("Corrected by a person", sentences.corrected(summary)),
        ("Parameters that are not the usual ones", sentences.changed_parameters(summary)),
    ):
        st.markdown(f"**{title}**: " + ("none." if not lines else ""))
        st.markdown("\n".join(f"- {line}" for line in lines))


def _rows_of(rows: list[Row], person: Row) -> list[Row]:
    return [row for row in rows if row["person"] == person["person"]]


def _lowered(words: str) -> str:
    return words[:1].lower() + words[1:]


page()
