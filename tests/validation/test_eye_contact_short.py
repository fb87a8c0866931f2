"""The short version of the eye contact part: the beginning of one committed call through the whole product, and the
comparison's own rules.

The recording is rendered and encoded as a call is; its truth lies beside it and never reaches the analysis.
"""

import numpy as np
import pytest

from cues.metrics.episodes import NO, UNKNOWN, YES
from tests.validation.generator.behaviour import Gaze
from tests.validation.parts.eye_contact import run
from tests.validation.parts.eye_contact_scores import Counts, right_target, true_blinks
from tests.validation.parts.eye_contact_sessions import CALLS, COMMITTED, RATE, merged, truth_of
from tests.validation.results import Figure
from tests.validation.scope import Scope


@pytest.fixture(scope="module")
def figures() -> dict[str, Figure]:
    return {f.name: f for f in run(Scope(short=True)).figures}


def test_eye_contact_of_a_committed_call_agrees_with_its_truth(figures: dict[str, Figure]) -> None:
    """After a person said where the partner is, so that only the measurement is judged."""
    assert float(figures["confirmed: F1"].value) >= 0.93
    assert float(figures["confirmed: kappa"].value) >= 0.85
    assert float(figures["confirmed: coverage"].value) >= 95
    assert float(figures["confirmed: minutes, mean absolute error"].value) <= 5


def test_the_first_candidate_of_a_committed_call_is_the_partner(figures: dict[str, Figure]) -> None:
    assert figures["first candidate is the partner, whether sure or not"].value == 100


def test_committed_calls_have_their_truth_and_stay_small() -> None:
    for call in CALLS:
        if not call.committed:
            continue
        folder = COMMITTED / call.name
        assert (folder / "session.mp4").stat().st_size <= 6 * 2**20
        truth = truth_of(folder)
        assert truth["video"]["rate"] == RATE and truth["seed"] == call.seed
        for person, condition in zip(truth["people"], call.people, strict=True):
            assert (person["targets"]["partner"]["h"], person["targets"]["partner"]["v"]) == condition.partner
            assert sum(g["end"] - g["start"] for g in person["gaze"]) == pytest.approx(300.0, abs=0.5)


def test_kappa_and_f1_follow_their_definitions() -> None:
    """Counts by hand: agreement .85, of which .5 by chance; 2 x 45 of 2 x 45 + 10 + 5."""
    counts = Counts(both=45, only_measured=10, only_true=5, neither=40)
    assert counts.kappa == pytest.approx(0.7)
    assert counts.f1 == pytest.approx(90 / 105)
    assert counts.precision == pytest.approx(45 / 55) and counts.recall == pytest.approx(0.9)
    assert np.isnan(Counts().kappa) and np.isnan(Counts().f1)


@pytest.mark.parametrize(("contact_at", "right"), [("partner", True), ("notes", False), ("", None)])
def test_a_place_is_right_by_whose_looks_are_called_contact(contact_at: str, right: bool | None) -> None:
    """Notes are looked at five times as long, and a tenth of those looks is called contact by mistake."""
    looked = np.array(["partner"] * 100 + ["notes"] * 500 + ["up"] * 3)
    states = np.where(looked == contact_at, YES, NO)
    if contact_at == "partner":
        states[100:150] = YES
    states[-3:] = YES if contact_at else NO  # too short a look to count
    states[0] = UNKNOWN
    counted = states != UNKNOWN
    assert right_target(states, looked, counted, 0.1) is right


def test_blinks_and_looks_are_read_from_the_truth() -> None:
    time = np.arange(0, 2, 0.1)
    inside = true_blinks(time, {"blinks": [[0.5, 0.75]]})
    np.testing.assert_allclose(time[inside], [0.5, 0.6, 0.7])
    looks = [Gaze(0, 1, "partner"), Gaze(1, 2, "notes 0"), Gaze(2, 3, "notes 1"), Gaze(3, 4, "partner")]
    assert merged(looks, {"notes 0": "notes", "notes 1": "notes"}) == [
        Gaze(0, 1, "partner"),
        Gaze(1, 3, "notes"),
        Gaze(3, 4, "partner"),
    ]
