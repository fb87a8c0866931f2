"""How much a mouth moves, and how like speech that is: the evidence of who speaks where all voices share a channel.

Conventions
-----------
Series have one value per 100 ms, shape (n,), NaN where the mouth was not seen. Movement is the natural logarithm of the
summed changes of eight mouth blendshapes from one 100 ms to the next, averaged over `movement_mean_s`. Single steps of
it tell a rendered speaker from a listener with an AUC of .93-.96, 0.9 s of them with .99; the lips' gap alone does a
little worse, sixteen blendshapes with pressed and rolled lips much worse (.86-.90). Of samples further apart than
100 ms the steps between are not known: a mouth's changes grow about as the root of the time between, as in a walk
without aim (two real clips in speech at 5 samples a second, without this: .27 and .44 less than at 10; the root of two
is .35).

The two ways a mouth moves, still and as in speech, are found in each session, person by person: a mixture of two normal
distributions, whose weights differ between times with and without speech. Its means are held by what is usual (`Speech`
in the parameters), so that somebody who never speaks is not taken for a speaker. A smile moves the mouth too: while it
lasts, movement is no evidence of speech (all six overlaps that were invented in the sample session were smiles of who
listened). METHOD 1.5 has a band-pass of the lips at 2-7 Hz instead, which so few samples do not hold.
"""

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d

from cues.metrics.signals import moving_average, resample
from cues.parameters import Parameters, Speech

MOUTH = (
    *("jawOpen", "mouthFunnel", "mouthPucker", "mouthClose"),
    *("mouthLowerDownLeft", "mouthLowerDownRight", "mouthUpperUpLeft", "mouthUpperUpRight"),
)
_LEAST = 0.003  # changes below are noise of the network
_ROUNDS = 20
_MOST_FITTED = 3000  # steps; more say nothing new


@dataclass(frozen=True)
class Mouth:
    """A mouth's movement (n,), and how much more likely it is with this person speaking than without: natural
    logarithm of the ratio (n,), 0 where it was not seen or tells nothing.

    talking (n,): probability that the mouth moves as in speech, heard or not; NaN where it was not seen. readable:
    the two ways of moving can be told apart.
    """

    movement: np.ndarray
    evidence: np.ndarray
    talking: np.ndarray
    readable: bool


def mouth_of(columns: dict[str, np.ndarray], clock: np.ndarray, heard: np.ndarray, parameters: Parameters) -> Mouth:
    """The mouth of one person from their columns of the observations; `heard` (n,) bool: speech at `clock` (n,) [s]."""
    p = parameters.speech
    movement = _movement(columns, clock, p)
    seen = np.isfinite(movement)
    unseen = Mouth(movement, np.zeros(len(clock)), np.full(len(clock), np.nan), False)
    if seen.sum() * p.cell_s < p.mouth_min_s:
        return unseen
    means, sds, shares = _two_ways(movement[seen], heard[seen], p)
    if means[1] - means[0] < p.movement_apart * sds.mean():
        return unseen
    likely = _normal(movement, means, sds)
    # Beyond the still one's mean less movement is not less still, nor above the other's more less like speech.
    likely[movement <= means[0]] = _normal(means[:1], means, sds)
    likely[movement >= means[1]] = _normal(means[1:], means, sds)
    weights = np.where(heard[:, None], shares[1], shares[0])
    talking = weights[:, 1] * likely[:, 1] / (weights[:, 0] * likely[:, 0] + weights[:, 1] * likely[:, 1])
    often = np.array([p.talking_while_silent, p.talking_while_speaking])
    odds = np.log((likely @ [1 - often[1], often[1]]) / (likely @ [1 - often[0], often[0]]))
    odds = np.where(_smiling(columns, clock, parameters), np.minimum(odds, 0.0), odds)
    return Mouth(movement, np.where(seen, p.mouth_weight * odds, 0.0), np.where(seen, talking, np.nan), True)


def _movement(columns: dict[str, np.ndarray], clock: np.ndarray, p: Speech) -> np.ndarray:
    seen = columns["face"].astype(bool)
    edges = np.append(clock, clock[-1:] + p.cell_s)
    change = np.zeros(len(clock))
    for name in MOUTH:
        shape = resample(columns["time"], np.where(seen, columns[name], np.nan), edges, p.mouth_gap_s)
        change += np.abs(np.diff(shape))
    times = columns["time"]
    steps = max(1.0, float(np.median(np.diff(times))) / p.cell_s) if len(times) > 1 else 1.0
    return moving_average(np.log(change * np.sqrt(steps) + _LEAST), round(p.movement_mean_s / p.cell_s))


def _smiling(columns: dict[str, np.ndarray], clock: np.ndarray, parameters: Parameters) -> np.ndarray:
    """Where the corners of the mouth are raised, or about to be or just were; (n,) bool."""
    p, smile = parameters.speech, parameters.mirroring
    seen = columns["face"].astype(bool)
    corners = np.where(seen, (columns["mouthSmileLeft"] + columns["mouthSmileRight"]) / 2, np.nan)
    level = resample(columns["time"], corners, clock + p.cell_s / 2, p.mouth_gap_s)
    if not np.isfinite(level).any():
        return np.zeros(len(clock), bool)
    raised = np.nan_to_num(level - np.nanpercentile(level, smile.smile_rest_percentile), nan=0.0) > smile.smile_on
    width = 2 * round(p.smile_margin_s / p.cell_s) + 1
    return maximum_filter1d(raised.astype(np.int8), width) > 0


def _two_ways(movement: np.ndarray, heard: np.ndarray, p: Speech) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means (2,) and standard deviations (2,) of still and as in speech, and their shares (2, 2): [without and with
    speech heard][still, as in speech]."""
    step = max(1, len(movement) // _MOST_FITTED)
    movement, heard = movement[::step], heard[::step]
    held = p.usual_movement_s / p.cell_s / step
    usual = np.array(p.usual_movement)
    means, sds = usual.copy(), np.full(2, p.usual_movement_sd)
    shares = np.array([[0.9, 0.1], [0.5, 0.5]])
    for _ in range(_ROUNDS):
        joint = shares[heard.astype(int)] * _normal(movement, means, sds)
        each = joint / (joint[:, :1] + joint[:, 1:])  # a sum over an axis of two is ten times as slow
        count = each.sum(0)
        means = (each.T @ movement + held * usual) / (count + held)
        spread = (each * (movement[:, None] - means) ** 2).sum(0) + held * p.usual_movement_sd**2
        sds = np.sqrt(spread / (count + held))
        for state in (0, 1):
            part = each[heard == bool(state)]
            shares[state] = (part.sum(0) + 1) / (len(part) + 2)
    return means, sds, shares


def _normal(values: np.ndarray, means: np.ndarray, sds: np.ndarray) -> np.ndarray:
    """Densities (m, k) of k normal distributions."""
    return np.exp(-0.5 * ((np.asarray(values)[:, None] - means) / sds) ** 2) / sds + 1e-12
