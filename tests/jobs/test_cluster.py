"""Steps on a cluster: a real scheduler and workers, each a process of its own, and what is done to them."""

import shutil
import socket
import subprocess
import threading
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from cues.corrections import Corrections, Trainee
from cues.errors import RecordingError
from cues.jobs.admission import SIGNS, Fitness, fitness, why_refused
from cues.jobs.attempts import Step, run_steps
from cues.jobs.certificates import EngineError
from cues.jobs.coordinator import WAITING
from cues.jobs.engine import WorkerLostError
from cues.jobs.on_the_way import pack, unpack
from cues.jobs.queue import cancel, progress, queue_job, steps_of
from cues.jobs.starting import start_coordinator
from cues.library.database import open_library
from cues.library.folders import session_folder
from cues.library.models import Job, JobKind, JobState
from cues.library.session_folder import write_analysis
from tests.jobs.a_cluster import Cluster, busy, caught, differences
from tests.jobs.hanging import hang, refuse, say
from tests.jobs.test_coordinator import QUICK, Sessions, ended, eventually, in_one_process

pytest.importorskip(
    "distributed", reason="Dask is not installed: pip install -r cues/deployment/requirements-cluster.txt"
)

from distributed import Client  # noqa: E402

from cues.jobs.cluster import ClusterEngine  # noqa: E402

SECONDS = 20
OPTIONS = ("--lease-s", "3", *QUICK)

pytestmark = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="processes are found in /proc")


@pytest.fixture(scope="module")
def database(request):
    """The address of a PostgreSQL as several hosts use it; None, and so SQLite, where it is not installed."""
    try:
        from tests.postgres import programs
    except ImportError:
        return None
    return None if programs() is None else request.getfixturevalue("postgres").migrated()


@pytest.fixture(scope="module")
def place(tmp_path_factory, database):
    """A library under two paths, as two hosts mount it."""
    folder = tmp_path_factory.mktemp("storage")
    library = open_library(folder / "library", database)
    (folder / "library" / "sessions").mkdir(mode=0o700, exist_ok=True)
    (folder / "mounted").symlink_to(folder / "library", target_is_directory=True)
    yield library
    library.close()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory, place):
    made = Cluster(tmp_path_factory.mktemp("cluster"))
    made.start_scheduler()
    made.start_worker("here", place.folder)
    made.start_worker("there", place.folder.with_name("mounted"))
    yield made
    made.end()


@pytest.fixture(scope="module")
def engine(cluster, place):
    made = ClusterEngine(cluster.address, place.folder)
    eventually(lambda: made.workers == 2, 240)
    yield made
    made.close()


def at_work(cluster):
    """Workers whose processes read."""
    return [name for name in ("here", "there", "late") if name in cluster.processes and busy(cluster, name)]


def reading(library, session_id):
    """Segments that say how far they are, or said it."""
    return list(session_folder(library.folder, session_id).glob(".partial/*/segment-*.share"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Called as recordings are in a library: the tables say it."""
    return in_one_process(tmp_path_factory.mktemp("clip"), SECONDS, "recording-1.mp4")


@pytest.fixture(scope="module")
def sessions(place, clip):
    return Sessions(place, clip)


def test_a_killed_worker_then_a_killed_scheduler_cost_one_attempt_and_leave_what_one_machine_gives(
    cluster, place, database, sessions, clip, tmp_path
):
    session_id, job_id = sessions.queued()
    mounted = place.folder.with_name("mounted late")
    cluster.start_worker("late", mounted)
    cluster.start_coordinator(place.folder, *OPTIONS, database=database)
    eventually(lambda: reading(place, session_id))
    cluster.kill_with_steps(eventually(lambda: caught(cluster, "here", "there")))
    eventually(lambda: 2 in [step.attempts for step in steps_of(place, job_id)])
    cluster.signal("scheduler")
    away = lambda job: job.stage == WAITING and job.problem.endswith("does not answer.")  # noqa: E731
    waiting = eventually(lambda: job if away(job := progress(place, job_id)) else None)
    assert waiting.state == JobState.RUNNING
    cluster.start_scheduler()
    assert eventually(lambda: ended(place, job_id)).state == JobState.DONE
    assert progress(place, job_id).problem is None
    attempts = sorted(step.attempts for step in steps_of(place, job_id))
    assert attempts == [1] * (len(attempts) - 1) + [2]
    one_machine = tmp_path / "one machine"
    write_analysis(one_machine, clip.observations, Corrections((Trainee(1),)), clip.metrics)
    assert not differences(one_machine, session_folder(place.folder, session_id))
    assert "cannot write into the library's storage" in cluster.said("late")
    assert not cluster.steps_of("late"), "it got a step without seeing the library"
    mounted.symlink_to(place.folder, target_is_directory=True)


def test_a_cancelled_job_frees_the_workers_for_the_next(cluster, place, sessions):
    _, job_id = sessions.queued()
    eventually(lambda: at_work(cluster))
    cancel(place, job_id)
    assert eventually(lambda: ended(place, job_id)).state == JobState.CANCELLED
    eventually(lambda: not at_work(cluster), 240)
    cluster.end("coordinator")


def test_a_step_that_hangs_is_ended_and_the_worker_goes_on(engine):
    kept, asked = {}, []

    def hanging(cheaper):
        asked.append(cheaper)
        return ("-",)

    def keeps(name):
        return partial(kept.__setitem__, name)

    slow = Step("hangs", hang, hanging, keeps("hangs"), silent_s=2, has_cheaper=True, instead=dict)
    steps = [slow, *(Step(f"{n}", say, lambda _, n=n: (n,), keeps(n)) for n in range(4))]
    run_steps(engine, steps, lambda: None, lambda name: 1, lambda name: None)
    assert kept == {"hangs": {}} | {n: n for n in range(4)}
    assert asked == [False, True]


def test_what_is_abandoned_ends_and_what_a_step_raises_arrives(engine, place):
    futures = [engine.submit(hang, "-") for _ in range(4)]
    eventually(lambda: sum(future.running() for future in futures) == 2, 240)
    engine.abandon()
    for future in futures:
        with pytest.raises(WorkerLostError):
            future.result(1)
    with pytest.raises(RecordingError, match="no such recording"):
        engine.submit(refuse, place.folder / "no such recording").result(240)


def held_here():
    """How many threads this process has, and how many files and sockets it has open."""
    return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


def test_an_engine_holds_no_more_the_longer_its_scheduler_is_away_and_nothing_once_it_is_closed(library, monkeypatch):
    tries, threads = [], threading.active_count()

    def client(*arguments, **options):
        tries.append(held_here())
        return Client(*arguments, **options)

    monkeypatch.setattr("cues.jobs.cluster.Client", client)
    monkeypatch.setattr("cues.jobs.cluster.CONNECTS_WITHIN_S", 0.1)
    with socket.socket() as nobody:  # has the port and does not listen
        nobody.bind(("127.0.0.1", 0))
        with closing(ClusterEngine(f"tcp://127.0.0.1:{nobody.getsockname()[1]}", library.folder)):
            eventually(lambda: len(tries) > 6)
    assert all(later <= sooner for later, sooner in zip(tries[-1], tries[1], strict=True)), tries
    assert threading.active_count() <= threads


def test_paths_of_the_library_are_those_of_the_host_that_unpacks_them(tmp_path):
    here, there = tmp_path / "here", tmp_path / "there"
    packed = pack((here / "sessions" / "a", {"elsewhere": tmp_path / "x"}, [here]), here)
    assert unpack(packed, there) == (there / "sessions" / "a", {"elsewhere": tmp_path / "x"}, [there])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, None),
        ({"version": "0.1"}, "another state of this program"),
        ({"source": "else"}, "another state of this program"),
        ({"python": "3.12.1"}, "It runs Python 3.12.1"),
        ({"packages": {}}, "Its ai-edge-litert is missing"),
        ({"problem": "The model is not there."}, "The model is not there."),
        ({"sign": "of-no-file-here"}, "does not see the storage"),
        ({"sign": ""}, "does not see the storage"),
    ],
)
def test_a_worker_that_would_give_something_else_is_refused_with_the_reason(library, change, said):
    (library.folder / "sessions").mkdir()
    mine = fitness(library.folder, "sign")
    assert not mine.problem and (library.folder / SIGNS / "sign").exists()
    refused = why_refused(mine, replace(mine, **change), library.folder)
    assert refused is None if said is None else said in refused and refused.endswith(".")


def test_a_worker_of_anything_else_is_refused(library):
    for told in (None, {}, {"version": "1"}, [1]):
        assert "no worker of this program" in why_refused(Fitness(), Fitness.heard(told), library.folder)


def certificates(folder):
    """An authority and one certificate of it, made as the README says."""
    for command in CERTIFICATES:
        subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    return {f"CUES_ENGINE_{what}": str(folder / f"{name}.pem") for what, name in NAMES.items()}


_NEW = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
CERTIFICATES = (
    f"openssl req -x509 {_NEW} -days 3650 -subj /CN=cues-ca -keyout ca-key.pem -out ca.pem",
    f"openssl req {_NEW} -subj /CN=cues -keyout key.pem -out request.pem",
    "openssl x509 -req -in request.pem -CA ca.pem -CAkey ca-key.pem -days 825 -out cert.pem",
)
NAMES = {"CA": "ca", "CERT": "cert", "KEY": "key"}


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_over_tls_only_who_has_a_certificate_of_the_authority_takes_part(place, tmp_path, monkeypatch):
    given = certificates(tmp_path)
    secured = Cluster(tmp_path / "cluster", given, "tls")
    with pytest.raises(EngineError, match="CUES_ENGINE_CA must name a file"):
        ClusterEngine(secured.address, place.folder)
    for name, path in given.items():
        monkeypatch.setenv(name, path)
    options = ("--tls-ca-file", given["CUES_ENGINE_CA"], "--tls-cert", given["CUES_ENGINE_CERT"])
    secured.start_scheduler(*options, "--tls-key", given["CUES_ENGINE_KEY"])
    secured.start_worker("here", place.folder)
    engine = ClusterEngine(secured.address, place.folder)
    try:
        assert engine.submit(say, "word").result(240) == "word"
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        for name, path in certificates(elsewhere).items():
            monkeypatch.setenv(name, path)
        with closing(ClusterEngine(secured.address, place.folder)) as stranger:
            assert eventually(lambda: stranger.waiting, 240).endswith("does not answer.")
            assert stranger.workers == 0
    finally:
        engine.close()
        secured.end()


def test_a_scheduler_whose_address_cannot_be_one_is_named(place):
    for address in ("scheduler:8786", "http://scheduler:8786", "tcp://scheduler"):
        with pytest.raises(EngineError, match="it must be like tcp://host:8786"):
            ClusterEngine(address, place.folder)


def test_two_coordinators_do_each_of_six_jobs_once(library, clip):
    sessions = Sessions(library, clip)
    jobs = [queue_job(library, sessions.add(), JobKind.REVIEW_COPY) for _ in range(6)]
    two = [start_coordinator(library.folder, None, "--name", name, "--workers", "1") for name in ("one", "two")]
    try:
        assert {eventually(lambda job=job: ended(library, job)).state for job in jobs} == {JobState.DONE}
        with library.reading() as db:
            assert set(db.scalars(select(Job.attempts))) == {1}
        assert {step.attempts for job in jobs for step in steps_of(library, job)} == {1}
    finally:
        for process in two:
            process.stdin.close()
            process.wait(90)
