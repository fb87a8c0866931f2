"""Two places so near to each other that the density of gaze shows one: a guard for the target search.

At less than about three widths two clusters have a single peak, and the rule on the distance between peaks
(METHOD 2.5.5) has nothing to compare: in simulation it let errors of 20-30 points pass as `confident`. Two
clusters of equal shape and unequal size still differ from one in their outline, which a fitted mixture shows.

Conventions
-----------
`u` (m, 2) are target-relative angles [deg], no NaN. The mixture: two normal clusters that share their widths
along h and v, on an even background, fitted by expectation-maximisation to counts in cells.
"""

from dataclasses import dataclass

import numpy as np

from cues.parameters import Gaze

_STARTS = 8  # directions in which the second cluster is first looked for


@dataclass(frozen=True)
class Pair:
    """Two clusters: centres (2, 2) [deg], the larger first; shares (2,) of all counted samples; widths (2,)
    along h, v [deg]; separation in widths."""

    centres: np.ndarray
    shares: np.ndarray
    widths: np.ndarray
    separation: float


def fit_pair(u: np.ndarray, centre: np.ndarray, sigma: float, gaze: Gaze, scale: float = 1.0) -> Pair | None:
    """The best two clusters for the samples around `centre` (2,), or None where there are too few samples.

    It always finds two; whether they are two is for `are_two` to say.
    """
    reach, cell = gaze.pair_reach_deg * scale, gaze.pair_cell_deg * scale
    off = u - centre
    off = off[(off**2).sum(1) < reach**2]
    if len(off) < gaze.pair_min_samples:
        return None
    size = int(2 * reach / cell) + 1
    index = np.clip(((off + reach) / cell).astype(int), 0, size - 1)
    counts = np.bincount(index[:, 0] * size + index[:, 1], minlength=size * size)
    axis = (np.arange(size) + 0.5) * cell - reach
    filled = np.flatnonzero(counts)
    x = np.stack([axis[filled // size], axis[filled % size]], 1)
    counts = counts[filled].astype(float)
    return _best(*_expectation_maximisation(x, counts, sigma, np.pi * reach**2, gaze.pair_steps), centre)


def are_two(pair: Pair, gaze: Gaze, scale: float = 1.0) -> bool:
    """Whether the clusters lie far enough apart, in widths and in degrees, and the smaller one holds enough,
    to count as two places. Slow drift of one place looks like two at up to about 5 deg in simulation."""
    share = pair.shares.min() / pair.shares.sum()
    distance = np.hypot(*(pair.centres[0] - pair.centres[1]))
    apart = (
        pair.separation >= gaze.pair_separation_sigma and distance >= gaze.candidate_mass_radius_deg * scale
    )
    return bool(apart and share >= gaze.pair_min_share)


def _expectation_maximisation(
    x: np.ndarray, counts: np.ndarray, sigma: float, area: float, steps: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """From _STARTS starts at once: means (s, 2, 2), shares (s, 2), widths (s, 2), log likelihood (s,)."""
    angle = np.arange(_STARTS) * 2 * np.pi / _STARTS
    means = np.zeros((_STARTS, 2, 2))
    means[:, 1] = 2 * sigma * np.stack([np.cos(angle), np.sin(angle)], 1)
    widths = np.full((_STARTS, 2), sigma)
    shares = np.tile([0.6, 0.3, 0.1], (_STARTS, 1))
    total = counts.sum()
    likelihood = np.zeros(_STARTS)
    for _ in range(steps):
        far = (((x[None, None] - means[:, :, None]) / widths[:, None, None]) ** 2).sum(3)  # (s, 2, cells)
        normal = np.exp(-0.5 * far) / (2 * np.pi * widths.prod(1))[:, None, None]
        parts = np.concatenate([normal, np.full((_STARTS, 1, len(x)), 1 / area)], 1) * shares[:, :, None]
        whole = parts.sum(1)
        likelihood = (counts * np.log(whole)).sum(1)
        weight = parts / whole[:, None] * counts
        mass = weight.sum(2)
        shares = mass / total
        held = weight[:, :2]
        means = np.einsum("skc,cd->skd", held, x) / np.maximum(mass[:, :2, None], 1e-9)
        squares = np.einsum("skc,cd->sd", held, x**2) - np.einsum("sk,skd->sd", mass[:, :2], means**2)
        widths = np.sqrt(np.maximum(squares / np.maximum(mass[:, :2].sum(1), 1e-9)[:, None], 0.25))
    return means, shares[:, :2], widths, likelihood


def _best(
    means: np.ndarray, shares: np.ndarray, widths: np.ndarray, likelihood: np.ndarray, centre: np.ndarray
) -> Pair:
    best = int(likelihood.argmax())
    order = np.argsort(-shares[best])
    apart = float(np.hypot(*((means[best, 0] - means[best, 1]) / widths[best])))
    return Pair(means[best][order] + centre, shares[best][order], widths[best], apart)
