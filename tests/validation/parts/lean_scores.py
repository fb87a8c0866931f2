"""Measured leans against what was rendered, sitting by sitting.

What counts was fixed before any result was seen:

- the true change in percent is 100 (1 - D / D0): D the exact distance of the upper neck to the lens, D0 its median over
  the time without a lean (sway and drift are in both; the product has to find its own neutral posture);
- a lean's error is the mean absolute error over its plateau, half a second inside the ramps;
- a true event is `truth.lean_events`: while the displacement by leaning alone is 5 cm or more. Leans of less than 6 cm
  are `AMBIGUOUS`: found or not, they are neither hit nor miss nor invented; a figure of their own says how many were
  found, and another counts them like all the others. In the minutes they count as the truth says;
- a false lean is an episode, forward or back, that touches no true movement.
"""

from dataclasses import dataclass

import numpy as np

from cues.metrics.episodes import Episode, iou
from cues.metrics.session import SessionMetrics
from tests.validation.generator import truth
from tests.validation.generator.behaviour import Interval, overlap
from tests.validation.parts.lean_sessions import Call, Sitting, distance_of, parts_of, times_of

AMBIGUOUS_CM = 6.0
FORWARD = ("forward", "head_forward")
_INSIDE_S = 0.5
_LEAST_IOU = 0.5


@dataclass(frozen=True)
class LeanError:
    """One true lean. Changes [points of percent] are means over the plateau; NaN where nothing was measured.

    error: mean absolute error of the change; own_error: the same with the measured distance's own median without a
    lean as neutral, so without the product's choice of the neutral posture; cm_error: of the centimetres.
    """

    cm: float
    true_pct: float
    measured_pct: float
    error: float
    own_error: float
    cm_error: float
    measured_share: float


@dataclass(frozen=True)
class Events:
    """Events of one direction: matched pairs (found, true), what was found and what there was."""

    pairs: list[tuple[Episode, Interval]]
    found: int
    true: int


@dataclass(frozen=True)
class Scores:
    """One sitting. minutes: (true, measured) forward percent; doing: seconds outside leans by activity; false: false
    leans, their activities by name."""

    sitting: Sitting
    leans: list[LeanError]
    forward: Events
    back: Events
    forward_all: Events
    ambiguous_found: int
    minutes: list[tuple[float, float]]
    minutes_missing: int
    doing: dict[str, float]
    false: list[tuple[Episode, list[str]]]
    coverage: float
    flags: list[str]


def score(call: Call, person: int, metrics: SessionMetrics) -> Scores:
    """Everything about one person of a call."""
    part, sitting, lean = parts_of(call)[person], call.sittings[person], metrics.measured.lean[person]
    events = truth.lean_events(part, call.seconds)
    moves = [(x.start, x.end) for x in part.leans]
    found = {
        kind: [e for e in lean.episodes if (e.kind in FORWARD) == (kind == "forward")] for kind in ("forward", "back")
    }
    forward, back = ([e for e in events if sign * e["cm"] > 0] for sign in (1, -1))
    unsure = [_span(e) for e in forward if abs(e["cm"]) < AMBIGUOUS_CM]
    taken = [pair[0] for pair in _pairs(found["forward"], unsure)]
    sure = [_span(e) for e in forward if abs(e["cm"]) >= AMBIGUOUS_CM]
    minutes, missing = _minutes(metrics, person, [_span(e) for e in forward])
    doing = _activities(part)
    free = _without(moves, call.seconds)
    return Scores(
        sitting,
        _lean_errors(call, person, metrics),
        _events([e for e in found["forward"] if e not in taken], sure),
        _events(found["back"], [_span(e) for e in back]),
        _events(found["forward"], [_span(e) for e in forward]),
        len(taken),
        minutes,
        missing,
        {name: sum(overlap(gap, spans) for gap in free) for name, spans in doing.items()},
        [
            (e, [name for name, spans in doing.items() if overlap((e.start - 0.5, e.start + 0.5), spans) > 0])
            for e in lean.episodes
            if not any(e.start < end and start < e.end for start, end in moves)
        ],
        float((lean.states != -1).mean()),
        list(lean.flags),
    )


def _span(event: dict[str, float]) -> Interval:
    return event["start"], event["end"]


def _lean_errors(call: Call, person: int, metrics: SessionMetrics) -> list[LeanError]:
    part, lean = parts_of(call)[person], metrics.measured.lean[person]
    frames = times_of(call.seconds)
    distance = distance_of(call, person)
    still = _still(part.leans, frames)
    true_neutral = float(np.median(distance[still]))
    true = np.interp(lean.time, frames, 100 * (1 - distance / true_neutral))
    true_cm = np.interp(lean.time, frames, true_neutral - distance)
    rest = lean.distance_cm[_still(part.leans, lean.time) & np.isfinite(lean.distance_cm)]
    own_neutral = np.median(rest) if len(rest) else np.nan
    own = 100 * (1 - lean.distance_cm / own_neutral)
    errors = []
    for event in part.leans:
        inside = lean.time >= event.start + event.ramp + _INSIDE_S
        inside &= lean.time <= event.end - event.ramp - _INSIDE_S
        known = inside & np.isfinite(lean.lean_pct)
        share = float(known.sum() / inside.sum())
        values = (
            (
                true[known].mean(),
                lean.lean_pct[known].mean(),
                np.abs(lean.lean_pct - true)[known].mean(),
                np.abs(own - true)[known].mean(),
                np.abs(lean.lean_cm - true_cm)[known].mean(),
            )
            if known.any()
            else [np.nan] * 5
        )
        errors.append(LeanError(event.cm, *(float(v) for v in values), share))
    return errors


def _still(leans: list, times: np.ndarray) -> np.ndarray:
    return ~np.any([(times >= x.start) & (times <= x.end) for x in leans] + [np.zeros(len(times), bool)], axis=0)


def _pairs(found: list[Episode], true: list[Interval]) -> list[tuple[Episode, Interval]]:
    """Found and true events one to one, the best overlap first, with an intersection over union of at least .5."""
    scored = [(iou((e.start, e.end), t), i, j) for i, e in enumerate(found) for j, t in enumerate(true)]
    pairs: list[tuple[int, int]] = []
    for value, i, j in sorted(scored, reverse=True):
        if value >= _LEAST_IOU and all(i != a and j != b for a, b in pairs):
            pairs.append((i, j))
    return [(found[i], true[j]) for i, j in pairs]


def _events(found: list[Episode], true: list[Interval]) -> Events:
    return Events(_pairs(found, true), len(found), len(true))


def _minutes(metrics: SessionMetrics, person: int, true: list[Interval]) -> tuple[list[tuple[float, float]], int]:
    rows = [row for row in metrics.minutes.to_pylist() if row["person"] == person]
    figures = [
        (100 * overlap((row["start_s"], row["end_s"]), true) / (row["end_s"] - row["start_s"]), row["lean_forward_pct"])
        for row in rows
    ]
    known = [(known, float(figure)) for known, figure in figures if figure is not None]
    return known, len(figures) - len(known)


def _activities(part) -> dict[str, list[Interval]]:
    looks = {target: [(g.start, g.end) for g in part.gaze if g.target == target] for target in ("side", "notes")}
    smiles = [(s.onset, s.end) for s in part.smiles]
    return {"turned aside": looks["side"], "reading notes": looks["notes"], "smiling": smiles, "talking": part.speech}


def _without(spans: list[Interval], seconds: float) -> list[Interval]:
    """What of 0..seconds lies outside the spans."""
    edges = [0.0, *(t for span in sorted(spans) for t in span), seconds]
    return [(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b > a]
