"""What figures stand on, to be looked at: pictures of judged moments, where the gaze went, the baseline of the lean.

Conventions: angles in degrees relative to the ray from the eyes to the lens, in a room to the partner's face; + = right
in the picture and up.
"""

from dataclasses import dataclass

import numpy as np

from cues.metrics.episodes import NO, UNKNOWN, YES
from cues.metrics.session import SessionCues
from cues.observations import Observations
from cues.web.charts import AMBER, BLUE, FRAMELESS, GREY, Chart, layer, number, together, word

CELL_DEG, HALF_WIDTH_DEG = 1.5, 45.0
NEAR_DEG = 3.0
EACH = 3
JUDGED = {YES: "toward the partner", NO: "away", UNKNOWN: "cannot tell"}


@dataclass(frozen=True)
class Still:
    """A moment [s] of which a picture is shown, and how it was judged: a word of JUDGED."""

    time: float
    judged: str


def stills(metrics: SessionCues, person: int) -> list[Still]:
    """EACH moments of each judgement of eye contact, spread over the session, from the middle of long stretches."""
    eyes = metrics.measured.eye_contact[person]
    found = []
    for state, words in JUDGED.items():
        rows = np.flatnonzero(eyes.states == state)
        found += [Still(time, words) for time in _spread(eyes.time, rows)]
    return found


def looking_at(metrics: SessionCues, person: int, place: tuple[float, float]) -> list[float]:
    """EACH moments [s] at which somebody had been looking at a place (h, v) [deg] for a while, spread over the
    session."""
    eyes = metrics.measured.eye_contact[person]
    there = np.hypot(*(eyes.u - np.array(place)).T) <= NEAR_DEG
    return _spread(eyes.time, np.flatnonzero(eyes.measured & there))


def _spread(time: np.ndarray, rows: np.ndarray) -> list[float]:
    """At most EACH times [s] out of `rows`, spread over the session, from the middle of long stretches."""
    if not len(rows):
        return []
    stretches = np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1)
    long = sorted(stretches, key=len)[-4 * EACH :]
    middles = sorted(float(time[stretch[len(stretch) // 2]]) for stretch in long)
    return [middles[k] for k in sorted({int(k) for k in np.linspace(0, len(middles) - 1, EACH).round()})]


def seen_best(observations: Observations, person: int) -> float | None:
    """The moment [s] at which the face was turned to the lens most; None where there never was a face."""
    columns = observations.person(person)
    turned = np.abs(columns["head_yaw"])
    return float(columns["time"][np.nanargmin(turned)]) if np.isfinite(turned).any() else None


def gaze_chart(
    metrics: SessionCues, person: int, ink: str, places: list[tuple[float, float]] | None = None
) -> Chart | None:
    """How often each direction was looked at, with the partner's zone, or with `places` numbered from 1; None where no
    gaze was measured."""
    eyes = metrics.measured.eye_contact[person]
    u = eyes.u[eyes.measured & np.isfinite(eyes.u).all(1)]
    if len(u) == 0:
        return None
    edges = np.arange(-HALF_WIDTH_DEG, HALF_WIDTH_DEG + CELL_DEG, CELL_DEG)
    counts, _, _ = np.histogram2d(u[:, 0], u[:, 1], bins=(edges, edges))
    h, v = np.nonzero(counts)
    share = 100 * counts[h, v] / len(u)
    corners = (edges[h], edges[h] + CELL_DEG, edges[v], edges[v] + CELL_DEG, share, np.sqrt(share))
    cells = _rows(dict(zip(("h", "h2", "v", "v2", "share", "shade"), corners, strict=True)))
    room = metrics.corrected.observations.facts.setup == "shared_room"
    zero = "partner's face" if room else "lens"
    limits = {"domain": [-HALF_WIDTH_DEG, HALF_WIDTH_DEG], "nice": False}
    at = {
        "x": number("h", scale=limits, title="degrees to the right"),
        "y": number("v", scale=limits, title=f"degrees above the {zero}"),
    }
    field = at | {
        "x2": {"field": "h2"},
        "y2": {"field": "v2"},
        "opacity": number("shade", legend=None, scale={"range": [0.15, 1]}),
        "tooltip": [number("share", title="% of the time", format=".1f")],
    }
    layers = layer(cells, "rect", field, color=BLUE)
    layers += layer([{"h": 0.0, "v": 0.0}], "text", at, color=ink, text=f"+ {zero}", align="left", dx=-4)
    if places:
        numbered = [{"h": h, "v": v, "number": str(k)} for k, (h, v) in enumerate(places, start=1)]
        layers += layer(numbered, "circle", at, color=AMBER, size=340, opacity=1)
        above = at | {"text": word("number")}
        layers += layer(numbered, "text", above, color="white", fontWeight="bold", fontSize=13)
    elif eyes.target is not None and np.isfinite(eyes.theta_in_deg):
        turn, radius = np.linspace(0, 2 * np.pi, 60), eyes.theta_in_deg
        around = eyes.target[0] + radius * np.cos(turn), eyes.target[1] + radius * np.sin(turn)
        ring = _rows({"h": around[0], "v": around[1], "k": np.arange(60)})
        layers += layer(ring, "line", at | {"order": number("k")}, color=AMBER, strokeWidth=2)
    words = "Where the gaze went, as a map of angles; the ring is the partner's zone"
    return together(layers, 330, words, width=330, config=FRAMELESS)


def lean_chart(metrics: SessionCues, person: int, ink: str) -> Chart | None:
    """Distance of the head from the lens and the posture that lean is measured from, over the session; None where
    nothing was measured."""
    lean = metrics.measured.lean[person]
    known = np.isfinite(lean.distance_cm) & np.isfinite(lean.baseline_cm)
    if not known.any():
        return None
    step = max(1, known.sum() // 900)
    at = np.flatnonzero(known)[::step]
    rows = _rows({"minute": lean.time[at] / 60, "distance": lean.distance_cm[at], "usual": lean.baseline_cm[at]})
    x = number("minute", title="minute", axis={"tickMinStep": 1})
    scale = {"zero": False}
    distance = {"x": x, "y": number("distance", scale=scale, title="cm from the lens")}
    usual = {"x": x, "y": number("usual", scale=scale, title="cm from the lens")}
    layers = layer(rows, "line", distance, color=GREY, strokeWidth=1)
    layers += layer(rows, "line", usual, color=ink, strokeDash=[5, 3])
    words = "Distance of the head from the lens over the session; dashed, the usual posture"
    return together(layers, 150, words, config=FRAMELESS)


def _rows(columns: dict[str, np.ndarray]) -> list[dict[str, float]]:
    """Columns (n,) as n rows."""
    whole = np.column_stack(list(columns.values())).round(3).tolist()
    return [dict(zip(columns, row, strict=True)) for row in whole]
