"""Where a library's files lie.

    library/library.db                     the database, where it is SQLite
    library/sessions/<session id>/         one session: its recordings, the tables and results made of them,
                                           `review.mp4` where a browser cannot play the original, `.partial` while an
                                           analysis runs, `provisional` with the minutes analysed so far,
                                           `.corrected-<account>.eaf` until that account's page has read it

Folders are their owner's alone (0700); what lies in them is reached through them only.
"""

import errno
import re
import shutil
from contextlib import suppress
from pathlib import Path

from cues.library.models import ID_LENGTH
from cues.whole_files import finish_interrupted, make_folder

_ID = re.compile(f"[0-9a-f]{{{ID_LENGTH}}}")
_ROOM_BYTES = 20_000_000  # the tables and results of a long session
_ROUNDS = 100
_REVIEW_COPIES = ("review.mp4", "review-second.mp4")


def session_folder(library: Path, session_id: str) -> Path:
    """Where a session's files lie, whether they are there or not.

    Raises ValueError for what is no session's id: an id is never a way out of the library.
    """
    if not _ID.fullmatch(session_id):
        raise ValueError(f"{session_id!r} is no session's id")
    return library / "sessions" / session_id


def make_session_folder(library: Path, session_id: str) -> Path:
    """The session's folder, made when missing, for its owner alone."""
    folder = session_folder(library, session_id)
    make_folder(folder, 0o700)
    return folder


def remove_session_folder(library: Path, session_id: str) -> None:
    """Removes all files of a session; nothing happens where there are none, or another process removes them, too."""
    folder = session_folder(library, session_id)
    for _ in range(_ROUNDS):
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            if not folder.exists():
                return
        except OSError as problem:
            if problem.errno != errno.ENOTEMPTY:  # a job that still runs has just written into it
                raise


def session_ids(library: Path) -> list[str]:
    """The ids of the sessions that have a folder, whether they have rows or not."""
    return sorted(path.name for path in (library / "sessions").glob("*") if _ID.fullmatch(path.name))


def finish_results(library: Path) -> None:
    """Ends what processes that died were writing into the folders of sessions."""
    for session_id in session_ids(library):
        with suppress(OSError):  # deleted meanwhile, or no room to end it in: the next time
            finish_interrupted(session_folder(library, session_id))


def is_full(library: Path) -> bool:
    """Whether the disk has so little room that what is written next may not fit."""
    return shutil.disk_usage(library).free < _ROOM_BYTES


def review_copy(library: Path, session_id: str, position: int = 0) -> Path:
    """Where the copy that browsers play of the session's first (0) or second (1) recording lies when it is made."""
    return session_folder(library, session_id) / _REVIEW_COPIES[position]


def provisional_folder(library: Path, session_id: str) -> Path:
    """Where the tables and results of the minutes analysed so far lie while the rest is being read."""
    return session_folder(library, session_id) / "provisional"


def corrected_file(library: Path, session_id: str, account_id: int, suffix: str) -> Path:
    """Where a file of an annotation program lies from its upload until the page of who brought it has read it."""
    return session_folder(library, session_id) / f".corrected-{account_id}{suffix}"


def remove_corrected_files(library: Path, account_id: int) -> None:
    """Removes those that an account brought in and that no page has read."""
    for path in (library / "sessions").glob(f"*/.corrected-{account_id}.*"):
        path.unlink(missing_ok=True)
