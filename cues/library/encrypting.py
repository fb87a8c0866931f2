"""Encrypting a library that has recordings already. It can be ended at any time and goes on when it is begun again:
each file is replaced by its encrypted copy in one step, once that is on the disk."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from cues.encryption.at_rest import KEPT_CLEAR, copy_kept, is_sealed
from cues.encryption.keys import (
    KEY_FILE,
    PASSPHRASE,
    LibraryKeyError,
    begin_encryption,
    given_key,
    is_encrypted,
    unlock,
)
from cues.library.backup import refuse_while_running
from cues.library.database import open_rows
from cues.library.deeds import record, system_user
from cues.library.deletions import BACKUP_NAME, backup_folders
from cues.library.incoming_bytes import make_part, open_bytes

_FOLDERS = ("sessions", "incoming", "checks", "handed-over")
_PIECE_BYTES = 1 << 20


def encrypt_library(folder: Path, progress: Callable[[float], None]) -> tuple[int, int]:
    """Encrypts everything in a library that shows people; how many files and bytes that were. The key is the one that
    the environment gives. Raises LibraryKeyError, or BackupError while the application runs."""
    given = given_key()
    if given is None:
        raise LibraryKeyError(
            f"No key is given: set {KEY_FILE} to a key file (python -m cues key FILE) or {PASSPHRASE}."
        )
    refuse_while_running(folder)
    library = open_rows(folder)
    try:
        if is_encrypted(folder):
            unlock(folder)
        else:
            begin_encryption(folder, given)
            with library.writing() as db:
                record(db, None, "encrypt recordings", details={"locked_by": given.kind, "by": system_user()})
        clear = list(clear_files(folder))
        whole, done = max(sum(path.stat().st_size for path in clear), 1), 0
        for path in clear:
            size = path.stat().st_size
            (_encrypt_part if path.suffix == ".part" else _encrypt)(path)
            done += size
            progress(done / whole)
    finally:
        library.close()
    shutil.rmtree(folder / "work", ignore_errors=True)  # of processes that are not there any more
    return len(clear), done


def clear_files(folder: Path) -> Iterator[Path]:
    """The files of a library that would be encrypted and are not. What an encryption that was ended has left is removed
    on the way."""
    for name in _FOLDERS:
        for path in sorted((folder / name).rglob("*")):
            if path.name.endswith(".encrypting"):
                path.unlink()
            elif path.is_file() and path.suffix not in KEPT_CLEAR and not is_sealed(path):
                yield path


def clear_backups(folder: Path) -> list[Path]:
    """Backups that were made before the library was encrypted: the recordings in them can be read."""
    return [
        path
        for target in backup_folders(folder)
        for path in sorted(target.glob(f"{BACKUP_NAME}*"))
        if not is_encrypted(path)
    ]


def _encrypt(path: Path) -> None:
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.encrypting")
    copy_kept(path, aside)
    _replace(path, aside)


def _encrypt_part(path: Path) -> None:
    """An upload that is not whole goes on where it was."""
    aside = path.with_name(f"{uuid.uuid4().hex}.encrypting")
    make_part(aside)
    handle = os.open(aside, os.O_RDWR)
    try:
        content = open_bytes(handle, path)
        with path.open("rb") as plain:
            while piece := plain.read(_PIECE_BYTES):
                rest = memoryview(piece)
                while rest:
                    rest = rest[content.write(rest) :]
        content.settle()
    finally:
        os.close(handle)
    _replace(path, aside)


def _replace(path: Path, aside: Path) -> None:
    """The time at which a file was written stays; what was readable is written over before its place is given back,
    which a disk that writes elsewhere (flash, snapshots) does not promise to follow."""
    found = path.stat()
    os.utime(aside, ns=(found.st_atime_ns, found.st_mtime_ns))
    with suppress(OSError), path.open("r+b") as old:
        aside.replace(path)
        if os.fstat(old.fileno()).st_nlink == 0:  # else a backup has it under a second name
            for _ in range(0, found.st_size, _PIECE_BYTES):
                old.write(bytes(_PIECE_BYTES))
            old.truncate(found.st_size)
            os.fsync(old.fileno())
    if aside.exists():
        aside.replace(path)
