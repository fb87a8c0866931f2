"""The coordinator as a process of its own, on a real library and a real recording, killed for real."""

import contextlib
import json
import os
import signal
import threading
import time
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from cues.analysis import analyze
from cues.corrections import Corrections, Trainee
from cues.jobs import preview
from cues.jobs.coordinator import Coordinator
from cues.jobs.processes import local_pool
from cues.jobs.queue import JobError, cancel, claim, finish_job, latest_job, progress, queue_job, renew, retry, steps_of
from cues.jobs.starting import start_coordinator
from cues.jobs.tidying import tidy
from cues.library.accounts import Roles, create_account
from cues.library.consents import ANALYSIS, ConsentError, enter_consent
from cues.library.folders import make_session_folder, provisional_folder, session_folder
from cues.library.models import JobKind, JobState, PracticeSession, Recording, now
from cues.library.session_folder import load_corrections, read_session
from cues.library.sessions import create_session, delete_session
from cues.metrics.session import SessionMetrics, measure_session
from cues.observations import Observations
from cues.parameters import Parameters, Queueing
from tests.sample_clip import first_seconds

SHORT_S, LONGER_S = 35, 90
LOOKS = 10
QUICK = ("--set", "sampling.rate_hz=2", "--set", "sampling.segment_s=10", "--set", "layout.searches_max=4")
QUICK += ("--set", f"preview.least_s={LONGER_S - 5}", "--set", f"preview.pieces={LOOKS}")
PARAMETERS = replace(
    Parameters(),
    sampling=replace(Parameters().sampling, rate_hz=2.0, segment_s=10.0),
    layout=replace(Parameters().layout, searches_max=4),
    preview=replace(Parameters().preview, least_s=LONGER_S - 5.0, pieces=LOOKS),
)
DAY = date(2026, 11, 20)
EXACT = ("person", "face")

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found in /proc")


@dataclass(frozen=True)
class Clip:
    """A recording of the sample's first seconds, and what one process makes of it."""

    path: Path
    observations: Observations
    metrics: SessionMetrics


def in_one_process(folder, seconds, name="clip.mp4"):
    path = first_seconds(folder / name, seconds)
    with local_pool(1) as pool:
        observations = analyze((path,), folder / "out", pool, PARAMETERS)
    return Clip(path, observations, measure_session(observations, Corrections((Trainee(1),)), PARAMETERS))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return in_one_process(tmp_path_factory.mktemp("short"), SHORT_S)


@pytest.fixture(scope="module")
def longer_clip(tmp_path_factory):
    return in_one_process(tmp_path_factory.mktemp("longer"), LONGER_S)


class Sessions:
    """Sessions of one trainee in a library, with the clip as their recording."""

    def __init__(self, library, clip):
        self.library, self.clip = library, clip
        with library.writing() as db:
            self.trainee = create_account(db, "ada@example.org", "Ada", Roles(trainee=True))

    def add(self, people=("Ada", "Cleo"), content=None):
        with self.library.writing() as db:
            session = create_session(db, self.trainee, "A session", DAY, "auto", None)
            session.trainee_place = "right"
            for person in people:
                enter_consent(db, session, person, [ANALYSIS], DAY, None, self.trainee.id)
            db.add(
                Recording(
                    session_id=session.id,
                    position=0,
                    file_name="Mine.mp4",
                    stored_as="recording-1.mp4",
                    size=1,
                    sha256="0",
                )
            )
        path = make_session_folder(self.library.folder, session.id) / "recording-1.mp4"
        path.write_bytes(self.clip.path.read_bytes() if content is None else content)
        return session.id

    def queued(self, **what):
        session_id = self.add(**what)
        return session_id, queue_job(self.library, session_id, JobKind.ANALYSIS)


@pytest.fixture
def sessions(library, clip):
    return Sessions(library, clip)


@pytest.fixture
def coordinate(library):
    """Starts coordinators that are ended with the test; each worker more is a process that loads the networks."""
    started = []

    def start(*options, workers=1):
        options = ("--workers", str(workers), "--lease-s", "3", *QUICK, *options)
        started.append(start_coordinator(library.folder, None, *options))
        return started[-1]

    yield start
    for process in started:
        process.stdin.close()
        with contextlib.suppress(Exception):
            process.wait(60)
        process.kill()


def eventually(condition, seconds=1200):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)
    return found


def ended(library, job_id):
    job = progress(library, job_id)
    return job if job.state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED) else None


def finished_segments(library, job_id):
    return [s.name for s in steps_of(library, job_id) if s.done and s.name.startswith("segment")]


def workers_of(process):
    """Process ids of the processes that read for a coordinator."""
    found = []
    for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        with contextlib.suppress(OSError):  # it has ended
            if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(int(pid))
    return found


def kill_worker_of(process):
    """Whether one could be killed."""
    for pid in workers_of(process):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            return True
    return False


def alive(pids):
    states = []
    for pid in pids:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            states.append(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0])
    return [state for state in states if state != "Z"]


def assert_as_in_one_process(library, session_id, clip):
    wanted = clip.observations.table
    folder = session_folder(library.folder, session_id)
    found = pq.read_table(folder / "observations.parquet")
    assert found.column_names == wanted.column_names
    for name in wanted.column_names:
        assert np.array_equal(found[name].to_numpy(), wanted[name].to_numpy(), equal_nan=name not in EXACT), name
    assert read_session(folder).summary["people"] == clip.metrics.summary["people"]
    provisional = provisional_folder(library.folder, session_id)
    eventually(lambda: not (folder / ".partial").exists() and not provisional.exists())  # right after the job's end


def test_a_job_gives_what_one_process_gives_and_the_trainee_is_where_they_said(library, coordinate, longer_clip):
    sessions = Sessions(library, longer_clip)
    session_id, job_id = sessions.queued()
    assert progress(sessions.library, job_id).place == 1
    coordinate(workers=2)
    stages = set()
    provisional = provisional_folder(sessions.library.folder, session_id)
    early = glanced = None
    while not ended(sessions.library, job_id):
        stages.add(progress(sessions.library, job_id).stage)
        with contextlib.suppress(FileNotFoundError):  # not there yet, or not any more
            glanced = glanced or json.loads((provisional / preview.RESULT).read_text())
        if early is None and (provisional / "session.json").exists():
            with contextlib.suppress(Exception):  # it may be removed while it is read
                early = read_session(provisional)
        time.sleep(0.1)
    assert ended(sessions.library, job_id).state == JobState.DONE
    assert {"survey", "people"} <= stages
    assert_as_in_one_process(sessions.library, session_id, longer_clip)
    assert load_corrections(session_folder(sessions.library.folder, session_id)).items == (Trainee(1),)
    assert early is not None and early.summary["duration_s"] < LONGER_S
    assert glanced is not None and glanced["looks"] == LOOKS and glanced["read_s"] < LONGER_S
    assert {share["role"] for share in glanced["shares"]} == {"trainee", "client"}
    told = [share for share in glanced["shares"] if share["pct"] is not None]
    assert told and all(share["low_pct"] <= share["pct"] <= share["high_pct"] for share in told)


def test_a_killed_worker_is_replaced_and_the_result_is_the_same(sessions, coordinate, clip):
    session_id, job_id = sessions.queued()
    process = coordinate(workers=2)
    eventually(lambda: finished_segments(sessions.library, job_id))
    eventually(lambda: kill_worker_of(process))
    assert eventually(lambda: ended(sessions.library, job_id)).state == JobState.DONE
    assert max(s.attempts for s in steps_of(sessions.library, job_id)) >= 2
    assert_as_in_one_process(sessions.library, session_id, clip)


def test_after_a_killed_coordinator_another_goes_on_from_what_is_finished(sessions, coordinate, clip):
    session_id, job_id = sessions.queued()
    first = coordinate("--name", "first")
    before = eventually(lambda: finished_segments(sessions.library, job_id))
    workers = workers_of(first)
    first.send_signal(signal.SIGKILL)
    eventually(lambda: not alive(workers), 120)
    coordinate("--name", "second")
    assert eventually(lambda: ended(sessions.library, job_id)).state == JobState.DONE
    attempts = {s.name: s.attempts for s in steps_of(sessions.library, job_id)}
    assert all(attempts[name] == 1 for name in before), "a finished segment was read again"
    assert_as_in_one_process(sessions.library, session_id, clip)


def test_a_cancelled_job_ends_keeps_its_recording_and_goes_on_when_tried_again(sessions, coordinate, clip):
    session_id, job_id = sessions.queued()
    coordinate()
    eventually(lambda: finished_segments(sessions.library, job_id))
    cancel(sessions.library, job_id)
    assert eventually(lambda: ended(sessions.library, job_id)).state == JobState.CANCELLED
    assert (session_folder(sessions.library.folder, session_id) / "recording-1.mp4").exists()
    assert retry(sessions.library, job_id) == job_id
    eventually(lambda: ended(sessions.library, job_id))
    assert_as_in_one_process(sessions.library, session_id, clip)


def test_what_cannot_be_analysed_is_said_in_the_names_that_people_know(sessions, coordinate):
    broken, broken_job = sessions.queued(content=b"this is no video" * 100)
    _, refused_job = sessions.queued(people=("Ada",))
    coordinate()
    failed = eventually(lambda: ended(sessions.library, broken_job))
    assert failed.state == JobState.FAILED
    assert "Mine.mp4" in failed.problem and "recording-1" not in failed.problem and failed.problem.endswith(".")
    assert (session_folder(sessions.library.folder, broken) / "recording-1.mp4").exists()
    refused = eventually(lambda: ended(sessions.library, refused_job))
    assert refused.state == JobState.FAILED and "1 of 2 have" in refused.problem


def test_a_session_deleted_in_the_middle_leaves_nothing(sessions, coordinate):
    session_id, job_id = sessions.queued()
    coordinate()
    eventually(lambda: finished_segments(sessions.library, job_id))
    with sessions.library.writing() as db:
        delete_session(db, sessions.trainee.id, db.get_one(PracticeSession, session_id), "test")
    folder = session_folder(sessions.library.folder, session_id)
    eventually(lambda: not folder.exists(), 120)
    time.sleep(1)
    assert not folder.exists()


class DeletedJustThen:
    """An engine by whose first step the session is gone; `problem` is what that comes to."""

    waiting = None

    def __init__(self, delete, problem):
        self.delete, self.problem = delete, problem

    @property
    def workers(self):
        self.delete()
        if self.problem is not None:
            raise self.problem
        return 1

    def abandon(self):
        pass


@pytest.mark.parametrize("problem", [None, FileNotFoundError("recording-1.mp4"), ConsentError("They have not agreed.")])
def test_a_session_deleted_just_before_a_step_leaves_nothing_whatever_the_job_meets_then(sessions, problem):
    session_id, _ = sessions.queued()

    def delete():
        with sessions.library.writing() as db:
            delete_session(db, sessions.trainee.id, db.get_one(PracticeSession, session_id), "test")

    coordinator = Coordinator(sessions.library, DeletedJustThen(delete, problem), PARAMETERS, 30.0, "me:1")
    assert coordinator.run_next()
    assert not session_folder(sessions.library.folder, session_id).exists()
    assert not coordinator.run_next(), "it is done again"


def test_a_coordinator_ends_with_the_process_that_started_it(sessions, coordinate):
    _, job_id = sessions.queued()
    process = coordinate()
    eventually(lambda: finished_segments(sessions.library, job_id))
    workers = workers_of(process)
    process.stdin.close()
    assert process.wait(120) is not None
    eventually(lambda: not alive(workers), 120)
    assert progress(sessions.library, job_id).state == JobState.QUEUED, "the job was not given back"


def test_a_job_is_taken_by_one_coordinator_only(sessions):
    jobs = {sessions.queued()[1] for _ in range(6)}
    taken, barrier = [], threading.Barrier(8)

    def take(name):
        barrier.wait()
        taken.append(claim(sessions.library, f"{name}:{name}", 30.0, Queueing(running_a_person=6)))

    threads = [threading.Thread(target=take, args=(str(k),)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(job for job in taken if job is not None) == sorted(jobs)
    assert taken.count(None) == 2


def test_who_has_lost_a_job_writes_nothing_more_of_it(sessions):
    _, job_id = sessions.queued()
    assert claim(sessions.library, "slow:1", -1.0) == job_id  # its lease is over at once
    assert claim(sessions.library, "quick:1", 30.0) == job_id
    assert renew(sessions.library, job_id, "slow:1", 30.0, "people", 0.5, None, None).value == "lost"
    assert not finish_job(sessions.library, job_id, "slow:1", JobState.DONE)
    assert progress(sessions.library, job_id).state == JobState.RUNNING


def test_asking_twice_gives_one_job(sessions):
    session_id, job_id = sessions.queued()
    assert queue_job(sessions.library, session_id, JobKind.ANALYSIS) == job_id
    assert latest_job(sessions.library, session_id, JobKind.ANALYSIS) == job_id


def test_tidying_removes_what_a_finished_analysis_did_not_come_to_remove(sessions):
    session_id, job_id = sessions.queued()
    folder = session_folder(sessions.library.folder, session_id)
    (folder / ".partial" / "key").mkdir(parents=True)
    provisional_folder(sessions.library.folder, session_id).mkdir()
    tidy(sessions.library)
    assert (folder / ".partial").exists(), "a queued analysis goes on from there"
    assert claim(sessions.library, "me:1", 30.0) == job_id
    assert finish_job(sessions.library, job_id, "me:1", JobState.DONE, None)
    tidy(sessions.library)
    assert [path.name for path in folder.iterdir()] == ["recording-1.mp4"]


def test_tidying_goes_on_where_a_session_is_deleted_in_the_middle_of_it(sessions, monkeypatch):
    session_id, job_id = sessions.queued()
    (session_folder(sessions.library.folder, session_id) / ".partial" / "key").mkdir(parents=True)

    def deleted_since(library, *of_what):
        found = latest_job(library, *of_what)
        with library.writing() as db:
            delete_session(db, sessions.trainee.id, db.get_one(PracticeSession, session_id), "test")
        return found

    monkeypatch.setattr("cues.jobs.tidying.latest_job", deleted_since)
    tidy(sessions.library)
    with pytest.raises(JobError):
        progress(sessions.library, job_id)


def test_tidying_deletes_what_is_over_and_nothing_else(sessions):
    kept, over = sessions.add(), sessions.add()
    with sessions.library.writing() as db:
        db.get_one(PracticeSession, over).keep_until = date(2026, 1, 1)
    abandoned = sessions.library.folder / "incoming"
    abandoned.mkdir()
    part = abandoned / f"{'a' * 32}.part"
    part.write_bytes(b"x")
    os.utime(part, (now().timestamp() - 30 * 86400,) * 2)
    tidy(sessions.library)
    assert session_folder(sessions.library.folder, kept).exists()
    assert not session_folder(sessions.library.folder, over).exists()
    assert not part.exists()
