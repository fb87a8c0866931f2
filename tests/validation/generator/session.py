"""From what people do to what every frame shows: a `Part` per person, `perform` gives one State per frame
time."""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from . import behaviour, model, speech
from .behaviour import Gaze, Interval, Lean, Smile
from .identity import Identity
from .person import State, gaze_angles, gaze_direction

# The head carries this share of a shift of gaze, a little later than the eyes.
HEAD_SHARE = 1 / 3
HEAD_DELAY_S, HEAD_TIME_S = 0.07, 0.16
TRUNK_DEG_PER_CM = 1.2
BLINK_CLOSING = 0.35


@dataclass(frozen=True)
class Part:
    """One person's session: who, where, and everything that happens, in seconds."""

    identity: Identity
    pivot: tuple[float, float, float]
    """neutral place of the upper neck, camera frame [cm]"""
    targets: dict[str, tuple[float, float, float]]
    """name: (h, v) [deg] from the neutral place and distance [cm]; fixed points in space"""
    gaze: list[Gaze]
    blinks: list[Interval]
    leans: list[Lean]
    smiles: list[Smile]
    speech: list[Interval]
    listens: list[Interval]
    sound: np.ndarray
    seed: int
    sway_cm: float = 0.7
    sag_cm: float = 2.0
    rest_head: tuple[float, float] = (0.0, -3.0)
    """yaw and pitch while looking at the partner"""
    lean_toward: tuple[float, float, float] = (0.0, 0.07, -1.0)
    """where a forward lean takes the head, per cm, in the camera frame"""
    trunk_yaw: float = 0.0
    facing_yaw: float = 0.0
    """head yaw at the neutral place"""


def neutral_eyes(part: Part) -> np.ndarray:
    """Between the eyes at the neutral place, by the face model's average (the identities differ by
    millimetres)."""
    return _eyes_at(np.array(part.pivot), np.array([part.facing_yaw, 0.0, 0.0]))


def target_points(part: Part) -> dict[str, np.ndarray]:
    """Every target's fixed place in the camera frame [cm]."""
    eyes = neutral_eyes(part)
    return {name: eyes + distance * gaze_direction(eyes, (h, v)) for name, (h, v, distance) in part.targets.items()}


def lean_cm(leans: list[Lean], times: np.ndarray) -> np.ndarray:
    """Forward (> 0) displacement [cm] by leans alone, without sway or sag."""
    out = np.zeros(len(times))
    for lean in leans:
        up = np.clip((times - lean.start) / lean.ramp, 0, 1)
        down = np.clip((lean.end - times) / lean.ramp, 0, 1)
        s = np.minimum(up, down)
        out += lean.cm * s**3 * (10 - 15 * s + 6 * s**2)
    return out


def smile_level(smiles: list[Smile], times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Smile of the left and the right mouth corner, 0-1."""
    left, right = np.zeros(len(times)), np.zeros(len(times))
    for smile in smiles:
        up = np.clip((times - smile.onset) / smile.rise, 0, 1)
        down = np.clip((smile.end - times) / (1.4 * smile.rise), 0, 1)
        s = np.minimum(up, down)
        level = smile.amplitude * s * s * (3 - 2 * s)
        left += level * (1 + smile.asymmetry)
        right += level * (1 - smile.asymmetry)
    return np.clip(left, 0, 1), np.clip(right, 0, 1)


def blink_level(blinks: list[Interval], times: np.ndarray) -> np.ndarray:
    """Lid closure, 0-1: fast down, slower up."""
    out = np.zeros(len(times))
    for start, end in blinks:
        place = (times - start) / (end - start)
        down = np.clip(place / BLINK_CLOSING, 0, 1)
        up = np.clip((1 - place) / (1 - BLINK_CLOSING - 0.15), 0, 1)
        s = np.where((place > 0) & (place < 1), np.minimum(down, up), 0)
        out = np.maximum(out, s * s * (3 - 2 * s))
    return out


def _fixations(part: Part, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Start times, small offsets [deg] (n, 2) and target of every fixation: within a target the eye moves
    about a little."""
    starts, offsets, names = [], [], []
    for event in part.gaze:
        t = event.start
        while t < event.end:
            starts.append(t)
            offsets.append(rng.normal(0, 0.55 if event.target == "partner" else 1.1, 2))
            names.append(event.target)
            t += float(rng.uniform(0.35, 1.1))
            if event.end - t < 0.25:
                break
    return np.array(starts), np.clip(np.array(offsets), -2.0, 2.0), names


def _follow(wanted: np.ndarray, times: np.ndarray, dense: np.ndarray) -> np.ndarray:
    """The head's answer to a wanted angle given at `dense` times: delayed, critically damped, read at
    `times`."""
    step = dense[1] - dense[0]
    position, velocity = wanted[0], 0.0
    out = np.empty(len(dense))
    shift = int(round(HEAD_DELAY_S / step))
    delayed = np.concatenate([np.full(shift, wanted[0]), wanted[: len(wanted) - shift]])
    w = 1 / HEAD_TIME_S
    for i, aim in enumerate(delayed):
        velocity += step * (w * w * (aim - position) - 2 * w * velocity)
        position += step * velocity
        out[i] = position
    return np.interp(times, dense, out)


def _nods(part: Part, rng: np.random.Generator, times: np.ndarray) -> np.ndarray:
    """Nods [deg of pitch] while the other speaks."""
    out = np.zeros(len(times))
    for start, end in part.listens:
        t = start + float(rng.uniform(0.5, 4.0))
        while t < end + 0.5:
            cycles, rate, size = (
                int(rng.integers(1, 4)),
                float(rng.uniform(1.5, 2.2)),
                float(rng.uniform(1.2, 2.8)),
            )
            length = cycles / rate
            place = (times - t) / length
            inside = (place > 0) & (place < 1)
            out[inside] -= size * np.sin(np.pi * place[inside]) * np.sin(2 * np.pi * cycles * place[inside]) ** 2
            t += length + float(rng.uniform(3.0, 9.0))
    return out


def perform(part: Part, times: np.ndarray) -> list[State]:
    """The state of a person at every frame time (n,), evenly spaced from 0; the same part gives the same
    states."""
    rng = np.random.default_rng([part.seed, 17])
    n = len(times)
    lean = lean_cm(part.leans, times)
    session = times[-1] if n > 1 else 1.0
    sway = [
        behaviour.slow_noise(rng, times, sd, 15.0, 2.0)
        for sd in (0.6 * part.sway_cm, 0.25 * part.sway_cm, part.sway_cm)
    ]
    sag = part.sag_cm * np.clip(times / max(session, 300.0), 0, 1)
    toward = np.array(part.lean_toward)
    pivot = np.array(part.pivot) + lean[:, None] * toward + np.stack(sway, 1)
    pivot += sag[:, None] * (np.array([0, 0.35, 0]) + np.array([toward[0], 0, toward[2]]))
    starts, offsets, names = _fixations(part, rng)
    points = target_points(part)
    rest = neutral_eyes(part)
    partner = np.array(gaze_angles(rest, points["partner"]))
    dense = np.arange(0, times[-1] + 0.5, 0.01)
    current = np.clip(np.searchsorted(starts, dense, side="right") - 1, 0, None)
    neutral_angles = {name: np.array(gaze_angles(rest, point)) for name, point in points.items()}
    wanted = np.array([(neutral_angles[names[i]] - partner + 0.5 * offsets[i]) * HEAD_SHARE for i in range(len(names))])
    speaking = gaussian_filter1d(
        np.array([behaviour.overlap((t, t + 0.02), part.speech) > 0 for t in times], float),
        0.3 * n / max(session, 1.0),
    )
    lively = 0.4 + 0.9 * speaking
    head = np.stack(
        [
            part.rest_head[0]
            + _follow(wanted[current, 0], times, dense)
            + behaviour.slow_noise(rng, times, 1.1, 6.0)
            + lively * behaviour.slow_noise(rng, times, 1.1, 0.6, 0.3),
            part.rest_head[1]
            + _follow(wanted[current, 1], times, dense)
            + _nods(part, rng, times)
            + behaviour.slow_noise(rng, times, 0.9, 6.0)
            + lively * behaviour.slow_noise(rng, times, 1.3, 0.5, 0.25),
            behaviour.slow_noise(rng, times, 1.5, 8.0) + lively * behaviour.slow_noise(rng, times, 0.6, 0.8, 0.4),
        ],
        1,
    )
    trunk_yaw = part.trunk_yaw + behaviour.slow_noise(rng, times, 1.5, 20.0, 2.0)
    brows = np.clip(behaviour.slow_noise(rng, times, 0.16, 1.2, 0.5) * speaking + 0.05, 0, 0.5)
    closed = blink_level(part.blinks, times)
    left, right = smile_level(part.smiles, times)
    mouth = speech.mouth(part.sound, times)
    jitter = rng.normal(0, 0.08, (n, 2))
    states = []
    for k, t in enumerate(times):
        eyes = _eyes_at(pivot[k], head[k])
        i = int(np.searchsorted(starts, t, side="right") - 1)
        here = np.array(gaze_angles(eyes, points[names[max(i, 0)]])) + offsets[max(i, 0)]
        if i > 0:
            before = np.array(gaze_angles(eyes, points[names[i - 1]])) + offsets[i - 1]
            # a saccade lasts 21 ms and 2.2 ms a degree; the event's time is its middle
            length = 0.021 + 0.0022 * float(np.hypot(*(here - before)))
            s = float(np.clip((t - starts[i]) / length + 0.5, 0, 1))
            here = before + (here - before) * s * s * (3 - 2 * s)
        if i + 1 < len(starts):
            after = np.array(gaze_angles(eyes, points[names[i + 1]])) + offsets[i + 1]
            length = 0.021 + 0.0022 * float(np.hypot(*(after - here)))
            s = float(np.clip((t - starts[i + 1]) / length + 0.5, 0, 1))
            here = here + (after - here) * s * s * (3 - 2 * s)
        smile = 0.5 * (left[k] + right[k])
        face = {name: float(values[k]) * (1 - 0.35 * smile) for name, values in mouth.items()}
        face |= {
            "mouthSmile_L": float(left[k]),
            "mouthSmile_R": float(right[k]),
            "cheekSquint_L": 0.75 * float(left[k]),
            "cheekSquint_R": 0.75 * float(right[k]),
            "eyeSquint_L": 0.2 * smile,
            "eyeSquint_R": 0.2 * smile,
            "eyeWide_L": 0.2 * (1 - smile),
            "eyeWide_R": 0.2 * (1 - smile),
            "mouthUpperUp_L": face["mouthUpperUp_L"] + 0.12 * smile,
            "browInnerUp_L": float(brows[k]),
            "mouthUpperUp_R": face["mouthUpperUp_R"] + 0.12 * smile,
            "browInnerUp_R": float(brows[k]),
            "browOuterUp_L": 0.8 * float(brows[k]),
            "browOuterUp_R": 0.8 * float(brows[k]),
        }
        states.append(
            State(
                tuple(map(float, pivot[k])),
                tuple(map(float, head[k])),
                tuple(map(float, here + jitter[k])),
                float(part.targets[names[max(i, 0)]][2]),
                float(closed[k]),
                {name: w for name, w in face.items() if w > 0.004},
                (float(trunk_yaw[k]), TRUNK_DEG_PER_CM * float(lean[k]), 0.4 * float(head[k, 2])),
            )
        )
    return states


def _eyes_at(pivot: np.ndarray, head: np.ndarray) -> np.ndarray:
    offset = np.array([0.0, 3.6 - float(model.PIVOT[1]), 8.22 - float(model.PIVOT[2])])
    return pivot + (model.rotation(*head) @ offset) * np.array([1.0, -1.0, -1.0])
