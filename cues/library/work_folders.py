"""Folders in which something large is made before it is moved to its place or fetched: `library/work/<token>/`.

Whoever works in one holds a lock on it, which the system takes back when the process dies: what nobody holds any more
is a leftover and can be removed at any time, by any process. The folders are their owner's alone.
"""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from cues.errors import CuesError

FOLDER = "work"


class StorageError(CuesError):
    """A disk that a library cannot lie on."""


class WorkFolder:
    """A folder that is there until `remove`, or until this process ends and somebody looks for leftovers."""

    def __init__(self, library: Path) -> None:
        self.token = secrets.token_hex(16)
        self.path = library / FOLDER / self.token
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with _alone(self.path.parent):
            self.path.mkdir(mode=0o700)
            self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        """Removes it with all that is in it; nothing happens the second time."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> "WorkFolder":
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def leftovers(library: Path) -> Iterator[Path]:
    """The work folders that nobody holds, each while it is looked at; the caller decides what becomes of it."""
    if not (library / FOLDER).is_dir():
        return
    with _alone(library / FOLDER):
        for path in sorted((library / FOLDER).iterdir()):
            with suppress(BlockingIOError, FileNotFoundError), _held(path, fcntl.LOCK_NB):
                yield path


def check_locks(library: Path) -> None:
    """Raises StorageError where the library's disk cannot lock a folder, which tells leftovers from work under way."""
    try:
        with _held(library, fcntl.LOCK_NB):
            pass
    except BlockingIOError:
        pass
    except OSError as problem:
        raise StorageError(
            f"The storage of the library in {library} cannot lock folders ({problem.strerror}): several processes "
            "would clear up each other's work. Use one that can, such as CephFS, GlusterFS or a disk of this machine."
        ) from None


def _alone(folder: Path) -> AbstractContextManager[None]:
    """A folder that was made and is not held yet is no leftover: nobody looks for these meanwhile."""
    return _held(folder, 0)


@contextmanager
def _held(folder: Path, how: int) -> Iterator[None]:
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | how)
        yield
    finally:
        os.close(lock)
