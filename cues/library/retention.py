"""Sessions whose time is over are deleted: by the date of the session, or of a consent that has run out."""

from datetime import date

from sqlalchemy import select

from cues.library.database import Library
from cues.library.folders import remove_session_folder
from cues.library.models import Consent, PracticeSession
from cues.library.sessions import delete_session


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
