"""The rendered calls of the lean part: who sits how far away, leans how far, and what the camera does.

Every sitting is planned from its seed. Nobody's plan knows the product's thresholds but for what `truth` calls a lean
(LEAN_EVENT_CM of displacement by leaning alone).

Conventions: distances and leans in cm of the upper neck to the lens, + forward; times in seconds; windows of a moving
camera are (centre x, centre y, width) in px of the picture that is rendered.
"""

import hashlib
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from tests.validation.generator import behaviour, session, speech
from tests.validation.generator.behaviour import Gaze, Lean
from tests.validation.generator.identity import from_seed
from tests.validation.generator.person import Camera, State
from tests.validation.generator.recording import Quality, Shown, render
from tests.validation.generator.session import Part
from tests.validation.parts.lean_cameras import MARGIN, moved_picture, windows
from tests.validation.scope import Scope

RATE = 10
SECONDS = 165.0
QUALITY = Quality(23)
TURNED_SHARE = 2 / 3
"""The head takes this share of the way to notes or to the side, where the generator's habit is a third: 20 degrees down
to notes, 25 to the side."""
_TURN_S = 0.5
_FREE_S = 12.0  # before the first lean, and at least between two


@dataclass(frozen=True)
class Sitting:
    """One person's session. `focal`: true focal length over the one that the product assumes."""

    seed: int
    identity: int
    distance: float
    leans: tuple[float, ...]
    focal: float = 1.0
    sway_cm: float = 0.7
    drift_cm: float = 2.0
    camera: str = "still"
    wander_cm: float = 0.0
    """slow movement to the sides, for cameras that follow"""


@dataclass(frozen=True)
class Call:
    """Two sittings in one recording with tiles of one size [px]."""

    name: str
    width: int
    height: int
    sittings: tuple[Sitting, Sitting]
    seconds: float = SECONDS

    @property
    def moving(self) -> bool:
        """Whether a camera does anything."""
        return any(s.camera != "still" for s in self.sittings)


def _call(name: str, size: tuple[int, int], first: Sitting, second: Sitting) -> Call:
    return Call(name, *size, (first, second))


NEAR, FAR = (480, 360), (640, 480)
CALLS = (
    _call(
        "lean-near",
        NEAR,
        Sitting(901, 202, 45.0, (5.0, 6.5, 8.0, 9.5, -7.0), 1.0, 0.5, 1.5),
        Sitting(902, 203, 60.0, (6.0, 8.0, 12.0, 15.0, -6.0), 1.08, 0.8, 3.0),
    ),
    _call(
        "lean-middle",
        NEAR,
        Sitting(903, 204, 52.0, (5.0, 7.0, 9.0, 12.0, -10.0), 0.94, 0.7, 2.0),
        Sitting(904, 205, 72.0, (5.0, 8.0, 11.0, 18.0, -12.0), 1.0, 1.0, 2.5),
    ),
    _call(
        "lean-far",
        FAR,
        Sitting(905, 206, 95.0, (5.0, 7.0, 10.0, 15.0, -15.0), 1.0, 0.7, 3.0),
        Sitting(906, 207, 120.0, (7.0, 10.0, 14.0, 20.0, -9.0), 0.9, 0.8, 2.0),
    ),
    _call(
        "lean-farther",
        FAR,
        Sitting(907, 203, 85.0, (6.0, 9.0, 13.0, 20.0, -8.0), 1.1, 0.6, 2.0),
        Sitting(908, 206, 150.0, (6.0, 9.0, 13.0, 18.0, -12.0), 1.0, 0.8, 2.5),
    ),
    _call(
        "lean-bump-and-zoom",
        NEAR,
        Sitting(911, 202, 62.0, (), camera="bump"),
        Sitting(912, 205, 66.0, (), camera="slow_zoom"),
    ),
    _call(
        "lean-framing",
        NEAR,
        Sitting(913, 204, 64.0, (), camera="framing_steps", wander_cm=4.0),
        Sitting(914, 207, 70.0, (), camera="framing_follows", wander_cm=4.0, sway_cm=1.2),
    ),
    _call(
        "lean-zoom-and-back",
        NEAR,
        Sitting(915, 203, 68.0, (), camera="zoom_and_back"),
        Sitting(916, 206, 60.0, (9.0, 11.0), camera="bump"),
    ),
)
SHORT = Call("lean-short", *NEAR, (Sitting(921, 204, 60.0, (8.0, 12.0)), Sitting(922, 202, 60.0, ())), 44.0)
"""Only its first person is rendered, alone."""


def times_of(seconds: float, rate: int = RATE) -> np.ndarray:
    """Times of the frames [s]."""
    return np.arange(int(round(seconds * rate))) / rate


def lean_course(rng: np.random.Generator, sizes: tuple[float, ...], seconds: float) -> list[Lean]:
    """Leans of these sizes in an order by chance, 7-15 s each with ramps of 0.8-1.6 s, spread over the session."""
    order = rng.permutation(np.array(sizes)) if sizes else np.zeros(0)
    lengths = rng.uniform(7.0, 15.0, len(order))
    free = seconds - 2 - _FREE_S - lengths.sum() - 0.7 * _FREE_S * max(0, len(order) - 1)
    if free < 0:
        lengths, free = np.full(len(order), 7.0), 0.0
    pauses = rng.dirichlet(np.full(len(order) + 1, 1.5)) * free
    found, now = [], _FREE_S
    for cm, length, pause in zip(order, lengths, pauses, strict=False):
        now += pause
        found.append(Lean(float(now), float(now + length), float(cm), float(rng.uniform(0.8, 1.6))))
        now += length + 0.7 * _FREE_S
    return found


def looks(rng: np.random.Generator, seconds: float) -> list[Gaze]:
    """Looks at the partner of 4-8 s in turn with reading notes (5-11 s) and turning to the side (3-7 s)."""
    found, now, away = [], 0.0, 0
    while now < seconds:
        for target, low, high in (("partner", 4.0, 8.0), (("notes", 5.0, 11.0), ("side", 3.0, 7.0))[away]):
            end = min(now + float(rng.uniform(low, high)), seconds)
            if end > now:
                found.append(Gaze(now, end, target))
            now = end
        away = 1 - away
    return found


@lru_cache(maxsize=8)
def parts_of(call: Call) -> tuple[Part, Part]:
    """What both people do. Raises SpeechMissing without espeak-ng: the mouths follow real speech."""
    rng = np.random.default_rng([call.sittings[0].seed, 1])
    turns, sound = speech.converse(rng, call.seconds)
    smiles = behaviour.smiles(rng, call.seconds)
    spoken = [[(t.start, t.end) for t in turns if t.person == i] for i in (0, 1)]
    made = []
    for i, sitting in enumerate(call.sittings):
        own = np.random.default_rng([sitting.seed, 2])
        side = 1 if own.random() < 0.5 else -1
        targets = {
            "partner": (2.0 * side, -7.0, 64.0),
            "notes": (12.0 * side, -32.0, 58.0),
            "side": (-38.0 * side, 2.0, 150.0),
        }
        made.append(
            Part(
                from_seed(sitting.identity),
                (float(own.uniform(-2, 2)), 6.0 if sitting.distance < 55 else 4.0, sitting.distance),
                targets,
                looks(own, call.seconds),
                behaviour.blinks(own, call.seconds),
                lean_course(own, sitting.leans, call.seconds),
                smiles[i],
                spoken[i],
                spoken[1 - i],
                sound[i],
                sitting.seed * 10,
                sway_cm=sitting.sway_cm,
                sag_cm=sitting.drift_cm,
            )
        )
    return made[0], made[1]


@lru_cache(maxsize=16)
def states_of(call: Call, person: int) -> list[State]:
    """What every frame shows of a person."""
    sitting, part = call.sittings[person], parts_of(call)[person]
    times = times_of(call.seconds)
    turn = _further_turn(part, times)
    rng = np.random.default_rng([sitting.seed, 3])
    wander = behaviour.slow_noise(rng, times, sitting.wander_cm, 8.0, 2.0)
    return [
        replace(
            state,
            pivot=(state.pivot[0] + float(x), *state.pivot[1:]),
            head=(state.head[0] + float(yaw), state.head[1] + float(pitch), state.head[2]),
        )
        for state, (yaw, pitch), x in zip(session.perform(part, times), turn, wander, strict=True)
    ]


def _further_turn(part: Part, times: np.ndarray) -> np.ndarray:
    """Yaw and pitch (n, 2) [deg] by which the head turns further than `session.perform` lets it."""
    partner = np.array(part.targets["partner"][:2])
    turn = np.zeros((len(times), 2))
    for look in part.gaze:
        up, down = (np.clip(x / _TURN_S, 0, 1) for x in (times - look.start, look.end + _TURN_S - times))
        s = np.minimum(up, down)
        shift = np.array(part.targets[look.target][:2]) - partner
        turn += (s * s * (3 - 2 * s))[:, None] * (TURNED_SHARE - session.HEAD_SHARE) * shift
    return turn


def distance_of(call: Call, person: int) -> np.ndarray:
    """True distance [cm] of the upper neck to the lens at every frame, (n,)."""
    return np.linalg.norm([state.pivot for state in states_of(call, person)], axis=1)


def recording_of(call: Call, scope: Scope, alone: bool = False) -> Path:
    """The rendered recording of a call, or of its first person alone."""
    shown = _shown(call)[: 1 if alone else 2]
    size, setup = (call.width, call.height), "single" if alone else "split_screen"
    courses = [
        windows(sitting.camera, times_of(call.seconds), states_of(call, i), each.camera, call.width)
        for i, (sitting, each) in enumerate(zip(call.sittings, shown, strict=False))
    ]

    def change(tile: int, frame: int, picture: np.ndarray) -> np.ndarray:
        return moved_picture(picture, courses[tile][frame], size)

    def make(folder: Path) -> None:
        moving = {"change": change, "tile_size": size} if call.moving else {}
        render(folder, shown, call.seconds, RATE, setup, QUALITY, workers=scope.workers, **moving)

    planned = hashlib.sha256(repr([each.states for each in shown]).encode())
    planned.update(np.concatenate(courses).round(3).tobytes())
    recipe = {**asdict(call), "rate": RATE, "crf": QUALITY.crf, "alone": alone, "planned": planned.hexdigest()}
    return scope.rendered(call.name, recipe, make) / "session.mp4"


def _shown(call: Call) -> list[Shown]:
    assumed = 0.75 * max(call.width, call.height * 16 / 9)
    margin = MARGIN if call.moving else 1.0
    width, height = round(call.width * margin), round(call.height * margin)
    return [
        Shown(part, Camera(width, height, s.focal * assumed), s.seed % 4, ("Kim", "Lou")[i], states_of(call, i))
        for i, (s, part) in enumerate(zip(call.sittings, parts_of(call), strict=True))
    ]
