"""The short look at a recording: what it promises, what it says to change, and that it stays short."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cues.metrics.quality import frame_quality
from cues.observations import BLENDSHAPES
from cues.parameters import Parameters
from cues.parameters import Probe as ProbeParameters
from cues.probe import Probe, light_on, pieces_of, probe_recording
from cues.probe_verdicts import (
    HEAD_ONLY,
    NEEDS_BOTH,
    WILL_NOT_WORK,
    WORKS,
    Light,
    PersonSeen,
    eye_contact_verdict,
    first_change,
    lean_verdict,
    mirroring_verdict,
)
from cues.vision.segment import OBSERVED
from tests.commands import ENCODED, cues
from tests.media_made import ffmpeg

LIMITS = Parameters()
THINNER = replace(LIMITS, layout=replace(LIMITS.layout, searches_max=4))
GOOD_LIGHT = Light(face=120, surroundings=110, contrast=90)


def seen(number: int = 1, *, found: float = 1.0, light: Light = GOOD_LIGHT, **columns: float) -> PersonSeen:
    """A clear, frontal face of 50 looks, with some columns changed; found in this share of the looks."""
    rows = {name: np.full(50, 0.1) for name in OBSERVED}
    rows |= {name: np.full(50, 0.05) for name in BLENDSHAPES}
    usual = {"iris_distance": 80, "blur": 100, "reprojection_residual": 0.03, "iris_circularity": 0.05, "eye_z": 60}
    usual |= dict.fromkeys(("head_yaw", "head_pitch", "gaze_h", "gaze_v", "eye_x", "eye_y"), 0.0)
    rows |= {name: np.full(50, float(value)) for name, value in {**usual, **columns}.items()}
    face = np.arange(50) < round(50 * found)
    for values in rows.values():
        values[~face] = np.nan
    rows |= {"face": face, "time": np.arange(50) / 5}
    return PersonSeen(number, rows, frame_quality(rows, LIMITS), light, 1.0)


def test_a_clear_face_from_the_front_promises_everything_and_nothing_need_change() -> None:
    people = [seen(1), seen(2)]
    verdicts = [eye_contact_verdict(people[0], "split_screen", LIMITS), mirroring_verdict(people, LIMITS)]
    verdicts.append(lean_verdict(people[0], "split_screen", 0.0, LIMITS))
    assert [v.verdict for v in verdicts] == [WORKS] * 3
    assert [v.change for v in verdicts] == [None] * 3
    assert "3-5 degrees" in verdicts[0].why
    assert first_change(verdicts) is None


@pytest.mark.parametrize(
    ("changed", "verdict", "cause", "words"),
    [
        ({"iris_distance": 28}, HEAD_ONLY, "small", "28 pixels apart, 35 are needed and 60 are good"),
        ({"iris_distance": 42}, WORKS, "small", "42 pixels apart, 60 are good"),
        ({"iris_distance": 15}, WILL_NOT_WORK, "small", "Sit closer"),
        ({"head_yaw": 54}, HEAD_ONLY, "turned", "turned 54 degrees to the right"),
        ({"head_yaw": -70}, WILL_NOT_WORK, "turned", "turned 70 degrees to the left"),
        ({"head_pitch": -50}, WILL_NOT_WORK, "tilted", "50 degrees below"),
        ({"reprojection_residual": 0.3}, WILL_NOT_WORK, "covered", "Keep hands"),
        ({"blur": 5}, HEAD_ONLY, "blurred", "sharper"),
        ({"blur": 5, "light": Light(60, 70, 20)}, HEAD_ONLY, "light", "lamp in front"),
        ({"blur": 5, "light": Light(60, 200, 20)}, HEAD_ONLY, "light", "from behind to the front"),
        ({"iris_circularity": 0.6}, HEAD_ONLY, "unread", "glasses"),
        ({"found": 0.3}, WILL_NOT_WORK, "absent", "found in 30 % of the looks"),
        ({"found": 0.3, "head_yaw": 40}, WILL_NOT_WORK, "turned", "from the front"),
        ({"found": 0.7}, WORKS, "absent", "Keep the whole face"),
    ],
)
def test_eye_contact_names_the_one_thing_in_the_way(
    changed: dict[str, float], verdict: str, cause: str, words: str
) -> None:
    found = eye_contact_verdict(seen(**changed), "single", LIMITS)
    assert (found.verdict, found.cause) == (verdict, cause)
    assert words in found.change


def test_of_several_things_in_the_way_the_most_important_is_named() -> None:
    found = eye_contact_verdict(seen(iris_distance=28, blur=5, head_yaw=54), "single", LIMITS)
    assert found.cause == "small"


def test_lean_needs_only_the_head_and_a_camera_that_stays_where_it_is() -> None:
    small = seen(iris_distance=25, blur=5)
    assert lean_verdict(small, "single", None, LIMITS).verdict == WORKS
    moving = lean_verdict(seen(), "single", 0.8, LIMITS)
    assert (moving.verdict, moving.cause) == (WILL_NOT_WORK, "camera")
    assert lean_verdict(seen(), "single", 0.3, LIMITS).cause == "camera"
    assert lean_verdict(seen(), "single", 0.1, LIMITS).cause is None


def test_shared_smiles_need_both_and_the_less_clear_face_decides() -> None:
    alone = mirroring_verdict([seen()], LIMITS)
    assert alone.verdict == NEEDS_BOTH and "Record both people" in alone.change
    found = mirroring_verdict([seen(1), seen(2, blur=5)], LIMITS)
    assert (found.verdict, found.cause) == (WILL_NOT_WORK, "blurred")
    assert found.change.startswith("Person 2: make the picture sharper")


def test_what_does_not_work_comes_before_what_could_be_better() -> None:
    better = eye_contact_verdict(seen(1, iris_distance=42), "split_screen", LIMITS)
    fails = eye_contact_verdict(seen(2, blur=5), "split_screen", LIMITS)
    assert first_change([better, fails]) is fails
    assert first_change([mirroring_verdict([seen()], LIMITS)]) is None, "one person is no fault of the recording"


def test_the_pieces_are_ten_seconds_spread_over_any_length() -> None:
    limits = ProbeParameters()
    hour = pieces_of(0.0, 3600.0, limits)
    assert sum(map(len, hour)) / limits.rate_hz == pytest.approx(10)
    assert hour[0][0] > 60 and hour[-1][-1] < 3540
    np.testing.assert_allclose(np.diff([piece[0] for piece in hour]), 360, atol=1)
    (whole,) = pieces_of(0.5, 6.5, limits)
    assert whole[0] == 0.5 and whole[-1] == pytest.approx(6.3) and len(whole) == 30


def test_light_is_judged_by_what_can_be_told_apart_in_the_face_not_by_its_brightness() -> None:
    limits = ProbeParameters()
    rng = np.random.default_rng(1)
    box = np.array([100.0, 100.0, 80.0, 100.0])

    def picture(around: float, low: float, high: float) -> np.ndarray:
        image = np.full((300, 300, 3), around, np.uint8)
        image[100:200, 100:180] = rng.uniform(low, high, (100, 80, 1)).astype(np.uint8)
        return image

    dark_skin_before_a_white_wall = light_on(picture(230, 20, 110), box)
    assert dark_skin_before_a_white_wall.problem(limits) is None
    before_a_window = light_on(picture(230, 40, 60), box)
    assert before_a_window.surroundings == 230 and before_a_window.problem(limits) == "behind"
    at_night = light_on(picture(20, 20, 40), box)
    assert at_night.problem(limits) == "dim"
    assert light_on(picture(110, 60, 200), np.array([-20.0, -30.0, 80, 90])).surroundings == 110


@pytest.fixture(scope="module")
def call_probed(recorded_call: Path) -> Probe:
    """The made call, looked at."""
    return probe_recording(recorded_call, THINNER)


def test_a_call_is_known_for_one_and_both_people_are_described(call_probed: Probe) -> None:
    assert call_probed.setup == "split_screen"
    left, right = call_probed.people
    assert [(p.number, p.place, p.measured) for p in (left, right)] == [(1, "left", True), (2, "right", True)]
    assert left.found > 0.95 and right.found > 0.95
    assert left.iris_px == pytest.approx(47, abs=4)  # as the analysis of the whole clip has it
    assert 100 < left.face_px < 120
    assert all(p.light is not None and p.light_problem is None for p in (left, right))
    assert call_probed.mirroring.verdict == WORKS


def test_sound_is_heard_in_pieces(call_probed: Probe) -> None:
    assert call_probed.sound.streams == 1
    assert -30 < call_probed.sound.level_db < 0
    assert call_probed.sound.speech > 0.5
    assert not any("sound" in warning or "speech" in warning for warning in call_probed.warnings)


def test_a_recording_of_some_seconds_is_looked_at_with_a_warning(call_probed: Probe) -> None:
    assert any("12 s long: enough for this check" in warning for warning in call_probed.warnings)


def test_a_small_picture_without_sound_is_told_to_come_closer(man_at_webcam: Path, tmp_path: Path) -> None:
    video = tmp_path / "small.mp4"
    ffmpeg("-i", man_at_webcam, "-t", "1.5", "-vf", "scale=192:144", "-r", "4", *ENCODED, video)
    found = probe_recording(video, THINNER)
    (man,) = found.people
    assert 20 < man.iris_px < 25
    eyes, lean = man.verdicts
    assert (eyes.verdict, eyes.cause, lean.verdict) == (HEAD_ONLY, "small", WORKS)
    assert found.first is eyes
    assert found.mirroring.verdict == NEEDS_BOTH
    said = " ".join(found.warnings)
    assert "1.5 s long; an analysis needs at least 2 s" in said
    assert "no sound" in said and "4.0 pictures a second" in said


def test_a_muted_microphone_is_told(man_at_webcam: Path, tmp_path: Path) -> None:
    video = tmp_path / "muted.mp4"
    silence = ("-f", "lavfi", "-i", "anullsrc")
    ffmpeg("-i", man_at_webcam, *silence, "-map", "0:v", "-map", "1:a", "-t", "2", *ENCODED, "-c:a", "aac", video)
    found = probe_recording(video, THINNER)
    assert found.sound.streams == 1 and found.sound.speech == 0
    assert any("silent" in warning and "muted" in warning for warning in found.warnings)


def test_probe_prints_what_to_change_within_80_columns_on_a_pipe(recorded_call: Path) -> None:
    done = cues("probe", recorded_call)
    assert done.returncode == 0 and done.stderr == ""
    lines = done.stdout.splitlines()
    assert all(len(line) <= 80 and line == line.rstrip() for line in lines)
    assert "\x1b" not in done.stdout
    text = " ".join(" ".join(lines).split())
    assert "call.mp4: a recorded call, 0 min 12 s." in text
    assert "Person 1, eye contact: works." in text and "Person 2, forward lean: works." in text
    assert "Shared smiles: works." in text
    assert "The first thing to change Person 1: sit closer to the camera" in text


def test_probe_refuses_what_analyze_refuses(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no film\n" * 50)
    done = cues("probe", tmp_path / "text.mp4")
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "holds text" in done.stderr
