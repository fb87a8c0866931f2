"""The command line as a person runs it, in a process of its own, on short recordings made from real clips."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.calls_made import MAN, OTHER_MAN, fitted
from tests.media_made import ffmpeg
from tests.speech_made import RATE, conversation

ROOT = Path(__file__).parent.parent
ENCODED = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25")
FEW_LOOKS = ("--set", "layout.searches_max=4", "--set", "layout.pictures_max=30")
"""The survey costs most on short recordings; these are simple enough for a thinner one."""


def start_cues(*arguments: str | Path) -> subprocess.Popen[str]:
    """Starts `python -m cues` with these arguments, in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "cues", *map(str, arguments)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "COLUMNS": "80"},
    )


def ended(process: subprocess.Popen[str], timeout: float = 1200) -> subprocess.CompletedProcess[str]:
    """Waits for a started command; what it printed, and its exit status."""
    try:
        out, err = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def cues(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs `python -m cues` with these arguments to its end."""
    return ended(start_cues(*arguments))


@pytest.fixture(scope="session")
def man_at_webcam(clips: Path, media_folder: Path) -> Path:
    """12 s of one man at a webcam, 400 x 300, without sound."""
    path = media_folder / "man.mp4"
    ffmpeg("-i", clips / MAN, "-t", "12", "-an", *ENCODED, path)
    return path


@pytest.fixture(scope="session")
def talk(media_folder: Path) -> Path:
    """20 s of two people talking, spoken by espeak-ng."""
    path = media_folder / "talk.wav"
    raw = ("-f", "f32le", "-ar", str(RATE), "-ac", "1", "-i", "-")
    ffmpeg(*raw, path, input=conversation(20).tobytes())
    return path


@pytest.fixture(scope="session")
def recorded_call(clips: Path, talk: Path, media_folder: Path) -> Path:
    """12 s of a call made of two clips side by side, 800 x 300, with talk."""
    path = media_folder / "call.mp4"
    graph = fitted(0, 400, 300, "a") + fitted(1, 400, 300, "b") + "[a][b]hstack[call]"
    inputs = ("-i", clips / MAN, "-i", clips / OTHER_MAN, "-i", talk, "-filter_complex", graph)
    ffmpeg(*inputs, "-map", "[call]", "-map", "2:a", "-t", "12", *ENCODED, "-c:a", "aac", path)
    return path


@pytest.fixture(scope="session")
def longer_recording(clips: Path, media_folder: Path) -> Path:
    """125 s of one man at a webcam: five segments."""
    path = media_folder / "longer.mp4"
    ffmpeg("-stream_loop", "2", "-i", clips / MAN, "-t", "125", "-an", *ENCODED, path)
    return path
