"""The lean part's figures and plots from the scores of its sittings.

Intervals: 95 %, bootstrap over person-sessions.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

from tests.validation.bootstrap import interval
from tests.validation.parts.lean_scores import Events, LeanError, Scores
from tests.validation.results import Figure

DRAWS_SEED = 3
Statistic = Callable[[Sequence[Scores]], float]


def of_errors(name: str, keep: Callable[[Scores, LeanError], bool], reduce: Callable = np.mean) -> Statistic:
    """A statistic of one field of the leans that `keep` names."""

    def statistic(scores: Sequence[Scores]) -> float:
        values = [getattr(e, name) for s in scores for e in s.leans if keep(s, e) and np.isfinite(e.error)]
        return float(reduce(values)) if values else float("nan")

    return statistic


def f1(which: str) -> Statistic:
    """F1 of one kind of events; NaN where there are none."""

    def statistic(scores: Sequence[Scores]) -> float:
        events: list[Events] = [getattr(s, which) for s in scores]
        total = sum(e.found + e.true for e in events)
        return 2 * sum(len(e.pairs) for e in events) / total if total else float("nan")

    return statistic


def icc(rated: Sequence[tuple[float, ...]]) -> float:
    """ICC(2,1), absolute agreement of raters (columns) over minutes (rows) (Shrout & Fleiss 1979)."""
    x = np.array(rated, float)
    n, k = x.shape
    rows, columns = x.mean(1), x.mean(0)
    between = k * ((rows - x.mean()) ** 2).sum() / (n - 1)
    raters = n * ((columns - x.mean()) ** 2).sum() / (k - 1)
    rest = ((x - rows[:, None] - columns + x.mean()) ** 2).sum() / ((n - 1) * (k - 1))
    total = between + (k - 1) * rest + k * (raters - rest) / n
    return float((between - rest) / total) if total > 0 else float("nan")


def minutes_of(scores: Sequence[Scores]) -> list[tuple[float, float]]:
    """(true, measured) forward percent of all minutes."""
    return [pair for s in scores for pair in s.minutes]


def _every(*_: object) -> bool:
    return True


def lean_figures(scores: Sequence[Scores]) -> list[Figure]:
    """Figures of the sittings with an unmoved camera."""

    def figure(name: str, statistic: Statistic, unit: str, n: str, **more: object) -> Figure:
        value = statistic(scores)
        return Figure(name, value, unit, *interval(scores, statistic, DRAWS_SEED), n, **more)  # type: ignore[arg-type]

    leans = [e for s in scores for e in s.leans]
    known = [e for e in leans if np.isfinite(e.error)]
    of = f"{len(known)} leans of {len(scores)} person-sessions"
    main = of_errors("error", _every)
    found = [
        figure(
            "percent change of the distance at a lean: mean absolute error",
            main,
            "points",
            of,
            target="at most 1.5 points",
            reached=main(scores) <= 1.5,
            headline="Forward lean: error of the change in distance, while leaning 5-20 cm at 45-150 cm",
            note="sway and drift are part of the truth; neutral is the product's own finding",
        )
    ]
    found += [
        figure(
            "90th percentile over the leans", of_errors("error", _every, lambda v: np.percentile(v, 90)), "points", of
        ),
        figure("without the choice of the neutral posture", of_errors("own_error", _every), "points", of),
    ]
    for low, high in ((0, 60), (60, 90), (90, 200)):
        near = of_errors("error", lambda s, e, low=low, high=high: low < s.sitting.distance <= high)
        some = [e for s in scores for e in s.leans if low < s.sitting.distance <= high and np.isfinite(e.error)]
        said = f"{low}-{high} cm" if low and high < 200 else (f"up to {high} cm" if not low else f"beyond {low} cm")
        found.append(figure(f"at a distance of {said}", near, "points", f"{len(some)} leans"))
    for low, high in ((5, 8), (8, 12), (12, 21)):
        size = of_errors("error", lambda s, e, low=low, high=high: low <= abs(e.cm) < high)
        some = [e for e in known if low <= abs(e.cm) < high]
        found.append(figure(f"leans of {low} to under {high} cm", size, "points", f"{len(some)} leans"))
    back = [e for e in known if e.cm < 0]
    found += [
        figure("leans back", of_errors("error", lambda s, e: e.cm < 0), "points", f"{len(back)} leans"),
        figure(
            "the same change in centimetres: mean absolute error",
            of_errors("cm_error", _every),
            "cm",
            of,
            note="the true focal length is 0.90 to 1.10 of the assumed one",
        ),
        figure(
            "measured share of the leans' plateaus",
            lambda some: 100 * float(np.mean([e.measured_share for s in some for e in s.leans])),
            "%",
            f"{len(leans)} leans of {len(scores)} person-sessions",
        ),
    ]
    return found + _event_figures(scores, figure) + _minute_figures(scores, figure) + _false_figures(scores, figure)


def short_figures(scores: Sequence[Scores]) -> list[Figure]:
    """The two figures that a session of one person with two leans can have."""
    of = f"{sum(len(s.leans) for s in scores)} leans"
    return [
        Figure("percent change at a lean: mean absolute error", of_errors("error", _every)(scores), "points", n=of),
        Figure("leans forward as events: F1", f1("forward")(scores), n=of),
    ]


def _event_figures(scores: Sequence[Scores], figure: Callable[..., Figure]) -> list[Figure]:
    events = [s.forward for s in scores]
    hits, count, true = (sum(x) for x in zip(*((len(e.pairs), e.found, e.true) for e in events), strict=True))
    pairs = [pair for e in events for pair in e.pairs]
    ambiguous = [e for s in scores for e in s.leans if 0 < e.cm < 6]
    value = f1("forward")(scores)
    of = f"{true} leans forward of 6-20 cm, {count} found"
    onset = [e.start - t[0] for e, t in pairs]
    end = [e.end - t[1] for e, t in pairs]
    return [
        figure(
            "leans forward as events (IoU at least .5): F1",
            f1("forward"),
            "",
            of,
            target="at least .90",
            reached=value >= 0.9,
            headline="Forward lean: events found (F1)",
        ),
        Figure("precision", hits / count if count else float("nan"), n=f"{count} found"),
        Figure("recall", hits / true if true else float("nan"), n=f"{true} true"),
        figure(
            "F1 with the leans of 5 cm counted too",
            f1("forward_all"),
            "",
            f"{true + len(ambiguous)} leans",
            note="5 cm is where a lean begins by definition: in the figure above they count neither way",
        ),
        Figure("leans of 5 cm that were found", f"{sum(s.ambiguous_found for s in scores)} of {len(ambiguous)}"),
        figure("leans back as events: F1", f1("back"), "", f"{sum(s.back.true for s in scores)} leans back"),
        Figure(
            "begin of a found lean against the truth: median absolute error",
            float(np.median(np.abs(onset))),
            "s",
            n=f"{hits} leans",
            note=f"median {np.median(onset):+.1f} s",
        ),
        Figure(
            "end of a found lean: median absolute error",
            float(np.median(np.abs(end))),
            "s",
            n=f"{hits} leans",
            note=f"median {np.median(end):+.1f} s",
        ),
    ]


def _minute_figures(scores: Sequence[Scores], figure: Callable[..., Figure]) -> list[Figure]:
    def off(some: Sequence[Scores]) -> np.ndarray:
        pairs = np.array(minutes_of(some))
        return pairs[:, 1] - pairs[:, 0]

    of = f"{len(minutes_of(scores))} minutes, {sum(s.minutes_missing for s in scores)} without a figure"
    agreement = icc(minutes_of(scores))
    return [
        figure(
            "share of a minute leaning forward: mean error",
            lambda s: float(np.abs(off(s)).mean()),
            "points",
            of,
            headline="Forward lean: error of a minute's share",
        ),
        figure("its bias", lambda s: float(off(s).mean()), "points", of),
        figure(
            "ICC(2,1) of the minutes",
            lambda s: icc(minutes_of(s)),
            "",
            of,
            target="at least .85 (METHOD 6.3)",
            reached=agreement >= 0.85,
        ),
    ]


def _false_figures(scores: Sequence[Scores], figure: Callable[..., Figure]) -> list[Figure]:
    def rate(some: Sequence[Scores], name: str) -> float:
        seconds = sum(s.doing[name] for s in some)
        return 60 * sum(name in doing for s in some for _, doing in s.false) / seconds if seconds else float("nan")

    found = []
    for name in scores[0].doing:
        minutes = sum(s.doing[name] for s in scores) / 60
        found.append(
            figure(f"false leans a minute while {name}", lambda s, n=name: rate(s, n), "", f"{minutes:.0f} minutes")
        )
    coverage = 100 * float(np.mean([s.coverage for s in scores]))
    return [*found, Figure("time in which lean was measured", coverage, "%", n=f"{len(scores)} person-sessions")]


def camera_figures(scores: Sequence[Scores]) -> list[Figure]:
    """Figures of the sittings in which the camera moved."""
    reported = sum(len(s.false) for s in scores)
    found = [
        Figure(
            "leans reported for a moved camera",
            float(reported),
            n=f"{len(scores)} sessions with a moved camera",
            target="none",
            reached=reported == 0,
            headline="Forward lean: leans reported because the camera moved",
        )
    ]
    for s in scores:
        flags = ", ".join(s.flags) or "no flag"
        said = f"{len(s.false)} leans reported; measured {100 * s.coverage:.0f} % of the time; {flags}"
        found.append(Figure(f"camera: {s.sitting.camera.replace('_', ' ')}", said, n=f"seed {s.sitting.seed}"))
    leaning = [s for s in scores if s.leans]
    hits, true = sum(len(s.forward.pairs) for s in leaning), sum(s.forward.true for s in leaning)
    return [*found, Figure("true leans beside a bump that were found", f"{hits} of {true}")]


def flags_said(scores: Sequence[Scores]) -> str:
    """Which flags spoke in how many sittings."""
    counted = Counter(flag for s in scores for flag in s.flags)
    return ", ".join(f"{name} {n} of {len(scores)}" for name, n in sorted(counted.items())) or "none"


def draw_plots(scores: Sequence[Scores], folder: Path) -> dict[str, str]:
    """Writes the plots; returns file names and captions."""
    figure, axes = plt.subplots(figsize=(6.5, 4.2), dpi=100, layout="constrained")
    points = [(e.true_pct, e.measured_pct, s.sitting.distance) for s in scores for e in s.leans if np.isfinite(e.error)]
    x, y, distance = np.array(points).T
    ends = [min(x.min(), y.min()) - 2, max(x.max(), y.max()) + 2]
    axes.plot(ends, ends, color="0.6", linewidth=1, zorder=0)
    dots = axes.scatter(x, y, c=distance, cmap="viridis", s=28, edgecolors="white", linewidths=0.4)
    figure.colorbar(dots, label="distance of the head at rest [cm]")
    axes.set_xlabel("true change of distance at the lean's plateau [%]")
    axes.set_ylabel("measured [%]")
    figure.savefig(folder / "lean_change.png")
    plt.close(figure)

    figure, axes = plt.subplots(figsize=(6.5, 4.2), dpi=100, layout="constrained")
    true, measured = np.array(minutes_of(scores)).T
    off, mean = measured - true, (measured + true) / 2
    low, high = off.mean() - 1.96 * off.std(ddof=1), off.mean() + 1.96 * off.std(ddof=1)
    axes.scatter(mean, off, s=24, color="#2a6fa8", edgecolors="white", linewidths=0.4)
    for value, style in ((off.mean(), "-"), (low, "--"), (high, "--")):
        axes.axhline(value, color="0.4", linewidth=1, linestyle=style)
    axes.set_xlabel("mean of measured and true share of the minute [%]")
    axes.set_ylabel("measured minus true [points]")
    figure.savefig(folder / "lean_minutes.png")
    plt.close(figure)
    return {
        "lean_change.png": "Change of distance at every lean's plateau: measured against true; back is negative.",
        "lean_minutes.png": f"Share of each minute leaning forward, measured minus true (Bland-Altman): bias "
        f"{off.mean():+.1f}, 95 % limits {low:+.1f} to {high:+.1f} points.",
    }
