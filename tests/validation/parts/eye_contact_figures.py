"""The eye contact part's figures and plots from the scores of its person-sessions.

Intervals are 95 %: bootstrap over person-sessions, for shares of person-sessions the exact one of Clopper and Pearson.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import binomtest

from tests.validation.bootstrap import interval
from tests.validation.parts.eye_contact_scores import Score
from tests.validation.results import Figure

DRAWS_SEED = 2
TOO_WRONG = 20.0
UNIT = "person-sessions"
STATES = ("confident", "confirm", "not_separable", "not_measurable")

Statistic = Callable[[Sequence[Score]], float]


def mean_of(read: Callable[[Score], float]) -> Statistic:
    """Mean over person-sessions, those without a value left out; NaN where none has one."""

    def statistic(scores: Sequence[Score]) -> float:
        values = np.array([read(s) for s in scores])
        return float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else float("nan")

    return statistic


def of_minutes(reduce: Callable[[np.ndarray], float]) -> Statistic:
    """A statistic of the errors of all shown minutes [points]; NaN where none is shown."""

    def statistic(scores: Sequence[Score]) -> float:
        errors = np.array([e for s in scores for e in s.minute_errors])
        return float(reduce(errors)) if len(errors) else float("nan")

    return statistic


def agreement_figures(scores: Sequence[Score], whose: str, asked: bool = False) -> list[Figure]:
    """Agreement by sample and by minute of person-sessions that give figures; `asked`: with targets and headlines."""
    if not scores:
        return [Figure(f"{whose}: agreement", "none of them", n=f"0 {UNIT}")]
    n = f"{len(scores)} {UNIT}"
    minutes = f"{sum(len(s.minute_errors) for s in scores)} minutes of {n}"

    def figure(name: str, statistic: Statistic, unit: str = "", n: str = n, least: float | None = None) -> Figure:
        value = statistic(scores)
        target = "" if least is None else f"at least {least:.2f}"
        headline = "" if least is None else f"Eye contact in a recorded call, sample by sample: {name}"
        reached = None if least is None else bool(value >= least)
        return Figure(
            f"{whose}: {name}", value, unit, *interval(scores, statistic, DRAWS_SEED), n, target, reached, "", headline
        )

    wanted = (0.90, 0.80) if asked else (None, None)
    figures = [
        figure("F1", mean_of(lambda s: s.counts.f1), least=wanted[0]),
        figure("kappa", mean_of(lambda s: s.counts.kappa), least=wanted[1]),
        figure("precision", mean_of(lambda s: s.counts.precision)),
        figure("recall", mean_of(lambda s: s.counts.recall)),
        figure("F1, 0.2 s tolerated", mean_of(lambda s: s.tolerant.f1)),
        figure("kappa, 0.2 s tolerated", mean_of(lambda s: s.tolerant.kappa)),
        figure("coverage", mean_of(lambda s: 100 * s.coverage), "%"),
        figure("minutes, mean absolute error", of_minutes(lambda e: np.abs(e).mean()), "points", minutes),
        figure("minutes, 90th percentile", of_minutes(lambda e: np.percentile(np.abs(e), 90)), "points", minutes),
        figure("minutes, largest error", of_minutes(lambda e: np.abs(e).max()), "points", minutes),
        figure("minutes, bias", of_minutes(lambda e: e.mean()), "points", minutes),
    ]
    if asked:
        figures[7] = _with_headline(figures[7], "Eye contact per minute: mean error of the percentage")
    return figures


def target_figures(scores: Sequence[Score]) -> list[Figure]:
    """How often the place taken for the partner was the partner, and whether the product asks where it was not."""
    confident = [s for s in scores if s.confident]
    chosen = [s for s in scores if s.right is not None]
    wrong = [s for s in chosen if not s.right]
    spoken = [s for s in wrong if not s.confident]
    right = [s for s in chosen if s.right]
    asked = [s for s in right if not s.confident]
    return [
        _share(
            "right target, where the product is sure",
            [s for s in confident if s.right],
            confident,
            least=95.0,
            headline="Eye contact: the place taken for the partner is the partner, where the product does not ask",
        ),
        _share("first candidate is the partner, whether sure or not", right, chosen),
        _share("first candidate wrong, and the product asks or gives no figure", spoken, wrong, note=_names(wrong)),
        _share("first candidate right, and the product asks nevertheless", asked, right, note=_names(asked)),
    ]


def unflagged_figure(scores: Sequence[Score], whose: str, headline: str = "") -> Figure:
    """How many person-sessions are reported with more than TOO_WRONG points of error and no flag that says so."""
    reported = [s for s in scores if s.reported_error is not None]
    bad = [s for s in reported if abs(s.reported_error or 0.0) > TOO_WRONG and not s.flags]
    value = float(len(bad))
    note = ", ".join(f"{s.session} person {s.person}: {s.reported_error:+.0f}" for s in bad)
    name = f"{whose}: reported with more than {TOO_WRONG:.0f} points of error and no flag"
    n = f"{len(reported)} reported of {len(scores)} {UNIT}"
    return Figure(name, value, UNIT, n=n, target="none", reached=not bad, note=note, headline=headline)


def state_figures(scores: Sequence[Score]) -> list[Figure]:
    """How many person-sessions are in which state, by what was looked at most and by the partner's place."""
    groups: dict[str, list[Score]] = {"all": list(scores)}
    for s in scores:
        v = s.condition["partner"][1]
        groups.setdefault(f"looked at most: {_dominant(s)}", []).append(s)
        groups.setdefault(f"partner {-v:.0f} degrees below the lens", []).append(s)
    order = sorted(groups, key=lambda name: (name != "all", name.split()[0], len(name), name))
    return [
        Figure(f"states, {name}", _states(groups[name]), n=f"{len(groups[name])} {UNIT}", note=_right(groups[name]))
        for name in order
    ]


def room_figures(rooms: dict[str, list[Score] | str]) -> list[Figure]:
    """What is said of every room: method, state, and how far a shown share of facing is from the share of looking."""
    figures = []
    for name, scores in rooms.items():
        if isinstance(scores, str):
            figures.append(Figure(f"{name}", "refused", note=scores, n="2 people"))
            continue
        said = "; ".join(_room_said(s) for s in scores) or "nobody measured"
        figures.append(Figure(f"{name}", said, n=f"{len(scores)} people"))
    return figures


def encoding_figures(encoded: Sequence[Score], lossless: Sequence[Score]) -> list[Figure]:
    """Sessions nearly without loss beside the same ones encoded as a call is; nothing where there are none."""
    names = {s.session for s in lossless}
    figures = []
    for whose, scores in (
        ("near-lossless", lossless),
        ("the same encoded", [s for s in encoded if s.session in names]),
    ):
        if scores:
            figures += [Figure(f"{whose}: states", _states(scores), n=f"{len(scores)} {UNIT}", note=_right(scores))]
            figures += agreement_figures([s for s in scores if s.confident], f"{whose}, sure")
    return figures


def draw_plots(asked: Sequence[Score], confirmed: Sequence[Score], folder: Path) -> dict[str, str]:
    """Writes both plots; returns their captions by file name."""
    folder.mkdir(exist_ok=True)
    _bland_altman(asked, confirmed, folder / "eye_contact_minutes.png")
    _by_separation(asked, confirmed, folder / "eye_contact_separation.png")
    return {
        "eye_contact_minutes.png": "Shown less true eye contact of every minute, against the mean of both; lines: mean "
        "and 1.96 standard deviations of the sessions that the product is sure of.",
        "eye_contact_separation.png": "Kappa of every person-session against the distance from the partner to the "
        "nearest other place that is looked at.",
    }


def _bland_altman(asked: Sequence[Score], confirmed: Sequence[Score], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(6.5, 4.2), dpi=100)
    sure = {(s.session, s.person) for s in asked if s.confident}
    groups = (
        ("where the product is sure", [s for s in asked if s.confident], "#1b5e8a"),
        (
            "after a person said where the partner is",
            [s for s in confirmed if (s.session, s.person) not in sure],
            "none",
        ),
    )
    for number, (label, scores, inside) in enumerate(groups):
        pairs = np.array([(t, v) for s in scores for t, v in s.minutes if v is not None]).reshape(-1, 2)
        edge = ("#1b5e8a", "#c0662b")[number]
        x, y = pairs.mean(1), pairs[:, 1] - pairs[:, 0]
        axes.scatter(x, y, s=16, facecolors=inside, edgecolors=edge, label=f"{label} ({len(pairs)})")
        if number == 0 and len(pairs) > 1:
            gap = pairs[:, 1] - pairs[:, 0]
            for level, dash in ((0.0, "-"), (1.96, "--"), (-1.96, "--")):
                axes.axhline(gap.mean() + level * gap.std(ddof=1), color="#1b5e8a", linestyle=dash, linewidth=1)
    axes.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    axes.set(xlim=(0, 100), xlabel="mean of shown and true eye contact of a minute [%]", ylabel="shown - true [points]")
    axes.legend(frameon=False, fontsize=9)
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def _by_separation(asked: Sequence[Score], confirmed: Sequence[Score], path: Path) -> None:
    figure, axes = plt.subplots(figsize=(6.5, 4.2), dpi=100)
    sure = {(s.session, s.person) for s in asked if s.confident}
    groups = (
        ("sure, right place", [s for s in asked if s.confident and s.right], "o", "#1b5e8a"),
        ("sure, wrong place", [s for s in asked if s.confident and not s.right], "X", "#b3261e"),
        ("confirmed by a person", [s for s in confirmed if (s.session, s.person) not in sure], "s", "#c0662b"),
    )
    for label, scores, marker, color in groups:
        if scores:
            x, y = [s.separation for s in scores], [s.counts.kappa for s in scores]
            axes.scatter(x, y, marker=marker, color=color, label=f"{label} ({len(scores)})")
    axes.axhline(0.8, color="0.6", linestyle="--", linewidth=1)
    axes.set(xlabel="from the partner to the nearest other place [degrees]", ylabel="kappa, sample by sample")
    axes.set_ylim(top=1.03)
    axes.legend(frameon=False, fontsize=9, loc="lower right")
    figure.tight_layout()
    figure.savefig(path)
    plt.close(figure)


def _share(
    name: str,
    some: Sequence[Score],
    of: Sequence[Score],
    least: float | None = None,
    note: str = "",
    headline: str = "",
) -> Figure:
    target = "" if least is None else f"at least {least:.0f} %"
    if not of:
        return Figure(name, "no such person-session", n=f"0 {UNIT}", target=target)
    value = 100 * len(some) / len(of)
    bounds = binomtest(len(some), len(of)).proportion_ci(0.95)
    reached = None if least is None else value >= least
    n = f"{len(of)} {UNIT}"
    return Figure(name, value, "%", 100 * bounds.low, 100 * bounds.high, n, target, reached, note, headline)


def _with_headline(figure: Figure, headline: str) -> Figure:
    return Figure(**{**figure.__dict__, "headline": headline})


def _names(scores: Sequence[Score]) -> str:
    return ", ".join(f"{s.session} person {s.person} ({s.state.replace('_', ' ')})" for s in scores)


def _states(scores: Sequence[Score]) -> str:
    found = Counter(s.state if s.method == "gaze" else f"{s.state}, head only" for s in scores)
    order = sorted(found, key=lambda state: STATES.index(state.split(",")[0]))
    return ", ".join(f"{found[state]} {state.replace('_', ' ')}" for state in order)


def _right(scores: Sequence[Score]) -> str:
    return f"first candidate right in {sum(s.right is True for s in scores)}"


def _dominant(score: Score) -> str:
    away, share = score.condition["away"], score.condition["share"]
    most = max(away, key=lambda name: away[name])
    if away[most] > 0.5:
        return most
    return "partner" if share >= 0.5 else "nothing in particular"


def _room_said(score: Score) -> str:
    what = "gaze" if score.method == "gaze" else "facing (head only)"
    words = f"{what}, {score.state.replace('_', ' ')}"
    if score.method == "gaze" and score.reported_error is not None:
        return f"{words}, shown with an error of {score.reported_error:+.0f} points"
    if score.facing is not None and score.facing[1] is not None:
        return f"{words}, facing {score.facing[1]:.0f} % while looking {score.facing[0]:.0f} %"
    return f"{words}, no figure"
