"""Made observations with known leans (METHOD 6.4 G3): a head's distance, a background, shoulders.

The behaviour: sway as AR(1) noise (SD 1 cm, time constant 15 s), 3 cm of slow sag over 25 minutes, leans of 9
cm in the median that fill a given fraction of the time, seats that are moved, cameras that are bumped,
zoomed, or frame by themselves. A zoom by the factor z makes a head at distance D look as if it were at D / z,
and the background z larger.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from cues.metrics.episodes import Episode
from cues.metrics.forward_lean import FORWARD_KINDS, Lean
from cues.observations import OBSERVATIONS, SCENE, Observations, RecordingFacts

RATE_HZ = 10.0
WIDTH_PX = 640.0
MINUTES_25 = np.arange(15000) / RATE_HZ
"""Sample times [s] of the usual session."""


@dataclass(frozen=True)
class MadeLean:
    """Observations with the truth: neutral distance and distance [cm] (n,), leans as episodes."""

    observations: Observations
    time: np.ndarray
    neutral_cm: np.ndarray
    distance_cm: np.ndarray
    leans: list[Episode]


def sway(rng: np.random.Generator, n: int, sd_cm: float = 1.0, tau_s: float = 15.0) -> np.ndarray:
    """AR(1) noise [cm], shape (n,) at 10 Hz."""
    phi = np.exp(-1 / (tau_s * RATE_HZ))
    shocks = rng.normal(0, sd_cm * np.sqrt(1 - phi**2), n).tolist()
    value, out = float(rng.normal(0, sd_cm)), []
    for shock in shocks:
        value = phi * value + shock
        out.append(value)
    return np.array(out)


def leans(rng: np.random.Generator, duration_s: float, fraction: float) -> list[Episode]:
    """Leans that fill about `fraction` of the time: log-normal, median 9 cm and 20 s, from 5 cm and 3 s."""
    found, now = [], float(rng.exponential(10))
    while now < duration_s - 5:
        length = float(np.clip(rng.lognormal(np.log(20), 0.6), 3, 120))
        depth = float(np.clip(rng.lognormal(np.log(9), 0.3), 5, 25))
        found.append(Episode(now, min(now + length, duration_s), "forward", depth))
        now += length + float(rng.exponential(20 * 1.2 * (1 - fraction) / fraction)) + 3
    return found


def lean_course(time: np.ndarray, episodes: list[Episode], ramp_s: float = 1.0) -> np.ndarray:
    """Approach [cm] of the episodes over time (n,), with raised-cosine ramps centred on their borders."""
    course = np.zeros(len(time))
    for episode in episodes:
        up = np.clip((time - episode.start) / ramp_s + 0.5, 0, 1)
        down = np.clip((episode.end - time) / ramp_s + 0.5, 0, 1)
        course += episode.strength * (0.5 - 0.5 * np.cos(np.pi * np.minimum(up, down)))
    return course


def session(
    rng: np.random.Generator,
    duration_s: float = 1500.0,
    fraction: float = 0.3,
    neutral_cm: float = 60.0,
    noise_share: float = 0.005,
    sag_cm: float = 3.0,
    seat_moves: list[tuple[float, float]] | None = None,
    zoom: np.ndarray | None = None,
    shift_px: np.ndarray | None = None,
    episodes: list[Episode] | None = None,
    missing_share: float = 0.03,
    background: bool = True,
    sway_cm: float = 1.0,
) -> MadeLean:
    """A session of one person in front of a camera.

    seat_moves: (time [s], how much further back [cm]); zoom: factor over time (n,); shift_px: of the
    background (n,); missing_share: share of the time with the face missing, in gaps of up to 3 s.
    """
    n = round(duration_s * RATE_HZ)
    time = np.arange(n) / RATE_HZ
    episodes = leans(rng, duration_s, fraction) if episodes is None else episodes
    neutral = neutral_cm + rng.choice([-1, 1]) * sag_cm * (time / 1500.0)
    for at, further in seat_moves or []:
        neutral = neutral + further * np.clip((time - at) / 3.0, 0, 1)
    distance = neutral + sway(rng, n, sway_cm) - lean_course(time, episodes)
    zoom = np.ones(n) if zoom is None else zoom
    seen = distance / zoom * np.exp(rng.normal(0, noise_share, n))
    lateral = sway(rng, n, 1.5)
    face = np.ones(n, bool)
    for at in rng.uniform(0, duration_s, int(missing_share * duration_s / 1.5)):
        face[(time >= at) & (time < at + rng.uniform(0, 3))] = False
    shift = np.zeros(n) if shift_px is None else shift_px
    observations = observe(time, lateral, seen, face, shift if background else None, zoom, rng)
    return MadeLean(observations, time, neutral, distance, episodes)


def observe(
    time: np.ndarray,
    x_cm: np.ndarray,
    z_cm: np.ndarray,
    face: np.ndarray,
    shift_px: np.ndarray | None,
    zoom: np.ndarray,
    rng: np.random.Generator,
    stretch: np.ndarray | None = None,
    setup: str = "single",
) -> Observations:
    """Observations of person 0 with a well-seen head facing the camera; the background once a second."""
    rows = head_rows(time, 0, x_cm, z_cm, face)
    scene = scene_rows(time, 0, stretch)
    if shift_px is not None:
        look = np.arange(len(time)) % round(RATE_HZ) == 0
        scene["shift_x"][look] = (shift_px + rng.normal(0, 0.001 * WIDTH_PX, len(time)))[look]
        scene["shift_y"][look] = rng.normal(0, 0.001 * WIDTH_PX, look.sum())
        scene["scale"][look] = (zoom * np.exp(rng.normal(0, 0.001, len(time))))[look]
    return assemble([rows], [scene], setup)


def head_rows(
    time: np.ndarray, person: int, x_cm: np.ndarray, z_cm: np.ndarray, face: np.ndarray, yaw_deg: float = 0.0
) -> dict[str, np.ndarray]:
    """Observation columns of a head whose pivot is at (x, 0, z); everything not set here is NaN."""
    rows = {name: np.full(len(time), np.nan) for name in OBSERVATIONS.names}
    rows |= {"time": time, "person": np.full(len(time), person), "face": face}
    values = {
        "head_yaw": yaw_deg,
        "head_pitch": 0.0,
        "head_roll": 0.0,
        "head_x": x_cm,
        "head_y": 0.0,
        "head_z": z_cm,
        "eye_x": x_cm,
        "eye_y": -6.6,
        "eye_z": z_cm - 7.8,
        "iris_distance": 80.0,
        "iris_circularity": 0.05,
        "reprojection_residual": 0.03,
        "blur": 100.0,
        "box_x": 250.0,
        "box_y": 150.0,
        "box_w": 120.0,
        "box_h": 160.0,
    }
    for name, value in values.items():
        rows[name] = np.where(face, value, np.nan)
    return rows


def scene_rows(time: np.ndarray, person: int, stretch: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """Scene columns with one full-width tile and no background."""
    n = len(time)
    rows = {name: np.full(n, np.nan) for name in SCENE.names}
    stretch = np.zeros(n, int) if stretch is None else stretch
    rows |= {"time": time, "person": np.full(n, person), "stretch": stretch, "shown": np.ones(n, bool)}
    rows |= {"cut": np.diff(stretch, prepend=-1) != 0, "tile_x": np.zeros(n), "tile_y": np.zeros(n)}
    rows |= {"tile_w": np.full(n, WIDTH_PX), "tile_h": np.full(n, 360.0)}
    return rows


def assemble(rows: list[dict[str, np.ndarray]], scenes: list[dict[str, np.ndarray]], setup: str) -> Observations:
    """Observations of one or more people from their columns."""

    def table(parts: list[dict[str, np.ndarray]], schema: pa.Schema) -> pa.Table:
        columns = [np.concatenate([part[f.name] for part in parts]) for f in schema]
        return pa.table([pa.array(c).cast(f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)

    duration = len(rows[0]["time"]) / RATE_HZ
    people = [{"person": k, "place": "only", "face_share": 1.0} for k in range(len(rows))]
    facts = RecordingFacts(setup, RATE_HZ, duration, [{"width": WIDTH_PX}], people)
    return Observations(facts, table(rows, OBSERVATIONS), table(scenes, SCENE))


def event_scores(found: list[Episode], true: list[Episode]) -> tuple[int, int, int]:
    """(hits, invented, missed) with one-to-one matching at an intersection over union of at least .5."""
    taken: set[int] = set()
    hits = 0
    for episode in found:
        for k, other in enumerate(true):
            overlap = min(episode.end, other.end) - max(episode.start, other.start)
            union = episode.duration + other.duration - overlap
            if k not in taken and overlap > 0 and overlap / union >= 0.5:
                taken.add(k)
                hits += 1
                break
    return hits, len(found) - hits, len(true) - hits


def forward(result: Lean) -> list[Episode]:
    """The measured leans forward, with the trunk or the head only."""
    return [e for e in result.episodes if e.kind in FORWARD_KINDS]


def backward(result: Lean) -> list[Episode]:
    """The measured leans back."""
    return [e for e in result.episodes if e.kind == "back"]
