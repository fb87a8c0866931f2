"""The bytes of an upload while it comes in: as they are, or encrypted where the library is.

Plain, they lie in `<id>.part` and its size says how far they have come. Encrypted, `<id>.part` is a file at rest
(`cues.encryption.sealed_file`) that grows by whole chunks; what does not fill one yet is `<id>.tail-<chunk>`, a small
file at rest of its own, written when a piece of the upload is kept. So what is acknowledged is on the disk, nothing on
the disk is readable without the key, and what a process that dies was about to acknowledge is sent again.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from cues.encryption.at_rest import read_kept
from cues.encryption.keys import LibraryKey, key_of
from cues.encryption.sealed_file import (
    CHUNK_BYTES,
    HEADER_BYTES,
    MAGIC,
    SEALED_BYTES,
    chunks_of,
    content_bytes,
    new_header,
    sealed,
)


class Bytes(Protocol):
    """The bytes of one upload, held open by one writer."""

    def write(self, content: memoryview) -> int:
        """Adds as many as fit on the disk; how many that were."""

    def take_back(self) -> None:
        """Leaves what was there when they were opened."""

    def settle(self) -> None:
        """What was written reaches the disk."""

    def end(self) -> None:
        """Called when the last byte is there; again after a process died before the file was taken for whole."""


def make_part(part: Path) -> None:
    """The empty file of a new upload, for its owner alone."""
    key = key_of(part)
    with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        if key is not None:
            file.write(new_header(key))


def bytes_there(part: Path) -> int:
    """How many bytes of an unfinished upload are kept. Raises FileNotFoundError."""
    size = part.stat().st_size
    with part.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            return size
    full = _full(size)
    with suppress(FileNotFoundError):
        return full * CHUNK_BYTES + content_bytes(_tail(part, full).stat().st_size)
    return full * CHUNK_BYTES


def tails(part: Path) -> list[Path]:
    """The files beside an encrypted part."""
    return list(part.parent.glob(f"{part.stem}.tail-*"))


def open_bytes(file: int, part: Path) -> Bytes:
    """For adding to an upload whose file is open for reading and writing. Raises LibraryKeyError."""
    if os.pread(file, len(MAGIC), 0) != MAGIC:
        return _Plain(file)
    key = key_of(part)
    assert key is not None, "an encrypted upload lies in an encrypted library"
    return _Sealed(file, part, key)


class _Plain:
    """See Bytes."""

    def __init__(self, file: int) -> None:
        self._file, self._begin = file, os.lseek(file, 0, os.SEEK_END)

    def write(self, content: memoryview) -> int:
        """See Bytes."""
        return os.write(self._file, content)

    def take_back(self) -> None:
        """See Bytes."""
        os.ftruncate(self._file, self._begin)
        os.lseek(self._file, self._begin, os.SEEK_SET)
        os.fsync(self._file)

    def settle(self) -> None:
        """See Bytes."""
        os.fsync(self._file)

    def end(self) -> None:
        """See Bytes."""


class _Sealed:
    """See Bytes. A chunk that is full waits until a further byte comes, because it may be the last one."""

    def __init__(self, file: int, part: Path, key: LibraryKey) -> None:
        self._file, self._part, self._key = file, part, key
        self._chunks = chunks_of(os.pread(file, HEADER_BYTES, 0), key, part.name)
        self._begin = _full(os.fstat(file).st_size)
        self._go_back()

    def write(self, content: memoryview) -> int:
        """See Bytes."""
        if len(self._waiting) == CHUNK_BYTES:
            self._write_chunk(last=False)
        piece = content[: CHUNK_BYTES - len(self._waiting)]
        self._waiting += piece
        return len(piece)

    def take_back(self) -> None:
        """See Bytes."""
        self._go_back()
        os.fsync(self._file)

    def settle(self) -> None:
        """See Bytes."""
        os.fsync(self._file)
        tail = _tail(self._part, self._number)
        if self._waiting and os.fstat(self._file).st_nlink:
            aside = tail.with_suffix(tail.suffix + ".new")
            with os.fdopen(os.open(aside, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
                file.write(sealed(bytes(self._waiting), self._key))
                file.flush()
                os.fsync(file.fileno())
            aside.replace(tail)
        for path in tails(self._part):
            if path != tail:
                path.unlink(missing_ok=True)
        self._begin = self._number

    def end(self) -> None:
        """See Bytes."""
        if self._waiting:
            self._write_chunk(last=True)
            os.fsync(self._file)

    def _go_back(self) -> None:
        """To what is kept: a chunk that was cut off in the middle of a write is not."""
        self._number = self._begin
        os.ftruncate(self._file, HEADER_BYTES + self._number * SEALED_BYTES)
        try:
            self._waiting = bytearray(read_kept(_tail(self._part, self._number)))
        except FileNotFoundError:
            self._waiting = bytearray()

    def _write_chunk(self, last: bool) -> None:
        rest = memoryview(self._chunks.seal(self._number, last, bytes(self._waiting)))
        position = HEADER_BYTES + self._number * SEALED_BYTES
        while rest:
            written = os.pwrite(self._file, rest, position)
            rest, position = rest[written:], position + written
        self._number += 1
        self._waiting.clear()


def _full(size: int) -> int:
    """How many whole chunks a file of so many bytes has."""
    return max(size - HEADER_BYTES, 0) // SEALED_BYTES


def _tail(part: Path, number: int) -> Path:
    return part.with_name(f"{part.stem}.tail-{number}")
