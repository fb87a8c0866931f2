"""The gaze geometry's short version: enough to see that the map, the irises and the pose still fit together."""

import pytest

from tests.validation.parts import gaze_geometry
from tests.validation.scope import Scope

SCOPE = Scope.of_this_machine(short=True)


@pytest.mark.skipif(not SCOPE.can_render, reason="the face model needs CUES_TEST_DATA (face_model/)")
def test_gaze_on_single_pictures_is_better_than_eyeball_geometry_and_as_good_as_it_was() -> None:
    reads = [
        r for p in gaze_geometry.SHORT_PEOPLE for r in gaze_geometry.read_person(SCOPE, p, gaze_geometry.SHORT_EACH)
    ]
    after = gaze_geometry.errors(reads, "product")[1].mean()
    geometry = gaze_geometry.errors(reads, "geometry")[1].mean()
    assert len(reads) >= 0.95 * len(gaze_geometry.SHORT_PEOPLE) * gaze_geometry.SHORT_EACH
    assert after < 6.5
    assert after < 0.85 * geometry
