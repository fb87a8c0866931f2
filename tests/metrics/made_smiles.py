"""Made observations of people who smile at known times, for the tests of smiles and shared smiles."""

import numpy as np

from cues.metrics.quality import FrameQuality
from cues.metrics.smiles import CHEEK, SMILE, Smiles, smile_series
from cues.parameters import Parameters

ALL_USED = (
    "mouthSmileLeft",
    "mouthSmileRight",
    "cheekSquintLeft",
    "cheekSquintRight",
    "eyeSquintLeft",
    "eyeSquintRight",
)


def smile_shape(time: np.ndarray, onset: float, height: float, rise: float = 0.5, hold: float = 1.2) -> np.ndarray:
    """One smile (n,): from 0 at `onset` up in `rise` s, held for `hold` s, down in twice the rise."""
    return height * np.interp(time, onset + np.array([0, rise, rise + hold, 3 * rise + hold]), [0, 1, 1, 0])


def smiling(time: np.ndarray, onsets: np.ndarray, seed: int, height: float = 0.5, noise: float = 0.01) -> np.ndarray:
    """A smile blendshape (n,): rest at 0.05 with noise; at `onsets` smiles of varied height and length."""
    rng = np.random.default_rng(seed)
    values = 0.05 + noise * rng.normal(size=len(time))
    for onset in onsets:
        values = values + smile_shape(time, onset, height * rng.uniform(0.6, 1.2), hold=rng.uniform(0.6, 2.0))
    return np.clip(values, 0, 1)


def random_onsets(duration: float, per_minute: float, seed: int, apart: float = 4.0) -> np.ndarray:
    """Ascending times [s] at random, at least `apart` s from each other and from both ends."""
    rng = np.random.default_rng(seed)
    onsets: list[float] = []
    for t in np.sort(rng.uniform(apart, duration - apart, int(per_minute * duration / 60))):
        if not onsets or t - onsets[-1] >= apart:
            onsets.append(float(t))
    return np.array(onsets)


def person_columns(number: int, smile: np.ndarray, cheek: np.ndarray | None = None) -> dict[str, np.ndarray]:
    """The columns that smiles need, for one person whose lip corners follow `smile` (n,) on both sides."""
    n = len(smile)
    cheek = np.full(n, 0.001) if cheek is None else cheek
    columns = {"person": np.full(n, number, np.int8), "face": np.ones(n, bool)}
    columns |= {name: smile.copy() for name in SMILE} | {name: cheek.copy() for name in CHEEK}
    return columns | {"head_yaw": np.zeros(n), "head_pitch": np.zeros(n)}


def good_quality(n: int) -> FrameQuality:
    """Every sample good."""
    good = np.full(n, 2, np.int8)
    return FrameQuality(
        gaze=good, head=good, expression=good, facing=good, yaw_to_camera=np.zeros(n), pitch_to_camera=np.zeros(n)
    )


def smiles_of(
    number: int,
    time: np.ndarray,
    values: np.ndarray,
    parameters: Parameters | None = None,
    speaking: np.ndarray | None = None,
) -> Smiles:
    """The Smiles of a person whose lip corners follow `values` (n,) at `time` (n,) [s]."""
    duration = float(time[-1] + time[1] - time[0])
    return smile_series(
        person_columns(number, values),
        good_quality(len(time)),
        time,
        duration,
        parameters or Parameters(),
        speaking,
    )
