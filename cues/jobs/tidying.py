"""What a coordinator does beside its jobs: what is over is deleted, what processes left that died is cleared up."""

import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from cues.jobs.admission import SIGNS
from cues.jobs.queue import JobError, latest_job, progress
from cues.library.backup import remove_expired
from cues.library.database import Library
from cues.library.folders import finish_results, provisional_folder, session_folder
from cues.library.incoming import Incoming, remove_abandoned
from cues.library.models import JobKind, JobState
from cues.library.retention import delete_expired, delete_left_files, remove_orphans
from cues.partial import finish_partial

ABANDONED = timedelta(days=7)
SIGN_GONE_S = 86400.0
"""A worker of a cluster renews its file every second or so; one that was killed leaves it."""


def tidy(library: Library) -> None:
    """Deletes the sessions and backups whose time is over, uploads that nobody has gone on with for ABANDONED, files of
    what is deleted, and what finished analyses and processes that died did not come to remove."""
    now = datetime.now(UTC)
    finish_results(library.folder)
    for sign in (library.folder / SIGNS).glob("*"):
        with suppress(FileNotFoundError):  # its worker takes it back itself
            if now.timestamp() - sign.stat().st_mtime > SIGN_GONE_S:
                sign.unlink()
    delete_expired(library, now.date())
    delete_left_files(library)
    remove_orphans(library, now)
    remove_expired(library.folder, now.date())
    remove_abandoned(Incoming(library.folder / "incoming"), ABANDONED)
    for left in (library.folder / "sessions").glob("*/.partial"):
        session_id = left.parent.name
        job_id = latest_job(library, session_id, JobKind.ANALYSIS)
        with suppress(JobError):  # the session was deleted since
            if job_id is not None and progress(library, job_id).state == JobState.DONE:
                remove_finished(library, session_id)


def remove_finished(library: Library, session_id: str) -> None:
    """Removes what only a running analysis of a session needs."""
    finish_partial(session_folder(library.folder, session_id))
    shutil.rmtree(provisional_folder(library.folder, session_id), ignore_errors=True)
