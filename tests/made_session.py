"""Synthetic observations with known truth, for tests of everything right of the observations table.

`made_session` writes the table that vision would have written for people who look at a partner window and at
notes, lean forward, smile and mirror smiles at times drawn from a seed. Nothing of it comes from a video.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from cues.observations import (
    BLENDSHAPES,
    BODY_POINTS,
    OBSERVATIONS,
    SCENE,
    SOUND,
    Observations,
    RecordingFacts,
)

RATE_HZ = 10.0
WINDOW_DEG = (1.0, -8.0)
NOTES_DEG = (-6.0, -32.0)
ASIDE_DEG = (26.0, -4.0)
DELAY_S = 0.7


@dataclass(frozen=True)
class Truth:
    """What one person really did: contact and forward (n,) bool per sample; smiles as (onset, end) [s]."""

    contact: np.ndarray
    forward: np.ndarray
    smiles: list[tuple[float, float]]


@dataclass(frozen=True)
class MadeSession:
    observations: Observations
    truth: dict[int, Truth]
    mirrored: list[tuple[float, float]]  # onset of the one who smiles first, onset of the one who follows [s]


def made_session(
    minutes: float = 6.0,
    *,
    people: int = 2,
    setup: str | None = None,
    seed: int = 1,
    contact_share: tuple[float, ...] = (0.65, 0.45),
    missing: dict[int, tuple[float, float]] | None = None,
    hidden: dict[int, tuple[float, float]] | None = None,
    smiling: bool = True,
    iris_share: float = 1.0,
) -> MadeSession:
    """A session of `minutes` with one or more people at 10 samples a second.

    missing: person -> (start, end) [s] without a face. hidden: person -> (start, end) in which the layout has
    no place for this person (speaker view). iris_share: the picture's size over that of a camera near by.
    """
    rng = np.random.default_rng(seed)
    count = round(minutes * 60 * RATE_HZ)
    time = np.arange(count) / RATE_HZ
    setup = setup or ("single" if people == 1 else "split_screen")
    smiles, mirrored = _smile_plan(rng, minutes * 60, people, smiling)
    rows, scenes, truth = [], [], {}
    for person in range(people):
        share = contact_share[person % len(contact_share)]
        contact, gaze = _gaze(rng, time, share)
        forward, depth = _lean(rng, time)
        unseen = np.zeros(count, bool)
        for stretches in (missing or {}, hidden or {}):
            if person in stretches:
                unseen |= (time >= stretches[person][0]) & (time < stretches[person][1])
        away = np.zeros(count, bool)
        if hidden and person in hidden:
            away = (time >= hidden[person][0]) & (time < hidden[person][1])
        rows.append(_person_rows(rng, person, time, gaze, depth, smiles[person], unseen, iris_share))
        scenes.append(_scene_rows(person, time, ~away))
        truth[person] = Truth(contact, forward, smiles[person])
    facts = RecordingFacts(
        setup=setup,
        rate_hz=RATE_HZ,
        duration_s=minutes * 60,
        videos=[{"file": "made.mp4", "width": 1280, "height": 720}],
        people=[_fact(person, rows[person], people, setup) for person in range(people)],
        stretches=[{"stretch": 0, "start_s": 0.0, "end_s": minutes * 60}],
        models={"face_landmarker.task": "made"},
        software={"cues": "made"},
    )
    clock = np.arange(int(minutes * 600)) / 10
    sound = pa.table(
        {
            "time": clock.astype(np.float32),
            "channel": np.zeros(len(clock), np.int8),
            "speech": np.full(len(clock), 0.1, np.float32),
            "level_db": np.full(len(clock), -40, np.float32),
        }
    ).cast(SOUND)
    observations = Observations(facts, pa.concat_tables(rows), pa.concat_tables(scenes), sound)
    return MadeSession(observations, truth, mirrored)


def _fact(person: int, rows: pa.Table, people: int, setup: str) -> dict[str, Any]:
    places = ("first", "second") if setup == "two_files" else ("left", "right", "middle", "corner")
    place = "only" if people == 1 else places[person]
    share = float(np.mean(rows["face"].to_numpy()))
    return {"person": person, "place": place, "face_share": share, "focal_px": 900.0, "tile_cropped": False}


def _alternating(rng: np.random.Generator, time: np.ndarray, on_s: float, off_s: float) -> np.ndarray:
    """Bool (n,): stretches drawn from gamma distributions around the two means [s]."""
    end = time[-1] if len(time) else 0.0
    edges, now, state = [0.0], 0.0, []
    inside = bool(rng.random() < on_s / (on_s + off_s))
    while now <= end:
        now += max(0.6, rng.gamma(3.0, (on_s if inside else off_s) / 3.0))
        edges.append(now)
        state.append(inside)
        inside = not inside
    return np.array(state)[np.clip(np.searchsorted(edges, time, side="right") - 1, 0, len(state) - 1)]


def _gaze(rng: np.random.Generator, time: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    contact = _alternating(rng, time, 5.0 * share / 0.5, 5.0 * (1 - share) / 0.5)
    changes = np.cumsum(np.append(0, np.diff(contact.astype(int)) != 0))
    where = rng.random(changes[-1] + 1)[changes] < 0.6
    gaze = np.where(contact[:, None], WINDOW_DEG, np.where(where[:, None], NOTES_DEG, ASIDE_DEG))
    return contact, gaze + rng.normal(0, 1.2, gaze.shape)


def _lean(rng: np.random.Generator, time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    forward = _alternating(rng, time, 14.0, 45.0)
    ramp = np.convolve(np.pad(forward.astype(float), 5, mode="edge"), np.full(11, 1 / 11), "valid")
    return forward, 65.0 - 11.0 * ramp + 0.4 * np.sin(time / 7.0) + rng.normal(0, 0.15, len(time))


def _smile_plan(
    rng: np.random.Generator, duration: float, people: int, smiling: bool
) -> tuple[list[list[tuple[float, float]]], list[tuple[float, float]]]:
    plan: list[list[tuple[float, float]]] = [[] for _ in range(people)]
    mirrored = []
    now = 4.0
    while smiling and now < duration - 6:
        leader = int(rng.integers(people))
        length = float(rng.uniform(1.5, 3.0))
        plan[leader].append((now, now + length))
        if people > 1 and rng.random() < 0.6:
            follower = (leader + 1) % people
            plan[follower].append((now + DELAY_S, now + DELAY_S + length))
            mirrored.append((now, now + DELAY_S))
        now += length + float(rng.uniform(5.0, 14.0))
    return plan, mirrored


def _person_rows(
    rng: np.random.Generator,
    person: int,
    time: np.ndarray,
    gaze: np.ndarray,
    depth: np.ndarray,
    smiles: list[tuple[float, float]],
    unseen: np.ndarray,
    iris_share: float,
) -> pa.Table:
    count = len(time)
    columns: dict[str, np.ndarray] = {name: np.full(count, np.nan) for name in OBSERVATIONS.names}
    focal = 900.0
    turn = 0.3 * gaze + rng.normal(0, 0.5, gaze.shape)
    for name in BLENDSHAPES:
        columns[name] = np.clip(0.02 + rng.normal(0, 0.01, count), 0, 1)
    smile = np.zeros(count)
    for start, end in smiles:
        smile = np.maximum(smile, np.clip(np.minimum(time - start, end - time) / 0.3, 0, 1))
    for name, gain in (("mouthSmile", 0.6), ("cheekSquint", 0.35), ("eyeSquint", 0.3)):
        for side in ("Left", "Right"):
            columns[name + side] = np.clip(columns[name + side] + gain * smile, 0, 1)
    blink = (time % 4.3) < 0.15
    down = np.clip(-gaze[:, 1] / 30 - 0.3, 0, 0.9)
    for side in ("Left", "Right"):
        columns["eyeBlink" + side] = np.where(blink, 0.9, 0.05)
        columns["eyeLookDown" + side] = np.clip(-gaze[:, 1] / 40, 0, 1)
        columns["eyeLookUp" + side] = np.clip(gaze[:, 1] / 40, 0, 1)
    right = np.clip(gaze[:, 0] / 35, -1, 1)  # the subject's left is image right
    columns["eyeLookOutLeft"], columns["eyeLookInLeft"] = np.clip(right, 0, 1), np.clip(-right, 0, 1)
    columns["eyeLookInRight"], columns["eyeLookOutRight"] = np.clip(right, 0, 1), np.clip(-right, 0, 1)
    iris = iris_share * focal * 6.36 / depth
    values = {
        "box_x": 540.0, "box_y": 200.0, "box_w": 2.4 * iris, "box_h": 3.0 * iris,
        "head_yaw": turn[:, 0], "head_pitch": turn[:, 1], "head_roll": rng.normal(0, 0.5, count),
        "head_x": 0.0, "head_y": 4.0, "head_z": depth, "eye_x": 0.0, "eye_y": -2.0, "eye_z": depth - 8.0,
        "gaze_h": gaze[:, 0], "gaze_v": gaze[:, 1],
        "gaze_left_h": gaze[:, 0] + 1, "gaze_left_v": gaze[:, 1],
        "gaze_right_h": gaze[:, 0] - 1, "gaze_right_v": gaze[:, 1],
        "iris_distance": iris, "iris_left_x": 640 + iris / 2, "iris_left_y": 300.0,
        "iris_right_x": 640 - iris / 2, "iris_right_y": 300.0, "iris_circularity": 0.05,
        "eye_open_left": np.where(blink, 0.05, 0.3 - 0.12 * down),
        "eye_open_right": np.where(blink, 0.05, 0.3 - 0.12 * down),
        "reprojection_residual": 0.03, "blur": 120.0, "lip_gap": 0.02,
    }  # fmt: skip
    for point in BODY_POINTS:
        side, seen = (1 if point.endswith("left") else -1), point.startswith("shoulder")
        values[f"{point}_x"] = 640 + side * focal * 18.0 / (depth + 5)
        values[f"{point}_y"] = 560.0
        values[f"{point}_visibility"] = 0.95 if seen else 0.05

    for name, value in values.items():
        columns[name] = np.where(unseen, np.nan, value)
    for name in BLENDSHAPES:
        columns[name] = np.where(unseen, np.nan, columns[name])
    columns["time"], columns["person"], columns["face"] = time, np.full(count, person, np.int8), ~unseen
    return pa.table({f.name: pa.array(columns[f.name]).cast(f.type) for f in OBSERVATIONS})


def _scene_rows(person: int, time: np.ndarray, shown: np.ndarray) -> pa.Table:
    count = len(time)
    columns: dict[str, Any] = {
        "time": time, "person": np.full(count, person, np.int8), "stretch": np.zeros(count, np.int16),
        "shown": shown, "cut": np.arange(count) == 0,
        "tile_x": np.full(count, 640.0 * person), "tile_y": np.zeros(count),
        "tile_w": np.full(count, 640.0), "tile_h": np.full(count, 720.0),
        "shift_x": np.zeros(count), "shift_y": np.zeros(count), "scale": np.ones(count),
    }  # fmt: skip
    return pa.table({f.name: pa.array(columns[f.name]).cast(f.type) for f in SCENE})
