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

import altair as alt
import pandas as pd

from cues.web.charts import AMBER, BLUE, GREY, ROSE

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


def progress_chart(line: Line, points: Sequence[Point]) -> alt.LayerChart:
    """The sessions by date, and around the last but one's figure the band in which the last is no change."""
    ordered = sorted(points, key=lambda point: point.held_on)
    rows = pd.DataFrame(
        {
            "date": [pd.Timestamp(p.held_on) for p in ordered],
            "value": [p.value for p in ordered],
            "session": [p.title for p in ordered],
            "minutes": [p.minutes for p in ordered],
        }
    )
    y = alt.Y("value:Q", scale=alt.Scale(domain=[0, 100]), title=None, axis=alt.Axis(labelExpr="datum.value + ' %'"))
    x = alt.X("date:T", title=None, axis=alt.Axis(format="%-d %b %Y", labelOverlap=True, tickCount=6))
    told = [
        alt.Tooltip("session:N", title="Session"),
        alt.Tooltip("value:Q", title=line.title, format=".0f"),
        alt.Tooltip("minutes:Q", title="Measured minutes"),
    ]
    layers = []
    half = band(ordered)
    if half is not None:
        middle = ordered[-2].value
        field = pd.DataFrame({"low": [max(middle - half, 0.0)], "high": [min(middle + half, 100.0)]})
        layers.append(alt.Chart(field).mark_rect(color=GREY, opacity=0.18).encode(y="low:Q", y2="high:Q"))
    layers.append(alt.Chart(rows).mark_line(color=line.colour, strokeWidth=1.5, opacity=0.6).encode(x=x, y=y))
    layers.append(alt.Chart(rows).mark_circle(color=line.colour, size=70, opacity=1).encode(x=x, y=y, tooltip=told))
    words = f"{line.title} over {len(ordered)} sessions"
    return alt.layer(*layers).properties(height=170, description=words).configure_view(stroke=None)


def gap_chart(line: Line, gaps: Sequence[Gap]) -> alt.LayerChart:
    """Guess and figure of each session by date, joined by a line; a broad bar is the figure's interval."""
    ordered = sorted(gaps, key=lambda gap: gap.held_on)
    names = [f"{gap.held_on:%-d %b %Y}, {gap.title}" for gap in ordered]
    figures = [gap.measured for gap in ordered]
    rows = pd.DataFrame(
        {
            "session": names,
            "guessed": [gap.guessed for gap in ordered],
            "measured": [None if figure is None else figure.value for figure in figures],
            "low": [None if figure is None else figure.low for figure in figures],
            "high": [None if figure is None else figure.high for figure in figures],
            "told": [
                "could not be measured" if f is None else f"{f.value:.0f} % ({f.low:.0f}–{f.high:.0f})" for f in figures
            ],
        }
    )
    scale = alt.Scale(domain=[0, 100])
    axis = alt.Axis(labelExpr="datum.value + ' %'")
    y = alt.Y("session:N", sort=names, title=None, axis=alt.Axis(labelLimit=220))
    guessed, measured, low = (
        alt.X(f"{name}:Q", scale=scale, title=None, axis=axis) for name in ("guessed", "measured", "low")
    )
    said = [
        alt.Tooltip("session:N", title="Session"),
        alt.Tooltip("guessed:Q", title="You thought, %", format=".0f"),
        alt.Tooltip("told:N", title="Measured"),
    ]
    base = alt.Chart(rows).encode(y=y, tooltip=said)
    known = base.transform_filter("isValid(datum.measured)")
    layers = [
        known.mark_rule(color=GREY).encode(x=guessed, x2="measured:Q"),
        known.mark_rule(color=line.colour, strokeWidth=8, opacity=0.35).encode(x=low, x2="high:Q"),
        base.mark_point(color=line.colour, size=90, filled=False, strokeWidth=2).encode(x=guessed),
        known.mark_circle(color=line.colour, size=70, opacity=1).encode(x=measured),
    ]
    words = f"{line.title}: guessed and measured, {len(ordered)} sessions"
    chart = alt.layer(*layers)
    assert isinstance(chart, alt.LayerChart)  # several panels come only of layers that ask for them
    return chart.properties(height=60 + 26 * len(ordered), description=words)
