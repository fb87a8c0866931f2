"""What can happen to a cluster: its workers, its scheduler and its coordinators killed, stopped, cancelled and unfit.

Every round has a scheduler and two workers of its own, which see the library under two paths, and one job; its results
are compared, value by value, with those of one machine's processes.
"""

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cues.jobs.coordinator import WAITING
from cues.jobs.queue import cancel, progress, queue_job, steps_of
from cues.jobs.starting import start_coordinator
from cues.library.accounts import Roles, create_account
from cues.library.consents import ANALYSIS, enter_consent
from cues.library.database import Library, open_library
from cues.library.folders import make_session_folder, session_folder
from cues.library.models import Account, JobKind, JobState, Recording
from cues.library.sessions import create_session
from tests.faults.clinic import ENDED
from tests.faults.outcomes import Outcome
from tests.faults.processes import eventually
from tests.jobs.a_cluster import ROOT, Cluster, busy, caught, differences
from tests.sample_clip import first_seconds

CLIP_S = 20
LEASE_S = 4
DAY = date(2026, 11, 20)
OPTIONS = ("--lease-s", str(LEASE_S), "--set", "sampling.segment_s=5", "--set", "layout.searches_max=4")


@dataclass
class Round:
    """One fault: the library, its job, the cluster, and what is observed."""

    library: Library
    session_id: str
    job_id: int
    cluster: Cluster
    outcome: Outcome

    @property
    def mounted(self) -> Path:
        """Where the second worker has the library."""
        return self.cluster.folder / "mounted"

    def segments(self) -> list[str]:
        """Names of those that are finished."""
        return [s.name for s in steps_of(self.library, self.job_id) if s.done and s.name.startswith("segment")]

    def attempts(self) -> int:
        """The most at one step."""
        return max(step.attempts for step in steps_of(self.library, self.job_id))

    def end(self, seconds: float = 240) -> JobState:
        """The state the job ended with; still running where it did not in time."""
        eventually(lambda: progress(self.library, self.job_id).state in ENDED, seconds)
        return progress(self.library, self.job_id).state

    def waits(self, seconds: float = 60) -> str | None:
        """The sentence with which it waits for a worker, once it does."""

        def sentence() -> str | None:
            job = progress(self.library, self.job_id)
            return job.problem if job.stage == WAITING else None

        return eventually(sentence, seconds)

    def reader(self) -> str:
        """The worker that is in the middle of a segment."""
        names = ("here", "there")
        return eventually(lambda: next((n for n in names if self.segments() and busy(self.cluster, n)), ""), 120)

    def caught(self) -> str:
        """The same, kept there until it is killed."""
        return eventually(lambda: caught(self.cluster, "here", "there") if self.segments() else "", 120)


def soak(folder: Path, clip: Path, rounds: int, seed: int) -> Iterator[Outcome]:  # noqa: ARG001
    """Each fault once, or several times where there are many rounds."""
    shop = _Shop(folder / "cluster")
    try:
        for _ in range(max(1, rounds // 50)):
            for fault, act in FAULTS.items():
                yield shop.round(fault, act)
    finally:
        shop.library.close()


class _Shop:
    """A library whose trainee records one clip again and again, and what one machine makes of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.library = open_library(folder / "library")
        self.clip = first_seconds(folder / "clip.mp4", CLIP_S)
        with self.library.writing() as db:
            self.trainee: Account = create_account(db, "ada@example.org", "Ada", Roles(trainee=True))
        self.wanted, job_id = self.add()
        os.environ.pop("CUES_ENGINE", None)
        coordinator = start_coordinator(self.library.folder, None, "--workers", "2", *OPTIONS)
        assert eventually(lambda: progress(self.library, job_id).state in ENDED)
        assert coordinator.stdin is not None
        coordinator.stdin.close()
        coordinator.wait(60)
        assert progress(self.library, job_id).state == JobState.DONE, progress(self.library, job_id)

    def add(self) -> tuple[str, int]:
        """A session with the clip, and its analysis in the queue."""
        with self.library.writing() as db:
            session = create_session(db, self.trainee, "A session", DAY, "auto", None)
            for person in ("Ada", "Cleo"):
                enter_consent(db, session, person, [ANALYSIS], DAY, None, self.trainee.id)
            size = self.clip.stat().st_size
            place = {"position": 0, "file_name": "Mine.mp4", "stored_as": "recording-1.mp4"}
            db.add(Recording(session_id=session.id, size=size, sha256="0", **place))
        shutil.copyfile(self.clip, make_session_folder(self.library.folder, session.id) / "recording-1.mp4")
        return session.id, queue_job(self.library, session.id, JobKind.ANALYSIS)

    def round(self, fault: str, act: Callable[[Round], None]) -> Outcome:
        """One fault on a cluster of its own."""
        session_id, job_id = self.add()
        outcome = Outcome(f"cluster: {fault}")
        cluster = Cluster(self.folder / f"{len(list(self.folder.iterdir()))}")
        one = Round(self.library, session_id, job_id, cluster, outcome)
        one.mounted.symlink_to(self.library.folder, target_is_directory=True)
        try:
            act(one)
            outcome.check(one.segments() == sorted(set(one.segments())), "a segment is there twice")
            if progress(self.library, job_id).state == JobState.DONE:
                self._compare(one)
            else:
                cancel(self.library, job_id)
        finally:
            cluster.end()
        return outcome

    def _compare(self, one: Round) -> None:
        places = [session_folder(self.library.folder, session) for session in (self.wanted, one.session_id)]
        different = differences(*places)
        one.outcome.check(not different, f"not as one machine has it: {different}")
        gone = eventually(lambda: not (places[1] / ".partial").exists(), 20)
        one.outcome.check(gone, "parts of the analysis are left")
        one.outcome.on_disk = "results equal to one machine's, value by value"


def _start(one: Round, *workers: str) -> None:
    one.cluster.start_scheduler()
    for name in workers or ("here", "there"):
        one.cluster.start_worker(name, one.library.folder if name == "here" else one.mounted)
    one.cluster.start_coordinator(one.library.folder, *OPTIONS)


def _done(one: Round, seen: str) -> None:
    one.outcome.check(one.end() == JobState.DONE, f"it ended {one.end(0)}: {progress(one.library, one.job_id).problem}")
    one.outcome.seen = seen


def undisturbed(one: Round) -> None:
    _start(one)
    _done(one, "the report")
    one.outcome.check(one.attempts() == 1, "a step was done twice without need")


def worker_killed(one: Round) -> None:
    _start(one)
    one.cluster.kill_with_steps(one.caught())
    _done(one, "the report, a little later")
    one.outcome.check(one.attempts() == 2, f"{one.attempts()} attempts at a step")
    one.outcome.restart = "the other worker reads the segment again, as a second attempt"


def process_killed(one: Round) -> None:
    _start(one)
    one.cluster.signal_steps(one.caught(), signal.SIGKILL)
    _done(one, "the report, a little later")
    one.outcome.check(one.attempts() == 2, f"{one.attempts()} attempts at a step")
    one.outcome.restart = "the worker starts another process; a second attempt"


def scheduler_killed(one: Round) -> None:
    _start(one)
    one.reader()
    before = one.segments()
    one.cluster.signal("scheduler")
    sentence = one.waits()
    one.outcome.check("does not answer" in (sentence or ""), f"the job says: {sentence}")
    attempts = {step.name: step.attempts for step in steps_of(one.library, one.job_id)}
    one.cluster.start_scheduler()
    _done(one, f"{WAITING}: {(sentence or '').replace(one.cluster.address, 'ADDRESS')}")
    after = {step.name: step.attempts for step in steps_of(one.library, one.job_id)}
    again = [name for name in before if after[name] > attempts[name]]
    one.outcome.check(not again, f"read again: {again}")
    one.outcome.check(one.attempts() == 1, f"{one.attempts()} attempts at a step")
    one.outcome.restart = "workers and coordinator find the scheduler again; what ran is sent again and is no attempt"


def coordinator_killed(one: Round) -> None:
    _start(one)
    one.reader()
    before = one.segments()
    one.cluster.signal("coordinator")
    idle = eventually(lambda: not any(busy(one.cluster, name) for name in ("here", "there")), 15)
    one.outcome.check(idle, "workers go on with steps that nobody waits for")
    one.cluster.start_coordinator(one.library.folder, *OPTIONS, name="second")
    _done(one, "the report, after the lease")
    attempts = {step.name: step.attempts for step in steps_of(one.library, one.job_id)}
    one.outcome.check(all(attempts[name] == 1 for name in before), "a finished segment was read again")
    one.outcome.restart = "workers end its steps; another takes the job over when the lease is over"


def coordinator_stopped(one: Round) -> None:
    _start(one)
    one.reader()
    one.cluster.signal("coordinator", signal.SIGSTOP)
    one.cluster.start_coordinator(one.library.folder, *OPTIONS, name="second")
    _done(one, "the report, after the lease")
    place = session_folder(one.library.folder, one.session_id)
    written = {path.name: path.stat().st_mtime_ns for path in place.iterdir() if path.is_file()}
    one.cluster.signal("coordinator", signal.SIGCONT)
    time.sleep(LEASE_S)
    now = {path.name: path.stat().st_mtime_ns for path in place.iterdir() if path.is_file()}
    one.outcome.check(now == written, "who had lost the job wrote results")
    other, job_id = _another(one)
    one.cluster.end("second")
    done = eventually(lambda: progress(one.library, job_id).state == JobState.DONE, 120)
    one.outcome.check(bool(done), "who had lost the job takes no other one")
    one.outcome.check(not differences(place, session_folder(one.library.folder, other)), "the next results differ")
    one.outcome.restart = "it finds that the job is another's, writes nothing, and takes the next one"


def cancelled(one: Round) -> None:
    _start(one)
    one.reader()
    cancel(one.library, one.job_id)
    began = time.monotonic()
    state = one.end(30)
    idle = eventually(lambda: not any(busy(one.cluster, name) for name in ("here", "there")), 15)
    one.outcome.check(state == JobState.CANCELLED, f"it ended {state}")
    one.outcome.check(idle and time.monotonic() - began < 15, "its steps went on for long")
    _, job_id = _another(one)
    done = eventually(lambda: progress(one.library, job_id).state == JobState.DONE, 120)
    one.outcome.check(bool(done), "the workers take nothing else")
    one.outcome.seen, one.outcome.restart = "cancelled", "the workers take the next job"


def no_worker(one: Round) -> None:
    one.cluster.start_scheduler()
    one.cluster.start_coordinator(one.library.folder, *OPTIONS)
    sentence = one.waits() or ""
    one.outcome.check("No worker has come" in sentence, f"the job says: {sentence}")
    one.cluster.start_worker("here", one.library.folder)
    _done(one, f"{WAITING}: {sentence.replace(one.cluster.address, 'ADDRESS')}")
    one.outcome.restart = "it goes on when a worker comes"


def _refused(one: Round, expected: str, start: Callable[[str], None]) -> None:
    """A worker that is unfit, alone at first; then a fit one comes."""
    one.cluster.start_scheduler()
    start("unfit")
    one.cluster.start_coordinator(one.library.folder, *OPTIONS)
    sentence = eventually(lambda: next(iter([s for s in [one.waits(1)] if s and expected in s]), ""), 90)
    one.outcome.check(bool(sentence), f"the job says: {one.waits(1)}")
    one.cluster.start_worker("here", one.library.folder)
    _done(one, f"{WAITING}: … {expected} …")
    one.outcome.check(not one.cluster.steps_of("unfit"), "the worker that is unfit got a step")
    one.outcome.restart = "refused with this sentence; it goes on when a fit worker comes"


def other_program(one: Round) -> None:
    elsewhere = one.cluster.folder / "program"
    shutil.copytree(ROOT / "cues", elsewhere / "cues", ignore=shutil.ignore_patterns("__pycache__"))
    with (elsewhere / "cues" / "analysis.py").open("a") as file:
        file.write("\n# Of another day.\n")
    start = lambda name: one.cluster.start_worker(name, one.library.folder, cwd=elsewhere)  # noqa: E731
    _refused(one, "another state of this program", start)


def other_numpy(one: Round) -> None:
    told = one.cluster.folder / "packages" / "numpy-2.3.0.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: numpy\nVersion: 2.3.0\n")
    packages = str(told.parent)
    start = lambda name: one.cluster.start_worker(name, one.library.folder, PYTHONPATH=packages)  # noqa: E731
    _refused(one, "Its numpy is 2.3.0", start)


def no_models(one: Round) -> None:
    empty = str(one.cluster.folder)
    start = lambda name: one.cluster.start_worker(name, one.library.folder, CUES_MODELS=empty)  # noqa: E731
    _refused(one, "The model face_landmarker.task is not in", start)


def no_storage(one: Round) -> None:
    missing = one.cluster.folder / "not-mounted"
    _refused(one, "cannot write into the library's storage", lambda name: one.cluster.start_worker(name, missing))


def other_storage(one: Round) -> None:
    copy = one.cluster.folder / "copy"
    (copy / "sessions").mkdir(parents=True)
    _refused(one, "does not see the storage", lambda name: one.cluster.start_worker(name, copy))


def storage_lost(one: Round) -> None:
    _start(one)
    one.reader()
    one.mounted.rename(one.mounted.with_name("unmounted"))
    _done(one, "the report, a little later")
    one.outcome.check(one.attempts() == 1, f"{one.attempts()} attempts at a step")
    one.outcome.restart = "that worker gets no more steps; what it could not do is sent to the other one"


def _another(one: Round) -> tuple[str, int]:
    """A second session with the same recording."""
    shop = _Shop.__new__(_Shop)
    shop.library, shop.clip = one.library, one.cluster.folder.parent / "clip.mp4"
    with one.library.reading() as db:
        shop.trainee = db.get_one(Account, 1)
    return shop.add()


FAULTS = {
    "nothing": undisturbed,
    "SIGKILL of a worker in the middle of a segment": worker_killed,
    "SIGKILL of the process that reads for a worker": process_killed,
    "SIGKILL of the scheduler": scheduler_killed,
    "SIGKILL of the coordinator": coordinator_killed,
    "coordinator stopped past its lease": coordinator_stopped,
    "cancelled": cancelled,
    "no worker": no_worker,
    "worker of another state of the program": other_program,
    "worker with another numpy": other_numpy,
    "worker without the models": no_models,
    "worker without the storage": no_storage,
    "worker with another storage": other_storage,
    "worker that loses the storage": storage_lost,
}

if __name__ == "__main__":  # some of them: python -m tests.faults.cluster FOLDER WORD ...
    shop = _Shop(Path(sys.argv[1]))
    for name, function in FAULTS.items():
        if any(word in name for word in sys.argv[2:]):
            found = shop.round(name, function)
            print(f"{name}: {'; '.join(found.broken) or 'held'} | {found.on_disk} | {found.seen} | {found.restart}")
