"""The sessions of a library: who sees which, making, sharing, taking back, deleting.

`visible` is the one place that says who sees a session. It starts private to its trainee; a supervisor sees what was
shared with them; an administrator, as such, sees none.
"""

import secrets
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Select, delete, select, union
from sqlalchemy.orm import Session

from cues.corrections import PLACES
from cues.errors import CuesError
from cues.library import deletions
from cues.library.database import DELETES
from cues.library.deeds import record
from cues.library.models import (
    Account,
    Comment,
    Consent,
    Deed,
    Guess,
    Job,
    KeptTierRow,
    PracticePoint,
    PracticeSession,
    Recording,
    Segment,
    Share,
    SignOff,
    VerdictRow,
    now,
)

CUES = ("eye_contact", "forward_lean", "facial_mirroring")
EXPORTS = ("export", "download")


class SessionError(CuesError):
    """What was asked for cannot be done with this session; the sentence is for the person who asked."""


def visible(account: Account) -> Select[PracticeSession]:
    """The sessions that somebody may see, newest first."""
    mine = PracticeSession.trainee_id == account.id
    if account.supervisor:  # a union and no "or", for which PostgreSQL would read every session there is
        own = select(PracticeSession.id).where(mine)
        shares = select(Share.session_id).where(Share.supervisor_id == account.id, Share.ended.is_(None))
        mine = PracticeSession.id.in_(union(own, shares))
    return select(PracticeSession).where(mine).order_by(PracticeSession.held_on.desc(), PracticeSession.id)


def find_session(db: Session, account: Account, session_id: str) -> PracticeSession | None:
    """A session by its id; None when there is none or this account may not see it: nobody can tell which."""
    return db.scalar(visible(account).where(PracticeSession.id == session_id))


def own_session(db: Session, account: Account, session_id: str) -> PracticeSession:
    """A session that belongs to this account. Raises SessionError where it is not theirs or not there."""
    found = find_session(db, account, session_id)
    if found is None or found.trainee_id != account.id:
        raise SessionError("There is no such session of yours; it may have been deleted.")
    return found


def create_session(
    db: Session, trainee: Account, title: str, held_on: date, setup: str, keep_until: date | None
) -> PracticeSession:
    """A new session, private to its trainee. Raises SessionError."""
    title = " ".join(title.split())
    if not trainee.trainee:
        raise SessionError("Only a trainee can add sessions.")
    if not 1 <= len(title) <= 200:
        raise SessionError("A title is needed, of at most 200 characters.")
    if keep_until is not None and keep_until < now().date():
        raise SessionError("The date until which the session is kept lies in the past.")
    made = PracticeSession(
        id=secrets.token_hex(16),
        trainee_id=trainee.id,
        title=title,
        held_on=held_on,
        setup=setup,
        keep_until=keep_until,
    )
    db.add(made)
    db.flush()
    record(db, trainee.id, "create", made.id)
    return made


def change_session(
    db: Session, trainee: Account, session_id: str, title: str, held_on: date, keep_until: date | None
) -> None:
    """Another title, date, or time to keep it. Raises SessionError."""
    session = own_session(db, trainee, session_id)
    title = " ".join(title.split())
    if not 1 <= len(title) <= 200:
        raise SessionError("A title is needed, of at most 200 characters.")
    if keep_until is not None and keep_until < now().date():
        raise SessionError("The date until which the session is kept lies in the past.")
    session.title, session.held_on, session.keep_until = title, held_on, keep_until
    record(db, trainee.id, "change details", session.id)


def choose_setup(db: Session, trainee: Account, session_id: str, setup: str) -> None:
    """How the session was recorded, a word of `cues.analysis.SETUPS`."""
    own_session(db, trainee, session_id).setup = setup


def name_trainee(db: Session, trainee: Account, session_id: str, place: str) -> None:
    """Where in the picture, or in which file, the trainee is: a word of `cues.corrections.PLACES`."""
    if place not in PLACES:
        raise SessionError("The trainee is on the left, on the right, in the first file or in the second one.")
    own_session(db, trainee, session_id).trainee_place = place


def share_session(db: Session, trainee: Account, session_id: str, supervisor_id: int, left_out: list[str]) -> Share:
    """Lets a supervisor see a session without the cues in `left_out`; an earlier share with them is replaced."""
    own_session(db, trainee, session_id)
    supervisor = db.get(Account, supervisor_id)
    if supervisor is None or not supervisor.supervisor or not supervisor.active:
        raise SessionError("This person is no supervisor here.")
    if set(left_out) - set(CUES):
        raise SessionError("There is no such cue to leave out.")
    _end_shares(db, session_id, supervisor_id)
    made = Share(session_id=session_id, supervisor_id=supervisor_id, left_out=sorted(set(left_out)))
    db.add(made)
    record(db, trainee.id, "share", session_id, {"with": supervisor_id, "left_out": made.left_out})
    return made


def take_back(db: Session, trainee: Account, session_id: str, supervisor_id: int) -> None:
    """Ends a share at once."""
    own_session(db, trainee, session_id)
    _end_shares(db, session_id, supervisor_id)
    record(db, trainee.id, "take back", session_id, {"from": supervisor_id})


def _end_shares(db: Session, session_id: str, supervisor_id: int) -> None:
    running = select(Share).where(
        Share.session_id == session_id, Share.supervisor_id == supervisor_id, Share.ended.is_(None)
    )
    for share in db.scalars(running):
        share.ended = now()


def left_out_for(db: Session, account: Account, session: PracticeSession) -> list[str]:
    """The cues that this account may not see in a session that is visible to them; for its trainee all of them as long
    as their own guess is waited for."""
    return left_out_of(db, account, [session])[session.id]


def left_out_of(db: Session, account: Account, sessions: Sequence[PracticeSession]) -> dict[str, list[str]]:
    """The same of several sessions, in two queries however many there are."""
    own = [session.id for session in sessions if session.trainee_id == account.id]
    others = [session.id for session in sessions if session.trainee_id != account.id]
    waited = select(Guess.session_id).where(Guess.session_id.in_(own), Guess.answered.is_(None))
    awaited = set(db.scalars(waited)) if own else set()
    found = {session_id: list(CUES) if session_id in awaited else [] for session_id in own}
    if others:
        found |= {session_id: list(CUES) for session_id in others}
        running = select(Share.session_id, Share.left_out).where(
            Share.session_id.in_(others), Share.supervisor_id == account.id, Share.ended.is_(None)
        )
        found |= {session_id: list(left_out) for session_id, left_out in db.execute(running.order_by(Share.id))}
    return found


def delete_session(db: Session, account_id: int | None, session: PracticeSession, why: str) -> dict[str, Any]:
    """Removes the rows of a session and says what went and what had been taken out of the tool before.

    The files are removed by the caller after the transaction: rows without files are noticed, files without rows are
    removed at the next start (`cues.library.retention`). `account_id` is None where the program does it (retention).
    """
    counts: dict[str, Any] = {}
    counted = (
        ("comments", Comment),
        ("verdicts", VerdictRow),
        ("consents", Consent),
        ("shares", Share),
        ("recordings", Recording),
    )
    for name, table in counted:
        counts[name] = db.query(table).where(table.session_id == session.id).count()
    taken_out = select(Deed).where(Deed.session_id == session.id, Deed.action.in_(EXPORTS)).order_by(Deed.id)
    counts["taken_out"] = [{"at": d.at.isoformat(), "action": d.action, **d.details} for d in db.scalars(taken_out)]
    db.execute(delete(Segment).where(Segment.job_id.in_(select(Job.id).where(Job.session_id == session.id))))
    for one in (Job, Comment, VerdictRow, KeptTierRow, SignOff, PracticePoint, Guess, Consent, Share):
        db.execute(delete(one).where(one.session_id == session.id))
    db.delete(session)
    record(db, account_id, deletions.SESSION, session.id, {"why": why, **counts})
    db.info[DELETES] = True
    return counts
