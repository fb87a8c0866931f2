"""Trunk or neck, hips, and leans in a shared room, on made bodies."""

import numpy as np
import pytest

from cues.metrics.episodes import Episode
from cues.metrics.forward_lean import Lean, measure_lean
from cues.parameters import Parameters
from tests.metrics.made_lean import (
    MINUTES_25,
    assemble,
    backward,
    event_scores,
    forward,
    head_rows,
    lean_course,
    scene_rows,
    sway,
)

PARAMETERS = Parameters()


def _with_shoulders(comes_along: float, turn_deg: float = 0.0) -> Lean:
    """A lean of 12 cm in which the shoulders come `comes_along` times as far as the head."""
    n = 3000
    time = MINUTES_25[:n]
    rng = np.random.default_rng(4)
    lean = [Episode(100.0, 110.0, "forward", 12.0), Episode(200.0, 210.0, "forward", 12.0)]
    course = lean_course(time, lean)
    rows = head_rows(time, 0, np.zeros(n), 60 + sway(rng, n, 0.3) - course, np.ones(n, bool))
    looks = np.arange(n) % 10 == 0
    turn = np.radians(np.where(course > 1, turn_deg, 0.0))
    half = 20 * 450 / (60 - comes_along * course) * np.cos(turn)
    for side, sign in (("left", 1), ("right", -1)):
        for name, value in {
            "x": 320 + sign * half,
            "y": np.full(n, 340.0),
            "visibility": np.full(n, 0.95),
            "world_x": sign * 0.2 * np.cos(turn),
            "world_y": np.full(n, -0.5),
            "world_z": sign * 0.2 * np.sin(turn),
        }.items():
            rows[f"shoulder_{side}_{name}"][looks] = value[looks]
    return measure_lean(assemble([rows], [scene_rows(time, 0)], "single"), 0, None, PARAMETERS)


def test_a_lean_of_the_trunk_is_told_from_a_stretched_neck() -> None:
    trunk = _with_shoulders(0.65)
    assert [e.kind for e in trunk.episodes] == ["forward", "forward"]
    assert trunk.trunk.ratio == pytest.approx([0.65, 0.65], abs=0.1)
    assert [e.kind for e in _with_shoulders(0.0).episodes] == ["head_forward", "head_forward"]


def test_turned_shoulders_do_not_judge_a_lean() -> None:
    result = _with_shoulders(0.0, turn_deg=30.0)
    assert [e.kind for e in result.episodes] == ["forward", "forward"]
    assert np.isnan(result.trunk.ratio).all()


def _room(partner: int | None, toward_cm: float) -> Lean:
    """Two people side by side 120 cm apart, 200 cm from the camera; person 0 leans towards person 1."""
    n = 6000
    time = MINUTES_25[:n]
    rng = np.random.default_rng(4)
    course = lean_course(time, [Episode(100.0, 120.0, "forward", toward_cm)])
    own = head_rows(time, 0, -60 + course + sway(rng, n, 0.5), 200 + sway(rng, n, 2), np.ones(n, bool), 10.0)
    other = head_rows(time, 1, 60 + sway(rng, n, 0.5), 200 + sway(rng, n, 2), np.ones(n, bool), -10.0)
    scenes = [scene_rows(time, k) for k in range(2)]
    return measure_lean(assemble([own, other], scenes, "shared_room"), 0, partner, PARAMETERS)


def test_in_a_shared_room_a_lean_is_one_towards_the_partner() -> None:
    result = _room(1, 12.0)
    assert event_scores(forward(result), [Episode(100.0, 120.0, "forward")]) == (1, 0, 0)
    assert not backward(result) and "ROOM_LEAN" in result.flags and result.quality == 1
    away = _room(1, -12.0)
    assert backward(away) and not forward(away)


def test_in_a_shared_room_without_the_partner_nothing_is_measured() -> None:
    result = _room(None, 12.0)
    assert result.quality == 0 and "partner" in result.reason


def test_hips_give_the_inclination_of_the_trunk_towards_the_partner() -> None:
    n = 6000
    time = MINUTES_25[:n]
    rng = np.random.default_rng(4)
    course = lean_course(time, [Episode(100.0, 120.0, "forward", 1.0)])
    rows = head_rows(time, 0, np.full(n, -60.0), np.full(n, 200.0), np.ones(n, bool), 10.0)
    other = head_rows(time, 1, np.full(n, 60.0), np.full(n, 200.0), np.ones(n, bool), -10.0)
    looks = np.arange(n) % 10 == 0
    angle = np.radians(5 + 12 * course + rng.normal(0, 1, n))
    for side in ("left", "right"):
        for point, x, y in (
            ("shoulder", 100 + 150 * np.sin(angle), 300 - 150 * np.cos(angle)),
            ("hip", 100, 300),
        ):
            rows[f"{point}_{side}_x"][looks] = np.broadcast_to(x, n)[looks]
            rows[f"{point}_{side}_y"][looks] = np.broadcast_to(y, n)[looks]
            rows[f"{point}_{side}_visibility"][looks] = 0.9
    scenes = [scene_rows(time, k) for k in range(2)]
    result = measure_lean(assemble([rows, other], scenes, "shared_room"), 0, 1, PARAMETERS)
    assert event_scores(result.trunk.episodes, [Episode(100.0, 120.0, "trunk_forward")]) == (1, 0, 0)
    inside = (result.time > 104) & (result.time < 116)
    assert np.nanmedian(result.trunk.angle_deg[inside]) == pytest.approx(12, abs=1)
