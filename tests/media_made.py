"""Media made for the tests with the `ffmpeg` command: every frame says which one it is.

A *marked* frame carries its number as a row of BITS blocks (white is 1, black is 0, lowest bit on the left) and four
corners of different colours, so that a test can read from the pixels which frame it got and whether it is upright.
"""

import functools
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

BITS = 10
CORNERS = {  # (down, across) as shares of the picture, colour in BGR
    (0.09, 0.07): (40, 40, 220),
    (0.09, 0.93): (40, 200, 40),
    (0.91, 0.07): (220, 60, 40),
    (0.91, 0.93): (235, 235, 235),
}


def marked_frame(number: int, width: int, height: int) -> np.ndarray:
    """(height, width, 3) uint8 BGR picture that carries `number`."""
    image = np.full((height, width, 3), 96, np.uint8)
    for (down, across), colour in CORNERS.items():
        top, left = int((down - 0.09) * height), int((across - 0.07) * width)
        image[top : top + int(0.18 * height), left : left + int(0.14 * width)] = colour
    edges = np.linspace(0, width, BITS + 1).astype(int)
    for bit in range(BITS):
        value = 255 if number >> bit & 1 else 0
        image[int(0.35 * height) : int(0.65 * height), edges[bit] : edges[bit + 1]] = value
    return image


def number_in(image: np.ndarray) -> int:
    """The number a marked picture carries; fails where a block is neither black nor white."""
    height, width = image.shape[:2]
    number = 0
    for bit in range(BITS):
        centre = int((bit + 0.5) * width / BITS)
        block = image[int(0.45 * height) : int(0.55 * height), centre - 2 : centre + 3].astype(float).mean()
        assert block < 80 or block > 176, f"block {bit} is neither black nor white: {block:.0f}"
        number |= int(block > 128) << bit
    return number


def corner_errors(image: np.ndarray) -> float:
    """Largest difference of a corner's colour from what was drawn there (upright, not mirrored, blue first)."""
    height, width = image.shape[:2]
    differences = []
    for (down, across), colour in CORNERS.items():
        y, x = int(down * height), int(across * width)
        patch = image[y - 3 : y + 4, x - 3 : x + 4].reshape(-1, 3).astype(float).mean(axis=0)
        differences.append(np.abs(patch - colour).max())
    return max(differences)


@functools.cache
def encoders() -> str:
    """What `ffmpeg -encoders` prints; empty where there is no ffmpeg."""
    if not shutil.which("ffmpeg"):
        return ""
    return subprocess.run(["ffmpeg", "-hide_banner", "-encoders"], capture_output=True, text=True).stdout


def needs_encoder(*names: str) -> None:
    """Skips the test where this machine's ffmpeg lacks an encoder."""
    if not encoders():
        pytest.skip("the ffmpeg command is not installed")
    for name in names:
        if f" {name} " not in encoders():
            pytest.skip(f"this machine's ffmpeg has no encoder {name}")


def ffmpeg(*arguments: str | Path, input: bytes | None = None) -> None:
    """Runs ffmpeg; fails with what it said."""
    needs_encoder()
    command = ["ffmpeg", "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    if input is not None:
        command.remove("-nostdin")
    done = subprocess.run(command, input=input, capture_output=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.decode(errors='replace')}"


def marked_video(
    path: Path,
    *encoding: str | Path,
    numbers: Iterable[int] = range(90),
    rate: float = 30,
    size: tuple[int, int] = (320, 240),
    change: Callable[[np.ndarray], np.ndarray] = lambda image: image,
    inputs: tuple[str | Path, ...] = (),
) -> Path:
    """A video of marked frames with these `numbers` at `rate`, encoded by ffmpeg with `encoding`; `change` is done to
    each picture before, `inputs` are further inputs (sound)."""
    pictures = [np.ascontiguousarray(change(marked_frame(number, *size))) for number in numbers]
    height, width = pictures[0].shape[:2]
    raw = ["-f", "rawvideo", "-pix_fmt", "bgr24", "-s", f"{width}x{height}", "-r", str(rate), "-i", "-"]
    ffmpeg(*raw, *inputs, *encoding, path, input=b"".join(picture.tobytes() for picture in pictures))
    return path


H264 = ("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-bf", "2", "-g", "30")


def turned(image: np.ndarray, clockwise: int) -> np.ndarray:
    """The picture turned clockwise by a multiple of 90 degrees."""
    codes = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
    return cv2.rotate(image, codes[clockwise]) if clockwise else image


@pytest.fixture(scope="session")
def media_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the media made once for the whole run."""
    return tmp_path_factory.mktemp("media")


@pytest.fixture(scope="session")
def plain_mp4(media_folder: Path) -> Path:
    """Three seconds of marked frames: H.264 with B-frames, a key frame each second, 30 a second, no sound."""
    needs_encoder("libx264")
    return marked_video(media_folder / "plain.mp4", *H264)
