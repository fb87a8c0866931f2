"""A session's report as a PDF: tagged, PDF/UA-1, the same on every machine (fonts come with typst).

What is said comes in worded, as `Report`; it reaches the template as a file of data, so nothing that people wrote is
ever read as markup. All files of the compilation are in memory: no picture lies on the disk meanwhile. Charts are drawn
here: a bar per minute, its interval, how much of the minute was measured.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import typst

_TEMPLATE = Path(__file__).with_name("report.typ")
_WIDTH, _HEIGHT, _LEFT, _BAR_TOP, _COVER = 760.0, 150.0, 52.0, 10.0, 7.0
_INK, _PALE = "#24282D", "#7F858D"


@dataclass(frozen=True)
class Minutes:
    """A panel: its title, colour, largest value (100 for per cent), what is said below it, and for each minute from 1
    (figure, low, high, coverage 0-1), None where there is none."""

    title: str
    colour: str
    most: float
    notes: Sequence[str]
    values: Sequence[tuple[float | None, float | None, float | None, float | None]]


@dataclass(frozen=True)
class Picture:
    """A moment: its time and words; a JPEG and in `told` what it shows, or None and why there is none."""

    time: str
    words: str
    jpeg: bytes | None
    told: str


@dataclass(frozen=True)
class Said:
    """A comment and its answers: where in the recording, and (author, text) of each."""

    at: str
    said: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Report:
    """All that the report says, in its order. `**` marks what is strong."""

    title: str
    lines: Sequence[str]
    sentences: Sequence[tuple[str, str]]
    how_to_read: str
    charts: Sequence[Minutes]
    how_to_read_charts: str
    moments: Sequence[Picture]
    how_to_read_moments: str
    comments: Sequence[Said]
    reviewed: Sequence[str]
    not_measured: Sequence[str]
    with_care: Sequence[str]
    measured: Sequence[str]


def report_pdf(report: Report) -> bytes:
    """The report as a PDF."""
    files: dict[str, bytes] = {"main.typ": _TEMPLATE.read_bytes()}
    data: dict[str, Any] = {
        name: getattr(report, name)
        for name in ("lines", "sentences", "how_to_read", "how_to_read_charts", "how_to_read_moments")
    }
    data |= {name: list(getattr(report, name)) for name in ("reviewed", "not_measured", "with_care", "measured")}
    data["title"] = report.title
    data["charts"] = [_chart(files, k, panel) for k, panel in enumerate(report.charts)]
    data["moments"] = [_moment(moment) for moment in report.moments]
    data["comments"] = [{"at": one.at, "said": list(one.said)} for one in report.comments]
    files["said.json"] = json.dumps(data).encode()
    made = typst.compile(  # type: ignore[call-overload]  # its types leave out a dictionary of files
        files, format="pdf", ignore_system_fonts=True, pdf_standards=["ua-1"]
    )
    assert isinstance(made, bytes)
    return made


def _chart(files: dict[str, bytes], number: int, panel: Minutes) -> dict[str, Any]:
    known = [value for value, *_ in panel.values if value is not None]
    name = f"chart-{number}.svg"
    if known:
        files[name] = _svg(panel).encode()
    unit = " %" if panel.most == 100 else ""
    told = ", ".join(
        f"minute {k}: {'not measured' if value is None else f'{value:.0f}{unit}'}"
        for k, (value, *_) in enumerate(panel.values, start=1)
    )
    alt = f"{panel.title} by minute. {told}."
    return {"title": panel.title, "file": name if known else None, "alt": alt, "notes": list(panel.notes)}


def _moment(moment: Picture) -> dict[str, Any]:
    # As numbers, because the files of a compilation in memory must be text.
    jpeg = None if moment.jpeg is None else list(moment.jpeg)
    return {"time": moment.time, "words": moment.words, "jpeg": jpeg, "alt": moment.told}


def _svg(panel: Minutes) -> str:
    """Bars of one cue: a thin line for the interval, below it a box that fills with the coverage, a dash for none."""
    floor = _HEIGHT - 30
    step = (_WIDTH - _LEFT) / max(len(panel.values), 1)

    def up(value: float) -> float:
        return floor - min(max(value / panel.most, 0.0), 1.0) * (floor - _BAR_TOP)

    parts = []
    for share in (0.0, 0.5, 1.0):
        y, unit = up(share * panel.most), " %" if panel.most == 100 else ""
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH}" y1="{y:.1f}" y2="{y:.1f}" stroke="#D5D8DC" stroke-width="0.7"/>'
        )
        parts.append(_text(_LEFT - 5, y + 3.5, f"{share * panel.most:.0f}{unit}", "end"))
    every = max(1, round(len(panel.values) / 20))
    for k, (value, low, high, coverage) in enumerate(panel.values):
        x, width, middle = _LEFT + k * step + 0.12 * step, 0.76 * step, _LEFT + (k + 0.5) * step
        if value is None:
            y = (floor + _BAR_TOP) / 2
            parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="1.5" fill="{_PALE}"/>')
        else:
            top = up(value)
            bar = f'width="{width:.1f}" height="{max(floor - top, 0.8):.1f}" fill="{panel.colour}"'
            parts.append(f'<rect x="{x:.1f}" y="{top:.1f}" {bar}/>')
            if low is not None and high is not None:
                parts.append(f'<path d="M{middle:.1f} {up(high):.1f}V{up(low):.1f}" stroke="{_INK}"/>')
        box = f'x="{x:.1f}" y="{floor + 4:.1f}" height="{_COVER}"'
        parts.append(f'<rect {box} width="{width:.1f}" fill="none" stroke="{_PALE}" stroke-width="0.6"/>')
        parts.append(f'<rect {box} width="{width * min(coverage or 0.0, 1.0):.1f}" fill="{_PALE}"/>')
        if k % every == 0:
            parts.append(_text(middle, _HEIGHT - 6, str(k + 1), "middle"))
    frame = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}">'
    return f"{frame}{''.join(parts)}</svg>"


def _text(x: float, y: float, words: str, anchor: str) -> str:
    font = f'font-family="Libertinus Serif" font-size="14" fill="{_INK}" text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {font}>{escape(words)}</text>'
