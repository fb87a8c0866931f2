"""The record of what was done: who viewed, downloaded, exported, shared or deleted what, and when. Only added to."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cues.library.models import Deed


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
