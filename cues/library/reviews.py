"""A session on its way through a review: asked for, looked at, signed off; and what waits for a supervisor.

A review is asked for at a running share and waits until that supervisor signs the session off; asked for again after
that, it waits again. Sharing anew is a new share: it is new to the supervisor and nothing is asked yet.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cues.library.deeds import record
from cues.library.models import Account, Comment, Deed, PracticeSession, Share, SignOff, now
from cues.library.sessions import EXPORTS, SessionError, find_session, own_session

WAITS, NEW, SEEN, SIGNED_OFF = "waits", "new", "seen", "signed off"
VIEW_REPORT = "view report"
_LOOKS = (VIEW_REPORT, "view recording", *EXPORTS)
"""Deeds that tell who looked at a session, or took something of it out."""


@dataclass(frozen=True)
class Entry:
    """A session in a supervisor's inbox. new: comments of others since they last opened it. opened: None for never."""

    session: PracticeSession
    trainee: str
    left_out: tuple[str, ...]
    shared: datetime
    asked: datetime | None
    opened: datetime | None
    new: int
    signed_off: datetime | None

    @property
    def state(self) -> str:
        """WAITS until it is signed off, else NEW where it was not opened since it was shared or something was written
        since, else SIGNED_OFF or SEEN."""
        if _waits(self.asked, self.signed_off):
            return WAITS
        unseen = self.opened is None or self.opened < self.shared
        if self.new or (unseen and (self.signed_off is None or self.signed_off < self.shared)):
            return NEW
        return SEEN if self.signed_off is None else SIGNED_OFF


@dataclass(frozen=True)
class Signed:
    """Who has signed a session off, and when."""

    reviewer_id: int
    name: str
    at: datetime


@dataclass(frozen=True)
class Look:
    """What somebody did on one day (UTC): opened the report, played the recording, or took `taken_out` out of the tool
    (what each export was called when it was recorded, "" where that was not said)."""

    day: date
    name: str
    report: bool
    recording: bool
    taken_out: tuple[str, ...]


def ask_for_review(db: Session, trainee: Account, session_id: str, supervisor_id: int) -> None:
    """Asks a supervisor with whom the session is shared; nothing changes while one is waited for. Raises
    SessionError."""
    own_session(db, trainee, session_id)
    share = _share(db, session_id, supervisor_id)
    if share is None:
        raise SessionError("Share the session with them first.")
    if waits_for(db, session_id, supervisor_id):
        return
    share.asked = now()
    record(db, trainee.id, "ask for review", session_id, {"of": supervisor_id})


def sign_off(db: Session, reviewer: Account, session_id: str) -> None:
    """The reviewer has finished with a session that is shared with them, or once more where they were asked again.

    Raises SessionError.
    """
    _reviewed(db, reviewer, session_id)
    before = _running(db, session_id, reviewer.id)
    if before is None or waits_for(db, session_id, reviewer.id):
        if before is not None:
            before.ended = now()
        db.add(SignOff(session_id=session_id, reviewer_id=reviewer.id))
        record(db, reviewer.id, "sign off", session_id)


def open_again(db: Session, reviewer: Account, session_id: str) -> None:
    """The reviewer goes on with a session that they had signed off. Raises SessionError."""
    _reviewed(db, reviewer, session_id)
    found = _running(db, session_id, reviewer.id)
    if found is not None:
        found.ended = now()
        record(db, reviewer.id, "open review again", session_id)


def asked_on(db: Session, session_id: str, supervisor_id: int) -> datetime | None:
    """When the trainee last asked for a review at the running share with a supervisor."""
    share = _share(db, session_id, supervisor_id)
    return None if share is None else share.asked


def waits_for(db: Session, session_id: str, supervisor_id: int) -> bool:
    """Whether a review that was asked for is waited for."""
    signed = _running(db, session_id, supervisor_id)
    return _waits(asked_on(db, session_id, supervisor_id), None if signed is None else signed.created)


def sign_offs_of(db: Session, account: Account, session_id: str) -> list[Signed]:
    """Who has signed a session off and when, for who sees the session."""
    if find_session(db, account, session_id) is None:
        return []
    rows = select(SignOff.reviewer_id, Account.name, SignOff.created)
    rows = rows.join(Account, Account.id == SignOff.reviewer_id)
    rows = rows.where(SignOff.session_id == session_id, SignOff.ended.is_(None)).order_by(SignOff.id)
    return [Signed(*row) for row in db.execute(rows)]


def inbox(db: Session, supervisor: Account) -> list[Entry]:
    """What is shared with a supervisor, with a number of queries that does not grow with it; in no order of people."""
    rows = select(Share, PracticeSession, Account.name).join(PracticeSession, PracticeSession.id == Share.session_id)
    rows = rows.join(Account, Account.id == PracticeSession.trainee_id)
    rows = rows.where(Share.supervisor_id == supervisor.id, Share.ended.is_(None))
    shared = [] if not supervisor.supervisor else list(db.execute(rows).all())
    ids = [session.id for _, session, _ in shared]
    views = select(Deed.session_id, func.max(Deed.at)).where(
        Deed.session_id.in_(ids), Deed.account_id == supervisor.id, Deed.action == VIEW_REPORT
    )
    opened = {session_id: at for session_id, at in db.execute(views.group_by(Deed.session_id))}
    signed = select(SignOff.session_id, SignOff.created).where(
        SignOff.session_id.in_(ids), SignOff.reviewer_id == supervisor.id, SignOff.ended.is_(None)
    )
    offs = {session_id: at for session_id, at in db.execute(signed)}
    others = select(Comment.session_id, Comment.created, Comment.cue).where(
        Comment.session_id.in_(ids), Comment.author_id != supervisor.id, Comment.text != ""
    )
    written: dict[str, list[tuple[datetime, str | None]]] = {}
    for session_id, at, cue in db.execute(others):
        written.setdefault(session_id, []).append((at, cue))
    return [
        Entry(
            session=session,
            trainee=trainee,
            left_out=tuple(share.left_out),
            shared=share.created,
            asked=share.asked,
            opened=opened.get(session.id),
            new=_newer(written.get(session.id, ()), opened.get(session.id), share.left_out),
            signed_off=offs.get(session.id),
        )
        for share, session, trainee in shared
    ]


def looks_at(db: Session, trainee: Account, session_id: str) -> list[Look]:
    """Who looked at a session of this trainee's, by day and person, newest first; of the trainee only what they took
    out. Raises SessionError."""
    own_session(db, trainee, session_id)
    rows = select(Deed, Account.name).join(Account, Account.id == Deed.account_id)
    rows = rows.where(Deed.session_id == session_id, Deed.action.in_(_LOOKS)).order_by(Deed.id.desc())
    days: dict[tuple[date, int | None, str], list[Deed]] = {}
    for deed, name in db.execute(rows):
        if deed.account_id != trainee.id or deed.action in EXPORTS:
            days.setdefault((deed.at.date(), deed.account_id, name), []).append(deed)
    return [_look(day, name, deeds) for (day, _, name), deeds in days.items()]


def _look(day: date, name: str, deeds: list[Deed]) -> Look:
    actions = {deed.action for deed in deeds}
    taken_out = dict.fromkeys(str(deed.details.get("format", "")) for deed in deeds if deed.action in EXPORTS)
    return Look(day, name, VIEW_REPORT in actions, "view recording" in actions, tuple(taken_out))


def _waits(asked: datetime | None, signed_off: datetime | None) -> bool:
    return asked is not None and (signed_off is None or signed_off < asked)


def _newer(written: Iterable[tuple[datetime, str | None]], opened: datetime | None, left_out: list[str]) -> int:
    return sum(cue not in left_out and (opened is None or at > opened) for at, cue in written)


def _reviewed(db: Session, reviewer: Account, session_id: str) -> None:
    session = find_session(db, reviewer, session_id)
    if session is None or session.trainee_id == reviewer.id:
        raise SessionError("There is no such session shared with you.")


def _share(db: Session, session_id: str, supervisor_id: int) -> Share | None:
    running = select(Share).where(
        Share.session_id == session_id, Share.supervisor_id == supervisor_id, Share.ended.is_(None)
    )
    return db.scalar(running.order_by(Share.id.desc()).limit(1))


def _running(db: Session, session_id: str, reviewer_id: int) -> SignOff | None:
    mine = select(SignOff).where(
        SignOff.session_id == session_id, SignOff.reviewer_id == reviewer_id, SignOff.ended.is_(None)
    )
    return db.scalar(mine.order_by(SignOff.id.desc()).limit(1))
