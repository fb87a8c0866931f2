"""Opening a hand-over file: what it would bring, then bringing it; all of it or nothing.

The files are written into a work folder and looked at as a whole. Then one transaction takes the rows over and records
the folder's token, and the files are moved, each by one rename. A process that dies before the transaction ends leaves
a folder that nobody holds, and it is removed; one that dies behind it leaves a folder whose token is recorded, and the
moving is finished (`finish_interrupted`, at every start and before every opening).
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select

from cues.encryption.at_rest import KEPT_CLEAR, kept_bytes, open_kept, writing_kept
from cues.errors import CuesError
from cues.handover import contents
from cues.handover.container import content_of, exactly, next_entry
from cues.handover.contents import Manifest, read_manifest
from cues.handover.merging import OPENED, Merged, merge_rows
from cues.handover.packing import Progress
from cues.handover.sealing import DAMAGED, Damaged, HandoverError, Unsealer
from cues.library.accounts import is_from_file
from cues.library.database import Library
from cues.library.folders import make_session_folder, remove_session_folder, review_copy
from cues.library.models import Account, Deed, PracticeSession
from cues.library.person import remove_unneeded
from cues.library.session_folder import load_corrections, write_results
from cues.library.sessions import delete_session, find_session
from cues.library.work_folders import WorkFolder, leftovers
from cues.metrics.session import measure_session
from cues.observations import read_observations
from cues.parameters import Parameters
from cues.whole_files import DISK_FULL, sync_folder

RESERVE_BYTES = 500_000_000
"""What stays free on the disk for the rest of the library."""
_ROWS_MOST = 4_000_000
_TABLE_MOST = 1 << 30  # bytes
_NO_ROOM = "The disk of this library is full: nothing was changed. Make room, then open the file again."


def inbox(library: Path, account_id: int) -> Path:
    """Where the file lies that an account has brought in and not opened yet."""
    return library / "handed-over" / f"{account_id}.cues"


def look(path: Path, passphrase: str) -> Manifest:
    """What a file says at its beginning; the rest of it was not read. Raises HandoverError or PassphraseError."""
    with open_kept(path) as file:
        return _manifest(Unsealer(file, passphrase), path)


def rehearse(library: Library, opener: Account, manifest: Manifest, bring_back: bool = False) -> Merged:
    """What opening a file would change here, in numbers, without changing anything. Raises as `merge_rows`."""
    try:
        with library.writing() as db:
            merged = merge_rows(db, opener, manifest, bring_back)
            if _takes_files(merged, manifest, opener):
                _count(merged, manifest)
            raise _Rehearsed(merged)
    except _Rehearsed as done:
        return done.merged


class _Rehearsed(Exception):
    """Takes a transaction back, with what it did."""

    def __init__(self, merged: Merged) -> None:
        super().__init__()
        self.merged = merged


def open_file(
    library: Library,
    opener: Account,
    path: Path,
    passphrase: str,
    bring_back: bool = False,
    progress: Progress = lambda share: None,
) -> tuple[Manifest, Merged]:
    """Reads a file to its end, checks it and takes over what it brings; what it says, and what was changed.

    Raises HandoverError, its kinds, or PassphraseError; nothing has changed then.
    """
    finish_interrupted(library)
    with WorkFolder(library.folder) as work, _told():
        manifest = _unpack(path, passphrase, work.path, progress)
        if manifest.files:
            _compute(work.path)
        with library.writing() as db:
            merged = merge_rows(db, opener, manifest, bring_back, work.token)
            theirs = manifest.files and _takes_files(merged, manifest, opener)
        if theirs:
            _move(library, work.path, manifest.session.id)
            _count(merged, manifest)
    return manifest, merged


def finish_interrupted(library: Library) -> None:
    """Ends what a process that died was doing with a file, or takes it back; other leftovers are removed, too."""
    for path in leftovers(library.folder):
        with library.reading() as db:
            deeds = db.scalars(select(Deed).where(Deed.action == OPENED).order_by(Deed.id.desc()))
            opened = next((d for d in deeds if d.details.get("work") == path.name), None)
            there = opened is not None and db.get(PracticeSession, opened.session_id) is not None
        if opened is not None and opened.session_id is not None and there:
            _move(library, path, opened.session_id)
        shutil.rmtree(path, ignore_errors=True)


def remove_handed_over(library: Library, account: Account, session_id: str) -> None:
    """Removes a session that came from a file, for whoever had opened it. Raises HandoverError."""
    with library.writing() as db:
        session = find_session(db, account, session_id)
        if session is None or not is_from_file(db.get_one(Account, session.trainee_id)):
            raise HandoverError("There is no session here that came to you from a file; it may have been removed.")
        delete_session(db, account.id, session, "removed by who had opened it from a file")
        remove_unneeded(db)
    remove_session_folder(library.folder, session_id)


def _takes_files(merged: Merged, manifest: Manifest, opener: Account) -> bool:
    """Tables and recordings are the trainee's: they come in with a new session, or again from the trainee's side."""
    return merged.new_session or (manifest.session.trainee != opener.uid and not merged.older)


def _count(merged: Merged, manifest: Manifest) -> None:
    merged.files = len(manifest.files)
    merged.recording = any(row.name not in contents.TABLES for row in manifest.files)


def _manifest(unsealer: Unsealer, path: Path) -> Manifest:
    entry = next_entry(unsealer)
    if entry is None or entry.name != contents.MANIFEST or entry.size > contents.MANIFEST_MOST:
        raise Damaged(DAMAGED)
    content = exactly(unsealer, entry.size)
    exactly(unsealer, -entry.size % 512)
    manifest = read_manifest(content)
    # Nothing inside is compressed: what says that it is larger than the file is not what this tool wrote.
    if sum(row.size for row in manifest.files) > kept_bytes(path):
        raise Damaged(DAMAGED)
    return manifest


def _unpack(path: Path, passphrase: str, folder: Path, progress: Progress) -> Manifest:
    with open_kept(path) as file:
        unsealer = Unsealer(file, passphrase)
        manifest = _manifest(unsealer, path)
        whole, written = max(sum(row.size for row in manifest.files), 1), 0
        if shutil.disk_usage(folder).free < whole + RESERVE_BYTES:
            raise HandoverError(_NO_ROOM)
        for row in manifest.files:
            entry = next_entry(unsealer)
            if entry is None or (entry.name, entry.size) != (row.name, row.size):
                raise Damaged(DAMAGED)
            with _into(folder / row.name) as out:
                for piece in content_of(unsealer, entry):
                    out.write(piece)
                    written += len(piece)
                    progress(written / whole)
        if next_entry(unsealer) is not None:
            raise Damaged(DAMAGED)
        sync_folder(folder)
    return manifest


@contextmanager
def _into(path: Path) -> Iterator[BinaryIO]:
    """A new file, which is on the disk before the rows that tell of it."""
    if path.suffix not in KEPT_CLEAR:
        with writing_kept(path) as out:
            yield out
        return
    with path.open("xb") as out:
        yield out
        out.flush()
        os.fsync(out.fileno())


def _compute(folder: Path) -> None:
    """The figures from the tables, which shows that they can be used."""
    try:
        for name in contents.TABLES:
            path = folder / name
            if not path.exists():
                continue
            if path.stat().st_size > _TABLE_MOST:
                raise Damaged(DAMAGED)
            if path.suffix == ".parquet" and pq.ParquetFile(path).metadata.num_rows > _ROWS_MOST:
                raise Damaged(DAMAGED)
        write_results(folder, measure_session(read_observations(folder), load_corrections(folder), Parameters()))
    except (CuesError, OSError) as problem:
        if isinstance(problem, OSError) and problem.errno in DISK_FULL:
            raise
        raise Damaged(DAMAGED) from None
    except (pa.ArrowException, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        # The tables are whole, as their tags showed, and not such as this tool writes.
        raise Damaged(DAMAGED) from None


def _move(library: Library, work: Path, session_id: str) -> None:
    folder = make_session_folder(library.folder, session_id)
    waiting = sorted(path for path in work.iterdir() if path.is_file())
    for path in waiting:
        path.replace(folder / path.name)
    sync_folder(folder)
    # A copy for browsers that was made of an earlier recording is not one of this one's.
    names = {path.name for path in waiting}
    for position in range(2):
        copy = review_copy(library.folder, session_id, position)
        if f"recording-{position + 1}" in {name.partition(".")[0] for name in names} and copy.name not in names:
            copy.unlink(missing_ok=True)


@contextmanager
def _told() -> Iterator[None]:
    """What the system says of a full disk, as a sentence."""
    try:
        yield
    except OSError as problem:
        if problem.errno not in DISK_FULL:
            raise
        raise HandoverError(_NO_ROOM) from None
