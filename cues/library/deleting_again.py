"""What was deleted is deleted again in a database that is as it was before: one from a backup, or from a dump."""

from contextlib import closing
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete
from sqlalchemy.orm import Session

from cues.library.database import Library, open_rows
from cues.library.deeds import record, system_user
from cues.library.deletions import PERSON, SESSION, Deletion, deletions_done, not_on_record, read_log
from cues.library.folders import remove_session_folder
from cues.library.models import Account, Deed, PracticeSession, SignIn
from cues.library.person import remove_account
from cues.library.sessions import delete_session


def delete_again(library: Library, known: set[Deletion], made: str | None = None) -> tuple[int, int]:
    """Deletes of what is known to be deleted whatever the record of deeds does not have, enters it there with the time
    at which it was deleted first, and signs everybody out. `made`: when the backup was, for the record. How many
    sessions and people there were to delete."""
    with library.writing() as db:
        since = known - deletions_done(db)
        sessions = [one.id for one in since if one.what == SESSION and db.get(PracticeSession, one.id) is not None]
        people = [int(one.id) for one in since if one.what == PERSON and db.get(Account, int(one.id)) is not None]
        for session_id in sessions:
            delete_session(db, None, db.get_one(PracticeSession, session_id), "deleted before a backup came back")
        for account_id in people:
            sessions += remove_account(db, db.get_one(Account, account_id), None)
        for one in since:
            _enter(db, one)
        db.execute(delete(SignIn))
        told = {"made": made, "deleted_again": len(sessions), "people": len(people), "by": system_user()}
        record(db, None, "restore", details=told)
    for session_id in sessions:
        remove_session_folder(library.folder, session_id)
    return len(sessions), len(people)


def delete_again_from_log(folder: Path, url: str | None) -> tuple[int, int]:
    """The same of a library whose database was brought back by other means, from its own log of deletions; (0, 0)
    where the record has all of it. Raises LibraryError."""
    with closing(open_rows(folder, url)) as library:
        with library.reading() as db:
            if not not_on_record(db, folder):
                return 0, 0
        return delete_again(library, read_log(folder))


def _enter(db: Session, deletion: Deletion) -> None:
    of_session = deletion.what == SESSION
    db.add(
        Deed(
            at=datetime.fromisoformat(deletion.at),
            action=deletion.what,
            session_id=deletion.id if of_session else None,
            details={"why": "from the log of deletions"} | ({} if of_session else {"account": int(deletion.id)}),
        )
    )
