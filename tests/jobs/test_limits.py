"""What a recording can do to the processes that read it: none of it takes the rest of the session along."""

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from av.video.frame import VideoFrame

from cues.analysis import plan_analysis, read_task
from cues.jobs.attempts import Step, run_steps
from cues.jobs.engine import LocalEngine
from cues.jobs.probing import RESULT, main
from cues.jobs.processes import WorkerError
from cues.jobs.queue import queue_job
from cues.library.folders import session_folder
from cues.library.models import JobKind, JobState
from cues.library.session_folder import read_session
from cues.observations import read_observations
from cues.parameters import Limits
from cues.vision.segment import OBSERVED, SMALLER, Networks
from tests.commands import ROOT
from tests.jobs.hanging import hang, say
from tests.jobs.test_coordinator import PARAMETERS, QUICK, Sessions, ended, eventually
from tests.sample_clip import SAMPLE, first_seconds

LENGTH_S = 20

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    return first_seconds(tmp_path_factory.mktemp("limits") / "session.mp4", LENGTH_S)


def test_segments_that_crash_or_take_too_much_memory_leave_the_rest_a_report(library, recording):
    session_id = Sessions(library, None).add(content=recording.read_bytes())
    job_id = queue_job(library, session_id, JobKind.ANALYSIS)
    limits = ("--set", "limits.memory_mb=1200", "--set", "sampling.segment_s=5")
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.jobs.faulty_coordinator", str(library.folder), "--workers", "1", *QUICK, *limits],
        cwd=ROOT,
    )
    try:
        job = eventually(lambda: ended(library, job_id))
    finally:
        process.terminate()
        process.wait(120)
    assert job.state == JobState.DONE, job.problem
    folder = session_folder(library.folder, session_id)
    assert read_session(folder).summary["notes"] == [
        "From 0:05 to 0:10 the recording could not be read: the program that decodes it hung, crashed or took too much "
        "memory.",
        "From 0:10 to 0:15 the recording was read at half the picture's size, because the whole took too much memory "
        "or time.",
    ]
    observations = read_observations(folder)
    assert len(observations.time) == LENGTH_S * 2
    for person in observations.people:
        face, lost = observations.person(person)["face"], (observations.time >= 5) & (observations.time < 10)
        assert not face[lost].any() and face[~lost].mean() > 0.9
        assert observations.scene_of(person)["shown"].all(), "time that was lost would count as time off the screen"
    minutes = read_session(folder).minutes.to_pylist()
    measured = [row[name] for row in minutes for name in ("eye_contact_coverage", "lean_coverage", "smile_coverage")]
    assert 0.5 < max(measured) <= 0.75, "five of 20 seconds were not measured"


@pytest.fixture
def engine():
    made = LocalEngine(2, Limits().memory_mb)
    yield made
    made.abandon()


def test_a_step_that_hangs_is_tried_in_its_cheaper_way_then_given_up_and_takes_no_other_along(engine):
    kept, asked = {}, []

    def hanging(cheaper):
        asked.append(cheaper)
        return ("-",)

    steps = [
        Step("hangs", hang, hanging, partial(kept.__setitem__, "hangs"), silent_s=2, has_cheaper=True, instead=dict),
        *(Step(f"{n}", say, lambda _, n=n: (n,), partial(kept.__setitem__, n)) for n in range(4)),
    ]
    run_steps(engine, steps, lambda: None, lambda name: 1, lambda name: None)
    assert kept == {"hangs": {}} | {n: n for n in range(4)}
    assert asked == [False, True]


def test_a_step_without_anything_instead_says_why_it_was_given_up(engine):
    step = Step("hangs", hang, lambda _: ("-",), lambda result: None, limit_s=1)
    with pytest.raises(WorkerError, match="within the time that reading may take"):
        run_steps(engine, [step], lambda: None, lambda name: 1, lambda name: None)


def test_a_segment_read_from_smaller_pictures_says_the_same_of_the_same_places(recording):
    plan = plan_analysis((recording,), PARAMETERS)
    task, networks = plan.tasks()[0], Networks()
    whole, smaller = (read_task(plan.part(task), task, networks, smaller=half) for half in (False, True))
    assert smaller.reading == SMALLER and np.array_equal(whole.face, smaller.face) and whole.face.all()

    def apart(*names):
        columns = [OBSERVED.index(name) for name in names]
        return np.abs(whole.observed[:, :, columns] - smaller.observed[:, :, columns])

    face_px = np.median(whole.observed[:, :, OBSERVED.index("box_w")])
    assert np.median(apart("box_x", "box_y", "box_w", "box_h", "iris_left_x", "iris_left_y")) < 0.02 * face_px
    assert np.nanmedian(apart("shoulder_left_x", "shoulder_left_y")) < 0.05 * face_px
    assert np.median(apart("head_yaw", "head_pitch")) < 2 and np.median(apart("head_z")) < 2
    finer = whole.observed / smaller.observed
    assert np.median(finer[:, :, OBSERVED.index("iris_distance")]) == pytest.approx(2, abs=0.1)
    assert np.nanmax(np.abs(whole.scenery - smaller.scenery)) < 0.02 * face_px


def pictures():
    return [one for one in gc.get_objects() if isinstance(one, VideoFrame)]


def test_a_segment_leaves_no_picture_behind_it_for_the_collector(recording):
    """One of each segment came to 190 MB over an hour."""
    plan = plan_analysis((recording,), PARAMETERS)
    gc.collect()
    others = pictures()  # of tests before this one; they stay, so that none of the new ones gets the place of one
    gc.disable()
    try:
        read_task(plan.part(plan.tasks()[0]), plan.tasks()[0], Networks())
        assert {id(one) for one in pictures()} <= {id(one) for one in others}
    finally:
        gc.enable()


LOOKS = {
    "hangs": (Limits(probe_s=0.3, probe_s_per_mb=0), "within the time that a look may take"),
    "swells": (Limits(memory_mb=40), "takes more memory to read than a process may have"),
    "crashes": (Limits(), "makes the program that decodes it crash"),
}


@pytest.mark.parametrize("what", LOOKS)
def test_a_look_that_does_not_end_well_gives_its_sentence(recording, tmp_path, what):
    limits, sentence = LOOKS[what]
    # The longest there is where it must not have ended before it is found.
    looked_at = SAMPLE if what == "crashes" else recording
    watching = threading.Thread(target=main, args=(tmp_path, looked_at, limits))
    watching.start()
    if what == "crashes":
        os.kill(eventually(lambda: looking_at(tmp_path)), signal.SIGSEGV)
    watching.join()
    problem = json.loads((tmp_path / RESULT).read_text())["problem"]
    assert sentence in problem and problem.startswith("session.mp4 ") and problem.endswith(".")
    assert looking_at(tmp_path) is None


def looking_at(folder):
    """The process that looks at a recording for a folder."""
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            said = entry.read_bytes().split(b"\0")
            if str(folder).encode() in said and b"look" in said:
                return int(entry.parent.name)
    return None
