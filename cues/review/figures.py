"""The figures as a reviewer sees them, beside the tool's: other only where a verdict says so.

A verdict changes the states of the samples that it is about: a stretch that the reviewer disagrees with holds no cue,
an adjusted one has other ends, an added one holds the cue, also where the tool could not tell. The figures of a minute
with a changed sample are then computed by the same functions as the tool's; all others are the tool's own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cues.metrics.episodes import YES
from cues.metrics.eye_contact import EyeContact
from cues.metrics.eye_contact_minutes import eye_contact_minute
from cues.metrics.forward_lean import Lean, lean_minute
from cues.metrics.lean_states import BACK, FORWARD
from cues.metrics.minutes import COVERAGE_REASON, Measured, rounded
from cues.metrics.smiles import Smiles, smile_minute
from cues.parameters import Parameters
from cues.review.verdicts import ADJUST, DISAGREE, Verdict, attach

Row = dict[str, Any]
Series = EyeContact | Lean | Smiles

NO_CUE = 0
"""In the states of every cue: known, and not the cue."""


@dataclass(frozen=True)
class Figure:
    """A figure that verdicts can change: column of the minutes, cue in episodes.csv, why it is missing, coverage."""

    column: str
    cue: str
    why: str
    coverage: str


FIGURES = (
    Figure("eye_contact_pct", "eye_contact", "eye_contact_why", "eye_contact_coverage"),
    Figure("lean_forward_pct", "forward_lean", "lean_why", "lean_coverage"),
    Figure("lean_back_pct", "forward_lean", "lean_why", "lean_coverage"),
    Figure("smile_pct", "smile", "smile_why", "smile_coverage"),
)
_NO_TIME = np.zeros(0)
_STATES = {"eye_contact": YES, "forward": FORWARD, "head_forward": FORWARD, "back": BACK, "smile": YES}


def reviewed_minutes(
    measured: Measured,
    minutes: Sequence[Row],
    verdicts: Iterable[Verdict],
    episodes: Sequence[Row],
    parameters: Parameters,
) -> list[Row]:
    """One row for each row of `minutes` (of minutes.csv): minute, person, role, and the columns of `FIGURES`.

    `verdicts` of one reviewer, in order. Where the tool has no figure there is one only if too little was measured, and
    what the reviewer added makes it enough.
    """
    changed = _changed(measured, verdicts, episodes)
    rows = []
    for row in minutes:
        found = {name: row[name] for name in ("minute", "person", "role")}
        for figure in FIGURES:
            found[figure.column] = row.get(figure.column)
            series, touched = changed.get((row["person"], figure.cue), (None, _NO_TIME))
            first, past = np.searchsorted(touched, (row["start_s"], row["end_s"]))
            why = row.get(figure.why) or ""
            if series is not None and first < past and (not why or why.startswith(COVERAGE_REASON)):
                found[figure.column] = _figure(series, figure, row["start_s"], row["end_s"], parameters)
        rows.append(found)
    return rows


def reviewed_session(
    measured: Measured, duration_s: float, verdicts: Iterable[Verdict], episodes: Sequence[Row], parameters: Parameters
) -> list[Row]:
    """Of the cues of a person that verdicts change: person, column, `tool` and `reviewed`, over the whole session; None
    where there is no figure."""
    rows = []
    for (person, cue), (series, touched) in sorted(_changed(measured, verdicts, episodes).items()):
        for figure in FIGURES:
            if figure.cue != cue or not len(touched):
                continue
            before, after = (
                _figure(one, figure, 0.0, duration_s, parameters) for one in (_series(measured, person, cue), series)
            )
            if before != after:
                rows.append({"person": person, "column": figure.column, "tool": before, "reviewed": after})
    return rows


def _figure(series: Series, figure: Figure, start: float, end: float, parameters: Parameters) -> float | None:
    if isinstance(series, EyeContact):
        cells: Row = eye_contact_minute(series, start, end, parameters)
    elif isinstance(series, Lean):
        cells = dict(lean_minute(series, start, end, parameters))
    else:
        cells = smile_minute(series, start, end)
    enough = (cells[figure.coverage] or 0.0) >= parameters.quality.coverage_min
    return rounded(figure.column, cells[figure.column]) if enough else None


def _series(measured: Measured, person: int, cue: str) -> Series:
    places: dict[str, dict[int, Any]] = {
        "eye_contact": measured.eye_contact,
        "forward_lean": measured.lean,
        "smile": measured.smiles,
    }
    found: Series = places[cue][person]
    return found


def _changed(
    measured: Measured, verdicts: Iterable[Verdict], episodes: Sequence[Row]
) -> dict[tuple[int, str], tuple[Series, np.ndarray]]:
    """(person, cue) -> the series with other states, and the times [s] of the samples that changed."""
    attached = attach(verdicts, episodes)
    gone = [(episodes[i], v) for i, v in attached.of.items() if v.word in (DISAGREE, ADJUST)]
    come = [v for _, v in gone if v.word == ADJUST] + list(attached.added)
    about = {(v.person, v.cue) for v in come} | {(row["person"], row["cue"]) for row, _ in gone}
    found = {}
    for person, cue in sorted(about):
        if person not in measured.people:
            continue
        series = _series(measured, person, cue)
        states = series.states.copy()
        for row, _ in gone:
            if (row["person"], row["cue"]) == (person, cue):
                part = _part(series.time, row["start"], row["end"])
                states[part][states[part] == _STATES[row["kind"]]] = NO_CUE
        for verdict in come:
            if (verdict.person, verdict.cue) == (person, cue) and verdict.said is not None:
                states[_part(series.time, *verdict.said)] = _STATES[verdict.kind]
        differs = states != series.states
        found[person, cue] = (_with(series, states, differs), series.time[differs])
    return found


def _with(series: Series, states: np.ndarray, differs: np.ndarray) -> Series:
    if isinstance(series, EyeContact):
        return replace(
            series, states=states, measured=series.measured | differs, gaze_measured=series.gaze_measured | differs
        )
    return replace(series, states=states)


def _part(time: np.ndarray, start: float, end: float) -> slice:
    return slice(*np.searchsorted(time, (start - 1e-6, end - 1e-6)).tolist())
