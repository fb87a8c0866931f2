"""Made observations with known eye contact (METHOD 6.4 G2): semi-Markov gaze, noise, drift, blinks, head
movement.

A person looks at the partner for log-normal times (median 1.83 s, mean 2.75 s) and elsewhere in between; the
share of time at the partner is set by the time elsewhere. Measured gaze is true gaze plus white noise, plus
slow drift (AR(1), 20 s). Gaze is given relative to the ray to the lens, as vision writes it.
"""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from cues.observations import OBSERVATIONS, SCENE, Observations, RecordingFacts

PLACES = {"partner": (0.0, -7.0), "notes": (3.0, -28.0), "screen": (20.0, -6.0), "up": (8.0, 15.0)}


@dataclass(frozen=True)
class MadeGaze:
    """What to make. `places`: angles [deg] of partner and others; `away`: weights of the others."""

    seconds: float = 300.0
    rate_hz: float = 10.0
    share: float = 0.55
    places: dict[str, tuple[float, float]] = field(default_factory=lambda: dict(PLACES))
    away: dict[str, float] = field(default_factory=lambda: {"notes": 0.4, "screen": 0.3, "up": 0.3})
    noise_deg: float = 1.5
    drift_deg: float = 1.0
    blinks_per_minute: float = 17.0
    head_share: float = 0.3
    clock_jitter_s: float = 0.0
    seed: int = 0
    speech: bool = False
    setup: str = "split_screen"


def make(what: MadeGaze) -> tuple[Observations, np.ndarray, np.ndarray]:
    """Observations of one person (0), true place per sample ("" never; names of `places`), speaking int8
    (n,)."""
    random = np.random.default_rng(what.seed)
    n = int(what.seconds * what.rate_hz)
    time = np.arange(n) / what.rate_hz
    if what.clock_jitter_s:
        time = np.maximum.accumulate(time + random.uniform(-what.clock_jitter_s, what.clock_jitter_s, n)).clip(0)
    speaking = _turns(random, time) if what.speech else np.full(n, -1, np.int8)
    names = _sequence(random, what, time, speaking)
    true = np.array([what.places[name] for name in names])
    return observations_of(random, what, time, true), names, speaking


def observations_of(random: np.random.Generator, what: MadeGaze, time: np.ndarray, true: np.ndarray) -> Observations:
    """Observations of person 0 whose true gaze is `true` (n, 2) [deg] at 60 cm from the lens."""
    n = len(time)
    drift = np.zeros((n, 2))
    keep = np.exp(-1 / (20.0 * what.rate_hz))
    kick = random.normal(0, what.drift_deg * np.sqrt(1 - keep**2), (n, 2))
    drift[0] = random.normal(0, what.drift_deg, 2)
    for i in range(1, n):
        drift[i] = keep * drift[i - 1] + kick[i]
    seen = true + drift + random.normal(0, what.noise_deg, (n, 2))
    columns = person_columns(time, seen, pitch=what.head_share * true[:, 1], yaw=what.head_share * true[:, 0])
    blink(columns, random, what.blinks_per_minute)
    facts = RecordingFacts(what.setup, what.rate_hz, what.seconds, [], [{"person": 0, "place": "only"}])
    return as_observations(facts, [columns])


def person_columns(
    time: np.ndarray, gaze: np.ndarray, yaw: np.ndarray | float = 0.0, pitch: np.ndarray | float = 0.0
) -> dict[str, np.ndarray]:
    """All columns of a well-seen person 60 cm before the lens with gaze (n, 2) [deg]; what is not needed is
    NaN."""
    n = len(time)
    columns = {name: np.full(n, np.nan) for name in OBSERVATIONS.names}
    columns |= {"time": time, "person": np.zeros(n, np.int8), "face": np.ones(n, bool)}
    steady = {"head_roll": 0.0, "eye_x": 0.0, "eye_y": 0.0, "eye_z": 60.0, "iris_distance": 90.0}
    steady |= {"iris_circularity": 0.05, "reprojection_residual": 0.02, "blur": 100.0}
    steady |= {"eye_open_left": 0.3, "eye_open_right": 0.3, "eyeBlinkLeft": 0.1, "eyeBlinkRight": 0.1}
    steady |= {"eyeLookUpLeft": 0.05, "eyeLookUpRight": 0.05}
    columns |= {name: np.full(n, value) for name, value in steady.items()}
    columns["head_yaw"], columns["head_pitch"] = (
        np.broadcast_to(yaw, n) + 0.0,
        np.broadcast_to(pitch, n) + 0.0,
    )
    for eye in ("gaze", "gaze_left", "gaze_right"):
        columns[f"{eye}_h"], columns[f"{eye}_v"] = gaze[:, 0].copy(), gaze[:, 1].copy()
    down = np.clip(-(gaze[:, 1] - columns["head_pitch"]) / 30, 0, 1)
    columns |= {"eyeLookDownLeft": down, "eyeLookDownRight": down.copy()}
    return columns


def blink(columns: dict[str, np.ndarray], random: np.random.Generator, per_minute: float) -> None:
    """Blinks of 0.1 to 0.4 s in place: lids shut, irises unreadable."""
    time = columns["time"]
    for start in random.uniform(0, time[-1], random.poisson(per_minute * time[-1] / 60)):
        close_eyes(columns, (time >= start) & (time < start + random.uniform(0.1, 0.4)))


def close_eyes(columns: dict[str, np.ndarray], rows: np.ndarray) -> None:
    """Shuts the eyes in `rows`, in place; what the iris model then says is far off."""
    for side in ("left", "right"):
        columns[f"eye_open_{side}"][rows] = 0.05
        columns[f"eyeBlink{side.title()}"][rows] = 0.8
        columns[f"gaze_{side}_v"][rows] = -25.0
    columns["gaze_v"][rows] = -25.0
    columns["iris_circularity"][rows] = 0.6


def as_observations(facts: RecordingFacts, people: list[dict[str, np.ndarray]]) -> Observations:
    """The three tables of people whose columns are given in the order of their numbers."""
    rows = [
        pa.table(
            {
                f.name: pa.array(c[f.name] if f.name != "person" else np.full(len(c["time"]), k)).cast(f.type)
                for f in OBSERVATIONS
            },
            schema=OBSERVATIONS,
        )
        for k, c in enumerate(people)
    ]
    scenes = []
    for k, c in enumerate(people):
        n = len(c["time"])
        values = {name: np.full(n, np.nan) for name in SCENE.names}
        values |= {
            "time": c["time"],
            "person": np.full(n, k),
            "stretch": np.zeros(n),
            "shown": np.ones(n, bool),
        }
        values["cut"] = np.arange(n) == 0
        scenes.append(pa.table({f.name: pa.array(values[f.name]).cast(f.type) for f in SCENE}, schema=SCENE))
    return Observations(facts, pa.concat_tables(rows), pa.concat_tables(scenes))


def _sequence(random: np.random.Generator, what: MadeGaze, time: np.ndarray, speaking: np.ndarray) -> np.ndarray:
    """Place looked at per sample. With speech, more at the partner while listening (odds x 2.2 and / 2.2)."""
    others, weights = list(what.away), np.array(list(what.away.values()))
    names = np.empty(len(time), object)
    clock, at_partner = 0.0, random.random() < what.share
    while clock < time[-1] + 1:
        now = min(np.searchsorted(time, clock), len(time) - 1)
        odds = what.share / (1 - what.share) * {2: 2.2, 1: 1 / 2.2}.get(int(speaking[now]), 1.0)
        mean_off = max(2.75 / odds, 1.2) if odds > 1 else 2.2 / max(odds, 0.4)
        mean_on = odds * mean_off
        if at_partner:
            length = random.lognormal(np.log(mean_on / 2.75 * 1.83), np.sqrt(2 * np.log(2.75 / 1.83)))
            name = "partner"
        else:
            length = random.lognormal(np.log(mean_off) - 0.32, 0.8)
            name = others[random.choice(len(others), p=weights / weights.sum())]
        names[(time >= clock) & (time < clock + length)] = name
        clock, at_partner = clock + length, not at_partner
    return names.astype(str)


def _turns(random: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """Speaking states: turns of 3 to 15 s, with short silences."""
    speaking, clock, who = np.zeros(len(time), np.int8), 0.0, 1
    while clock < time[-1]:
        length = random.uniform(3, 15)
        speaking[(time >= clock) & (time < clock + length)] = who
        clock, who = clock + length + random.uniform(0.2, 1.0), 3 - who
    return speaking
