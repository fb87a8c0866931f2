"""Wanted frames out of a recording with as little decoding as their exactness allows.

From the timeline it is known before decoding which packet holds which frame. A wanted frame needs the packets from the
last key frame not later than itself up to its own; all others are read past or jumped over. Inside those stretches
frames that nothing refers to are skipped by the decoder unless they are wanted.
"""

import multiprocessing
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av.error
import numpy as np
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from cues.parameters import Media
from cues.recording import open_container
from cues.vision.timeline import NO_TICK, Timeline, packets_of, video_stream

JUMP_S = 4.0  # a shorter stretch of unneeded packets is read past, a longer one is jumped over
# Codecs in which "not a reference" means that no other frame at all is predicted from it. In HEVC a frame of a higher
# temporal layer may be.
SKIPPABLE_CODECS = ("h264", "mpeg4", "vp9")
NEAR_S = 0.5  # runs of needed packets with less between them are decoded as one
FURTHER_BACK_S = (4.0, 16.0)  # where the first wanted frame of a run does not come out [J]
MAX_REORDER = 16  # frames that a codec may hold back (H.264 and HEVC: at most 16)


Output = tuple[int, VideoFrame, Fraction | None]


def wanted_frames(
    path: Path, timeline: Timeline, wanted: np.ndarray, threads: int | None, limits: Media
) -> Iterator[Output]:
    """(tick, decoded frame, pixel aspect) as the decoder gives them, unwanted ones among them; frames that cannot be
    decoded are missing. `wanted`: ticks, ascending. `threads`: of the decoder, None for the usual number."""
    asked = set(wanted.tolist())
    with PacketReader(path, timeline, limits) as reader:
        for run in needed_runs(timeline, wanted):
            yield from _decoded_run(reader, timeline, run, asked, _usual_threads() if threads is None else threads)


def _decoded_run(
    reader: "PacketReader", timeline: Timeline, run: "Run", asked: set[int], threads: int
) -> Iterator[Output]:
    """Decodes one run. Where a key frame is only a point from which a picture builds up (H.264 intra refresh), the
    first wanted frame does not come out; then decoding begins further back."""
    starts = _starts(timeline, run.first)
    for start in starts:
        outputs = _decoded_from(reader, timeline, start, run.last, asked, threads)
        for output in outputs:
            if output[0] in asked:
                break
        else:
            continue
        if output[0] <= run.tick or start == starts[-1]:
            yield output
            yield from outputs
            return


def _starts(timeline: Timeline, first: int) -> list[int]:
    """Packets to begin at: `first`, and key frames some seconds before it."""
    starts = [first]
    keys = np.flatnonzero(timeline.keys[:first])
    for back in FURTHER_BACK_S:
        earlier = keys[timeline.shown[keys] <= timeline.shown[first] - back / timeline.time_base]
        if len(earlier) and int(earlier[-1]) < starts[-1]:
            starts.append(int(earlier[-1]))
        elif not len(earlier) and starts[-1] > 0:
            return [*starts, 0]
    return starts


def _decoded_from(
    reader: "PacketReader", timeline: Timeline, first: int, last: int, asked: set[int], threads: int
) -> Iterator[Output]:
    reader.go_to(first)
    stream = reader.stream
    context = stream.codec_context
    if context.is_open:
        context.flush_buffers()
    else:
        context.thread_type = "AUTO"
        context.thread_count = threads
    skips = context.codec.canonical_name in SKIPPABLE_CODECS and not timeline.ordered_by_decoding
    # Flushing lets the decoder forget how many frames it must hold back, and it would drop some.
    context.reorder_depth = reader.reorder_depth
    clock = _Clock(timeline, reader.reorder_depth, first)
    for index, packet in reader.read(last):
        tick = int(timeline.shown[index])
        if skips:
            context.skip_frame = "DEFAULT" if tick in asked else "NONREF"
        if timeline.repaired and not timeline.ordered_by_decoding:
            packet.pts = None if tick == NO_TICK else tick
        for frame in decoded(stream, packet):
            yield clock.tick(frame), frame, stream.sample_aspect_ratio
    for frame in decoded(stream, None):
        yield clock.tick(frame), frame, stream.sample_aspect_ratio


def decoded(stream: VideoStream, packet: Packet | None) -> list[VideoFrame]:
    """Frames that come out of the decoder for a packet (None: what it still holds); none where data are damaged."""
    try:
        return stream.codec_context.decode(packet)
    except (av.error.FFmpegError, ValueError):
        return []


@dataclass(frozen=True)
class Run:
    """Packets number `first` (a key frame) to `last`, and the tick of the first frame wanted from them."""

    first: int
    last: int
    tick: int


def needed_runs(timeline: Timeline, wanted: np.ndarray) -> list[Run]:
    """The packets that the wanted ticks need; runs with little between them are one, so that decoding just goes on."""
    shown = timeline.shown
    order = np.argsort(shown, kind="stable")
    own = order[np.searchsorted(shown, wanted, sorter=order)]
    earliest = own
    if timeline.ordered_by_decoding:
        # The frame shown in a slot may be stored up to MAX_REORDER packets before or behind it.
        earliest, own = np.maximum(own - MAX_REORDER, 0), np.minimum(own + 2 * MAX_REORDER, len(shown) - 1)
    keys = np.flatnonzero(timeline.keys)
    # Where every frame is a key frame nothing is gained by decoding those between.
    near = 0 if timeline.keys.all() else NEAR_S / timeline.time_base
    runs: list[Run] = []
    for index, from_index, tick in zip(own.tolist(), earliest.tolist(), wanted.tolist(), strict=True):
        position = int(np.searchsorted(keys, from_index, side="right")) - 1
        # Frames stored behind a key frame but shown before it (an open group) need the key frame before.
        while position > 0 and shown[keys[position]] > tick:
            position -= 1
        first = int(keys[position]) if position >= 0 else 0
        if runs and (first <= runs[-1].last + 1 or int(shown[first]) - int(shown[runs[-1].last]) <= near):
            runs[-1] = replace(runs[-1], last=max(runs[-1].last, index))
        else:
            runs.append(Run(first, index, tick))
    return runs


class PacketReader:
    """Packets of the video stream by their number in the file. `stream` changes when the file is opened again."""

    def __init__(self, path: Path, timeline: Timeline, limits: Media) -> None:
        self._path, self._timeline, self._limits = path, timeline, limits
        self._opened = ExitStack()
        self._open()

    def __enter__(self) -> "PacketReader":
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def _open(self) -> None:
        self._opened.close()
        self._container = self._opened.enter_context(open_container(self._path, self._limits.max_pixels))
        self.stream: VideoStream = video_stream(self._container, self._path)
        self.reorder_depth: int = self.stream.codec_context.reorder_depth
        self._packets = packets_of(self._container, [self.stream])
        self._next = 0
        self._held: Packet | None = None

    def go_to(self, index: int) -> None:
        """The next packet read is number `index`, a key frame."""
        timeline = self._timeline
        back = index < self._next
        if back or self._seconds_between(self._next, index) > JUMP_S:
            if not timeline.repaired and self._jump(index):
                return
            if back or not timeline.repaired:  # after a jump that failed the place in the file is not known
                self._open()
        while self._next < index and next(self._packets, None) is not None:
            self._next += 1

    def read(self, last: int) -> Iterator[tuple[int, Packet]]:
        """(number, packet) up to number `last`."""
        while self._next <= last:
            packet, self._held = self._held or next(self._packets, None), None
            if packet is None:
                return
            self._next += 1
            yield self._next - 1, packet

    def _seconds_between(self, first: int, last: int) -> float:
        shown = self._timeline.shown
        ticks = int(shown[min(first, len(shown) - 1)]), int(shown[last])
        return 0.0 if NO_TICK in ticks else float((ticks[1] - ticks[0]) * self._timeline.time_base)

    def _jump(self, index: int) -> bool:
        """Seeks to packet `index`; False where the container's index does not lead there."""
        timeline = self._timeline
        stored, decoding = int(timeline.stored[index]), int(timeline.decoded[index])
        try:
            self._container.seek(stored if decoding == NO_TICK else decoding, stream=self.stream)
        except (av.error.FFmpegError, OSError):
            return False
        self._packets = packets_of(self._container, [self.stream])
        for packet in self._packets:
            if packet.is_keyframe and packet.pts == stored:
                self._held, self._next = packet, index
                return True
            if packet.is_keyframe and packet.pts is not None and packet.pts > stored:
                return False
        return False


class _Clock:
    """The tick of each decoded frame."""

    def __init__(self, timeline: Timeline, held_back: int, first: int) -> None:
        self._timeline = timeline
        self._held_back = held_back  # frames between a packet going in and its place in time coming out
        self._slot = first - 1

    def tick(self, frame: VideoFrame) -> int:
        """NO_TICK where the frame's time is not known."""
        if not self._timeline.ordered_by_decoding:
            return NO_TICK if frame.pts is None else frame.pts
        # No presentation times: the packet that pushed the frame out says how far decoding had come.
        slots = self._timeline.decoded
        if frame.dts is not None:
            self._slot = int(np.searchsorted(slots, frame.dts)) - self._held_back
        else:
            self._slot += 1
        return int(slots[self._slot]) if 0 <= self._slot < len(slots) else NO_TICK


def _usual_threads() -> int:
    """One in a worker of a pool, which has its own share of the machine; else 0, as many as there are."""
    return 1 if multiprocessing.parent_process() is not None else 0
