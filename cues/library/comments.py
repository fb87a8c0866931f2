"""What people write at a time or a stretch of a session that they may see. Text only; one's own can be changed."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from cues.library.deeds import record
from cues.library.models import Account, Comment, now
from cues.library.sessions import SessionError, find_session

LONGEST = 4000  # characters


def comments_of(db: Session, account: Account, session_id: str) -> list[tuple[Comment, str]]:
    """The comments on a session with their authors' names, by time; none for who may not see it."""
    if find_session(db, account, session_id) is None:
        return []
    rows = select(Comment, Account.name).join(Account, Account.id == Comment.author_id)
    rows = rows.where(Comment.session_id == session_id).order_by(Comment.start, Comment.id)
    return [(comment, name) for comment, name in db.execute(rows)]


def add_comment(db: Session, author: Account, session_id: str, start: float, end: float | None, text: str) -> Comment:
    """A comment at `start` [s], or on a stretch to `end`. Raises SessionError."""
    if find_session(db, author, session_id) is None:
        raise SessionError("There is no such session; it may have been deleted, or is no longer shared.")
    if start < 0 or (end is not None and end < start):
        raise SessionError("A comment needs a time in the recording.")
    made = Comment(session_id=session_id, author_id=author.id, start=start, end=end, text=_usable(text))
    db.add(made)
    db.flush()
    record(db, author.id, "comment", session_id)
    return made


def change_comment(db: Session, author: Account, comment_id: int, text: str) -> None:
    """Another text for one's own comment. Raises SessionError."""
    comment = _own(db, author, comment_id)
    comment.text, comment.edited = _usable(text), now()


def delete_comment(db: Session, author: Account, comment_id: int) -> None:
    """Deletes one's own comment. Raises SessionError."""
    comment = _own(db, author, comment_id)
    record(db, author.id, "delete comment", comment.session_id)
    db.delete(comment)


def _own(db: Session, author: Account, comment_id: int) -> Comment:
    comment = db.get(Comment, comment_id)
    seen = comment is not None and find_session(db, author, comment.session_id) is not None
    if comment is None or not seen or comment.author_id != author.id:
        raise SessionError("There is no such comment of yours; it may have been deleted.")
    return comment


def _usable(text: str) -> str:
    text = text.strip()
    if not 1 <= len(text) <= LONGEST:
        raise SessionError(f"A comment has at least one and at most {LONGEST} characters.")
    return text
