"""Recordings of a session: from a finished upload into the session's folder and table."""

from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cues.library.database import Library
from cues.library.deeds import record
from cues.library.folders import make_session_folder
from cues.library.incoming import Incoming, Upload, remove_upload, take_upload
from cues.library.models import Account, PracticeSession, Recording
from cues.library.sessions import SessionError, own_session

MOST = 2
"""One file, or two of one conversation."""


def in_names_of_people(sentence: str, names: Mapping[str, str]) -> str:
    """A sentence with the names of files as they were when they were uploaded; `names`: as stored -> as uploaded."""
    for stored, known in names.items():
        sentence = sentence.replace(stored, known)
    return sentence


def add_recording(library: Library, incoming: Incoming, upload: Upload) -> Recording | None:
    """Moves a whole upload into its session; None where the session is gone, full, not the uploader's, or has this very
    file already: the upload is removed then.

    The row is committed before the file is moved. Called again after a crash in between, it finds the row without its
    file and moves it.
    """
    with library.writing() as db:
        account = db.get_one(Account, upload.owner)
        try:
            session = own_session(db, account, upload.session_id or "")
        except SessionError:
            found = None
        else:
            folder = make_session_folder(library.folder, session.id)
            found = _waiting(session, folder, upload) or _new(db, session, upload)
    if found is None:
        remove_upload(incoming, upload.id)
        return None
    take_upload(incoming, upload, folder / found.stored_as)
    return found


def _waiting(session: PracticeSession, folder: Path, upload: Upload) -> Recording | None:
    """The row that was written for this upload before a crash."""
    rows = (r for r in session.recordings if r.sha256 == upload.sha256 and not (folder / r.stored_as).exists())
    return next(rows, None)


def _new(db: Session, session: PracticeSession, upload: Upload) -> Recording | None:
    taken = {r.position for r in session.recordings}
    free = [position for position in range(MOST) if position not in taken]
    known = upload.sha256 in {r.sha256 for r in session.recordings}
    if not free or known or upload.sha256 is None:
        return None
    made = Recording(
        session_id=session.id,
        position=free[0],
        file_name=upload.file_name,
        stored_as=f"recording-{free[0] + 1}{Path(upload.file_name).suffix.lower()}",
        size=upload.length,
        sha256=upload.sha256,
    )
    db.add(made)
    record(db, upload.owner, "upload", session.id, {"file": made.file_name, "bytes": made.size})
    return made


def same_recording_elsewhere(db: Session, account: Account, session_id: str) -> list[PracticeSession]:
    """Other sessions of this account that hold a file with the same content as one of this session."""
    hashes = select(Recording.sha256).where(Recording.session_id == session_id)
    found = (
        select(PracticeSession)
        .join(Recording)
        .where(
            PracticeSession.trainee_id == account.id,
            PracticeSession.id != session_id,
            Recording.sha256.in_(hashes),
        )
        .distinct()
    )
    return list(db.scalars(found))


def bytes_of(db: Session, account: Account) -> int:
    """Size of all recordings of an account."""
    mine = select(PracticeSession.id).where(PracticeSession.trainee_id == account.id)
    return int(db.scalar(select(func.sum(Recording.size)).where(Recording.session_id.in_(mine))) or 0)
