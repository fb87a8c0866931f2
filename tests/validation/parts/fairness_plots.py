"""Plots of the fairness part: coverage and gaze error by group, and coverage as the light goes."""

from pathlib import Path

from matplotlib.figure import Figure

from tests.validation.plots import save

COLORS = ("#1f4e79", "#b0642d", "#4d7a4d")
TONE_STYLES = (("#d9a384", "o"), ("#b0713f", "s"), ("#7a4a2a", "^"), ("#3a2417", "D"))


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
    panels[0].set_xlim(0, 103)
    panels[0].set_ylim(row - 0.4, -1.3)
    for axes in panels:
        axes.tick_params(axis="y", length=0)
    save(figure, path)


def draw_dark(curves: dict[str, list[tuple[float, float, float, float]]], path: Path) -> None:
    """tone -> (share of the light, coverage [%], low, high), from the most light to the least."""
    figure = Figure(figsize=(6.5, 4.2), dpi=100, layout="constrained")
    axes = figure.subplots()
    for number, (tone, points) in enumerate(curves.items()):
        share, value, low, high = (list(column) for column in zip(*points, strict=True))
        places = [100 * s * (1 + 0.02 * (number - 1.5)) for s in share]  # beside each other, so that all are seen
        errors = [[v - x for v, x in zip(value, low, strict=True)], [x - v for v, x in zip(value, high, strict=True)]]
        color, marker = TONE_STYLES[number]
        axes.errorbar(places, value, errors, color=color, marker=marker, linewidth=1.8, elinewidth=1, label=tone)
    axes.set_xscale("log")
    axes.invert_xaxis()
    ticks = [100 * point[0] for point in next(iter(curves.values()))]
    axes.set_xticks(ticks, [f"{tick:.3g}" for tick in ticks])
    axes.minorticks_off()
    axes.set(
        xlabel="light (% of a well-lit room; the camera's noise stays)", ylabel="pictures good enough for gaze (%)"
    )
    axes.set(ylim=(-2, 104))
    axes.legend(frameon=False, loc="lower left", title="skin tone")
    save(figure, path)
