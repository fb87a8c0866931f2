"""What is known of real clips of real people must come out of the whole pipeline (no labels are needed for these)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from cues.metrics.forward_lean import Lean
from cues.metrics.pointing import GAZE
from cues.metrics.quality import frame_quality
from cues.parameters import Parameters
from tests.analysed import Analysed
from tests.calls_made import LEANING_MAN, MAN, OTHER_MAN
from tests.media_made import ffmpeg

Analyse = Callable[..., Analysed]


def near_own_median(result: Analysed, person: int, within_deg: float = 5.0) -> tuple[float, float]:
    """Share of the samples with measured gaze that lie within some degrees of their median; share measured."""
    contact = result.metrics.measured.eye_contact[person]
    assert contact.method == GAZE
    u = contact.u[contact.gaze_measured & ~contact.blink]
    u = u[np.isfinite(u).all(1)]
    return float((np.hypot(*(u - np.median(u, axis=0)).T) < within_deg).mean()), float(contact.gaze_measured.mean())


def stretches(lean: Lean, kind: str) -> list[tuple[float, float]]:
    forward = ("forward", "head_forward")
    return [(e.start, e.end) for e in lean.episodes if e.kind in (forward if kind == "forward" else (kind,))]


def covers(found: list[tuple[float, float]], start: float, end: float) -> bool:
    """Whether one of the episodes found covers most of [start, end]."""
    return any(min(b, end) - max(a, start) > 0.6 * (end - start) for a, b in found)


@pytest.mark.parametrize(
    ("clip", "within_deg", "least"), [("mrf_podcast.mp4", 5.6, 0.75), ("lp_s18_static_gaze.mp4", 5.0, 0.90)]
)
def test_steady_gaze_at_the_camera_is_steady(
    clips: Path, analysed: Analyse, clip: str, within_deg: float, least: float
) -> None:
    """5.6 degrees are the 5 of a reading that showed .81 of what the eyes move up and down, read at .91 as it is now:
    the podcast has 73 % within 5. How steady a reading is shows in many of them: ten a second."""
    share, measured = near_own_median(analysed(clips / clip, rate=10.0), 0, within_deg)
    assert share >= least
    assert measured >= 0.9


def test_camera_gaze_is_not_reported_where_no_zero_is_known(clips: Path, analysed: Analyse, media_folder: Path) -> None:
    path = media_folder / "franck.mp4"
    ffmpeg("-i", clips / OTHER_MAN, "-t", "70", "-c", "copy", path)
    result = analysed(path)
    contact = result.metrics.measured.eye_contact[0]
    assert contact.camera_zone is None and contact.camera_reason
    assert not [name for name in result.metrics.minutes.column_names if name.startswith("camera_gaze")]


def test_leaning_in_and_back_are_found_where_they_are(clips: Path, analysed: Analyse) -> None:
    lean = analysed(clips / MAN).metrics.measured.lean[0]
    assert covers(stretches(lean, "forward"), 32, 34)
    assert covers(stretches(lean, "back"), 36, 40)
    assert len(lean.episodes) == 2


def test_an_open_jaw_is_no_lean(clips: Path, analysed: Analyse) -> None:
    lean = analysed(clips / LEANING_MAN).metrics.measured.lean[0]
    assert covers(stretches(lean, "back"), 25, 28)
    assert not stretches(lean, "forward")
    jaw_only = (lean.time >= 16) & (lean.time < 20)
    assert np.nanmax(np.abs(lean.lean_cm[jaw_only])) < 3.0


def test_side_by_side_people_get_the_figures_they_get_alone(clips: Path, analysed: Analyse, media_folder: Path) -> None:
    """The call is made of the very pictures of the two clips; 3 percentage points are allowed for the encoding."""
    sources = [clips / MAN, clips / LEANING_MAN]
    call = media_folder / "alone_and_together.mp4"
    graph = "[0][1]hstack=shortest=1"
    ffmpeg("-i", sources[0], "-i", sources[1], "-filter_complex", graph, "-c:v", "libx264", "-crf", "18", call)
    short = []
    for source in sources:  # both as long as the call, encoded once more like it
        path = media_folder / f"alone_{source.stem}.mp4"
        ffmpeg("-i", source, "-t", "30.6", "-an", "-c:v", "libx264", "-crf", "18", path)
        short.append(analysed(path))
    together = analysed(call)
    assert together.observations.facts.setup == "split_screen"
    for person, alone in enumerate(short):
        for column in ("eye_contact_coverage", "lean_forward_pct", "lean_back_pct", "lean_coverage", "smile_pct"):
            figures = [
                minute_figure(alone.metrics.minutes, 0, column),
                minute_figure(together.metrics.minutes, person, column),
            ]
            scale = 100 if column.endswith("coverage") else 1
            assert abs(figures[0] - figures[1]) * scale <= 3.0, (column, figures)
        shares = [near_own_median(alone, 0)[0], near_own_median(together, person)[0]]
        assert abs(shares[0] - shares[1]) <= 0.03


def minute_figure(minutes: pa.Table, person: int, column: str) -> float:
    rows = np.flatnonzero(minutes["person"].to_numpy() == person)
    value = minutes[column][int(rows[0])].as_py()
    assert value is not None, column
    return float(value)


def test_two_people_in_one_room_are_kept_apart_and_marked_experimental(clips: Path, analysed: Analyse) -> None:
    result = analysed(clips / "hysts_video04_father_child.mp4")
    assert result.observations.facts.setup == "shared_room"
    left, right = (result.observations.person(p) for p in (0, 1))
    both = left["face"] & right["face"]
    assert both.mean() > 0.5
    assert (left["box_x"][both] < right["box_x"][both]).all()
    lean = result.metrics.summary
    assert "experimental" in str(lean).lower()


def test_a_face_that_leaves_is_missing_not_zero(clips: Path, analysed: Analyse) -> None:
    result = analysed(clips / "pyfeat_face_noface.mov")
    columns = result.observations.person(0)
    gone = columns["time"] > 3.5
    assert columns["face"][columns["time"] < 2].mean() > 0.9
    assert not columns["face"][gone].any()
    assert np.isnan(columns["gaze_h"][gone]).all() and np.isnan(columns["mouthSmileLeft"][gone]).all()
    assert (frame_quality(columns, Parameters()).head[gone] == 0).all()


def test_one_actor_in_two_pictures_smiles_at_the_same_time(clips: Path, analysed: Analyse, media_folder: Path) -> None:
    """A clip beside its own delayed copy: the delay is what the two series are apart."""
    path = media_folder / "echo.mp4"
    graph = (
        "[0]split[a][b];[b]tpad=start_duration=0.8:start_mode=clone[late];[a]tpad=stop_duration=0.8:stop_mode=clone[now];"
        "[now][late]hstack=shortest=1"
    )
    ffmpeg(
        "-i",
        clips / "pyfeat_WolfgangLanger.mp4",
        "-an",
        "-filter_complex",
        graph,
        "-c:v",
        "libx264",
        "-crf",
        "18",
        path,
    )
    observations = analysed(path).observations
    people = [observations.person(p) for p in (0, 1)]
    clock = np.arange(0, people[0]["time"][-1], 0.1)
    first, second = (np.interp(clock, p["time"], np.nan_to_num(p["mouthSmileLeft"])) for p in people)
    lags = np.arange(-15, 16)
    inside = slice(20, len(first) - 20)
    scores = [np.corrcoef(first[inside], np.roll(second, -lag)[inside])[0, 1] for lag in lags]
    assert abs(lags[int(np.argmax(scores))] / 10 - 0.8) <= 0.1
    assert max(scores) > 0.9
