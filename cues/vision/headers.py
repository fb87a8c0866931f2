"""How long a recording's header says that it lasts; more than can be read means that the end is missing."""

import struct
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from cues.recording import open_recording

HEADER_BYTES = 1 << 16
# ASF specification 3.2, File Properties Object.
ASF_FILE_PROPERTIES = bytes.fromhex("A1DCAB8C47A9CF118EE400C00C205365")


def promised_duration(path: Path, container: InputContainer, stream: VideoStream) -> float:
    """Longest duration [s] that the headers promise; 0 where they say nothing.

    The media library corrects the durations of avi and wmv by what it finds, so those headers are read here.
    """
    promised = [0.0]
    if stream.duration and stream.time_base:
        promised.append(float(stream.duration * stream.time_base))
    if container.duration:
        promised.append(container.duration / av.time_base)
    if container.format.name in ("avi", "asf"):
        with open_recording(path) as recording:
            head = recording.read(HEADER_BYTES)
        promised.append(_avi_duration(head) if container.format.name == "avi" else _asf_duration(head))
    return max(promised)


def _avi_duration(head: bytes) -> float:
    """Main header `avih` (AVI RIFF file reference): microseconds per frame times total frames."""
    start = head.find(b"avih") + 8
    if start < 8 or len(head) < start + 20:
        return 0.0
    (interval,) = struct.unpack_from("<I", head, start)
    (frames,) = struct.unpack_from("<I", head, start + 16)
    return interval * frames / 1e6


def _asf_duration(head: bytes) -> float:
    """Play duration (100 ns) less the preroll (ms)."""
    start = head.find(ASF_FILE_PROPERTIES)
    if start < 0 or len(head) < start + 88:
        return 0.0
    (play,) = struct.unpack_from("<Q", head, start + 64)
    (preroll,) = struct.unpack_from("<Q", head, start + 80)
    return max(0.0, play / 1e7 - preroll / 1e3)
