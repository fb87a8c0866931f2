"""What figures stand on, to be looked at: pictures of judged moments, where the gaze went, the baseline of the lean.

Conventions: angles in degrees relative to the ray from the eyes to the lens, in a room to the partner's face; + = right
in the picture and up.
"""

from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from cues.metrics.episodes import NO, UNKNOWN, YES
from cues.metrics.session import SessionCues
from cues.observations import Observations
from cues.web.charts import AMBER, BLUE, GREY

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
) -> alt.LayerChart | None:
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
    cells = pd.DataFrame({"h": edges[h], "v": edges[v], "share": share, "shade": np.sqrt(share)})
    cells["h2"], cells["v2"] = cells["h"] + CELL_DEG, cells["v"] + CELL_DEG
    limits = alt.Scale(domain=[-HALF_WIDTH_DEG, HALF_WIDTH_DEG], nice=False)
    room = metrics.corrected.observations.facts.setup == "shared_room"
    zero = "partner's face" if room else "lens"
    x = alt.X("h:Q", scale=limits, title="degrees to the right")
    y = alt.Y("v:Q", scale=limits, title=f"degrees above the {zero}")
    shade = alt.Opacity("shade:Q", legend=None, scale=alt.Scale(range=[0.15, 1]))
    told = [alt.Tooltip("share:Q", title="% of the time", format=".1f")]
    layers = [
        alt.Chart(cells).mark_rect(color=BLUE).encode(x=x, x2="h2:Q", y=y, y2="v2:Q", opacity=shade, tooltip=told),
        alt.Chart(pd.DataFrame({"h": [0.0], "v": [0.0], "words": [zero]}))
        .mark_text(color=ink, text=f"+ {zero}", align="left", dx=-4)
        .encode(x=x, y=y),
    ]
    if places:
        numbered = pd.DataFrame({"h": [p[0] for p in places], "v": [p[1] for p in places]})
        numbered["number"] = [str(k + 1) for k in range(len(places))]
        spots = alt.Chart(numbered)
        layers += [
            spots.mark_circle(color=AMBER, size=340, opacity=1).encode(x=x, y=y),
            spots.mark_text(color="white", fontWeight="bold", fontSize=13).encode(x=x, y=y, text="number:N"),
        ]
    elif eyes.target is not None and np.isfinite(eyes.theta_in_deg):
        turn = np.linspace(0, 2 * np.pi, 60)
        radius = eyes.theta_in_deg
        ring = pd.DataFrame(
            {"h": eyes.target[0] + radius * np.cos(turn), "v": eyes.target[1] + radius * np.sin(turn), "k": range(60)}
        )
        layers.append(alt.Chart(ring).mark_line(color=AMBER, strokeWidth=2).encode(x=x, y=y, order="k:Q"))
    words = "Where the gaze went, as a map of angles; the ring is the partner's zone"
    return alt.layer(*layers).properties(width=330, height=330, description=words).configure_view(stroke=None)


def lean_chart(metrics: SessionCues, person: int, ink: str) -> alt.LayerChart | None:
    """Distance of the head from the lens and the posture that lean is measured from, over the session; None where
    nothing was measured."""
    lean = metrics.measured.lean[person]
    known = np.isfinite(lean.distance_cm) & np.isfinite(lean.baseline_cm)
    if not known.any():
        return None
    step = max(1, known.sum() // 900)
    rows = np.flatnonzero(known)[::step]
    table = pd.DataFrame(
        {"minute": lean.time[rows] / 60, "distance": lean.distance_cm[rows], "usual": lean.baseline_cm[rows]}
    )
    x = alt.X("minute:Q", title="minute", axis=alt.Axis(tickMinStep=1))
    y = alt.Y("distance:Q", scale=alt.Scale(zero=False), title="cm from the lens")
    layers = [
        alt.Chart(table).mark_line(color=GREY, strokeWidth=1).encode(x=x, y=y),
        alt.Chart(table).mark_line(color=ink, strokeDash=[5, 3]).encode(x=x, y=alt.Y("usual:Q")),
    ]
    words = "Distance of the head from the lens over the session; dashed, the usual posture"
    return alt.layer(*layers).properties(height=150, description=words).configure_view(stroke=None)
