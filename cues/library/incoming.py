"""What lies on disk of a recording on its way in: `library/incoming/`.

An upload is `<id>.json` (whose it is, how long, its name) and its bytes: `<id>.part` until the last one has come,
then, by one rename, `<id>.whole`. How far it has come follows from the size of that file (`incoming_bytes`) and is
written nowhere else, so a server that is killed in a write goes on from what reached the disk. All files are readable
by their owner alone.

Conventions: sizes are bytes; `owner` is the id of an account; several processes may work in one folder, because
whoever adds to an upload holds a lock on its file, which the system takes back when the process dies.
"""

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cues.encryption.at_rest import kept_bytes, open_kept
from cues.errors import CuesError
from cues.library.incoming_bytes import Bytes, bytes_there, make_part, open_bytes, tails
from cues.library.models import now
from cues.whole_files import DISK_FULL, make_folder, sync_folder

CHECKSUMS = ("sha256", "sha1")
"""Ways in which a chunk may be checked; tus asks every server for SHA-1."""

LONGEST_NAME_BYTES = 255
_LONGEST_ORIGINAL = 1000
_READ_BYTES = 4 << 20
_ID = re.compile(r"[0-9a-f]{32}")


class UploadError(CuesError):
    """An upload cannot be begun or continued; the sentence is for the person who uploads."""


class TooLarge(UploadError):
    """More bytes than allowed, or more than were announced."""


class WrongKind(UploadError):
    """The file's ending is none of a recording."""


class TooManyOpen(UploadError):
    """The account has as many unfinished uploads as it may."""


class DiskFull(UploadError):
    """There is no room. What was written before stays usable."""


class Busy(UploadError):
    """Somebody else is adding to the upload right now."""


class WrongOffset(UploadError):
    """The bytes that were sent do not follow those that are there."""


class ChecksumMismatch(UploadError):
    """The bytes that came are not the ones that were sent; they were taken back."""


class Gone(UploadError):
    """The upload was removed meanwhile."""


@dataclass(frozen=True)
class Incoming:
    """The folder of uploads and its limits.

    `reserve_bytes` must stay free on the disk for the rest of the library; no `suffixes` (lower case, with their dot)
    means any.
    """

    folder: Path
    largest_bytes: int = 8 * 10**9
    reserve_bytes: int = 2 * 10**9
    open_per_account: int = 10
    suffixes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Upload:
    """An upload as it is on disk now.

    `file_name` is safe to write under; `original_name` is what was sent and is text to show, never a path. `sha256`
    (of the whole file) is known once `whole`; `announced` says that whoever waits for it was told.
    """

    id: str
    owner: int
    length: int
    file_name: str
    original_name: str
    created: datetime
    session_id: str | None
    sha256: str | None
    announced: bool
    offset: int
    whole: bool


def create_upload(
    incoming: Incoming, owner: int, length: int, original_name: str, session_id: str | None = None
) -> Upload:
    """Begins an upload of `length` bytes; nothing of it is there yet.

    Raises TooLarge, WrongKind, TooManyOpen or DiskFull before anything is written.
    """
    name = safe_file_name(original_name)
    if length < 1:
        raise UploadError(f"'{name}' is empty.")
    if length > incoming.largest_bytes:
        raise TooLarge(f"'{name}' has {_size(length)}; at most {_size(incoming.largest_bytes)} are allowed.")
    if incoming.suffixes and not name.lower().endswith(incoming.suffixes):
        raise WrongKind(f"'{name}' is none of the files that can be used here: {', '.join(incoming.suffixes)}.")
    make_folder(incoming.folder, 0o700)
    with _only_one_creating(incoming.folder):
        if sum(not upload.whole for upload in uploads_of(incoming, owner)) >= incoming.open_per_account:
            raise TooManyOpen(
                f"You have {incoming.open_per_account} unfinished uploads: finish or cancel one of them first."
            )
        check_room(incoming, length)
        upload = Upload(
            id=secrets.token_hex(16),
            owner=owner,
            length=length,
            file_name=name,
            original_name=original_name[:_LONGEST_ORIGINAL],
            created=now(),
            session_id=session_id,
            sha256=None,
            announced=False,
            offset=0,
            whole=False,
        )
        try:
            make_part(_part(incoming, upload.id))
            _write_record(incoming, upload)
        except OSError as problem:
            remove_upload(incoming, upload.id)
            if problem.errno in DISK_FULL:
                raise DiskFull(_NO_ROOM) from None
            raise
    return upload


def find_upload(incoming: Incoming, upload_id: str) -> Upload | None:
    """The upload with this id; none when there is no such one, or its file was taken or removed."""
    if not _ID.fullmatch(upload_id):
        return None
    # The rename to .whole may happen between two looks, but never back: .part is looked for first.
    for path, size_of, whole in (
        (_part(incoming, upload_id), bytes_there, False),
        (whole_path(incoming, upload_id), kept_bytes, True),
    ):
        try:
            size = size_of(path)
            record = json.loads(_record(incoming, upload_id).read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        record["created"] = datetime.fromisoformat(record["created"])
        return Upload(**record, offset=size, whole=whole)
    return None


def uploads_of(incoming: Incoming, owner: int) -> list[Upload]:
    """An account's uploads, finished ones that nobody took among them, oldest first."""
    found = (find_upload(incoming, path.stem) for path in incoming.folder.glob("*.json"))
    return sorted((u for u in found if u is not None and u.owner == owner), key=lambda u: (u.created, u.id))


def unannounced(incoming: Incoming) -> list[str]:
    """The ids of uploads whose last byte is there and of which nobody was told: a process died in between."""
    found = (find_upload(incoming, path.stem) for path in incoming.folder.glob("*.json"))
    return sorted(u.id for u in found if u is not None and u.offset == u.length and not u.announced)


def uploads_in(incoming: Incoming) -> list[Upload]:
    """All uploads that are under way or whole, of whoever."""
    found = (find_upload(incoming, path.stem) for path in incoming.folder.glob("*.json"))
    return [upload for upload in found if upload is not None]


def whole_path(incoming: Incoming, upload_id: str) -> Path:
    """Where the bytes lie once the upload is whole."""
    return incoming.folder / f"{upload_id}.whole"


def check_room(incoming: Incoming, length: int) -> None:
    """Raises DiskFull unless `length` more bytes leave the reserve free."""
    if shutil.disk_usage(incoming.folder).free < length + incoming.reserve_bytes:
        raise DiskFull(_NO_ROOM)


class Chunk:
    """Bytes that are being added to an upload, by one writer at a time; from `open_chunk`.

    `write` as often as wanted, then `keep` once; `close` in any case. Bytes that were written and not kept, because
    the connection or the process broke off, stay: the next chunk goes on behind them.
    """

    def __init__(self, incoming: Incoming, upload: Upload, file: int, checksum: tuple[str, bytes] | None) -> None:
        self._incoming, self._upload, self._file = incoming, upload, file
        self._bytes = open_bytes(file, _part(incoming, upload.id))
        self._begin = self.offset = upload.offset
        self._expected = checksum[1] if checksum else None
        self._digest = hashlib.new(checksum[0], usedforsecurity=False) if checksum else None

    def write(self, block: bytes) -> None:
        """Adds bytes. Raises TooLarge when they are more than announced (none of them is added), DiskFull when the
        disk is (as many as fitted stay)."""
        if self.offset + len(block) > self._upload.length:
            raise TooLarge(f"More bytes came than the {self._upload.length} that were announced.")
        if self._digest:
            self._digest.update(block)
        rest = memoryview(block)
        try:
            while rest:
                written = self._bytes.write(rest)
                self.offset += written
                rest = rest[written:]
        except OSError as problem:
            if problem.errno not in DISK_FULL:
                raise
            os.fsync(self._file)
            raise DiskFull(_NO_ROOM) from None

    def take_back(self) -> None:
        """Leaves the upload as it was before the chunk."""
        self._bytes.take_back()
        self.offset = self._begin

    def keep(self) -> None:
        """Makes the chunk last. Raises ChecksumMismatch, having taken it back, when it is not what was sent."""
        if self._digest and self._digest.digest() != self._expected:
            self.take_back()
            raise ChecksumMismatch("A part of the file was damaged on its way and has to be sent again.")
        self.settle()

    def settle(self) -> None:
        """What was written reaches the disk. Raises Gone when the upload was removed meanwhile."""
        try:
            self._bytes.settle()
        except OSError as problem:
            if problem.errno not in DISK_FULL:
                raise
            raise DiskFull(_NO_ROOM) from None
        if os.fstat(self._file).st_nlink == 0:
            raise Gone("This upload was cancelled.")

    def finish(self) -> Upload:
        """Makes an upload whole whose last byte is there; one that already is stays as it is."""
        self.settle()
        return _made_whole(self._incoming, self._upload.id, self._bytes)

    def close(self) -> None:
        """Lets the next writer in."""
        os.close(self._file)


def open_chunk(incoming: Incoming, upload_id: str, offset: int | None, checksum: tuple[str, bytes] | None) -> Chunk:
    """Begins to add bytes at `offset`, or wherever the upload is when that is none; nobody else can until the chunk is
    closed.

    `checksum` is the name of one of CHECKSUMS with the digest that the chunk must have. Raises Gone, Busy or
    WrongOffset.
    """
    file = _open_bytes(incoming, upload_id)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy("This upload is being written by another request.") from None
        upload = find_upload(incoming, upload_id)
        if upload is None:
            raise Gone("This upload was cancelled.")
        if offset is not None and (offset != upload.offset or upload.whole):
            raise WrongOffset(f"{upload.offset} bytes of this upload are there; it goes on behind them.")
        return Chunk(incoming, upload, file, checksum)
    except BaseException:
        os.close(file)
        raise


def mark_announced(incoming: Incoming, upload: Upload) -> None:
    """Remembers that whoever waits for the whole file was told, so that it happens only once more after a crash."""
    if find_upload(incoming, upload.id) is not None:  # taken or removed by the one who was told
        _write_record(incoming, replace(upload, announced=True))


def take_upload(incoming: Incoming, upload: Upload, destination: Path) -> None:
    """Moves a whole file out of here, by one rename, to a path on the same disk; the upload is then gone."""
    whole_path(incoming, upload.id).rename(destination)
    sync_folder(destination.parent)
    remove_upload(incoming, upload.id)


def remove_upload(incoming: Incoming, upload_id: str) -> None:
    """Removes an upload, finished or not; one that somebody is writing ends with Gone there."""
    part = _part(incoming, upload_id)
    for path in (_record(incoming, upload_id), part, whole_path(incoming, upload_id), *tails(part)):
        path.unlink(missing_ok=True)
    sync_folder(incoming.folder)


def remove_abandoned(incoming: Incoming, older_than: timedelta, at: datetime | None = None) -> list[str]:
    """Removes what nobody has added to or taken for `older_than` before `at` (now when not given), and leftovers of
    uploads that a crash cut short; returns the ids."""
    before = ((at or now()) - older_than).timestamp()
    touched: dict[str, float] = {}
    for path in incoming.folder.iterdir() if incoming.folder.is_dir() else ():
        upload_id = path.name.split(".")[0]
        if _ID.fullmatch(upload_id):
            touched[upload_id] = max(touched.get(upload_id, 0.0), _changed(path))
    removed = sorted(upload_id for upload_id, last in touched.items() if last < before)
    for upload_id in removed:
        remove_upload(incoming, upload_id)
        _new_record(incoming, upload_id).unlink(missing_ok=True)
    return removed


def safe_file_name(text: str) -> str:
    """A name that can be written on every disk: no folder, no control or invisible character, at most 255 bytes with
    its ending kept; "recording" when nothing is left."""
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", text))[-1]
    shown = "".join(c for c in last if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
    name = re.sub(r'[<>:"|?*]', "_", shown).strip(" .")
    if not name:
        return "recording"
    stem, dot, ending = name.rpartition(".")
    if not dot or len(ending.encode()) > 16:
        stem, dot, ending = name, "", ""
    room = LONGEST_NAME_BYTES - len((dot + ending).encode())
    return stem.encode()[:room].decode(errors="ignore") + dot + ending


_NO_ROOM = "The disk of this library is full: what was uploaded is kept and can go on once there is room."


def _made_whole(incoming: Incoming, upload_id: str, content: Bytes) -> Upload:
    """Called with the upload's lock held: hashes, then records the hash, then renames."""
    upload = find_upload(incoming, upload_id)
    if upload is None:
        raise Gone("This upload was cancelled.")
    if upload.whole:
        return upload
    part, digest = _part(incoming, upload_id), hashlib.sha256()
    try:
        content.end()
        with open_kept(part) as file:
            while block := file.read(_READ_BYTES):
                digest.update(block)
        upload = replace(upload, sha256=digest.hexdigest())
        _write_record(incoming, upload)
        part.rename(whole_path(incoming, upload_id))
        for path in tails(part):
            path.unlink(missing_ok=True)
    except FileNotFoundError:
        remove_upload(incoming, upload_id)  # removed meanwhile: the record must not come back
        raise Gone("This upload was cancelled.") from None
    except OSError as problem:
        if problem.errno not in DISK_FULL:
            raise
        raise DiskFull(_NO_ROOM) from None
    sync_folder(incoming.folder)
    return replace(upload, whole=True)


def _open_bytes(incoming: Incoming, upload_id: str) -> int:
    for path in (_part(incoming, upload_id), whole_path(incoming, upload_id)):
        try:
            return os.open(path, os.O_RDWR)
        except FileNotFoundError:
            continue
    raise Gone("This upload was cancelled.")


@contextmanager
def _only_one_creating(folder: Path) -> Iterator[None]:
    """Without it, several uploads begun at once would each see room for one more."""
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _write_record(incoming: Incoming, upload: Upload) -> None:
    record: dict[str, Any] = asdict(upload)
    del record["offset"], record["whole"]  # the files say it
    record["created"] = upload.created.isoformat()
    new = _new_record(incoming, upload.id)
    with os.fdopen(os.open(new, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        json.dump(record, file, ensure_ascii=False)
        file.flush()
        os.fsync(file.fileno())
    new.replace(_record(incoming, upload.id))
    sync_folder(incoming.folder)


def _part(incoming: Incoming, upload_id: str) -> Path:
    return incoming.folder / f"{upload_id}.part"


def _record(incoming: Incoming, upload_id: str) -> Path:
    return incoming.folder / f"{upload_id}.json"


def _new_record(incoming: Incoming, upload_id: str) -> Path:
    return incoming.folder / f"{upload_id}.json.new"


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0  # taken or renamed between listing and looking; its other files decide


def _size(count: int) -> str:
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
