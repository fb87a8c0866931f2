"""Recordings of two people for the part `mirroring_from_pixels`, and what the product says of them.

A performer is rendered alone, once; a call is put together from two performers' tiles, the second delayed by whole
frames, so that one rendering serves every lag: the follower's answers begin with the leader's smiles, and the lag is
the delay. Real clips and the committed sample session are shown beside their own delayed copies in the same way.
"""

import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from itertools import chain, repeat
from multiprocessing import get_context
from pathlib import Path

import av
import cv2
import numpy as np
import pyarrow as pa

from cues.analysis import Pool, analyze
from cues.corrections import Corrections
from cues.metrics.mirroring import Mirroring
from cues.metrics.session import measure_session
from cues.observations import Observations
from cues.parameters import Parameters
from tests.validation.generator import behaviour, call, film, recording
from tests.validation.generator.identity import from_seed
from tests.validation.generator.person import Camera
from tests.validation.generator.session import Part
from tests.validation.generator.speech import SAMPLE_RATE
from tests.validation.scope import Scope

RATE = 20
WIDTH, HEIGHT = 480, 360
CAMERA = Camera(WIDTH, HEIGHT, float(WIDTH))
CRF = 10
ANSWERED = 0.8
"""share of the leader's smiles that the follower answers"""

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Tile:
    """What one tile of a call shows: a video, the box (x, y, width, height) of it (None: all), the part of it from
    `start` s on, `delay` s later than it was. `still`: its first picture all the time."""

    video: Path
    box: Box | None = None
    start: float = 0.0
    delay: float = 0.0
    still: bool = False


def smiles(seed: int, seconds: float) -> tuple[list[behaviour.Smile], list[behaviour.Smile]]:
    """Smiles of a leader and of a follower whose answers begin at the same instants; both otherwise their own."""
    rng = np.random.default_rng([seed, 40])

    def one(onset: float, answers: float | None) -> behaviour.Smile:
        end = onset + float(rng.uniform(1.8, 3.2))
        amplitude, rise = float(rng.uniform(0.55, 1.0)), float(rng.uniform(0.4, 0.6))
        return behaviour.Smile(onset, end, amplitude, rise, float(rng.normal(0, 0.07)), answers)

    leader, follower = [], []
    onset = float(rng.uniform(3.0, 5.0))
    while onset < seconds - 6:
        leader.append(one(onset, None))
        if rng.random() < ANSWERED:
            follower.append(one(onset, onset))
        onset += float(rng.uniform(5.5, 8.0))
    return leader, follower


def performer(scope: Scope, who: int, own_smiles: list[behaviour.Smile], seconds: float) -> Path:
    """The video of one person, alone in the picture; `who` seeds identity, room and everything small."""
    rng = np.random.default_rng([who, 41])
    part = Part(
        from_seed(who),
        (0.0, 3.0, 66.0),
        {"partner": (2.0, -7.0, 64.0), "notes": (13.0, -28.0, 58.0), "side": (-22.0, 2.0, 150.0)},
        behaviour.gaze(rng, seconds, np.array([0.6]), [], {"notes": 0.5, "side": 0.5}),
        behaviour.blinks(rng, seconds),
        [],
        own_smiles,
        [],
        [],
        np.zeros(int(seconds * SAMPLE_RATE), np.float32),
        who,
    )
    shown = recording.Shown(part, CAMERA, room=who % 7)
    said = [[s.onset, s.end, s.amplitude, s.rise] for s in own_smiles]
    recipe = {"who": who, "smiles": said, "seconds": seconds, "rate": RATE, "size": [WIDTH, HEIGHT], "crf": CRF}

    def make(folder: Path) -> None:
        quality = recording.Quality(CRF)
        recording.render(folder, [shown], seconds, RATE, "single", quality, workers=scope.workers)

    return scope.rendered("mirroring-performer", recipe, make) / "session.mp4"


@dataclass(frozen=True)
class Call:
    """A call of two tiles, `seconds` long."""

    left: Tile
    right: Tile
    seconds: float


def composed(scope: Scope, calls: list[Call]) -> list[Path]:
    """The videos of the calls, put together by the scope's processes."""
    if scope.workers <= 1 or len(calls) == 1:
        return [_compose(scope, each) for each in calls]
    with ProcessPoolExecutor(scope.workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(_compose, [scope] * len(calls), calls))


def _compose(scope: Scope, asked: Call) -> Path:
    said = [[t.video.parent.name, t.video.name, t.box, t.start, t.delay, t.still] for t in (asked.left, asked.right)]
    recipe = {"tiles": said, "seconds": asked.seconds, "rate": RATE, "size": [WIDTH, HEIGHT], "crf": CRF}

    def make(folder: Path) -> None:
        layout = call.side_by_side(WIDTH, HEIGHT)
        count = round(asked.seconds * RATE)
        pictures = zip(range(count), _shown(asked.left), _shown(asked.right), strict=False)
        frames = (call.compose((a, b), ("Left", "Right"), k / RATE, layout) for k, a, b in pictures)
        film.write(folder / "call.mp4", frames, RATE, None, SAMPLE_RATE, crf=CRF, max_kbps=None)

    return scope.rendered("mirroring-call", recipe, make) / "call.mp4"


def _shown(tile: Tile) -> Iterator[np.ndarray]:
    """The tile's pictures at RATE; the last one stays when the video ends."""
    frames = _steady_frames(tile)
    first = next(frames)
    if tile.still:
        return repeat(first)
    return chain(repeat(first, round(tile.delay * RATE) + 1), frames)


def _steady_frames(tile: Tile) -> Iterator[np.ndarray]:
    """The picture on screen at tile.start + k / RATE, cut to its box and fitted to the tile's size."""
    shown: np.ndarray | None = None
    k = 0
    with av.open(str(tile.video)) as container:
        for frame in container.decode(video=0):
            while shown is not None and frame.time > tile.start + k / RATE + 1e-6:
                yield _fitted(shown, tile.box)
                k += 1
            shown = frame.to_ndarray(format="bgr24")
    while shown is not None:
        yield _fitted(shown, tile.box)


def _fitted(picture: np.ndarray, box: Box | None) -> np.ndarray:
    if box is not None:
        x, y, width, height = box
        picture = picture[y : y + height, x : x + width]
    height, width = picture.shape[:2]
    scale = max(WIDTH / width, HEIGHT / height)
    size = max(WIDTH, round(width * scale)), max(HEIGHT, round(height * scale))
    if size != (width, height):
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    left, top = (size[0] - WIDTH) // 2, (size[1] - HEIGHT) // 2
    return np.ascontiguousarray(picture[top : top + HEIGHT, left : left + WIDTH])


# ---- what the product says


def observed(video: Path, pool: Pool) -> Observations:
    """The whole pipeline up to the observations, as a person would run it."""
    with tempfile.TemporaryDirectory() as out:
        return analyze((video,), Path(out), pool, Parameters())


def mirroring_of(observations: Observations) -> Mirroring:
    """The product's facial mirroring of the left (first) and the right (second) person."""
    found = measure_session(observations, Corrections(), Parameters()).measured.mirroring
    if found is None:
        people = [person["place"] for person in observations.facts.people]
        raise ValueError(f"two people were to be seen in the call, found were: {people}")
    return found


def signed_delays(found: Mirroring) -> np.ndarray:
    """(k,) delays of shared smiles [s], positive when the left person smiles first; joined ones left out."""
    return np.array([e.delay if e.leader == found.first else -e.delay for e in found.events if e.kind != "joined"])


def out_of_step(observations: Observations, seconds: float) -> Observations:
    """The same with what was seen of the second person turned round the recording by `seconds`."""
    table = observations.table
    person = table["person"].to_numpy()
    rows = np.arange(len(person))
    own = np.flatnonzero(person == 1)
    rows[own] = np.roll(own, round(seconds * observations.facts.rate_hz))
    moved = table.take(pa.array(rows))
    moved = moved.set_column(table.schema.get_field_index("time"), "time", table["time"])
    return replace(observations, table=moved)
