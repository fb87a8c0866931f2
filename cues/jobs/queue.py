"""Jobs and their steps as rows of the library's database: what is queued, who works on it, how far it is.

The rows are the truth: pages read them, coordinators agree by them, a restart goes on from them. A coordinator holds a
job by a lease that it renews while it works; a lease that has run out is anybody's. All times are the database's own,
so that the clocks of several machines need not agree. One transaction a function, on SQLite and PostgreSQL alike.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum

from sqlalchemy import ColumnElement, and_, case, func, or_, select, update
from sqlalchemy.orm import Session

from cues.errors import CuesError
from cues.jobs.turns import Person, Waiting, in_turn
from cues.library.database import Library
from cues.library.models import Job, JobKind, JobState, PracticeSession, Recording, Segment
from cues.parameters import Queueing

LEASE_S = 30.0
QUEUEING = Queueing()
ACTIVE = (JobState.QUEUED, JobState.RUNNING)


class JobError(CuesError):
    """What was asked for cannot be done with this job."""


class Standing(Enum):
    """What a coordinator learns about the job it works on."""

    HELD = "held"
    CANCELLED = "cancelled"  # somebody asked for it: still held, to be ended
    LOST = "lost"  # another coordinator has it, or it is deleted


@dataclass(frozen=True)
class JobProgress:
    """What a page shows. `share` is 0-1, `speed` seconds of recording a second, `place` 1 for the next in the queue;
    None where it is not known or has no meaning. `problem` is a sentence."""

    job_id: int
    session_id: str
    kind: JobKind
    state: JobState
    stage: str
    share: float
    speed: float | None
    seconds_left: float | None
    place: int | None
    problem: str | None


def queue_job(library: Library, session_id: str, kind: JobKind) -> int:
    """Puts a job at the end of the queue; the one of this kind that is queued or running where there is one. Its id.

    Raises JobError where there is no such session.
    """
    with library.writing() as db:
        # The session's row is held, so that two requests at once cannot both find no job.
        if db.scalar(select(PracticeSession.id).where(PracticeSession.id == session_id).with_for_update()) is None:
            raise JobError("There is no such session; it may have been deleted.")
        active = _active(db, session_id, kind)
        if active is not None:
            return active
        job = Job(session_id=session_id, kind=kind, queued=database_time(db))
        db.add(job)
        db.flush()
        return job.id


def latest_job(library: Library, session_id: str, kind: JobKind) -> int | None:
    """The id of the last job of a kind that was queued for a session."""
    with library.reading() as db:
        return db.scalar(select(func.max(Job.id)).where(Job.session_id == session_id, Job.kind == kind))


def progress(library: Library, job_id: int) -> JobProgress:
    """How far a job is. Raises JobError where there is none."""
    with library.reading() as db:
        job = _job(db, job_id)
        return told(job, places(db) if job.state == JobState.QUEUED else {})


def places(db: Session) -> dict[int, int]:
    """Of each job that nobody works on, its place in the queue from 1, by its id."""
    return {waiting.job_id: k for k, waiting in enumerate(_in_turn(db, database_time(db), QUEUEING)[0], start=1)}


def told(job: Job, place: Mapping[int, int]) -> JobProgress:
    """How far a job is; `place` are the `places` of the queue."""
    return JobProgress(
        job_id=job.id,
        session_id=job.session_id,
        kind=job.kind,
        state=job.state,
        stage=job.stage,
        share=job.share,
        speed=job.speed,
        seconds_left=job.seconds_left,
        place=place.get(job.id) if job.state == JobState.QUEUED else None,
        problem=job.problem,
    )


def cancel(library: Library, job_id: int) -> None:
    """Ends a job: at once where nobody works on it, else as soon as its coordinator hears of it. Raises JobError."""
    with library.writing() as db:
        job = _job(db, job_id, held=True)
        now = database_time(db)
        abandoned = job.lease_until is None or job.lease_until < now
        if job.state == JobState.QUEUED or (job.state == JobState.RUNNING and abandoned):
            _end(job, JobState.CANCELLED, None, now)
        elif job.state == JobState.RUNNING:
            job.cancel = True


def retry(library: Library, job_id: int) -> int:
    """Puts a failed or cancelled job at the end of the queue again; its finished steps are kept. Its id.

    Where another job of its kind is queued or running for the session, or the job is not ended, that is the answer.
    Raises JobError where there is no such job, or where it is done.
    """
    with library.writing() as db:
        job = _job(db, job_id, held=True)
        db.execute(select(PracticeSession.id).where(PracticeSession.id == job.session_id).with_for_update())
        active = _active(db, job.session_id, job.kind)
        if active is not None:
            return active
        if job.state == JobState.DONE:
            raise JobError("This is done already; there is nothing to try again.")
        job.state, job.cancel, job.problem, job.finished = JobState.QUEUED, False, None, None
        job.coordinator, job.lease_until, job.attempts = None, None, 0
        job.queued = database_time(db)
        db.execute(update(Segment).where(Segment.job_id == job_id, Segment.done.is_(False)).values(attempts=0))
        return job.id


def claim(library: Library, coordinator: str, lease_s: float, rule: Queueing = QUEUEING) -> int | None:
    """Gives the job whose turn it is (`turns.py`) to a coordinator: a queued one, or one whose lease has run out.

    A lease that ends later than any given now is from before the clock was put back. It is made one from now: who is
    at work renews it long before, and a job of nobody's does not wait until the clock is there again.
    """
    with library.writing() as db:
        now = database_time(db)
        longest = now + timedelta(seconds=max(lease_s, LEASE_S))
        db.execute(
            update(Job).where(Job.state == JobState.RUNNING, Job.lease_until > longest).values(lease_until=longest)
        )
        order, people = _in_turn(db, now, rule)
        for waiting in order:
            if not waiting.begun and people[waiting.person].running >= rule.running_a_person:
                continue
            free = select(Job).where(Job.id == waiting.job_id, _nobodys(now)).with_for_update(skip_locked=True)
            job = db.scalar(free)
            if job is None:  # somebody is changing it
                continue
            job.state, job.coordinator = JobState.RUNNING, coordinator
            job.lease_until = now + timedelta(seconds=lease_s)
            job.started = job.started or now
            job.attempts += 1
            return job.id
        return None


def _nobodys(now: datetime) -> ColumnElement[bool]:
    """Queued, or running under a lease that is over."""
    abandoned = and_(Job.state == JobState.RUNNING, or_(Job.lease_until.is_(None), Job.lease_until < now))
    return or_(Job.state == JobState.QUEUED, abandoned)


def _in_turn(db: Session, now: datetime, rule: Queueing) -> tuple[list[Waiting], dict[int, Person]]:
    """The jobs that nobody works on, in the order in which they are taken, and the people whose they are."""
    size = select(func.coalesce(func.sum(Recording.size), 0)).where(Recording.session_id == Job.session_id)
    rows = db.execute(
        select(Job.id, PracticeSession.trainee_id, Job.queued, size.scalar_subquery(), Job.attempts)
        .join(PracticeSession, PracticeSession.id == Job.session_id)
        .where(_nobodys(now))
    )
    waiting = [
        Waiting(id_, person, queued, int(bytes_), attempts > 0) for id_, person, queued, bytes_, attempts in rows
    ]
    if not waiting:
        return [], {}
    held = and_(Job.state == JobState.RUNNING, Job.lease_until >= now)
    began = case((Job.state != JobState.QUEUED, Job.started))
    known = db.execute(
        select(PracticeSession.trainee_id, func.count(case((held, 1))), func.max(began))
        .join(Job, Job.session_id == PracticeSession.id)
        .where(PracticeSession.trainee_id.in_({job.person for job in waiting}))
        .group_by(PracticeSession.trainee_id)
    )
    people = {person: Person(running, last) for person, running, last in known}
    return in_turn(waiting, people, now, rule), people


def give_back_all(library: Library, name: str) -> int:
    """Ends the leases of a coordinator that was called `name` and is no more, so that its jobs go on at once; how many.

    A coordinator's own word is its name, a colon and what no other run of it has.
    """
    return _give_back(library, Job.coordinator.startswith(f"{name}:", autoescape=True))


def give_back(library: Library, job_id: int, coordinator: str) -> None:
    """Puts a job that is held back to where it was in the queue: its coordinator ends."""
    _give_back(library, and_(Job.id == job_id, Job.coordinator == coordinator))


def _give_back(library: Library, whose: ColumnElement[bool]) -> int:
    with library.writing() as db:
        jobs = db.scalars(select(Job).where(Job.state == JobState.RUNNING, whose).with_for_update()).all()
        for job in jobs:
            job.state, job.coordinator, job.lease_until = JobState.QUEUED, None, None
        return len(jobs)


def renew(
    library: Library,
    job_id: int,
    coordinator: str,
    lease_s: float,
    stage: str,
    share: float,
    speed: float | None = None,
    seconds_left: float | None = None,
    problem: str | None = None,
) -> Standing:
    """Holds the job for another `lease_s` seconds and says how far it is, and in a sentence what it waits for."""
    with library.writing() as db:
        job = _held(db, job_id, coordinator)
        if job is None:
            return Standing.LOST
        job.lease_until = database_time(db) + timedelta(seconds=lease_s)
        job.stage, job.share, job.speed, job.seconds_left = stage, share, speed, seconds_left
        job.problem = problem
        return Standing.CANCELLED if job.cancel else Standing.HELD


def put_steps(library: Library, job_id: int, coordinator: str, kept: dict[str, bool]) -> bool:
    """Makes the job's steps those named in `kept` (name -> whether its result is there); False where it is lost.

    Attempts of steps that were known are kept. Steps that are not named are taken out: another version of the program
    has other ones.
    """
    with library.writing() as db:
        if _held(db, job_id, coordinator) is None:
            return False
        known = {step.name: step for step in db.scalars(select(Segment).where(Segment.job_id == job_id))}
        for name, step in known.items():
            if name in kept:
                step.done = kept[name]
            else:
                db.delete(step)
        db.add_all(Segment(job_id=job_id, name=n, done=there) for n, there in kept.items() if n not in known)
        return True


def count_attempt(library: Library, job_id: int, name: str) -> int | None:
    """One more attempt at a step; how many there were with it, None where it is not there any more."""
    with library.writing() as db:
        step = db.get(Segment, (job_id, name), with_for_update=True)
        if step is None:
            return None
        step.attempts += 1
        return step.attempts


def finish_step(library: Library, job_id: int, coordinator: str, name: str) -> bool:
    """Marks a step as done; False where the job is lost."""
    with library.writing() as db:
        if _held(db, job_id, coordinator) is None:
            return False
        db.get_one(Segment, (job_id, name)).done = True
        return True


def is_held(db: Session, job_id: int, coordinator: str) -> bool:
    """Whether a coordinator holds a job; it is nobody else's until the transaction ends."""
    return _held(db, job_id, coordinator) is not None


def finish_job(library: Library, job_id: int, coordinator: str, state: JobState, problem: str | None = None) -> bool:
    """Ends a job that is held; False where it is lost."""
    with library.writing() as db:
        job = _held(db, job_id, coordinator)
        if job is None:
            return False
        _end(job, state, problem, database_time(db))
        return True


def database_time(db: Session) -> datetime:
    """The database's clock, aware UTC."""
    if db.get_bind().dialect.name == "sqlite":
        text = db.scalar(select(func.strftime("%Y-%m-%d %H:%M:%f", "now")))
        return datetime.fromisoformat(str(text)).replace(tzinfo=UTC)
    moment: datetime = db.scalars(select(func.clock_timestamp())).one()
    return moment.astimezone(UTC)


def steps_of(library: Library, job_id: int) -> Iterable[Segment]:
    """The job's steps, by name."""
    with library.reading() as db:
        return list(db.scalars(select(Segment).where(Segment.job_id == job_id).order_by(Segment.name)))


def _job(db: Session, job_id: int, held: bool = False) -> Job:
    job = db.get(Job, job_id, with_for_update=held or None)
    if job is None:
        raise JobError("There is no such work; its session may have been deleted.")
    return job


def _held(db: Session, job_id: int, coordinator: str) -> Job | None:
    mine = (Job.id == job_id, Job.coordinator == coordinator, Job.state == JobState.RUNNING)
    return db.scalar(select(Job).where(*mine).with_for_update())


def _active(db: Session, session_id: str, kind: JobKind) -> int | None:
    mine = (Job.session_id == session_id, Job.kind == kind, Job.state.in_(ACTIVE))
    return db.scalar(select(Job.id).where(*mine).order_by(Job.id).limit(1))


def _end(job: Job, state: JobState, problem: str | None, now: datetime) -> None:
    job.state, job.problem, job.finished = state, problem, now
    job.coordinator, job.lease_until, job.seconds_left = None, None, None
    if state == JobState.DONE:
        job.share = 1.0
