"""The sound of rendered calls made again in other ways, from the same lines at the same times; and who speaks."""

import subprocess
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.validation.generator import speech

RATE = speech.SAMPLE_RATE
STEP_S = 0.1
BLEED_DB = 12.0
SILENT_MINUTE = (120.0, 180.0)

Truth = dict[str, Any]
Tracks = list[np.ndarray]
"""Sound streams of a file, each (channels, samples) float32."""


def voices(truth: Truth) -> np.ndarray:
    """Each person's own voice (2, samples), the lines of the truth spoken again at their times."""
    duration = truth["video"]["duration"]
    sound = np.zeros((2, int(duration * RATE) + 1), np.float32)
    for turn in truth["turns"]:
        samples = speech.spoken(turn["person"], turn["text"])
        start = int(turn["start"] * RATE)
        part = sound[turn["person"], start : start + len(samples)]
        part += samples[: len(part)]
    return 0.8 * sound[:, : int(duration * RATE)]


def speaks(truth: Truth, steps: int) -> np.ndarray:
    """0 silence, 1 the first, 2 the second, 3 both, every 100 ms (n,): who has the turn, pauses within it included."""
    middle = (np.arange(steps) + 0.5) * STEP_S
    found = np.zeros(steps, int)
    for turn in truth["turns"]:
        found |= np.where((middle >= turn["start"]) & (middle < turn["end"]), 1 + turn["person"], 0)
    return found


@dataclass(frozen=True)
class Way:
    """A way to record two voices (2, samples). whose: by what the product should know who speaks, "" where it should
    not; asked: the accuracy that is asked for."""

    name: str
    tracks: Callable[[np.ndarray], Tracks]
    whose: str
    asked: float | None = None


def write(path: Path, tracks: Tracks) -> Path:
    """A sound file with these streams (Matroska, uncompressed)."""
    inputs: list[str] = []
    for number, track in enumerate(tracks):
        part = path.with_suffix(f".{number}.wav")
        with wave.open(str(part), "wb") as file:
            file.setparams((len(track), 2, RATE, 0, "NONE", ""))
            file.writeframes((np.clip(track.T, -1, 1) * 32767).astype("<i2").tobytes())
        inputs += ["-i", str(part)]
    mapped = [word for number in range(len(tracks)) for word in ("-map", str(number))]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *inputs, *mapped, "-c:a", "copy", str(path)], check=True)
    return path


def _one(sound: np.ndarray) -> Tracks:
    return [sound.sum(0, keepdims=True)]


def _noisy(snr_db: float) -> Callable[[np.ndarray], Tracks]:
    """Noise that falls by 3 dB an octave, against the level of the speech while there is some."""

    def made(sound: np.ndarray) -> Tracks:
        mixed = sound.sum(0)
        spectrum = np.fft.rfft(np.random.default_rng(11).normal(size=len(mixed)))
        spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
        noise = np.fft.irfft(spectrum, len(mixed))
        spoken = np.square(mixed[np.abs(mixed) > 0.01]).mean()
        noise *= np.sqrt(spoken / np.square(noise).mean() / 10 ** (snr_db / 10))
        return [(mixed + noise)[None].astype(np.float32)]

    return made


def _music(sound: np.ndarray) -> Tracks:
    """Chords of four notes with overtones that change every two seconds, 15 dB below the speech."""
    mixed = sound.sum(0)
    time = np.arange(len(mixed)) / RATE
    chords = np.array([[220, 277, 330, 440], [196, 247, 294, 392], [175, 220, 262, 349], [165, 208, 247, 330]])
    notes = chords[(time // 2).astype(int) % len(chords)]
    phase = 2 * np.pi * np.cumsum(notes, 0) / RATE
    music = sum(np.sin(k * phase).sum(1) / k for k in (1, 2, 3)) * np.exp(-1.5 * (time % 2))
    spoken = np.square(mixed[np.abs(mixed) > 0.01]).mean()
    music *= np.sqrt(spoken / np.square(music).mean() / 10**1.5)
    return [(mixed + music)[None].astype(np.float32)]


def _silent_minute(sound: np.ndarray) -> Tracks:
    quiet = sound.copy()
    quiet[:, int(SILENT_MINUTE[0] * RATE) : int(SILENT_MINUTE[1] * RATE)] = 0
    return _one(quiet)


def _with_bleed(sound: np.ndarray) -> Tracks:
    through = 10 ** (-BLEED_DB / 20)
    return [np.stack([sound[0] + through * sound[1], 0.5 * (sound[1] + through * sound[0])])]


WAYS = (
    Way("one channel", _one, "mouths", 0.92),
    Way("one channel, noise at 20 dB", _noisy(20), "mouths"),
    Way("one channel, noise at 10 dB", _noisy(10), "mouths"),
    Way("one channel, noise at 5 dB", _noisy(5), "mouths"),
    Way("one channel, music", _music, "mouths"),
    Way("one channel, a minute of it muted", _silent_minute, "mouths"),
    Way("a channel each", lambda sound: [sound], "channels", 0.97),
    Way("a channel each, the other 12 dB quieter in it", _with_bleed, "channels", 0.97),
    Way("a sound stream each", lambda sound: [sound[:1], sound[1:]], "channels", 0.97),
    Way("one voice is not in the sound", lambda sound: [sound[1:]], ""),
)
