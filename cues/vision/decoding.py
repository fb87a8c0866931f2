"""Wanted frames out of a recording with as little decoding as their exactness allows.

From the timeline it is known before decoding which packet holds which frame. A wanted frame needs the packets from the
last key frame not later than itself up to its own; all others are read past or jumped over. Inside those stretches
frames that nothing refers to are skipped by the decoder unless they are wanted.
"""

import multiprocessing
from collections.abc import Iterator
from contextlib import ExitStack
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
MAX_REORDER = 16  # frames that a codec may hold back (H.264 and HEVC: at most 16)


def wanted_frames(
    path: Path, timeline: Timeline, wanted: np.ndarray, threads: int | None, limits: Media
) -> Iterator[tuple[int, VideoFrame, Fraction | None]]:
    """(tick, decoded frame, pixel aspect) as the decoder gives them, unwanted ones among them; frames that cannot be
    decoded are missing. `wanted`: ticks, ascending. `threads`: of the decoder, None for the usual number."""
    asked = set(wanted.tolist())
    with PacketReader(path, timeline, limits) as reader:
        for first, last in needed_runs(timeline, wanted):
            reader.go_to(first)
            stream = reader.stream
            context = stream.codec_context
            if not context.is_open:
                context.thread_type = "AUTO"
                context.thread_count = _usual_threads() if threads is None else threads
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
            context.flush_buffers()


def decoded(stream: VideoStream, packet: Packet | None) -> list[VideoFrame]:
    """Frames that come out of the decoder for a packet (None: what it still holds); none where data are damaged."""
    try:
        return stream.codec_context.decode(packet)
    except (av.error.FFmpegError, ValueError):
        return []


def needed_runs(timeline: Timeline, wanted: np.ndarray) -> list[tuple[int, int]]:
    """Stretches [first, last] of packet numbers, each beginning at a key frame, that the wanted ticks need."""
    shown = timeline.shown
    order = np.argsort(shown, kind="stable")
    own = order[np.searchsorted(shown, wanted, sorter=order)]
    earliest = own
    if timeline.ordered_by_decoding:
        # The frame shown in a slot may be stored up to MAX_REORDER packets before or behind it.
        earliest, own = np.maximum(own - MAX_REORDER, 0), np.minimum(own + 2 * MAX_REORDER, len(shown) - 1)
    keys = np.flatnonzero(timeline.keys)
    runs: list[tuple[int, int]] = []
    for index, from_index, tick in zip(own.tolist(), earliest.tolist(), wanted.tolist(), strict=True):
        position = int(np.searchsorted(keys, from_index, side="right")) - 1
        # Frames stored behind a key frame but shown before it (an open group) need the key frame before.
        while position > 0 and shown[keys[position]] > tick:
            position -= 1
        first = int(keys[position]) if position >= 0 else 0
        if runs and first <= runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], max(runs[-1][1], index))
        else:
            runs.append((first, index))
    return sorted(runs)


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
        far = index > self._next and self._seconds_between(self._next, index) > JUMP_S
        if far and not timeline.repaired:
            if self._jump(index):
                return
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
        ticks = [int(tick) for tick in self._timeline.shown[[first, last]]]
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
