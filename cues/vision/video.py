"""Video frames at a steady rate with true times, upright, with square pixels.

Conventions
-----------
Images are (height, width, 3) uint8, blue-green-red, C-contiguous. Times are seconds, 0 where a browser's player is at
`currentTime` 0 (see `timeline`). The frame on screen at t is the last one whose time is <= t (1 ms of tolerance).

Speed: the timeline says before decoding which frames are wanted. Packets that no wanted frame depends on are not
decoded, frames that nothing else depends on are skipped inside the decoder, and only wanted frames are converted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from cues.errors import RecordingError
from cues.parameters import Media
from cues.recording import open_container
from cues.vision.decoding import decoded, wanted_frames
from cues.vision.headers import promised_duration
from cues.vision.picture import Picture, picture_of
from cues.vision.timeline import MEDIA, Timeline, packets_of, read_timeline, video_stream


@dataclass(frozen=True)
class Frame:
    """One frame: `time` [s] at which it comes on screen, `image` (height, width, 3) BGR uint8."""

    time: float
    image: np.ndarray


@dataclass(frozen=True)
class VideoInfo:
    """What a recording's video is. Lengths in pixels of the upright picture with square pixels."""

    width: int
    height: int
    start: float  # [s] of the first frame
    duration: float  # [s] from time 0 until the last frame leaves the screen
    frame_rate: float  # frames per second, from timestamps; 0 with a single frame
    frame_rate_spread: float  # (95th - 5th percentile) of the frame intervals over their median
    frame_rate_steady: bool
    codec: str
    pixel_format: str
    rotation: int  # [deg] clockwise turn that makes the stored picture upright
    mirrored: bool  # whether left and right are exchanged after the turn
    pixel_aspect: float  # width of a stored pixel over its height
    interlaced: bool
    sound_streams: int
    container: str
    truncated: str | None  # what is missing, in words


def read_info(path: str | Path, limits: Media = MEDIA) -> VideoInfo:
    """Size, duration, rate and kind of a recording's video, from its timestamps and its first frame.

    Raises RecordingError: missing, empty, damaged beyond use, no video, no frame, absurd size or length.
    """
    path = Path(path)
    timeline = read_timeline(path, limits)
    ticks = timeline.frame_ticks
    if timeline.end > limits.max_hours * 3600:
        raise RecordingError(
            f"{path.name} says that it lasts {timeline.end / 3600:.0f} hours, more than {limits.max_hours:.0f}; "
            "its timestamps are damaged or it is no session: export it again."
        )
    with open_container(path, limits.max_pixels) as container:
        stream = video_stream(container, path)
        first = _first_frame(path, container, stream)
        picture = picture_of(first, stream.sample_aspect_ratio)
        promised = promised_duration(path, container, stream)
        sound_streams = len(container.streams.audio)
        kind = container.format.name
        codec = stream.codec_context.codec.canonical_name
    intervals = np.diff(timeline.seconds(ticks))
    spread = float(np.ptp(np.percentile(intervals, [5, 95])) / np.median(intervals)) if len(intervals) else 0.0
    readable = max(timeline.last_packet_s, timeline.end)
    missing = promised > readable + limits.missing_end_s
    return VideoInfo(
        width=picture.width,
        height=picture.height,
        start=float(timeline.seconds(ticks[0])),
        duration=timeline.end,
        frame_rate=float(1 / intervals.mean()) if len(intervals) else 0.0,
        frame_rate_spread=spread,
        frame_rate_steady=spread <= limits.steady_spread,
        codec=codec,
        pixel_format=first.format.name,
        rotation=picture.rotation,
        mirrored=picture.mirrored,
        pixel_aspect=picture.pixel_aspect,
        interlaced=first.interlaced_frame,
        sound_streams=sound_streams,
        container=kind,
        truncated=(
            f"the header promises {promised:.1f} s and only {timeline.end:.1f} s can be read" if missing else None
        ),
    )


def read_frames(
    path: str | Path,
    rate: float,
    start: float = 0.0,
    end: float | None = None,
    *,
    max_height: int | None = None,
    threads: int | None = None,
    undecodable: list[float] | None = None,
    limits: Media = MEDIA,
) -> Iterator[Frame]:
    """Frames at the instants k / rate (k integer) in [start, end) [s]: at each the frame on screen, each frame once.

    The choice depends on absolute time only: segments [a, b) and [b, c) read apart give the frames of [a, c). A frame
    keeps its true time, so the first of a segment may lie before `start`.

    max_height: pictures are scaled down to at most this height, never up.
    threads: of the decoder; by default one in a pool's worker process, else as many as the machine has.
    undecodable: times [s] of wanted frames that could not be decoded are appended; reading goes on behind them.
    Raises RecordingError as `read_info`, ValueError for a rate that is not positive.
    """
    if not rate > 0:
        raise ValueError(f"rate must be positive, not {rate}")
    timeline = read_timeline(path, limits)
    wanted = timeline.on_grid(rate, start, end, limits.on_screen_tolerance_s)
    yield from _frames(Path(path), timeline, wanted, max_height, threads, undecodable, limits)


def read_frames_at(
    path: str | Path,
    times: Sequence[float] | np.ndarray,
    *,
    max_height: int | None = None,
    threads: int | None = None,
    undecodable: list[float] | None = None,
    limits: Media = MEDIA,
) -> Iterator[Frame]:
    """The frames on screen at `times` [s], ascending, each once; only what they depend on is decoded.

    Times before the first frame give nothing; times after the end give the last frame. Arguments and errors as
    `read_frames`.
    """
    timeline = read_timeline(path, limits)
    wanted = timeline.at(np.asarray(times, float), limits.on_screen_tolerance_s)
    yield from _frames(Path(path), timeline, wanted, max_height, threads, undecodable, limits)


def _first_frame(path: Path, container: InputContainer, stream: VideoStream) -> VideoFrame:
    for packet in packets_of(container, [stream]):
        for frame in decoded(stream, packet):
            return frame
    for frame in decoded(stream, None):
        return frame
    raise RecordingError(f"{path.name}: none of its pictures can be decoded; copy or export the recording again.")


def _frames(
    path: Path,
    timeline: Timeline,
    wanted: np.ndarray,
    max_height: int | None,
    threads: int | None,
    undecodable: list[float] | None,
    limits: Media,
) -> Iterator[Frame]:
    """The wanted frames in order of time. A frame that comes out of the decoder early waits for the ones before it."""
    if not len(wanted):
        return
    outstanding = [int(tick) for tick in wanted[::-1]]
    asked = set(outstanding)
    waiting: dict[int, np.ndarray] = {}
    patience = int(limits.step_back_s / timeline.time_base)
    picture: Picture | None = None
    for tick, frame, aspect in wanted_frames(path, timeline, wanted, threads, limits):
        if tick in asked:
            asked.discard(tick)
            picture = picture or picture_of(frame, aspect, max_height)
            waiting[tick] = picture.upright(frame)
        while outstanding and (outstanding[-1] in waiting or outstanding[-1] < tick - patience):
            due = outstanding.pop()
            asked.discard(due)
            if due in waiting:
                yield Frame(float(timeline.seconds(due)), waiting.pop(due))
            elif undecodable is not None:
                undecodable.append(float(timeline.seconds(due)))
    for due in outstanding[::-1]:
        if due in waiting:
            yield Frame(float(timeline.seconds(due)), waiting.pop(due))
        elif undecodable is not None:
            undecodable.append(float(timeline.seconds(due)))
