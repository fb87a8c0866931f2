"""The fairness part in its short version: bounds so wide that only something broken leaves them."""

from pathlib import Path

import pytest

from tests.validation.parts import fairness
from tests.validation.results import PartResult
from tests.validation.scope import Scope


@pytest.fixture(scope="module")
def result() -> PartResult:
    scope = Scope.of_this_machine(short=True)
    if not scope.can_render:
        pytest.skip("the face model needs CUES_TEST_DATA (face_model/)")
    return fairness.run(scope)


def values(result: PartResult, what: str) -> dict[str, float]:
    """Group -> value of the figures of one measure."""
    return {f.name.split(":")[0]: float(f.value) for f in result.figures if f.name.endswith(what)}


def test_light_and_dark_skin_are_found_and_measured_alike(result: PartResult) -> None:
    assert min(values(result, ": found").values()) >= 75
    assert min(values(result, ": good enough for gaze").values()) >= 75
    gaze = values(result, "gaze error after one offset per person")
    assert set(gaze) >= {"skin tone very light", "skin tone dark", "light normal", "light dim"}
    assert max(gaze.values()) <= 10
    assert max(values(result, "distance error after one factor per person").values()) <= 3


def test_smiles_of_both_skin_tones_move_the_blendshapes(result: PartResult) -> None:
    assert min(values(result, "response of the smile blendshapes").values()) >= 0.2


def test_every_group_stands_beside_the_largest_difference(result: PartResult) -> None:
    named = {f.name: f for f in result.figures}
    tones = values(result, ": good enough for gaze")
    largest = named["largest difference between groups by skin tone: pictures good enough for gaze"]
    assert largest.value == pytest.approx(abs(tones["skin tone dark"] - tones["skin tone very light"]))


def test_without_the_face_model_the_part_says_what_was_not_run(tmp_path: Path) -> None:
    result = fairness.run(Scope(short=True, data=tmp_path))
    assert not result.figures and "face_model" in result.skipped[0]
