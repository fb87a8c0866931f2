"""The fairness part's plot: coverage and gaze error by group."""

from pathlib import Path

from matplotlib.figure import Figure

COLORS = ("#1f4e79", "#b0642d", "#4d7a4d")


def draw_groups(families: dict[str, dict[str, tuple[tuple[float, float, float], ...]]], path: Path) -> None:
    """family -> group -> ((mean, low, high) of coverage [%], the same of gaze error [deg]), one row a group."""
    figure = Figure(figsize=(6.5, 4.2), dpi=100, layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    labels, row = [], 0.0
    places: list[float] = []
    for color, (family, groups) in zip(COLORS, families.items(), strict=False):
        for group, measures in groups.items():
            for axes, (mean, low, high) in zip(panels, measures, strict=True):
                axes.plot([low, high], [row, row], color=color, linewidth=1.5)
                axes.plot([mean], [row], "o", color=color, markersize=5)
            labels.append(group)
            places.append(row)
            row += 1
        panels[0].annotate(family, (0.02, row - len(groups) - 0.75), xycoords=("axes fraction", "data"), color=color)
        row += 0.9
    panels[0].set(xlabel="pictures good enough for gaze (%)", yticks=places, yticklabels=labels)
    panels[1].set(xlabel="gaze error after one offset (deg)", xlim=(0, None))
    panels[0].set_xlim(right=101)
    panels[0].set_ylim(row - 0.4, -1.3)
    for axes in panels:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="0.92")
        axes.tick_params(axis="y", length=0)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, facecolor="white")
