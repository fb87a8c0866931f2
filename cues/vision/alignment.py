"""Two recordings of one conversation, laid on one clock by their sound.

Conventions
-----------
`time_b = time_a * (1 + drift_ppm / 1e6) + offset_s`, both in seconds from time 0 of their own file. A positive offset
means that the second file began earlier.

Method (METHOD 1.4): the loudness of four speech bands every 10 ms, freed of slow changes, so that different microphones
and distances look alike; generalised cross-correlation with phase transform (Knapp & Carter 1976) of these, first of
5-minute chunks against the whole other file, then of 60-s anchors around what the best chunk found; a line through the
anchors that agree gives offset and drift. In a call both files may hold each voice once direct and once after the
network: what is aligned is the sound, and the network's delay stays inside (METHOD 1.4).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import uniform_filter1d
from scipy.stats import theilslopes

from cues.errors import RecordingError
from cues.parameters import Sound as SoundParameters
from cues.vision.sound import SOUND, SPEECH_RATE, read_sound

STEP_S = 0.01
STEP_HZ = 100
WINDOW_S = 0.02
BANDS_HZ = ((200, 500), (500, 1000), (1000, 2000), (2000, 3500))
SLOW_S = 1.0  # changes of loudness slower than this are taken out
MODULATION_HZ = (0.5, 20.0)  # loudness of speech changes at these rates
QUIET_DB = 45.0  # below the loudest: noise of the microphone, not sound of the room


@dataclass(frozen=True)
class Alignment:
    """Clock of the second file against the first (see the module's convention)."""

    offset_s: float
    drift_ppm: float
    residual_s: float  # root mean square distance of the agreeing anchors from the line
    anchors: int  # stretches of sound that could be compared
    anchors_agreeing: int
    peak_sd: float  # of the coarse offset: height over the other lags, in their deviations
    confidence: str  # good, or weak: residual over METHOD's 40 ms, or a single anchor


def align_by_sound(path_a: str | Path, path_b: str | Path, parameters: SoundParameters = SOUND) -> Alignment:
    """The alignment of two recordings of one conversation.

    Raises RecordingError where either has no sound, or where they do not hold the same sound; the offset must then be
    given by the caller.
    """
    bands = [_loudness(Path(path)) for path in (path_a, path_b)]
    names = f"{Path(path_a).name} and {Path(path_b).name}"
    found = _align(bands[0], bands[1], parameters)
    if found is None:
        raise RecordingError(
            f"{names} hold no sound in common, so they cannot be aligned by it; give the offset between them with "
            "--offset SECONDS (time of the second file when the first begins)."
        )
    return found


def _align(a: np.ndarray, b: np.ndarray, parameters: SoundParameters) -> Alignment | None:
    """Alignment of loudness series (bands, n) at STEP_HZ; None where they hold no sound in common."""
    coarse, peak = _coarse_lag(a, b, parameters)
    if coarse is None or peak < parameters.coarse_peak_sd:
        return None
    begin, end = max(0, -coarse), min(a.shape[1], b.shape[1] - coarse)
    overlap = end - begin
    length = min(round(parameters.anchor_s * STEP_HZ), max(overlap // 4, 10 * STEP_HZ), overlap)
    search = round(parameters.anchor_search_s * STEP_HZ)
    surrounded = np.pad(b, ((0, 0), (search, search)))
    times, lags = [], []
    anchors = 0
    for start in range(begin, end - length + 1, max(1, length)):
        there = start + coarse  # in `surrounded` this is `search` steps before the coarse place
        lag, height = _best_fit(a[:, start : start + length], surrounded[:, there : there + length + 2 * search])
        anchors += 1
        if height >= parameters.anchor_peak_sd:
            times.append((start + length / 2) * STEP_S)
            lags.append((lag - search + coarse) * STEP_S)
    if not times:
        return None
    return _line(np.array(times), np.array(lags), anchors, peak, parameters)


def _line(
    times: np.ndarray, lags: np.ndarray, anchors: int, peak: float, parameters: SoundParameters
) -> Alignment | None:
    """The line that most anchors lie on; None where too few agree or it is steeper than a clock can be."""
    slope, level = 0.0, float(np.median(lags))
    if len(times) >= 3:
        slope, level = theilslopes(lags, times)[:2]
    agree = np.abs(lags - level - slope * times) <= 2 * parameters.residual_max_s
    # An hour's drift shows in many anchors; over a minute or two noise would be taken for it.
    if agree.sum() >= 3 and np.ptp(times[agree]) >= 2 * parameters.anchor_s:
        slope, level = np.polyfit(times[agree], lags[agree], 1)
    elif agree.any():
        slope, level = 0.0, float(lags[agree].mean())
    if agree.sum() < parameters.anchors_agree * len(times) or abs(slope) * 1e6 > parameters.drift_max_ppm:
        return None
    residual = float(np.sqrt(np.mean(np.square(lags - level - slope * times)[agree])))
    good = residual <= parameters.residual_max_s and agree.sum() >= 2
    return Alignment(
        offset_s=float(level),
        drift_ppm=float(slope * 1e6),
        residual_s=residual,
        anchors=anchors,
        anchors_agreeing=int(agree.sum()),
        peak_sd=float(peak),
        confidence="good" if good else "weak",
    )


def _coarse_lag(a: np.ndarray, b: np.ndarray, parameters: SoundParameters) -> tuple[int | None, float]:
    """(lag in steps of the chunk of `a` whose peak against all of `b` stands out most, its height)."""
    chunk = min(round(parameters.coarse_chunk_s * STEP_HZ), a.shape[1])
    best, best_height = None, 0.0
    if not chunk or not b.any():
        return best, best_height
    surrounded = np.pad(b, ((0, 0), (chunk, chunk)))
    for start in range(0, max(1, a.shape[1] - chunk // 2), chunk):
        part = a[:, start : start + chunk]
        lag, height = _best_fit(part, surrounded)
        if height > best_height:
            best, best_height = round(lag) - chunk - start, height
    return best, best_height


def _best_fit(part: np.ndarray, other: np.ndarray) -> tuple[float, float]:
    """(step of `other`, to a fraction, at which `part` fits best; height of that peak in deviations of all steps)."""
    length = next_fast_len(part.shape[1] + other.shape[1])
    cross = np.conj(rfft(part, length)) * rfft(other, length)
    rates = np.fft.rfftfreq(length, STEP_S)
    cross[:, (rates < MODULATION_HZ[0]) | (rates > MODULATION_HZ[1])] = 0
    phases = np.divide(cross, np.abs(cross), out=np.zeros_like(cross), where=np.abs(cross) > 1e-12)
    correlation = irfft(phases.sum(axis=0), length)[: other.shape[1] - part.shape[1] + 1]
    top = int(np.argmax(correlation))
    rest = np.median(correlation)
    deviation = 1.4826 * np.median(np.abs(correlation - rest))
    height = float((correlation[top] - rest) / deviation) if deviation > 0 else 0.0
    return top + _between(correlation, top), height


def _between(values: np.ndarray, top: int) -> float:
    """Where between the neighbours the peak lies, by a parabola: -0.5 to 0.5."""
    if not 0 < top < len(values) - 1:
        return 0.0
    before, peak, after = values[top - 1 : top + 2]
    bend = before - 2 * peak + after
    return float(0.5 * (before - after) / bend) if bend < 0 else 0.0


def _loudness(path: Path) -> np.ndarray:
    """(bands, n) loudness every 10 ms, freed of slow changes and scaled to deviation 1; zeros where all is quiet."""
    sound = read_sound(path)
    if sound is None:
        raise RecordingError(
            f"{path.name} has no sound to align it by; give the offset between the files with --offset SECONDS."
        )
    hop, window = round(STEP_S * SPEECH_RATE), round(WINDOW_S * SPEECH_RATE)
    frequencies = np.fft.rfftfreq(window, 1 / SPEECH_RATE)
    masks = np.array([(frequencies >= low) & (frequencies < high) for low, high in BANDS_HZ], float)
    shape = np.hanning(window)
    power = []
    tail = np.zeros((len(sound.channels), window - hop), np.float32)
    for block in sound.blocks():
        samples = np.concatenate([tail, block], axis=1)
        if samples.shape[1] < window:
            break
        frames = np.lib.stride_tricks.sliding_window_view(samples, window, axis=1)[:, ::hop]
        spectrum = np.square(np.abs(rfft(frames * shape, axis=2)))
        power.append(masks @ spectrum.sum(axis=0).T)
        tail = samples[:, frames.shape[1] * hop :]
    if not power:
        return np.zeros((len(BANDS_HZ), 0))
    level = 10 * np.log10(np.maximum(np.concatenate(power, axis=1), 1e-12))
    level = np.maximum(level, level.max(axis=1, keepdims=True) - QUIET_DB)
    fast = level - uniform_filter1d(level, round(SLOW_S * STEP_HZ), axis=1)
    deviation = fast.std(axis=1, keepdims=True)
    return np.divide(fast, deviation, out=np.zeros_like(fast), where=deviation > 1e-6)
