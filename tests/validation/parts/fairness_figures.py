"""Figures of the fairness part: coverage and errors by group of people and by light, and how far groups are apart."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tests.validation.parts.fairness_faces import DARKER, POSES, Person
from tests.validation.results import Figure

DISPARITY_MAX = 10.0
"""percentage points of coverage between groups above which nothing is released (METHOD 5.6)"""
RESAMPLES = 2000
SEED = 51


@dataclass(frozen=True)
class Seen:
    """One picture: whose, pose (index into POSES), under which light, whether the face was found and good enough for
    gaze; errors are NaN where it was not.

    `gaze_error` [deg] after one constant offset per person, `distance_error` [%] after one factor per person, `smile`
    the mean of the two lip-corner blendshapes.
    """

    person: Person
    pose: int
    light: str
    found: bool
    good: bool
    gaze_error: float
    distance_error: float
    smile: float


Group = Callable[[Seen], str]
FAMILIES: dict[str, Group] = {
    "skin tone": lambda s: s.person.tone,
    "glasses or beard": lambda s: {"none": "neither"}.get(s.person.extra, s.person.extra),
    "light": lambda s: s.light,
}
"""what pictures are grouped by"""


@dataclass(frozen=True)
class Grouped:
    """A mean per group, and the same with people resampled: `again` (b,) per group, the same draws in all of them."""

    values: dict[str, float]
    again: dict[str, np.ndarray]
    counts: dict[str, int]

    def interval(self, group: str) -> tuple[float, float]:
        """95 % interval of a group's mean."""
        low, high = np.nanpercentile(self.again[group], [2.5, 97.5])
        return float(low), float(high)

    @property
    def disparity(self) -> tuple[float, float, float]:
        """The largest difference between two groups, and its 95 % interval."""
        spread = np.ptp(np.stack(list(self.again.values())), axis=0)
        low, high = np.nanpercentile(spread, [2.5, 97.5])
        return float(np.ptp(list(self.values.values()))), float(low), float(high)


def _grouped(seen: list[Seen], family: str, value: Callable[[Seen], float]) -> Grouped:
    """Means of `value` by group. What varies inside the groups is resampled: faces, with what else they differ in."""
    group_of = FAMILIES[family]

    def unit(s: Seen) -> tuple[int, str, str]:
        tone = "" if family == "skin tone" else s.person.tone
        extra = "" if family == "glasses or beard" else s.person.extra
        return s.person.face, tone, extra

    units = sorted({unit(s) for s in seen})
    weights = np.random.default_rng(SEED).multinomial(len(units), np.full(len(units), 1 / len(units)), RESAMPLES)
    values, again, counts = {}, {}, {}
    for group in dict.fromkeys(map(group_of, seen)):
        total, number = np.zeros(len(units)), np.zeros(len(units))
        for s in seen:
            if group_of(s) == group and np.isfinite(v := value(s)):
                total[units.index(unit(s))] += v
                number[units.index(unit(s))] += 1
        values[group] = float(total.sum() / number.sum()) if number.any() else float("nan")
        drawn = weights @ number
        again[group] = np.divide(weights @ total, drawn, out=np.full(RESAMPLES, np.nan), where=drawn > 0)
        counts[group] = int(number.sum())
    return Grouped(values, again, counts)


def _found(s: Seen) -> float:
    return 100.0 * s.found


def _good(s: Seen) -> float:
    return 100.0 * s.good


def _gaze(s: Seen) -> float:
    return s.gaze_error


def _distance(s: Seen) -> float:
    return s.distance_error


def _responses(seen: list[Seen]) -> list[Seen]:
    """The smiling pictures, with what the smile adds to the neutral one of the same person and light."""
    neutral = {(s.person, s.light): s.smile for s in seen if POSES[s.pose] == "neutral"}
    return [replace(s, smile=s.smile - neutral[s.person, s.light]) for s in seen if POSES[s.pose] == "smiling"]


def _smile(s: Seen) -> float:
    return s.smile


def disparities(seen: list[Seen]) -> list[Figure]:
    """The largest differences between groups of people, and between lights."""
    measures: tuple[tuple[str, str, Callable[[Seen], float]], ...] = (
        ("pictures good enough for gaze", "points", _good),
        ("pictures found", "points", _found),
        ("gaze error", "deg", _gaze),
        ("distance error", "points", _distance),
    )
    figures = []
    for family in FAMILIES:
        of_people = family != "light"
        for what, unit, value in measures:
            spread, low, high = _grouped(seen, family, value).disparity
            limited = of_people and unit == "points" and what.startswith("pictures")
            headline = ""
            if family == "skin tone" and value in (_good, _gaze):
                headline = f"Largest difference between skin tones: {what}"
            figures.append(
                Figure(
                    f"largest difference between groups by {family}: {what}",
                    spread,
                    unit,
                    low,
                    high,
                    f"{len(seen)} pictures",
                    f"at most {DISPARITY_MAX:g} points" if limited else "",
                    spread <= DISPARITY_MAX if limited else None,
                    "" if of_people else "a condition of recording, not a group of people",
                    headline,
                )
            )
    return figures


def group_figures(seen: list[Seen], family: str) -> list[Figure]:
    measures: tuple[tuple[str, str, Callable[[Seen], float], list[Seen]], ...] = (
        ("found", "%", _found, seen),
        ("good enough for gaze", "%", _good, seen),
        ("mean gaze error after one offset per person", "deg", _gaze, seen),
        ("mean distance error after one factor per person", "%", _distance, seen),
        ("mean response of the smile blendshapes", "", _smile, _responses(seen)),
    )
    figures = []
    for what, unit, value, pictures in measures:
        grouped = _grouped(pictures, family, value)
        for group, mean in grouped.values.items():
            low, high = grouped.interval(group)
            n = f"{grouped.counts[group]} pictures"
            figures.append(Figure(f"{family} {group}: {what}", mean, unit, low, high, n))
    return figures


def in_the_dark(seen: list[Seen]) -> list[Figure]:
    """Coverage by skin tone as the light goes: the largest difference in each light, and how far all are alike."""
    figures, alike = [], float("nan")
    for light, share in DARKER.items():
        part = [s for s in seen if s.light == light]
        if not part:
            continue
        grouped = _grouped(part, "skin tone", _good)
        spread, low, high = grouped.disparity
        if spread <= DISPARITY_MAX and len(figures) == sum(bool(f.reached) for f in figures):
            alike = 100 * share
        figures.append(
            Figure(
                f"skin tones in {100 * share:.2g} % of the light, largest difference: pictures good enough for gaze",
                spread,
                "points",
                low,
                high,
                f"{len(part)} pictures",
                f"at most {DISPARITY_MAX:g} points",
                spread <= DISPARITY_MAX,
                ", ".join(f"{tone} {value:.0f} %" for tone, value in grouped.values.items()),
            )
        )
    steps = ", ".join(f"{100 * share:.2g}" for share in DARKER.values())
    return figures + [
        Figure(
            f"least light in which coverage of all skin tones is within {DISPARITY_MAX:g} points",
            alike,
            "% of a well-lit room",
            n=f"{len([s for s in seen if s.light in DARKER])} pictures",
            note=f"tried: {steps} %, with a camera's noise that does not grow less",
            headline="Least light in which all skin tones are measured alike (coverage within 10 points)",
        )
    ]


def dark_curves(seen: list[Seen]) -> dict[str, list[tuple[float, float, float, float]]]:
    """Skin tone -> (share of the light, coverage [%], low, high) for each light of DARKER."""
    curves: dict[str, list[tuple[float, float, float, float]]] = {}
    for light, share in DARKER.items():
        grouped = _grouped([s for s in seen if s.light == light], "skin tone", _good)
        for tone, value in grouped.values.items():
            curves.setdefault(tone, []).append((share, value, *grouped.interval(tone)))
    return curves


def shown(seen: list[Seen], family: str) -> dict[str, tuple[tuple[float, float, float], ...]]:
    """Group -> (mean, low, high) of coverage and of gaze error."""
    both = [_grouped(seen, family, value) for value in (_good, _gaze)]
    return {group: tuple((g.values[group], *g.interval(group)) for g in both) for group in both[0].values}
