"""Two recordings of one conversation are laid on one clock by their sound, or refused."""

import wave
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import butter, fftconvolve, sosfilt

from cues.errors import RecordingError
from cues.vision.alignment import Alignment, align_by_sound
from cues.vision.video import read_info
from tests.media_made import ffmpeg
from tests.speech_made import conversation

RATE = 16000


def write_sound(path: Path, samples: np.ndarray) -> Path:
    """A recording whose sound is `samples` (n,) at RATE, with a small picture."""
    sound = path.with_suffix(".wav")
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes())
    picture = ("-f", "lavfi", "-i", f"color=s=64x64:r=5:d={len(samples) / RATE}")
    ffmpeg(*picture, "-i", sound, "-c:v", "mpeg4", "-c:a", "aac", "-b:a", "64k", path)
    return path


def as_heard(
    samples: np.ndarray, start_s: float, length_s: float, seed: int, band: tuple[float, float], noise: float,
    drift_ppm: float = 0.0,
) -> np.ndarray:  # fmt: skip
    """What another microphone records of the room from `start_s` on: its band, echo, noise and clock."""
    rng = np.random.default_rng(seed)
    times = start_s + np.arange(round(length_s * RATE)) / RATE / (1 + drift_ppm * 1e-6)
    heard = np.interp(times, np.arange(len(samples)) / RATE, samples, left=0.0, right=0.0)
    echo = rng.normal(size=RATE // 4) * np.exp(-np.arange(RATE // 4) / (0.05 * RATE))
    echo[0] = 3.0
    heard = fftconvolve(heard, echo / np.linalg.norm(echo))[: len(heard)]
    heard = sosfilt(butter(2, band, "bandpass", fs=RATE, output="sos"), heard)
    heard = heard / np.std(heard) * 0.05
    return heard + rng.normal(size=len(heard)) * 0.05 * noise


def offsets_are(found: Alignment, offset_s: float, drift_ppm: float, times: list[float]) -> bool:
    """Whether the found clock is within 20 ms of the true one at `times` of the first file."""
    at = np.array(times)
    true = at * (1 + drift_ppm * 1e-6) + offset_s
    return bool(np.all(np.abs(at * (1 + found.drift_ppm * 1e-6) + found.offset_s - true) < 0.020))


@pytest.mark.parametrize("offset_s", [-37.25, 3.1])
def test_known_offsets_are_found_between_different_microphones(tmp_path: Path, offset_s: float) -> None:
    room = conversation(180)
    a = write_sound(tmp_path / "a.mp4", as_heard(room, 40, 130, 1, (150, 6000), 0.1))
    b = write_sound(tmp_path / "b.mkv", 0.1 * as_heard(room, 40 - offset_s, 100, 2, (300, 3300), 0.5))
    found = align_by_sound(a, b)
    begins = read_info(b).start - read_info(a).start  # mkv begins its picture where AAC's first samples are played out
    assert offsets_are(found, offset_s + begins, 0.0, [0, 60, 120])
    assert found.residual_s < 0.02 and found.confidence == "good"


def test_a_drifting_clock_is_found(tmp_path: Path) -> None:
    room = conversation(300)
    a = write_sound(tmp_path / "a.mp4", as_heard(room, 0, 300, 3, (150, 6000), 0.1))
    b = write_sound(tmp_path / "b.mp4", as_heard(room, 5.0, 290, 4, (200, 4000), 0.3, drift_ppm=100))
    found = align_by_sound(a, b)
    assert found.drift_ppm == pytest.approx(100, abs=15)
    assert offsets_are(found, -5.0 * (1 + 1e-4), 100, [5, 150, 295])
    assert found.residual_s < 0.02


def test_sound_of_another_conversation_is_refused(tmp_path: Path) -> None:
    a = write_sound(tmp_path / "a.mp4", as_heard(conversation(120, seed=1), 0, 120, 5, (150, 6000), 0.1))
    b = write_sound(tmp_path / "b.mp4", as_heard(conversation(120, seed=2), 0, 120, 6, (150, 6000), 0.1))
    with pytest.raises(RecordingError, match=r"a\.mp4 and b\.mp4 hold no sound in common.*--offset"):
        align_by_sound(a, b)


def test_files_without_sound_or_with_silence_are_refused(tmp_path: Path, plain_mp4: Path) -> None:
    a = write_sound(tmp_path / "a.mp4", as_heard(conversation(30), 0, 30, 7, (150, 6000), 0.1))
    with pytest.raises(RecordingError, match="plain.mp4 has no sound.*--offset"):
        align_by_sound(a, plain_mp4)
    with pytest.raises(RecordingError, match="--offset"):
        align_by_sound(a, write_sound(tmp_path / "silent.mp4", np.zeros(30 * RATE)))


def test_half_a_minute_in_common_is_enough(tmp_path: Path) -> None:
    room = conversation(120)
    a = write_sound(tmp_path / "a.mp4", as_heard(room, 0, 70, 8, (150, 6000), 0.1))
    b = write_sound(tmp_path / "b.mp4", as_heard(room, 40, 70, 9, (200, 4000), 0.3))
    assert offsets_are(align_by_sound(a, b), -40.0, 0.0, [40, 70])
