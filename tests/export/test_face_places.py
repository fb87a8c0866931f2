"""A face is hidden in every frame, also between samples and while it moves; where its place is unknown, the tile is."""

from dataclasses import replace

import cv2
import numpy as np
import pyarrow as pa
import pytest

from cues.export.face_places import BRIDGED_S, FacePlaces
from cues.export.second_look import SecondLook, windows
from cues.export.teaching_clip import hide_faces
from cues.vision.landmarks import FaceReader
from cues.vision.region import View
from cues.vision.video import read_frames_at
from tests.made_session import made_session
from tests.sample_clip import SAMPLE


@pytest.fixture(scope="module")
def reader():
    return FaceReader()


@pytest.fixture(scope="module")
def portrait():
    """One person of the sample, and the box of their face."""
    [frame] = read_frames_at(SAMPLE, [30.0])
    image = np.ascontiguousarray(frame.image[120:600, :640])
    [face] = FaceReader().read(View.of(image), 1)
    return image, face.box


def with_columns(observations, which="table", **columns):
    """The observations with other columns, each as long as the table: person after person."""
    table = getattr(observations, which)
    for name, values in columns.items():
        at = table.schema.get_field_index(name)
        table = table.set_column(at, table.schema.field(name), pa.array(values).cast(table.schema.field(name).type))
    return replace(observations, **{which: table})


def one_person(seconds, box_at):
    """A single person whose face is in `box_at(time)`, None where it is not known."""
    observations = made_session(minutes=seconds / 60, people=1).observations
    boxes = np.array([[np.nan] * 4 if (box := box_at(t)) is None else box for t in observations.time])
    return with_columns(observations, **{f"box_{k}": boxes[:, i] for i, k in enumerate("xywh")})


def test_a_face_that_moves_fast_is_found_in_no_frame_between_samples(portrait, reader):
    """It swings by a quarter of its width from sample to sample, and the tables know it ten times a second."""
    image, box = portrait

    def shift(time):
        return 110 * np.sin(2 * np.pi * 0.9 * time)

    observations = one_person(4, lambda t: box + [shift(t), 0, 0, 0])
    faces = FacePlaces(observations, 0)
    before = after = 0
    for time in np.arange(0.0, 3.8, 1 / 25):
        moved = cv2.warpAffine(image, np.float32([[1, 0, shift(time)], [0, 1, 0]]), image.shape[1::-1])
        before += len(reader.read(View.of(np.ascontiguousarray(moved))))
        places = faces.at(time)
        assert places.tiles == [] and len(places.boxes) == 1
        [found] = places.boxes
        true = box + [shift(time), 0, 0, 0]
        assert (found[:2] <= true[:2] + 12).all() and (found[:2] + found[2:] >= true[:2] + true[2:] - 12).all()
        hide_faces(moved, faces, time, 1.0)
        after += len(reader.read(View.of(np.ascontiguousarray(moved))))
    assert before >= 90
    assert after == 0


def test_where_a_face_is_not_known_the_whole_tile_is_hidden():
    observations = made_session(minutes=0.5, missing={1: (10.0, 12.0)}).observations
    faces = FacePlaces(observations, 0)
    tile = [640.0, 0.0, 640.0, 720.0]
    for time in (9.94, 10.0, 11.5, 11.96):  # from the last sample with a face to the next one
        places = faces.at(time)
        assert len(places.boxes) == 1 and [one.tolist() for one in places.tiles] == [tile], time
    for time in (9.9, 12.0, 12.3):
        places = faces.at(time)
        assert len(places.boxes) == 2 and places.tiles == [], time
    picture = np.random.default_rng(1).integers(0, 255, (720, 1280, 3), np.uint8)
    kept = picture.copy()
    hide_faces(picture, faces, 11.0, 1.0)
    assert picture[:, 640:].std() < 0.1 * kept[:, 640:].std()
    assert (picture[:, :100] == kept[:, :100]).all()


def test_a_gap_of_two_samples_is_bridged_and_a_longer_one_is_not():
    def at(gap):
        observations = one_person(4, lambda t: None if 1.95 < t < 1.95 + gap else [100 + 100 * t, 80, 60, 70])
        return FacePlaces(observations, 0).at(2.05)

    assert at(0.2).tiles == []
    [box] = at(0.2).boxes
    assert box[0] <= 290 and box[0] + box[2] >= 380  # all of the way between the two samples
    assert len(at(0.3).tiles) == 1 and at(0.3).boxes == []
    assert 0.3 < BRIDGED_S < 0.4


def test_between_two_layouts_and_beyond_the_tables_everything_is_hidden():
    observations = made_session(minutes=0.5).observations
    stretch = np.concatenate([np.where(observations.time < 10.0, 0, 1)] * 2)
    places = FacePlaces(with_columns(observations, "scene", stretch=stretch), 0)
    assert [tile.tolist() for tile in places.at(9.95).tiles] == [[0.0, 0.0, 1280.0, 720.0]] * 2
    assert places.at(10.0).tiles == []
    assert len(places.at(31.0).tiles) == 2
    away = made_session(minutes=0.5, hidden={1: (10.0, 12.0)}).observations
    assert FacePlaces(away, 0).at(11.0).tiles == []  # this layout has no place for them
    assert len(FacePlaces(away, 0).at(11.0).boxes) == 1


def test_the_second_look_hides_a_face_that_nobody_knew_of(portrait, reader):
    image, box = portrait
    picture = np.full((720, 1280, 3), 90, np.uint8)
    picture[100:580, 600:1240] = image
    look = SecondLook()
    assert look.hide_found(picture, 1.0) >= 1
    assert (
        sum(len(reader.read(View.of(np.ascontiguousarray(picture[:, a:b])))) for a, b in ((0, 720), (560, 1280))) == 0
    )
    later = np.full((720, 1280, 3), np.arange(1280)[None, :, None] % 200, np.uint8)
    before = later.copy()
    assert look.hide_found(later, 1.3) == 0
    x, y = (box[:2] + box[2:] / 2 + [600, 100]).astype(int)
    assert (later[y, x - 20 : x + 20] != before[y, x - 20 : x + 20]).any()  # still held
    assert look.hide_found(before.copy(), 2.0) == 0


@pytest.mark.parametrize("size", [(1280, 720), (405, 720), (640, 640), (33, 17)])
def test_the_windows_of_the_second_look_cover_the_picture(size):
    seen = np.zeros(size[::-1], int)
    for left, top, right, bottom in windows(*size):
        assert 0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]
        seen[top:bottom, left:right] += 1
    assert seen.min() >= (1 if max(size) < 1.2 * min(size) else 2)
