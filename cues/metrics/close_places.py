"""Two places so near to each other that the density of gaze shows one: a guard for the target search.

At less than about three widths two clusters have a single peak, and the rule on the distance between peaks
(METHOD 2.5.5) has nothing to compare: in simulation it let errors of 20-30 points pass as `confident`. But
gaze that goes back and forth between two places jumps by the same angle again and again, and gaze that drifts
around one place does not: the differences between moments two seconds apart show it, with the slow drift
taken out.

Conventions
-----------
Angles in degrees, arrays without NaN. Both fits are by expectation-maximisation on counts in cells, with an
even background. `scale` widens everything, for directions of the head.
"""

from dataclasses import dataclass

import numpy as np

from cues.parameters import Gaze

_STARTS = 4  # directions in which the jump is first looked for; opposite ones are the same


@dataclass(frozen=True)
class Jumps:
    """Back-and-forth between two places: the angle between them (2,) [deg], the share of moments two seconds
    apart that lie on different ones, the width (2,) [deg] of the differences while on one."""

    angle: np.ndarray
    share: float
    widths: np.ndarray


def find_jumps(u: np.ndarray, time: np.ndarray, gaze: Gaze, scale: float = 1.0) -> Jumps | None:
    """The jumps within samples `u` (m, 2) at `time` (m,) around one peak; None with too few samples, or where
    the differences are those of one place: the angle below `candidate_mass_radius_deg` or below
    `jump_widths`, or too rare.
    """
    reach, cell = 2 * gaze.pair_reach_deg * scale, gaze.pair_cell_deg * scale
    later = np.searchsorted(time, time + gaze.jump_lag_s)
    known = later < len(time)
    known[known] = time[later[known]] - time[known] < 1.5 * gaze.jump_lag_s
    if known.sum() < gaze.pair_min_samples:
        return None
    x, counts = _cells(u[later[known]] - u[known], reach, cell)
    found = _fit_jumps(x, counts, np.pi * reach**2, gaze)
    far = np.hypot(*found.angle) >= gaze.candidate_mass_radius_deg * scale
    clear = np.hypot(*(found.angle / found.widths)) >= gaze.jump_widths
    return found if far and clear and found.share >= gaze.jump_share_min else None


def locate_pair(u: np.ndarray, centre: np.ndarray, angle: np.ndarray, sigma: float, gaze: Gaze) -> np.ndarray:
    """Centres (2, 2) [deg] of two clusters `angle` (2,) apart that explain the samples `u` (m, 2) best; the
    larger first.

    `sigma` [deg] is where their width starts from.
    """
    x, counts = _cells(u - centre, 2 * gaze.pair_reach_deg, gaze.pair_cell_deg)
    best: tuple[float, np.ndarray, np.ndarray] | None = None
    for first in (np.zeros(2), -angle):
        offsets = np.array([np.zeros(2), angle])
        place, width, shares = first.copy(), np.full(2, sigma), np.array([0.5, 0.5])
        for _ in range(gaze.pair_steps):
            parts = shares[:, None] * _normal(x, place + offsets, width)
            whole = parts.sum(0) + 1e-9
            held = parts / whole * counts
            mass = held.sum(1)
            shares = mass / mass.sum()
            place = (held[:, :, None] * (x - offsets[:, None])).sum((0, 1)) / mass.sum()
            left = x - (place + offsets)[:, None]
            width = np.sqrt(np.maximum((held[:, :, None] * left**2).sum((0, 1)) / mass.sum(), 0.25))
        likelihood = float((counts * np.log(whole)).sum())
        if best is None or likelihood > best[0]:
            best = likelihood, place + offsets, shares
    assert best is not None
    return best[1][np.argsort(-best[2])] + centre


def _fit_jumps(x: np.ndarray, counts: np.ndarray, area: float, gaze: Gaze) -> Jumps:
    """Differences as a mixture: none, +angle, -angle (equally often), background; from _STARTS starts, the
    likeliest."""
    spread = np.sqrt((counts[:, None] * x**2).sum(0) / counts.sum()).mean()
    best: tuple[float, Jumps] | None = None
    for turn in np.arange(_STARTS) * np.pi / _STARTS:
        angle = 2 * spread * np.array([np.cos(turn), np.sin(turn)])
        width, shares, background = np.full(2, spread / 2), np.array([0.7, 0.125, 0.125]), 0.05
        sign = np.array([0.0, 1.0, -1.0])[:, None]
        for _ in range(gaze.pair_steps):
            parts = shares[:, None] * _normal(x, sign * angle, width)
            whole = parts.sum(0) + background / area
            held = parts / whole * counts
            mass = held.sum(1)
            background = max(float((counts * (background / area) / whole).sum() / counts.sum()), 1e-6)
            jumping = max(mass[1] + mass[2], 1e-9)
            shares = np.array([mass[0], jumping / 2, jumping / 2]) / counts.sum()
            angle = ((held[1] - held[2])[:, None] * x).sum(0) / jumping
            left = x - (sign * angle)[:, None]
            width = np.sqrt(np.maximum((held[:, :, None] * left**2).sum((0, 1)) / mass.sum(), 0.25))
        likelihood = float((counts * np.log(whole)).sum())
        if best is None or likelihood > best[0]:
            best = likelihood, Jumps(angle, float(jumping / counts.sum()), width)
    assert best is not None
    return best[1]


def _normal(x: np.ndarray, means: np.ndarray, width: np.ndarray) -> np.ndarray:
    far = (((x[None] - means[:, None]) / width) ** 2).sum(2)
    return np.exp(-0.5 * far) / (2 * np.pi * width.prod())


def _cells(x: np.ndarray, reach: float, cell: float) -> tuple[np.ndarray, np.ndarray]:
    """Centres (c, 2) of the filled cells within `reach` and their counts (c,)."""
    x = x[(x**2).sum(1) < reach**2]
    size = int(np.ceil(2 * reach / cell))
    index = ((x + reach) / cell).astype(int)
    counts = np.bincount(index[:, 0] * size + index[:, 1], minlength=size * size)
    filled = np.flatnonzero(counts)
    axis = (np.arange(size) + 0.5) * cell - reach
    return np.stack([axis[filled // size], axis[filled % size]], 1), counts[filled].astype(float)
