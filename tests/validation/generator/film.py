"""Frames from several processes, in order, into one H.264/AAC file."""

import multiprocessing
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

CHUNK = 10


def rendered(draw: Callable[[int], np.ndarray], count: int, workers: int) -> Iterator[np.ndarray]:
    """`draw(k)` for k in 0..count-1, in order; forked workers keep a bounded number of frames ahead."""
    if workers <= 1:
        yield from map(draw, range(count))
        return
    global _draw
    _draw = draw
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        waiting: deque = deque()
        for start in range(0, count, CHUNK):
            waiting.append(pool.apply_async(_chunk, (range(start, min(count, start + CHUNK)),)))
            while len(waiting) > 2 * workers:
                yield from waiting.popleft().get()
        while waiting:
            yield from waiting.popleft().get()


_draw: Callable[[int], np.ndarray] | None = None


def _chunk(frames: range) -> list[np.ndarray]:
    return [_draw(k) for k in frames]


def write(
    path: Path,
    frames: Iterator[np.ndarray],
    rate: int,
    sound: np.ndarray | None,
    sample_rate: int,
    crf: int = 26,
    max_kbps: int | None = 215,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Writes `path` (mp4, fast start, yuv420p). sound: (samples,) float32, put on both channels alike; None
    for silence. max_kbps: most that the picture may take; None for as much as `crf` needs.

    The encoder runs with one thread, so that the same frames give the same file.
    """
    part = path.with_suffix(".partial.mp4")
    with av.open(str(part), "w", options={"movflags": "+faststart"}) as container:
        video = container.add_stream("libx264", rate=rate)
        video.pix_fmt = "yuv420p"
        video.time_base = Fraction(1, rate)
        video.options = {
            "crf": str(crf),
            "preset": "medium",
            "g": str(5 * rate),
            "threads": "1",
        }
        if max_kbps is not None:
            video.options |= {"maxrate": f"{max_kbps}k", "bufsize": f"{4 * max_kbps}k"}
        audio = None
        if sound is not None:
            audio = container.add_stream("aac", rate=sample_rate, layout="stereo")
            audio.bit_rate = 48000
        said = 0
        for k, picture in enumerate(frames):
            if k == 0:
                video.height, video.width = picture.shape[:2]
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="bgr24")
            frame.pts = k
            container.mux(video.encode(frame))
            if audio is not None:
                until = min(len(sound), int((k + 1) / rate * sample_rate))
                said = _say(container, audio, sound, said, until, sample_rate)
            if progress:
                progress(k + 1)
        container.mux(video.encode(None))
        if audio is not None:
            container.mux(audio.encode(None))
    part.replace(path)


def _say(
    container: av.container.OutputContainer,
    audio: av.AudioStream,
    sound: np.ndarray,
    said: int,
    until: int,
    sample_rate: int,
) -> int:
    """Encodes sound[said:until] in blocks of 1024 samples; returns where it got to."""
    last = until == len(sound)
    while until - said >= 1024 or (last and said < until):
        block = np.clip(sound[said : min(said + 1024, until)], -1, 1).astype(np.float32)
        frame = av.AudioFrame.from_ndarray(np.stack([block, block]), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = sample_rate, said, Fraction(1, sample_rate)
        container.mux(audio.encode(frame))
        said += len(block)
    return said
