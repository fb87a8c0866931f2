"""A trainee's figures over sessions, with the band inside which a change is no finding.

A session's figure is a mean over its minutes, and minutes of one session differ by themselves. From their spread s and
number n a session's standard error is s / sqrt(n); two sessions differ by more than 1.96 sqrt(2) of it in one of twenty
pairs although nothing has changed (the band takes the quadratic mean of all sessions' errors). Neighbouring minutes are
alike and clients are not, so the true band is wider: what lies inside is surely no finding, what lies outside may be
one. Only sessions of one setup are comparable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import sqrt
from statistics import fmean, stdev
from typing import Any

from cues.web.charts import AMBER, BLUE, FRAMELESS, GREY, ROSE, Chart, layer, number, together, word

Row = dict[str, Any]

LEAST_MINUTES = 5
"""Measured minutes that a session needs for a point; fewer say too little."""


@dataclass(frozen=True)
class Line:
    """One cue: its heading, the minutes' column, its colour, its word in `cues.library.sessions.CUES`."""

    cue: str
    title: str
    column: str
    colour: str


_CUE_OF = {"eye_contact_pct": "eye_contact", "lean_forward_pct": "lean", "smile_pct": "smile"}
"""Column -> its cue among a person's in session.json."""

LINES = (
    Line("eye_contact", "Eye contact", "eye_contact_pct", BLUE),
    Line("forward_lean", "Moved closer", "lean_forward_pct", AMBER),
    Line("facial_mirroring", "Smiling", "smile_pct", ROSE),
)


@dataclass(frozen=True)
class Point:
    """A session's figure [%] of one cue, its standard error, from how many measured minutes."""

    session_id: str
    title: str
    held_on: date
    value: float
    error: float
    minutes: int


@dataclass(frozen=True)
class Figure:
    """A trainee's figure over a session [%], with its measurement interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Gap:
    """What a trainee thought of a session [%] and what was measured, None where nothing could be."""

    title: str
    held_on: date
    guessed: float
    measured: Figure | None


def point_of(session_id: str, title: str, held_on: date, rows: Sequence[Row], column: str) -> Point | None:
    """The figure of one session from its trainee's minutes; None with fewer than LEAST_MINUTES measured ones."""
    values = [float(row[column]) for row in rows if row.get(column) is not None]
    if len(values) < LEAST_MINUTES:
        return None
    return Point(session_id, title, held_on, fmean(values), stdev(values) / sqrt(len(values)), len(values))


def measured_figure(summary: Row, column: str) -> Figure | None:
    """The trainee's figure in session.json that the report tells, too; None where the session has none."""
    trainee = next(person for person in summary["people"] if person["role"] == "trainee")
    cue = trainee["cues"].get(_CUE_OF[column]) or {}
    figures = cue.get("figures") or cue.get("while_shown") or {}
    value = figures.get(column)
    if value is None:
        return None
    low, high = (figures.get(f"{column}_{side}") for side in ("low", "high"))
    return Figure(value, value if low is None else low, value if high is None else high)


def band(points: Sequence[Point]) -> float | None:
    """How many points of difference between two sessions are no finding; None with fewer than two sessions."""
    if len(points) < 2:
        return None
    return 1.96 * sqrt(2 * fmean([point.error**2 for point in points]))


_PERCENT = {"labelExpr": "datum.value + ' %'"}


def progress_chart(line: Line, points: Sequence[Point]) -> Chart:
    """The sessions by date, and around the last but one's figure the band in which the last is no change."""
    ordered = sorted(points, key=lambda point: point.held_on)
    rows = [
        # With an hour a date is the reader's own day; without one it is read as Greenwich's.
        {"date": f"{p.held_on}T00:00:00", "value": p.value, "session": p.title, "minutes": p.minutes}
        for p in ordered
    ]
    at = {
        "x": {
            "field": "date",
            "type": "temporal",
            "title": None,
            "axis": {"format": "%-d %b %Y", "labelOverlap": True, "tickCount": 6},
        },
        "y": number("value", scale={"domain": [0, 100]}, title=None, axis=_PERCENT),
    }
    told = [
        word("session", title="Session"),
        number("value", title=line.title, format=".0f"),
        number("minutes", title="Measured minutes"),
    ]
    layers = []
    half = band(ordered)
    if half is not None:
        middle = ordered[-2].value
        field = {"low": max(middle - half, 0.0), "high": min(middle + half, 100.0)}
        layers += layer([field], "rect", {"y": number("low"), "y2": {"field": "high"}}, color=GREY, opacity=0.18)
    layers += layer(rows, "line", at, color=line.colour, strokeWidth=1.5, opacity=0.6)
    layers += layer(rows, "circle", at | {"tooltip": told}, color=line.colour, size=70, opacity=1)
    return together(layers, 170, f"{line.title} over {len(ordered)} sessions", config=FRAMELESS)


def gap_chart(line: Line, gaps: Sequence[Gap]) -> Chart:
    """Guess and figure of each session by date, joined by a line; a broad bar is the figure's interval."""
    ordered = sorted(gaps, key=lambda gap: gap.held_on)
    rows = []
    for gap in ordered:
        figure = gap.measured
        rows.append(
            {
                "session": f"{gap.held_on:%-d %b %Y}, {gap.title}",
                "guessed": gap.guessed,
                "measured": None if figure is None else figure.value,
                "low": None if figure is None else figure.low,
                "high": None if figure is None else figure.high,
                "told": "could not be measured"
                if figure is None
                else f"{figure.value:.0f} % ({figure.low:.0f}–{figure.high:.0f})",
            }
        )
    known = [row for row in rows if row["measured"] is not None]
    base = {
        "y": word("session", sort=[row["session"] for row in rows], title=None, axis={"labelLimit": 220}),
        "tooltip": [
            word("session", title="Session"),
            number("guessed", title="You thought, %", format=".0f"),
            word("told", title="Measured"),
        ],
    }
    guessed, measured, low = (
        base | {"x": number(name, scale={"domain": [0, 100]}, title=None, axis=_PERCENT)}
        for name in ("guessed", "measured", "low")
    )
    layers = [
        *layer(known, "rule", guessed | {"x2": {"field": "measured"}}, color=GREY),
        *layer(known, "rule", low | {"x2": {"field": "high"}}, color=line.colour, strokeWidth=8, opacity=0.35),
        *layer(rows, "point", guessed, color=line.colour, size=90, filled=False, strokeWidth=2),
        *layer(known, "circle", measured, color=line.colour, size=70, opacity=1),
    ]
    words = f"{line.title}: guessed and measured, {len(ordered)} sessions"
    return together(layers, 60 + 26 * len(ordered), words)
