"""The networks' files: the right ones, and what is read out of them."""

import numpy as np
import pytest

from cues.errors import InstallationError
from cues.vision import models


def test_canonical_face_is_the_published_one() -> None:
    face = models.canonical_face()
    assert face.shape == (468, 3)
    # Corners of the subject's right eye, tip of the nose, chin: values of the published canonical model, cm.
    published = {
        33: (-4.446, 2.664, 3.173),
        133: (-1.856, 2.585, 3.758),
        4: (0.0, -0.463, 7.587),
        152: (0.0, -9.403, 4.264),
    }
    for index, point in published.items():
        assert np.allclose(face[index], point, atol=1e-3)
    assert np.allclose(face[263] * [-1, 1, 1], face[33], atol=1e-3)


def test_a_model_that_is_another_file_is_refused(tmp_path, monkeypatch) -> None:
    (tmp_path / "face_landmarker.task").write_bytes(b"not a network")
    monkeypatch.setenv("CUES_MODELS", str(tmp_path))
    models.model_path.cache_clear()
    try:
        with pytest.raises(InstallationError, match="not the model this version was validated with"):
            models.model_path("face_landmarker.task")
        with pytest.raises(InstallationError, match="is not in"):
            models.model_path("pose_landmarker_full.task")
    finally:
        models.model_path.cache_clear()
