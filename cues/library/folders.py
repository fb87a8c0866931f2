"""Where a library's files lie.

    library/library.db                     the database, where it is SQLite
    library/sessions/<session id>/         one session: its recordings, the tables and results made of them,
                                           `review.mp4` where a browser cannot play the original, `.partial` while an
                                           analysis runs, `provisional` with the minutes analysed so far

Folders are their owner's alone (0700); what lies in them is reached through them only.
"""

import re
import shutil
from pathlib import Path

from cues.library.models import ID_LENGTH

_ID = re.compile(f"[0-9a-f]{{{ID_LENGTH}}}")
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
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def remove_session_folder(library: Path, session_id: str) -> None:
    """Removes all files of a session; nothing happens where there are none."""
    folder = session_folder(library, session_id)
    if folder.exists():
        shutil.rmtree(folder)


def review_copy(library: Path, session_id: str, position: int = 0) -> Path:
    """Where the copy that browsers play of the session's first (0) or second (1) recording lies when it is made."""
    return session_folder(library, session_id) / _REVIEW_COPIES[position]


def provisional_folder(library: Path, session_id: str) -> Path:
    """Where the tables and results of the minutes analysed so far lie while the rest is being read."""
    return session_folder(library, session_id) / "provisional"
