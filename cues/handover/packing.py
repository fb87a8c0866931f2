"""Making a hand-over file: by the trainee of the whole session, by a reviewer of what they wrote about it.

A trainee's file holds everything that was measured. No cue can be left out of it: the tables hold all of them, and
figures without the tables they stand on could not be looked at, corrected or questioned on the other side. Who wants
to leave out a cue shares the session inside one library.

A reviewer's file holds their own words, verdicts and sign-offs, and nothing of the session: that is where it came from.
Tiers that somebody keeps from another program are for themself alone and are in neither.
"""

from collections.abc import Callable
from contextlib import ExitStack
from io import BytesIO
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cues.encryption.at_rest import open_kept
from cues.encryption.passphrases import usable
from cues.handover import contents
from cues.handover.container import Entry, end_entries, write_entry
from cues.handover.contents import Manifest, manifest_json
from cues.handover.sealing import CHUNK_BYTES, HandoverError, Readable, Sealer
from cues.library.accounts import is_from_file
from cues.library.database import Library
from cues.library.folders import review_copy, session_folder
from cues.library.models import (
    Account,
    Comment,
    Consent,
    Guess,
    PracticePoint,
    PracticeSession,
    Recording,
    SignOff,
    VerdictRow,
    now,
)
from cues.library.sessions import find_session

SUFFIX = ".cues"
Progress = Callable[[float], None]
"""Is told the share (0-1) of the bytes that are written."""


def may_hand_over(db: Session, account: Account, session: PracticeSession) -> bool:
    """The trainee may; so may a reviewer of a session that came from a file. Inside one library it is shared."""
    mine = session.trainee_id == account.id
    return mine or is_from_file(db.get_one(Account, session.trainee_id))


def video_files(library: Path, session: PracticeSession) -> dict[str, Path]:
    """What would be inside of the recordings, by the names they have there: of each the copy for browsers where there
    is one, else the recording itself."""
    found: dict[str, Path] = {}
    for recording in session.recordings:
        copy = review_copy(library, session.id, recording.position)
        path = copy if copy.exists() else session_folder(library, session.id) / recording.stored_as
        if path.exists():
            found[path.name] = path
    return found


def pack(
    library: Library,
    account: Account,
    session_id: str,
    passphrase: str,
    target: Path,
    video: bool = False,
    progress: Progress = lambda share: None,
    chunk_bytes: int = CHUNK_BYTES,
) -> Manifest:
    """Writes a hand-over file to `target`, which must not exist yet; returns what it says.

    Raises HandoverError, PassphraseError, or OSError where it cannot be written; `target` is then the caller's to
    remove.
    """
    usable(passphrase)
    with library.reading() as db, ExitStack() as opened:
        session = find_session(db, account, session_id)
        if session is None or not may_hand_over(db, account, session):
            raise HandoverError("This session cannot be handed over by you.")
        paths = _files(library.folder, session, video) if session.trainee_id == account.id else {}
        # Opened before their sizes are taken: what is replaced meanwhile is read as it was.
        files = {name: opened.enter_context(open_kept(path)) for name, path in paths.items()}
        sizes = {name: file.seek(0, 2) for name, file in files.items()}
        manifest = _manifest(db, account, session, sizes)
        head = manifest_json(manifest)
        whole, written = len(head) + sum(sizes.values()), 0

        def counted(content: Readable) -> Readable:
            class Counted:
                def read(self, count: int, /) -> bytes:
                    nonlocal written
                    piece = content.read(count)
                    written += len(piece)
                    progress(written / whole)
                    return piece

            return Counted()

        with target.open("xb") as file:
            target.chmod(0o600)
            sealer = Sealer(file, passphrase, chunk_bytes)
            write_entry(sealer, Entry(contents.MANIFEST, len(head)), counted(BytesIO(head)))
            for name, content in files.items():
                content.seek(0)
                write_entry(sealer, Entry(name, sizes[name]), counted(content))
            end_entries(sealer)
    return manifest


def _files(library: Path, session: PracticeSession, video: bool) -> dict[str, Path]:
    folder = session_folder(library, session.id)
    found = {name: folder / name for name in contents.TABLES if (folder / name).exists()}
    if "observations.parquet" not in found or "scene.parquet" not in found:
        raise HandoverError("This session was not analysed yet: there is nothing to hand over.")
    return {**found, **(video_files(library, session) if video else {})}


def _manifest(db: Session, sender: Account, session: PracticeSession, sizes: dict[str, int]) -> Manifest:
    people = {account.id: account for account in db.scalars(select(Account))}
    whole = session.trainee_id == sender.id
    named = {sender.id, session.trainee_id}

    def uid(account_id: int) -> str:
        named.add(account_id)
        return people[account_id].uid

    of_session = select(Comment).where(Comment.session_id == session.id).order_by(Comment.id)
    every = {comment.id: comment for comment in db.scalars(of_session)}

    def comment_row(comment: Comment) -> contents.CommentRow:
        above = None if comment.answers_to is None else every[comment.answers_to]
        return contents.CommentRow(
            author=uid(comment.author_id),
            thread=None if above is None else above.uid,
            thread_author=None if above is None else uid(above.author_id),
            **_same(comment, "uid", "start", "end", "cue", "text", "created", "edited"),
        )

    def rows(table: type[VerdictRow] | type[SignOff]) -> list[Any]:
        found: Any = select(table).where(table.session_id == session.id).order_by(table.id)
        return [row for row in db.scalars(found) if whole or _own(row, sender)]

    points = select(PracticePoint).where(PracticePoint.session_id == session.id).order_by(PracticePoint.id)
    consents = select(Consent).where(Consent.session_id == session.id).order_by(Consent.id)
    guess = db.get(Guess, session.id)
    verdict_columns = ("word", "person", "cue", "kind", "start", "end", "new_start", "new_end", "drawn", "analysis")
    said: dict[str, Any] = {
        "comments": [comment_row(c) for c in every.values() if whole or _own(c, sender)],
        "settled": [contents.SettledRow(uid=c.uid, at=c.resolved) for c in every.values() if c.resolved is not None],
        "verdicts": [
            contents.HandedVerdict(
                reviewer=uid(row.reviewer_id), **_same(row, "uid", *verdict_columns, "undone", "created")
            )
            for row in rows(VerdictRow)
        ],
        "sign_offs": [
            contents.SignOffRow(reviewer=uid(row.reviewer_id), **_same(row, "uid", "created", "ended"))
            for row in rows(SignOff)
        ],
        "practice_points": [
            contents.PracticePointRow(
                author=uid(row.author_id), **_same(row, "uid", "cue", "text", "clips", "created", "ended")
            )
            for row in db.scalars(points)
            if whole or _own(row, sender)
        ],
    }
    return Manifest(
        format=1,
        packed=now(),
        sender=sender.uid,
        session=contents.SessionRow(
            trainee=uid(session.trainee_id),
            **_same(session, "id", "title", "held_on", "setup", "trainee_place", "keep_until", "created"),
        ),
        recordings=[_recording(r) for r in session.recordings] if whole else [],
        consents=[
            contents.ConsentRow(**_same(row, "person", "purposes", "given_on", "valid_until", "entered"))
            for row in db.scalars(consents)
            if whole
        ],
        guess=None
        if guess is None or not (whole and guess.shown)
        else contents.GuessRow(**_same(guess, "figures", "answered", "created")),
        files=[contents.FileRow(name=name, size=size) for name, size in sizes.items()],
        people=[contents.Person(uid=people[i].uid, name=people[i].name) for i in sorted(named)],
        **said,
    )


def _own(row: Comment | VerdictRow | SignOff | PracticePoint, sender: Account) -> bool:
    """Written by the sender."""
    author = row.author_id if isinstance(row, Comment | PracticePoint) else row.reviewer_id
    return author == sender.id


def _recording(row: Recording) -> contents.RecordingRow:
    return contents.RecordingRow(**_same(row, "position", "file_name", "stored_as", "size", "sha256"))


def _same(row: object, *columns: str) -> dict[str, Any]:
    """Columns that are called the same inside the file."""
    return {name: getattr(row, name) for name in columns}
