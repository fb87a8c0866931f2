"""The background tells a moved camera from a moved person."""

import numpy as np
import pytest

from cues.metrics.camera_motion import CameraMotion, follow_camera
from cues.parameters import Parameters
from tests.metrics.made_lean import WIDTH_PX, sway

LEAN = Parameters().lean
TIME = np.arange(0, 900, 1.0)


def follow(
    shift_share: np.ndarray | float = 0.0,
    scale: np.ndarray | float = 1.0,
    face_scale: np.ndarray | None = None,
    seed: int = 1,
    noise: float = 0.001,
) -> CameraMotion:
    rng = np.random.default_rng(seed)
    n = len(TIME)
    own_sway = 1 / (60 + sway(rng, n * 10)[::10])
    return follow_camera(
        TIME,
        WIDTH_PX * (shift_share + rng.normal(0, noise, n)),
        WIDTH_PX * rng.normal(0, noise, n),
        scale * np.exp(rng.normal(0, noise, n)),
        WIDTH_PX,
        own_sway * scale if face_scale is None else face_scale,
        LEAN,
    )


@pytest.mark.parametrize("seed", range(5))
def test_a_still_camera_has_no_moves(seed: int) -> None:
    motion = follow(seed=seed)
    assert motion.followed and not motion.moves and not motion.brief and not motion.auto_framing


@pytest.mark.parametrize("share", [0.02, -0.05])
def test_a_bump_is_one_move_at_its_time(share: float) -> None:
    motion = follow(shift_share=np.where(TIME >= 400, share, 0.0))
    assert len(motion.moves) == 1 and not motion.auto_framing
    assert motion.moves[0].start == pytest.approx(400, abs=2)
    assert motion.moves[0].shift == pytest.approx(abs(share), abs=0.003)


@pytest.mark.parametrize("factor", [0.9, 1.03, 1.2])
def test_a_single_zoom_is_a_move_and_not_auto_framing(factor: float) -> None:
    motion = follow(scale=np.where(TIME >= 400, factor, 1.0))
    assert len(motion.moves) == 1 and not motion.auto_framing
    assert motion.moves[0].log_scale == pytest.approx(np.log(factor), abs=0.005)


def test_a_shift_below_one_percent_is_no_move() -> None:
    assert not follow(shift_share=np.where(TIME >= 400, 0.006, 0.0)).moves


def test_a_knock_after_which_the_camera_is_where_it_was_is_brief() -> None:
    motion = follow(shift_share=np.where((TIME >= 400) & (TIME < 402), 0.05, 0.0))
    assert not motion.moves
    assert all(399 <= start < end <= 404 for start, end in motion.brief)


def test_a_single_mistaken_look_at_the_background_changes_nothing() -> None:
    motion = follow(shift_share=np.where(TIME == 400, 0.3, 0.0))
    assert not motion.moves and not motion.brief


def test_a_fast_pan_is_one_move_from_where_it_leaves_to_where_it_rests() -> None:
    motion = follow(shift_share=np.clip((TIME - 400) * 0.02, 0, 0.3))
    assert len(motion.moves) == 1
    assert motion.moves[0].start == pytest.approx(400, abs=3)
    assert motion.moves[0].end == pytest.approx(415, abs=3)


def test_a_move_that_never_rests_lasts_until_the_end() -> None:
    motion = follow(shift_share=np.clip((TIME - 800) * 0.02, 0, None))
    assert motion.moves[-1].end == TIME[-1] and motion.moves[-1].start < 805


def test_a_slow_zoom_leaves_pieces_within_which_the_scale_changes_by_about_a_percent() -> None:
    scale = np.exp(np.clip((TIME - 300) * 0.001, 0, 0.2))
    motion = follow(scale=scale)
    borders = [300.0] + [move.start for move in motion.moves] + [500.0]
    assert len(motion.moves) >= 12 and not motion.auto_framing
    assert max(np.diff(borders)) < 20  # at a percent in ten seconds


def test_zooming_in_and_out_again_and_again_is_auto_framing() -> None:
    scale = np.where((TIME // 60) % 2 == 1, 1.1, 1.0)
    assert follow(scale=scale).auto_framing


def test_a_background_scale_that_goes_with_the_face_is_auto_framing_even_below_a_percent() -> None:
    zoom = np.exp(0.004 * np.sin(2 * np.pi * TIME / 40))
    face = zoom / 60 * np.exp(np.random.default_rng(3).normal(0, 0.001, len(TIME)))
    assert follow(scale=zoom, face_scale=face, noise=0.0005).auto_framing
    assert not follow(face_scale=face, noise=0.0005).auto_framing


def test_leans_that_draw_the_follower_along_a_little_are_not_auto_framing() -> None:
    lean = 0.15 * ((TIME // 30) % 4 == 1)
    motion = follow(scale=np.exp(0.03 * lean), face_scale=np.exp(lean) / 60)
    assert not motion.auto_framing and not motion.moves


def test_a_background_drawn_along_by_a_large_lean_is_no_move() -> None:
    lean = 0.35 * ((TIME >= 400) & (TIME < 420))
    drawn_along = np.exp(0.06 * lean)
    motion = follow(scale=drawn_along, face_scale=np.exp(lean) / 60)
    assert not motion.moves and not motion.brief
    assert follow(scale=drawn_along, face_scale=np.full(len(TIME), 1 / 60)).moves


def test_without_a_background_nothing_is_followed() -> None:
    nothing = np.full(len(TIME), np.nan)
    motion = follow_camera(TIME, nothing, nothing, nothing, WIDTH_PX, np.ones(len(TIME)), LEAN)
    assert not motion.followed and not motion.moves


def test_a_camera_moved_while_the_background_was_hidden_is_noticed_afterwards() -> None:
    shift = np.where(TIME >= 430, 0.05, 0.0) * WIDTH_PX
    shift[(TIME > 400) & (TIME < 460)] = np.nan
    motion = follow_camera(TIME, shift, np.zeros(len(TIME)), np.ones(len(TIME)), WIDTH_PX, np.ones(len(TIME)), LEAN)
    assert len(motion.moves) == 1 and (motion.moves[0].start, motion.moves[0].end) == (400, 460)


def test_a_good_background_that_is_lost_is_told_and_a_single_missing_look_is_not() -> None:
    shift, still = np.zeros(len(TIME)), np.ones(len(TIME))
    shift[(TIME > 400) & (TIME < 415)] = np.nan
    shift[TIME == 600] = np.nan
    motion = follow_camera(TIME, shift, np.zeros(len(TIME)), still, WIDTH_PX, still, LEAN)
    assert motion.lost == [(400.0, 415.0)] and not motion.moves


def test_a_background_found_again_at_its_old_place_was_hidden_and_elsewhere_it_was_lost() -> None:
    shift, still = np.zeros(len(TIME)), np.ones(len(TIME))
    shift[(TIME > 400) & (TIME < 407)] = np.nan
    assert not follow_camera(TIME, shift, np.zeros(len(TIME)), still, WIDTH_PX, still, LEAN).lost
    shift[TIME >= 407] += 0.05 * WIDTH_PX
    motion = follow_camera(TIME, shift, np.zeros(len(TIME)), still, WIDTH_PX, still, LEAN)
    assert motion.lost == [(400.0, 407.0)] and len(motion.moves) == 1


def test_a_good_background_that_is_lost_most_of_the_time_is_not_taken_for_none() -> None:
    shift, still = np.zeros(len(TIME)), np.ones(len(TIME))
    shift[TIME > 30] = np.nan
    motion = follow_camera(TIME, shift, np.zeros(len(TIME)), still, WIDTH_PX, still, LEAN)
    assert motion.followed and motion.lost == [(30.0, TIME[-1])]


def test_a_background_that_is_followed_only_now_and_then_tells_nothing_by_being_lost() -> None:
    shift, still = np.where(TIME % 4 < 3, 0.0, np.nan), np.ones(len(TIME))
    shift[(TIME > 400) & (TIME < 410)] = np.nan
    assert not follow_camera(TIME, shift, np.zeros(len(TIME)), still, WIDTH_PX, still, LEAN).lost
