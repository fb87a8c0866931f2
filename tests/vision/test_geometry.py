"""Head pose and gaze from exact projections of the canonical face (METHOD 6.4, G1)."""

import numpy as np
import pytest

from cues.observations import EYE_MIDPOINT_CM, HEAD_PIVOT_CM, angles_from_rotation, rotation_from_angles
from cues.vision.gaze import EYEBALL_LEFT_CM, EYEBALL_RIGHT_CM, IRIS_ARM_CM, basis_towards_lens, each_eye
from cues.vision.head_pose import HeadPose, Lens, lens_of_tile, solve_head_pose
from cues.vision.landmarks import IRIS_LEFT, IRIS_RIGHT
from cues.vision.models import canonical_face

LENS = Lens(960.0, 640.0, 360.0)


def project(points: np.ndarray, lens: Lens) -> np.ndarray:
    return points[:, :2] / points[:, 2:] * lens.focal + [lens.centre_x, lens.centre_y]


def made_face(
    pose: HeadPose, h: float, v: float, noise: float, rng: np.random.Generator, lens: Lens = LENS
) -> np.ndarray:
    """Landmarks (478, 2) px of a head that looks (h, v) degrees beside the lens."""
    basis = basis_towards_lens(pose.place(EYE_MIDPOINT_CM))
    azimuth, elevation = np.radians([h, v])
    level = np.cos(elevation)
    gaze = basis.T @ np.array([level * np.sin(azimuth), np.sin(elevation), level * np.cos(azimuth)])
    irises = pose.place(np.stack([EYEBALL_LEFT_CM, EYEBALL_RIGHT_CM])) + IRIS_ARM_CM * gaze / np.linalg.norm(gaze)
    points = np.zeros((478, 2))
    points[:468] = project(pose.place(canonical_face()), lens)
    points[[IRIS_LEFT, IRIS_RIGHT]] = project(irises, lens)
    return points + rng.normal(0, noise, points.shape)


def gaze_by_geometry(points: np.ndarray, pose: HeadPose, lens: Lens) -> tuple[float, float]:
    """Azimuth and elevation [deg] of both eyes' mean direction."""
    both = each_eye(points[[IRIS_LEFT, IRIS_RIGHT]], pose, lens).mean(0)
    right, up, towards = basis_towards_lens(pose.place(EYE_MIDPOINT_CM)) @ (both / np.linalg.norm(both))
    return float(np.degrees(np.arctan2(right, towards))), float(np.degrees(np.arcsin(up)))


def random_pose(rng: np.random.Generator, near: float = 40, far: float = 300) -> HeadPose:
    yaw, pitch, roll = rng.uniform(-40, 40), rng.uniform(-25, 25), rng.uniform(-10, 10)
    z = rng.uniform(near, far)
    place = np.array([rng.uniform(-0.4, 0.4) * z, rng.uniform(-0.25, 0.25) * z, z])
    return HeadPose(rotation_from_angles(yaw, pitch, roll)[0], place, 0.0)


@pytest.mark.parametrize("angles", [(0, 0, 0), (40, -25, 10), (-35, 20, -12), (5, 60, 3)])
def test_angles_and_rotation_are_inverse(angles: tuple[float, float, float]) -> None:
    assert np.allclose(angles_from_rotation(rotation_from_angles(*angles)[0]), angles, atol=1e-9)


def test_face_turned_to_image_right_and_up_has_positive_angles() -> None:
    facing = rotation_from_angles(30, 20, 0)[0] @ [0, 0, 1]
    assert facing[0] > 0 and facing[1] < 0 and facing[2] < 0  # right, up (y points down), towards the camera


def test_pose_and_gaze_are_exact_without_noise() -> None:
    rng = np.random.default_rng(1)
    for _ in range(60):
        pose, h, v = random_pose(rng), rng.uniform(-25, 25), rng.uniform(-15, 15)
        points = made_face(pose, h, v, 0.0, rng)
        solved = solve_head_pose(points, LENS)
        assert solved is not None
        assert np.allclose(solved.place(HEAD_PIVOT_CM), pose.place(HEAD_PIVOT_CM), rtol=1e-4, atol=1e-3)
        assert np.allclose(gaze_by_geometry(points, solved, LENS), (h, v), atol=0.05)


def test_gaze_error_with_landmark_noise_is_what_geometry_allows() -> None:
    rng = np.random.default_rng(2)
    errors = []
    for _ in range(150):
        pose, h, v = random_pose(rng, 50, 90), rng.uniform(-15, 15), rng.uniform(-10, 10)
        points = made_face(pose, h, v, 0.6, rng)
        solved = solve_head_pose(points, LENS)
        assert solved is not None
        errors.append(np.hypot(*(np.array(gaze_by_geometry(points, solved, LENS)) - (h, v))))
    assert np.mean(errors) < 3.5  # 361 / iris distance px x 0.6 px, both axes, two eyes; 2.3 in METHOD 6.4


@pytest.mark.parametrize("wrong", [0.85, 1.15])
def test_wrong_focal_length_hardly_moves_gaze_and_relative_distance(wrong: float) -> None:
    rng = np.random.default_rng(3)
    assumed = Lens(LENS.focal * wrong, LENS.centre_x, LENS.centre_y)
    errors, changes = [], []
    for _ in range(60):
        pose, h, v = random_pose(rng, 50, 90), rng.uniform(-20, 20), rng.uniform(-12, 12)
        points = made_face(pose, h, v, 0.0, rng)
        solved = solve_head_pose(points, assumed)
        assert solved is not None
        errors.append(np.hypot(*(np.array(gaze_by_geometry(points, solved, assumed)) - (h, v))))
        nearer = HeadPose(pose.rotation, pose.translation * 0.92, 0.0)
        second = solve_head_pose(made_face(nearer, h, v, 0.0, rng), assumed)
        assert second is not None
        before, after = (np.linalg.norm(p.place(HEAD_PIVOT_CM)) for p in (solved, second))
        true = 1 - np.linalg.norm(nearer.place(HEAD_PIVOT_CM)) / np.linalg.norm(pose.place(HEAD_PIVOT_CM))
        changes.append(100 * abs((1 - after / before) - true))
    assert np.mean(errors) < 1.5
    assert np.mean(changes) < 0.3


def test_open_jaw_does_not_bring_the_head_nearer() -> None:
    pose = HeadPose(rotation_from_angles(5, 10, 0)[0], np.array([2.0, 1.0, 70.0]), 0.0)
    rng = np.random.default_rng(4)
    closed = made_face(pose, 0, 0, 0.0, rng)
    face = canonical_face()
    dropped = face.copy()
    jaw = face[:, 1] < -3.5
    dropped[jaw, 1] -= 1.5 * np.clip((-3.5 - face[jaw, 1]) / 3, 0, 1)
    opened = closed.copy()
    opened[:468] = project(pose.place(dropped), LENS)
    at_rest, yawning = solve_head_pose(closed, LENS), solve_head_pose(opened, LENS)
    assert at_rest is not None and yawning is not None
    moved = np.linalg.norm(at_rest.place(HEAD_PIVOT_CM)) - np.linalg.norm(yawning.place(HEAD_PIVOT_CM))
    assert abs(moved) < 1.5


def test_lens_of_a_cropped_tile_is_that_of_the_whole_picture() -> None:
    whole, cropped = lens_of_tile(np.array([0, 0, 1280, 720]), True, 0.75)
    assert whole.focal == 960 and not cropped
    tile, cropped = lens_of_tile(np.array([640, 0, 640, 720]), False, 0.75)
    assert tile.focal == 960 and cropped and tile.centre_x == 960
    phone, cropped = lens_of_tile(np.array([0, 0, 720, 1280]), True, 0.75)
    assert phone.focal == 960 and not cropped
