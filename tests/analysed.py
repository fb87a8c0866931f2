"""Recordings analysed once for a whole run of tests, through the same pipeline as the command line."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cues.analysis import analyze
from cues.corrections import Corrections
from cues.jobs.processes import local_pool
from cues.metrics.session import SessionMetrics, measure_session
from cues.observations import Observations
from cues.parameters import Parameters


@dataclass(frozen=True)
class Analysed:
    """A recording's observations and its session metrics."""

    observations: Observations
    metrics: SessionMetrics


@pytest.fixture(scope="session")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Analysed]:
    """Analyses a recording with the default parameters (`rate`: samples a second), each in a way once."""
    usual = Parameters()
    done: dict[tuple[Path, str, float], Analysed] = {}

    def run(path: Path, setup: str = "auto", rate: float = usual.sampling.rate_hz) -> Analysed:
        if (path, setup, rate) not in done:
            # Short clips need fewer pictures searched for people; everything else is as a person would run it.
            short = replace(usual, layout=replace(usual.layout, searches_max=8))
            short = replace(short, sampling=replace(short.sampling, rate_hz=rate))
            with local_pool(2) as pool:
                observations = analyze((path,), tmp_path_factory.mktemp("analysed"), pool, short, setup)
            done[path, setup, rate] = Analysed(observations, measure_session(observations, Corrections(), short))
        return done[path, setup, rate]

    return run
