"""The rows of a hand-over file into this library's, without overwriting anybody's own.

Whose words these are
---------------------
What a file says of its authors is only as true as its passphrase: whoever can lock a file can write any name into it.
So a file never speaks for a person of this library. Words, verdicts, sign-offs by somebody who has an account here
(open or closed) are taken to be what is here already and are passed over; a file cannot change, delete or add to them.
All other authors are people "from a file": they get an account that nobody can sign in to and a name that says so.

What wins
---------
- A comment by somebody from a file is added, or changed where the file's version was written later. One without text
  was deleted. Of the file's sender all comments are inside: what is here of theirs and not in the file was deleted.
- A reviewer's list of verdicts belongs to the side where they write: the sender's replaces the one here, that of a
  third person where it ends later.
- A thread that was settled on the other side after its last word from here is settled here. That a thread was opened
  again does not travel; an answer does.
- Title, dates, consents, recordings, tables, the guess come from the trainee's files alone, and only to a library in
  which the trainee is known from files alone.
- An older file than the last one opened of the same sender changes no row.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from cues.handover.contents import CommentRow, HandedVerdict, Manifest
from cues.handover.sealing import HandoverError
from cues.library.accounts import Roles, is_from_file, known_from_file
from cues.library.comments import remove_comment
from cues.library.deeds import record
from cues.library.models import (
    Account,
    Comment,
    Consent,
    Deed,
    Guess,
    PracticePoint,
    PracticeSession,
    Recording,
    Share,
    SignOff,
    VerdictRow,
    now,
)
from cues.library.sessions import find_session

OPENED = "open hand-over"
_NOT_YOURS = "This file is of a session in this library that is not yours."
_SESSION_COLUMNS = ("title", "held_on", "setup", "trainee_place", "keep_until")


class DeletedHere(HandoverError):
    """The session was deleted in this library and comes back only when somebody says so."""


class NoSupervisor(HandoverError):
    """The file is of somebody else's session, and who opens it does not supervise here."""


@dataclass
class Merged:
    """What a file brought, or would bring, in numbers. older: a newer one of the same sender was opened before;
    recording: one is among the files."""

    new_session: bool = False
    older: bool = False
    details: bool = False
    comments_added: int = 0
    comments_changed: int = 0
    comments_deleted: int = 0
    threads_settled: int = 0
    verdicts: int = 0
    sign_offs: int = 0
    practice_points: int = 0
    passed_over: int = 0
    files: int = 0
    recording: bool = False

    @property
    def anything(self) -> bool:
        """Whether something changes."""
        return any(value for name, value in vars(self).items() if name not in ("older", "passed_over"))


def merge_rows(db: Session, opener: Account, manifest: Manifest, bring_back: bool = False, work: str = "") -> Merged:
    """Takes over what the file may bring, in the running transaction, and records that it was opened.

    `work`: the token of the folder in which its files wait. Raises DeletedHere unless `bring_back`, NoSupervisor, or
    HandoverError; the transaction is then to be given up.
    """
    done = Merged()
    session = db.get(PracticeSession, manifest.session.id)
    people = _People(db, manifest)
    if session is None:
        _may_come_in(db, opener, manifest, people, bring_back)
        session = _new_session(db, manifest, people)
        done.new_session = True
    elif db.get_one(Account, session.trainee_id).uid != manifest.session.trainee:
        raise HandoverError("This file is not of the session that has its number in this library.")
    theirs = manifest.from_trainee and is_from_file(db.get_one(Account, session.trainee_id))
    if theirs:
        _let_see(db, opener, session)
    elif not _takes_in(db, opener, session):
        raise HandoverError(_NOT_YOURS)
    last = _last_opened(db, manifest)
    done.older = last is not None and manifest.packed < last
    if not done.older:
        if theirs:
            done.details = _details(db, session, manifest) and not done.new_session
        _comments(db, session, manifest, people, done)
        _settle(db, session, manifest, last, done)
        _verdicts(db, session, manifest, people, done)
        _sign_offs(db, session, manifest, people, done)
        _practice_points(db, session, manifest, people, done)
    told = {"from": manifest.sender, "packed": manifest.packed.isoformat(), "work": work}
    record(db, opener.id, OPENED, session.id, told)
    db.flush()
    return done


class _People:
    """The accounts of those whom a file names; one is made when it is needed first."""

    def __init__(self, db: Session, manifest: Manifest) -> None:
        self._db, self._manifest = db, manifest
        found = db.scalars(select(Account).where(Account.uid.in_(manifest.names)))
        self._known = {account.uid: account for account in found}

    def of_this_library(self, uid: str) -> bool:
        """Somebody for whom no file speaks."""
        return uid in self._known and not is_from_file(self._known[uid])

    def account(self, uid: str) -> Account:
        """Their account here."""
        if uid not in self._known:
            trainee = uid == self._manifest.session.trainee
            roles = Roles(trainee=trainee, supervisor=not trainee)
            self._known[uid] = known_from_file(self._db, uid, self._manifest.names[uid], roles)
        return self._known[uid]


def _may_come_in(db: Session, opener: Account, manifest: Manifest, people: _People, bring_back: bool) -> None:
    if not manifest.from_trainee:
        raise HandoverError(
            "This file has comments on a session that is not in this library: open the trainee's file first."
        )
    trainee = manifest.session.trainee
    if people.of_this_library(trainee) and trainee != opener.uid:
        raise HandoverError(_NOT_YOURS)
    if trainee != opener.uid:
        _must_supervise(opener)
    if not bring_back and _deleted(db, manifest.session.id) is not None:
        raise DeletedHere("This session was deleted from this library.")


def _takes_in(db: Session, opener: Account, session: PracticeSession) -> bool:
    """A reviewer's file is for the trainee; for another reviewer where the trainee is not of this library."""
    of_here = not is_from_file(db.get_one(Account, session.trainee_id))
    return session.trainee_id == opener.id if of_here else find_session(db, opener, session.id) is not None


def _must_supervise(opener: Account) -> None:
    if not opener.supervisor:
        raise NoSupervisor("This is somebody else's session: it can be opened by who supervises.")


def _deleted(db: Session, session_id: str) -> int | None:
    """The deed by which a session was deleted last."""
    found = select(Deed.id).where(Deed.session_id == session_id, Deed.action == "delete").order_by(Deed.id.desc())
    return db.scalar(found.limit(1))


def _last_opened(db: Session, manifest: Manifest) -> datetime | None:
    """When the newest file of this sender was made that was opened since the session is here."""
    opened = select(Deed).where(Deed.session_id == manifest.session.id, Deed.action == OPENED)
    opened = opened.where(Deed.id > (_deleted(db, manifest.session.id) or 0))
    times = [
        datetime.fromisoformat(d.details["packed"]) for d in db.scalars(opened) if d.details["from"] == manifest.sender
    ]
    return max(times, default=None)


def _new_session(db: Session, manifest: Manifest, people: _People) -> PracticeSession:
    said = manifest.session
    trainee = people.account(said.trainee)
    session = PracticeSession(
        id=said.id, trainee_id=trainee.id, created=said.created, **_columns(said, *_SESSION_COLUMNS)
    )
    db.add(session)
    db.flush()
    if not is_from_file(trainee):  # their own, brought back
        _details(db, session, manifest)
    return session


def _let_see(db: Session, opener: Account, session: PracticeSession) -> None:
    """Whoever could open the trainee's file sees the whole session, as by a share of it."""
    _must_supervise(opener)
    running = select(Share).where(
        Share.session_id == session.id, Share.supervisor_id == opener.id, Share.ended.is_(None)
    )
    if db.scalar(running) is None:
        db.add(Share(session_id=session.id, supervisor_id=opener.id, left_out=[]))
        db.flush()


def _details(db: Session, session: PracticeSession, manifest: Manifest) -> bool:
    """Title, dates, consents, recordings and guess as the trainee's file has them; whether anything was different."""
    changed = False
    for name, value in _columns(manifest.session, *_SESSION_COLUMNS).items():
        changed |= getattr(session, name) != value
        setattr(session, name, value)
    columns = ("person", "purposes", "given_on", "valid_until", "entered")
    consents = list(db.scalars(select(Consent).where(Consent.session_id == session.id).order_by(Consent.id)))
    said = [_columns(row, *columns) for row in manifest.consents]
    if [_columns(row, *columns) for row in consents] != said:
        db.execute(delete(Consent).where(Consent.session_id == session.id))
        db.add_all(Consent(session_id=session.id, entered_by=session.trainee_id, **row) for row in said)
        changed = True
    inside = {row.name for row in manifest.files}
    for recording in manifest.recordings:
        known = next((r for r in session.recordings if r.position == recording.position), None)
        if known is None or known.sha256 != recording.sha256:
            if known is not None:
                session.recordings.remove(known)
                db.flush()
            known = Recording(
                session_id=session.id, **_columns(recording, "position", "file_name", "stored_as", "sha256")
            )
            known.size = 0  # what is stored here, and nothing is yet
            session.recordings.append(known)
            changed = True
        copy = ("review.mp4", "review-second.mp4")[recording.position]
        sizes = [row.size for row in manifest.files if row.name in (recording.stored_as, copy)]
        if inside and sizes:
            known.size = sizes[0]
    guess = db.get(Guess, session.id)
    shown = None if guess is None else _columns(guess, "figures", "answered", "created")
    wanted = None if manifest.guess is None else _columns(manifest.guess, "figures", "answered", "created")
    if shown != wanted:
        if guess is not None:
            db.delete(guess)
            db.flush()
        if wanted is not None:
            db.add(Guess(session_id=session.id, shown=True, **wanted))
        changed = True
    return changed


def _comments(db: Session, session: PracticeSession, manifest: Manifest, people: _People, done: Merged) -> None:
    here = {comment.uid: comment for comment in _of(db, Comment, session)}
    taken = set(db.scalars(select(Comment.uid).where(Comment.uid.in_([row.uid for row in manifest.comments]))))
    for row in sorted(manifest.comments, key=lambda row: row.thread is not None):  # threads before their answers
        ours = here.get(row.uid)
        if people.of_this_library(row.author):
            done.passed_over += ours is None or ours.author_id != people.account(row.author).id or ours.text != row.text
        elif ours is not None:
            _change(db, ours, row, people, done)
        elif row.uid in taken or (not row.text and not any(answer.thread == row.uid for answer in manifest.comments)):
            continue  # of another session, or the mark of one that was never here
        else:
            made = Comment(session_id=session.id, author_id=people.account(row.author).id)
            for name, value in _columns(row, "uid", "start", "end", "cue", "text", "created", "edited").items():
                setattr(made, name, value)
            if row.thread is not None:
                above = here.get(row.thread) or _deleted_first(db, session, row, people, taken)
                if above is None or above.answers_to is not None:
                    continue
                here[above.uid] = above
                made.answers_to = above.id
            db.add(made)
            db.flush()
            here[row.uid] = made
            done.comments_added += bool(row.text)
    if not people.of_this_library(manifest.sender):
        inside, sender = {row.uid for row in manifest.comments}, people.account(manifest.sender)
        for comment in _of(db, Comment, session):
            if comment.author_id == sender.id and comment.uid not in inside and comment.text:
                remove_comment(db, comment)
                done.comments_deleted += 1
                db.flush()


def _change(db: Session, ours: Comment, row: CommentRow, people: _People, done: Merged) -> None:
    """A later version of a comment by somebody from a file."""
    mine = ours.author_id == people.account(row.author).id
    if not mine or ours.text == row.text or (row.edited or row.created) <= (ours.edited or ours.created):
        return
    if row.text:
        ours.text, ours.edited = row.text, row.edited
        done.comments_changed += 1
    else:
        remove_comment(db, ours)
        done.comments_deleted += 1
    db.flush()


def _deleted_first(
    db: Session, session: PracticeSession, answer: CommentRow, people: _People, taken: set[str]
) -> Comment | None:
    """The empty comment above an answer to one that was deleted here; None where its uid is another session's."""
    assert answer.thread is not None and answer.thread_author is not None
    if answer.thread in taken or db.scalar(select(Comment.id).where(Comment.uid == answer.thread)) is not None:
        return None
    made = Comment(uid=answer.thread, session_id=session.id, author_id=people.account(answer.thread_author).id, text="")
    made.start, made.end, made.cue, made.edited = answer.start, answer.end, answer.cue, now()
    db.add(made)
    db.flush()
    return made


def _settle(db: Session, session: PracticeSession, manifest: Manifest, last: datetime | None, done: Merged) -> None:
    people = {account.id: account for account in db.scalars(select(Account))}
    every = _of(db, Comment, session)
    for row in manifest.settled:
        first = next((c for c in every if c.uid == row.uid and c.answers_to is None), None)
        if first is None or first.resolved is not None or (last is not None and row.at <= last):
            continue
        thread = [first, *(c for c in every if c.answers_to == first.id)]
        from_here = [c.edited or c.created for c in thread if not is_from_file(people[c.author_id])]
        if max(from_here, default=row.at) <= row.at:
            first.resolved = row.at
            done.threads_settled += 1


def _verdicts(db: Session, session: PracticeSession, manifest: Manifest, people: _People, done: Merged) -> None:
    columns = [name for name in HandedVerdict.model_fields if name != "reviewer"]
    reviewers = {row.reviewer for row in manifest.verdicts} | {manifest.sender}
    for reviewer in sorted(reviewers):
        if people.of_this_library(reviewer):
            continue
        said = [row for row in manifest.verdicts if row.reviewer == reviewer]
        kept = [row for row in _of(db, VerdictRow, session) if row.reviewer_id == people.account(reviewer).id]
        later = max((row.created for row in said), default=None)
        if reviewer != manifest.sender and kept and (later is None or later < max(row.created for row in kept)):
            continue
        if [_columns(row, *columns) for row in kept] == [_columns(row, *columns) for row in said]:
            continue
        uids = {row.uid for row in kept}
        done.verdicts += len({row.uid for row in said} ^ uids) or 1
        db.execute(delete(VerdictRow).where(VerdictRow.id.in_([row.id for row in kept])))
        free = _free(db, VerdictRow, [row.uid for row in said])
        author = people.account(reviewer).id
        rows = [_columns(row, *columns) for row in said if row.uid in free]
        db.add_all(VerdictRow(session_id=session.id, reviewer_id=author, **row) for row in rows)
        db.flush()


def _sign_offs(db: Session, session: PracticeSession, manifest: Manifest, people: _People, done: Merged) -> None:
    here = {row.uid: row for row in _of(db, SignOff, session)}
    free = _free(db, SignOff, [row.uid for row in manifest.sign_offs])
    for row in manifest.sign_offs:
        if people.of_this_library(row.reviewer):
            continue
        reviewer, ours = people.account(row.reviewer).id, here.get(row.uid)
        if row.uid in free:
            times = _columns(row, "created", "ended")
            db.add(SignOff(uid=row.uid, session_id=session.id, reviewer_id=reviewer, **times))
            done.sign_offs += 1
        elif ours is not None and ours.reviewer_id == reviewer and ours.ended is None and row.ended is not None:
            ours.ended = row.ended
            done.sign_offs += 1


def _practice_points(db: Session, session: PracticeSession, manifest: Manifest, people: _People, done: Merged) -> None:
    here = {row.uid: row for row in _of(db, PracticePoint, session)}
    free = _free(db, PracticePoint, [row.uid for row in manifest.practice_points])
    for row in manifest.practice_points:
        if people.of_this_library(row.author):
            continue
        author, ours = people.account(row.author).id, here.get(row.uid)
        said = _columns(row, "cue", "text", "clips", "created", "ended")
        if row.uid in free:
            db.add(PracticePoint(uid=row.uid, session_id=session.id, author_id=author, **said))
            done.practice_points += 1
        elif ours is not None and ours.author_id == author and _columns(ours, *said) != said:
            for name, value in said.items():
                setattr(ours, name, value)
            done.practice_points += 1


def _of(db: Session, table: Any, session: PracticeSession) -> list[Any]:
    return list(db.scalars(select(table).where(table.session_id == session.id).order_by(table.id)))


def _free(db: Session, table: Any, uids: list[str]) -> set[str]:
    """Those that no row has yet, of any session; each once."""
    return set(uids) - set(db.scalars(select(table.uid).where(table.uid.in_(uids))))


def _columns(row: object, *names: str) -> dict[str, Any]:
    return {name: getattr(row, name) for name in names}
