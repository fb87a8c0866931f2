"""The minutes: one row per person and minute, coverage beside every figure, a reason wherever there is none.

Conventions
-----------
Minute k covers [60 (k - 1), 60 k) s; the last one may be short. A coverage is the share (0-1) of the row's
time in which the cue could be measured. Where it is below `quality.coverage_min`, where the last minute is
too short, or where the measurement interval is wider than `quality.interval_drop_pp`, the cue's figures are
null, its coverage stays, and `<cue>_why` is one sentence that says why. Null is never zero. Figures come from
`*_minute` of each cue's module; what they mean is told there. Source: METHOD 5.1, 5.2, 5.5.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from cues.metrics.episodes import YES, Episode
from cues.metrics.eye_contact import HEAD_ONLY, EyeContact
from cues.metrics.eye_contact_minutes import (
    eye_contact_intervals,
    eye_contact_minute,
    mutual_gaze_minute,
    mutual_gaze_reason,
)
from cues.metrics.forward_lean import Lean, lean_intervals, lean_minute
from cues.metrics.gaze_target import CONFIDENT
from cues.metrics.lean_states import FORWARD
from cues.metrics.mirroring import Mirroring, mirroring_minute
from cues.metrics.quality import FLAGS
from cues.metrics.smiles import Smiles, smile_minute
from cues.metrics.speaking import Speaking
from cues.metrics.turns import Talk, share_while, talk_minute
from cues.parameters import Parameters, Quality

MINUTE_S = 60.0
COVERAGE_REASON = "Measured in only"
"""How every reason begins that is one of coverage; its numbers follow."""

Cells = dict[str, Any]


@dataclass(frozen=True)
class Cue:
    """The columns of one cue: every column with one of the prefixes; the coverage they depend on; the figure
    that `low` and `high` are the measurement interval of."""

    name: str
    prefixes: tuple[str, ...]
    coverage: str
    figure: str
    interval: tuple[str, str] | None = None


EYE_CONTACT = Cue(
    "eye_contact",
    ("eye_contact_",),
    "eye_contact_coverage",
    "eye_contact_pct",
    ("eye_contact_pct_low", "eye_contact_pct_high"),
)
FACING = Cue("facing", ("facing_",), "facing_coverage", "facing_pct", ("facing_pct_low", "facing_pct_high"))
CAMERA_GAZE = Cue("camera_gaze", ("camera_gaze_",), "camera_gaze_coverage", "camera_gaze_pct")
MUTUAL_GAZE = Cue("mutual_gaze", ("mutual_gaze_",), "mutual_gaze_coverage", "mutual_gaze_pct")
LEAN = Cue(
    "lean",
    ("lean_",),
    "lean_coverage",
    "lean_forward_pct",
    ("lean_forward_pct_low", "lean_forward_pct_high"),
)
SMILE = Cue("smile", ("smile_",), "smile_coverage", "smile_pct")
MIRRORING = Cue("mirroring", ("mirroring_", "shared_smiles_"), "mirroring_coverage", "shared_smiles_followed")
TALK = Cue("talk", ("talk_",), "talk_coverage", "talk_pct")
_WHILE = ("_listening_pct", "_speaking_pct")
_OPTIONAL = ("facing_", "camera_gaze_", "talk_")

_WITH_FRACTION = (
    "_pct",
    "_low",
    "_high",
    "_coverage",
    "_cm",
    "_deg",
    "_s",
    "_per_min",
    "_expected",
    "strength",
)
"""Endings of the columns that are not counts."""


@dataclass(frozen=True)
class Measured:
    """What was measured in a whole session, by person; `shown` (n,) bool on the sample times `time` (n,) [s]:
    the layout had a place for the person. mirroring is None where only one person was measured."""

    time: np.ndarray
    shown: dict[int, np.ndarray]
    eye_contact: dict[int, EyeContact]
    lean: dict[int, Lean]
    smiles: dict[int, Smiles]
    mirroring: Mirroring | None
    mutual_gaze: list[Episode]
    speaking: Speaking
    talk: dict[int, Talk]

    @property
    def people(self) -> list[int]:
        """The measured persons, ascending."""
        return sorted(self.eye_contact)

    def partner(self, person: int) -> int | None:
        """The other person; None in a recording of one."""
        return next((other for other in self.people if other != person), None)


def minute_edges(duration_s: float, quality: Quality) -> np.ndarray:
    """Borders of the minutes [s], shape (m + 1,); what is left at the end belongs to no minute when it is
    shorter than `quality.last_minute_row_s`."""
    whole = int(duration_s // MINUTE_S)
    edges = np.arange(whole + 1) * MINUTE_S
    if duration_s - edges[-1] >= quality.last_minute_row_s or whole == 0:
        edges = np.append(edges, duration_s)
    return edges


def minutes_table(measured: Measured, roles: dict[int, str], duration_s: float, parameters: Parameters) -> pa.Table:
    """One row per person and minute, sorted by minute, then person.

    Columns: minute, person, role, start_s, end_s, each cue's figures with its coverage and `<cue>_why`, flags
    (codes joined by ";", those of the session and of the minute). Figures that need a partner have no column
    in a recording of one person, and columns of head direction or camera gaze none where nobody has them.
    Percentages are rounded to 0.1, coverage to 0.001, seconds to 0.01, centimetres to 0.1.
    """
    edges = minute_edges(duration_s, parameters.quality)
    intervals = {
        person: {
            **eye_contact_intervals(measured.eye_contact[person], edges, parameters),
            **lean_intervals(measured.lean[person], edges, parameters),
        }
        for person in measured.people
    }
    rows = []
    for k, (start, end) in enumerate(zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True)):
        for person in measured.people:
            bars = {name: values[k] for name, values in intervals[person].items()}
            row = {
                "minute": k + 1,
                "person": person,
                "role": roles[person],
                "start_s": round(start, 2),
                "end_s": round(end, 2),
            }
            rows.append(row | _minute_of(measured, person, k, (start, end), bars, parameters))
    return _table(rows)


def _minute_of(
    measured: Measured,
    person: int,
    index: int,
    span: tuple[float, float],
    bars: Cells,
    parameters: Parameters,
) -> Cells:
    """All cues of one person's minute: figures, reasons, flags."""
    start, end = span
    cells: Cells = {}
    flags = set(session_flags(measured, person))
    hidden_s = _hidden_seconds(measured, person, start, end)
    partner = measured.partner(person)
    both_hidden_s = max(hidden_s, _hidden_seconds(measured, partner, start, end) if partner is not None else 0.0)
    if hidden_s > 0:
        flags.add("WHILE_SHOWN")
    too_short = index > 0 and end - start < parameters.quality.last_minute_figures_s
    for cue, found, reason in cue_cells(measured, person, start, end, parameters):
        found |= {name: value for name, value in bars.items() if name.startswith(cue.prefixes)}
        if too_short:
            reason = f"The last minute is only {end - start:.0f} s long."
        unseen = both_hidden_s if cue in (MUTUAL_GAZE, MIRRORING) else hidden_s
        settled, code = settle(cue, found, reason, unseen, end - start, parameters.quality)
        cells |= settled
        flags |= {code} if code else set()
    return cells | {"flags": ";".join(sorted(flags)) or None}


def cue_cells(
    measured: Measured, person: int, start: float, end: float, parameters: Parameters
) -> list[tuple[Cue, Cells, str]]:
    """The raw columns of each cue of one person over [start, end) s, and why the session has no such figure
    ("" if it has); cues that need a partner only where there is one."""
    eyes, partner = measured.eye_contact[person], measured.partner(person)
    gaze = eye_contact_minute(eyes, start, end, parameters)
    unsure = "" if eyes.state == CONFIDENT else sentence(eyes.reason)
    head_only = sentence(FLAGS["HEAD_ONLY"]) if eyes.method == HEAD_ONLY else ""
    lean, smiles, talk = measured.lean[person], measured.smiles[person], measured.talk[person]
    span = (start, end)
    cues = [
        (EYE_CONTACT, _part(gaze, EYE_CONTACT), head_only or unsure),
        (FACING, _part(gaze, FACING), unsure if head_only else "Gaze itself was measured."),
        (CAMERA_GAZE, _part(gaze, CAMERA_GAZE), "" if eyes.camera_zone else sentence(eyes.camera_reason)),
        (
            LEAN,
            dict(lean_minute(lean, start, end, parameters))
            | _named("lean_forward", share_while(lean.time, lean.states, FORWARD, talk, span, parameters)),
            lean.reason,
        ),
        (
            SMILE,
            dict(smile_minute(smiles, start, end))
            | _named("smile", share_while(smiles.time, smiles.states, YES, talk, span, parameters)),
            smiles.reason or "",
        ),
        (TALK, dict(talk_minute(talk, start, end)), sentence(talk.reason)),
    ]
    if partner is not None and measured.mirroring is not None:
        other = measured.eye_contact[partner]
        mutual = mutual_gaze_minute(eyes, other, measured.mutual_gaze, start, end, parameters)
        shared = mirroring_minute(measured.mirroring, person, start, end)
        shared["mirroring_why"] = shared.pop("mirroring_reason")
        shared["mirroring_coverage"] = _together(smiles, measured.smiles[partner], start, end)
        cues.insert(1, (MUTUAL_GAZE, dict(mutual), sentence(mutual_gaze_reason(eyes, other))))
        cues.append((MIRRORING, shared, smiles.reason or measured.smiles[partner].reason or ""))
    return cues


def settle(
    cue: Cue, cells: Cells, reason: str, hidden_s: float, length_s: float, quality: Quality
) -> tuple[Cells, str | None]:
    """The cells of one cue as they are shown, and the flag that they bring with them (None for none).

    `reason`: why there is no figure whatever the coverage, "" when there may be one. `hidden_s`: how long of
    the `length_s` seconds the layout had no place for the person. NaN becomes None.
    """
    cells = {name: _plain(value) for name, value in cells.items()}
    coverage = cells.get(cue.coverage) or 0.0
    cells, width = with_interval(cue, cells)
    if not reason and coverage < quality.coverage_min:
        away = f"; not in the picture for {hidden_s:.0f} s of it" if hidden_s >= 0.5 else ""
        reason = f"{COVERAGE_REASON} {100 * coverage:.0f} % of {length_s:.0f} s{away}."
    if not reason and width > quality.interval_drop_pp:
        reason = too_wide(width)
    kept = (cue.coverage, f"{cue.name}_state")
    if reason:
        cells = {name: value if name in kept else None for name, value in cells.items()}
    cells[f"{cue.name}_why"] = reason or cells.get(f"{cue.name}_why")
    if cells.get(cue.coverage) is not None and coverage < quality.coverage_good:
        return cells, "LOW_COV"
    return cells, "LOW_CONFIDENCE" if width > quality.interval_low_pp else None


def with_interval(cue: Cue, cells: Cells) -> tuple[Cells, float]:
    """The cells with an interval that holds its figure, and the interval's width in points (0 without one)."""
    if cue.interval is None:
        return cells, 0.0
    low, high = (cells.get(name) for name in cue.interval)
    figure = cells.get(cue.figure)
    if low is None or high is None or figure is None:
        return cells, 0.0
    # Figure and interval count the samples that straddle the edge of a minute differently.
    low, high = min(low, figure), max(high, figure)
    return {**cells, **dict(zip(cue.interval, (low, high), strict=True))}, high - low


def too_wide(width: float) -> str:
    """Why a figure is not shown whose measurement interval is `width` points wide."""
    return f"Small changes of the thresholds move this figure by {width:.0f} points."


def session_flags(measured: Measured, person: int) -> list[str]:
    """Codes of everything that limits this person's figures in the whole session, sorted."""
    codes = {
        *measured.eye_contact[person].flags,
        *measured.lean[person].flags,
        *measured.smiles[person].flags,
    }
    if measured.mirroring is not None:
        codes |= set(measured.mirroring.flags)
    return sorted(codes)


def sentence(words: str) -> str:
    """Words as a sentence: capital at the start, full stop at the end; "" stays ""."""
    return words[:1].upper() + words[1:] + ("" if words.endswith((".", "?", "!")) or not words else ".")


def rounded(name: str, value: Any) -> Any:
    """A cell as the files have it: percentages to 0.1, coverage to 0.001, centimetres and degrees to 0.1,
    other numbers with a unit to 0.01; counts are whole; NaN becomes None."""
    value = _plain(value)
    if not isinstance(value, float):
        return value
    if not name.endswith(_WITH_FRACTION):
        return round(value)
    digits = 3 if name.endswith("_coverage") else 1 if "_pct" in name or name.endswith(("_cm", "_deg")) else 2
    return round(value, digits) + 0.0  # -0.0 reads badly


def _part(cells: Cells, cue: Cue) -> Cells:
    return {name: value for name, value in cells.items() if name.startswith(cue.prefixes)}


def _named(thing: str, cells: Cells) -> Cells:
    return {f"{thing}_{name}": value for name, value in cells.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, (float, np.floating)):
        return float(value) if math.isfinite(value) else None
    return value


def _hidden_seconds(measured: Measured, person: int, start: float, end: float) -> float:
    a, b = np.searchsorted(measured.time, (start, end))
    return float((~measured.shown[person][a:b]).mean() * (end - start)) if b > a else 0.0


def _together(first: Smiles, second: Smiles, start: float, end: float) -> float:
    """Share of [start, end) in which both faces' expression was measured."""
    a, b = np.searchsorted(first.time, (start, end))
    both = np.isfinite(first.smile[a:b]) & np.isfinite(second.smile[a:b])
    return float(both.mean()) if b > a else 0.0


def _table(rows: list[Cells]) -> pa.Table:
    names = list(dict.fromkeys(name for row in rows for name in row if name != "flags"))
    groups = [[name for name in names if name.startswith(prefix)] for prefix in _OPTIONAL]
    groups += [[name] for name in names if name.endswith(_WHILE)]
    for group in groups:
        told = [name for name in group if not name.endswith(("_why", "_coverage"))]
        if not any(_plain(row.get(name)) is not None for row in rows for name in told):
            names = [name for name in names if name not in group]
    return pa.table(
        {name: pa.array([rounded(name, row.get(name)) for row in rows], _type(name)) for name in (*names, "flags")}
    )


def _type(name: str) -> pa.DataType:
    if name in ("role", "flags", "mirroring_stands_out") or name.endswith(("_why", "_state")):
        return pa.string()
    return pa.float64() if name.endswith(_WITH_FRACTION) else pa.int64()
