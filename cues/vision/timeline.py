"""When each frame of a recording is on screen, from its packets' timestamps, without decoding.

Conventions
-----------
*Tick*: one unit of the video stream's time base (an integer). *Time*: seconds, 0 where a browser's player is at
`currentTime` 0.

Time 0, measured in Chromium 152 on made files (frame number read back from the canvas at set `currentTime`s):
  - mp4, mov, mkv, webm: 0 is the container's own 0. A video that starts at 1.5 s, alone or beside sound that starts
    at 0 or at 0.5 s, shows its first frame at `currentTime` 1.5 (the picture stands still before); nothing is shifted
    to the earliest stream. Also a file of B-frames without edit list whose first frame lies at 0.067 s keeps it.
  - mp4 edit lists are applied (a cut that starts between key frames is at 0 at the cut; what lies before is not shown).
  - other containers (avi, wmv, gif, mpegts, flv) do not play in a browser: there 0 is the first timestamp there is.

Timestamps that are wrong
-------------------------
  - repeated: the frame that comes first keeps the time, later ones are never on screen;
  - missing (a few), or of a packet that is cut off: such a frame is never on screen;
  - stepping back by more than a codec reorders (`Media.step_back_s`): the rest goes on one frame interval after the
    latest time before; a run of times that jumps ahead and comes back is taken as damaged and left out;
  - no presentation times at all (avi with B-frames): the n-th frame shown has the n-th decoding time.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path

import av.error
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from cues.errors import RecordingError
from cues.parameters import Media
from cues.recording import open_container

MEDIA = Media()
BROWSER_FORMATS = ("mov", "mp4", "matroska", "webm")
NO_TICK = np.iinfo(np.int64).min
MAX_READ_ERRORS = 20


@dataclass(frozen=True)
class Timeline:
    """The video packets of one recording, in the order of the file; n packets, at least one of which is shown.

    `stored` (n,) int64: timestamps as the container has them, NO_TICK where missing.
    `shown` (n,) int64: tick at which the packet's frame comes on screen, NO_TICK where it never does.
    `decoded` (n,) int64: decoding timestamps, for seeking.
    `keys` (n,) bool: decoding can start here.
    """

    stored: np.ndarray
    shown: np.ndarray
    decoded: np.ndarray
    keys: np.ndarray
    time_base: Fraction
    zero: Fraction  # [s] of the container at time 0
    last_interval: int  # ticks that the last frame stays on screen
    ordered_by_decoding: bool  # no presentation times: frames are matched by decoding time
    repaired: bool  # some times were changed or left out: packets are found by counting, not by seeking
    last_packet_s: float  # latest end of any stream [s]

    @property
    def frame_ticks(self) -> np.ndarray:
        """Ticks of all frames that come on screen, ascending, each once."""
        return np.unique(self.shown[self.shown != NO_TICK])

    def seconds(self, ticks: np.ndarray | int) -> np.ndarray:
        """Times [s] of ticks."""
        base = self.time_base
        return np.asarray(ticks) * float(base) - float(self.zero)

    @property
    def end(self) -> float:
        """When the last frame leaves the screen [s]."""
        return float(self.seconds(self.frame_ticks[-1] + self.last_interval))

    def on_grid(self, rate: float, start: float, end: float | None, tolerance: float) -> np.ndarray:
        """Ticks of the frames on screen at the instants k / rate in [start, end), each frame once, ascending.

        A frame belongs to the first instant at which it is on screen, whatever `start` is: so the frames of
        [a, b) and [b, c) are together those of [a, c).
        """
        ticks = self.frame_ticks
        begins = self.seconds(ticks) - tolerance
        ends = np.append(begins[1:], self.end - tolerance)
        instant = np.ceil(begins * rate - 1e-9)
        first = max(0.0, np.ceil(start * rate - 1e-6))
        last = np.inf if end is None else np.ceil(end * rate - 1e-6)
        # A frame from before time 0 that is still on screen at 0 belongs to instant 0.
        instant = np.maximum(instant, 0.0)
        return ticks[(instant < ends * rate - 1e-9) & (instant >= first) & (instant < last)]

    def at(self, times: np.ndarray, tolerance: float) -> np.ndarray:
        """Ticks of the frames on screen at `times` [s], ascending, each once; none before the first frame."""
        ticks = self.frame_ticks
        position = np.searchsorted(self.seconds(ticks) - tolerance, np.asarray(times, float), side="right") - 1
        return ticks[np.unique(position[position >= 0])]


def read_timeline(path: str | Path, limits: Media = MEDIA) -> Timeline:
    """The timeline of the recording's first video stream (about 1 s for an hour; kept for the next call).

    Raises RecordingError where the file cannot be opened, has no video, no frame, or pictures of an absurd size.
    """
    path = Path(path)
    stamp = path.stat() if path.exists() else None
    return _read_timeline(path, stamp and (stamp.st_size, stamp.st_mtime_ns), limits)


def video_stream(container: InputContainer, path: Path) -> VideoStream:
    """The stream that shows people: the first video that is not a cover picture.

    Raises RecordingError where there is none.
    """
    videos = [s for s in container.streams.video if s.codec_context is not None]
    moving = [s for s in videos if Disposition.attached_pic not in s.disposition]
    if moving:
        return moving[0]
    if container.streams.audio:
        raise RecordingError(f"{path.name} holds sound but no picture; choose the video recording of the session.")
    if container.streams.video:
        raise RecordingError(f"{path.name}: its video is in a format that cannot be read; convert it to mp4 (H.264).")
    raise RecordingError(f"{path.name} holds no video; choose the video recording of the session.")


def packets_of(container: InputContainer, streams: Sequence[Stream]) -> Iterator[Packet]:
    """Packets of `streams` in file order up to the last readable one; damaged stretches are stepped over."""
    errors = 0
    while errors < MAX_READ_ERRORS:
        try:
            for packet in container.demux(streams):
                if packet.size:
                    yield packet
            return
        except (av.error.FFmpegError, OSError):
            errors += 1


def container_zero(container: InputContainer) -> Fraction:
    """The container's time [s] that is time 0 (see the module's text)."""
    if set(container.format.name.split(",")) & set(BROWSER_FORMATS):
        return Fraction(0)
    streams = [*container.streams.video, *container.streams.audio]
    starts = [s.start_time * s.time_base for s in streams if s.start_time is not None and s.time_base is not None]
    return min(starts, default=Fraction(0))


@lru_cache(maxsize=4)
def _read_timeline(path: Path, _stamp: tuple[int, int] | None, limits: Media) -> Timeline:
    with open_container(path, limits.max_pixels) as container:
        video = video_stream(container, path)
        _refuse_absurd_size(path, video.codec_context.width, video.codec_context.height, limits)
        zero = container_zero(container)
        no_presentation_times = container.format.name == "avi" and video.codec_context.has_b_frames
        vp8 = video.codec_context.name == "vp8"
        stored, decoded, keys, hidden, durations = [], [], [], [], []
        last_packet = 0.0
        streams = [*container.streams.video, *container.streams.audio]
        bases = {s.index: float(s.time_base) for s in streams if s.time_base is not None}
        for packet in packets_of(container, streams):
            pts, dts, duration = packet.pts, packet.dts, packet.duration or 0
            latest = pts if pts is not None else dts
            if latest is not None and packet.stream_index in bases:
                last_packet = max(last_packet, (latest + duration) * bases[packet.stream_index])
            if packet.stream_index != video.index:
                continue
            stored.append(NO_TICK if pts is None else pts)
            decoded.append(NO_TICK if dts is None else dts)
            keys.append(packet.is_keyframe)
            never_shown = vp8 and not bytes(packet)[0] & 16  # RFC 6386, 9.1: show_frame
            hidden.append(packet.is_discard or packet.is_corrupt or never_shown)
            durations.append(duration)
        time_base = video.time_base
        assert time_base is not None  # a container that is read gives every stream one
    arrays = [np.array(values, np.int64) for values in (stored, decoded)]
    stored_ticks, decoded_ticks = arrays
    hidden_mask = np.array(hidden, bool)
    times = decoded_ticks if no_presentation_times else stored_ticks
    times = np.where(hidden_mask, NO_TICK, times)
    if not np.any(times != NO_TICK):
        raise RecordingError(f"{path.name} holds no picture at all; copy or export the recording again.")
    interval = _usual_interval(times)
    shown = _repaired(times, max(int(limits.step_back_s / time_base), 16 * interval), interval)
    last_duration = durations[int(np.argmax(shown))]
    longest = 10 * interval if np.count_nonzero(shown != NO_TICK) > 1 else int(10 / time_base)
    return Timeline(
        stored=stored_ticks,
        shown=shown,
        decoded=decoded_ticks,
        keys=np.array(keys, bool),
        time_base=time_base,
        zero=zero,
        last_interval=last_duration if 0 < last_duration <= longest else interval,
        ordered_by_decoding=no_presentation_times,
        repaired=not np.array_equal(shown, times) or bool(np.any(stored_ticks == NO_TICK)),
        last_packet_s=last_packet - float(zero),
    )


def _refuse_absurd_size(path: Path, width: int, height: int, limits: Media) -> None:
    """Raises RecordingError for pictures that no session recording has."""
    if not width or not height:  # the decoder has found no size, or one over its limit
        raise RecordingError(
            f"{path.name} has pictures of no size, or of more than {limits.max_pixels // 1_000_000} megapixels; "
            "export it again, smaller."
        )
    if min(width, height) < limits.min_side_px:
        raise RecordingError(
            f"{path.name} has pictures of {width} x {height} pixels, too small for a face to be measured (at least "
            f"{limits.min_side_px} a side); export it larger."
        )
    if max(width, height) > limits.max_side_px or width * height > limits.max_pixels:
        raise RecordingError(
            f"{path.name} has pictures of {width} x {height} pixels, more than can be analysed "
            f"({limits.max_side_px} a side, {limits.max_pixels // 1_000_000} megapixels); export it smaller."
        )


def _usual_interval(times: np.ndarray) -> int:
    """Median distance of neighbouring times, in ticks; 1 where there are fewer than two."""
    distinct = np.unique(times[times != NO_TICK])
    return max(1, int(np.median(np.diff(distinct)))) if len(distinct) > 1 else 1


def _repaired(times: np.ndarray, reorder: int, interval: int) -> np.ndarray:
    """Times that never step back by more than `reorder` ticks (see the module's text)."""
    known = times[times != NO_TICK]
    if not len(known) or np.all(np.maximum.accumulate(known) - known <= reorder):
        return times
    shown = times.copy()
    latest = None  # latest repaired time so far
    before_jump = None  # (index, latest) where times last jumped ahead
    offset = 0
    for index, time in enumerate(times):
        if time == NO_TICK:
            continue
        repaired = time + offset
        if latest is not None and repaired < latest - reorder:
            if before_jump is not None and repaired >= before_jump[1] - reorder:
                shown[before_jump[0] : index] = NO_TICK
                latest = before_jump[1]
            else:
                offset = latest + interval - time
                repaired = time + offset
            before_jump = None
        elif latest is not None and repaired > latest + reorder:
            before_jump = (index, latest)
        shown[index] = repaired
        latest = repaired if latest is None else max(latest, repaired)
    return shown
