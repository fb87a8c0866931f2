"""How far the work on many sessions is, for a list of them: a number of queries that does not grow with the list."""

from collections.abc import Collection

from sqlalchemy import func, select

from cues.jobs.queue import JobProgress, places, told
from cues.library.database import Library
from cues.library.models import Job, JobKind, JobState


def latest_of(library: Library, session_ids: Collection[str], kind: JobKind) -> dict[str, JobProgress]:
    """The last job of a kind of each session that has one."""
    if not session_ids:
        return {}
    last = select(func.max(Job.id)).where(Job.session_id.in_(session_ids), Job.kind == kind).group_by(Job.session_id)
    with library.reading() as db:
        jobs = db.scalars(select(Job).where(Job.id.in_(last))).all()
        place = places(db) if any(job.state == JobState.QUEUED for job in jobs) else {}
        return {job.session_id: told(job, place) for job in jobs}
