"""Plots of the mirroring part: ROC and power."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from tests.validation.parts.mirroring_figures import Estimate
from tests.validation.plots import save

STYLES = {"product": ("#1f4e79", "-"), "usual practice": ("#b0642d", "--")}


def draw_roc(curves: dict[str, tuple[np.ndarray, np.ndarray]], path: Path) -> None:
    """One curve per method from the scores of (real, other) pairs."""
    figure = Figure(figsize=(6.5, 4.2), dpi=100, layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 100], [0, 100], color="0.75", linewidth=1, label="chance")
    for method, (real, others) in curves.items():
        limits = np.r_[np.inf, np.sort(np.concatenate([real, others]))[::-1]]
        false = [100 * (others >= limit).mean() for limit in limits]
        true = [100 * (real >= limit).mean() for limit in limits]
        auc = ((real[:, None] > others) + 0.5 * (real[:, None] == others)).mean()
        color, line = STYLES[method]
        axes.plot(false, true, color=color, linestyle=line, linewidth=2, label=f"{method}: AUC {auc:.2f}")
    axes.set(xlabel="rolled pairs above the threshold (%)", ylabel="real pairs above the threshold (%)")
    axes.set(xlim=(-1, 101), ylim=(-1, 101))
    axes.legend(loc="lower right", frameon=False)
    save(figure, path)


def draw_power(shares: tuple[float, ...], powers: dict[str, list[Estimate]], level: float, path: Path) -> None:
    """Percentage of pairs called, per method, against the share of smiles answered; `level` of the test [%]."""
    figure = Figure(figsize=(6.5, 4.2), dpi=100, layout="constrained")
    axes = figure.subplots()
    axes.axhline(level, color="0.75", linewidth=1, label=f"{level:g} % of unrelated pairs: the level of the test")
    for number, (method, estimates) in enumerate(powers.items()):
        color, line = STYLES[method]
        values = np.array([e.value for e in estimates])
        low, high = np.transpose([np.nanpercentile(e.resampled, [2.5, 97.5]) for e in estimates])
        places = np.array(shares) + 0.004 * (number - 0.5)  # beside each other, so that both bars are seen
        axes.errorbar(
            places,
            values,
            (np.maximum(values - low, 0), np.maximum(high - values, 0)),
            color=color,
            linestyle=line,
            marker="o",
            linewidth=2,
            elinewidth=1,
            capsize=3,
            label=method,
        )
    axes.set(xlabel="share of the first person's smiles that are answered", ylabel="pairs called mirroring (%)")
    axes.set(ylim=(0, 102), xticks=list(shares))
    axes.legend(loc="upper left", frameon=False)
    save(figure, path)
