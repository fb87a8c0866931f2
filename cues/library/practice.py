"""The one thing to practise that trainee and reviewer choose in a session; a new one takes the place of an earlier."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cues.library.deeds import record
from cues.library.models import Account, PracticePoint, PracticeSession, now
from cues.library.sessions import CUES, SessionError, find_session, left_out_for, left_out_of, visible

LONGEST = 500  # characters
JUDGED = ("", "like this", "rather not", "it depends")
_CLIPS_MOST = 6


@dataclass(frozen=True)
class Point:
    """A point to practise with its author's name and the session in which it was chosen."""

    point: PracticePoint
    author: str
    session: PracticeSession


def choose_point(
    db: Session, author: Account, session_id: str, cue: str, text: str, clips: list[dict[str, Any]]
) -> PracticePoint:
    """Chooses what to practise. clips: start, end [s], share (0-1), judged (a word of `JUDGED`) of those that were
    looked at. Raises SessionError."""
    text = " ".join(text.split())
    _seen(db, author, session_id, cue)
    if not 1 <= len(text) <= LONGEST:
        raise SessionError(f"In a few words: what is to be practised? At most {LONGEST} characters.")
    if len(clips) > _CLIPS_MOST or any(clip["judged"] not in JUDGED for clip in clips):
        raise SessionError("These are no clips of this session; load the page again.")
    _end(db, session_id)
    made = PracticePoint(session_id=session_id, author_id=author.id, cue=cue, text=text, clips={"clips": clips})
    db.add(made)
    record(db, author.id, "choose to practise", session_id, {"cue": cue})
    return made


def end_point(db: Session, account: Account, session_id: str) -> None:
    """Ends the point of a session. Raises SessionError."""
    for point in _running(db, session_id):
        _seen(db, account, session_id, point.cue)
    _end(db, session_id)
    record(db, account.id, "end practice point", session_id)


def point_of(db: Session, account: Account, session_id: str) -> Point | None:
    """What is to be practised since this session, for who sees the session and the cue."""
    session = find_session(db, account, session_id)
    if session is None:
        return None
    hidden = left_out_for(db, account, session)
    found = [point for point in _running(db, session_id) if point.cue not in hidden]
    return _told(db, found[0], session) if found else None


def point_before(db: Session, account: Account, session: PracticeSession) -> Point | None:
    """What was to be practised in this session: the last point of an earlier one of the same trainee, if this account
    sees that session, too, and the cue in both."""
    hidden = left_out_for(db, account, session)
    earlier = visible(account).where(
        PracticeSession.trainee_id == session.trainee_id,
        PracticeSession.id != session.id,
        PracticeSession.held_on <= session.held_on,
        PracticeSession.created < session.created,
    )
    running = earlier.join(PracticePoint, PracticePoint.session_id == PracticeSession.id).add_columns(PracticePoint)
    latest = (PracticeSession.held_on.desc(), PracticeSession.created.desc(), PracticePoint.id.desc())
    found = db.execute(running.where(PracticePoint.ended.is_(None)).order_by(None).order_by(*latest)).all()
    unseen = left_out_of(db, account, [other for other, _ in found])
    for other, point in found:
        if point.cue not in {*hidden, *unseen[other.id]}:
            return _told(db, point, other)
    return None


def _told(db: Session, point: PracticePoint, session: PracticeSession) -> Point:
    return Point(point, db.get_one(Account, point.author_id).name, session)


def _running(db: Session, session_id: str) -> list[PracticePoint]:
    mine = select(PracticePoint).where(PracticePoint.session_id == session_id, PracticePoint.ended.is_(None))
    return list(db.scalars(mine.order_by(PracticePoint.id.desc())))


def _end(db: Session, session_id: str) -> None:
    for point in _running(db, session_id):
        point.ended = now()


def _seen(db: Session, account: Account, session_id: str, cue: str) -> None:
    session = find_session(db, account, session_id)
    if session is None:
        raise SessionError("There is no such session; it may have been deleted, or is no longer shared.")
    if cue not in CUES or cue in left_out_for(db, account, session):
        raise SessionError("What is to be practised is about a cue that is shown to you.")
