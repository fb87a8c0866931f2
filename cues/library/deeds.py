"""The record of what was done: who viewed, downloaded, exported, shared or deleted what, and when. Only added to."""

import getpass
import os
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cues.library.models import Deed

WORDS = {
    "accept invitation": "took up the invitation",
    "add sample": "sample session added",
    "ask for review": "asked for a review",
    "back up": "made a backup of the library",
    "become supervisor": "became supervisor",
    "bring verdict again": "brought an undone verdict back",
    "change details": "changed title, date or how long it is kept",
    "change key": "changed the key of the recordings",
    "choose to practise": "chose something to practise",
    "close account": "closed an account",
    "comment": "wrote a comment",
    "correct": "corrected the figures",
    "create": "made the session",
    "delete": "deleted the session",
    "delete comment": "deleted a comment",
    "delete person": "deleted everything of a person",
    "encrypt recordings": "encrypted the recordings of the library",
    "end practice point": "ended something to practise",
    "export": "took a file out",
    "invite": "invited somebody",
    "keep tiers": "kept tiers of another program",
    "move database": "moved the rows of the library to another database",
    "open account": "opened an account again",
    "open hand-over": "opened a handed-over file",
    "open review again": "opened the review again",
    "restore": "brought a backup of the library back",
    "share": "shared the session",
    "sign in": "signed in",
    "sign-in refused": "sign-in refused",
    "sign off": "finished the review",
    "sign out": "signed out",
    "sign out everywhere": "signed out everywhere",
    "take back": "took the share back",
    "undo verdict": "undid a verdict",
    "upload": "uploaded a recording",
    "verdict": "gave a verdict",
    "view recording": "watched the recording",
    "view report": "read the report",
}
"""Action as it is recorded: what people read."""


def in_words(deed: Deed) -> str:
    """What was done, as people read it; which file left the tool, and why something was deleted."""
    more = deed.details.get("format") or deed.details.get("why")
    return WORDS[deed.action] + (f": {more}" if more else "")


OF_LIBRARY = ("back up", "restore", "encrypt recordings", "change key", "move database")
"""Actions of who runs the library, by commands, on all of it."""


def system_user() -> str:
    """Who gives a command, as the operating system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def deeds_of_library(db: Session, most: int) -> list[Deed]:
    """What was done with the library as a whole, newest first."""
    return list(db.scalars(select(Deed).where(Deed.action.in_(OF_LIBRARY)).order_by(Deed.id.desc()).limit(most)))


def record(
    db: Session,
    account_id: int | None,
    action: str,
    session_id: str | None = None,
    details: dict[str, Any] | None = None,
    address: str = "",
) -> None:
    """Adds one deed to the running transaction: it is kept if and only if what it tells of is."""
    db.add(Deed(account_id=account_id, action=action, session_id=session_id, details=details or {}, address=address))


def deeds_of_session(db: Session, session_id: str) -> list[Deed]:
    """Everything done to one session, oldest first."""
    return list(db.scalars(select(Deed).where(Deed.session_id == session_id).order_by(Deed.id)))
