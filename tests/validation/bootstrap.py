"""Intervals by drawing the independent units again (people, sessions), never their samples or minutes."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

RESAMPLES = 2000
Unit = TypeVar("Unit")


def interval(
    units: Sequence[Unit], statistic: Callable[[Sequence[Unit]], float], seed: int
) -> tuple[float | None, float | None]:
    """95 % bootstrap interval of a statistic over units; None where there are fewer than three or none has a value."""
    if len(units) < 3:
        return None, None
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(units), (RESAMPLES, len(units)))
    values = np.array([statistic([units[i] for i in row]) for row in drawn])
    values = values[np.isfinite(values)]
    return (float(np.percentile(values, 2.5)), float(np.percentile(values, 97.5))) if len(values) else (None, None)
