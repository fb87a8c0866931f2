"""A file at rest, encrypted, as a stream that can be read and written anywhere.

    header   magic, version, bytes of a chunk, id of the library's encryption (8), salt of the file's key (16)
    chunks   AES-256-GCM with a random nonce each (`cues.encryption.chunks`); only the last one may be shorter

The key of a file comes out of the library's key and the file's salt, so a chunk fits no other file. How long the
content is follows from the size of the file; a file that was cut at a chunk's border has no last chunk.
"""

import io
import os
import secrets
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from cues.encryption.chunks import NONCE_BYTES, TAG_BYTES, ChunkError, Chunks
from cues.encryption.keys import ID_BYTES, LibraryKey, LibraryKeyError
from cues.errors import RecordingError

MAGIC, VERSION = b"cuesrest", 1
CHUNK_BYTES = 1 << 16
"""As much as a range of a player is sent in; 28 bytes more on the disk, 0.04 %."""
_HEADER = struct.Struct(f">8sBI{ID_BYTES}s16s")
HEADER_BYTES = _HEADER.size
SEALED_BYTES = CHUNK_BYTES + NONCE_BYTES + TAG_BYTES


def new_header(key: LibraryKey) -> bytes:
    """The header of a new file."""
    return _HEADER.pack(MAGIC, VERSION, CHUNK_BYTES, key.id, secrets.token_bytes(16))


def chunks_of(header: bytes, key: LibraryKey, name: str) -> Chunks:
    """What opens the chunks behind a header. Raises LibraryKeyError or RecordingError."""
    if len(header) < HEADER_BYTES:
        raise RecordingError(damaged(name))
    _, version, size, id_, salt = _HEADER.unpack(header)
    if version != VERSION or size != CHUNK_BYTES:
        raise RecordingError(f"{name} was written by a newer version of this tool: bring this one up to date.")
    if id_ != key.id:
        raise LibraryKeyError(f"{name} was encrypted with the key of another library.")
    return Chunks(key.of_file(salt), header)


def damaged(name: str) -> str:
    """What a person is told of a file that is not what was written."""
    return f"{name} is damaged on the disk: take it out of a backup, or upload the recording again."


def content_bytes(sealed_bytes: int) -> int:
    """Length of what is inside of a whole file of so many bytes."""
    rest = sealed_bytes - HEADER_BYTES
    count = max(-(-rest // SEALED_BYTES), 1)
    return max(rest - count * (NONCE_BYTES + TAG_BYTES), 0)


@dataclass
class _Held:
    """The one chunk that is held open. changed: not written yet."""

    number: int
    content: bytearray
    changed: bool = False


class Store:
    """The content of an encrypted file, by position. One that is written has to be finished."""

    def __init__(self, file: Any, chunks: Chunks, name: str, writing: bool) -> None:
        self._file, self._chunks, self._name, self._writing = file, chunks, name, writing
        self.length = 0 if writing else content_bytes(os.fstat(file.fileno()).st_size)
        self._held = _Held(0, bytearray()) if writing else None

    @classmethod
    def create(cls, path: Path, key: LibraryKey) -> "Store":
        """A new file, for its owner alone; it must not exist yet."""
        file = os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "r+b", buffering=0)
        header = new_header(key)
        file.write(header)
        return cls(file, chunks_of(header, key, path.name), path.name, writing=True)

    def read_at(self, position: int, count: int) -> bytes:
        """At most `count` bytes, of one chunk; none at the end. Raises RecordingError."""
        if position >= self.length:
            return b""
        number, begin = divmod(position, CHUNK_BYTES)
        return bytes(memoryview(self._hold(number).content)[begin : begin + count])

    def write_at(self, position: int, content: memoryview) -> int:
        """Writes as much as fits into one chunk; how much that was."""
        if position > self.length:
            self._fill(position)
        number, begin = divmod(position, CHUNK_BYTES)
        held = self._hold(number)
        part = content[: CHUNK_BYTES - begin]
        held.content[begin : begin + len(part)] = part
        held.changed = True
        self.length = max(self.length, position + len(part))
        return len(part)

    def finish(self) -> None:
        """Writes the last chunk as the last, and all of it to the disk."""
        last = max(-(-self.length // CHUNK_BYTES) - 1, 0)
        self._write(self._hold(last), last=True)
        os.fsync(self._file.fileno())
        self._writing = False

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def _fill(self, position: int) -> None:
        while self.length < position:
            self.write_at(self.length, memoryview(bytes(min(position - self.length, CHUNK_BYTES))))

    def _hold(self, number: int) -> _Held:
        if self._held is None or self._held.number != number:
            if self._held is not None and self._held.changed:
                self._write(self._held, last=False)
            self._held = _Held(number, bytearray(self._read(number)))
        return self._held

    def _read(self, number: int) -> bytes:
        if self._writing and number * CHUNK_BYTES >= self.length:
            return b""
        count = max(-(-self.length // CHUNK_BYTES), 1)
        sealed = os.pread(self._file.fileno(), SEALED_BYTES, HEADER_BYTES + number * SEALED_BYTES)
        try:
            return self._chunks.open(number, not self._writing and number == count - 1, sealed)
        except ChunkError:
            raise RecordingError(damaged(self._name)) from None

    def _write(self, held: _Held, last: bool) -> None:
        rest = memoryview(self._chunks.seal(held.number, last, bytes(held.content)))
        position = HEADER_BYTES + held.number * SEALED_BYTES
        while rest:
            written = os.pwrite(self._file.fileno(), rest, position)
            rest, position = rest[written:], position + written
        held.changed = False


class SealedStream(io.RawIOBase):
    """A position in a store. Closing the stream that owns the store closes the file."""

    def __init__(self, store: Store, writes: bool = False, owns: bool = True) -> None:
        self._store, self._writes, self._owns, self._position = store, writes, owns, 0

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def writable(self) -> bool:
        """Whether it was opened for writing."""
        return self._writes

    def readinto(self, buffer: Any) -> int:
        """See RawIOBase."""
        view = memoryview(buffer)
        content = self._store.read_at(self._position, len(view))
        view[: len(content)] = content
        self._position += len(content)
        return len(content)

    def write(self, content: Any) -> int:
        """All of it."""
        rest = memoryview(content).cast("B")
        count = len(rest)
        while rest:
            written = self._store.write_at(self._position, rest)
            self._position, rest = self._position + written, rest[written:]
        return count

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """See RawIOBase."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._store.length}[whence]
        if origin + offset < 0:
            raise OSError("a position before the beginning")
        self._position = origin + offset
        return self._position

    def tell(self) -> int:
        """See RawIOBase."""
        return self._position

    def twin(self) -> "SealedStream":
        """Another position in the same file, for reading what is being written."""
        return SealedStream(self._store, owns=False)

    def close(self) -> None:
        """See RawIOBase."""
        if not self.closed and self._owns:
            self._store.close()
        super().close()


def open_sealed(path: Path, key: LibraryKey) -> BinaryIO:
    """A seekable stream of what is inside of an encrypted file. Raises LibraryKeyError or RecordingError."""
    file = path.open("rb", buffering=0)
    try:
        store = Store(file, chunks_of(file.read(HEADER_BYTES), key, path.name), path.name, writing=False)
    except BaseException:
        file.close()
        raise
    return io.BufferedReader(SealedStream(store), CHUNK_BYTES)


def sealed(content: bytes, key: LibraryKey) -> bytes:
    """A whole small file, encrypted."""
    header = new_header(key)
    chunks = chunks_of(header, key, "")
    last = max(-(-len(content) // CHUNK_BYTES) - 1, 0)
    parts = (content[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES] for number in range(last + 1))
    return header + b"".join(chunks.seal(number, number == last, part) for number, part in enumerate(parts))
