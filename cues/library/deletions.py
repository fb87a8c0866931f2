"""What was deleted, outside of the database: so that a backup brings nobody back who was deleted after it was made.

`deletions.log` lies in the library and in every folder of its backups: a line for each session and person deleted, with
the time at which the record of deeds has it. Lines are only added. The record and the logs are compared after every
deletion, at every start and before every backup. What a log lacks is added; where the record lacks something, the
database is from before, and `cues.library.deleting_again` deletes it once more.
"""

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from cues.library.models import Deed

LOG = "deletions.log"
BACKUPS = "backups.json"
BACKUP_NAME = "cues-backup-"
"""How the folder of a backup begins; its time follows."""
SESSION, PERSON = "delete", "delete person"
"""Deeds that delete."""


@dataclass(frozen=True, order=True)
class Deletion:
    """at: when, in ISO 8601. what: SESSION or PERSON. id: of the session, or the number of the account."""

    at: str
    what: str
    id: str


def backup_folders(library: Path) -> list[Path]:
    """The folders into which backups of a library were made."""
    try:
        return [Path(text) for text in json.loads((library / BACKUPS).read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError):
        return []


def deletions_done(db: Session) -> set[Deletion]:
    """Those that the record of deeds has."""
    found = set()
    for deed in db.scalars(select(Deed).where(Deed.action.in_((SESSION, PERSON)))):
        gone = deed.session_id if deed.action == SESSION else deed.details.get("account")
        found.add(Deletion(deed.at.isoformat(), deed.action, str(gone)))
    return found


def read_log(folder: Path) -> set[Deletion]:
    """Those that a log has; a line that was cut off while it was written is passed over."""
    found = set()
    with suppress(FileNotFoundError):
        for line in (folder / LOG).read_text(encoding="utf-8").splitlines():
            with suppress(ValueError, TypeError):
                found.add(Deletion(**json.loads(line)))
    return found


def not_on_record(db: Session, library: Path) -> set[Deletion]:
    """Those that the library's log has and the record of deeds has not: the database is from before."""
    return read_log(library) - deletions_done(db)


def add_to_log(folder: Path, deletions: Iterable[Deletion]) -> None:
    """Adds those that a log lacks, and waits for the disk."""
    lacking = sorted(set(deletions) - read_log(folder))
    if not lacking:
        return
    handle = os.open(folder / LOG, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
    try:
        lines = "".join(json.dumps(vars(one)) + "\n" for one in lacking)
        os.write(handle, b"\n" * _unfinished(folder) + lines.encode())
        os.fsync(handle)
    finally:
        os.close(handle)


def note_deletions(db: Session, library: Path) -> None:
    """Brings the logs up to date; a folder of backups that is not there now gets it the next time."""
    done = deletions_done(db)
    if done:
        add_to_log(library, done)
    for folder in backup_folders(library):
        with suppress(OSError):
            if folder.is_dir():
                add_to_log(folder, read_log(library))


def _unfinished(folder: Path) -> bool:
    """Whether the last line was cut off."""
    text = (folder / LOG).read_bytes()
    return bool(text) and not text.endswith(b"\n")
