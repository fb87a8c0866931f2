"""What people write at a time or a stretch of a session that they may see, and the answers of others. Text only.

A thread is a comment and its answers. One's own comments can be changed and deleted; whoever sees a thread may answer
it, and settle it or open it again. A comment about a cue is not there for who does not see that cue.
"""

import math
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from cues.library.deeds import record
from cues.library.models import Account, Comment, is_uid, new_uid, now
from cues.library.sessions import CUES, SessionError, find_session, left_out_for

LONGEST = 4000  # characters
_NOT_THERE = "There is no such comment; it may have been deleted, or is no longer shared."


@dataclass(frozen=True)
class Written:
    """A comment and its author's name. A comment without text was deleted after somebody had answered it."""

    comment: Comment
    author: str


@dataclass(frozen=True)
class Thread:
    """A comment at its time, and the answers to it, oldest first."""

    first: Written
    answers: tuple[Written, ...]


def threads_of(db: Session, account: Account, session_id: str) -> list[Thread]:
    """The threads of a session by the time in the recording; none for who may not see it."""
    session = find_session(db, account, session_id)
    if session is None:
        return []
    hidden = left_out_for(db, account, session)
    rows = select(Comment, Account.name).join(Account, Account.id == Comment.author_id)
    rows = rows.where(Comment.session_id == session_id).order_by(Comment.start, Comment.id)
    every = [Written(comment, name) for comment, name in db.execute(rows)]
    answers: dict[int, list[Written]] = {}
    for written in every:
        if written.comment.answers_to is not None:
            answers.setdefault(written.comment.answers_to, []).append(written)
    firsts = [w for w in every if w.comment.answers_to is None and w.comment.cue not in hidden]
    return [Thread(first, tuple(answers.get(first.comment.id, ()))) for first in firsts]


def add_comment(
    db: Session,
    author: Account,
    session_id: str,
    start: float,
    end: float | None,
    text: str,
    cue: str | None = None,
    uid: str | None = None,
) -> Comment:
    """A comment at `start` [s], or on a stretch to `end`, about one cue or the whole; uid: drawn by who sends it, so
    that the same sent again is kept once. Raises SessionError."""
    session = find_session(db, author, session_id)
    if session is None:
        raise SessionError("There is no such session; it may have been deleted, or is no longer shared.")
    if not (math.isfinite(start) and start >= 0 and (end is None or (math.isfinite(end) and end >= start))):
        raise SessionError("A comment needs a time in the recording.")
    if cue is not None and (cue not in CUES or cue in left_out_for(db, author, session)):
        raise SessionError("A comment is about a cue that is shown to you, or about the whole.")
    if uid is not None and (before := _kept_before(db, author, session_id, uid)) is not None:
        return before
    made = Comment(session_id=session_id, start=start, end=end, cue=cue, text=_usable(text), uid=uid or new_uid())
    return _add(db, author, made)


def answer_comment(db: Session, author: Account, comment_id: int, text: str) -> Comment:
    """An answer in the thread that a comment began. Raises SessionError."""
    first = _first(db, author, comment_id)
    made = Comment(session_id=first.session_id, start=first.start, end=first.end, cue=first.cue, text=_usable(text))
    made.answers_to = first.id
    return _add(db, author, made)


def settle_thread(db: Session, account: Account, comment_id: int, settled: bool) -> None:
    """Marks the thread that a comment began as settled, or opens it again. Raises SessionError."""
    _first(db, account, comment_id).resolved = now() if settled else None


def change_comment(db: Session, author: Account, comment_id: int, text: str) -> None:
    """Another text for one's own comment. Raises SessionError."""
    comment = _own(db, author, comment_id)
    comment.text, comment.edited = _usable(text), now()


def delete_comment(db: Session, author: Account, comment_id: int) -> None:
    """Deletes one's own comment. What others answered stays, below an empty one. Raises SessionError."""
    comment = _own(db, author, comment_id)
    record(db, author.id, "delete comment", comment.session_id)
    remove_comment(db, comment)


def remove_comment(db: Session, comment: Comment) -> None:
    """Removes a comment, or only its text where others answered it; an empty one above goes with its last answer."""
    if _answers(db, comment.id):
        comment.text, comment.edited = "", now()
        return
    above = None if comment.answers_to is None else db.get_one(Comment, comment.answers_to)
    db.delete(comment)
    db.flush()
    if above is not None and not above.text and not _answers(db, above.id):
        db.delete(above)


def _kept_before(db: Session, author: Account, session_id: str, uid: str) -> Comment | None:
    before = db.scalar(select(Comment).where(Comment.uid == uid))
    theirs = before is not None and (before.author_id, before.session_id) != (author.id, session_id)
    if theirs or not is_uid(uid):
        raise SessionError("This is no comment; load the page again.")
    return before


def _add(db: Session, author: Account, made: Comment) -> Comment:
    made.author_id = author.id
    db.add(made)
    db.flush()
    record(db, author.id, "comment", made.session_id)
    return made


def _answers(db: Session, comment_id: int) -> list[Comment]:
    return list(db.scalars(select(Comment).where(Comment.answers_to == comment_id)))


def _seen(db: Session, account: Account, comment_id: int) -> Comment:
    """A comment that this account can see."""
    comment = db.get(Comment, comment_id)
    session = None if comment is None else find_session(db, account, comment.session_id)
    if comment is None or session is None or comment.cue in left_out_for(db, account, session):
        raise SessionError(_NOT_THERE)
    return comment


def _first(db: Session, account: Account, comment_id: int) -> Comment:
    comment = _seen(db, account, comment_id)
    if comment.answers_to is not None:
        raise SessionError(_NOT_THERE)
    return comment


def _own(db: Session, author: Account, comment_id: int) -> Comment:
    comment = _seen(db, author, comment_id)
    if comment.author_id != author.id or not comment.text:
        raise SessionError("There is no such comment of yours; it may have been deleted.")
    return comment


def _usable(text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= LONGEST:
        raise SessionError(f"A comment has at least one and at most {LONGEST} characters.")
    return text
