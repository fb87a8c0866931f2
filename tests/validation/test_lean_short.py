"""The lean part: its plans and scores keep what they say, and a short rendered session comes out right."""

from pathlib import Path

import numpy as np
import pytest

from cues.metrics.episodes import Episode
from tests.validation.generator.person import Camera
from tests.validation.generator.truth import LEAN_EVENT_CM
from tests.validation.parts import lean
from tests.validation.parts.lean_cameras import moved_picture, windows
from tests.validation.parts.lean_figures import icc
from tests.validation.parts.lean_scores import _pairs
from tests.validation.parts.lean_sessions import CALLS, lean_course, looks, states_of, times_of
from tests.validation.scope import Scope

SCOPE = Scope.of_this_machine(short=True)


def test_the_plans_cover_what_the_issue_asks_for():
    sittings = [s for call in CALLS for s in call.sittings]
    sizes = [cm for s in sittings for cm in s.leans]
    assert min(s.distance for s in sittings) == 45 and max(s.distance for s in sittings) == 150
    assert min(np.abs(sizes)) == LEAN_EVENT_CM and max(sizes) == 20 and min(sizes) < 0
    assert {s.camera for s in sittings} >= {"bump", "slow_zoom", "zoom_and_back", "framing_steps", "framing_follows"}
    assert len({s.seed for s in sittings}) == len(sittings)


def test_leans_are_all_there_in_time_and_apart():
    for seed in range(5):
        found = lean_course(np.random.default_rng(seed), (5.0, -9.0, 12.0, 20.0, 8.0), 165.0)
        assert sorted(x.cm for x in found) == [-9, 5, 8, 12, 20]
        assert found[-1].end < 165 and all(b.start - a.end > 5 for a, b in zip(found, found[1:], strict=False))


def test_looks_fill_the_session():
    found = looks(np.random.default_rng(1), 100.0)
    assert found[0].start == 0 and found[-1].end == 100
    assert all(a.end == b.start for a, b in zip(found, found[1:], strict=False))


def test_a_still_window_shows_the_middle_of_the_picture_unchanged():
    picture = np.random.default_rng(1).integers(0, 255, (480, 640, 3)).astype(np.uint8)
    (window,) = windows("still", np.zeros(1), [], Camera(640, 480, 480.0), 480)
    assert np.array_equal(moved_picture(picture, window, (480, 360)), picture[60:420, 80:560])


def test_icc_of_equal_minutes_is_one_and_a_constant_offset_lowers_it():
    true = np.array([0.0, 20.0, 50.0, 80.0])
    assert icc(list(zip(true, true, strict=True))) == pytest.approx(1.0)
    assert icc(list(zip(true, true + 30, strict=True))) < 0.8


def test_icc_is_that_of_its_authors():
    """Shrout & Fleiss (1979), tables 2 and 4: six targets, four raters, ICC(2,1) = .29."""
    rated = [(9, 2, 5, 8), (6, 1, 3, 2), (8, 4, 6, 8), (7, 1, 2, 6), (10, 5, 6, 9), (6, 2, 4, 7)]
    assert icc(rated) == pytest.approx(0.29, abs=0.005)


def test_an_event_is_matched_once_and_only_with_half_of_it_in_common():
    found = [Episode(0.0, 10.0, "forward"), Episode(11.0, 13.0, "forward")]
    assert _pairs(found, [(1.0, 10.0), (12.5, 20.0)]) == [(found[0], (1.0, 10.0))]


@pytest.mark.skipif(bool(lean.why_not(SCOPE)), reason=lean.why_not(SCOPE))
def test_heads_turn_aside_and_down_to_notes_beyond_what_eyes_alone_do():
    assert times_of(CALLS[0].seconds).shape == (len(states_of(CALLS[0], 0)),)
    head = np.array([state.head for state in states_of(CALLS[0], 0)])
    assert np.ptp(head[:, 0]) > 25 and head[:, 1].min() < -18


@pytest.mark.skipif(bool(lean.why_not(SCOPE)), reason=lean.why_not(SCOPE))
def test_two_rendered_leans_are_found_and_measured():
    change, events = lean.run(SCOPE).figures
    assert change.value <= 1.5
    assert events.value == 1.0


def test_without_the_face_model_the_part_says_what_is_missing():
    result = lean.run(Scope(short=True, data=None, cache=Path("nowhere")))
    assert result.figures == [] and "face model" in result.skipped[0]
