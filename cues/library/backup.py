"""Backups of a library while the application runs, and bringing one back.

    TARGET/deletions.log                       what was deleted since, `cues.library.deletions`
    TARGET/cues-backup-<UTC time>/             one backup: library.db, encryption.json, deletions.log, sessions/<id>/…
                                               and backup.json, which says what belongs to it and when it expires

The database is copied by SQLite's online backup; files of sessions are never written in place, so they get a second
name (hard link) where the disk is the same one, and are copied where it is not. Encrypted recordings stay as they are.
Left out is what would not go on after a restore: uploads on their way, unfinished parts of analyses, made files.

A backup is brought back into a folder beside the library, where what was deleted since is deleted again; then the two
folders change their names in one step, and the old one is kept beside it. A restore that ends before leaves the old.
"""

import ctypes
import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from cues import __version__
from cues.encryption import keys
from cues.errors import CuesError
from cues.library.database import ASIDE, FILE_NAME, LibraryError, open_rows
from cues.library.deeds import record, system_user
from cues.library.deleting_again import delete_again
from cues.library.deletions import (
    BACKUP_NAME,
    BACKUPS,
    LOG,
    Deletion,
    add_to_log,
    backup_folders,
    deletions_done,
    note_deletions,
    read_log,
)
from cues.library.folders import session_folder
from cues.library.models import PracticeSession, Recording
from cues.parameters import Keeping
from cues.whole_files import sync_file, sync_folder, write_whole

MANIFEST = "backup.json"
_MAKING, _RESTORING = ".making-", ".restoring"
_BEFORE = ".before-"
_TIME = "%Y%m%dT%H%M%S%fZ"
_ROUNDS = 3
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h


class BackupError(CuesError):
    """A backup cannot be made or brought back; the sentence is for whoever asked for it."""


@dataclass(frozen=True)
class Made:
    """A backup that was made. copied: bytes that were not on its disk before. missing: recordings whose file was not
    there. expired: older backups that were removed."""

    folder: Path
    sessions: int
    bytes: int
    copied: int
    expires: date
    missing: tuple[str, ...]
    expired: tuple[Path, ...]


@dataclass(frozen=True)
class Restored:
    """A backup that was brought back. made: when it was. sessions, people: deleted again. before: where what was there
    is kept, None where there was nothing."""

    made: str
    sessions: int
    people: int
    before: Path | None


def make_backup(folder: Path, url: str | None, target: Path, keep_days: int = Keeping().backup_days) -> Made:
    """Writes a backup of the library in `folder` into a new folder in `target`. Raises BackupError, LibraryError."""
    _refuse_others(url, "backed up")
    folder, target = folder.resolve(), target.resolve()
    if not (folder / FILE_NAME).exists():
        raise BackupError(f"There is no library in {folder}.")
    if target.is_relative_to(folder) or folder.is_relative_to(target):
        raise BackupError("A backup cannot lie inside the library, nor the library inside the backups: choose another.")
    if target not in backup_folders(folder) and any(target.glob(f"{BACKUP_NAME}*")):
        raise BackupError(
            f"{target} holds backups of another library, whose deletions would count for this one too: choose another "
            "folder."
        )
    library = open_rows(folder)
    now = datetime.now(UTC)
    place = target / f"{BACKUP_NAME}{now.strftime(_TIME)}"
    making = target / f"{_MAKING}{now.strftime(_TIME)}-{os.getpid()}"
    with closing(library), _told("made", making):
        target.mkdir(parents=True, exist_ok=True, mode=0o700)
        making.mkdir(mode=0o700)
        with library.reading() as db:
            note_deletions(db, folder)
        for name in (LOG, keys.FILE_NAME):
            if (folder / name).exists():
                _copy(folder / name, making / name)
        _copy_rows(folder / FILE_NAME, making / FILE_NAME)
        ids, recordings = _rows_of(making / FILE_NAME)
        copied = sum(_keep_session(folder, making, session_id) for session_id in ids)
        missing = tuple(str(path) for path in recordings if not (making / path).exists())
        files = {str(path.relative_to(making)): path.stat().st_size for path in _files(making)}
        expires = now.date() + timedelta(days=keep_days)
        said = {"made": now.isoformat(timespec="seconds"), "expires": expires.isoformat(), "version": __version__}
        with (making / FILE_NAME).open("rb") as rows:
            said["database_sha256"] = hashlib.file_digest(rows, "sha256").hexdigest()
        write_whole(making, {MANIFEST: json.dumps({**said, "files": files}, indent=1).encode()})
        making.rename(place)
        sync_folder(target)
        _remember(folder, target)
        told = {"to": place.name, "sessions": len(ids), "until": expires.isoformat(), "by": system_user()}
        with library.writing() as db:
            note_deletions(db, folder)
            record(db, None, "back up", details=told)
        expired = tuple(remove_expired(folder, now.date()))
    return Made(place, len(ids), sum(files.values()), copied, expires, missing, expired)


def remove_expired(folder: Path, today: date) -> list[Path]:
    """Removes the backups of a library whose time is over, where their folders can be reached, and libraries that a
    restore or a move has set aside as long ago; those that were removed."""
    gone = []
    for target in backup_folders(folder):
        for path in target.glob(f"{BACKUP_NAME}*"):
            with suppress(OSError, ValueError, KeyError):
                if date.fromisoformat(_manifest(path)["expires"]) < today:
                    gone.append(path)
        gone += [path for path in target.glob(f"{_MAKING}*") if _older(path.name[len(_MAKING) :], today, 1)]
    for path in folder.parent.glob(f"{folder.name}{_BEFORE}*"):
        if _older(path.name[len(folder.name + _BEFORE) :], today, Keeping().backup_days):
            gone.append(path)
    for path in gone:
        shutil.rmtree(path, ignore_errors=True)
    for path in folder.glob(f"{ASIDE}*"):
        if _older(path.name[len(ASIDE) :], today, Keeping().backup_days):
            path.unlink()
            gone.append(path)
    return gone


def restore_backup(backup: Path, folder: Path, url: str | None) -> Restored:
    """Brings a backup back as the library in `folder`. Raises BackupError, LibraryError; nothing has changed then."""
    _refuse_others(url, "restored")
    backup, folder = backup.resolve(), folder.resolve()
    said = _checked(backup)
    refuse_while_running(folder)
    there = folder.exists() and any(folder.iterdir())
    beside = folder.with_name(f"{folder.name}{_BEFORE}{datetime.now(UTC).strftime(_TIME)}")
    known = read_log(folder) | read_log(backup.parent) | _of_rows(folder)
    with _told("restored", beside):
        for left in folder.parent.glob(f"{folder.name}{_BEFORE}*"):
            if (left / _RESTORING).exists():  # of a restore that was ended
                shutil.rmtree(left)
        beside.mkdir(parents=True, mode=0o700)
        (beside / _RESTORING).touch(mode=0o600)
        for name in said["files"]:
            (beside / name).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            _copy(backup / name, beside / name)
        _take_over(folder, backup, beside)
        with closing(open_rows(beside)) as rows:
            counts = delete_again(rows, known, said["made"])
        add_to_log(beside, known)
        (beside / _RESTORING).unlink()
        sync_folder(beside)
        if there:
            _exchange(folder, beside)
        else:
            if folder.exists():
                folder.rmdir()
            beside.rename(folder)
        sync_folder(folder.parent)
    return Restored(said["made"], *counts, beside if there else None)


def refuse_while_running(folder: Path) -> None:
    """Raises BackupError while another process has the library's database open: SQLite leaves its log mode only for
    somebody who is alone."""
    if not (folder / FILE_NAME).exists():
        return
    with closing(sqlite3.connect(folder / FILE_NAME, timeout=1, isolation_level=None)) as connection:
        try:
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
        except sqlite3.OperationalError as problem:
            if "locked" in str(problem):
                raise BackupError(
                    f"The application is running on the library in {folder}: end it first, then do this again."
                ) from None
        except sqlite3.DatabaseError:
            return  # damaged, which is why a backup is brought back


def _take_over(folder: Path, backup: Path, beside: Path) -> None:
    """What the library knows since the backup: the folders of its backups, and by which key its own is locked now."""
    targets = {*map(str, backup_folders(folder)), str(backup.parent)}
    write_whole(beside, {BACKUPS: json.dumps(sorted(targets)).encode()})
    if keys.same_encryption(folder, beside):
        # In place of it: the name stands for the file of the backup, which stays as it is.
        write_whole(beside, {keys.FILE_NAME: (folder / keys.FILE_NAME).read_bytes()})


def _copy_rows(source: Path, target: Path) -> None:
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    with closing(sqlite3.connect(source, timeout=15)) as rows, closing(sqlite3.connect(target)) as copy:
        rows.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        if copy.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise BackupError("The database is damaged and was not backed up: bring back an earlier backup.")
    sync_file(target)


def _rows_of(database: Path) -> tuple[list[str], list[Path]]:
    """The sessions in a copy of the database, and where their recordings should lie."""
    with closing(sqlite3.connect(database)) as copy:
        ids = [row[0] for row in copy.execute(f"SELECT id FROM {PracticeSession.__tablename__}")]
        stored = copy.execute(f"SELECT session_id, stored_as FROM {Recording.__tablename__}").fetchall()
    return ids, [Path("sessions") / session_id / name for session_id, name in stored]


def _keep_session(folder: Path, making: Path, session_id: str) -> int:
    """Takes a session's files into a backup; bytes that were copied. Results that are replaced meanwhile are taken
    again, so that those of one computation stay together."""
    source, target = session_folder(folder, session_id), session_folder(making, session_id)
    copied = 0
    for _ in range(_ROUNDS):
        shutil.rmtree(target, ignore_errors=True)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        target.mkdir(mode=0o700)
        before = _standing(source)
        for name in before:
            with suppress(FileNotFoundError):
                copied += _copy(source / name, target / name)
        if _standing(source) == before:
            break
    return copied


def _standing(folder: Path) -> dict[str, int]:
    """The files of a session that are whole, by name, and which file each name stands for."""
    found = {}
    with suppress(FileNotFoundError):  # the session is deleted just now
        for path in folder.glob("*"):
            with suppress(FileNotFoundError):
                if path.is_file() and not path.name.startswith("."):
                    found[path.name] = path.stat().st_ino
    return found


def _copy(source: Path, target: Path) -> int:
    """A second name for a file that is never written in place, or a copy; bytes that were copied."""
    if source.suffix != ".db" and source.name != LOG:
        with suppress(OSError):
            os.link(source, target)
            return 0
    shutil.copyfile(source, target)
    target.chmod(0o600)
    sync_file(target)
    return target.stat().st_size


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _checked(backup: Path) -> dict[str, Any]:
    """What a backup says of itself, once it was compared with what is there."""
    try:
        said = _manifest(backup)
        names = list(said["files"])
        wrong = [n for n in names if ".." in Path(n).parts or Path(n).is_absolute()]
        wrong += [n for n in names if not wrong and (backup / n).stat().st_size != said["files"][n]]
        with (backup / FILE_NAME).open("rb") as rows:
            same = hashlib.file_digest(rows, "sha256").hexdigest() == said["database_sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        raise BackupError(f"{backup} is no whole backup: choose another one. Nothing was changed.") from None
    if wrong or not same:
        which = wrong[0] if wrong else FILE_NAME
        raise BackupError(f"{which} in {backup} is not what was backed up: choose another one. Nothing was changed.")
    return said


def _manifest(backup: Path) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((backup / MANIFEST).read_text(encoding="utf-8"))
    return said


def _of_rows(folder: Path) -> set[Deletion]:
    """What the database that is there has of deletions, where it can be read."""
    if not (folder / FILE_NAME).exists():
        return set()
    with suppress(LibraryError, SQLAlchemyError), closing(open_rows(folder)) as library, library.reading() as db:
        return deletions_done(db)
    return set()


def _remember(folder: Path, target: Path) -> None:
    known = {*map(str, backup_folders(folder)), str(target)}
    write_whole(folder, {BACKUPS: json.dumps(sorted(known)).encode()})


def _exchange(one: Path, other: Path) -> None:
    """Two folders change their names: in one step where the system can do that (renameat2, Linux), else in two, of
    which the first is taken back when the second fails."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is not None:
        done = renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE)
        if done == 0:
            return
    aside = one.with_name(f"{one.name}.exchanging")
    one.rename(aside)
    try:
        other.rename(one)
    except OSError:
        aside.rename(one)
        raise
    aside.rename(other)


def _refuse_others(url: str | None, what: str) -> None:
    if url and make_url(url).get_backend_name() != "sqlite":
        raise BackupError(
            f"Only a library whose database is its own SQLite file can be {what} by this command. For PostgreSQL: "
            "pg_dump first, then a copy of the library's folder; README.md has the commands, under 'Database, storage, "
            "web processes'."
        )
    if url:
        raise BackupError(f"CUES_DATABASE_URL names a database outside of the library: it cannot be {what} here.")


def _older(time: str, today: date, days: int) -> bool:
    try:
        made = datetime.strptime(time.partition("-")[0], _TIME).date()
    except ValueError:
        return False
    return made + timedelta(days=days) < today


@contextmanager
def _told(what: str, unfinished: Path) -> Iterator[None]:
    """What the disk says, as a sentence; what was begun is removed."""
    try:
        yield
    except BaseException as problem:
        if unfinished.name.startswith(_MAKING) or (unfinished / _RESTORING).exists():
            shutil.rmtree(unfinished, ignore_errors=True)
        if isinstance(problem, OSError):
            raise BackupError(f"The backup cannot be {what} ({problem.strerror}): the library is as it was.") from None
        raise
