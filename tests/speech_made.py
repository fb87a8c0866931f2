"""Speech for tests, spoken by espeak-ng: two voices that take turns."""

import functools
import io
import shutil
import subprocess
import wave

import numpy as np
import pytest

RATE = 16000
WORDS = (
    "morning sister station letter quiet always never window talk listen angry happy because garden promise week "
    "remember feeling child river school money open answer question doctor sleep dream train work home "
    "together alone mother father summer winter heavy light yesterday tomorrow perhaps nothing everything small"
)


def spoken(text: str, voice: str = "en", speed: int = 160) -> np.ndarray:
    """(n,) float32 at RATE: the text as espeak-ng says it. Skips the test where espeak-ng is not installed."""
    if not shutil.which("espeak-ng"):
        pytest.skip("the espeak-ng command is not installed")
    done = subprocess.run(
        ["espeak-ng", "-v", voice, "-s", str(speed), "--stdout", text], capture_output=True, check=True
    )
    with wave.open(io.BytesIO(done.stdout)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), np.int16).astype(np.float32) / 32768
    times = np.arange(round(len(samples) * RATE / rate)) * rate / RATE
    return np.interp(times, np.arange(len(samples)), samples).astype(np.float32)


@functools.cache
def turns(seconds: float, seed: int = 0) -> tuple[tuple[int, int, np.ndarray], ...]:
    """Turns of a talk of `seconds`: (voice 0 or 1, first sample, samples); pauses between them, no overlap."""
    rng = np.random.default_rng(seed)
    found, position, voice = [], RATE // 2, 0
    while position < seconds * RATE:
        text = " ".join(rng.choice(WORDS.split(), rng.integers(6, 20)))
        samples = spoken(text, ("en", "en+f3")[voice], int(rng.integers(140, 185)))
        found.append((voice, position, samples[: max(0, int(seconds * RATE) - position)]))
        position += len(samples) + int(rng.uniform(0.2, 1.2) * RATE)
        voice = 1 - voice
    return tuple(found)


def conversation(seconds: float, seed: int = 0, voice: int | None = None) -> np.ndarray:
    """(n,) the talk of both voices, or of one of them alone."""
    whole = np.zeros(round(seconds * RATE), np.float32)
    for speaker, start, samples in turns(seconds, seed):
        if voice in (None, speaker):
            whole[start : start + len(samples)] += samples
    return whole
