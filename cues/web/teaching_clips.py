"""Clips for teaching: who may make one of which session, and making it as a file that is fetched once.

The trainee whose session it is may, where each recorded person has agreed to clips for teaching; a supervisor as long
as the session is shared with them, where each has agreed to supervision as well. It is asked when a clip is made, and
again when it is fetched.
"""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.orm import Session

from cues.errors import SessionFolderError
from cues.export.teaching_clip import ClipError, Order, make_clip
from cues.library.consents import SUPERVISION, TEACHING, missing_for
from cues.library.folders import session_folder
from cues.library.models import Account
from cues.library.sessions import CUES, find_session, left_out_for
from cues.observations import read_facts, read_observations
from cues.web.made_files import start
from cues.web.measured import measured_session
from cues.web.overlay import MINUTE_S, overlay
from cues.web.running import running
from cues.web.timeline import timeline

FILE_NAME = "teaching clip, not anonymous.mp4"
_one_at_a_time = threading.Lock()  # each takes all cores, and pages are served beside it


def refusal(db: Session, account: Account, session_id: str) -> str | None:
    """Why this account may not make a clip of a session today, or take one out; None where it may."""
    session = find_session(db, account, session_id)
    if session is None:
        return "There is no such session that you can see."
    if len(left_out_for(db, account, session)) == len(CUES):
        return "No cue of this session is shown to you."
    try:
        facts = read_facts(session_folder(running().library.folder, session_id))
    except SessionFolderError:
        return "This session is not analysed yet."
    people, today = max(len(facts.people), len(session.recordings)), datetime.now(UTC).date()
    missing = missing_for(db, session_id, TEACHING, people, today)
    if missing is None and session.trainee_id != account.id:
        missing = missing_for(db, session_id, SUPERVISION, people, today)
    return missing


def start_clip(account: Account, session_id: str, start_s: float, end_s: float, look: str) -> str:
    """Begins to make a clip of the stretch [s] that `check_stretch` gave; its token among the made files. Raises
    ClipError where this account may not."""
    library = running().library
    with library.reading() as db:
        if (why := refusal(db, account, session_id)) is not None:
            raise ClipError(why)
        session = find_session(db, account, session_id)
        assert session is not None
        folder = session_folder(library.folder, session_id)
        recordings = [folder / recording.stored_as for recording in session.recordings]
        left_out = left_out_for(db, account, session)

    def make(path: Path, progress: Callable[[float], None]) -> None:
        def told(share: float) -> None:
            if not path.parent.exists():  # another file was asked for in place of this one
                raise ClipError("This clip is not wanted any more.")
            progress(share)

        with _one_at_a_time:
            make_clip(_order(folder, recordings, left_out, start_s, end_s, look), path, told)

    def refuse() -> str | None:
        with library.reading() as db:
            now = db.get_one(Account, account.id)
            shown = find_session(db, now, session_id)
            more = shown is not None and set(left_out_for(db, now, shown)) - set(left_out)
            return "A cue in this clip is no longer shown to you." if more else refusal(db, now, session_id)

    told = {"format": "teaching clip", "look": look, "start": round(start_s, 1), "end": round(end_s, 1)}
    return start(account.id, FILE_NAME, make, told, (session_id,), refuse)


def _order(folder: Path, recordings: list[Path], left_out: list[str], start_s: float, end_s: float, look: str) -> Order:
    measured = measured_session(folder)
    last = int(max(end_s - 1e-6, start_s) // MINUTE_S)
    return Order(
        start=start_s,
        end=end_s,
        look=look,
        seen=read_observations(folder),
        drawn=measured.corrected.observations,
        lanes=timeline(measured, left_out),
        minutes=[overlay(measured, minute, left_out) for minute in range(int(start_s // MINUTE_S), last + 1)],
        left_out=left_out,
        recordings=recordings,
    )
