"""The report of one session, from top to bottom as a person sees it. It only reads."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import streamlit as st

from cues.library.session_folder import StoredSession
from cues.web import listening, moments, sentences
from cues.web.charts import (
    DARK_INK,
    LIGHT_INK,
    SHARED_SMILES,
    Panel,
    jump_to,
    minute_chart,
    panels,
    strips,
    with_shared_smiles,
)
from cues.web.components.session_player import session_player
from cues.web.session_routes import overlay_address, timeline_address, video_address
from cues.web.validated import validation_rows

Row = dict[str, Any]

_CUE_OF = {"smile": "facial_mirroring"}
"""Cue of an episode -> the cue that is shared or left out, where the words differ."""

HOW_TO_READ = (
    "Percentages are of the time that could be measured, in brackets how far a figure moves when the places and "
    "thresholds behind it are shifted a little. Recordings, postures and faces bring further error that no bracket "
    "shows."
)
_RENDERED = (
    "Measured on rendered calls with known truth, on real dyads and on public clips; brackets are 95 % intervals. "
    "Rendered faces are not people: expect somewhat more error. "
)
HOW_RIGHT = {
    "split_screen": _RENDERED + "This recording is of the kind these figures stand for.",
    "two_files": _RENDERED + "Two files were tried on few recordings; their common clock adds error to shared smiles.",
    "single": _RENDERED + "For one person alone the same holds for eye contact, lean and smiles.",
    "shared_room": _RENDERED + "Two people in one room were tried on few recordings: experimental.",
}
GUIDE = (41.0, 75.0)
GUIDE_WORDS = (
    "The band goes from 41 % to 75 %: people looked at the other about 41 % of the time while speaking, 75 % while "
    "listening, and 61 % over all (Argyle's figures, quoted from secondary sources; pairs face to face, decades ago). "
    "People and studies differ widely: 25–60 % while speaking and 50–85 % while listening are common. In one set of "
    "video calls with something else on the screen it was 40 % on average, and 22–58 % for two thirds of the people. A "
    "glance that is felt as comfortable lasts about 3 s (Binetti and others 2016, about 500 people). These are "
    "averages of people in studies, not aims: inside the band is not better than outside."
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


@dataclass(frozen=True)
class View:
    """Who looks at which session: `version` changes with its figures; mine: they may correct it; left_out: cues that
    were not shared with them; files: names of its recordings; the rest: of `session_player`, and what stands `beside`
    the sentence of a cue."""

    session_id: str
    version: str
    mine: bool
    left_out: Collection[str]
    files: Sequence[str]
    comments: Sequence[Row] = ()
    taken: Row = field(default_factory=lambda: {"id": "", "kept": False})
    review: Row = field(default_factory=lambda: {"verdicts": [], "undo": "", "redo": "", "taken": ""})
    on_comment: Callable[[], None] = lambda: None
    on_verdict: Callable[[], None] = lambda: None
    beside: Callable[[], Mapping[str, Sequence[str]]] = dict


def first_screen(session: StoredSession, view: View) -> None:
    """The recording with its timeline and the moments, and a sentence for each cue."""
    summary = session.summary
    you = _told_you(summary, view)
    st.caption(sentences.recorded(summary, view.files))
    st.write(sentences.who_is_who(summary, you))
    player(summary, shown_episodes(session, view), view)
    beside = view.beside()
    for cue, (name, sentence) in told_of_the_trainee(session, view).items():
        st.write(f"**{name}.** {sentence}")
        for line in beside.get(cue, ()):
            st.caption(line)
    st.caption(HOW_TO_READ)


def told_of_the_trainee(session: StoredSession, view: View) -> dict[str, tuple[str, str]]:
    """Cue -> its name and a sentence of the trainee; `**` marks what is strong."""
    summary, you = session.summary, _told_you(session.summary, view)
    trainee = next(person for person in summary["people"] if person["role"] == "trainee")
    told = {
        "eye_contact": ("Eye contact", sentences.eye_contact(summary, trainee, you)),
        "forward_lean": ("Lean", sentences.lean(summary, trainee, you)),
        "facial_mirroring": ("Smiles", sentences.shared_smiles(summary, session.minutes.to_pylist(), you)),
        "talk": ("Conversation", sentences.conversation(summary, trainee, you)),
    }
    return {cue: words for cue, words in told.items() if cue not in view.left_out}


def in_depth(session: StoredSession, view: View) -> None:
    """Minute by minute, details, what could not be measured, how to read it and how it was measured."""
    summary, episodes = session.summary, shown_episodes(session, view)
    rows = with_shared_smiles(session.minutes.to_pylist())
    people = sorted(summary["people"], key=lambda person: person["role"] != "trainee")
    trainee, ordered = people[0], summary | {"people": people}

    st.header("Minute by minute")
    of_trainee = _rows_of(rows, trainee)
    with_guides = guide_values(summary, view)
    for panel in shown_panels(trainee, summary, view):
        minutes(of_trainee, panel, "Trainee", GUIDE if with_guides and panel.figure == "eye_contact_pct" else None)
    if len(people) == 2 and SHARED_SMILES.cue not in view.left_out:
        minutes(of_trainee, SHARED_SMILES, "Trainee and client")
    st.caption(
        "A bar is a minute's figure, the thin line its interval. The small box below fills with how much of the minute "
        "could be measured. Grey with a dash: not measured, which is not zero."
        + (" A click moves the recording there." if view.files else "")
        + (" Dotted: how many shared smiles chance alone gives." if len(people) == 2 else "")
    )
    if len(people) == 2:
        with st.expander("Details: the client, minute by minute"):
            _client(summary, people[1], rows, view)
    if summary["speaking"]["why"] is None:
        with st.expander("Details: while listening and while speaking"):
            listening.show(people, rows, view.left_out)
    with st.expander("Details: the whole session on one page"):
        if view.left_out:
            st.write("Not shown where a cue was left out; the timeline above has the others.")
        for strip in strips(ordered, rows, episodes) if not view.left_out else []:
            st.vega_lite_chart(spec=strip, width="stretch")
        st.caption(
            "Each bar is a stretch of time with the cue, at its place in the recording"
            + ("; lines join the two smiles of a shared smile. " if len(people) == 2 else ". ")
            + "Hatched: a minute without a figure."
        )
    with st.expander("Details: the minutes as a table"):
        for person in people:
            st.write(f"**{person['role'].capitalize()}**")
            st.table(minute_table(summary, person, _rows_of(rows, person), view))
        st.caption(
            "– not measured; ~ measured for less than three quarters of the minute. A minute's number moves the "
            "recording there."
        )

    st.header("What could not be measured, and why")
    lines = not_measured(summary, people, rows, view)
    st.markdown("\n".join(f"- {line}" for line in lines))

    st.header("Reading it with care")
    st.markdown("\n".join(f"- {line}" for line in WITH_CARE))

    with st.expander("Details: how right are the figures?"):
        st.write(HOW_RIGHT[summary["setup"]])
        if rows := validation_rows():
            lines = [f"| {row['what']} | {row['figure']} | {row['of']} |" for row in rows]
            st.markdown("\n".join(["| what | figure | of |", "|---|---|---|", *lines]))
    with st.expander("Details: software, models, parameters"):
        measured_how(summary)


def recording_alone(session: StoredSession, view: View) -> None:
    """The recording without anything that was measured of it."""
    st.caption(sentences.recorded(session.summary, view.files))
    player(session.summary, [], view)


def player(summary: Row, episodes: list[Row], view: View) -> None:
    """The recording with its timeline and the moments to look at."""
    if not view.files:
        return
    session_player(
        player_key(view.session_id),
        [video_address(view.session_id, position) for position in range(len(view.files))],
        summary["alignment"],
        timeline_address(view.session_id, view.version),
        overlay_address(view.session_id, view.version),
        moments.all_moments(summary, episodes),
        moments.proposed(summary, episodes, view.session_id),
        list(view.comments),
        view.taken,
        view.review,
        view.on_comment,
        view.on_verdict,
    )


def player_key(session_id: str) -> str:
    """Where the player's state is in the session state."""
    return f"player-{session_id}"


def shown_episodes(session: StoredSession, view: View) -> list[Row]:
    """The episodes without those of cues that were left out."""
    every = session.episodes.to_pylist()
    return [e for e in every if _CUE_OF.get(e["cue"], e["cue"]) not in view.left_out]


def shown_panels(person: Row, summary: Row, view: View) -> list[Panel]:
    """The panels of one person without the cues that were left out."""
    return [panel for panel in panels(person, summary["setup"]) if panel.cue not in view.left_out]


def _client(summary: Row, client: Row, rows: list[Row], view: View) -> None:
    told = {
        "eye_contact": f"**Eye contact.** {sentences.eye_contact(summary, client, _told_you(summary, view))}",
        "forward_lean": f"**Lean.** {sentences.lean(summary, client)}",
        "facial_mirroring": f"**Smiling.** {sentences.smiling(summary, client)}",
        "talk": f"**Conversation.** {sentences.conversation(summary, client)}",
    }
    for cue, sentence in told.items():
        if cue not in view.left_out:
            st.write(sentence)
    for panel in shown_panels(client, summary, view):
        minutes(_rows_of(rows, client), panel, "Client")


def guide_values(summary: Row, view: View) -> bool:
    """Whether typical values from the literature are to be shown: never before somebody asks, never for the client."""
    trainee = next(person for person in summary["people"] if person["role"] == "trainee")
    if "eye_contact" in view.left_out or sentences.head_only(trainee) or len(summary["people"]) < 2:
        return False
    if not st.toggle("Show typical values from studies (trainee's eye contact only)", key=f"guides-{view.session_id}"):
        return False
    st.caption(GUIDE_WORDS)
    return True


def page_ink() -> str:
    """The colour of text and thin lines in a chart, on the page as its reader has it."""
    return DARK_INK if st.context.theme.type == "dark" else LIGHT_INK


def minutes(rows: list[Row], panel: Panel, who: str, guide: tuple[float, float] | None = None) -> None:
    """One cue per minute; where no minute has a figure, only why. guide: a band to draw behind, in per cent."""
    st.markdown(f"### {panel.title}")
    why = sentences.reasons(rows, panel.figure, panel.why)
    ink = page_ink()
    if any(row.get(panel.figure) is not None for row in rows):
        st.vega_lite_chart(spec=minute_chart(rows, panel, who, ink, guide), width="stretch")
    for line in why:
        st.caption(f"– {line}")


def minute_table(summary: Row, person: Row, rows: list[Row], view: View) -> pd.DataFrame:
    """The minutes of one person as text, a line each; beside the trainee's the shared smiles, with chance in
    brackets."""
    good = summary["parameters"]["quality"]["coverage_good"]
    columns = {panel.title: [_cell(row, panel, good) for row in rows] for panel in shown_panels(person, summary, view)}
    shared = "facial_mirroring" in summary and "facial_mirroring" not in view.left_out
    if shared and person["role"] == "trainee":
        columns["Shared smiles (by chance)"] = [_shared_cell(row) for row in rows]
    names = [f"[{row['minute']}]({jump_to(row['start_s'])})" if view.files else row["minute"] for row in rows]
    return pd.DataFrame(columns, index=pd.Index(names, name="Minute"))


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


def not_measured(summary: Row, people: list[Row], rows: list[Row], view: View) -> list[str]:
    """Every reason once, with whom and which minutes it concerns, then what limits the whole session."""
    lines = []
    for person in people:
        told: dict[str, list[str]] = {}
        for panel in shown_panels(person, summary, view):
            for why in sentences.reasons(_rows_of(rows, person), panel.figure, panel.why):
                told.setdefault(why, []).append(_lowered(panel.title))
        lines += [f"{person['role'].capitalize()}, {', '.join(cues)}. {why}" for why, cues in told.items()]
        if "eye_contact" in view.left_out:
            continue
        lines.append(sentences.places_looked_at(summary, person))
        if sentences.head_only(person):
            lines.append(f"{person['role'].capitalize()}, eye contact. {person['cues']['eye_contact']['why']}")
    if len(people) == 2 and SHARED_SMILES.cue not in view.left_out:
        shared = sentences.reasons(_rows_of(rows, people[0]), SHARED_SMILES.figure, SHARED_SMILES.why)
        lines += [f"Shared smiles. {why}" for why in shared]
    flags = [] if view.left_out else sentences.flags(summary)  # they would tell of what was left out
    return [line for line in [*lines, *flags] if line] or ["Everything could be measured in every minute."]


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


def _told_you(summary: Row, view: View) -> bool:
    """Whoever reads is known to be the trainee."""
    return view.mine and not sentences.guessed(summary)


def _rows_of(rows: list[Row], person: Row) -> list[Row]:
    return [row for row in rows if row["person"] == person["person"]]


def _lowered(words: str) -> str:
    return words[:1].lower() + words[1:]
