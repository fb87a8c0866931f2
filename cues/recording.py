"""Recording bytes: the one place where they are opened.

Everything that looks into a recording (decoder, sound, routes, clips) gets its bytes from `open_recording`, decrypted
where the library is encrypted. The media library never sees a path: it reads this stream, only in the container formats
that people's recordings come in, and every further file or address that a container names (playlists, external tracks)
is refused. What is made of recordings is written by `write_container`.
"""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NoReturn

import av
import av.error
from av.container import InputContainer, OutputContainer

from cues.encryption.at_rest import open_kept, writing_kept
from cues.encryption.sealed_file import SealedStream
from cues.errors import RecordingError

# Containers that name other files or addresses (hls, dash, concat, sdp, image sequences) are left out.
CONTAINER_FORMATS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,asf,gif,mpegts,mpeg,flv,ogg,"
    "wav,mp3,flac,aac"  # sound alone, so that the refusal can say so
)
READ_BYTES = 1 << 18


def open_recording(path: str | Path) -> BinaryIO:
    """Seekable binary stream of a recording's bytes; the caller closes it.

    Raises RecordingError (missing, a folder, empty, not readable), LibraryKeyError where its key is not given.
    """
    path = Path(path)
    if not path.exists():
        raise RecordingError(f"{path.name}: there is no such file at {path}; check the name.")
    if not path.is_file():
        raise RecordingError(f"{path.name} is a folder, not a recording; name the video file inside it.")
    try:
        stream = open_kept(path)
    except OSError as error:
        reason = "may not be read" if error.errno in (errno.EACCES, errno.EPERM) else f"gives {error.strerror}"
        raise RecordingError(f"{path.name} {reason}; check its permissions and the disk.") from error
    if not stream.read(1):
        stream.close()
        raise RecordingError(f"{path.name} is empty (0 bytes); copy the recording again.")
    stream.seek(0)
    return stream


@contextmanager
def open_container(path: str | Path, max_pixels: int) -> Iterator[InputContainer]:
    """The recording's container, closed at the end of the block.

    Pictures of more than `max_pixels` are refused by the decoders before memory is taken for them.
    Raises RecordingError as `open_recording`, and where the bytes are not a readable container.
    """
    path = Path(path)
    with open_recording(path) as stream:
        try:
            container = av.open(
                stream,
                "r",
                options={"max_pixels": str(max_pixels)},
                container_options={"format_whitelist": CONTAINER_FORMATS},
                buffer_size=READ_BYTES,
                metadata_errors="replace",
                io_open=_refuse_reference,
            )
        except (av.error.FFmpegError, ValueError, OSError) as error:
            raise RecordingError(_why_unreadable(path, stream)) from error
        try:
            yield container
        finally:
            container.close()


@contextmanager
def write_container(path: Path) -> Iterator[OutputContainer]:
    """A new mp4 whose index comes first, kept as files are kept at `path`, which must not exist yet."""
    with writing_kept(path) as stream:

        def read_again(*_: object) -> BinaryIO:
            """To put the index in front, what was written is read once more."""
            if isinstance(stream, SealedStream):
                return stream.twin()  # type: ignore[return-value]  # a RawIOBase
            stream.flush()
            return path.open("rb")

        options = {"movflags": "+faststart"}
        with av.open(stream, "w", format="mp4", options=options, io_open=read_again) as container:
            yield container


def _refuse_reference(*_: object) -> NoReturn:
    raise PermissionError("a recording may not name other files or addresses")


def _why_unreadable(path: Path, stream: BinaryIO) -> str:
    """One sentence on bytes that no container reader accepts."""
    stream.seek(0)
    head = stream.read(4096)
    if head[4:8] in (b"ftyp", b"mdat", b"wide", b"moov", b"free"):
        if not _has_movie_index(stream):
            return (
                f"{path.name} was cut off before its index was written, so nothing in it can be read; "
                "copy it again from the device, or export it again."
            )
        return f"{path.name} is damaged and cannot be opened; copy it again, or export it again."
    if _is_text(head):
        return f"{path.name} holds text, not video; choose the recording itself."
    return (
        f"{path.name} is damaged or in no known video format (mp4, mov, mkv, webm, avi, wmv, gif); "
        "copy it again, or convert it to mp4."
    )


def _is_text(head: bytes) -> bool:
    return all(byte >= 32 or byte in b"\t\r\n\f" for byte in head)


def _has_movie_index(stream: BinaryIO) -> bool:
    """Whether an mp4/mov has its `moov` box (ISO 14496-12) complete."""
    size = stream.seek(0, 2)
    position = 0
    while position + 8 <= size:
        stream.seek(position)
        header = stream.read(16)
        length, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:
            length = size - position
        if kind == b"moov":
            return position + length <= size
        if length < 8:
            return False
        position += length
    return False
