"""Verdicts on a session's page: what the player shows and sends, what they make of the figures, how far people agree.

Everybody draws on the timeline their own verdicts only: who sees another's first is led by them. Behind "Details" stand
all of them, beside the tool.
"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st
from sqlalchemy.orm import Session

from cues.errors import SessionFolderError
from cues.library.models import Account
from cues.library.session_folder import StoredSession
from cues.library.verdicts import Reviewer, give, redo, undo, verdicts_of
from cues.parameters import Parameters
from cues.review.agreement import COLLAR_S, EVENT_IOU, Agreement, agreement
from cues.review.figures import FIGURES, reviewed_minutes, reviewed_session
from cues.review.verdicts import JUDGED, Verdict, attach, reviewed_episodes
from cues.web.charts import jump_to, review_strips
from cues.web.measured import measured_session
from cues.web.report import player_key
from cues.web.running import running
from cues.web.sentences import plain
from cues.web.views.acting import PROBLEM, do
from cues.web.views.addresses import PAGES, TRUST

if TYPE_CHECKING:
    from cues.web.views.session import Opened

Row = dict[str, Any]

_TAKEN = "taken-act"
_COLUMNS = {
    "eye_contact_pct": ("eye_contact", "Eye contact"),
    "lean_forward_pct": ("forward_lean", "Leaning forward"),
    "lean_back_pct": ("forward_lean", "Leaning back"),
    "smile_pct": ("facial_mirroring", "Smiling"),
}
"""Column -> the cue that it belongs to where people read, and its name."""
_LANES = {
    "Eye contact": (("eye_contact", "eye_contact"),),
    "Leaning forward": (("forward_lean", "forward"), ("forward_lean", "head_forward")),
    "Leaning back": (("forward_lean", "back"),),
    "Smiling": (("smile", "smile"),),
}


def reviewers_of(opened: "Opened") -> list[Reviewer]:
    """Everybody whose verdicts this visitor may see."""
    with running().library.reading() as db:
        return verdicts_of(db, opened.account, opened.session.id)


def for_the_player(opened: "Opened", stored: StoredSession, reviewers: list[Reviewer]) -> Row:
    """The visitor's own verdicts, at the episodes as they are now."""
    mine = next((one for one in reviewers if one.account_id == opened.account.id), None)
    taken = st.session_state.get(_TAKEN, "")
    if mine is None:
        return {"verdicts": [], "undo": "", "redo": "", "taken": taken}
    episodes = stored.episodes.to_pylist()
    attached = attach(mine.verdicts, episodes)
    shown = [{**verdict.__dict__, **_ends(episodes[index])} for index, verdict in attached.of.items()]
    shown += [verdict.__dict__ for verdict in attached.added]
    return {"verdicts": shown, "undo": mine.last, "redo": mine.undone, "taken": taken}


def take(opened: "Opened", analysis: str) -> None:
    """Does what the player sent. It sends an act again until it is in `taken`, and then the next: a click that follows
    quickly ends the run of the page that was about to do the one before."""
    act = st.session_state[player_key(opened.session.id)].get("verdict") or {}
    if act.get("id") == st.session_state.get(_TAKEN, ""):
        return
    try:
        change = _change(opened.session.id, act, analysis)
    except (KeyError, TypeError, ValueError):
        st.session_state[PROBLEM] = "The browser sent what is no verdict. Load the page again."
    else:
        do(change, "")
    st.session_state[_TAKEN] = act.get("id", "")


def _change(session_id: str, act: Row, analysis: str) -> Callable[[Session, Account], None]:
    if act["act"] == "give":
        verdicts = [_verdict(act["verdict"])]
        return partial(give, session_id=session_id, verdicts=verdicts, analysis=analysis, uid=str(act["id"]))
    return partial({"undo": undo, "redo": redo}[act["act"]], session_id=session_id, act=str(act["which"]))


def in_words(opened: "Opened", stored: StoredSession, reviewers: list[Reviewer]) -> dict[str, list[str]]:
    """What reviewers' verdicts make of the trainee's figures over the session, by cue: a line for each figure."""
    told: dict[str, list[str]] = {}
    for one in reviewers:
        for row in _over_the_session(opened, stored, one):
            if row["person"] == _trainee(stored) and _COLUMNS[row["column"]][0] not in opened.left_out:
                start = f"{_COLUMNS[row['column']][1]}: the tool {_percent(row['tool'])}"
                seen = f"with the verdicts of {plain(one.name)} {_percent(row['reviewed'])}"
                told.setdefault(row["column"], [start]).append(seen)
    lines: dict[str, list[str]] = {}
    for column, parts in told.items():
        lines.setdefault(_COLUMNS[column][0], []).append(", ".join(parts) + ".")
    return lines


def show(opened: "Opened", stored: StoredSession, reviewers: list[Reviewer]) -> None:
    """Behind "Details": the figures as each reviewer sees them, both timelines, how far they agree."""
    given = [one for one in reviewers if one.verdicts]
    if not given:
        return
    details = st.expander("Details: verdicts, reviewer by reviewer", key="verdict-details", on_change="rerun")
    if not details.open:
        return  # nothing of it is computed until somebody looks
    with details:
        st.write(
            "A verdict changes a figure only in the minutes that it touches; where a reviewer said nothing, their view "
            "is the tool's. The report above keeps the tool's figures."
        )
        try:
            _changed_minutes(opened, stored, given)
        except SessionFolderError as damage:
            st.write(plain(damage))
        _timelines(opened, stored, given)
        _agreements(opened, stored, given)
        _detached(stored, given)
        st.page_link(st.session_state[PAGES][TRUST], label="How far each cue can be trusted here")


def _changed_minutes(opened: "Opened", stored: StoredSession, given: list[Reviewer]) -> None:
    minutes, episodes = stored.minutes.to_pylist(), stored.episodes.to_pylist()
    measured = measured_session(opened.folder).measured
    views = {one.name: reviewed_minutes(measured, minutes, one.verdicts, episodes, Parameters()) for one in given}
    rows = []
    for k, row in enumerate(minutes):
        for figure in FIGURES:
            cue, name = _COLUMNS[figure.column]
            figures = {who: view[k][figure.column] for who, view in views.items()}
            if cue in opened.left_out or all(value == row.get(figure.column) for value in figures.values()):
                continue
            told = {"Minute": f"[{row['minute']}]({jump_to(row['start_s'])})", "Who": row["role"], "What": name}
            told["Tool"] = _percent(row.get(figure.column))
            rows.append(told | {plain(who): _percent(value) for who, value in figures.items()})
    if rows:
        st.write("**Minutes in which verdicts change a figure**")
        st.table(pd.DataFrame(rows).set_index("Minute"))
    else:
        st.write("No verdict changes a figure so far.")


def _over_the_session(opened: "Opened", stored: StoredSession, one: Reviewer) -> list[Row]:
    if all(verdict.word == "agree" for verdict in one.verdicts):
        return []
    try:
        measured = measured_session(opened.folder).measured
    except SessionFolderError:
        return []  # the page says elsewhere that the tables cannot be read
    episodes, duration = stored.episodes.to_pylist(), stored.summary["duration_s"]
    return reviewed_session(measured, duration, one.verdicts, episodes, Parameters())


def _timelines(opened: "Opened", stored: StoredSession, given: list[Reviewer]) -> None:
    episodes = stored.episodes.to_pylist()
    views = {"tool": episodes} | {one.name: reviewed_episodes(one.verdicts, episodes) for one in given}
    for name, kinds in _LANES.items():
        if JUDGED[kinds[0]] in opened.left_out:
            continue
        seen = {who: _stretches(view, _trainee(stored), kinds) for who, view in views.items()}
        rows = [{"view": who, "start": a, "end": b} for who, stretches in seen.items() for a, b in stretches]
        if any(stretches != seen["tool"] for stretches in seen.values()):
            st.write(f"**{name} of the trainee as each sees it**")
            st.vega_lite_chart(
                spec=review_strips(rows, list(views), name, stored.summary["duration_s"]), width="stretch"
            )


def _agreements(opened: "Opened", stored: StoredSession, given: list[Reviewer]) -> None:
    episodes, duration = stored.episodes.to_pylist(), stored.summary["duration_s"]
    views = {"the tool": episodes} | {plain(one.name): reviewed_episodes(one.verdicts, episodes) for one in given}
    judged = {plain(one.name): attach(one.verdicts, episodes) for one in given}
    names = list(views)
    rows = []
    for index, first in enumerate(names):
        for second in names[index + 1 :]:
            for lane, kinds in _LANES.items():
                if JUDGED[kinds[0]] in opened.left_out:
                    continue
                one, other = (_stretches(views[who], _trainee(stored), kinds) for who in (first, second))
                found = agreement(one, other, [(0.0, duration)])
                said = [
                    sum(
                        (e["person"], e["cue"], e["kind"]) in _lanes_of(stored, kinds)
                        for e in _of(judged[who], episodes)
                    )
                    for who in (first, second)
                    if who in judged
                ]
                if any(said):
                    rows.append(_told(first, second, lane, found, said))
    if not rows:
        return
    st.write("**How far they agree about the trainee, over the whole session**")
    st.table(pd.DataFrame(rows).set_index("Between"))
    st.caption(
        f"Kappa: agreement frame by frame (10 a second) beyond chance, 1 is complete, 0 is chance; frames within "
        f"{COLLAR_S:g} s of an end are left out. F1: share of the episodes that both have, overlapping by more than "
        f"{100 * EVENT_IOU:.0f} %. Where somebody gave no verdict their view is the tool's: with few verdicts both "
        "figures are high because little was said. The last column says how many episodes each judged or added. "
        "– : cannot be told."
    )


def _told(first: str, second: str, lane: str, found: Agreement, said: list[int]) -> Row:
    return {
        "Between": f"{first} and {second}",
        "What": lane,
        "Kappa": "–" if found.kappa is None else f"{found.kappa:.2f}",
        "F1": "–" if found.f1 is None else f"{found.f1:.2f}",
        "Episodes": f"{found.episodes[0]} and {found.episodes[1]}, {found.matched} in common",
        "Judged": " and ".join(str(n) for n in said),
    }


def _of(judged: Any, episodes: list[Row]) -> list[Row]:
    return [episodes[index] for index in judged.of] + [verdict.__dict__ for verdict in judged.added]


def _lanes_of(stored: StoredSession, kinds: tuple[tuple[str, str], ...]) -> set[tuple[int, str, str]]:
    return {(_trainee(stored), cue, kind) for cue, kind in kinds}


def _detached(stored: StoredSession, given: list[Reviewer]) -> None:
    episodes = stored.episodes.to_pylist()
    lines = []
    for one in given:
        for verdict in attach(one.verdicts, episodes).detached:
            where = f"[{verdict.start:.1f}–{verdict.end:.1f} s]({jump_to(verdict.start, verdict.end)})"
            lines.append(f"- {plain(one.name)}: {verdict.word}, {verdict.kind.replace('_', ' ')}, {where}")
    if lines:
        st.write(
            "**Verdicts on episodes that are not there any more** (the figures were computed again since; they are "
            "kept and not counted)"
        )
        st.markdown("\n".join(lines))


def _stretches(rows: list[Row], person: int, kinds: tuple[tuple[str, str], ...]) -> list[tuple[float, float]]:
    return [
        (row["start"], row["end"]) for row in rows if row["person"] == person and (row["cue"], row["kind"]) in kinds
    ]


def _trainee(stored: StoredSession) -> int:
    return int(next(p["person"] for p in stored.summary["people"] if p["role"] == "trainee"))


def _ends(row: Row) -> Row:
    return {"start": row["start"], "end": row["end"]}


def _verdict(sent: Row) -> Verdict:
    """What the browser sent as a verdict; `give` refuses what is none."""
    word, cue, kind = (str(sent[name])[:30] for name in ("word", "cue", "kind"))
    new_start, new_end = (None if sent[name] is None else float(sent[name]) for name in ("new_start", "new_end"))
    start, end = float(sent["start"]), float(sent["end"])
    return Verdict(word, int(sent["person"]), cue, kind, start, end, new_start, new_end)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.0f} %"
