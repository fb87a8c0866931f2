"""The coordinator: takes jobs from the queue, one at a time, and has their steps run.

    python -m cues.jobs.coordinator LIBRARY [--name NAME] [--with-parent] [--workers N] [--set group.name=value]

The address of another database than the library's own is taken from CUES_DATABASE_URL, the number of processes from
CUES_WORKERS; CUES_ENGINE=tcp://scheduler:8786 has the steps run by a cluster's workers instead of processes here.
Any number of coordinators may work for one library: each job is held by one of them, by a lease.

An analysis is a survey, the segments and the sound, and the figures. Each step's result is kept in the session's
`.partial` folder and its row marked as done; a step whose worker is lost is done again, at most MAX_ATTEMPTS times.
Results are written after the lease was renewed, all of them or none. A recording is never touched.
"""

import argparse
import os
import signal
import socket
import sys
import threading
import time
import traceback
import uuid
from _thread import interrupt_main
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from cues.analysis import Plan, Task, open_partial, unread_task
from cues.errors import CuesError, ParameterError, RecordingError
from cues.jobs import preview, steps
from cues.jobs.attempts import LOOK_S, Step, run_steps
from cues.jobs.certificates import security_of
from cues.jobs.engine import Engine, LocalEngine
from cues.jobs.figures_anew import bring_up_to_date
from cues.jobs.queue import (
    LEASE_S,
    Standing,
    claim,
    count_attempt,
    finish_job,
    finish_step,
    give_back,
    give_back_all,
    is_held,
    put_steps,
    renew,
)
from cues.jobs.review_copy import make_copy_where_needed, remove_unfinished_copies
from cues.jobs.starting import ENDS_WITHIN_S, hold_name
from cues.jobs.tidying import remove_finished, tidy
from cues.library.consents import ConsentError, missing_for_analysis
from cues.library.database import Library, open_library
from cues.library.folders import (
    make_session_folder,
    provisional_folder,
    remove_session_folder,
    review_copy,
    session_folder,
)
from cues.library.models import Job, JobKind, JobState, PracticeSession
from cues.library.recordings import in_names_of_people
from cues.library.session_folder import load_corrections, write_analysis, write_results
from cues.parameters import Limits, Parameters, replace_parameter
from cues.partial import Partial
from cues.terminal import own_words
from cues.vision.segment import Segment
from cues.whole_files import DISK_FULL

AFTER_A_FAULT_S = 2.0
TIDY_EVERY_S = 600.0
SHOW_EVERY_S = 20.0
"""How often the figures of the minutes that are finished are written while the rest is read."""

WAITING = "Waiting for a worker"
"""Stage of a job that no worker can go on with now; its `problem` says why."""

# Where in the whole of an analysis each stage ends (0-1).
_SURVEYED, _READ = 0.12, 0.97
_PACE_S, _PACE_SHARE = 3.0, 0.02  # before so many seconds, and so much of the recording, no pace is told


class _Pace:
    """How fast samples are read, from the first one on: before it, processes start and networks load."""

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz, self._began, self._first = rate_hz, 0.0, 0.0

    def at(self, samples: float, asked: float) -> tuple[float | None, float | None]:
        """Seconds of recording per second, and seconds left; None while too little was read to say."""
        if samples <= 0:
            return None, None
        if not self._began:
            self._began, self._first = time.monotonic(), samples
        elapsed, read = time.monotonic() - self._began, samples - self._first
        if elapsed < _PACE_S or read < _PACE_SHARE * asked:
            return None, None
        speed = read / self._rate_hz / elapsed
        return speed, (asked - samples) / self._rate_hz / speed


_NO_ROOM = (
    "The disk of this library is full. The recording is kept, and what is finished; make room, then start it again."
)


def _fault(error: Exception) -> str:
    return (
        f"This ended by a fault of the program ({type(error).__name__}). The recording is kept; please tell the person "
        "who runs this, who finds more in the program's log."
    )


class LostError(Exception):
    """The job is another coordinator's now, or deleted."""


class CancelledError(Exception):
    """Somebody asked for the job to be ended."""


@dataclass(frozen=True)
class Coordinator:
    """Who works for a library, on what, and how. `word` stands in the rows of jobs it holds: name:unique."""

    library: Library
    engine: Engine
    parameters: Parameters
    lease_s: float
    word: str

    def run_next(self) -> bool:
        """Does the next job to its end; False where there is none."""
        job_id = claim(self.library, self.word, self.lease_s)
        if job_id is None:
            return False
        work = Work.of(self, job_id)
        if work is None:
            return True
        try:
            state, problem = JobState.DONE, None
            work.do()
        except LostError:
            self.engine.abandon()
            work.clear_if_deleted()
            return True
        except CancelledError:
            state = JobState.CANCELLED
        except CuesError as error:
            state, problem = JobState.FAILED, in_names_of_people(str(error), work.names)
        except OSError as error:
            traceback.print_exc(file=sys.stderr)
            state, problem = JobState.FAILED, _NO_ROOM if error.errno in DISK_FULL else _fault(error)
        except SQLAlchemyError:  # the truth cannot be reached: the lease runs out, and the job goes on from there
            self.engine.abandon()
            raise
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            state, problem = JobState.FAILED, _fault(error)
        except BaseException:  # asked to end
            self.engine.abandon()
            give_back(self.library, job_id, self.word)
            raise
        if state != JobState.DONE:
            self.engine.abandon()
        if not finish_job(self.library, job_id, self.word, state, problem):
            work.clear_if_deleted()
        elif state == JobState.DONE:
            work.clear_up()
        return True


@dataclass
class Work:
    """One job in the hands of a coordinator."""

    coordinator: Coordinator
    job_id: int
    kind: JobKind
    session_id: str
    setup: str
    trainee_place: str | None
    names: dict[str, str]  # of recordings: as stored -> as people know them
    shown: float = field(default=-SHOW_EVERY_S, init=False)  # the minutes
    glanced: float = field(default=-SHOW_EVERY_S, init=False)  # the preview

    @classmethod
    def of(cls, coordinator: Coordinator, job_id: int) -> "Work | None":
        """None where the session was deleted since the job was taken."""
        with coordinator.library.reading() as db:
            job = db.get(Job, job_id)
            session = None if job is None else db.get(PracticeSession, job.session_id)
            if job is None or session is None:
                return None
            names = {r.stored_as: r.file_name for r in session.recordings}
            return cls(coordinator, job_id, job.kind, session.id, session.setup, session.trainee_place, names)

    @property
    def folder(self) -> Path:
        """The session's."""
        return session_folder(self.coordinator.library.folder, self.session_id)

    @property
    def paths(self) -> tuple[Path, ...]:
        """Where the recordings lie."""
        return tuple(self.folder / name for name in self.names)

    def do(self) -> None:
        """Everything up to the end of the job, which is still held then."""
        if not self.paths:
            raise RecordingError("This session has no recording yet; upload one first.")
        make_session_folder(self.coordinator.library.folder, self.session_id)
        if self.kind == JobKind.ANALYSIS:
            self._ask_consent(len(self.paths))
            self._analyse()
        else:
            self._copy()

    def clear_up(self) -> None:
        """Removes what the job no longer needs."""
        if self.kind == JobKind.ANALYSIS:
            remove_finished(self.coordinator.library, self.session_id)

    def clear_if_deleted(self) -> None:
        """Removes what was written after the session had been deleted in the middle of the job."""
        library = self.coordinator.library
        with library.reading() as db:
            gone = db.get(PracticeSession, self.session_id) is None
        if gone:
            remove_session_folder(library.folder, self.session_id)

    @property
    def _whole_s(self) -> float:
        """How long a step over the whole recording may take [s]."""
        return self.coordinator.parameters.limits.whole_s(sum(p.stat().st_size for p in self.paths if p.exists()))

    def _ask_consent(self, people: int) -> None:
        """Raises ConsentError unless as many people as are recorded agree to the analysis now, whoever queued it."""
        with self.coordinator.library.reading() as db:
            missing = missing_for_analysis(db, self.session_id, people, datetime.now(UTC).date())
        if missing is not None:
            raise ConsentError(missing)

    def _analyse(self) -> None:
        parameters = self.coordinator.parameters
        partial = open_partial(self.folder, self.paths, parameters, self.setup)
        partial.folder.mkdir(parents=True, exist_ok=True)
        plan: Plan | None = partial.load(steps.PLAN)
        if plan is None:
            self._put({steps.PLAN: False})
            survey = Step(
                steps.PLAN,
                steps.survey,
                lambda _: (partial, self.paths, parameters, self.setup),
                lambda made: partial.save(steps.PLAN, made),
                limit_s=self._whole_s,
            )
            self._run([survey], lambda: ("survey", _SURVEYED * partial.said(steps.PLAN), None, None))
            plan = partial.load(steps.PLAN)
        assert plan is not None
        plan = replace(plan, paths=self.paths)  # another coordinator may have the library at another place
        people = max(len(self.paths), min(sum(len(s.people) for s in plan.surveys), 2))
        self._ask_consent(people)
        self._read(plan, partial)
        self._ask_consent(people)
        self._figures(plan, partial)

    def _read(self, plan: Plan, partial: Partial) -> None:
        """A preview, the segments and the sound; of these the sound first, because it is the longest step."""
        parameters = self.coordinator.parameters
        tasks = plan.tasks()
        glances = preview.NAMES if preview.wanted(plan) else ()
        names = [*glances, steps.SOUND, *(task.name for task in tasks)]
        kept = {name: partial.load(name) is not None for name in names}
        self._put({steps.PLAN: True, **kept, steps.FIGURES: False})

        def saves(name: str) -> Callable[[Any], None]:
            def save(result: Any) -> None:
                partial.save(name, result)
                self._show_what_is_there(plan, partial, looked=name in glances)

            return save

        wanted = [
            Step(name, preview.look, lambda _, part=part: (plan, part), saves(name), self._whole_s, instead=dict)  # type: ignore[misc]  # has a default
            for part, name in enumerate(glances)
        ]
        unheard = lambda: (None, steps.UNHEARD)  # noqa: E731
        listens = Step(steps.SOUND, steps.listen, lambda _: (plan,), saves(steps.SOUND), self._whole_s, instead=unheard)
        wanted.append(listens)
        given_up = _GivenUp(plan, parameters.limits)
        wanted += [self._reading(plan, partial, task, saves(task.name), given_up) for task in tasks]
        before = sum(task.last - task.first for task in tasks if kept[task.name])
        pace = _Pace(len(plan.paths) * plan.parameters.sampling.rate_hz)

        def report() -> tuple[str, float, float | None, float | None]:
            there = {task: 1.0 if partial.has(task.name) else partial.said(task.name) for task in tasks}
            samples = sum(share * (task.last - task.first) for task, share in there.items())
            asked = sum(task.last - task.first for task in tasks)
            speed, left = pace.at(samples - before, asked - before)
            stage = "people" if samples < asked else "sound"
            return stage, _SURVEYED + (_READ - _SURVEYED) * samples / max(asked, 1), speed, left

        self._run([step for step in wanted if not kept[step.name]], report)

    def _reading(
        self, plan: Plan, partial: Partial, task: Task, keep: Callable[[Any], None], given_up: "_GivenUp"
    ) -> Step:
        """The step of one segment."""
        return Step(
            task.name,
            steps.read,
            lambda smaller: (partial, plan.part(task), task, smaller),
            keep,
            silent_s=self.coordinator.parameters.limits.silent_s,
            said=lambda: partial.said(task.name),
            has_cheaper=True,
            instead=lambda: given_up.stands_for(task),
        )

    def _show_what_is_there(self, plan: Plan, partial: Partial, looked: bool) -> None:
        """Writes the preview and the figures of the finished minutes at the beginning, each where that was not done a
        moment ago. looked: what has come is part of the looks, which are waited for."""
        folder = provisional_folder(self.coordinator.library.folder, self.session_id)
        # Nobody may have been seen until here, or a correction may be about what comes later.
        if preview.wanted(plan) and (looked or time.monotonic() - self.glanced >= SHOW_EVERY_S):
            with suppress(RecordingError, ParameterError):
                preview.write_preview(folder, partial, plan, load_corrections(self.folder))
                self.glanced = time.monotonic()
        if not looked and time.monotonic() - self.shown >= SHOW_EVERY_S:
            with suppress(RecordingError, ParameterError):
                metrics = steps.provisional(partial, plan, load_corrections(self.folder))
                if metrics is not None:
                    write_results(folder, metrics)
                    self.shown = time.monotonic()

    def _figures(self, plan: Plan, partial: Partial) -> None:
        parameters, corrections = self.coordinator.parameters, load_corrections(self.folder)
        results: list[Any] = []
        report = lambda: ("figures", _READ, None, None)  # noqa: E731
        arguments = lambda _: (partial, plan, corrections, self.trainee_place, parameters)  # noqa: E731
        self._run([Step(steps.FIGURES, steps.figures, arguments, results.append, self._whole_s)], report)
        observations, corrections, metrics = results[0]
        self._hold(*report())
        write_analysis(self.folder, observations, corrections, metrics, self._while_held())

    def _copy(self) -> None:
        library = self.coordinator.library.folder
        wanted = []
        remove_unfinished_copies(self.folder)
        for position, path in enumerate(self.paths):
            target = review_copy(library, self.session_id, position)
            arguments = lambda _, path=path, target=target: (path, target)  # noqa: E731
            wanted.append(Step(target.stem, make_copy_where_needed, arguments, lambda result: None, self._whole_s))
        self._put({step.name: False for step in wanted})
        self._run(wanted, lambda: ("copy", 0.0, None, None))
        remove_unfinished_copies(self.folder)  # of processes that were killed and replaced meanwhile

    def _put(self, kept: dict[str, bool]) -> None:
        if not put_steps(self.coordinator.library, self.job_id, self.coordinator.word, kept):
            raise LostError

    def _hold(self, stage: str, share: float, speed: float | None, seconds_left: float | None) -> None:
        me = self.coordinator
        waiting = me.engine.waiting
        if waiting is not None:
            stage, speed, seconds_left = WAITING, None, None
        standing = renew(me.library, self.job_id, me.word, me.lease_s, stage, share, speed, seconds_left, waiting)
        if standing == Standing.LOST:
            raise LostError
        if standing == Standing.CANCELLED:
            raise CancelledError

    @contextmanager
    def _while_held(self) -> Iterator[None]:
        """Nobody can take the job over while this lasts, however long this process was stopped before: results are
        written by who has it. Raises LostError where somebody has."""
        me = self.coordinator
        with me.library.writing() as db:
            if not is_held(db, self.job_id, me.word):
                raise LostError
            yield

    def _run(self, wanted: Sequence[Step], report: Callable[[], tuple[str, float, float | None, float | None]]) -> None:
        me = self.coordinator

        def finished(name: str) -> None:
            if not finish_step(me.library, self.job_id, me.word, name):
                raise LostError

        def count(name: str) -> int:
            attempts = count_attempt(me.library, self.job_id, name)
            if attempts is None:
                raise LostError
            return attempts

        run_steps(me.engine, wanted, lambda: self._hold(*report()), count, finished)


@dataclass
class _GivenUp:
    """The segments of a recording that could not be read."""

    plan: Plan
    limits: Limits
    count: int = 0

    def stands_for(self, task: Task) -> Segment:
        """What stands for one; raises RecordingError where there are too many."""
        self.count += 1
        if self.count > self.limits.unread_max:
            raise RecordingError(
                f"{self.plan.paths[task.file].name} cannot be read in more than {self.limits.unread_max} places: it "
                "makes the program that decodes it hang or crash, or takes too much memory; export it again, as an mp4 "
                "of at most 1080 lines."
            )
        return unread_task(self.plan, task)


def main(arguments: Sequence[str] | None = None) -> None:
    """Works for a library until it is asked to end: by SIGTERM, or by the end of its parent."""
    options = _options().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the web application, whose end ends this
    if options.with_parent:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    os.umask(0o077)
    parameters = Parameters()
    try:
        for assignment in options.assignments:
            parameters = replace_parameter(parameters, assignment)
        library = open_library(options.library, os.environ.get("CUES_DATABASE_URL"))
    except CuesError as error:
        sys.exit(str(error))
    name = options.name[:40]
    if hold_name(library.folder, name):
        give_back_all(library, name)
    with own_words():
        engine = _engine(options.workers, library, parameters.limits)
        word = f"{name}:{uuid.uuid4().hex[:12]}"
        coordinator = Coordinator(library, engine, parameters, options.lease_s, word)
        try:
            _work_for_ever(coordinator)
        finally:
            engine.close()
            library.close()


def _engine(workers: int, library: Library, limits: Limits) -> Engine:
    """This machine's processes, or the cluster that CUES_ENGINE names; ends with a sentence where it names none."""
    address = os.environ.get("CUES_ENGINE")
    if not address:
        return LocalEngine(workers, limits.memory_mb)
    try:
        security_of(address)
        from cues.jobs.cluster import ClusterEngine  # Dask takes 0.3 s to import, and need not be installed

        return ClusterEngine(address, library.folder)
    except CuesError as error:
        sys.exit(str(error))


def _work_for_ever(coordinator: Coordinator) -> None:
    due = time.monotonic()
    current = False
    while True:
        try:
            if not current:
                bring_up_to_date(coordinator.library)
                current = True
            if time.monotonic() >= due:  # before the next job: a long queue does not put off what is over
                due = time.monotonic() + TIDY_EVERY_S
                tidy(coordinator.library)
            if coordinator.run_next():
                continue
            coordinator.engine.rest()
        except (SQLAlchemyError, OSError):  # the database was away or busy for long, the disk full: it may pass
            traceback.print_exc(file=sys.stderr)
            time.sleep(AFTER_A_FAULT_S)
        time.sleep(LOOK_S)


def _end_with_stdin() -> None:
    """Ends this process when its standard input does: the process that held the other end is gone."""
    sys.stdin.buffer.read()
    interrupt_main(signal.SIGTERM)
    time.sleep(ENDS_WITHIN_S)
    os._exit(1)


def _options() -> argparse.ArgumentParser:
    workers = os.environ.get("CUES_WORKERS") or os.cpu_count() or 1
    parser = argparse.ArgumentParser("python -m cues.jobs.coordinator", description="Runs the jobs of a library.")
    parser.add_argument("library", type=Path, help="the library's folder")
    parser.add_argument(
        "--name", default=socket.gethostname(), help="jobs of an earlier run of this name go on at once"
    )
    parser.add_argument("--with-parent", action="store_true", help="end when standard input ends")
    parser.add_argument("--workers", type=int, default=workers, help="processes that read recordings")
    parser.add_argument("--lease-s", type=float, default=LEASE_S, help="a job not heard of for so long is taken over")
    parser.add_argument("--set", dest="assignments", action="append", default=[], help="a parameter: group.name=value")
    return parser


if __name__ == "__main__":
    main()
