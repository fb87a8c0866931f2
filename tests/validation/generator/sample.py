"""The sample session: a recorded call of a trainee and a client, nine and a half minutes, with its truth."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import numpy as np

from . import behaviour, call, film, identity, person, room, session, speech, truth
from .person import Camera
from .session import Part

SEED = 20
RATE = 20
SECONDS = 570.0
NAMES = ("Alex (trainee)", "Sam (client)")
ROOMS = (2, 1)
CAMERA = Camera(call.TILE_WIDTH, call.TILE_HEIGHT, float(call.TILE_WIDTH))
# where each sees the other's window, the notes and so on: h, v [deg] from the neutral place, distance [cm]
_TARGETS = (
    {
        "partner": (2.0, -7.0, 64.0),
        "notes": (13.0, -29.0, 58.0),
        "up": (-12.0, 17.0, 170.0),
        "side": (-24.0, 3.0, 150.0),
    },
    {
        "partner": (-2.5, -8.5, 66.0),
        "notes": (-12.0, -28.0, 60.0),
        "up": (14.0, 18.0, 180.0),
        "side": (25.0, 1.0, 160.0),
    },
)
_AWAY = ({"notes": 0.55, "up": 0.2, "side": 0.25}, {"notes": 0.35, "up": 0.3, "side": 0.35})


def plan(seed: int, seconds: float) -> tuple[list[Part], list[speech.Turn], np.ndarray]:
    """Both people's parts, the turns, and the mixed sound (samples,) at speech.SAMPLE_RATE.

    The session is planned at full length and cut, so a shorter one is the beginning of the whole.
    """
    rng = np.random.default_rng([seed, 1])
    turns, sound = speech.converse(rng, max(seconds, SECONDS))
    spoken = [[(t.start, t.end) for t in turns if t.person == i] for i in (0, 1)]
    whole = max(seconds, SECONDS)
    smiles = behaviour.smiles(rng, whole)
    minutes = int(np.ceil(whole / 60))
    parts = []
    for i, who in enumerate((identity.trainee(), identity.client())):
        own = np.random.default_rng([seed, 2, i])
        away = _AWAY[i]
        parts.append(
            Part(
                who,
                ((0.4, 3.0, 66.0), (-0.6, 2.9, 69.0))[i],
                _TARGETS[i],
                behaviour.gaze(own, whole, behaviour.minute_shares(own, minutes), spoken[1 - i], away),
                behaviour.blinks(own, whole),
                behaviour.leans(own, whole),
                smiles[i],
                spoken[i],
                spoken[1 - i],
                sound[i],
                seed * 10 + i,
                rest_head=(_TARGETS[i]["partner"][0] * 0.6, -3.5),
            )
        )
    return parts, turns, sound


def cut(part: Part, seconds: float) -> Part:
    """The same part with only what begins before `seconds`; events that go on are ended there."""

    def spans(all_: list) -> list:
        return [(s, min(e, seconds)) for s, e in all_ if s < seconds]

    return Part(
        **{
            **part.__dict__,
            "gaze": [behaviour.Gaze(g.start, min(g.end, seconds), g.target) for g in part.gaze if g.start < seconds],
            "blinks": spans(part.blinks),
            "speech": spans(part.speech),
            "listens": spans(part.listens),
            "leans": [x for x in part.leans if x.start < seconds],
            "smiles": [s for s in part.smiles if s.onset < seconds],
        }
    )


@lru_cache(maxsize=4)
def _room(seed: int, width: int, height: int) -> np.ndarray:
    return person.to_linear(room.draw(seed, width, height))


def render(
    out: Path,
    seconds: float = SECONDS,
    workers: int = 2,
    seed: int = SEED,
    rate: int = RATE,
    progress: Callable[[int], None] | None = None,
) -> dict:
    """Renders session.mp4 and truth.json into `out`; returns the truth."""
    parts, turns, sound = plan(seed, seconds)
    times = np.arange(int(round(seconds * rate))) / rate
    whole = np.arange(int(round(max(seconds, SECONDS) * rate))) / rate
    states = [session.perform(part, whole)[: len(times)] for part in parts]
    for part in parts:
        person.prepare(part.identity)

    def draw(k: int) -> np.ndarray:
        tiles = [
            person.render(part.identity, state[k], CAMERA, _room(r, CAMERA.width, CAMERA.height))
            for part, state, r in zip(parts, states, ROOMS, strict=True)
        ]
        return call.compose((tiles[0], tiles[1]), NAMES, times[k])

    out.mkdir(parents=True, exist_ok=True)
    loud = sound.sum(0)[: int(seconds * speech.SAMPLE_RATE)]
    film.write(
        out / "session.mp4",
        film.rendered(draw, len(times), workers),
        rate,
        0.8 * loud,
        speech.SAMPLE_RATE,
        progress=progress,
    )
    parts = [cut(part, seconds) for part in parts]
    content = {
        "schema": 1,
        "seed": seed,
        "setup": "split_screen",
        "video": {"width": call.WIDTH, "height": call.HEIGHT, "rate": rate, "duration": len(times) / rate},
        "people": [
            truth.describe(
                p,
                seconds,
                person=i,
                side=("left", "right")[i],
                role=("trainee", "client")[i],
                name=NAMES[i].split()[0],
                camera_f_over_tile_width=1.0,
                tile=list(call.TILES[i]),
            )
            for i, p in enumerate(parts)
        ],
        "turns": [
            {
                "person": t.person,
                "start": round(t.start, 3),
                "end": round(min(t.end, seconds), 3),
                "text": t.text,
            }
            for t in turns
            if t.start < seconds
        ],
        "per_minute": truth.per_minute(parts, seconds),
    }
    truth.write(out / "truth.json", content)
    return content
