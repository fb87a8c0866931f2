"""How far the work on many sessions is, for a list of them: a number of queries that does not grow with the list."""

from collections.abc import Collection

from sqlalchemy import func, select

from cues.jobs.queue import JobProgress, progress
from cues.library.database import Library
from cues.library.models import Job, JobKind, JobState

PLACES = 5
"""Sessions of a list of which the place in the queue is told: each takes queries of its own."""


def latest_of(library: Library, session_ids: Collection[str], kind: JobKind) -> dict[str, JobProgress]:
    """The last job of a kind of each session that has one; without its place in the queue behind the first PLACES."""
    if not session_ids:
        return {}
    last = select(func.max(Job.id)).where(Job.session_id.in_(session_ids), Job.kind == kind).group_by(Job.session_id)
    with library.reading() as db:
        jobs = list(db.scalars(select(Job).where(Job.id.in_(last)).order_by(Job.queued, Job.id)))
    queued = [job.id for job in jobs if job.state == JobState.QUEUED][:PLACES]
    return {job.session_id: progress(library, job.id) if job.id in queued else _without_place(job) for job in jobs}


def _without_place(job: Job) -> JobProgress:
    return JobProgress(
        job.id,
        job.session_id,
        job.kind,
        job.state,
        job.stage,
        job.share,
        job.speed,
        job.seconds_left,
        None,
        job.problem,
    )
