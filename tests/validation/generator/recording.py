"""A recording rendered from plans: a split-screen call, one person alone, or two people in one room, with its truth.

*Conventions.* Tiles are numbered from the left. A call has one tile a person; a picture of one person, and a room, have
one tile, the whole picture. In a room everyone has half of the picture, from left to right, and both cameras share the
lens in its middle (`room_cameras`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from . import call, film, person, room, session, speech, truth
from .person import Camera, State
from .sample import cut
from .session import Part

Change = Callable[[int, int, np.ndarray], np.ndarray]
"""(tile, number of the frame, rendered picture of the tile) -> the picture that is shown, of the tile's size"""


@dataclass(frozen=True)
class Shown:
    """Somebody in the recording: who and what they do, the camera, the room behind, the name on a call's tile.

    states: one per frame, where they are not what `session.perform` makes of the part.
    """

    part: Part
    camera: Camera
    room: int = 0
    name: str = ""
    states: list[State] | None = None


@dataclass(frozen=True)
class Quality:
    """The encoder's constant rate factor, and the most that the picture may take [kbit/s] (None: no bound)."""

    crf: int
    max_kbps: int | None = None


NEAR_LOSSLESS = Quality(6)
CALL = Quality(26, 215)
"""What the sample has: a call recorded at a modest rate."""


def room_cameras(width: int, height: int, focal: float) -> tuple[Camera, Camera]:
    """The cameras of the left and the right half of one picture, which share the lens in its middle [px]."""
    half = width // 2
    return Camera(half, height, focal, float(half)), Camera(half, height, focal, 0.0)


def render(
    out: Path,
    people: Sequence[Shown],
    seconds: float,
    rate: int = 10,
    setup: str = "split_screen",
    quality: Quality = NEAR_LOSSLESS,
    sound: np.ndarray | None = None,
    turns: Sequence[speech.Turn] = (),
    change: Change | None = None,
    tile_size: tuple[int, int] | None = None,
    workers: int = 2,
    about: dict | None = None,
    progress: Callable[[int], None] | None = None,
) -> dict:
    """Renders session.mp4 and truth.json (see `truth`) into `out`; returns the truth.

    Parts may be longer than `seconds`, which then cuts them.

    setup: "split_screen" (two people), "single" (one) or "shared_room" (two). sound: (samples,) at
    speech.SAMPLE_RATE; turns: who says what in it. tile_size: (width, height) [px] of what `change` returns where that
    is not the camera's size (a camera move needs a margin). about: further entries of the truth.
    """
    if len(people) != (1 if setup == "single" else 2):
        raise ValueError(f"the setup {setup} cannot have {len(people)} people")
    times = np.arange(int(round(seconds * rate))) / rate
    states = [session.perform(p.part, times) if p.states is None else p.states for p in people]
    for shown in people:
        person.prepare(shown.part.identity)
    walls = _walls(people, setup)
    rendered_width = sum(p.camera.width for p in people) if setup == "shared_room" else people[0].camera.width
    size = tile_size or (rendered_width, people[0].camera.height)
    layout = call.side_by_side(*size) if setup == "split_screen" else None

    def draw(k: int) -> np.ndarray:
        pictures = [
            person.render(p.part.identity, s[k], p.camera, w) for p, s, w in zip(people, states, walls, strict=True)
        ]
        tiles = [np.hstack(pictures)] if setup == "shared_room" else pictures
        if change is not None:
            tiles = [change(number, k, tile) for number, tile in enumerate(tiles)]
        if layout is None:
            return tiles[0]
        return call.compose((tiles[0], tiles[1]), (people[0].name, people[1].name), times[k], layout)

    out.mkdir(parents=True, exist_ok=True)
    film.write(
        out / "session.mp4",
        film.rendered(draw, len(times), workers),
        rate,
        None if sound is None else 0.8 * sound[: int(seconds * speech.SAMPLE_RATE)],
        speech.SAMPLE_RATE,
        crf=quality.crf,
        max_kbps=quality.max_kbps,
        progress=progress,
    )
    boxes = [(0, 0, *size)] * len(people) if layout is None else list(layout.tiles)
    content = {
        "schema": 1,
        **(about or {}),
        "setup": setup,
        "video": {
            "width": size[0] if layout is None else layout.width,
            "height": size[1] if layout is None else layout.height,
            "rate": rate,
            "duration": len(times) / rate,
        },
        "people": [
            {
                **truth.describe(
                    cut(shown.part, seconds),
                    seconds,
                    person=i,
                    side=("left", "right")[i] if len(people) > 1 else "only",
                    role=("trainee", "client")[i],
                    name=shown.name,
                    camera_f_over_tile_width=shown.camera.focal / size[0],
                    tile=list(boxes[i]),
                ),
                **_appearance(shown, states[i]),
            }
            for i, shown in enumerate(people)
        ],
        "turns": [
            {"person": t.person, "start": round(t.start, 3), "end": round(min(t.end, seconds), 3), "text": t.text}
            for t in turns
            if t.start < seconds
        ],
        "per_minute": truth.per_minute([cut(p.part, seconds) for p in people], seconds),
    }
    truth.write(out / "truth.json", content)
    return content


def _appearance(shown: Shown, states: list[State]) -> dict[str, float]:
    """Means over ten instants: irises' distance [px] as it appears with the face turned to the lens, and the head's yaw
    [deg] relative to the ray from the head to the lens."""
    some = [states[k] for k in np.linspace(0, len(states) - 1, 10).astype(int)]
    exact = [person.exact(shown.part.identity, state, shown.camera) for state in some]
    yaw = [s.head[0] - float(np.degrees(np.arctan2(-s.pivot[0], s.pivot[2]))) for s in some]
    return {
        "iris_distance_px": round(float(np.mean([float(e["iris_distance"]) for e in exact])), 1),
        "head_yaw_to_lens_deg": round(float(np.mean(yaw)), 1),
    }


def _walls(people: Sequence[Shown], setup: str) -> list[np.ndarray]:
    cameras = [p.camera for p in people]
    if setup == "shared_room":
        whole = _wall(people[0].room, sum(c.width for c in cameras), cameras[0].height)
        return [np.ascontiguousarray(half) for half in np.split(whole, [cameras[0].width], axis=1)]
    return [_wall(p.room, c.width, c.height) for p, c in zip(people, cameras, strict=True)]


@lru_cache(maxsize=4)
def _wall(seed: int, width: int, height: int) -> np.ndarray:
    return person.to_linear(room.draw(seed, width, height))
