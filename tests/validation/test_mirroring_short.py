"""The mirroring parts in their short versions: bounds so wide that only something broken leaves them."""

import os
from pathlib import Path

import pytest

from tests.validation.parts import mirroring, mirroring_from_pixels
from tests.validation.parts.mirroring_dyads import FILE
from tests.validation.results import Figure, PartResult
from tests.validation.scope import Scope

DATA = os.environ.get("CUES_TEST_DATA")
needs_dyads = pytest.mark.skipif(
    not DATA or not (Path(DATA) / FILE).exists(), reason=f"the dyads need CUES_TEST_DATA ({FILE})"
)


@pytest.fixture(scope="module")
def dyads() -> PartResult:
    return mirroring.run(Scope.of_this_machine(short=True))


def figure(result: PartResult, *words: str) -> Figure:
    """The one figure whose name begins with the first of the words and holds all others."""
    (found,) = [f for f in result.figures if f.name.startswith(words[0]) and all(w in f.name for w in words[1:])]
    return found


@needs_dyads
def test_real_pairs_stand_out_from_pairs_that_never_met(dyads: PartResult) -> None:
    assert figure(dyads, "session AUC", "rolled", "product").value >= 0.85
    assert figure(dyads, "real pairs called", "product").value >= 60


@needs_dyads
def test_pairs_that_never_met_are_hardly_ever_called(dyads: PartResult) -> None:
    assert figure(dyads, "called mirroring: rolled", "product").value <= 20
    assert figure(dyads, "called mirroring: real pairs", "product").value <= 25


@needs_dyads
def test_injected_mirroring_is_called_and_its_lag_found(dyads: PartResult) -> None:
    assert figure(dyads, "power where 0.4", "product").value >= 60
    assert figure(dyads, "the session's lag").value <= 0.1


@needs_dyads
def test_the_usual_practice_is_measured_on_the_same_pairs(dyads: PartResult) -> None:
    name = "session AUC, real pairs against rolled pairs"
    ours, usual = ({f.name: f for f in dyads.figures}[f"{name}, {method}"] for method in ("product", "usual practice"))
    assert ours.n == usual.n and 0.6 <= float(usual.value) <= 1.0


def test_a_delay_between_two_tiles_is_found_from_the_pixels() -> None:
    result = mirroring_from_pixels.run(Scope.of_this_machine(short=True))
    (lag,) = result.figures
    assert "0.8 s" in lag.name and lag.value <= 0.1


def test_without_the_dyads_the_part_says_what_was_not_run(tmp_path: Path) -> None:
    result = mirroring.run(Scope(short=True, data=tmp_path))
    assert not result.figures and str(FILE) in result.skipped[0]
