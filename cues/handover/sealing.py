"""Encryption of a file of any size with a passphrase: written and read in chunks, in flat memory.

    header   magic, version, scrypt's log2(N), r, p, bytes of a chunk, salt (16), first bytes of every nonce (7)
    check    HMAC-SHA-256 of the header (32)
    chunks   AES-256-GCM, each the chunk's bytes and 16 of its tag; only the last one may be shorter

Both keys (for the chunks, for the check) come out of one scrypt (RFC 7914) over a salt of this file alone. The chunks
are those of `cues.encryption.chunks` with counted nonces: the header's seven bytes, the chunk's number (4, big endian)
and 1 for the last chunk, else 0. Whether the last chunk is there is known only at the end: nothing that was read may be
used before `finish`.

What the check fails on is a wrong passphrase or a damaged header, which cannot be told apart; what fails behind it is
damage. The numbers in a header are bounded before anything is computed with them: whoever made the file chose them.
"""

import hashlib
import hmac
import os
import secrets
import struct
from typing import BinaryIO, Protocol

from cues.encryption.chunks import BLOCKS, LOG_N, PARALLEL, PREFIX_BYTES, TAG_BYTES, ChunkError, Chunks, stretched
from cues.errors import CuesError

MAGIC, VERSION = b"cuesfile", 1
CHUNK_BYTES = 1 << 20
_LOG_N = LOG_N
_LOG_NS, _PS, _CHUNKS = range(14, 19), range(1, 5), range(1 << 10, (1 << 22) + 1)
_HEADER = struct.Struct(">8sBBBBI16s7s")
_CHECK = hashlib.sha256().digest_size


class HandoverError(CuesError):
    """A hand-over file cannot be made or opened; the sentence is for the person who tries."""


class WrongPassphrase(HandoverError):
    """The passphrase does not open the file."""


class Damaged(HandoverError):
    """The file is not what was written."""


class NewerVersion(HandoverError):
    """The file was made by a later version of this tool."""


class Readable(Protocol):
    """What bytes can be read from."""

    def read(self, count: int, /) -> bytes:
        """At most `count` bytes; none at the end."""


NO_FILE_OF_OURS = "This is no hand-over file."
DAMAGED = "This file is damaged or was cut off on its way: ask for it once more."
TOO_NEW = "This file was made by a newer version of this tool: bring yours up to date, then open it again."


class Sealer:
    """Writes an encrypted file; `finish` writes its last chunk, without which it cannot be read."""

    def __init__(self, file: BinaryIO, passphrase: str, chunk_bytes: int = CHUNK_BYTES) -> None:
        salt, prefix = secrets.token_bytes(16), secrets.token_bytes(PREFIX_BYTES)
        self._header = _HEADER.pack(MAGIC, VERSION, _LOG_N, BLOCKS, PARALLEL, chunk_bytes, salt, prefix)
        self._chunks, check = _keys(passphrase, self._header)
        self._file, self._size = file, chunk_bytes
        self._waiting, self._number = bytearray(), 0
        file.write(self._header + check)

    def write(self, content: bytes) -> None:
        """Adds bytes."""
        self._waiting += content
        while len(self._waiting) > self._size:  # a full one waits, because it may be the last
            self._seal(last=False)

    def finish(self) -> None:
        """Writes what is left; nothing can be added any more."""
        self._seal(last=True)
        self._file.flush()
        os.fsync(self._file.fileno())

    def _seal(self, last: bool) -> None:
        chunk = bytes(self._waiting[: self._size])
        del self._waiting[: self._size]
        self._file.write(self._chunks.seal(self._number, last, chunk))
        self._number += 1


class Unsealer:
    """Reads an encrypted file from its beginning. Raises WrongPassphrase, NewerVersion, Damaged or HandoverError."""

    def __init__(self, file: BinaryIO, passphrase: str) -> None:
        self._header = file.read(_HEADER.size)
        check = file.read(_CHECK)
        if not self._header.startswith(MAGIC):
            raise HandoverError(NO_FILE_OF_OURS)
        if len(check) != _CHECK:
            raise Damaged(DAMAGED)
        _, version, log_n, r, p, self._size, _, _ = _HEADER.unpack(self._header)
        if version > VERSION:
            raise NewerVersion(TOO_NEW)
        if version < 1 or log_n not in _LOG_NS or r != BLOCKS or p not in _PS or self._size not in _CHUNKS:
            raise Damaged(DAMAGED)
        self._chunks, expected = _keys(passphrase, self._header)
        if not hmac.compare_digest(check, expected):
            raise WrongPassphrase("The passphrase does not fit this file, or the file's beginning is damaged.")
        self._file, self._number, self._open, self._last = file, 0, memoryview(b""), False
        self._next = file.read(self._size + TAG_BYTES)

    def read(self, count: int) -> bytes:
        """At most `count` bytes, of one chunk; none at the end."""
        if not self._open and not self._last:
            self._unseal()
        piece = bytes(self._open[:count])
        self._open = self._open[count:]
        return piece

    def finish(self) -> None:
        """Raises Damaged unless everything was read, to the chunk that was written as the last."""
        if self.read(1) or not self._last:
            raise Damaged(DAMAGED)

    def _unseal(self) -> None:
        sealed, self._next = self._next, self._file.read(self._size + TAG_BYTES)
        self._last = not self._next
        try:
            opened = self._chunks.open(self._number, self._last, sealed)
        except ChunkError:
            raise Damaged(DAMAGED) from None
        self._open = memoryview(opened)
        self._number += 1


def _keys(passphrase: str, header: bytes) -> tuple[Chunks, bytes]:
    """What the chunks are encrypted with, and the header's check."""
    _, _, log_n, _, p, _, salt, prefix = _HEADER.unpack(header)
    made = stretched(passphrase, salt, 64, log_n, p)
    return Chunks(made[:32], header, prefix), hmac.digest(made[32:], header, "sha256")
