"""Faces that were hidden are not found again by what had found them; where one cannot be hidden there is no picture."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from cues.export.stills import hide, still
from cues.vision.landmarks import FaceReader
from cues.vision.region import View
from cues.vision.video import read_frames_at
from tests.made_session import made_session
from tests.sample_clip import SAMPLE

TIMES = np.linspace(5.0, 560.0, 24)


@pytest.fixture(scope="module")
def reader():
    return FaceReader()


def faces(reader, image):
    """In the whole picture and in its two halves, where a face is larger."""
    half = image.shape[1] // 2
    views = (image, image[:, :half], image[:, half:])
    return [face for view in views for face in reader.read(View.of(view))]


def test_no_face_is_found_in_a_picture_in_which_they_are_hidden(reader):
    seen = found = 0
    for frame in read_frames_at(SAMPLE, TIMES):
        before, image = frame.image.copy(), frame.image
        for k, part in enumerate((before[:, :640], before[:, 640:])):
            [face] = reader.read(View.of(part))
            hide(image, face.box + np.array([640 * k, 0, 0, 0]))
            seen += 1
        found += len(faces(reader, image))
    assert seen == 2 * len(TIMES)
    assert found == 0


def test_a_still_is_a_picture_with_its_faces_hidden_or_nothing(tmp_path):
    (tmp_path / "recording-1.mp4").symlink_to(SAMPLE)
    observations = made_session(minutes=3).observations
    data = still(observations, tmp_path, 0, 30.0, hidden=True)
    assert data is not None
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture.shape == (540, 960, 3)
    assert still(observations, tmp_path, 0, 400.0, hidden=True) is None  # nobody's face is known there
    facts = replace(observations.facts, left_out=[{"person": 7, "reason": "too small"}])
    assert still(replace(observations, facts=facts), tmp_path, 0, 30.0, hidden=True) is None
    assert still(observations, tmp_path / "nowhere", 0, 30.0, hidden=True) is None


def test_a_face_is_left_as_it_is_only_where_that_is_asked_for(tmp_path, reader):
    (tmp_path / "recording-1.mp4").symlink_to(SAMPLE)
    data = still(made_session(minutes=3).observations, tmp_path, 0, 30.0, hidden=False)
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert len(faces(reader, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))) >= 2
