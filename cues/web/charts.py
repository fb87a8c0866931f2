"""Charts of a session: a panel per cue and minute, and everybody's episodes on the recording's clock.

Conventions
-----------
Time is minutes on the horizontal axis of every chart, so that what stands below one another happened at the same
time. A minute is drawn as wide as it is long. Missing is a grey field with a dash, never a low bar; how much of a
minute could be measured stands below it. Colour only helps: every lane and panel has its name beside it. The four
colours keep 3.4 : 1 or more on the light and on the dark page and differ in lightness or hue for the common kinds of
colour blindness (after Okabe and Ito 2008).

Charts are written in Vega-Lite's own words (version 6; https://vega.github.io/vega-lite/docs), which the browser draws:
made through Altair, which looks at each part for mistakes, the charts of one page took a second each time it ran. The
tests have them looked at (`tests/web/test_charts.py`).
"""

from dataclasses import dataclass
from math import ceil
from typing import Any

from cues.metrics.turns import RESPONSE, TURN
from cues.web.sentences import clock, head_only

Row = dict[str, Any]
Chart = dict[str, Any]
"""A chart, or a part of one, in Vega-Lite's words."""

BLUE, AMBER, ROSE, TEAL, GREY = "#2F7FB8", "#B8740F", "#B8629A", "#2F8F83", "#7F858D"
LIGHT_INK, DARK_INK = "#24282D", "#E6E7E8"
"""Text and thin lines, on the light and on the dark page."""
LABELS_PX = 78
"""Room for the names at the left, the same in every chart."""
_LONGEST_NAME_PX = 160
"""A reviewer's name that is longer is cut off beside the strips."""
NUMBERED = 15
"""Up to so many minutes have their figures written above the bars."""
STRIP_MIN = 15.0
"""Longer recordings continue in another strip below."""


@dataclass(frozen=True)
class Panel:
    """One cue per minute: its heading, the minutes' columns it shows, its colour. Percentages, unless `counts`. cue: a
    word of `cues.library.sessions.CUES`, or talk, which is never left out."""

    cue: str
    title: str
    figure: str
    coverage: str
    why: str
    colour: str
    low: str = ""
    high: str = ""
    counts: bool = False


SHARED_SMILES = Panel(
    "facial_mirroring", "Shared smiles", "shared_smiles", "mirroring_coverage", "mirroring_why", ROSE, counts=True
)


def panels(person: Row, setup: str) -> list[Panel]:
    """What is drawn of one person, in the order of the page."""
    gaze, title = ("facing", "Head turned toward the partner") if head_only(person) else ("eye_contact", "Eye contact")
    lean = "Leaned toward the partner" if setup == "shared_room" else "Moved closer to the camera"
    return [
        Panel(
            "eye_contact",
            title,
            f"{gaze}_pct",
            f"{gaze}_coverage",
            f"{gaze}_why",
            BLUE,
            f"{gaze}_pct_low",
            f"{gaze}_pct_high",
        ),
        Panel(
            "forward_lean",
            lean,
            figure := "lean_forward_pct",
            "lean_coverage",
            "lean_why",
            AMBER,
            f"{figure}_low",
            f"{figure}_high",
        ),
        Panel("facial_mirroring", "Smiling", "smile_pct", "smile_coverage", "smile_why", ROSE),
        Panel("talk", "Speaking", "talk_pct", "talk_coverage", "talk_why", TEAL),
    ]


def with_shared_smiles(rows: list[Row]) -> list[Row]:
    """The minutes with `shared_smiles`: those led, followed and simultaneous together; None where not measured."""
    parts = ("shared_smiles_led", "shared_smiles_followed", "shared_smiles_simultaneous")
    return [
        row | {"shared_smiles": None if row.get(parts[0]) is None else sum(row[part] for part in parts)} for row in rows
    ]


def minute_chart(rows: list[Row], panel: Panel, who: str, ink: str, guide: tuple[float, float] | None = None) -> Chart:
    """Bars of one panel for the minutes `rows` of one person, with interval, coverage and dashes; `ink` is the colour
    of thin lines and numbers, `guide` a band of values to draw behind all minutes."""
    top = 100.0
    if panel.counts:
        most = max(row.get(name) or 0 for row in rows for name in (panel.figure, "shared_smiles_expected"))
        top = float(max(4, 2 * ceil(most / 2)))
    marks = [_minute_marks(row, panel, top) for row in rows]
    ticks = [0, top / 2, top]
    unit = "" if panel.counts else " + ' %'"
    y = number(
        "low",
        scale={"domain": [-0.24 * top, 1.12 * top], "nice": False, "zero": False},
        axis={
            "values": [-0.16 * top, *ticks],
            "labelExpr": f"datum.value < 0 ? 'measured' : format(datum.value, '.0f'){unit}",
            "gridOpacity": {"condition": {"test": "datum.value < 0", "value": 0}, "value": 1},
            **_LEFT_AXIS,
        },
    )
    x, middle = (_minute_axis(name, len(rows), rows[-1]["end_s"] / 60) for name in ("left", "middle"))

    both = {"tooltip": _tooltip(panel), "href": word("at")}
    field = {"x": x, "x2": _RIGHT, "y": y, "y2": _HIGH, **both}
    across = {"x": x, "x2": _RIGHT, "y": y, **both}
    upright = {"x": middle, "y": y, "y2": _HIGH, **both}
    above = {"x": middle, "y": y, "text": word("short"), **both}

    def part(name: str, mark: str, encoding: Chart, **look: Any) -> list[Chart]:
        return layer([place | told for told, places in marks if (place := places[name])], mark, encoding, **look)

    band = [] if guide is None else [{"left": 0.0, "right": rows[-1]["end_s"] / 60, "low": guide[0], "high": guide[1]}]
    layers = [
        *layer(band, "rect", {name: field[name] for name in ("x", "x2", "y", "y2")}, color=ink, opacity=0.1),
        *part("room", "rect", field, color=GREY, opacity=0.0),
        *part("missing", "rect", field, color=GREY, opacity=0.13),
        *part("whole", "rect", field, color=GREY, opacity=0.22),
        *part("measured", "rect", field, color=GREY, opacity=0.85),
        *part("bar", "rect", field, color=panel.colour, opacity=0.85),
        *part("zero", "rule", across, color=panel.colour, strokeWidth=2),
        *part("dash", "rule", across, color=ink, strokeWidth=1.5),
        *part("interval", "rule", upright, color=ink, strokeWidth=1.5),
        *part("chance", "rule", across, color=ink, strokeWidth=2, strokeDash=[3, 2]),
    ]
    if len(rows) <= NUMBERED:
        layers += part("number", "text", above, color=ink, fontSize=12, dy=-8)
    measured = sum(row.get(panel.figure) is not None for row in rows)
    told = f"{who}: {panel.title.lower()}, minute by minute; {measured} of {len(rows)} minutes have a figure"
    return together(layers, 165, told)


def jump_to(time: float, end: float | None = None) -> str:
    """The link that moves the page's player to a time [s]; with an `end` it plays from there until then."""
    return f"#t={time:g}" if end is None else f"#t={time:g},{end:g}"


def number(field: str, **more: Any) -> Chart:
    """A channel of numbers: the field of the rows that it shows, and its `scale`, `axis`, `title`."""
    return {"field": field, "type": "quantitative", **more}


def word(field: str, **more: Any) -> Chart:
    """A channel of words."""
    return {"field": field, "type": "nominal", **more}


def layer(rows: list[Row], mark: str, encoding: Chart, **look: Any) -> list[Chart]:
    """One layer of marks, none where there is nothing to draw."""
    if not rows:
        return []
    return [{"data": {"values": rows}, "mark": {"type": mark, **look}, "encoding": encoding}]


def together(layers: list[Chart], height: int, told: str, **more: Any) -> Chart:
    """One chart of `layers` above one another; `told` is said of it to who cannot see it."""
    return {"layer": layers, "height": height, "description": told, **more}


_RIGHT, _HIGH = {"field": "right"}, {"field": "high"}
FRAMELESS: Chart = {"view": {"stroke": None}}
"""Configuration of a chart that has axes of its own and needs no frame."""


def _minute_marks(row: Row, panel: Panel, top: float) -> tuple[Row, dict[str, Row | None]]:
    """What is told of one minute, and where its parts stand, in minutes and in units of the panel."""
    start, end = row["start_s"] / 60, row["end_s"] / 60
    gap = 0.08 * (end - start)
    across = {"left": start + gap, "right": end - gap, "middle": (start + end) / 2}
    value, coverage = row.get(panel.figure), row.get(panel.coverage) or 0.0
    low, high = (row.get(name) if name else None for name in (panel.low, panel.high))
    chance = row.get("shared_smiles_expected") if panel.counts else None
    floor = -0.22 * top
    told = {
        "at": jump_to(row["start_s"]),
        "minute": f"{row['minute']} ({clock(row['start_s'])}–{clock(row['end_s'])})",
        "value": _value(value, low, high, panel.counts),
        "seen": f"{100 * coverage:.0f} % of the minute",
        "why": row.get(panel.why) or "" if value is None else "",
        "expected": "" if chance is None else f"{chance:.1f}",
    }
    known = value is not None
    third = (end - start) / 3
    moves = low is not None and high is not None and high - low >= 0.5
    return told, {
        "zero": across | {"low": 0.0} if value is not None and value < 0.02 * top else None,
        "dash": None if known else {"left": start + third, "right": end - third, "low": 0.1 * top},
        "room": across | {"low": floor, "high": top},
        "bar": across | {"low": 0.0, "high": value} if known else None,
        "missing": None if known else across | {"low": 0.0, "high": top},
        "interval": across | {"low": low, "high": high} if known and moves else None,
        "whole": across | {"low": floor, "high": floor + 0.14 * top},
        "measured": across | {"low": floor, "high": floor + 0.14 * top * coverage},
        "number": None
        if value is None
        else across | {"low": max(value, high or 0.0, chance or 0.0), "short": f"{value:.0f}"},
        "chance": across | {"low": chance, "high": chance} if known and chance is not None else None,
    }


def _value(value: float | None, low: float | None, high: float | None, counts: bool) -> str:
    if value is None:
        return "–"
    if counts:
        return f"{value:.0f}"
    bar = f" ({low:.0f}–{high:.0f})" if low is not None and high is not None and round(low) != round(high) else ""
    return f"{value:.0f} %{bar}"


def _tooltip(panel: Panel) -> list[Chart]:
    fields = [("minute", "Minute"), ("value", panel.title), ("seen", "Measured")]
    fields += [("expected", "By chance")] if panel.counts else []
    return [word(name, title=title) for name, title in [*fields, ("why", "Why not")]]


_LEFT_AXIS: dict[str, Any] = {
    "title": None,
    "minExtent": LABELS_PX,
    "maxExtent": LABELS_PX,
    "ticks": False,
    "domain": False,
    "labelLimit": LABELS_PX - 6,
    "labelPadding": 6,
    "labelOverlap": False,
    "labelFlush": False,
    "labelBaseline": "middle",
}


def _minute_axis(column: str, count: int, end: float) -> Chart:
    """Numbers below the middle of the minutes they name; every one, or every fifth, as there is room."""
    every = 1 if count <= NUMBERED else 5
    named = [minute for minute in range(1, count + 1) if minute % every == 0 or minute == 1]
    # The last minute may be short; half of a full one would name the next.
    at = [(minute - 1 + min(minute, end)) / 2 for minute in named]
    return number(
        column,
        scale={"domain": [0, end], "nice": False},
        axis={
            "values": at,
            "labelExpr": "floor(datum.value) + 1",
            "title": None,
            "grid": False,
            "ticks": False,
            "labelFlush": False,
            "labelPadding": 4,
        },
    )


@dataclass(frozen=True)
class _Lane:
    """A line of the strip: whose episodes of which cue and kinds, at which height, and what tells where there are
    none."""

    name: str
    person: int
    role: str
    cue: str
    kinds: tuple[str, ...]
    figure: str
    coverage: str
    colour: str
    at: float


_HALF = 0.31
_NAME_SPACE = 0.85


def strips(summary: Row, rows: list[Row], episodes: list[Row]) -> list[Chart]:
    """The whole session on its clock, a strip for every `STRIP_MIN` minutes: each person's episodes in lanes, shared
    smiles joined across the two people, minutes without a figure hatched."""
    lanes, names = _lanes(summary)
    end = summary["duration_s"] / 60
    count = max(1, ceil(end / STRIP_MIN - 1e-6))
    span = end if count == 1 else float(ceil(end / count))
    smiles = {lane.person: lane.at for lane in lanes if lane.cue == "smile"}
    links = _links(episodes, smiles) if len(smiles) == 2 else []
    return [_strip(k * span, min(end, (k + 1) * span), span, lanes, names, rows, episodes, links) for k in range(count)]


def _lanes(summary: Row) -> tuple[list[_Lane], dict[float, str]]:
    """The lanes from top to bottom, and where each person's name stands. The second person's are in the opposite
    order, so that the smiles of both lie beside each other."""
    lanes, names, at = [], {}, 0.0
    for place, person in enumerate(summary["people"]):
        names[at], at = person["role"].upper(), at + _NAME_SPACE
        gaze = "facing" if head_only(person) else "eye_contact"
        lean = "leaning" if summary["setup"] == "shared_room" else "closer"
        kinds: tuple[tuple[str, str, tuple[str, ...], str, str, str], ...] = (
            (
                "facing" if gaze == "facing" else "eye contact",
                "eye_contact",
                ("eye_contact", "facing", "partner_area"),
                f"{gaze}_pct",
                f"{gaze}_coverage",
                BLUE,
            ),
            (lean, "forward_lean", ("forward", "head_forward"), "lean_forward_pct", "lean_coverage", AMBER),
            ("smiles", "smile", ("smile",), "smile_pct", "smile_coverage", ROSE),
        )
        if person["cues"]["talk"]["figures"] is not None:
            speaking = ("speaking", "talk", (TURN, RESPONSE), "talk_pct", "talk_coverage", TEAL)
            kinds = (speaking, *kinds)
        for name, cue, wanted, figure, coverage, colour in kinds if place == 0 else reversed(kinds):
            lanes.append(_Lane(name, person["person"], person["role"], cue, wanted, figure, coverage, colour, at))
            at += 1
        at += 0.1
    return lanes, names


def _links(episodes: list[Row], smiles: dict[int, float]) -> list[Row]:
    """Lines from the onset of the smile that came first to that of the one that followed."""
    found = []
    for e in episodes:
        if e["cue"] == "facial_mirroring" and e["kind"] in ("mirrored", "simultaneous"):
            leader = next(person for person in smiles if person != e["person"])
            first, second = smiles[leader], smiles[e["person"]]
            inward = _HALF if second > first else -_HALF
            found.append(
                {
                    "left": e["start"] / 60,
                    "right": (e["start"] + (e["strength"] or 0.0)) / 60,
                    "low": first + inward,
                    "high": second - inward,
                    "what": f"Shared smile, {abs(e['strength'] or 0.0):.1f} s apart",
                    "when": clock(e["start"]),
                }
            )
    return found


def _strip(
    start: float,
    end: float,
    span: float,
    lanes: list[_Lane],
    names: dict[float, str],
    rows: list[Row],
    episodes: list[Row],
    links: list[Row],
) -> Chart:
    bottom = lanes[-1].at + 0.6
    labels = {**names, **{lane.at: lane.name for lane in lanes}}
    cases = " : ".join(f"abs(datum.value - {at}) < 0.01 ? '{name}'" for at, name in labels.items())
    step = next(step for step in (0.5, 1, 2, 5) if span / step <= 16)
    ticks = [start + k * step for k in range(int(span / step + 1e-6) + 1)]
    x = number(
        "left",
        scale={"domain": [start, start + span], "nice": False},
        axis={
            "values": ticks,
            "labelExpr": "floor(datum.value) + ':' + pad(round(60 * (datum.value % 1)), 2, '0', 'left')",
            "title": None,
            "ticks": True,
            "labelPadding": 4,
            "labelFlush": True,
        },
    )
    y = number(
        "low",
        scale={"domain": [bottom, -0.4], "nice": False, "zero": False},
        axis={
            "values": list(labels),
            "labelExpr": f"{cases} : ''",
            "labelFontWeight": {"condition": {"test": _either(names), "value": "bold"}, "value": "normal"},
            "grid": False,
            **_LEFT_AXIS,
        },
    )
    shown = [word("what", title="What"), word("when", title="When")]
    tracks, bars, hatches = [], [], []
    for lane in lanes:
        tracks.append({"left": start, "right": end, "low": lane.at - _HALF, "high": lane.at + _HALF})
        bars += _bars(lane, episodes, start, end)
        hatches += _hatches(lane, rows, episodes, start, end, span)
    across = {"x": x, "x2": _RIGHT, "y": y, "y2": _HIGH}
    colour = word("colour", scale=None)
    here = [link for link in links if start <= link["left"] < end]
    layers = [
        *layer(tracks, "rect", across, color=GREY, opacity=0.12),
        *layer(hatches, "rule", across, color=GREY, strokeWidth=1, opacity=0.6),
        *layer(bars, "rect", across | {"color": colour, "tooltip": shown}, opacity=0.9),
        *layer(here, "rule", across | {"tooltip": shown}, color=ROSE, strokeWidth=1.5),
    ]
    told = f"Speech, and episodes of eye contact, lean and smiles, from {clock(60 * start)} to {clock(60 * end)}"
    return together(layers, round(29 * (bottom + 0.4)), told)


def _bars(lane: _Lane, episodes: list[Row], start: float, end: float) -> list[Row]:
    return [
        {
            "left": max(start, e["start"] / 60),
            "right": min(end, e["end"] / 60),
            "low": lane.at - _HALF,
            "high": lane.at + _HALF,
            "colour": lane.colour,
            "what": f"{lane.role.capitalize()}, {lane.name}",
            "when": f"{clock(e['start'])}–{clock(e['end'])} ({e['end'] - e['start']:.0f} s)",
        }
        for e in episodes
        if e["person"] == lane.person and e["cue"] == lane.cue and e["kind"] in lane.kinds
        if e["end"] / 60 > start and e["start"] / 60 < end
    ]


def _hatches(lane: _Lane, rows: list[Row], episodes: list[Row], start: float, end: float, span: float) -> list[Row]:
    """Slanted lines over the minutes in which nothing can be shown. Where the partner cannot be told from what is
    beside, episodes are shown though there is no percentage."""
    shown_anyway = any(
        e["person"] == lane.person and e["kind"] == "partner_area" and lane.cue == "eye_contact" for e in episodes
    )
    slant = span / 150
    lines = []
    for row in rows:
        known = row.get(lane.figure) is not None or (shown_anyway and (row.get(lane.coverage) or 0) >= 0.5)
        a, b = max(start, row["start_s"] / 60), min(end, row["end_s"] / 60)
        if row["person"] != lane.person or known or b <= a:
            continue
        for k in range(int((b - a) / slant)):
            left = a + k * slant
            lines.append({"left": left, "right": left + slant, "low": lane.at + _HALF, "high": lane.at - _HALF})
    return lines


def _either(heights: dict[float, str]) -> str:
    return " || ".join(f"abs(datum.value - {at}) < 0.01" for at in heights)


def review_strips(rows: list[Row], views: list[str], name: str, duration_s: float) -> Chart:
    """One cue as several people see it, a lane each: `rows` have view, start, end [s]; `views` their order."""
    colour = {"Eye contact": BLUE, "Smiling": ROSE}.get(name, AMBER)
    minutes = [{**row, "start": row["start"] / 60, "end": row["end"] / 60} for row in rows]
    across = {
        "x": number(
            "start",
            title="minutes",
            scale={"domain": [0, duration_s / 60], "nice": False},
            axis={"tickMinStep": 1},
        ),
        "x2": {"field": "end"},
        "y": word(
            "view",
            title=None,
            sort=views,
            scale={"domain": views},
            axis={"minExtent": LABELS_PX, "labelLimit": _LONGEST_NAME_PX},
        ),
    }
    told = f"{name} as each of them sees it"
    return together(layer(minutes, "bar", across, color=colour, height=12), 24 * len(views) + 75, told)  # with the axis
