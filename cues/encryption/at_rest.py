"""Files of a library as they are kept: encrypted where the library is, as they are where it is not.

Everything that shows or lets hear a person goes through here: recordings, copies for browsers, pictures, uploads on
their way, finished parts of an analysis (they hold pictures), clips, archives and opened hand-over files. Tables and
figures (KEPT_CLEAR) show nobody and are kept as they are, as the database is.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from cues.encryption.keys import LibraryKeyError, key_of
from cues.encryption.sealed_file import MAGIC, SealedStream, Store, content_bytes, open_sealed, sealed

KEPT_CLEAR = (".json", ".csv", ".parquet", ".share")
"""Endings of tables and figures."""


def is_sealed(path: Path) -> bool:
    """Whether a file is encrypted."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def open_kept(path: Path) -> BinaryIO:
    """A seekable stream of a file's content. Raises OSError as `open`, LibraryKeyError, RecordingError (damaged)."""
    stream = path.open("rb")
    if stream.peek(len(MAGIC))[: len(MAGIC)] != MAGIC:
        return stream
    stream.close()
    key = key_of(path)
    if key is None:
        raise LibraryKeyError(f"{path.name} is encrypted, and {path.parent} lies in no library that says how.")
    return open_sealed(path, key)


def kept_bytes(path: Path) -> int:
    """Length of a file's content."""
    size = path.stat().st_size
    return content_bytes(size) if is_sealed(path) else size


def read_kept(path: Path) -> bytes:
    """A file's content. Raises as `open_kept`."""
    with open_kept(path) as stream:
        return stream.read()


@contextmanager
def writing_kept(path: Path) -> Iterator[BinaryIO]:
    """A seekable stream into a new file, which must not exist yet. What there is of it where the block raises is the
    caller's to remove."""
    key = key_of(path)
    if key is None:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        return
    store = Store.create(path, key)
    try:
        with SealedStream(store, writes=True) as stream:
            yield stream  # type: ignore[misc]  # a RawIOBase that writes all it is given
            store.finish()
    finally:
        store.close()


def as_kept(path: Path, content: bytes) -> bytes:
    """The bytes of a small file that is to be written at `path`."""
    key = key_of(path)
    return content if key is None else sealed(content, key)


def copy_kept(source: Path, target: Path) -> None:
    """A copy of a file from anywhere, as files are kept at `target`, which must not exist yet."""
    with open_kept(source) as content, writing_kept(target) as out:
        shutil.copyfileobj(content, out, 1 << 20)
