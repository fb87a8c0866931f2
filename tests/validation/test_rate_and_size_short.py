"""The rate-and-size part: numbers are per minute, smaller files keep their time, a short recording comes out alike."""

import numpy as np
import pytest

from cues.vision.video import read_info
from tests.validation.generator import film
from tests.validation.generator.truth import lean_events
from tests.validation.parts import lean, rate_and_size
from tests.validation.parts.lean_sessions import SHORT, parts_of
from tests.validation.parts.rate_and_size_sessions import TILE, WINDOW, on_canvas, rescale
from tests.validation.scope import Scope

SCOPE = Scope.of_this_machine(short=True)


def test_the_truth_is_counted_in_its_minutes():
    person = {
        "person": 0,
        "leans": [{"start": 50.0, "end": 66.0, "cm": 9.0}, {"start": 80.0, "end": 90.0, "cm": -9.0}],
        "smiles": [{"onset": 5.0, "mirrors": None}, {"onset": 61.0, "mirrors": {"onset": 60.2, "delay": 0.8}}],
    }
    other = {"person": 1, "leans": [], "smiles": []}
    rows = [{"minute": m, "person": p, "eye_contact_pct": 10.0 * m + p} for m in (1, 2) for p in (0, 1)]
    found = rate_and_size.truth_values([{"video": {"duration": 120.0}, "people": [person, other], "per_minute": rows}])
    assert found["eye contact"].tolist() == [10, 20, 11, 21]
    assert found["forward lean"] == pytest.approx([100 / 6, 10, 0, 0])
    assert found["smiles"].tolist() == [1, 1, 0, 0]
    assert found["mirrored smiles"].tolist() == [0, 1]


def test_minutes_without_a_figure_are_left_out_of_the_errors():
    values = {"eye contact": np.array([1.0, np.nan, 5.0])}
    assert rate_and_size.errors(values, {"eye contact": np.array([2.0, 2.0, 2.0])})["eye contact"].tolist() == [1, 3]


def test_a_window_stands_on_its_canvas_in_its_own_size():
    picture = np.full((WINDOW[1], WINDOW[0], 3), 200, np.uint8)
    place = on_canvas(0, 0, picture)
    assert place.shape == (TILE[1], TILE[0], 3) and (place == 200).all(2).sum() == WINDOW[0] * WINDOW[1]


def test_a_rescaled_file_has_its_size_and_keeps_length_rate_and_sound(tmp_path):
    rng = np.random.default_rng(1)
    frames = (rng.integers(0, 255, (240, 320, 3)).astype(np.uint8) for _ in range(30))
    tone = 0.1 * np.sin(np.arange(22050) / 10).astype(np.float32)
    film.write(tmp_path / "large.mp4", frames, 15, np.tile(tone, 2), 22050)
    rescale(tmp_path / "large.mp4", tmp_path / "small.mp4", 120, 400)
    large, small = (read_info(tmp_path / f"{name}.mp4") for name in ("large", "small"))
    assert (small.width, small.height) == (160, 120)
    assert small.duration == pytest.approx(large.duration, abs=0.01)
    assert small.frame_rate == pytest.approx(15.0, abs=0.01) and small.sound_streams == 1


@pytest.mark.skipif(bool(lean.why_not(SCOPE)), reason=lean.why_not(SCOPE))
def test_half_the_rate_finds_the_leans_and_half_the_size_the_same_distance():
    share, distance, _, small = (figure.value for figure in rate_and_size.run(SCOPE).figures)
    true = sum(e["end"] - e["start"] for e in lean_events(parts_of(SHORT)[0], SHORT.seconds)) / SHORT.seconds
    assert share == pytest.approx(100 * true, abs=6.0)
    assert small == pytest.approx(distance, rel=0.02)
