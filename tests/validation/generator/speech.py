"""Speech of a session: espeak-ng voices taking turns, and mouth shapes that follow the sound."""

import io
import shutil
import subprocess
import wave
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from .dialogue import LINES

SAMPLE_RATE = 22050
VOICES = (("en-gb+f3", 150, 52), ("en-us+m3", 146, 38))


class SpeechMissing(RuntimeError):
    """espeak-ng is not installed."""


@dataclass(frozen=True)
class Turn:
    person: int
    start: float
    end: float
    text: str


def spoken(person: int, text: str) -> np.ndarray:
    """A line as the person says it, (samples,) float32 at SAMPLE_RATE, from its first sound to its last."""
    voice, speed, pitch = VOICES[person]
    if shutil.which("espeak-ng") is None:
        raise SpeechMissing("espeak-ng is needed to render a session with speech: install the package espeak-ng")
    sound = subprocess.run(
        ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", text],
        check=True,
        capture_output=True,
    ).stdout
    with wave.open(io.BytesIO(sound)) as file:
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16) / 32768.0
    loud = np.flatnonzero(np.abs(samples) > 0.01)
    return samples[loud[0] : loud[-1] + 1].astype(np.float32)


def converse(
    rng: np.random.Generator, duration: float, lines: tuple[tuple[int, str], ...] = LINES
) -> tuple[list[Turn], np.ndarray]:
    """Turns and each person's own sound, (2, samples) float32 at SAMPLE_RATE; pauses stretch to fill a long
    session."""
    total = int(duration * SAMPLE_RATE)
    sound = np.zeros((2, total), np.float32)
    said = []
    for person, text in lines:
        said.append(spoken(person, text))
        if sum(len(s) for s in said) > total:
            break
    speech = sum(len(s) for s in said) / SAMPLE_RATE
    mean_pause = float(np.clip((duration - 2.5 - speech) / len(said), 0.5, 3.0))
    turns, t = [], 1.0
    for (person, text), samples in zip(lines, said, strict=False):
        end = t + len(samples) / SAMPLE_RATE
        if end > duration - 0.5:
            break
        start = int(t * SAMPLE_RATE)
        sound[person, start : start + len(samples)] += samples
        turns.append(Turn(person, t, end, text))
        t = end + mean_pause * float(np.clip(rng.lognormal(-0.12, 0.5), 0.35, 2.4))
    return turns, sound


def mouth(sound: np.ndarray, times: np.ndarray) -> dict[str, np.ndarray]:
    """Weights of the mouth shapes at `times` [s] from one person's sound, (samples,).

    The jaw follows loudness between 100 Hz and 1 kHz, rounding a low spectral middle, spread lips a high
    one, and lips close in the short gaps inside speech.
    """
    width = int(0.04 * SAMPLE_RATE)
    places = np.clip((times * SAMPLE_RATE).astype(int) + width // 2, 0, len(sound) - 1)
    padded = np.pad(sound, width)
    window = np.hanning(2 * width)
    frequency = np.fft.rfftfreq(2 * width, 1 / SAMPLE_RATE)
    level, middle = np.zeros(len(times)), np.zeros(len(times))
    band = (frequency > 100) & (frequency < 4000)
    for i, place in enumerate(places):
        part = padded[place : place + 2 * width]
        if np.abs(part).max() < 1e-3:
            continue
        power = np.abs(np.fft.rfft(part * window)) ** 2
        level[i] = np.sqrt(power[(frequency > 100) & (frequency < 1000)].sum())
        middle[i] = (power[band] * frequency[band]).sum() / (power[band].sum() + 1e-9)
    loud = np.percentile(level[level > 0], 90) if (level > 0).any() else 1.0
    step = float(np.median(np.diff(times))) if len(times) > 1 else 0.04
    open_ = gaussian_filter1d(np.clip(level / loud, 0, 1.2), 0.035 / step)
    talking = gaussian_filter1d((level > 0.04 * loud).astype(float), 0.12 / step)
    low = gaussian_filter1d(np.clip((750 - middle) / 450, 0, 1) * (level > 0), 0.05 / step)
    high = gaussian_filter1d(np.clip((middle - 1100) / 1500, 0, 1) * (level > 0), 0.05 / step)
    shut = talking * np.clip(1 - open_ / 0.18, 0, 1)
    return {
        "jawOpen": 0.32 * open_ + 0.03 * talking,
        "mouthFunnel": 0.40 * low * open_,
        "mouthPucker": 0.35 * low * (1 - 0.5 * open_) * talking,
        "mouthLowerDown_L": 0.30 * open_ * (1 - low),
        "mouthLowerDown_R": 0.30 * open_ * (1 - low),
        "mouthUpperUp_L": 0.16 * open_,
        "mouthUpperUp_R": 0.16 * open_,
        "mouthStretch_L": 0.15 * high,
        "mouthStretch_R": 0.15 * high,
        "mouthRollLower": 0.18 * shut,
        "mouthPress_L": 0.16 * shut,
        "mouthPress_R": 0.16 * shut,
    }
