"""Setups, tiles and people found in recorded calls whose composition is known."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cues.errors import RecordingError
from cues.parameters import Parameters
from cues.vision.segment import OBSERVED, Networks, read_segment
from cues.vision.survey import Survey, survey_recording
from tests.calls_made import LISTENER, MAN, OTHER_MAN, WOMAN, fitted

Compose = Callable[..., Path]


# As many pictures are compared as always, but fewer are searched for people: the clips are seconds long.
PARAMETERS = replace(Parameters(), layout=replace(Parameters().layout, searches_max=8))


def surveyed(path: Path, **options: object) -> Survey:
    return survey_recording(path, PARAMETERS, **options)  # type: ignore[arg-type]


def tiles(survey: Survey, stretch: int = 0) -> list[np.ndarray]:
    return [seat.tile for seat in survey.stretches[stretch].seats]


def assert_near(tile: np.ndarray, expected: tuple[int, int, int, int], tolerance: int = 6) -> None:
    assert np.abs(np.asarray(tile) - expected).max() <= tolerance, f"{tile} instead of {expected}"


def centres(survey: Survey, path: Path, step: float, networks: Networks) -> np.ndarray:
    """Horizontal centres of the faces, (people, samples) px."""
    segment = read_segment(path, np.arange(0, survey.info.duration, step), survey, Parameters(), networks)
    x, w = (segment.observed[:, :, OBSERVED.index(name)] for name in ("box_x", "box_w"))
    return x + w / 2


@pytest.fixture(scope="module")
def networks():
    return Networks()


def test_one_person_fills_the_whole_picture(clips: Path) -> None:
    survey = surveyed(clips / "lp_d0_gaze_smile.mp4")
    assert survey.setup == "single" and len(survey.people) == 1
    assert_near(tiles(survey)[0], (0, 0, 512, 486))  # its black rows at the bottom are a bar, its white wall is not


def test_two_clips_side_by_side_are_two_tiles(compose: Compose) -> None:
    path = compose("side", [MAN, WOMAN], fitted(0, 480, 480, "a") + fitted(1, 640, 480, "b") + "[a][b]hstack", 6)
    survey = surveyed(path)
    assert survey.setup == "split_screen"
    assert_near(tiles(survey)[0], (0, 0, 480, 480))
    assert_near(tiles(survey)[1], (480, 0, 640, 480))


def test_gallery_of_four_with_labels_and_a_caption(compose: Compose) -> None:
    graph = "".join(fitted(k, 620, 340, label) for k, label in enumerate("abcd")) + (
        "color=0x202124:s=1280x720:r=25[canvas];[canvas][a]overlay=13:13[x];[x][b]overlay=647:13[y];"
        "[y][c]overlay=13:366[z];[z][d]overlay=647:366,"
        "drawbox=x=20:y=320:w=90:h=26:color=black@0.6:t=fill,drawbox=x=330:y=668:w=620:h=34:color=black:t=fill"
    )
    survey = surveyed(compose("gallery", [MAN, LISTENER, WOMAN, OTHER_MAN], graph, 6))
    assert survey.setup == "split_screen" and len(survey.people) == 4
    found = sorted(tuple(tile) for tile in tiles(survey))
    for tile, expected in zip(found, [(13, 13), (13, 366), (647, 13), (647, 366)], strict=True):
        assert_near(np.array(tile[:2]), expected, 20)  # type: ignore[arg-type]


def test_black_bars_belong_to_no_tile(compose: Compose) -> None:
    graph = fitted(0, 640, 360, "a") + fitted(1, 640, 360, "b") + "[a][b]hstack,pad=1280:720:0:180"
    survey = surveyed(compose("bars", [MAN, WOMAN], graph, 6))
    assert_near(tiles(survey)[0], (0, 180, 640, 360))
    assert_near(tiles(survey)[1], (640, 180, 640, 360))


def test_picture_in_picture(compose: Compose) -> None:
    graph = fitted(0, 1280, 720, "a") + fitted(1, 320, 240, "b") + "[a][b]overlay=W-w-20:H-h-20"
    survey = surveyed(compose("inset", [WOMAN, MAN], graph, 6))
    assert survey.setup == "split_screen"
    small = min(tiles(survey), key=lambda tile: tile[2])
    assert_near(small, (940, 460, 320, 240), 10)


def test_swapped_sides_and_a_shared_screen_are_stretches_with_the_same_people(
    compose: Compose, networks: Networks
) -> None:
    graph = (
        fitted(0, 640, 480, "a")
        + fitted(1, 640, 480, "b")
        + "[a]split[a1][a2];[b]split[b1][b2];[a1][b1]hstack,trim=0:4,setpts=PTS-STARTPTS[p];"
        "testsrc2=s=1280x480:r=25,trim=0:3,setsar=1,setpts=PTS-STARTPTS[q];"
        "[b2][a2]hstack,trim=4:8,setpts=PTS-STARTPTS[r];[p][q][r]concat=n=3"
    )
    path = compose("swapped", [MAN, WOMAN], graph, 11, "-g", "25")
    survey = surveyed(path)
    assert [len(stretch.seats) for stretch in survey.stretches] == [2, 0, 2]
    assert np.allclose([s.start for s in survey.stretches], [0, 4, 7], atol=0.15)
    x = centres(survey, path, 0.5, networks)
    times = np.arange(0, survey.info.duration, 0.5)
    for person, (first, then) in enumerate([(320, 960), (960, 320)]):
        person = person if x[0, 0] < x[1, 0] else 1 - person
        assert np.abs(np.nanmedian(x[person, times < 3.5]) - first) < 220
        assert np.isnan(x[person, (times > 4.2) & (times < 6.8)]).all()
        assert np.abs(np.nanmedian(x[person, times > 7.5]) - then) < 220


def test_speaker_view_shows_each_person_part_of_the_time(compose: Compose) -> None:
    graph = (
        fitted(0, 640, 360, "a")
        + fitted(1, 640, 360, "b")
        + "[a]split[a1][a2];[b]split[b1][b2];[a1]trim=0:3,setpts=PTS-STARTPTS[p];[b1]trim=0:3,setpts=PTS-STARTPTS[q];"
        "[a2]trim=3:6,setpts=PTS-STARTPTS[r];[b2]trim=3:6,setpts=PTS-STARTPTS[s];[p][q][r][s]concat=n=4"
    )
    survey = surveyed(compose("speaker", [MAN, WOMAN], graph, 12, "-g", "25"))
    shown = [[seat.person for seat in stretch.seats] for stretch in survey.stretches]
    assert len(survey.people) == 2
    assert shown in ([[0], [1], [0], [1]], [[1], [0], [1], [0]])


def test_people_who_cross_in_one_room_keep_their_numbers(compose: Compose, networks: Networks) -> None:
    move = "if(lt(t,3),{a},if(lt(t,6),{a}+(t-3)*({b}-{a})/3,{b}))"
    there, back = move.format(a=150, b=820), move.format(a=820, b=150)
    graph = (
        "[0]fps=25,crop=200:260:110:30,scale=300:390,setsar=1[a];[1]fps=25,crop=260:340:300:10,scale=300:390,setsar=1[b];"
        "color=0x8090a0:s=1280x720:r=25,noise=alls=12:allf=t[room];"
        f"[room][a]overlay=x='{there}':y=150[x];[x][b]overlay=x='{back}':y=150"
    )
    path = compose("crossing", [MAN, WOMAN], graph, 9)
    survey = surveyed(path)
    assert survey.setup == "shared_room" and len(survey.people) == 2
    x = centres(survey, path, 0.2, networks)
    times = np.arange(0, survey.info.duration, 0.2)[: x.shape[1]]
    start, end = np.nanmedian(x[:, times < 2.5], axis=1), np.nanmedian(x[:, times > 6.5], axis=1)
    assert (start[0] < 640) != (start[1] < 640)
    assert ((start < 640) == (end > 640)).all()
    assert np.isfinite(x).mean() > 0.85


def test_asking_for_two_people_where_there_is_one_is_refused(clips: Path) -> None:
    with pytest.raises(RecordingError, match="Two people were asked for"):
        surveyed(clips / "lp_d12_lean.mp4", setup="split_screen")


def test_chosen_people_only(compose: Compose) -> None:
    path = compose("side", [MAN, WOMAN], fitted(0, 480, 480, "a") + fitted(1, 640, 480, "b") + "[a][b]hstack", 6)
    survey = surveyed(path, chosen=(2,))
    assert [round(p.centre_x) > 480 for p in survey.people] == [True]
    assert len(survey.left_out) == 1
    with pytest.raises(RecordingError, match="numbers from 1 to 2"):
        surveyed(path, chosen=(3,))
