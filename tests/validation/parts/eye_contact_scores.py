"""A session's eye contact against its truth: agreement by sample, minutes, whether the place taken for the partner is
the partner.

*Conventions.* The truth is read only here, after everything was measured. Arrays have shape (n,), one value per sample
of a person. Time in true blinks is left out, and so is what the product calls unknown (its share is the coverage).
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cues.corrections import Corrections, Target, Trainee, add_correction, person_named
from cues.metrics.episodes import UNKNOWN, YES
from cues.metrics.eye_contact import EyeContact
from cues.metrics.gaze_target import CONFIDENT
from cues.metrics.pointing import GAZE
from cues.metrics.session import SessionMetrics, measure_session
from cues.observations import Observations
from cues.parameters import Parameters

PARTNER = "partner"
TOLERANCE_S = 0.2
LIMITS_NOTHING = {"CAMERA_NOT_SEPARABLE"}
"""Flags about eye contact that do not limit the share of time at the partner."""
SETTLED_S = 0.3
LEAST_SEEN_S = 2.0


@dataclass(frozen=True)
class Counts:
    """Samples by measured (first) and true (second) contact: yes-yes, yes-no, no-yes, no-no."""

    both: int = 0
    only_measured: int = 0
    only_true: int = 0
    neither: int = 0

    @property
    def precision(self) -> float:
        """Of what was called contact, the share that was (NaN where nothing was called so)."""
        return _ratio(self.both, self.both + self.only_measured)

    @property
    def recall(self) -> float:
        """Of true contact, the share that was called so."""
        return _ratio(self.both, self.both + self.only_true)

    @property
    def f1(self) -> float:
        """Harmonic mean of both."""
        return _ratio(2 * self.both, 2 * self.both + self.only_measured + self.only_true)

    @property
    def kappa(self) -> float:
        """Cohen's kappa."""
        n = self.both + self.only_measured + self.only_true + self.neither
        if n == 0:
            return float("nan")
        agreed = (self.both + self.neither) / n
        measured, true = (self.both + self.only_measured) / n, (self.both + self.only_true) / n
        chance = measured * true + (1 - measured) * (1 - true)
        return _ratio(agreed - chance, 1 - chance)


@dataclass(frozen=True)
class Score:
    """One person-session as the product reports it.

    state, method, flags, reason: its own words (`flags` only those that limit eye contact). right: the place taken for
    the partner is the partner (None where none was taken). minutes: (true, shown) percentages, shown None where there
    is a dash; session_true, session_shown the same of the whole. facing: (true share looking at the partner, shown
    share facing) where only the head's direction is measured. separation: degrees from the partner to the nearest other
    place in truth. iris_px: median of what was measured.
    """

    session: str
    person: int
    state: str
    method: str
    reason: str
    flags: tuple[str, ...]
    right: bool | None
    counts: Counts
    tolerant: Counts
    coverage: float
    minutes: list[tuple[float, float | None]]
    session_true: float
    session_shown: float | None
    separation: float
    iris_px: float
    facing: tuple[float, float | None] | None = None
    condition: dict[str, Any] = field(default_factory=dict)

    @property
    def confident(self) -> bool:
        """Whether the product gives figures of eye contact without asking."""
        return self.state == CONFIDENT and self.method == GAZE

    @property
    def reported_error(self) -> float | None:
        """Points between what is reported and the truth: of the session's figure, or the mean over the minutes that
        have one where the session has none; None where no figure of eye contact is shown."""
        if self.session_shown is not None:
            return self.session_shown - self.session_true
        errors = self.minute_errors
        return float(np.mean(errors)) if errors else None

    @property
    def minute_errors(self) -> list[float]:
        """Shown less true, of the minutes that have a figure [points]."""
        return [shown - true for true, shown in self.minutes if shown is not None]


def as_asked(observations: Observations) -> tuple[Corrections, SessionMetrics]:
    """The session measured with the default parameters; the trainee is said, as the command line offers, nothing else.

    Raises ParameterError where nobody sits on the left or alone.
    """
    facts = observations.facts
    places = [entry["place"] for entry in facts.people]
    name = "left" if "left" in places else "first"
    corrections = add_correction(Corrections(), Trainee(person_named(name, facts)), facts)
    return corrections, measure_session(observations, corrections, Parameters())


def as_confirmed(
    observations: Observations, corrections: Corrections, metrics: SessionMetrics, truth: dict[str, Any]
) -> SessionMetrics:
    """The same after a person said of everyone where the partner is.

    The answer is what somebody who knows when the partner was looked at would point to: the middle of the angles
    measured at those times. It is the only use of the truth before the comparison, and stands for a person's answer.
    """
    for person, entry in people_of(observations, truth):
        eyes = metrics.measured.eye_contact[person]
        looked = looked_at(eyes.time, entry)
        rows = (looked == PARTNER) & (since_change(eyes.time, entry) >= SETTLED_S) & ~true_blinks(eyes.time, entry)
        rows &= np.isfinite(eyes.u).all(1)
        if rows.any():
            h, v = np.median(eyes.u[rows], axis=0)
            corrections = add_correction(corrections, Target(person, float(h), float(v)), observations.facts)
    return measure_session(observations, corrections, Parameters())


def people_of(observations: Observations, truth: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
    """(person's number in the table, their truth), by where they are in the picture."""
    by_side = {entry["side"]: entry for entry in truth["people"]}
    known = [(e["person"], by_side.get(e["place"])) for e in observations.facts.people]
    return [(person, entry) for person, entry in known if entry is not None]


def score_session(name: str, observations: Observations, metrics: SessionMetrics, truth: dict[str, Any]) -> list[Score]:
    """Every person's score."""
    return [_score(name, person, metrics, entry, truth) for person, entry in people_of(observations, truth)]


def looked_at(time: np.ndarray, entry: dict[str, Any]) -> np.ndarray:
    """Name of the true target at every sample time."""
    starts = np.array([g["start"] for g in entry["gaze"]])
    names = np.array([g["target"] for g in entry["gaze"]])
    return names[np.clip(np.searchsorted(starts, time, side="right") - 1, 0, None)]


def since_change(time: np.ndarray, entry: dict[str, Any]) -> np.ndarray:
    """Seconds since the true target changed."""
    starts = np.array([g["start"] for g in entry["gaze"]])
    return time - starts[np.clip(np.searchsorted(starts, time, side="right") - 1, 0, None)]


def true_blinks(time: np.ndarray, entry: dict[str, Any]) -> np.ndarray:
    """Whether the lids move or are closed."""
    inside = np.zeros(len(time), bool)
    for start, end in entry["blinks"]:
        inside |= (time >= start) & (time < end)
    return inside


def right_target(states: np.ndarray, looked: np.ndarray, counted: np.ndarray, step_s: float) -> bool | None:
    """Whether the place taken for the partner is the partner; None where nothing is called contact.

    It is, when of all true targets the partner is the one whose samples are called contact most often. A constant
    error of the measured direction does not enter, nor does how often each target is looked at. Targets looked at for
    less than two seconds are left out.
    """
    if not (states[counted] == YES).any():
        return None
    shares = {
        str(name): float((states[rows] == YES).mean())
        for name in np.unique(looked)
        if (rows := counted & (looked == name)).sum() * step_s >= LEAST_SEEN_S
    }
    return max(shares, key=lambda name: shares[name]) == PARTNER


def _score(name: str, person: int, metrics: SessionMetrics, entry: dict[str, Any], truth: dict[str, Any]) -> Score:
    eyes = metrics.measured.eye_contact[person]
    time = eyes.time
    looked, kept = looked_at(time, entry), ~true_blinks(time, entry)
    step = float(np.median(np.diff(time)))
    known = kept & (eyes.states != UNKNOWN)
    measured, true = eyes.states == YES, looked == PARTNER
    summary = next(p for p in metrics.summary["people"] if p["person"] == person)
    rows = [r for r in metrics.minutes.to_pylist() if r["person"] == person]
    true_minutes = {r["minute"]: r["eye_contact_pct"] for r in truth["per_minute"] if r["person"] == entry["person"]}
    whole = 100 * float(true[kept].mean())
    figures = summary["cues"]["eye_contact"]["figures"] or {}
    facing = None
    if eyes.method != GAZE:
        facing = (whole, _mean([r["facing_pct"] for r in rows if r.get("facing_pct") is not None]))
    return Score(
        session=name,
        person=entry["person"],
        state=eyes.state,
        method=eyes.method,
        reason=eyes.reason,
        flags=_limits(eyes, rows),
        right=right_target(eyes.states, looked, known, step),
        counts=_counts(measured[known], true[known]),
        tolerant=_counts(measured[known], _forgiving(time, measured, true)[known]),
        coverage=float(known.sum() / max(1, kept.sum())),
        minutes=[(true_minutes[r["minute"]], r["eye_contact_pct"]) for r in rows if r["minute"] in true_minutes],
        session_true=whole,
        session_shown=figures.get("eye_contact_pct"),
        separation=_separation(entry),
        iris_px=float(summary["iris_distance_px"] or 0.0),
        facing=facing,
        condition=truth["conditions"][entry["person"]] if "conditions" in truth else {},
    )


def _limits(eyes: EyeContact, rows: list[dict[str, Any]]) -> tuple[str, ...]:
    """Flags of eye contact that say that its figure is limited; of the minutes' own, what half of them have."""
    by_minute = [set((r["flags"] or "").split(";")) for r in rows]
    often = {code for code in ("LOW_COV", "LOW_CONFIDENCE") if 2 * sum(code in f for f in by_minute) >= len(by_minute)}
    return tuple(sorted((set(eyes.flags) - LIMITS_NOTHING) | often))


def _forgiving(time: np.ndarray, measured: np.ndarray, true: np.ndarray) -> np.ndarray:
    """The truth, changed to what was measured wherever the truth has that value within TOLERANCE_S."""
    reach = round(TOLERANCE_S / float(np.median(np.diff(time))))
    near = np.zeros(len(true), bool)
    for shift in range(-reach, reach + 1):
        moved = np.roll(true, shift)
        edge = slice(0, shift) if shift > 0 else slice(len(true) + shift, len(true))
        if shift:
            moved[edge] = true[edge]
        near |= moved == measured
    return np.where(near, measured, true)


def _counts(measured: np.ndarray, true: np.ndarray) -> Counts:
    return Counts(
        int((measured & true).sum()),
        int((measured & ~true).sum()),
        int((~measured & true).sum()),
        int((~measured & ~true).sum()),
    )


def _separation(entry: dict[str, Any]) -> float:
    places = {name: np.array([t["h"], t["v"]]) for name, t in entry["targets"].items()}
    others = [np.hypot(*(place - places[PARTNER])) for name, place in places.items() if name != PARTNER]
    return float(min(others))


def _mean(values: list[float]) -> float | None:
    return float(np.mean(values)) if values else None


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole else float("nan")
