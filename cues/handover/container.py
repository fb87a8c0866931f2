"""What lies inside the encryption: a tar stream (POSIX ustar; GNU's numbers for sizes above 8 GB), nothing compressed.

Only the plain entries that were written are read: a header's 512 bytes by `tarfile.TarInfo`, then as many bytes as it
says. Links, folders, long names and further headers, with which a tar can reach out of its folder or ask for any amount
of memory, end the reading. What a file says of sizes is bounded by the size of the file itself.
"""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

from cues.handover.sealing import DAMAGED, Damaged, Readable, Sealer, Unsealer

_BLOCK = tarfile.BLOCKSIZE
PIECE_BYTES = 1 << 20


@dataclass(frozen=True)
class Entry:
    """One file inside: its name, its size [bytes]."""

    name: str
    size: int


def write_entry(sealer: Sealer, entry: Entry, content: Readable) -> None:
    """Adds one file. Raises Damaged when there are not as many bytes as the entry says."""
    info = tarfile.TarInfo(entry.name)
    info.size, info.mode = entry.size, 0o600
    sealer.write(info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict"))
    left = entry.size
    while left:
        piece = content.read(min(PIECE_BYTES, left))
        if not piece:
            raise Damaged(f"{entry.name} changed while it was written: make the file again.")
        sealer.write(piece)
        left -= len(piece)
    sealer.write(bytes(-entry.size % _BLOCK))


def end_entries(sealer: Sealer) -> None:
    """Marks the end, as every tar has it."""
    sealer.write(bytes(2 * _BLOCK))
    sealer.finish()


def next_entry(unsealer: Unsealer) -> Entry | None:
    """The file that comes next; None after the last one. Raises Damaged."""
    header = exactly(unsealer, _BLOCK)
    if not any(header):
        if any(exactly(unsealer, _BLOCK)):
            raise Damaged(DAMAGED)
        unsealer.finish()
        return None
    try:
        info = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeError):
        raise Damaged(DAMAGED) from None
    if info.type != tarfile.REGTYPE or info.size < 0:
        raise Damaged(DAMAGED)
    return Entry(info.name, info.size)


def content_of(unsealer: Unsealer, entry: Entry) -> Iterator[bytes]:
    """The bytes of the file that `next_entry` gave, in pieces; to be read to the end. Raises Damaged."""
    left = entry.size
    while left:
        piece = unsealer.read(min(PIECE_BYTES, left))
        if not piece:
            raise Damaged(DAMAGED)
        yield piece
        left -= len(piece)
    exactly(unsealer, -entry.size % _BLOCK)


def exactly(unsealer: Unsealer, count: int) -> bytes:
    """So many bytes. Raises Damaged when there are fewer."""
    read = bytearray()
    while len(read) < count:
        piece = unsealer.read(count - len(read))
        if not piece:
            raise Damaged(DAMAGED)
        read += piece
    return bytes(read)
