"""The verdicts that reviewers gave on the episodes of a session that they may see: giving, undoing, bringing again.

What is given at once is undone at once. A new verdict ends what could be brought again. Whoever sees a session may
review it, its trainee too; of a cue that is left out for somebody they neither give nor see a verdict.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, delete, func, select
from sqlalchemy.orm import Session

from cues.library.deeds import record
from cues.library.models import Account, PracticeSession, VerdictRow, is_uid, now
from cues.library.sessions import SessionError, find_session, left_out_for
from cues.review.verdicts import ADJUST, JUDGED, WORDS, Verdict

MOST_AT_ONCE = 5000


@dataclass(frozen=True)
class Reviewer:
    """Somebody who gave verdicts on a session: what they say now, in order; drawn: those on drawn episodes.

    last, undone: the act that `undo` would take back, and the one that `redo` would bring again; "" for none.
    """

    account_id: int
    name: str
    verdicts: tuple[Verdict, ...]
    drawn: tuple[Verdict, ...]
    last: str
    undone: str


def verdicts_of(db: Session, account: Account, session_id: str) -> list[Reviewer]:
    """The reviewers of a session with their verdicts, by when they began; none for who may not see it."""
    session = find_session(db, account, session_id)
    if session is None:
        return []
    hidden = left_out_for(db, account, session)
    rows = select(VerdictRow, Account.name).join(Account, Account.id == VerdictRow.reviewer_id)
    given: dict[int, list[VerdictRow]] = {}
    names: dict[int, str] = {}
    for row, name in db.execute(rows.where(VerdictRow.session_id == session_id).order_by(VerdictRow.id)):
        if JUDGED.get((row.cue, row.kind)) not in hidden:
            given.setdefault(row.reviewer_id, []).append(row)
            names[row.reviewer_id] = name
    return [
        Reviewer(
            reviewer,
            names[reviewer],
            tuple(verdict_in(row) for row in rows if not row.undone),
            tuple(verdict_in(row) for row in rows if row.drawn and not row.undone),
            max((_act(row.created) for row in rows if not row.undone), default=""),
            min((_act(row.created) for row in rows if row.undone), default=""),
        )
        for reviewer, rows in given.items()
    ]


def give(
    db: Session,
    reviewer: Account,
    session_id: str,
    verdicts: Sequence[Verdict],
    analysis: str,
    drawn: bool = False,
    uid: str | None = None,
) -> None:
    """Adds verdicts, as one act. analysis: which computation they are about (`analysis_of`); drawn: their episodes were
    drawn at random; uid: of the first of them, drawn by who sends them, so that the same sent again is given once.
    Raises SessionError."""
    hidden = left_out_for(db, reviewer, _seen(db, reviewer, session_id))
    if not 0 < len(verdicts) <= MOST_AT_ONCE:
        raise SessionError(f"Between one and {MOST_AT_ONCE} verdicts can be given at once.")
    for verdict in verdicts:
        _check(verdict, hidden)
    if uid is not None and _given_before(db, reviewer, session_id, uid):
        return
    db.execute(delete(VerdictRow).where(_of(reviewer, session_id), VerdictRow.undone))
    at = now()
    for position, verdict in enumerate(verdicts):
        given = VerdictRow(session_id=session_id, reviewer_id=reviewer.id, analysis=analysis, drawn=drawn, created=at)
        for name in _CONTENT:
            setattr(given, name, getattr(verdict, name))
        if uid is not None and position == 0:
            given.uid = uid
        db.add(given)
    record(db, reviewer.id, "verdict", session_id, {"count": len(verdicts)})


def undo(db: Session, reviewer: Account, session_id: str, act: str | None = None) -> None:
    """Takes back this reviewer's last act; with `act` (`Reviewer.last`) only if it still is the last. Raises
    SessionError."""
    _switch(db, reviewer, session_id, select(func.max(VerdictRow.created)).where(~VerdictRow.undone), True, act)


def redo(db: Session, reviewer: Account, session_id: str, act: str | None = None) -> None:
    """Brings again what was undone last; with `act` (`Reviewer.undone`) only if that still is it. Raises
    SessionError."""
    _switch(db, reviewer, session_id, select(func.min(VerdictRow.created)).where(VerdictRow.undone), False, act)


def verdict_in(row: VerdictRow) -> Verdict:
    """What a row of the table says."""
    return Verdict(**{name: getattr(row, name) for name in _CONTENT})


_CONTENT = ("word", "person", "cue", "kind", "start", "end", "new_start", "new_end")


def _switch(
    db: Session, reviewer: Account, session_id: str, which: Select[datetime], undone: bool, act: str | None
) -> None:
    _seen(db, reviewer, session_id)
    at = db.scalar(which.where(_of(reviewer, session_id)))
    if act is not None and (at is None or _act(at) != act):
        return
    if at is None:
        raise SessionError("There is nothing more to undo." if undone else "There is nothing to bring again.")
    for row in db.scalars(select(VerdictRow).where(_of(reviewer, session_id), VerdictRow.created == at)):
        row.undone = undone
    record(db, reviewer.id, "undo verdict" if undone else "bring verdict again", session_id)


def _given_before(db: Session, reviewer: Account, session_id: str, uid: str) -> bool:
    if not is_uid(uid):
        raise SessionError("This is no verdict; load the page again.")
    before = db.scalar(select(VerdictRow).where(VerdictRow.uid == uid))
    if before is not None and (before.reviewer_id, before.session_id) != (reviewer.id, session_id):
        raise SessionError("This is no verdict; load the page again.")
    return before is not None


def _act(at: datetime) -> str:
    """What names an act: no two of one reviewer happen in the same microsecond."""
    return at.isoformat()


def _of(reviewer: Account, session_id: str) -> ColumnElement[bool]:
    return and_(VerdictRow.session_id == session_id, VerdictRow.reviewer_id == reviewer.id)


def _seen(db: Session, account: Account, session_id: str) -> PracticeSession:
    session = find_session(db, account, session_id)
    if session is None:
        raise SessionError("There is no such session; it may have been deleted, or is no longer shared.")
    return session


def _check(verdict: Verdict, hidden: Sequence[str]) -> None:
    cue = JUDGED.get((verdict.cue, verdict.kind))
    if verdict.word not in WORDS or cue is None or cue in hidden:
        raise SessionError("A verdict is about an episode of a cue that is shown to you.")
    _check_stretch(verdict.start, verdict.end)
    if verdict.word == ADJUST:
        _check_stretch(verdict.new_start, verdict.new_end)
    elif verdict.new_start is not None or verdict.new_end is not None:
        raise SessionError("Only an adjusted episode has new ends.")


def _check_stretch(start: float | None, end: float | None) -> None:
    if start is None or end is None or not (math.isfinite(start) and math.isfinite(end) and 0 <= start < end):
        raise SessionError("A stretch begins before it ends, inside the recording.")
