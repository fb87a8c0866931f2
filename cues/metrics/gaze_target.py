"""Where the partner is, found from where a person looks (METHOD 2.5).

Conventions
-----------
`u` (m, 2) are target-relative angles [deg] of samples that may take part in the search (usable, no blink, no
saccade); `weights` (m,) their weights. `scale` widens every radius: 1 for gaze, `head_only_scale` for the
direction of the head, which scatters more. Functions expect no NaN.

States: `confident` (the target stands out), `confirm` (a person must say which place it is), `not_separable`
(another place lies too near), `not_measurable`.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
from scipy.ndimage import gaussian_filter, maximum_filter
from scipy.special import erf

from cues.metrics.close_places import find_jumps, locate_pair
from cues.parameters import Gaze

CONFIDENT, CONFIRM, NOT_SEPARABLE, NOT_MEASURABLE = "confident", "confirm", "not_separable", "not_measurable"

_SIGMAS = np.linspace(0.8, 8.0, 721)  # range of the cluster widths that can be told apart [deg at scale 1]


@dataclass(frozen=True)
class Candidate:
    """A place a person looks at often: centre [deg], share of the listening samples near it, score, width
    [deg].

    prior: how usual a place for a partner (0-1); usual: no need to ask; listening_ratio: share while
    listening over share while speaking, within 0.5 to 3, 1 when speech is not known; looking_down: median of
    eyeLookDown there, NaN when not known.
    """

    h: float
    v: float
    mass: float
    score: float
    sigma: float
    prior: float = 1.0
    usual: bool = True
    listening_ratio: float = 1.0
    looking_down: float = float("nan")

    @property
    def centre(self) -> np.ndarray:
        """(h, v) as an array."""
        return np.array([self.h, self.v])


@dataclass(frozen=True)
class Evidence:
    """The samples of a target search: angles (m, 2) averaged over a fixation, the same unaveraged (m, 2)
    [deg], quality weight (m,), speaking (m,) as in eye contact, looking down (m,), time (m,) [s]."""

    u: np.ndarray
    single: np.ndarray
    quality_weight: np.ndarray
    speaking: np.ndarray
    looking_down: np.ndarray
    time: np.ndarray

    def part(self, rows: np.ndarray) -> "Evidence":
        """The same of some rows (boolean mask or indices)."""
        return Evidence(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True)
class Choice:
    """The chosen candidate (None when there is none), all candidates (best first), the distance [deg] and
    direction to the nearest other one (inf and straight down when there is none), the state and one sentence
    why."""

    chosen: Candidate | None
    candidates: list[Candidate]
    separation: float
    toward_competitor: np.ndarray
    state: str
    reason: str


@dataclass(frozen=True)
class Region:
    """Where a partner may be: `prior` (h, v) -> how usual a place is, 0-1; `usual` (h, v) -> whether a target
    there needs no asking; `by_lids`: a place seen with lowered eyes needs asking."""

    prior: Callable[[float, float], float]
    usual: Callable[[float, float], bool]
    by_lids: bool = True


def screen_region(gaze: Gaze) -> Region:
    """The partner's picture before a camera: 1 in an ellipse under the lens, falling off around it (METHOD
    2.5.4 a).

    Far to the side may as well be a second screen, and is asked about.
    """

    def prior(h: float, v: float) -> float:
        off = np.array([h, v - gaze.prior_centre_v_deg])
        r = float(np.hypot(off[0] / gaze.prior_half_h_deg, off[1] / gaze.prior_half_v_deg))
        outside = np.linalg.norm(off) * (1 - 1 / r) if r > 1 else 0.0
        return float(np.exp(-0.5 * (outside / gaze.prior_falloff_deg) ** 2))

    return Region(prior, lambda h, v: prior(h, v) >= gaze.prior_confident and abs(h) <= gaze.confident_h_deg)


def room_region(gaze: Gaze, scale: float = 1.0) -> Region:
    """Around the measured position of the partner (METHOD 2.5.4 b, radius 2.3 b)."""
    sd, radius = gaze.prior_room_sd_deg * scale, gaze.prior_room_radius_deg * scale
    return Region(
        lambda h, v: float(np.exp(-0.5 * (h**2 + v**2) / sd**2)),
        lambda h, v: bool(np.hypot(h, v) <= radius),
        by_lids=False,
    )


def beside_camera_region(gaze: Gaze) -> Region:
    """A listener who is not in the picture: to either side of the lens, about level with it (METHOD 2.3
    c)."""

    def prior(h: float, v: float) -> float:
        low, high = gaze.prior_beside_h_deg
        outside_h = max(low - abs(h), abs(h) - high, 0.0)
        outside_v = max(abs(v) - gaze.prior_beside_v_deg, 0.0)
        return float(np.exp(-0.5 * (outside_h**2 + outside_v**2) / gaze.prior_falloff_deg**2))

    return Region(prior, lambda h, v: prior(h, v) >= gaze.prior_confident, by_lids=False)


def speech_weights(evidence: Evidence, gaze: Gaze) -> np.ndarray:
    """Weight of each sample: people look at who speaks (METHOD 2.5.2); shape (m,)."""
    by_state = np.full(5, gaze.weight_silence)  # also for unknown (-1, the last) and for both
    by_state[1], by_state[2] = gaze.weight_self_speaking, gaze.weight_partner_speaking
    return by_state[evidence.speaking] * evidence.quality_weight


def density_peaks(u: np.ndarray, weights: np.ndarray, gaze: Gaze, scale: float = 1.0) -> np.ndarray:
    """Local maxima of the weighted density of gaze, strongest first: rows (density, h, v) [deg]; METHOD
    2.5.3."""
    histogram, axis = _histogram(u, weights, gaze)
    density = gaussian_filter(histogram, gaze.kde_bandwidth_deg * scale / gaze.kde_grid_deg)
    width = int(gaze.candidate_neighbourhood_deg * scale / gaze.kde_grid_deg)
    high = density > gaze.candidate_min_relative * density.max()
    rows, columns = np.nonzero((density == maximum_filter(density, width)) & high)
    peaks = np.stack([density[rows, columns], axis[rows], axis[columns]], 1)
    return peaks[np.argsort(-peaks[:, 0], kind="stable")]


def shifted_mean(u: np.ndarray, start: np.ndarray, radius: float, steps: int = 8) -> np.ndarray:
    """Centre (2,) of the samples within `radius` [deg] of it, reached from `start`; `start` where there are
    none."""
    centre = np.asarray(start, float)
    near = u[((u - centre) ** 2).sum(1) < (3 * radius) ** 2]
    for _ in range(steps):
        rows = ((near - centre) ** 2).sum(1) < radius**2
        if not rows.any():
            break
        moved = near[rows].mean(0)
        if np.array_equal(moved, centre):
            break
        centre = moved
    return centre


def cluster_sigma(u: np.ndarray, centre: np.ndarray, gaze: Gaze, scale: float = 1.0) -> float:
    """Width [deg] per axis of a round cluster from P(r < R/2 | r < R), R = `sigma_radius_deg`; METHOD 2.5.7.

    Solves the 2-D Rayleigh fraction, within 0.8 to 8 deg, floor `sigma_floor_deg`; 3 deg (the reference's
    guess) where no sample is near. Scaled with `scale`.
    """
    r = np.hypot(*(u - centre).T) / scale
    radius = gaze.sigma_radius_deg
    inside = r < radius
    if not inside.any():
        return 3.0 * scale
    fraction = (r < radius / 2).sum() / inside.sum()
    model = (1 - np.exp(-((radius / 2) ** 2) / 2 / _SIGMAS**2)) / (1 - np.exp(-(radius**2) / 2 / _SIGMAS**2))
    return scale * max(float(np.interp(-fraction, -model, _SIGMAS)), gaze.sigma_floor_deg)


def axis_sigmas(u: np.ndarray, centre: np.ndarray, gaze: Gaze, scale: float = 1.0) -> np.ndarray:
    """Widths (2,) [deg] along h and v: the same fraction rule in one dimension, on the samples in a
    square."""
    off = np.abs(u - centre) / scale
    radius = gaze.sigma_radius_deg
    inside = (off < radius).all(1)
    model = erf(radius / 2 / _SIGMAS / np.sqrt(2)) / erf(radius / _SIGMAS / np.sqrt(2))
    if not inside.any():
        return np.full(2, 3.0 * scale)
    fractions = (off[inside] < radius / 2).mean(0)
    return scale * np.maximum(np.interp(-fractions, -model, _SIGMAS), gaze.sigma_floor_deg)


def find_candidates(
    evidence: Evidence, region: Region, gaze: Gaze, scale: float = 1.0, named: np.ndarray | None = None
) -> list[Candidate]:
    """Places that could be the partner, best score first (METHOD 2.5.2-2.5.4).

    Peaks whose samples flow to the same centre are one candidate. The best one (or the one nearest to `named`
    (2,), where a person said that the partner is) is examined for two places too near to each other for two
    peaks.
    """
    if len(evidence.u) == 0:
        return []
    weights = speech_weights(evidence, gaze)
    found: list[Candidate] = []
    for _, h, v in density_peaks(evidence.u, weights, gaze, scale):
        centre = shifted_mean(evidence.u, np.array([h, v]), gaze.sigma_radius_deg * scale)
        if all(np.hypot(*(centre - other.centre)) >= gaze.kde_bandwidth_deg * scale for other in found):
            found.append(describe_place(evidence, centre, region, gaze, scale))
    if not found:
        return []
    examined = max(found, key=lambda c: c.score)
    if named is not None:
        examined = min(found, key=lambda c: float(np.hypot(*(c.centre - named))))
    others = [c for c in found if c is not examined]
    found = [*others, *_examine(evidence, examined, others, region, gaze, scale)]
    return sorted(found, key=lambda c: -c.score)


def _examine(
    evidence: Evidence, place: Candidate, others: list[Candidate], region: Region, gaze: Gaze, scale: float
) -> list[Candidate]:
    """The candidate itself, or the two places that it is (`close_places`)."""
    own = ((evidence.u - place.centre) ** 2).sum(1)
    rows = own < (gaze.pair_reach_deg * scale) ** 2
    for other in others:
        rows &= own <= ((evidence.u - other.centre) ** 2).sum(1)
    jumps = find_jumps(evidence.u[rows], evidence.time[rows], gaze, scale)
    if jumps is None:
        return [place]
    centres = locate_pair(evidence.u[rows], place.centre, jumps.angle, place.sigma, gaze)
    return [replace(describe_place(evidence, c, region, gaze, scale), sigma=place.sigma) for c in centres]


def describe_place(evidence: Evidence, centre: np.ndarray, region: Region, gaze: Gaze, scale: float = 1.0) -> Candidate:
    """The candidate at `centre` (2,) [deg]: mass, score, width (METHOD 2.5.4)."""
    weights = speech_weights(evidence, gaze)
    near = ((evidence.u - centre) ** 2).sum(1) < (gaze.candidate_mass_radius_deg * scale) ** 2
    all_mass = weights[near].sum() / max(weights.sum(), 1e-12)
    quality = evidence.quality_weight
    listening, speaking = evidence.speaking == 2, evidence.speaking == 1
    known = min(_seconds(listening, evidence.time), _seconds(speaking, evidence.time)) >= gaze.speech_state_min_s
    mass, ratio = all_mass, 1.0
    if known:
        mass = quality[near & listening].sum() / max(quality[listening].sum(), 1e-12)
        while_speaking = quality[near & speaking].sum() / max(quality[speaking].sum(), 1e-12)
        ratio = float(np.clip(mass / max(while_speaking, 1e-6), *gaze.listening_ratio_limits))
    down = evidence.looking_down[near]
    looking_down = float(np.nanmedian(down)) if np.isfinite(down).any() else float("nan")
    lowered = region.by_lids and looking_down > gaze.look_down_on
    prior = region.prior(*centre)
    return Candidate(
        h=float(centre[0]),
        v=float(centre[1]),
        mass=float(mass),
        score=float(all_mass * prior * ratio),
        sigma=cluster_sigma(evidence.single, centre, gaze, scale),
        prior=prior,
        usual=bool(region.usual(*centre) and not lowered),
        listening_ratio=ratio,
        looking_down=looking_down,
    )


def choose(candidates: list[Candidate], gaze: Gaze, data_s: float, min_data_s: float) -> Choice:
    """The best candidate and how far it can be trusted (METHOD 2.5.5), with three guards of our own.

    Ours, because in 55 % of real calls the partner is not what a person looks at most (METHOD A8): a place
    where a partner's picture seldom is, a place looked at with lowered eyes, and a place further from the
    lens than another likely one, are never `confident` by themselves.
    """
    if data_s < min_data_s:
        words = f"gaze could be measured for {data_s:.0f} s only; {min_data_s:.0f} s are needed"
        return Choice(None, candidates, np.inf, np.array([0.0, -1.0]), NOT_MEASURABLE, words)
    if not candidates or max(c.mass for c in candidates) < gaze.listening_mass_min:
        words = "no place is looked at often enough to be the partner"
        return Choice(None, candidates, np.inf, np.array([0.0, -1.0]), NOT_MEASURABLE, words)
    best = candidates[0]
    separation, direction = nearest_competitor(best, candidates)
    state, reason = CONFIDENT, "one place stands out and lies where a partner's picture usually is"
    rivals = [c for c in candidates[1:] if _may_rather_be_partner(c, best, gaze)]
    if separation / best.sigma < gaze.separation_sigma_min:
        state, reason = (
            NOT_SEPARABLE,
            "another place that is looked at often lies too near to the likely partner",
        )
    elif len(candidates) > 1 and best.score < gaze.dominance * candidates[1].score:
        state, reason = CONFIRM, "more than one place could be the partner"
    elif best.mass < gaze.listening_mass_confident:
        state, reason = (
            CONFIRM,
            "the likely partner is looked at too seldom to be sure that it is the partner",
        )
    elif separation / best.sigma < gaze.separation_sigma_ok:
        state, reason = CONFIRM, "another place that is looked at often lies near the likely partner"
    elif rivals:
        words = "the place looked at most may be notes or a second screen: another one lies nearer to the lens"
        state, reason = CONFIRM, words
    elif not best.usual:
        state, reason = CONFIRM, "the place looked at most lies where a partner's picture seldom is"
    return Choice(best, candidates, separation, direction, state, reason)


def nearest_competitor(place: Candidate, candidates: list[Candidate]) -> tuple[float, np.ndarray]:
    """Distance [deg] and unit direction (2,) from `place` to the nearest other candidate; (inf, down) when
    alone."""
    offsets = [c.centre - place.centre for c in candidates if c is not place]
    if not offsets:
        return np.inf, np.array([0.0, -1.0])
    nearest = min(offsets, key=lambda offset: float(np.hypot(*offset)))
    distance = float(np.hypot(*nearest))
    return distance, nearest / max(distance, 1e-9)


def thresholds(sigma: float, separation: float, gaze: Gaze) -> tuple[float, float]:
    """(enter, leave) distance [deg] from the target (METHOD 2.6)."""
    enter = float(np.clip(gaze.theta_k_sigma * sigma, gaze.theta_min_deg, gaze.theta_max_deg))
    enter = min(enter, gaze.theta_separation_share * separation)
    return enter, min(gaze.out_ratio * enter, enter + gaze.out_add_deg)


def _may_rather_be_partner(rival: Candidate, best: Candidate, gaze: Gaze) -> bool:
    nearer = np.hypot(rival.h, rival.v) < np.hypot(best.h, best.v)
    likely = rival.mass >= gaze.rival_mass_min and rival.usual
    heard = best.listening_ratio >= gaze.dominance * rival.listening_ratio
    return bool(nearer and likely and not heard)


def _seconds(rows: np.ndarray, time: np.ndarray) -> float:
    return float(rows.sum() * np.median(np.diff(time))) if len(time) > 1 else 0.0


def _histogram(u: np.ndarray, weights: np.ndarray, gaze: Gaze) -> tuple[np.ndarray, np.ndarray]:
    half, grid = gaze.kde_half_width_deg, gaze.kde_grid_deg
    bins = int(2 * half / grid)
    cell = np.floor((u + half) / grid).astype(int)
    inside = ((cell >= 0) & (cell < bins)).all(1)
    flat = cell[inside, 0] * bins + cell[inside, 1]
    histogram = np.bincount(flat, weights[inside], bins * bins).reshape(bins, bins)
    return histogram, np.arange(bins) * grid - half + grid / 2
