"""A trainee's library and a supervisor's, on two machines as it were, and a session that goes back and forth."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from cues.corrections import Corrections
from cues.handover.merging import Merged
from cues.handover.opening import open_file
from cues.handover.packing import pack
from cues.library.accounts import Roles, create_account
from cues.library.comments import threads_of
from cues.library.consents import PURPOSES, enter_consent
from cues.library.database import Library, open_library
from cues.library.folders import make_session_folder
from cues.library.models import Account, Recording
from cues.library.session_folder import save_corrections, write_results
from cues.library.sessions import create_session
from cues.metrics.session import SessionMetrics, measure_session
from cues.observations import Observations, write_observations
from cues.parameters import Parameters
from tests.made_session import made_session

PASSPHRASE = "seven quiet herons"
DAY = date(2026, 11, 20)


@dataclass
class Side:
    """A library and the person whose it is."""

    library: Library
    me: Account

    def write(self, change, *values, **named):
        with self.library.writing() as db:
            return change(db, self.me, *values, **named)

    def threads(self, session_id):
        """Each thread as its texts, with the authors' names."""
        with self.library.reading() as db:
            return [
                [(w.author, w.comment.text) for w in (t.first, *t.answers)] for t in threads_of(db, self.me, session_id)
            ]

    def uid_of(self, session_id, text):
        """The id here of the comment with a text."""
        with self.library.reading() as db:
            written = [w for t in threads_of(db, self.me, session_id) for w in (t.first, *t.answers)]
            return next(w.comment.id for w in written if w.comment.text == text)

    def pack(self, session_id, path, **how) -> Path:
        path.unlink(missing_ok=True)
        pack(self.library, self.me, session_id, PASSPHRASE, path, **how)
        return path

    def open(self, path, **how) -> Merged:
        return open_file(self.library, self.me, path, PASSPHRASE, **how)[1]


def side(folder: Path, name: str, database: str | None = None, **roles: bool) -> Side:
    """A person with a library of their own, its rows in a database elsewhere where an address is given."""
    library = open_library(folder, database)
    with library.writing() as db:
        return Side(library, create_account(db, f"{name.lower()}@example.org", name, Roles(**roles)))


def analysed_session(owner: Side, video: bytes = b"", minutes: float = 2.0) -> str:
    """A session with tables, figures, consents and a recording of some bytes; its id."""
    observations, metrics = _measured(minutes)
    with owner.library.writing() as db:
        session = create_session(db, owner.me, "A session", DAY, "split_screen", None)
        for person in ("Ada", "Client 7"):
            enter_consent(db, session, person, list(PURPOSES), DAY, None, owner.me.id)
        folder = make_session_folder(owner.library.folder, session.id)
        if video:
            (folder / "recording-1.mp4").write_bytes(video)
            stored = {"file_name": "call.mp4", "stored_as": "recording-1.mp4", "sha256": "ab" * 32}
            db.add(Recording(session_id=session.id, position=0, size=len(video), **stored))
    write_observations(observations, folder)
    save_corrections(folder, Corrections())
    write_results(folder, metrics)
    return session.id


@cache
def _measured(minutes: float) -> tuple[Observations, SessionMetrics]:
    observations = made_session(minutes=minutes).observations
    return observations, measure_session(observations, Corrections(), Parameters())
