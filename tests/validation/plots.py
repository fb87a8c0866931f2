"""How every plot of the suite is kept: plain, with a light grid, on white."""

from pathlib import Path

from matplotlib.figure import Figure


def save(figure: Figure, path: Path) -> None:
    """Writes the figure; its folder is made where it is missing."""
    for axes in figure.axes:
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(color="0.92")
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, facecolor="white")
