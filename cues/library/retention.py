"""Sessions whose time is over are deleted: by the date of the session, or of a consent that has run out.

Rows go first, then files. Where a process died in between, or one that still wrote into a session that was deleted,
the record of deletions says whose files are left.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from cues.library.database import Library
from cues.library.folders import remove_session_folder, session_ids
from cues.library.incoming import Incoming, remove_upload, uploads_in
from cues.library.models import Account, Consent, Deed, PracticeSession
from cues.library.sessions import delete_session
from cues.parameters import Keeping


def delete_expired(library: Library, today: date) -> list[str]:
    """Deletes every session that was to be kept until a day before `today`, and every one in which the last consent of
    one of its people ended before; rows first, then files. The ids."""
    with library.writing() as db:
        by_date = select(PracticeSession.id).where(PracticeSession.keep_until < today)
        ended: set[tuple[str, str]] = set()
        valid: set[tuple[str, str]] = set()
        for consent in db.scalars(select(Consent)):
            over = consent.valid_until is not None and consent.valid_until < today
            (ended if over else valid).add((consent.session_id, consent.person.lower()))
        gone = {session_id for session_id, _ in ended - valid}
        expired = sorted(gone | set(db.scalars(by_date)))
        for session_id in expired:
            delete_session(db, None, db.get_one(PracticeSession, session_id), "kept until its date")
    for session_id in expired:
        remove_session_folder(library.folder, session_id)
    return expired


def delete_left_files(library: Library) -> list[str]:
    """Removes the files of sessions that were deleted and whose files were not; the ids.

    What was never recorded as deleted stays, rows or not: the database may be another one, or an older copy of it.
    """
    there = set(session_ids(library.folder))
    with library.reading() as db:
        deleted = set(db.scalars(select(Deed.session_id).where(Deed.action == "delete")))
        left = sorted((there & deleted) - set(db.scalars(select(PracticeSession.id))))
    for session_id in left:
        remove_session_folder(library.folder, session_id)
    return left


def remove_orphans(library: Library, at: datetime) -> list[Path]:
    """Removes files of accounts that have no row, once nobody has touched them for a while; which."""
    incoming = Incoming(library.folder / "incoming")
    uploads = uploads_in(incoming)  # first: an account may be made meanwhile, and begin one
    with library.reading() as db:
        accounts = set(db.scalars(select(Account.id)))
    before = at - timedelta(hours=Keeping().orphan_hours)
    gone = [path for path in _of_nobody(library.folder, accounts) if _touched(path) < before.timestamp()]
    for path in gone:
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    for upload in uploads:
        if upload.owner not in accounts:
            remove_upload(incoming, upload.id)
    return gone


def _of_nobody(folder: Path, accounts: set[int]) -> Iterator[Path]:
    numbers = {str(account) for account in accounts}
    for pattern in ("checks/*", "handed-over/*.cues"):
        yield from (path for path in folder.glob(pattern) if path.stem not in numbers)
    for path in folder.glob("sessions/*/.corrected-*"):
        if path.stem.removeprefix(".corrected-") not in numbers:
            yield path


def _touched(path: Path) -> float:
    """When something in it was last written."""
    last = 0.0
    for one in (path, *path.rglob("*")):
        with suppress(FileNotFoundError):
            last = max(last, one.stat().st_mtime)
    return last
