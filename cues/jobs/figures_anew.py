"""Figures that an earlier version of the program has written, computed again from a session's tables."""

from contextlib import suppress

from sqlalchemy import select

from cues.errors import CuesError
from cues.library.database import Library
from cues.library.folders import session_folder
from cues.library.models import PracticeSession
from cues.library.session_folder import load_corrections, outdated, write_results
from cues.metrics.session import measure_session
from cues.observations import read_observations
from cues.parameters import Parameters


def bring_up_to_date(library: Library) -> None:
    """Computes the figures of sessions again that an earlier version of the program has written; the recording is not
    read. A session that cannot be computed stays as it is, and its page says so."""
    with library.reading() as db:
        ids = list(db.scalars(select(PracticeSession.id)))
    for folder in (session_folder(library.folder, session_id) for session_id in ids):
        if not outdated(folder):
            continue
        with suppress(CuesError):
            write_results(folder, measure_session(read_observations(folder), load_corrections(folder), Parameters()))
