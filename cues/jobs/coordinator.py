"""The coordinator: takes jobs from the queue, one at a time, and has their steps run.

    python -m cues.jobs.coordinator LIBRARY [--name NAME] [--with-parent] [--workers N] [--set group.name=value]

The address of another database than the library's own is taken from CUES_DATABASE_URL, the number of processes from
CUES_WORKERS. Any number of coordinators may work for one library: each job is held by one of them, by a lease.

An analysis is a survey, the segments and the sound, and the figures. Each step's result is kept in the session's
`.partial` folder and its row marked as done; a step whose worker is lost is done again, at most MAX_ATTEMPTS times.
Results are written after the lease was renewed, all of them or none. A recording is never touched.
"""

import argparse
import os
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
import uuid
from _thread import interrupt_main
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from cues.analysis import Plan, open_partial
from cues.errors import CuesError, ParameterError, RecordingError
from cues.jobs import steps
from cues.jobs.engine import Engine, LocalEngine
from cues.jobs.processes import WorkerError
from cues.jobs.queue import (
    Standing,
    claim,
    count_attempt,
    finish_job,
    finish_step,
    give_back,
    give_back_all,
    latest_job,
    progress,
    put_steps,
    renew,
)
from cues.jobs.review_copy import browser_can_play, make_review_copy
from cues.library.consents import ConsentError, missing_for_analysis
from cues.library.database import Library, open_library
from cues.library.folders import (
    make_session_folder,
    provisional_folder,
    remove_session_folder,
    review_copy,
    session_folder,
)
from cues.library.incoming import Incoming, remove_abandoned
from cues.library.models import Job, JobKind, JobState, PracticeSession
from cues.library.retention import delete_expired
from cues.library.session_folder import load_corrections, write_analysis, write_results
from cues.parameters import Parameters, replace_parameter
from cues.partial import Partial, finish_partial
from cues.terminal import own_words

LEASE_S = 30.0
MAX_ATTEMPTS = 3
LOOK_S = 0.5
"""How often a coordinator looks: for a job while it has none, for a wish to cancel while it has one."""
ENDS_WITHIN_S = 10.0
TIDY_EVERY_S = 600.0
SHOW_EVERY_S = 20.0
"""How often the figures of the minutes that are finished are written while the rest is read."""
ABANDONED = timedelta(days=7)

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


class LostError(Exception):
    """The job is another coordinator's now, or deleted."""


class CancelledError(Exception):
    """Somebody asked for the job to be ended."""


@dataclass(frozen=True)
class Step:
    """One thing for one worker. `arguments` are made when it is its turn; `keep` gets its result."""

    name: str
    function: Callable[..., Any]
    arguments: Callable[[], tuple[Any, ...]]
    keep: Callable[[Any], None]


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
        work = Work(self, job_id)
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
            state, problem = JobState.FAILED, work.in_names_of_people(str(error))
        except SQLAlchemyError:  # the truth cannot be reached: the lease runs out, and the job goes on from there
            self.engine.abandon()
            raise
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            state = JobState.FAILED
            problem = (
                f"The analysis ended by a fault of the program ({type(error).__name__}). The recording is kept; please "
                "tell the person who runs this, who finds more in the program's log."
            )
        except BaseException:  # asked to end
            self.engine.abandon()
            give_back(self.library, job_id, self.word)
            raise
        if state != JobState.DONE:
            self.engine.abandon()
        if finish_job(self.library, job_id, self.word, state, problem) and state == JobState.DONE:
            work.clear_up()
        return True


@dataclass
class Work:
    """One job in the hands of a coordinator."""

    coordinator: Coordinator
    job_id: int
    kind: JobKind = field(init=False)
    session_id: str = field(init=False)
    setup: str = field(init=False)
    trainee_place: str | None = field(init=False)
    paths: tuple[Path, ...] = field(init=False)
    names: dict[str, str] = field(init=False)  # of recordings: as stored -> as people know them
    folder: Path = field(init=False)
    shown: float = field(default=-SHOW_EVERY_S, init=False)

    def __post_init__(self) -> None:
        library = self.coordinator.library
        with library.reading() as db:
            job = db.get_one(Job, self.job_id)
            session = db.get_one(PracticeSession, job.session_id)
            self.kind, self.session_id, self.setup = job.kind, session.id, session.setup
            self.trainee_place = session.trainee_place
            self.folder = make_session_folder(library.folder, session.id)
            self.names = {r.stored_as: r.file_name for r in session.recordings}
            self.paths = tuple(self.folder / name for name in self.names)

    def do(self) -> None:
        """Everything up to the end of the job, which is still held then."""
        if not self.paths:
            raise RecordingError("This session has no recording yet; upload one first.")
        if self.kind == JobKind.ANALYSIS:
            self._ask_consent(len(self.paths))
            self._analyse()
        else:
            self._copy()

    def in_names_of_people(self, sentence: str) -> str:
        """A sentence with the names of files as they were when they were uploaded."""
        for stored, known in self.names.items():
            sentence = sentence.replace(stored, known)
        return sentence

    def clear_up(self) -> None:
        """Removes what the job no longer needs."""
        if self.kind == JobKind.ANALYSIS:
            _clear_up(self.coordinator.library, self.session_id)

    def clear_if_deleted(self) -> None:
        """Removes what was written after the session had been deleted in the middle of the job."""
        library = self.coordinator.library
        with library.reading() as db:
            gone = db.get(PracticeSession, self.session_id) is None
        if gone:
            remove_session_folder(library.folder, self.session_id)

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
                lambda: (partial, self.paths, parameters, self.setup),
                lambda made: partial.save(steps.PLAN, made),
            )
            self._run([survey], lambda: ("survey", _SURVEYED * partial.said(steps.PLAN), None, None))
            plan = partial.load(steps.PLAN)
        assert plan is not None
        self._ask_consent(max(len(self.paths), min(sum(len(s.people) for s in plan.surveys), 2)))
        self._read(plan, partial)
        self._figures(plan, partial)

    def _read(self, plan: Plan, partial: Partial) -> None:
        """The segments and the sound; the sound first, because it is the longest step."""
        tasks = plan.tasks()
        names = [steps.SOUND, *(task.name for task in tasks)]
        kept = {name: partial.load(name) is not None for name in names}
        self._put({steps.PLAN: True, **kept, steps.FIGURES: False})

        def saves(name: str) -> Callable[[Any], None]:
            def save(result: Any) -> None:
                partial.save(name, result)
                self._show_what_is_there(plan, partial)

            return save

        wanted = [Step(steps.SOUND, steps.listen, lambda: (plan,), saves(steps.SOUND))]
        for task in tasks:
            arguments = lambda task=task: (partial, plan.part(task), task)  # noqa: E731  # it is one of the data
            wanted.append(Step(task.name, steps.read, arguments, saves(task.name)))
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

    def _show_what_is_there(self, plan: Plan, partial: Partial) -> None:
        """Writes the figures of the finished minutes at the beginning, where that was not done a moment ago."""
        if time.monotonic() - self.shown < SHOW_EVERY_S:
            return
        try:
            metrics = steps.provisional(partial, plan, load_corrections(self.folder))
        except (RecordingError, ParameterError):
            return  # nobody was seen until here, or a correction is about what comes later
        if metrics is not None:
            write_results(provisional_folder(self.coordinator.library.folder, self.session_id), metrics)
            self.shown = time.monotonic()

    def _figures(self, plan: Plan, partial: Partial) -> None:
        parameters, corrections = self.coordinator.parameters, load_corrections(self.folder)
        results: list[Any] = []
        report = lambda: ("figures", _READ, None, None)  # noqa: E731
        arguments = lambda: (partial, plan, corrections, self.trainee_place, parameters)  # noqa: E731
        self._run([Step(steps.FIGURES, steps.figures, arguments, results.append)], report)
        observations, corrections, metrics = results[0]
        self._hold(*report())
        write_analysis(self.folder, observations, corrections, metrics)

    def _copy(self) -> None:
        library = self.coordinator.library.folder
        wanted = []
        for position, path in enumerate(self.paths):
            target = review_copy(library, self.session_id, position)
            if target.exists() or browser_can_play(path):
                continue
            arguments = lambda path=path, target=target: (path, target)  # noqa: E731
            wanted.append(Step(target.stem, make_review_copy, arguments, lambda result: None))
        self._put({step.name: False for step in wanted})
        self._run(wanted, lambda: ("copy", 0.0, None, None))

    def _put(self, kept: dict[str, bool]) -> None:
        if not put_steps(self.coordinator.library, self.job_id, self.coordinator.word, kept):
            raise LostError

    def _hold(self, stage: str, share: float, speed: float | None, seconds_left: float | None) -> None:
        me = self.coordinator
        standing = renew(me.library, self.job_id, me.word, me.lease_s, stage, share, speed, seconds_left)
        if standing == Standing.LOST:
            raise LostError
        if standing == Standing.CANCELLED:
            raise CancelledError

    def _run(self, wanted: Sequence[Step], report: Callable[[], tuple[str, float, float | None, float | None]]) -> None:
        """Has steps done, as many at a time as there are workers, each again where its worker is lost."""
        me = self.coordinator
        todo, running = deque(wanted), dict[Future[Any], Step]()
        self._hold(*report())
        while todo or running:
            while todo and len(running) < me.engine.workers:
                step = todo.popleft()
                running[self._submit(step)] = step
            done, _ = wait(running, timeout=LOOK_S, return_when=FIRST_COMPLETED)
            self._hold(*report())  # before anything is written
            lost = False
            for future in done:
                step = running.pop(future)
                try:
                    result = future.result()
                except me.engine.lost:
                    lost = True
                    todo.appendleft(step)
                    continue
                step.keep(result)
                if not finish_step(me.library, self.job_id, me.word, step.name):
                    raise LostError
            if lost:
                me.engine.abandon()
                todo.extendleft(running.values())
                running.clear()

    def _submit(self, step: Step) -> Future[Any]:
        me = self.coordinator
        if count_attempt(me.library, self.job_id, step.name) > MAX_ATTEMPTS:
            raise WorkerError(
                f"A process that read the recording was ended from outside, {MAX_ATTEMPTS} times at the same part, "
                "probably because memory ran out. What is finished is kept: close other programs, then try again."
            )
        try:
            return me.engine.submit(step.function, *step.arguments())
        except me.engine.lost as error:  # noticed here before any future said so
            failed: Future[Any] = Future()
            failed.set_exception(error)
            return failed


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
    give_back_all(library, name)
    with own_words():
        engine = LocalEngine(options.workers)
        word = f"{name}:{uuid.uuid4().hex[:12]}"
        coordinator = Coordinator(library, engine, parameters, options.lease_s, word)
        try:
            _work_for_ever(coordinator)
        finally:
            engine.abandon()
            library.close()


def _work_for_ever(coordinator: Coordinator) -> None:
    due = time.monotonic()
    while True:
        try:
            if coordinator.run_next():
                continue
            coordinator.engine.rest()
            if time.monotonic() >= due:
                due = time.monotonic() + TIDY_EVERY_S
                tidy(coordinator.library)
        except SQLAlchemyError:  # the database was away or busy for long: it may come back
            traceback.print_exc(file=sys.stderr)
        time.sleep(LOOK_S)


def tidy(library: Library) -> None:
    """Deletes the sessions whose time is over, uploads that nobody has gone on with for ABANDONED, and what finished
    analyses did not come to remove."""
    delete_expired(library, datetime.now(UTC).date())
    remove_abandoned(Incoming(library.folder / "incoming"), ABANDONED)
    for left in (library.folder / "sessions").glob("*/.partial"):
        session_id = left.parent.name
        job_id = latest_job(library, session_id, JobKind.ANALYSIS)
        if job_id is not None and progress(library, job_id).state == JobState.DONE:
            _clear_up(library, session_id)


def _clear_up(library: Library, session_id: str) -> None:
    finish_partial(session_folder(library.folder, session_id))
    shutil.rmtree(provisional_folder(library.folder, session_id), ignore_errors=True)


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
