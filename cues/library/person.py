"""Everything of one person: what is kept of them, as one archive; deleting it; where a recorded person is.

What stays after somebody was deleted
-------------------------------------
- The record of what was done: rows with numbers of accounts and sessions and times. The addresses from which this
  person did something, and the names of their files, are taken out of it. Where a sign-in was refused stays: it is
  noted without an account, and may have been anybody.
- Where others answered a comment of theirs, an empty comment above the answers. It belongs to nobody: one account that
  no person has, and that nobody can sign in to.
Everything else goes, out of the database's file as well: SQLite overwrites what it deletes, and what waits in its log
is written back. A PostgreSQL server does that in its own time, and copies that somebody made are theirs to delete.
"""

import csv
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from cues.encryption.at_rest import open_kept, writing_kept
from cues.library import deletions
from cues.library.accounts import AccountError, Roles, is_from_file, known_from_file
from cues.library.comments import remove_comment
from cues.library.consents import PURPOSES
from cues.library.database import DELETES, Library
from cues.library.deeds import record
from cues.library.folders import remove_corrected_files, remove_session_folder, session_folder
from cues.library.incoming import Incoming, remove_upload, uploads_of
from cues.library.models import (
    Account,
    Comment,
    Consent,
    Deed,
    Guess,
    Invitation,
    Job,
    KeptTierRow,
    PracticePoint,
    PracticeSession,
    Recording,
    Share,
    SignIn,
    SignInFailure,
    SignOff,
    VerdictRow,
)
from cues.library.sessions import EXPORTS, delete_session
from cues.spreadsheets import harmless

_SECRET = ("password_hash", "token_hash", "form_token")
_NOBODY = "0" * 32
_NOBODYS_NAME = "Somebody whose account was deleted"
_OF_SESSION: dict[str, Any] = {
    "recordings": Recording,
    "consents": Consent,
    "comments": Comment,
    "verdicts": VerdictRow,
    "sign_offs": SignOff,
    "practice_points": PracticePoint,
    "guess": Guess,
    "shares": Share,
    "jobs": Job,
}
_WRITTEN: dict[str, Any] = {
    "comments": (Comment, Comment.author_id),
    "verdicts": (VerdictRow, VerdictRow.reviewer_id),
    "sign_offs": (SignOff, SignOff.reviewer_id),
    "practice_points": (PracticePoint, PracticePoint.author_id),
    "kept_tiers": (KeptTierRow, KeptTierRow.owner_id),
}
README = """Everything that this library keeps of {name}

account.json        who you are here, your roles, since when; sign-ins and invitations (without their secrets)
sessions/           one folder for each of your sessions:
  session.json      title, date, how long it is kept
  *.csv             recordings, consents, comments, verdicts and sign-offs of reviewers, points to practise, your guess,
                    with whom it was shared, jobs
  files/            the recording, the tables of what was measured (.parquet, readable with pandas or any program for
                    Parquet), the figures (minutes.csv, episodes.csv, session.json), your corrections
written/            what you wrote about sessions: comments, verdicts, sign-offs, points to practise, and tiers that
                    you made in another program
deeds.csv           what you did, and what was done with your sessions, by whom and when
setup check/        pictures and verdicts of your last test recording, where there was one

Times are UTC. In tables of sessions, numbers of people are those of account.json or have a name beside them; times in a
recording are seconds. Not inside: passwords and sign-in secrets (only their hashes are kept, and they help nobody), and
what others have in their own copies.
"""


@dataclass(frozen=True)
class Kept:
    """What is kept of a recorded person in one session: what they agreed to, the files, what left the tool."""

    session: PracticeSession
    consents: tuple[Consent, ...]
    files: tuple[str, ...]
    analysed: bool
    taken_out: tuple[str, ...]


def write_everything(
    library: Library, account_id: int, target: Path, progress: Callable[[float], None] = lambda share: None
) -> None:
    """Writes the archive (zip) of everything of one account to `target`, which must not exist yet."""
    with (
        library.reading() as db,
        writing_kept(target) as out,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        account = db.get_one(Account, account_id)
        names = {row.id: row.name for row in db.scalars(select(Account))}
        archive.writestr("README.txt", README.format(name=account.name))
        archive.writestr("account.json", _json(_account(db, account)))
        for name, (table, author) in _WRITTEN.items():
            rows = db.scalars(select(table).where(author == account.id).order_by(table.id))
            archive.writestr(f"written/{name}.csv", _csv(rows, names))
        archive.writestr("deeds.csv", _csv(_deeds(db, account), names, own=account.id))
        sessions = list(db.scalars(_sessions(account.id)))
        files = [(path, inside) for session in sessions for path, inside in _files(library.folder, session)]
        files += [
            (path, f"setup check/{path.name}")
            for path in sorted((library.folder / "checks" / str(account.id)).glob("*"))
            if path.is_file()
        ]
        for session in sessions:
            folder = _folder(session)
            archive.writestr(f"{folder}/session.json", _json(_columns(session)))
            for name, table in _OF_SESSION.items():
                rows = db.scalars(select(table).where(table.session_id == session.id))
                archive.writestr(f"{folder}/{name}.csv", _csv(rows, names))
        whole, done = max(sum(path.stat().st_size for path, _ in files), 1), 0
        for path, inside in files:
            # What is measured or filmed is compressed already.
            how = zipfile.ZIP_DEFLATED if path.suffix in (".csv", ".json") else zipfile.ZIP_STORED
            made = zipfile.ZipInfo(inside, datetime.fromtimestamp(path.stat().st_mtime).timetuple()[:6])
            made.compress_type, made.external_attr = how, 0o600 << 16
            with open_kept(path) as content, archive.open(made, "w", force_zip64=True) as entry:
                shutil.copyfileobj(content, entry, 1 << 20)
            done += path.stat().st_size
            progress(min(done / whole, 1.0))


def delete_person(library: Library, by: Account, account_id: int) -> None:
    """Deletes everything of one account, for themselves or for an administrator. Raises AccountError.

    What stays is told at the head of this module.
    """
    with library.writing() as db:
        account = db.get(Account, account_id)
        by_now = db.get(Account, by.id)
        if account is None or by_now is None or account.uid == _NOBODY:
            raise AccountError("This account is not there any more.")
        if account.id != by_now.id and not by_now.administrator:
            raise AccountError("Only an administrator can delete somebody else.")
        _refuse_the_last_administrator(db, account)
        sessions = remove_account(db, account, by_now.id)
    for session_id in sessions:
        remove_session_folder(library.folder, session_id)
    incoming = Incoming(library.folder / "incoming")
    for upload in uploads_of(incoming, account_id):
        remove_upload(incoming, upload.id)
    remove_corrected_files(library.folder, account_id)
    shutil.rmtree(library.folder / "checks" / str(account_id), ignore_errors=True)
    (library.folder / "handed-over" / f"{account_id}.cues").unlink(missing_ok=True)
    _empty_the_log(library)


def remove_account(db: Session, account: Account, by_id: int | None) -> list[str]:
    """Removes the rows of everything of one account; the ids of their sessions, whose files the caller removes."""
    account_id = account.id
    sessions = [session.id for session in db.scalars(_sessions(account_id))]
    sessions += _from_files_for(db, account)
    for session_id in sessions:
        delete_session(db, by_id, db.get_one(PracticeSession, session_id), "everything of its trainee deleted")
    _remove_what_they_wrote(db, account)
    _take_out_of_the_record(db, account, sessions)
    for one, column in ((SignIn, SignIn.account_id), (Invitation, Invitation.account_id)):
        db.execute(delete(one).where(column == account_id))
    db.execute(delete(SignInFailure).where(SignInFailure.email == account.email))
    db.delete(account)
    db.flush()
    remove_unneeded(db)
    db.info[DELETES] = True
    record(db, by_id, deletions.PERSON, details={"account": account_id, "sessions": len(sessions)})
    return sessions


def recorded_person(db: Session, library: Path, trainee: Account, person: str) -> list[Kept]:
    """The sessions of a trainee in which a recorded person is, by the name or code under which they consented."""
    wanted = " ".join(person.split()).lower()
    found = []
    for session in db.scalars(_sessions(trainee.id)):
        every = db.scalars(select(Consent).where(Consent.session_id == session.id).order_by(Consent.id))
        theirs = tuple(consent for consent in every if consent.person.lower() == wanted)
        if wanted and theirs:
            deeds = db.scalars(select(Deed).where(Deed.session_id == session.id, Deed.action.in_(EXPORTS)))
            taken_out = tuple(f"{deed.at:%Y-%m-%d}: {deed.details.get('format', deed.action)}" for deed in deeds)
            analysed = (session_folder(library, session.id) / "session.json").exists()
            files = tuple(recording.file_name for recording in session.recordings)
            found.append(Kept(session, theirs, files, analysed, taken_out))
    return found


def agreed_to(consent: Consent) -> str:
    """What somebody agreed to, in words."""
    return "; ".join(PURPOSES[purpose] for purpose in consent.purposes)


def remove_unneeded(db: Session) -> None:
    """Removes the accounts of people from files of whom there is nothing else any more."""
    columns = [PracticeSession.trainee_id, Share.supervisor_id, Consent.entered_by]
    columns += [author for _, author in _WRITTEN.values()]
    for account in db.scalars(select(Account)).all():
        if is_from_file(account) and not any(db.scalar(select(func.count()).where(c == account.id)) for c in columns):
            db.delete(account)
    db.flush()


def _from_files_for(db: Session, account: Account) -> list[str]:
    """The sessions that came from a file and that nobody else sees."""
    running = select(Share).where(Share.ended.is_(None))
    found = []
    for share in db.scalars(running.where(Share.supervisor_id == account.id)):
        session = db.get_one(PracticeSession, share.session_id)
        others = running.where(Share.session_id == session.id, Share.supervisor_id != account.id)
        if is_from_file(db.get_one(Account, session.trainee_id)) and db.scalar(others.limit(1)) is None:
            found.append(session.id)
    return found


def _sessions(account_id: int) -> Any:
    mine = select(PracticeSession).where(PracticeSession.trainee_id == account_id)
    return mine.order_by(PracticeSession.held_on, PracticeSession.id)


def _refuse_the_last_administrator(db: Session, account: Account) -> None:
    others = select(func.count()).where(Account.administrator, Account.active, Account.id != account.id)
    if account.administrator and not db.scalar(others):
        raise AccountError(
            "This is the only administrator of this library. Make somebody else one first; or, where nobody else uses "
            "it, delete the library's folder."
        )


def _remove_what_they_wrote(db: Session, account: Account) -> None:
    for table, author in list(_WRITTEN.values())[1:]:
        db.execute(delete(table).where(author == account.id))
    theirs = select(Comment).where(Comment.author_id == account.id)
    # Answers first: a thread of theirs alone then goes as a whole.
    for comment in db.scalars(theirs.order_by(Comment.answers_to.is_(None), Comment.id)).all():
        remove_comment(db, comment)
        db.flush()
    left = list(db.scalars(theirs))
    if left or db.scalar(select(Consent.id).where(Consent.entered_by == account.id).limit(1)) is not None:
        nobody = known_from_file(db, _NOBODY, _NOBODYS_NAME, Roles())
        nobody.name = _NOBODYS_NAME
        for comment in left:
            comment.author_id = nobody.id
        db.execute(update(Consent).where(Consent.entered_by == account.id).values(entered_by=nobody.id))
    db.execute(delete(Share).where(Share.supervisor_id == account.id))
    db.flush()


def _take_out_of_the_record(db: Session, account: Account, sessions: list[str]) -> None:
    db.execute(update(Deed).where(Deed.account_id == account.id).values(address=""))
    for deed in db.scalars(select(Deed).where(or_(Deed.account_id == account.id, Deed.session_id.in_(sessions)))):
        if "file" in deed.details:
            deed.details = {name: value for name, value in deed.details.items() if name != "file"}


def _empty_the_log(library: Library) -> None:
    """What was deleted still stands in SQLite's log of changes until that was written back."""
    if library.engine.dialect.name == "sqlite":
        with closing(library.engine.raw_connection()) as connection:  # in no transaction: within one it is refused
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _account(db: Session, account: Account) -> dict[str, Any]:
    kept: dict[str, Any] = {"account": _columns(account)}
    for name, table in (("sign_ins", SignIn), ("invitations", Invitation)):
        kept[name] = [_columns(row) for row in db.scalars(select(table).where(table.account_id == account.id))]
    failures = select(SignInFailure).where(SignInFailure.email == account.email)
    kept["refused_sign_ins"] = [_columns(row) for row in db.scalars(failures)]
    shared = select(Share).where(Share.supervisor_id == account.id)
    kept["shared_with_you"] = [_columns(row) for row in db.scalars(shared)]
    return kept


def _deeds(db: Session, account: Account) -> Iterator[Deed]:
    mine = select(PracticeSession.id).where(PracticeSession.trainee_id == account.id)
    about = or_(Deed.account_id == account.id, Deed.session_id.in_(mine))
    yield from db.scalars(select(Deed).where(about).order_by(Deed.id))


def _folder(session: PracticeSession) -> str:
    return f"sessions/{session.held_on}-{session.id[:8]}"


def _files(library: Path, session: PracticeSession) -> Iterator[tuple[Path, str]]:
    """The files of a session, without those of work that is under way, and where they go in the archive."""
    for path in sorted(session_folder(library, session.id).glob("*")):
        if path.is_file() and not path.name.startswith("."):
            yield path, f"{_folder(session)}/files/{path.name}"


def _columns(row: Any) -> dict[str, Any]:
    return {c.name: getattr(row, c.name) for c in row.__table__.columns if c.name not in _SECRET}


def _csv(rows: Iterable[Any], names: dict[int, str], own: int | None = None) -> str:
    """A table with the names of people beside their numbers; empty where there is no row. own: the address from which
    something was done is shown for this account alone."""
    out = io.StringIO()
    writer: csv.DictWriter[str] | None = None
    for row in rows:
        values: dict[str, Any] = {}
        for name, value in _columns(row).items():
            values[name] = _cell(value)
            if name in ("author_id", "reviewer_id", "account_id", "supervisor_id", "owner_id", "entered_by"):
                values[name.removesuffix("_id") + "_name"] = names.get(value, "")
        if own is not None and values.get("account_id") != own:
            values["address"] = ""
        if writer is None:
            writer = csv.DictWriter(out, list(values), lineterminator="\n")
            writer.writeheader()
        writer.writerow({name: harmless(value) for name, value in values.items()})
    return out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return value.isoformat() if isinstance(value, date | datetime) else value


def _json(values: dict[str, Any]) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False, default=_cell) + "\n"
