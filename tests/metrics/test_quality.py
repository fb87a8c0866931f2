"""Frame quality: what the evidence allows to be measured."""

import numpy as np
import pytest

from cues.metrics.quality import FLAGS, frame_quality, gaze_flags, track_age
from cues.parameters import Parameters
from tests.metrics.made_gaze import person_columns

PARAMETERS = Parameters()


def columns(n: int = 30, **values: float) -> dict[str, np.ndarray]:
    made = person_columns(np.arange(n) / 10, np.zeros((n, 2)))
    return made | {name: np.full(n, value) for name, value in values.items()}


def test_a_near_frontal_sharp_face_is_good_for_everything():
    quality = frame_quality(columns(), PARAMETERS)
    assert (quality.gaze == 2).all() and (quality.head == 2).all() and (quality.expression == 2).all()


@pytest.mark.parametrize(
    ("evidence", "gaze", "head"),
    [
        ({"iris_distance": 50.0}, 1, 2),
        ({"iris_distance": 30.0}, 0, 1),
        ({"iris_distance": 15.0}, 0, 0),
        ({"head_yaw": 30.0}, 1, 1),
        ({"head_yaw": 55.0}, 0, 1),
        ({"head_yaw": 65.0}, 0, 0),
        ({"head_pitch": -30.0}, 1, 1),
        ({"head_pitch": -45.0}, 0, 0),
        ({"reprojection_residual": 0.2}, 0, 0),
        ({"iris_circularity": 0.2}, 1, 2),
        ({"iris_circularity": 0.4}, 0, 2),
        ({"blur": 10.0}, 0, 2),
        ({"gaze_h": np.nan}, 0, 2),
        ({"blur": np.nan, "iris_circularity": np.nan}, 2, 2),
    ],
)
def test_each_kind_of_evidence_limits_what_it_should(evidence, gaze, head):
    quality = frame_quality(columns(**evidence), PARAMETERS)
    assert quality.gaze[-1] == gaze and quality.head[-1] == head


@pytest.mark.parametrize(("departure", "gaze"), [(5.0, 2), (10.0, 1), (20.0, 0)])
def test_eyes_that_disagree_otherwise_than_usual_were_misread_a_constant_difference_is_the_face(departure, gaze):
    made = columns(gaze_left_h=13.0)
    made["gaze_left_h"][-1] += departure
    quality = frame_quality(made, PARAMETERS)
    assert quality.gaze[-1] == gaze and (quality.gaze[:-1] == 2).all()


def test_angles_are_relative_to_the_ray_to_the_camera_not_to_its_axis():
    beside = columns(head_yaw=-26.565, eye_x=30.0, eye_z=60.0)
    assert frame_quality(beside, PARAMETERS).yaw_to_camera == pytest.approx(np.zeros(30), abs=0.01)


def test_where_no_face_is_seen_nothing_is_usable():
    made = columns()
    made["face"][10:20] = False
    quality = frame_quality(made, PARAMETERS)
    assert (quality.gaze[10:20] == 0).all() and (quality.head[10:20] == 0).all()
    assert quality.gaze[20] == 0 and quality.gaze[23] == 1 and quality.gaze[26] == 2  # just come into view


def test_track_age_counts_from_when_the_face_came_into_view():
    age = track_age(np.array([True, True, False, True, True]), np.arange(5) / 10)
    assert np.isinf(age[:2]).all() and age[3:] == pytest.approx([0.0, 0.1])


def test_the_cause_of_lost_gaze_is_named_in_plain_words():
    for evidence, code in (({"iris_distance": 25.0}, "SMALL_FACE"), ({"head_yaw": 55.0}, "PROFILE"),
                           ({"iris_circularity": 0.5}, "GLARE")):  # fmt: skip
        made = columns(**evidence)
        assert gaze_flags(made, frame_quality(made, PARAMETERS), PARAMETERS) == [code]
        assert FLAGS[code]
    assert gaze_flags(columns(), frame_quality(columns(), PARAMETERS), PARAMETERS) == []
