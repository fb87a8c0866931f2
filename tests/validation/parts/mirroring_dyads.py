"""Pairs for the mirroring part, made of ten recorded video-call dyads, and what is measured on one of them.

Conventions
-----------
A person is (dyad, side) with side "a" or "b". Each dyad has three recordings of three minutes, joined to nine minutes
in the order of the file. OpenFace's AU12 (0-5) is the smile channel, of which the product sees as many
samples a second as it takes of a recording, times 0.15 / 0.7: METHOD 4.6 gives the threshold
of a smile as 0.7 on that scale and as 0.15 in blendshape units; the cheek channel is given as dead. Half a second
either side of every joint is given as not measured, so that no correlation and no smile rests on a jump that both
people share. Whole minutes never span a joint; the partner's lag of 2 s and the circular shifts do, as they would in
one recording.

A pair is two people, `roll` s by which the second's record is turned round the circle (its joints, old and new, are
not measured either), and what is injected: every smile of the first is copied with probability `share` into the
second's record, times U(0.4, 1), after a lag that is `fixed_lag` s or log-normal with median 0.8 s and sigma 0.5
(METHOD 6.4, G4).
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from cues.metrics.mirroring import Mirroring, measure_mirroring
from cues.metrics.quality import FrameQuality
from cues.metrics.smiles import Smiles, smile_series
from cues.parameters import Parameters
from tests.metrics.made_smiles import good_quality, person_columns
from tests.validation.parts.usual_practice import ShiftTest, Windows, shift_test

FILE = Path("dyads") / "video_call_dyads.parquet"
RATE_HZ = 30.0
RECORDING_S, DURATION_S = 180.0, 540.0
TO_BLENDSHAPE = 0.15 / 0.7
JOINT_S = 0.5
SMILE_ON, SMILE_OFF, SMILE_MIN_S = 0.7, 0.35, 0.4  # AU12 above the person's 20th percentile
LAG_MEDIAN_S, LAG_SIGMA = 0.8, 0.5

Person = tuple[int, str]


@dataclass(frozen=True)
class Pair:
    """One pair to be measured; see the module."""

    first: Person
    second: Person
    roll_s: float = 0.0
    share: float = 0.0
    fixed_lag: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class Outcome:
    """What the product and the usual practice said of a pair.

    `p`, `z` of the product's session test and `lag_s` (the session's mean lag, positive when the first leads) are NaN
    where it gave no verdict. `injected` (k,) lags [s] put in, `found` (k,) the product's delay for each, NaN where it
    found no shared smile there.
    """

    pair: Pair
    z: float
    p: float
    lag_s: float
    reason: str | None
    injected: np.ndarray
    found: np.ndarray
    usual: ShiftTest


def people_of(file: Path) -> list[Person]:
    """Everybody in the file."""
    return [(dyad, side) for dyad in sorted({d for d, _ in _records(file)}) for side in "ab"]


def measure_all(file: Path, pairs: list[Pair], workers: int) -> list[Outcome]:
    """The outcome of every pair, in order."""
    if workers <= 1 or len(pairs) < 50:
        return [measure(file, pair) for pair in pairs]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        return list(pool.map(measure, [file] * len(pairs), pairs, chunksize=8))


def measure(file: Path, pair: Pair) -> Outcome:
    """Both methods on one pair, with the product's default parameters."""
    parameters = Parameters()
    joints = np.array([0.0, RECORDING_S, 2 * RECORDING_S])
    au12, other = _records(file)[pair.first], _records(file)[pair.second]
    other = np.roll(other, round(pair.roll_s * RATE_HZ))
    copied: list[Copied] = []
    if pair.share > 0:
        other, copied = inject(au12, other, pair)
    first = _smiles(0, au12, joints, parameters)
    second = _smiles(1, other, (joints + pair.roll_s) % DURATION_S, parameters)
    result = measure_mirroring(first, second, DURATION_S, "split_screen", parameters)
    windows = Windows.of_the_field(parameters.mirroring.grid_hz)
    step, least = (round(s * parameters.mirroring.grid_hz) for s in (1.0, parameters.mirroring.min_shift_s))
    nan = float("nan")
    return Outcome(
        pair,
        result.session.z if result.session else nan,
        result.session.p if result.session else nan,
        result.leader.lag_s,
        result.reason,
        np.array([smile.lag for smile in copied]),
        _delays_found(result, copied),
        shift_test(first.smile, second.smile, windows, step, least),
    )


@dataclass(frozen=True)
class Copied:
    """A smile of the first person from `start` to `end` that was copied into the second's record `lag` later [s]."""

    start: float
    end: float
    lag: float


def inject(au12: np.ndarray, other: np.ndarray, pair: Pair) -> tuple[np.ndarray, list[Copied]]:
    """`other` (n,) with smiles of `au12` (n,) copied in, and which."""
    rng = np.random.default_rng([pair.seed, 4])
    other = other.copy()
    copied = []
    rest = np.percentile(au12, 20)
    for begin, end in plain_smiles(au12):
        take, scale, lag = rng.random(), rng.uniform(0.4, 1.0), LAG_MEDIAN_S * np.exp(LAG_SIGMA * rng.normal())
        if take >= pair.share:
            continue
        lag = lag if pair.fixed_lag is None else pair.fixed_lag
        shift = round(lag * RATE_HZ)
        end = min(end, len(other) - shift)
        edge = np.minimum(np.arange(end - begin), np.arange(end - begin)[::-1]) / (0.3 * RATE_HZ)
        template = np.clip(au12[begin:end] - rest, 0, None) * np.clip(edge, 0, 1)
        other[begin + shift : end + shift] += scale * template
        copied.append(Copied(begin / RATE_HZ, end / RATE_HZ, shift / RATE_HZ))
    return np.clip(other, 0, 5), copied


def plain_smiles(au12: np.ndarray) -> Iterator[tuple[int, int]]:
    """First and last sample of every smile, half a second wider on both sides (METHOD 4.6 on the AU's scale)."""
    width = round(0.5 * RATE_HZ)
    height = np.convolve(au12, np.ones(width) / width, "same") - np.percentile(au12, 20)
    edges = np.flatnonzero(np.diff(np.r_[0, height >= SMILE_OFF, 0]))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if (height[begin:end] >= SMILE_ON).any() and end - begin >= SMILE_MIN_S * RATE_HZ:
            yield max(0, int(begin) - width), min(len(au12), int(end) + width)


def _delays_found(result: Mirroring, copied: list[Copied]) -> np.ndarray:
    """(k,) the product's delay [s] of the shared smile that the first person's copied smile is part of, whatever the
    delay; positive when the first leads, NaN where the product has no such shared smile."""
    own, delays = [], []
    for event in result.events:
        if event.kind != "joined":
            leads = event.leader == result.first
            own.append(event.onset_leader if leads else event.onset_follower)
            delays.append(event.delay if leads else -event.delay)
    onsets = np.array(own)
    found = np.full(len(copied), np.nan)
    for k, smile in enumerate(copied):
        inside = np.flatnonzero((onsets >= smile.start - 0.5) & (onsets < smile.end))
        if len(inside):
            found[k] = delays[inside[0]]
    return found


def _smiles(number: int, au12: np.ndarray, joints: np.ndarray, parameters: Parameters) -> Smiles:
    every = round(RATE_HZ / parameters.sampling.rate_hz)
    au12 = au12[::every]
    time = np.arange(len(au12)) * every / RATE_HZ
    apart = np.abs(time[:, None] - joints)
    usable = (np.minimum(apart, DURATION_S - apart) > JOINT_S).all(1)
    good = good_quality(len(time))
    quality = FrameQuality(
        gaze=good.gaze,
        head=good.head,
        expression=np.where(usable, good.expression, 0).astype(np.int8),
        facing=good.facing,
        yaw_to_camera=good.yaw_to_camera,
        pitch_to_camera=good.pitch_to_camera,
    )
    columns = person_columns(number, np.clip(au12 * TO_BLENDSHAPE, 0, 1))
    return smile_series(columns, quality, time, DURATION_S, parameters)


@lru_cache(maxsize=2)
def _records(file: Path) -> dict[Person, np.ndarray]:
    """AU12 (0-5) of every person, (16200,) at 30 Hz."""
    table = pq.read_table(file, columns=["dyad", "au12_a", "au12_b"])
    dyads = table["dyad"].to_numpy()
    records = {}
    for dyad in np.unique(dyads):
        for side in "ab":
            values = table[f"au12_{side}"].to_numpy()[dyads == dyad].astype(float)
            if len(values) != round(DURATION_S * RATE_HZ):
                raise ValueError(f"dyad {dyad} has {len(values)} samples, not nine minutes at 30 Hz")
            records[int(dyad), side] = values
    return records
