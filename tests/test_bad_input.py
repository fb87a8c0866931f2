"""What cannot be used ends in one clear sentence and exit status 2, with nothing half-written in the results."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from cues.observations import read_observations
from tests.calls_made import MAN
from tests.commands import ENCODED, FEW_LOOKS, ROOT, cues, ended, start_cues
from tests.media_made import ffmpeg, needs_encoder

Refusal = tuple[subprocess.CompletedProcess[str], Path]

# case: options, and what the complaint must say. The file is of the case's name, else a test picture without a face.
REFUSED = {
    "missing": ((), "there is no such file"),
    "folder": ((), "is a folder"),
    "empty": ((), "empty (0 bytes)"),
    "text": ((), "text.mp4 holds text"),
    "cut": ((), "cut off before its index"),
    "sound": ((), "sound but no picture"),
    "trainee": (("--trainee", "middle"), "--trainee middle"),
    "parameter": (("--set", "lean.entre_cm=6"), "lean.entre_cm"),
    "value": (("--set", "lean.enter_cm=six"), "'six'"),
    "people": (("--people", "1,1"), "--people 1,1"),
    "rate": (("--rate", "0"), "--rate 0"),
    "setup": (("--setup", "picnic"), "--setup picnic"),
    "second file": (("--setup", "two-files"), "second file"),
    "nobody": ((), "Nobody's face was found in test.mp4: check that it is the right file, that faces are lit"),
}
# The same with a real person; the file is of the case's name, else 4 s of the man at his webcam.
REFUSED_PERSON = {
    "far": ((), "twelfth of the picture's height"),
    "small": (("--rate", "2", "--workers", "1"), "pixels apart, and 20 are needed; sit closer"),
    "one of two": (("--setup", "split-screen"), "Two people were asked for, and only one was found in man.mp4"),
    "nobody else": (("--people", "1,3"), "shows 1 people; --people takes numbers from 1 to 1"),
    "short": ((), "1.6 s long; at least 2 s"),
    "two silent": ((), "--offset"),
}


def refuse(folder: Path, cases: dict[str, tuple[tuple[str, ...], str]], other: str) -> dict[str, Refusal]:
    """The command's end and its --out for each case, two at a time."""

    def run(case: str) -> Refusal:
        own = folder / f"{case}.mp4"
        video = own if case == "missing" or own.exists() else folder / other
        videos = [video] * (2 if case == "two silent" else 1)
        out = folder / "results" / case
        return cues("analyze", *videos, "--out", out, *cases[case][0], *FEW_LOOKS), out

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(cases, pool.map(run, cases), strict=True))


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Refusal]:
    """What came of the cases of REFUSED."""
    needs_encoder("libx264")
    folder = tmp_path_factory.mktemp("unusable")
    (folder / "folder.mp4").mkdir()
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("Dear diary, this is not a film.\n" * 100)
    ffmpeg("-f", "lavfi", "-i", "testsrc=size=320x240:rate=25", "-t", "3", *ENCODED, folder / "test.mp4")
    whole = (folder / "test.mp4").read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: whole.index(b"moov") - 4])
    ffmpeg("-f", "lavfi", "-i", "sine=frequency=300:duration=3", "-c:a", "aac", folder / "sound.mp4")
    return refuse(folder, REFUSED, "test.mp4")


@pytest.fixture(scope="module")
def refusals_of_a_person(man_at_webcam: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Refusal]:
    """What came of the cases of REFUSED_PERSON."""
    folder = tmp_path_factory.mktemp("a person")
    ffmpeg("-i", man_at_webcam, "-t", "4", *ENCODED, folder / "man.mp4")
    ffmpeg("-i", man_at_webcam, "-t", "1.6", *ENCODED, folder / "short.mp4")
    # The face has 108 of 300 lines: 12 lines in the corner of a large picture, or 35 with irises 15 px apart.
    corner = "scale=-2:34,pad=1280:720:1200:660:gray"
    ffmpeg("-i", man_at_webcam, "-t", "4", "-vf", corner, *ENCODED, folder / "far.mp4")
    ffmpeg("-i", man_at_webcam, "-t", "4", "-vf", "scale=128:96", *ENCODED, folder / "small.mp4")
    return refuse(folder, REFUSED_PERSON, "man.mp4")


def assert_refused(refusal: Refusal, sentence: str) -> None:
    """Exit status 2, this one sentence, and nothing in the results."""
    done, out = refusal
    assert done.returncode == 2, done.stdout + done.stderr
    said = done.stderr.strip()
    assert said and "\n" not in said, f"not one sentence: {said!r}"
    assert re.fullmatch(r"[A-Z]\w+: .{20,}\.", said), said
    assert sentence in said, said
    assert not out.exists(), f"left behind: {sorted(path.name for path in out.rglob('*'))}"


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_told_in_one_sentence_and_leaves_nothing(
    case: str, refusals: dict[str, Refusal]
) -> None:
    assert_refused(refusals[case], REFUSED[case][1])


@pytest.mark.parametrize("case", REFUSED_PERSON)
def test_a_person_who_cannot_be_measured_is_told_in_one_sentence_and_leaves_nothing(
    case: str, refusals_of_a_person: dict[str, Refusal]
) -> None:
    assert_refused(refusals_of_a_person[case], REFUSED_PERSON[case][1])


def test_a_truncated_recording_is_analysed_and_says_what_is_missing(clips: Path, tmp_path: Path) -> None:
    whole, cut, out = tmp_path / "whole.mp4", tmp_path / "cut.mp4", tmp_path / "out"
    ffmpeg("-i", clips / MAN, "-t", "10", "-an", *ENCODED, "-movflags", "+faststart", whole)
    cut.write_bytes(whole.read_bytes()[: int(0.6 * whole.stat().st_size)])
    done = cues("analyze", cut, "--out", out, "--rate", "2", "--workers", "1", *FEW_LOOKS)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    facts = json.loads((out / "session.json").read_text())
    assert 3 < facts["duration_s"] < 9
    (note,) = facts["notes"]
    assert "promises 10.0 s" in note and f"{facts['duration_s']:.1f} s can be read" in note
    assert "promises 10.0 s" in done.stdout, "what is missing is not said to the person who waits"


def test_a_folder_that_cannot_take_the_results_is_told_and_left_as_it_was(man_at_webcam: Path, tmp_path: Path) -> None:
    """No file may grow beyond 20 kB: what a full disk does, on any machine."""
    if not sys.platform.startswith("linux"):
        pytest.skip("RLIMIT_FSIZE is needed to stand for a full disk")
    out = tmp_path / "out"
    command = [sys.executable, "-m", "cues", "analyze", str(man_at_webcam), "--out", str(out), *FEW_LOOKS]
    limited = (
        "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000));"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    done = subprocess.run([sys.executable, "-c", limited, *command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.count("\n") == 1 and "cannot be written" in done.stderr and "make room" in done.stderr
    assert [path.name for path in out.iterdir()] in ([], [".partial"])


def test_a_results_file_that_cannot_be_replaced_leaves_no_tables_without_minutes(
    man_at_webcam: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "minutes.csv" / "in the way").mkdir(parents=True)
    done = cues("analyze", man_at_webcam, "--out", out, "--rate", "1", "--workers", "1", *FEW_LOOKS)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert "cannot be written" in done.stderr
    assert not list(out.glob("*.parquet"))


def when_segments_are_finished(out: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Waits until this many segments of a running analysis are finished."""
    deadline = time.monotonic() + 600
    while len(list(out.glob(".partial/*/segment-*.pickle"))) < count:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "no segment was finished"
        time.sleep(0.02)


def workers_of(pid: int) -> list[int]:
    """Process numbers of the worker processes of a running command."""
    workers = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            command = (entry / "cmdline").read_bytes()
        except (OSError, ValueError):
            continue
        if parent == pid and b"spawn_main" in command:
            workers.append(int(entry.name))
    return workers


STOPS = {
    # how: exit status, what is said
    "Ctrl-C": (130, "Interrupted. What is finished is kept"),
    "a worker killed": (2, "was ended from outside, probably because memory ran out"),
    "everything killed": (-signal.SIGKILL, ""),
}


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="process numbers are read from /proc")
def test_a_stopped_analysis_goes_on_from_its_finished_parts_and_ends_as_if_undisturbed(
    longer_recording: Path, tmp_path: Path
) -> None:
    """Stopped three times, then finished by two processes; the same analysis by one process without a stop."""
    out, alone = tmp_path / "out", tmp_path / "alone"
    options = ("--rate", "2", *FEW_LOOKS)
    undisturbed = cues("analyze", longer_recording, "--out", alone, "--workers", "1", *options)
    assert undisturbed.returncode == 0, undisturbed.stderr

    kept: dict[Path, int] = {}
    for count, (how, (status, sentence)) in enumerate(STOPS.items(), start=1):
        process = start_cues("analyze", longer_recording, "--out", out, "--workers", "1", *options)
        when_segments_are_finished(out, count, process)
        if how == "a worker killed":
            for worker in workers_of(process.pid):
                os.kill(worker, signal.SIGKILL)
        else:
            os.killpg(process.pid, signal.SIGINT if how == "Ctrl-C" else signal.SIGKILL)
        stopped = ended(process, timeout=180)
        assert stopped.returncode == status, (how, stopped.stderr)
        assert sentence in stopped.stderr and stopped.stderr.count("\n") == bool(sentence), (how, stopped.stderr)
        assert [path.name for path in out.iterdir()] == [".partial"]
        now = {path: path.stat().st_mtime_ns for path in out.glob(".partial/*/*.pickle")}
        assert {path: now[path] for path in kept} == kept, f"finished parts were made again after {how}"
        kept = now
    assert len(kept) < 1 + 5, "the analysis was not stopped in the middle"

    done = cues("analyze", longer_recording, "--out", out, "--workers", "2", *options)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in out.iterdir()} == {path.name for path in alone.iterdir()}
    for name in ("minutes.csv", "episodes.csv"):
        assert (out / name).read_bytes() == (alone / name).read_bytes()
    one, other = read_observations(out), read_observations(alone)
    for a, b in ((one.table, other.table), (one.scene, other.scene)):
        for column in a.column_names:
            np.testing.assert_array_equal(a[column].to_numpy(), b[column].to_numpy(), err_msg=column)
