"""The recordings of the rate-and-size part: two rendered calls of two minutes at 30 pictures a second and 1920x1080,
and the same files at smaller sizes.

Each window of the call is 640x480 on the canvas of a 1920x1080 picture, rendered at that size and not enlarged.
"""

import hashlib
from dataclasses import asdict, dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av
import numpy as np

from tests.validation.generator import behaviour, call, session, speech
from tests.validation.generator.behaviour import Lean
from tests.validation.generator.identity import from_seed
from tests.validation.generator.person import Camera
from tests.validation.generator.recording import Quality, Shown, render
from tests.validation.generator.session import Part
from tests.validation.scope import Scope

RATE = 30
SECONDS = 120.0
WINDOW = (640, 480)
TILE = (944, 702)
"""Of `call.side_by_side`, so that the whole picture has 1920x1080."""
CRF = 23
PRESET = "fast"  # of the smaller files
KBPS = {1080: 2500, 720: 1200, 360: 400}
"""Height of the picture: the most that it may take [kbit/s], as recorded calls of that size do."""


@dataclass(frozen=True)
class Call:
    """Two people: distance [cm], identity, shares of eye contact meant for the minutes, leans [cm]."""

    seed: int
    identities: tuple[int, int]
    distances: tuple[float, float]
    shares: tuple[tuple[float, float], tuple[float, float]]
    leans: tuple[tuple[float, ...], tuple[float, ...]]


CALLS = (
    Call(941, (203, 204), (60.0, 68.0), ((0.35, 0.7), (0.6, 0.4)), ((9.0, 11.0, 8.0), (10.0, 8.0, 12.0))),
    Call(942, (206, 207), (72.0, 64.0), ((0.75, 0.5), (0.45, 0.8)), ((8.0, 12.0, 10.0), (11.0, 9.0))),
)


@lru_cache(maxsize=4)
def plan(planned: Call) -> tuple[tuple[Part, Part], list[speech.Turn], np.ndarray]:
    """Both parts, the turns, and the mixed sound. Raises SpeechMissing without espeak-ng."""
    rng = np.random.default_rng([planned.seed, 1])
    turns, sound = speech.converse(rng, SECONDS)
    smiles = behaviour.smiles(rng, SECONDS)
    spoken = [[(t.start, t.end) for t in turns if t.person == i] for i in (0, 1)]
    parts = []
    for i in (0, 1):
        own = np.random.default_rng([planned.seed, 2, i])
        side = 1 - 2 * i
        targets = {
            "partner": (2.0 * side, -7.0 - i, 64.0),
            "notes": (12.0 * side, -28.0, 58.0),
            "up": (-12.0 * side, 17.0, 170.0),
            "side": (-24.0 * side, 3.0, 150.0),
        }
        looks = behaviour.gaze(
            own, SECONDS, np.array(planned.shares[i]), spoken[1 - i], {"notes": 0.5, "up": 0.2, "side": 0.3}
        )
        parts.append(
            Part(
                from_seed(planned.identities[i]),
                (float(own.uniform(-1, 1)), 3.5, planned.distances[i]),
                targets,
                looks,
                behaviour.blinks(own, SECONDS),
                _leans(own, planned.leans[i]),
                smiles[i],
                spoken[i],
                spoken[1 - i],
                sound[i],
                planned.seed * 10 + i,
                rest_head=(1.2 * side, -3.5),
            )
        )
    return (parts[0], parts[1]), turns, sound.sum(0)


def _leans(rng: np.random.Generator, sizes: tuple[float, ...]) -> list[Lean]:
    """One lean in each equal piece of the time after the first ten seconds, of 8-13 s."""
    piece = (SECONDS - 10.0) / len(sizes)
    found = []
    for k, cm in enumerate(sizes):
        length = float(rng.uniform(8, 13))
        start = 10.0 + k * piece + float(rng.uniform(0, piece - length - 6))
        found.append(Lean(start, start + length, cm, float(rng.uniform(1.0, 1.5))))
    return found


def recording_of(planned: Call, scope: Scope) -> Path:
    """The folder of one call: session.mp4 (1920x1080), truth.json, and 720.mp4 and 360.mp4."""

    def make(folder: Path) -> None:
        (one, two), turns, sound = plan(planned)
        camera = Camera(*WINDOW, float(WINDOW[0]))
        shown = [Shown(one, camera, 2, "Kim"), Shown(two, camera, 1, "Lou")]
        quality = Quality(CRF, KBPS[1080])
        render(
            folder, shown, SECONDS, RATE, "split_screen", quality, sound, turns, on_canvas, TILE, workers=scope.workers
        )
        for height in KBPS:
            if height != 1080:
                rescale(folder / "session.mp4", folder / f"{height}.mp4", height, KBPS[height])

    parts, _, _ = plan(planned)
    states = [session.perform(part, np.arange(0, SECONDS, 1.0)) for part in parts]
    done = hashlib.sha256(repr([states, [p.smiles for p in parts]]).encode()).hexdigest()
    recipe = {
        **asdict(planned),
        "rate": RATE,
        "seconds": SECONDS,
        "window": WINDOW,
        "kbps": KBPS,
        "crf": CRF,
        "preset": PRESET,
    }
    return scope.rendered("rate-and-size", {**recipe, "done": done}, make)


def on_canvas(tile: int, frame: int, picture: np.ndarray) -> np.ndarray:  # noqa: ARG001  # a Change is called with these
    """The window in the middle of its place on the call's canvas."""
    place = np.full((TILE[1], TILE[0], 3), call.CANVAS, np.uint8)
    h, w = picture.shape[:2]
    y, x = (TILE[1] - h) // 2, (TILE[0] - w) // 2
    place[y : y + h, x : x + w] = picture
    return place


def rescale(path: Path, out: Path, height: int, max_kbps: int) -> None:
    """The same recording at another height [px], encoded at an ordinary rate; its sound is copied."""
    with av.open(str(path)) as source, av.open(str(out), "w", options={"movflags": "+faststart"}) as made:
        picture = source.streams.video[0]
        width = 2 * round(height * picture.width / picture.height / 2)
        video = made.add_stream("libx264", rate=Fraction(picture.average_rate or RATE))
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        video.time_base = picture.time_base
        rate = {"maxrate": f"{max_kbps}k", "bufsize": f"{4 * max_kbps}k", "g": str(5 * RATE)}
        video.options = {"crf": str(CRF), "preset": PRESET, "threads": "1", **rate}
        sound = source.streams.audio[0] if source.streams.audio else None
        copied = made.add_stream_from_template(sound) if sound is not None else None
        for packet in source.demux([s for s in (picture, sound) if s is not None]):
            if packet.stream is sound and packet.dts is not None:
                packet.stream = copied
                made.mux(packet)
            elif packet.stream is picture:
                for frame in packet.decode():
                    smaller = frame.reformat(width, height, "yuv420p", interpolation="AREA")
                    smaller.pict_type = 0
                    made.mux(video.encode(smaller))
        made.mux(video.encode(None))
