"""Figures of the mirroring part, from what both methods said of every pair.

Every interval comes from resamples of the dyads: a pair of two dyads counts as often as both were drawn.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from cues.parameters import Parameters
from tests.validation.parts.mirroring_dyads import Outcome
from tests.validation.results import Figure

AT = Parameters().mirroring.stands_out_p
PRODUCT, USUAL = "product", "usual practice"

Score = Callable[[Outcome], float]
Groups = dict[str, list[Outcome]]
SCORES: dict[str, Score] = {PRODUCT: lambda o: o.z, USUAL: lambda o: o.usual.average}
P_VALUES: dict[str, Score] = {PRODUCT: lambda o: o.p, USUAL: lambda o: o.usual.p}


@dataclass(frozen=True)
class Resamples:
    """`counts` (b, dyads): how often each of `dyads` was drawn in each resample."""

    dyads: list[int]
    counts: np.ndarray

    @classmethod
    def of(cls, dyads: list[int], number: int, seed: int) -> "Resamples":
        """`number` resamples of the dyads, with replacement."""
        drawn = np.random.default_rng(seed).integers(0, len(dyads), (number, len(dyads)))
        return cls(dyads, (drawn[:, :, None] == np.arange(len(dyads))).sum(1))

    def weights(self, outcomes: list[Outcome]) -> np.ndarray:
        """(b, pairs): how often each pair is in each resample."""
        first = np.array([self.dyads.index(o.pair.first[0]) for o in outcomes])
        second = np.array([self.dyads.index(o.pair.second[0]) for o in outcomes])
        both = self.counts[:, first] * self.counts[:, second]
        return np.where(first == second, self.counts[:, first], both)


@dataclass(frozen=True)
class Estimate:
    """A value and the same in every resample; NaN where a resample has nothing to estimate it from."""

    value: float
    resampled: np.ndarray

    def figure(self, name: str, unit: str, n: str, note: str = "") -> Figure:
        """As a figure with its 95 % interval."""
        low, high = np.nanpercentile(self.resampled, [2.5, 97.5])
        return Figure(name, self.value, unit, float(low), float(high), n, note=note)


def with_verdict(outcomes: list[Outcome]) -> list[Outcome]:
    """Those on which the product gave a verdict; both methods are compared on these."""
    return [o for o in outcomes if np.isfinite(o.p)]


def auc(real: list[Outcome], others: list[Outcome], score: Score, resamples: Resamples) -> Estimate:
    """Share of (real, other) pairs in which the real one scores higher."""
    real, others = with_verdict(real), with_verdict(others)
    a, b = (np.array([score(o) for o in group]) for group in (real, others))
    wins = (a[:, None] > b) + 0.5 * (a[:, None] == b)
    of_real, of_others = resamples.weights(real), resamples.weights(others)
    total = of_real.sum(1) * of_others.sum(1)
    won = ((of_real @ wins) * of_others).sum(1)
    return Estimate(float(wins.mean()), np.divide(won, total, out=np.full(len(won), np.nan), where=total > 0))


def called_pct(outcomes: list[Outcome], p_value: Score, resamples: Resamples) -> Estimate:
    """Percentage of pairs that are called mirroring."""
    outcomes = with_verdict(outcomes)
    called = np.array([p_value(o) < AT for o in outcomes])
    weights = resamples.weights(outcomes)
    total = weights.sum(1)
    share = np.divide(weights @ called, total, out=np.full(len(total), np.nan), where=total > 0)
    return Estimate(100 * float(called.mean()), 100 * share)


def median_error(outcomes: list[Outcome], errors: list[np.ndarray], resamples: Resamples) -> Estimate:
    """Median of all `errors`, one array per outcome."""
    weights = resamples.weights(outcomes)
    values = np.concatenate(errors)
    owner = np.repeat(np.arange(len(errors)), [len(e) for e in errors])
    again = [float(np.median(np.repeat(values, w[owner]))) if w[owner].any() else np.nan for w in weights]
    return Estimate(float(np.median(values)), np.array(again))


def discrimination(groups: Groups, resamples: Resamples) -> list[Figure]:
    """Are real pairs told from others?"""
    real, n = groups["real"], f"{len(groups['real'])} dyads, {len(with_verdict(groups['rolled']))} rolled pairs"
    rolled = {method: auc(real, groups["rolled"], score, resamples) for method, score in SCORES.items()}
    name = "session AUC, real pairs against rolled pairs"
    ours = rolled[PRODUCT].figure(f"{name}, {PRODUCT}", "", n, "scored by z of the session test")
    usual = rolled[USUAL].figure(f"{name}, {USUAL}", "", n, "scored by the average itself, as dyads are compared")
    gain = Estimate(
        rolled[PRODUCT].value - rolled[USUAL].value, rolled[PRODUCT].resampled - rolled[USUAL].resampled
    ).figure("the same, product minus usual practice", "", n, "same pairs, same resamples")
    shifted = auc(real, groups["rolled"], lambda o: o.usual.z, resamples)
    figures = [
        asked(
            ours, "at least 0.90", ours.value >= 0.90, "Real pairs told from pairs that never met, AUC (development)"
        ),
        asked(usual, "", None, "The same by the field's usual practice (absolute z, lags of 5 s, 60-s windows)"),
        gain,
        shifted.figure(f"{name}, {USUAL} by z", "", n, "scored by z against its own circular shifts"),
    ]
    n = f"{len(real)} dyads, {len(with_verdict(groups['as they were']))} pairs"
    for method, score in SCORES.items():
        phase = auc(real, groups["as they were"], score, resamples)
        figures.append(
            phase.figure(f"session AUC, real pairs against pairs that keep the task's phase, {method}", "", n)
        )
    for method, p_value in P_VALUES.items():
        share = called_pct(real, p_value, resamples)
        figures.append(share.figure(f"real pairs called mirroring, {method}", "%", f"{len(with_verdict(real))} dyads"))
    return figures


def false_positives(groups: Groups, resamples: Resamples) -> list[Figure]:
    """How often are pairs called mirroring that are not?"""
    kinds = {
        "rolled": ("rolled pairs of different dyads", ""),
        "as they were": ("pairs of different dyads that keep the task's phase", ""),
        "out of step": (
            "real pairs 9-12 s out of step",
            "the common ups and downs of a session stay, the timing is gone",
        ),
    }
    figures = []
    for group, (what, note) in kinds.items():
        for method, p_value in P_VALUES.items():
            share = called_pct(groups[group], p_value, resamples)
            n = f"{len(with_verdict(groups[group]))} pairs"
            figure = share.figure(f"called mirroring: {what}, {method}", "%", n, note)
            if (group, method) == ("rolled", PRODUCT):
                headline = "Pairs that never met called mirroring at p < 0.05 (development)"
                figure = asked(figure, "3-7 %", 3 <= share.value <= 7, headline)
            elif (group, method) == ("out of step", PRODUCT):
                figure = asked(figure, "at most 10 %", share.value <= 10)
            figures.append(figure)
    return figures


def power(groups: Groups, resamples: Resamples) -> list[Figure]:
    """How often is injected mirroring called?"""
    figures = []
    for group, outcomes in groups.items():
        if group.startswith("injected"):
            copied = float(np.mean([len(o.injected) for o in outcomes]))
            note = f"{copied:.1f} smiles copied a session, lags log-normal around 0.8 s"
            for method, p_value in P_VALUES.items():
                name = f"power where {group.split()[1]} of one person's smiles are answered, {method}"
                share = called_pct(outcomes, p_value, resamples)
                figures.append(share.figure(name, "%", f"{len(with_verdict(outcomes))} pairs", note))
    return figures


def lags(groups: Groups, resamples: Resamples) -> list[Figure]:
    """Are the lags found that were put in?"""
    free = [o for group, outcomes in groups.items() if group.startswith("injected") for o in outcomes]
    errors = [np.abs(o.found - o.injected)[np.isfinite(o.found)] for o in free]
    injected, paired = sum(len(o.injected) for o in free), sum(len(e) for e in errors)
    note = (
        "the second person's own smiles go on below the copies: they shift beginnings, and where that person smiles "
        "already a copy begins no smile of its own"
    )
    name = "delay of single answered smiles: median absolute error"
    n = f"{paired} paired of {injected} copied smiles"
    figures = [median_error(free, errors, resamples).figure(name, "s", n, note)]
    for group, outcomes in groups.items():
        called = [o for o in outcomes if o.p < AT]
        if group.startswith("lag") and called:
            lag = float(group.split()[1])
            error = median_error(called, [np.array([abs(o.lag_s - lag)]) for o in called], resamples)
            name = f"the session's lag where every copy comes {lag:g} s later: median absolute error"
            n = f"{len(called)} called of {len(with_verdict(outcomes))} pairs"
            figure = error.figure(name, "s", n, "0.4 of one person's smiles are copied; lag of the highest mean curve")
            figures.append(asked(figure, "within 0.1 s", error.value <= 0.1))
    return figures


def asked(figure: Figure, target: str, reached: bool | None, headline: str = "") -> Figure:
    """The figure with what was asked for."""
    return replace(figure, target=target, reached=reached, headline=headline)
