"""The sessions of the eye contact part: who looks where, how often, before which camera; rendered, or committed.

A call gives two person-sessions under different conditions. Angles are degrees relative to the ray from the eyes to the
lens (h > 0 image right, v > 0 up), as in the truth.

    python -m tests.validation.parts.eye_contact_sessions    makes the committed calls that are missing in `sessions/`
"""

import json
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.validation.generator import behaviour, film, identity, session, speech
from tests.validation.generator.person import Camera, gaze_angles
from tests.validation.generator.recording import CALL, NEAR_LOSSLESS, Quality, Shown, render, room_cameras
from tests.validation.generator.session import Part
from tests.validation.scope import HERE, Scope

COMMITTED = HERE / "sessions"
RATE = 10
SECONDS = 300.0
ROOM_SECONDS = 75.0
AS_A_CALL = Quality(CALL.crf, 105)
"""The sample's bits a picture at this rate: a call of five minutes stays below 6 MB with its sound."""
BOTH_WAYS = ("call-01",)
"""Calls that are also looked at nearly without loss: the encoded one is made of the same pictures."""

MIXED = {"notes": 0.4, "screen": 0.3, "up": 0.3}
NOTES = {"notes": 0.86, "screen": 0.07, "up": 0.07}
SCREEN = {"notes": 0.07, "screen": 0.86, "up": 0.07}
DOMINANT = ((NOTES, "notes"), (SCREEN, "screen"))


@dataclass(frozen=True)
class Condition:
    """One person-session of a call: identity's seed, the partner's window (h, v) [deg], intended share of the time at
    it, what else is looked at and how often, where the second screen stands [deg], how large the face is."""

    seed: int
    partner: tuple[float, float]
    share: float
    away: dict[str, float]
    screen_h: float
    iris_px: float

    @property
    def dominant(self) -> str:
        """What is looked at most by intention: partner, notes, screen, or mixed where nothing is."""
        other = next((name for away, name in DOMINANT if self.away == away and self.share < 0.4), "")
        return other or ("partner" if self.share >= 0.5 else "mixed")

    @property
    def targets(self) -> dict[str, tuple[float, float, float]]:
        """Name: (h, v) [deg] and distance [cm] of everything looked at; notes lie on the side of the screen."""
        side = float(np.sign(self.screen_h))
        return {
            "partner": (*self.partner, 64.0),
            "notes": (12.0 * side, -29.0, 58.0),
            "screen": (self.screen_h, -3.0, 75.0),
            "up": (-12.0 * side, 17.0, 170.0),
        }


@dataclass(frozen=True)
class Call:
    """A call of two person-sessions: its name and seed, both conditions, width and height of a tile [px], whether it is
    committed as a recording."""

    name: str
    seed: int
    people: tuple[Condition, Condition]
    tile: tuple[int, int] = (624, 468)
    committed: bool = False


def _c(seed: int, h: float, v: float, share: float, away: dict[str, float], screen_h: float, iris: float) -> Condition:
    return Condition(seed, (h, v), share, away, screen_h, iris)


CALLS = (
    Call("call-01", 201, (_c(301, 2, -7, 0.55, MIXED, 25, 62), _c(302, -2, -4, 0.65, MIXED, -28, 70)), committed=True),
    Call("call-02", 204, (_c(307, -1, -7, 0.25, NOTES, 26, 68), _c(308, 8, -7, 0.85, MIXED, 30, 60)), committed=True),
    Call("call-03", 208, (_c(315, 0, -10, 0.2, SCREEN, 22, 63), _c(316, 6, -16, 0.55, MIXED, -32, 67)), committed=True),
    Call("call-04", 209, (_c(317, -8, -10, 0.60, MIXED, 24, 90), _c(318, 0, -13, 0.30, NOTES, 30, 66)), committed=True),
    Call("call-05", 202, (_c(303, 0, -2, 0.45, MIXED, -22, 66), _c(304, 3, -10, 0.75, MIXED, 30, 58)), (480, 360)),
    Call("call-06", 212, (_c(323, -4, -2, 0.85, MIXED, 28, 57), _c(324, 0, -16, 0.15, MIXED, -24, 60)), (480, 360)),
)


@dataclass(frozen=True)
class Room:
    """Two people in one picture: how far to either side of the lens's axis they sit [deg], their distance from the lens
    [cm], the turn of their heads relative to the ray to the lens while facing each other [deg], picture size and focal
    length [px]."""

    name: str
    seed: int
    bearing: float
    distance: float
    head: float
    size: tuple[int, int]
    focal: float


ROOMS = (
    Room("room-turned-30", 221, 32.0, 118.0, 30.0, (1280, 720), 768.0),
    Room("room-turned-45-small", 222, 30.0, 205.0, 45.0, (1280, 720), 820.0),
    Room("room-portrait-60", 223, 12.0, 178.0, 60.0, (720, 1280), 960.0),
    Room("room-portrait-profile", 224, 10.0, 260.0, 80.0, (720, 1280), 960.0),
    Room("room-far", 225, 24.0, 340.0, 40.0, (1280, 720), 768.0),
)


def merged(events: list[behaviour.Gaze], names: dict[str, str]) -> list[behaviour.Gaze]:
    """The same looks under other names; neighbours that now share a name are one look."""
    out: list[behaviour.Gaze] = []
    for event in events:
        name = names.get(event.target, event.target)
        if out and out[-1].target == name:
            out[-1] = behaviour.Gaze(out[-1].start, event.end, name)
        else:
            out.append(behaviour.Gaze(event.start, event.end, name))
    return out


def plan_call(call: Call) -> tuple[list[Shown], list[speech.Turn], np.ndarray]:
    """Both people as they are shown, the turns, and the mixed sound (samples,)."""
    rng = np.random.default_rng([call.seed, 1])
    turns, sound = speech.converse(rng, SECONDS)
    spoken = [[(t.start, t.end) for t in turns if t.person == i] for i in (0, 1)]
    smiles = behaviour.smiles(rng, SECONDS)
    shown = []
    for i, condition in enumerate(call.people):
        own = np.random.default_rng([call.seed, 2, i])
        minutes = int(np.ceil(SECONDS / 60))
        shares = condition.share + own.permutation(np.linspace(-0.12, 0.12, minutes))
        # `behaviour.gaze` never looks at one place twice in a row; under two names what is looked at most may follow
        # itself, and is one look then
        away = {f"{name} {k}": weight / 2 for name, weight in condition.away.items() for k in (0, 1)}
        gaze = behaviour.gaze(own, SECONDS, np.clip(shares, 0.1, 0.9), spoken[1 - i], away)
        focal = call.tile[0] * (1.0 if condition.iris_px < 80 else 1.15)
        part = Part(
            identity.from_seed(condition.seed),
            ((0.4, -0.6)[i], 3.0, focal * 6.3 / condition.iris_px + 8.0),
            condition.targets,
            merged(gaze, {f"{name} {k}": name for name in condition.away for k in (0, 1)}),
            behaviour.blinks(own, SECONDS),
            behaviour.leans(own, SECONDS),
            smiles[i],
            spoken[i],
            spoken[1 - i],
            sound[i],
            call.seed * 10 + i,
            rest_head=(condition.partner[0] * 0.6, -3.5),
        )
        camera = Camera(*call.tile, focal)
        shown.append(Shown(part, camera, (call.seed + 3 * i) % 8, ("Alex", "Sam")[i]))
    return shown, turns, sound.sum(0)


def plan_room(setting: Room) -> tuple[list[Shown], list[speech.Turn], np.ndarray]:
    """Both people as they are shown, the turns, and the mixed sound (samples,)."""
    rng = np.random.default_rng([setting.seed, 1])
    turns, sound = speech.converse(rng, ROOM_SECONDS)
    spoken = [[(t.start, t.end) for t in turns if t.person == i] for i in (0, 1)]
    angle = np.radians(setting.bearing)
    cameras = room_cameras(*setting.size, setting.focal)
    parts = []
    for i, side in enumerate((-1.0, 1.0)):
        own = np.random.default_rng([setting.seed, 2, i])
        away = {"notes": 0.5, "away": 0.5}
        parts.append(
            Part(
                identity.from_seed(setting.seed * 2 - 110 + i),
                (side * setting.distance * np.sin(angle), 9.0, setting.distance * np.cos(angle)),
                {},
                behaviour.gaze(own, ROOM_SECONDS, np.array([0.5, 0.5]), spoken[1 - i], away),
                behaviour.blinks(own, ROOM_SECONDS),
                [],
                [],
                spoken[i],
                spoken[1 - i],
                sound[i],
                setting.seed * 10 + i,
                sway_cm=0.4,
                sag_cm=0.0,
                rest_head=(-side * (setting.bearing + setting.head), -2.0),
                lean_toward=(-side, 0.07, 0.0),
                trunk_yaw=-side * 50.0,
                facing_yaw=-side * (setting.bearing + setting.head),
            )
        )
    eyes = [session.neutral_eyes(part) for part in parts]
    for i, side in enumerate((-1.0, 1.0)):
        parts[i].targets.update(
            {
                "partner": (*gaze_angles(eyes[i], eyes[1 - i]), float(np.linalg.norm(eyes[0] - eyes[1]))),
                "notes": (-side * (setting.head - 8.0), -30.0, 60.0),
                "away": (-side * (setting.head - 28.0), 10.0, 250.0),
            }
        )
    shown = [Shown(part, camera, setting.seed % 8) for part, camera in zip(parts, cameras, strict=True)]
    return shown, turns, sound.sum(0)


def near_lossless(scope: Scope, call: Call) -> Path:
    """Folder with the call's session.mp4, nearly without loss, and truth.json."""
    recipe = {"call": asdict(call), "rate": RATE, "seconds": SECONDS, "quality": "near-lossless"}
    return scope.rendered(call.name, recipe, lambda out: _render(call, out, scope.workers, NEAR_LOSSLESS))


def encoded(scope: Scope, call: Call) -> Path:
    """Folder with the call's session.mp4, encoded as a call is, and truth.json; the committed one where it is."""
    if call.committed and (COMMITTED / call.name).is_dir():
        return COMMITTED / call.name
    recipe = {"call": asdict(call), "rate": RATE, "seconds": SECONDS, "quality": asdict(AS_A_CALL)}

    def make(out: Path) -> None:
        if call.name not in BOTH_WAYS:
            _render(call, out, scope.workers, AS_A_CALL)
            return
        source = near_lossless(scope, call)
        film.write(
            out / "session.mp4",
            _pictures(source / "session.mp4"),
            RATE,
            0.8 * plan_call(call)[2],
            speech.SAMPLE_RATE,
            crf=AS_A_CALL.crf,
            max_kbps=AS_A_CALL.max_kbps,
        )
        shutil.copyfile(source / "truth.json", out / "truth.json")

    return scope.rendered(f"{call.name}-encoded", recipe, make)


def rendered_room(scope: Scope, setting: Room) -> Path:
    """Folder with the room's session.mp4, near-lossless, and truth.json."""
    recipe: dict[str, Any] = {"room": asdict(setting), "rate": RATE, "seconds": ROOM_SECONDS}

    def make(out: Path) -> None:
        shown, turns, sound = plan_room(setting)
        render(out, shown, ROOM_SECONDS, RATE, "shared_room", sound=sound, turns=turns, workers=scope.workers)

    return scope.rendered(setting.name, recipe, make)


def _render(call: Call, out: Path, workers: int, quality: Quality) -> None:
    shown, turns, sound = plan_call(call)
    about = {"seed": call.seed, "conditions": [asdict(c) for c in call.people]}
    render(out, shown, SECONDS, RATE, quality=quality, sound=sound, turns=turns, workers=workers, about=about)


def _pictures(path: Path) -> Iterator[np.ndarray]:
    """Every picture of a recording, (height, width, 3) uint8 BGR."""
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="bgr24")


def beginning(path: Path, seconds: float, out: Path) -> Path:
    """The first `seconds` of a recording, its pictures copied as they are encoded, without its sound."""
    with av.open(str(path)) as source, av.open(str(out), "w") as target:
        video = source.streams.video[0]
        stream = target.add_stream_from_template(video)
        for packet in source.demux(video):
            if packet.pts is not None and packet.time_base is not None and packet.pts * packet.time_base < seconds:
                packet.stream = stream
                target.mux(packet)
    return out


def truth_of(folder: Path, seconds: float = SECONDS) -> dict[str, Any]:
    """truth.json of a session, of its first `seconds`."""
    truth: dict[str, Any] = json.loads((folder / "truth.json").read_text())
    truth["per_minute"] = [row for row in truth["per_minute"] if 60 * row["minute"] <= seconds]
    return truth


def commit(scope: Scope) -> None:
    """Puts those of the calls that are to be committed, and are not, into `sessions/`."""
    for call in CALLS:
        if call.committed:
            found = encoded(scope, call)
            if found.parent != COMMITTED:
                shutil.copytree(found, COMMITTED / call.name)
            print(call.name, f"{(COMMITTED / call.name / 'session.mp4').stat().st_size / 2**20:.1f} MiB", flush=True)


if __name__ == "__main__":
    commit(Scope.of_this_machine())
    sys.exit(0)
