"""The plot of the rate-and-size part."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np


def draw_plot(reads: Sequence[tuple[Any, dict[str, np.ndarray], float]], folder: Path) -> dict[str, str]:
    """Writes rate_and_size.png: minute errors [points] and computing time of every reading; returns its caption."""
    figure, axes = plt.subplots(figsize=(6.5, 4.2), dpi=100, layout="constrained")
    places = np.arange(len(reads))
    for k, (name, colour) in enumerate((("eye contact", "#2a6fa8"), ("forward lean", "#c46a1b"))):
        heights = [errors[name].mean() if len(errors[name]) else 0.0 for _, errors, _ in reads]
        axes.bar(places + 0.36 * (k - 0.5), heights, 0.36, color=colour, label=f"{name}: mean error")
    axes.set_xticks(places, [f"{r.rate}/s\n{r.height}p" for r, _, _ in reads])
    axes.set_xlabel("analysed pictures a second, lines of the picture")
    axes.set_ylabel("mean absolute error of a minute [points]")
    beside = axes.twinx()
    cost = [100 * cpu_s / reads[0][2] for _, _, cpu_s in reads]
    beside.plot(places, cost, "o--", color="0.35", label="computing time")
    beside.set_ylim(0, 110)
    beside.set_ylabel("computing time [% of the first]")
    lines = [*axes.get_legend_handles_labels()[0], *beside.get_legend_handles_labels()[0]]
    axes.set_ylim(0, 1.35 * axes.get_ylim()[1])
    axes.legend(lines, [str(line.get_label()) for line in lines], loc="upper right", frameon=False)
    figure.savefig(folder / "rate_and_size.png")
    plt.close(figure)
    return {"rate_and_size.png": "Errors of the minutes and computing time by analysed pictures a second and by size."}
