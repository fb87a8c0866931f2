"""A two-shot: both people in one room and one picture of a wide camera, with its truth.

The angles at the two people and at the camera add to 180 degrees, so the camera stands near and looks wide:
each sees the other about 57 degrees from the lens, of which the head takes 30 and the eyes 27.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from . import behaviour, film, identity, person, room, session, speech, truth
from .behaviour import Gaze, Lean, Smile
from .person import Camera, State, gaze_angles
from .session import Part

SEED = 5
RATE = 20
SECONDS = 48.0
WIDTH, HEIGHT = 1280, 720
FOCAL = 0.6 * WIDTH
NAMES = ("Alex", "Sam")
_BEARING_DEG, _DISTANCE_CM, _HEAD_DEG = 33.0, 132.0, 29.0
_ROOM = 5
# who looks where until when [s]: stretches long enough to be counted by hand
_GAZE = (
    (
        ("partner", 6.0),
        ("notes", 10.0),
        ("partner", 21.0),
        ("away", 24.5),
        ("partner", 31.0),
        ("notes", 37.0),
        ("partner", 44.0),
        ("away", 48.0),
    ),
    (
        ("partner", 9.0),
        ("away", 12.0),
        ("partner", 17.0),
        ("notes", 23.0),
        ("partner", 29.0),
        ("away", 32.0),
        ("partner", 42.0),
        ("notes", 48.0),
    ),
)
_LEANS = (Lean(12.0, 20.5, 10.0, 1.3), Lean(32.5, 41.5, 10.0, 1.2))
_SMILES = (
    (Smile(3.0, 5.6, 0.8, 0.5, 0.03, None), Smile(26.0, 28.6, 0.9, 0.5, -0.04, 25.2)),
    (Smile(3.9, 6.4, 0.8, 0.5, 0.0, 3.0), Smile(25.2, 28.0, 0.9, 0.5, 0.05, None)),
)


def plan(seed: int, seconds: float) -> tuple[list[Part], list[speech.Turn], np.ndarray]:
    """Both parts, the turns, and the sound; at most SECONDS long."""
    rng = np.random.default_rng([seed, 3])
    turns, sound = speech.converse(rng, seconds)
    spoken = [[(t.start, t.end) for t in turns if t.person == i] for i in (0, 1)]
    angle = np.radians(_BEARING_DEG)
    parts = []
    for i, who in enumerate((identity.trainee(), identity.client())):
        side = (-1, 1)[i]
        place = (side * _DISTANCE_CM * np.sin(angle), 9.0, _DISTANCE_CM * np.cos(angle))
        own = np.random.default_rng([seed, 4, i])
        ends = [0.0] + [end for _, end in _GAZE[i]]
        gaze = [
            Gaze(start, min(end, seconds), name)
            for (name, end), start in zip(_GAZE[i], ends, strict=False)
            if start < seconds
        ]
        parts.append(
            Part(
                who,
                place,
                {},
                gaze,
                behaviour.blinks(own, seconds),
                [x for x in (_LEANS[i],) if x.end < seconds],
                [s for s in _SMILES[i] if s.end < seconds],
                spoken[i],
                spoken[1 - i],
                sound[i],
                seed * 10 + i,
                sway_cm=0.4,
                sag_cm=0.0,
                rest_head=(-side * (_BEARING_DEG + _HEAD_DEG), -2.0),
                lean_toward=(-side * 1.0, 0.07, 0.0),
                trunk_yaw=-side * 50.0,
                facing_yaw=-side * (_BEARING_DEG + _HEAD_DEG),
            )
        )
    eyes = [session.neutral_eyes(part) for part in parts]
    for i, side in ((0, -1), (1, 1)):
        h, v = gaze_angles(eyes[i], eyes[1 - i])
        parts[i] = replace(
            parts[i],
            targets={
                "partner": (h, v, float(np.linalg.norm(eyes[0] - eyes[1]))),
                "notes": (-side * 24.0, -30.0, 60.0),
                "away": (-side * 8.0, 12.0, 250.0),
            },
        )
    return parts, turns, sound


def render(
    out: Path,
    seconds: float = SECONDS,
    workers: int = 2,
    seed: int = SEED,
    rate: int = RATE,
    progress: Callable[[int], None] | None = None,
) -> dict:
    """Renders two_shot.mp4 and two_shot.json into `out`; returns the truth."""
    seconds = min(seconds, SECONDS)
    parts, turns, sound = plan(seed, seconds)
    times = np.arange(int(round(seconds * rate))) / rate
    states = [session.perform(part, times) for part in parts]
    for part in parts:
        person.prepare(part.identity)
    half = WIDTH // 2
    behind = person.to_linear(room.draw(_ROOM, WIDTH, HEIGHT))
    behind = [np.ascontiguousarray(behind[:, :half]), np.ascontiguousarray(behind[:, half:])]
    # each person fills one half; both halves share the lens in the middle of the whole picture
    cameras = [Camera(half, HEIGHT, FOCAL, float(half)), Camera(half, HEIGHT, FOCAL, 0.0)]

    def draw(k: int) -> np.ndarray:
        return np.hstack(
            [
                person.render(part.identity, state[k], camera, wall)
                for part, state, camera, wall in zip(parts, states, cameras, behind, strict=True)
            ]
        )

    out.mkdir(parents=True, exist_ok=True)
    film.write(
        out / "two_shot.mp4",
        film.rendered(draw, len(times), workers),
        rate,
        0.8 * sound.sum(0)[: int(seconds * speech.SAMPLE_RATE)],
        speech.SAMPLE_RATE,
        crf=24,
        max_kbps=400,
        progress=progress,
    )
    content = {
        "schema": 1,
        "seed": seed,
        "setup": "shared_room",
        "video": {"width": WIDTH, "height": HEIGHT, "rate": rate, "duration": len(times) / rate},
        "people": [
            {
                **truth.describe(
                    p,
                    seconds,
                    person=i,
                    side=("left", "right")[i],
                    role=("trainee", "client")[i],
                    name=NAMES[i],
                    camera_f_over_tile_width=0.6,
                    tile=[0, 0, WIDTH, HEIGHT],
                ),
                "head_yaw_to_lens_deg": round(mean_head_yaw(states[i]), 1),
            }
            for i, p in enumerate(parts)
        ],
        "turns": [
            {"person": t.person, "start": round(t.start, 3), "end": round(t.end, 3), "text": t.text} for t in turns
        ],
        "per_minute": truth.per_minute(parts, seconds),
    }
    truth.write(out / "two_shot.json", content)
    return content


def mean_head_yaw(states: list[State]) -> float:
    """Mean head yaw [deg] relative to the ray from the head to the lens."""
    return float(np.mean([s.head[0] - np.degrees(np.arctan2(-s.pivot[0], s.pivot[2])) for s in states]))
