"""Mirroring on ten real video-call dyads: do real pairs stand out from pairs that never met, and how often does the
product say so of those? Beside it, in the same run, the usual practice of the field.

Real pairs are compared with pairs of people from different dyads: *rolled*, one of them turned round in time so that
nothing of the task is shared either, and *as they were*, which keeps the shared phases of the task. See
`mirroring_dyads.py` for how pairs are made and `usual_practice.py` for the other method.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tests.validation.parts.mirroring_dyads import (
    DURATION_S,
    FILE,
    RECORDING_S,
    Pair,
    Person,
    measure_all,
    people_of,
)
from tests.validation.parts.mirroring_figures import (
    AT,
    P_VALUES,
    SCORES,
    Groups,
    Resamples,
    called_pct,
    discrimination,
    false_positives,
    lags,
    power,
    with_verdict,
)
from tests.validation.parts.mirroring_plots import draw_power, draw_roc
from tests.validation.results import RESULTS, PartResult
from tests.validation.scope import Scope

SEED = 31
SHARES = (0.1, 0.2, 0.4)
LAGS_S = (0.0, 0.4, 0.8, 1.5)


@dataclass(frozen=True)
class Amount:
    """How many rolls per mismatched pair, pairs as they were, pairs per injected share and per lag, resamples."""

    rolls: int
    unrolled: int
    injected: int
    shifts: int
    resamples: int


FULL, SHORT = Amount(3, 180, 180, 14, 2000), Amount(1, 10, 16, 1, 200)
SHORT_ROLLED = 40


def run(scope: Scope) -> PartResult:
    """The part's figures; not run where the dyads are absent."""
    title = "Mirroring on real dyads"
    file = scope.data / FILE if scope.data else None
    if file is None or not file.exists():
        missing = f"everything: {FILE} needs CUES_TEST_DATA"
        return PartResult("mirroring", title, "Not run.", [], skipped=[missing])
    amount = SHORT if scope.short else FULL
    people = people_of(file)
    dyads = sorted({dyad for dyad, _ in people})
    asked = _pairs(people, amount, scope.short)
    pairs = [pair for group in asked.values() for pair in group]
    outcomes = iter(measure_all(file, pairs, 1 if scope.short else scope.workers))
    groups = {name: [next(outcomes) for _ in group] for name, group in asked.items()}
    resamples = Resamples.of(dyads, amount.resamples, SEED)
    measures = (discrimination, false_positives, power, lags)
    figures = [figure for measure in measures for figure in measure(groups, resamples)]
    plots = {} if scope.short else _plots(groups, resamples)
    without = sum(len(group) - len(with_verdict(group)) for group in groups.values())
    about = (
        "Ten dyads of a card task over video (Diao et al., ICMI 2024; OpenFace AU12 of both people, nine minutes "
        "each). Their own pairs against people of different dyads. A pair is called mirroring where the product's "
        f"session test has p < {AT:g}. Usual practice: Fisher's z of windowed cross-lagged correlation, absolute, "
        "60-s windows, 30-s steps, lags up to 5 s, averaged (rMEA's definition), put against the same circular shifts "
        f"as the product's test. Pairs without the product's verdict (too little expression): {without}."
    )
    return PartResult(
        "mirroring",
        title,
        about,
        figures,
        chosen_on="data of this source: METHOD's parameters were chosen on these dyads and ten more of the same study, "
        "so these are development figures, not a held-out test",
        reported_on=f"the same source: dyads {', '.join(map(str, dyads))}; rolls and injections from seed {SEED}",
        plots=plots,
    )


def _pairs(people: list[Person], amount: Amount, short: bool) -> dict[str, list[Pair]]:
    """All pairs to be measured, by group."""
    rng = np.random.default_rng(SEED)
    dyads = sorted({dyad for dyad, _ in people})
    strangers = [(a, b) for a, b in combinations(people, 2) if a[0] != b[0]]
    strangers = [strangers[i] for i in rng.permutation(len(strangers))]

    def roll() -> float:
        # never near a whole recording, which would bring the same phase of the task together again
        return RECORDING_S * int(rng.integers(3)) + float(rng.uniform(30, RECORDING_S - 30))

    rolled = [Pair(a, b, roll()) for _ in range(amount.rolls) for a, b in strangers]
    rolled = rolled[:SHORT_ROLLED] if short else rolled
    apart = np.linspace(9, 12, amount.shifts // 2 or 1)
    groups = {
        "real": [Pair((d, "a"), (d, "b")) for d in dyads],
        "rolled": rolled,
        "as they were": [Pair(a, b) for a, b in strangers[: amount.unrolled]],
        "out of step": [
            Pair((d, "a"), (d, "b"), float(s) % DURATION_S) for d in dyads for s in np.concatenate([apart, -apart])
        ],
    }
    shares = (0.4,) if short else SHARES
    for share in shares:
        groups[f"injected {share:g}"] = [
            Pair(p.first, p.second, p.roll_s, share, seed=SEED + k) for k, p in enumerate(rolled[: amount.injected])
        ]
    for lag in LAGS_S[2:3] if short else LAGS_S:
        groups[f"lag {lag:g}"] = [
            Pair(p.first, p.second, p.roll_s, 0.4, lag, SEED + k) for k, p in enumerate(rolled[: amount.injected // 2])
        ]
    return groups


def _plots(groups: Groups, resamples: Resamples) -> dict[str, str]:
    curves = {}
    for method, score in SCORES.items():
        real, others = (np.array([score(o) for o in with_verdict(groups[group])]) for group in ("real", "rolled"))
        curves[method] = (real, others)
    draw_roc(curves, RESULTS / "mirroring_roc.png")
    taken = [groups["rolled"], *(groups[f"injected {share:g}"] for share in SHARES)]
    powers = {
        method: [called_pct(group, p_value, resamples) for group in taken] for method, p_value in P_VALUES.items()
    }
    draw_power((0.0, *SHARES), powers, 100 * AT, RESULTS / "mirroring_power.png")
    return {
        "mirroring_roc.png": "Real pairs against rolled pairs of different dyads: the sessions' scores as a classifier "
        "(ten real pairs, so the curve has ten steps).",
        "mirroring_power.png": "How many rolled pairs are called mirroring when a share of one person's smiles is "
        "copied into the other's record; bars are 95 % intervals.",
    }
