"""Tiers that somebody made in another program and brought in with their corrections: kept as they are, for them alone.

A tier is known by its view, subject and name; brought in again it takes the place of the one before. Nobody else sees
them, the session's trainee neither, and no hand-over takes them along: they leave in their owner's own exports.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.orm import Session

from cues.library.deeds import record
from cues.library.models import Account, KeptTierRow
from cues.library.sessions import SessionError, find_session

MOST_TIERS = 500
MOST_MARKS = 100_000
"""Of one person in one session."""

Mark = tuple[int, int | None, str]
"""Start and end [ms], None for a point in time; what is written there."""


@dataclass(frozen=True)
class Tier:
    """Marks of one kind. subject: whom they are about, "" where that is not said; view: the observation of BORIS in
    which they are, "" where it is the tool's, or none."""

    view: str
    subject: str
    name: str
    marks: tuple[Mark, ...]

    @property
    def key(self) -> tuple[str, str, str]:
        """What it is known by."""
        return self.view, self.subject, self.name


def kept_tiers(db: Session, owner: Account, session_id: str) -> list[Tier]:
    """What is kept for this account in a session, by when it came in first; none where they may not see it."""
    if find_session(db, owner, session_id) is None:
        return []
    rows = db.scalars(select(KeptTierRow).where(_of(owner, session_id)).order_by(KeptTierRow.id))
    return [Tier(row.view, row.subject, row.name, _marks(row)) for row in rows]


def keep_tiers(db: Session, owner: Account, session_id: str, tiers: Sequence[Tier]) -> int:
    """Keeps `tiers` beside those that are kept already; how many are new or different. Raises SessionError."""
    here = {tier.key: tier for tier in kept_tiers(db, owner, session_id)}
    changed = [tier for tier in tiers if here.get(tier.key) != tier]
    if not changed:
        return 0
    if find_session(db, owner, session_id) is None:
        raise SessionError("There is no such session; it may have been deleted, or is no longer shared.")
    every = here | {tier.key: tier for tier in changed}
    if len(every) > MOST_TIERS or sum(len(tier.marks) for tier in every.values()) > MOST_MARKS:
        raise SessionError(f"At most {MOST_TIERS} tiers with {MOST_MARKS} marks can be kept in a session.")
    rows = {(r.view, r.subject, r.name): r for r in db.scalars(select(KeptTierRow).where(_of(owner, session_id)))}
    for tier in changed:
        row = rows.get(tier.key) or KeptTierRow(session_id=session_id, owner_id=owner.id)
        row.view, row.subject, row.name = tier.key
        row.marks = {"marks": [list(mark) for mark in tier.marks]}
        db.add(row)
    record(db, owner.id, "keep tiers", session_id, {"count": len(changed)})
    return len(changed)


def remove_tier(db: Session, owner: Account, session_id: str, key: tuple[str, str, str]) -> None:
    """Removes one of this account's own."""
    view, subject, name = key
    columns = and_(KeptTierRow.view == view, KeptTierRow.subject == subject, KeptTierRow.name == name)
    db.execute(delete(KeptTierRow).where(_of(owner, session_id), columns))


def _marks(row: KeptTierRow) -> tuple[Mark, ...]:
    return tuple((start, end, text) for start, end, text in row.marks["marks"])


def _of(owner: Account, session_id: str) -> ColumnElement[bool]:
    return and_(KeptTierRow.session_id == session_id, KeptTierRow.owner_id == owner.id)
