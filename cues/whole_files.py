"""Files that are there whole or not at all, after a kill and a power cut, too.

Files are written aside in a folder of their own beside their places, flushed to the disk, and taken over by one rename
of that folder: before it nothing has changed, after it `finish_interrupted` ends what a process that died did not come
to. What does not fit on the disk leaves everything as it was.
"""

import errno
import os
import shutil
import sys
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from cues.errors import SessionFolderError

if sys.platform != "win32":
    import fcntl

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says where there is no room: on the disk, of a quota, in a file."""

FREE = nullcontext()
"""Nobody else writes here."""

_ASIDE, _TAKEN = ".writing-", ".written-"
_BEFORE = ".before"  # inside: second names of what was there


def write_whole(folder: Path, contents: Mapping[str, bytes], held: AbstractContextManager[None] = FREE) -> list[Path]:
    """Writes files (name -> content) into `folder` (made when missing), all of them or none; returns their paths.

    `held` is entered when everything is on the disk and only has to get its names; where it raises, nothing is written.
    Raises SessionFolderError when they cannot be written (disk full, no permission); what was there has not changed.
    """
    try:
        make_folder(folder)
        finish_interrupted(folder)
        with _aside(folder) as aside:
            for name, content in contents.items():
                with os.fdopen(os.open(aside / name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
            (aside / _BEFORE).mkdir()
            for name in contents:
                _keep(folder / name, aside / _BEFORE / name)
            sync_folder(aside)
            taken = aside.with_name(aside.name.replace(_ASIDE, _TAKEN))
            with held:
                aside.rename(taken)
                sync_folder(folder)
                _put_in_place(taken, folder, contents)
    except OSError as problem:
        raise SessionFolderError(
            f"The results cannot be written into '{folder}' ({problem.strerror or problem}): "
            "make room or choose another folder. What was there before is unchanged."
        ) from None
    return [folder / name for name in contents]


def make_folder(folder: Path, mode: int = 0o777) -> None:
    """Makes a folder and those above it that are missing, so that what is put into it lasts."""
    for missing in reversed([path for path in (folder, *folder.parents) if not path.exists()]):
        missing.mkdir(mode=mode, exist_ok=True)
        sync_folder(missing.parent)


def replace_whole(aside: Path, path: Path) -> None:
    """Gives a file that was written aside, on the same disk, its name: what is there after a power cut is the old
    content or all of the new one. Raises OSError."""
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    aside.replace(path)
    sync_folder(path.parent)


def finish_interrupted(folder: Path) -> None:
    """Ends what processes that died were writing into a folder: what was whole gets its place, the rest is removed.

    What another process is writing right now is left to it.
    """
    if sys.platform == "win32":
        return  # a folder cannot be held there: nobody can tell who is still writing
    for aside in sorted([*folder.glob(f"{_ASIDE}*"), *folder.glob(f"{_TAKEN}*")]):
        with suppress(FileNotFoundError, BlockingIOError):
            held = os.open(aside, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if aside.name.startswith(_TAKEN):
                    for path in sorted(path for path in aside.iterdir() if path.name != _BEFORE):
                        path.replace(folder / path.name)
                    sync_folder(folder)
                shutil.rmtree(aside)
            finally:
                os.close(held)


def sync_folder(folder: Path) -> None:
    """A new or renamed file lasts only when its folder has reached the disk, too."""
    if sys.platform == "win32":
        return  # folders are the file system's own business there
    _sync(folder, os.O_DIRECTORY)


def sync_file(path: Path) -> None:
    """Waits until what was written into a file by somebody else has reached the disk."""
    _sync(path)


def _sync(path: Path, flags: int = 0) -> None:
    handle = os.open(path, os.O_RDONLY | flags)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _aside(folder: Path) -> Iterator[Path]:
    """A folder to write in, held while it is used so that nobody takes it for a leftover; removed by an error."""
    while True:
        aside = folder / f"{_ASIDE}{uuid.uuid4().hex}"
        aside.mkdir(mode=0o700)
        if (held := _hold(aside)) is not None:
            break
    try:
        yield aside
    finally:
        shutil.rmtree(aside, ignore_errors=True)  # by this name it was not taken over
        if held >= 0:
            os.close(held)


def _hold(aside: Path) -> int | None:
    """What a folder is held by, -1 where folders cannot be held; None where another process had already taken it for a
    leftover and removed it."""
    if sys.platform == "win32":
        return -1
    try:
        held = os.open(aside, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        if aside.exists():
            return held
    except OSError:
        os.close(held)
        raise
    os.close(held)
    return None


def _put_in_place(taken: Path, folder: Path, names: Iterable[str]) -> None:
    """All of them, or what was there before: where one cannot be replaced, those that were are put back."""
    replaced: list[str] = []
    try:
        for name in names:
            (taken / name).replace(folder / name)
            replaced.append(name)
    except OSError:
        for name in replaced:
            with suppress(OSError):
                _put_back(taken / _BEFORE / name, folder / name)
        shutil.rmtree(taken, ignore_errors=True)
        raise
    sync_folder(folder)
    shutil.rmtree(taken, ignore_errors=True)


def _keep(path: Path, before: Path) -> None:
    """A second name for what is there; a copy on disks that know no second names."""
    try:
        os.link(path, before)
    except FileNotFoundError:
        pass
    except OSError:
        with suppress(FileNotFoundError):
            shutil.copyfile(path, before)


def _put_back(before: Path, path: Path) -> None:
    """What was there before, or nothing."""
    if before.exists():
        before.replace(path)
    else:
        path.unlink()
