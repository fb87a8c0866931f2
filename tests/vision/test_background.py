"""Camera bumps and zooms read back from real pictures that were moved by a known amount."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from cues.parameters import Tracking
from cues.vision.background import background_motion, reference_background
from cues.vision.video import read_frames_at

TILE = np.array([0.0, 0.0, 640.0, 360.0])


@pytest.fixture(scope="module")
def scene(clips: Path) -> np.ndarray:
    frame = next(iter(read_frames_at(clips / "hysts_video04_father_child.mp4", [0.0])))
    return cv2.resize(frame.image, (640, 360), interpolation=cv2.INTER_AREA)


def moved(image: np.ndarray, x: float, y: float, scale: float) -> np.ndarray:
    centre = np.array([320.0, 180.0])
    shift = centre + (x, y) - scale * centre
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
    return cv2.warpAffine(image, matrix, (640, 360), borderMode=cv2.BORDER_REFLECT)


@pytest.mark.parametrize(("x", "y", "scale"), [(0, 0, 1.0), (9, -4, 1.0), (-14, 6, 1.0), (0, 0, 1.05), (5, 3, 0.95)])
def test_known_movement_is_measured(scene: np.ndarray, x: float, y: float, scale: float) -> None:
    background = reference_background(scene, 1.0, TILE, np.array([[330.0, 40.0, 110.0, 120.0]]), Tracking())
    found = background_motion(background, moved(scene, x, y, scale), Tracking())
    assert np.allclose(found[:2], (x, y), atol=0.6)
    assert found[2] == pytest.approx(scale, abs=0.004)


@pytest.mark.parametrize(("x", "y", "scale"), [(130, 0, 1.0), (0, 0, 1.25), (20, -10, 0.8), (-70, 20, 1.15)])
def test_movement_beyond_the_reach_of_flow_is_measured(scene: np.ndarray, x: float, y: float, scale: float) -> None:
    background = reference_background(scene, 1.0, TILE, np.array([[330.0, 40.0, 110.0, 120.0]]), Tracking())
    found = background_motion(background, moved(scene, x, y, scale), Tracking())
    assert np.allclose(found[:2], (x, y), atol=1.0)
    assert found[2] == pytest.approx(scale, abs=0.005)


def test_plain_wall_gives_no_figure() -> None:
    wall = np.full((360, 640, 3), 180, np.uint8)
    background = reference_background(wall, 1.0, TILE, np.zeros((0, 4)), Tracking())
    assert np.isnan(background_motion(background, wall, Tracking())).all()


def test_another_picture_gives_no_figure(scene: np.ndarray) -> None:
    background = reference_background(scene, 1.0, TILE, np.zeros((0, 4)), Tracking())
    noise = np.random.default_rng(1).integers(0, 255, scene.shape, dtype=np.uint8)
    assert np.isnan(background_motion(background, noise, Tracking())).all()
