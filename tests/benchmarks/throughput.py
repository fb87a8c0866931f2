"""Throughput against workers, on this machine's processes and on a cluster; a Friday's queue; the model for more:
`python -m tests.benchmarks.throughput [--seconds 180] [--sessions 40] [--people 10]`. About 25 minutes on two idle
cores; `--seconds 40 --sessions 6 --people 3` shows in four that it works. Writes its part of SCALE.md.

The recording is the sample's beginning. A cluster is a scheduler and workers of one process each on this machine, so
that what it costs here is its own: no network lies between.
"""

import argparse
import os
import statistics
import tempfile
import time
from concurrent.futures import wait
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from sqlalchemy import select

from cues.analysis import plan_analysis, read_task
from cues.jobs.cluster import ClusterEngine
from cues.jobs.engine import LocalEngine
from cues.jobs.on_the_way import pack
from cues.jobs.queue import progress, queue_job
from cues.jobs.starting import start_coordinator
from cues.library.accounts import Roles, create_account
from cues.library.consents import ANALYSIS, enter_consent
from cues.library.database import Library, open_library
from cues.library.folders import make_session_folder
from cues.library.models import Account, Job, JobKind, JobState, PracticeSession, Recording
from cues.library.sessions import create_session
from cues.parameters import Parameters
from cues.vision.segment import Networks
from tests.benchmarks.scale_results import put
from tests.faults.clinic import ENDED
from tests.jobs.a_cluster import Cluster
from tests.jobs.hanging import say
from tests.sample_clip import first_seconds

DAY = date(2026, 11, 20)
QUEUED_S = 20
STEPS = 200
TRAINEES = 10_000
"""Of the reckoning on paper: each records WEEKLY_H hours a week, PEAK of them on one afternoon of PEAK_H hours."""
WEEKLY_H, PEAK, PEAK_H = 1.0, 0.2, 4.0


@dataclass(frozen=True)
class Run:
    """One job: seconds in each stage."""

    where: str
    workers: int
    survey: float
    reading: float
    figures: float

    @property
    def whole(self) -> float:
        """Seconds from the first step to the last."""
        return self.survey + self.reading + self.figures


class Place:
    """A library, and what works for it."""

    def __init__(self, folder: Path, clip: Path) -> None:
        self.folder, self.clip = folder, clip
        self.library: Library = open_library(folder / "library")
        (self.library.folder / "sessions").mkdir(mode=0o700, exist_ok=True)

    def person(self, name: str) -> Account:
        """A trainee."""
        with self.library.writing() as db:
            return create_account(db, f"{name}@example.org", name, Roles(trainee=True))

    def queue(self, trainee: Account) -> int:
        """An analysis of the clip, as one of this person's."""
        with self.library.writing() as db:
            session = create_session(db, trainee, "A session", DAY, "auto", None)
            for name in ("Ada", "Cleo"):
                enter_consent(db, session, name, [ANALYSIS], DAY, None, trainee.id)
            place = {"position": 0, "file_name": "Mine.mp4", "stored_as": "recording-1.mp4", "sha256": "0"}
            db.add(Recording(session_id=session.id, size=self.clip.stat().st_size, **place))
        (make_session_folder(self.library.folder, session.id) / "recording-1.mp4").hardlink_to(self.clip)
        return queue_job(self.library, session.id, JobKind.ANALYSIS)

    def work(self, stack: ExitStack, workers: int, cluster: bool, coordinators: int = 1) -> Cluster:
        """Starts all that works; it ends with the stack."""
        made = Cluster(self.folder / f"processes-{time.monotonic_ns()}")
        stack.callback(made.end)
        if cluster:
            made.start_scheduler()
            for number in range(workers):
                made.start_worker(f"worker-{number}", self.library.folder)
        for number in range(coordinators):
            name = f"coordinator-{number}"
            if cluster:
                made.start_coordinator(self.library.folder, name=name)
            else:
                made.processes[name] = start_coordinator(
                    self.library.folder, None, "--name", name, "--workers", str(workers)
                )
        return made


def one_job(place: Place, where: str, workers: int) -> Run:
    """An analysis, with processes that have read something before: what starting takes is not counted."""
    person = place.person(f"{where}{workers}")
    with ExitStack() as stack:
        place.work(stack, workers, where == "cluster")
        _watched(place, place.queue(person))
        stages = _watched(place, place.queue(person))
    return Run(where, workers, stages["survey"], stages["people"] + stages["sound"], stages["figures"])


def _watched(place: Place, job_id: int) -> dict[str, float]:
    """Seconds in each stage, from the coordinator's first word of it to its first word of another."""
    spent, last, stage = dict.fromkeys(("survey", "people", "sound", "figures"), 0.0), time.monotonic(), ""
    while True:
        job, now = progress(place.library, job_id), time.monotonic()
        if stage in spent:
            spent[stage] += now - last
        last, stage = now, job.stage if job.state == JobState.RUNNING else ""
        if job.state in ENDED:
            assert job.state == JobState.DONE, job
            return spent
        time.sleep(0.02)


def step_costs(place: Place) -> tuple[float, float, float]:
    """Of a step that does nothing: ms on a process here, ms on the cluster, and steps a second that a cluster with two
    workers does."""
    local = LocalEngine(1, Parameters().limits.memory_mb)
    with ExitStack() as stack:
        stack.callback(local.abandon)
        cluster = place.work(stack, 2, cluster=True, coordinators=0)
        engine = ClusterEngine(cluster.address, place.library.folder)
        stack.callback(engine.close)
        while engine.workers < 2:
            time.sleep(0.1)
        costs = []
        for one in (local, engine):
            for _ in range(4):  # processes start
                one.submit(say, "").result()
            began = time.monotonic()
            for _ in range(STEPS):
                one.submit(say, "").result()
            costs.append(1e3 * (time.monotonic() - began) / STEPS)
        began = time.monotonic()
        wait([engine.submit(say, "") for _ in range(STEPS)])
        return costs[0], costs[1], STEPS / (time.monotonic() - began)


def sizes(clip: Path) -> tuple[float, float]:
    """MB that a segment's step and its result are, on their way."""
    plan = plan_analysis((clip,), Parameters())
    task = plan.tasks()[0]
    step = pack((read_task, (plan.part(task), task), {}), clip.parent)
    return len(step) / 1e6, len(pack(read_task(plan.part(task), task, Networks()), clip.parent)) / 1e6


@dataclass(frozen=True)
class Friday:
    """Many sessions queued at once. waits: until a person's k-th job began, for each k [s]; apart: the most by which
    the numbers of jobs that two people had had begun differed while both had some left."""

    sessions: int
    people: int
    whole: float
    waits: list[list[float]]
    apart: int


def friday(place: Place, sessions: int, people: int, coordinators: int = 2) -> Friday:
    """All of the first person's at first, then the second's: who comes last should not wait for all others."""
    persons = [place.person(f"friday-{number}") for number in range(people)]
    jobs = [place.queue(person) for person in persons for _ in range(sessions // people)]
    began = time.monotonic()
    with ExitStack() as stack:
        place.work(stack, 2, cluster=True, coordinators=coordinators)
        while not all(progress(place.library, job).state in ENDED for job in jobs):
            time.sleep(0.5)
    whole = time.monotonic() - began
    with place.library.reading() as db:
        rows = db.execute(
            select(PracticeSession.trainee_id, Job.started, Job.queued)
            .join(PracticeSession, PracticeSession.id == Job.session_id)
            .where(Job.id.in_(jobs))
            .order_by(Job.started)
        ).all()
    each, waits, apart = dict.fromkeys((p.id for p in persons), 0), [[] for _ in range(sessions // people)], 0
    for trainee, started, _ in rows:
        waits[each[trainee]].append((started - rows[0][1]).total_seconds())
        each[trainee] += 1
        behind = [count for count in each.values() if count < sessions // people]
        apart = max(apart, max(each.values()) - min(behind)) if behind else apart
    return Friday(len(jobs), people, whole, waits, apart)


def main() -> None:
    """Measures, and writes."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.throughput")
    parser.add_argument("--seconds", type=int, default=180, help="of the recording whose throughput is measured")
    parser.add_argument("--sessions", type=int, default=40)
    parser.add_argument("--people", type=int, default=10)
    options = parser.parse_args()
    began = time.monotonic()
    os.environ.pop("CUES_ENGINE", None)
    with tempfile.TemporaryDirectory(prefix="cues-throughput-") as made:
        folder = Path(made)
        long = Place(folder / "long", first_seconds(folder / "clip.mp4", options.seconds))
        runs = [one_job(long, where, workers) for where in ("local", "cluster") for workers in (1, 2)]
        costs = step_costs(long)
        sent = sizes(long.clip)
        megabytes = long.clip.stat().st_size / 1e6
        short = Place(folder / "short", first_seconds(folder / "short.mp4", QUEUED_S))
        queued = friday(short, options.sessions, options.people)
        alone = one_job(short, "cluster", 1)
    text = report(options.seconds, megabytes, runs, costs, sent, queued, alone, (time.monotonic() - began) / 60)
    print(put("throughput", text))


def report(
    seconds: int,
    megabytes: float,
    runs: list[Run],
    costs: tuple[float, float, float],
    sent: tuple[float, float],
    queued: Friday,
    alone: Run,
    minutes: float,
) -> str:
    """The part of SCALE.md."""
    of = {(run.where, run.workers): run for run in runs}
    lines = [
        "## Throughput against workers",
        "",
        f"Written by `python -m tests.benchmarks.throughput` in {minutes:.0f} minutes: {seconds} s of the sample "
        f"({megabytes:.0f} MB), one worker for each core, processes started before. Hours of recording in an hour.",
        "",
        "| where | workers | survey | reading | figures | whole | hours an hour | against one |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for run in runs:
        gain = of[run.where, 1].whole / run.whole
        stages = " | ".join(f"{value:.1f} s" for value in (run.survey, run.reading, run.figures, run.whole))
        lines.append(f"| {run.where} | {run.workers} | {stages} | {seconds / run.whole:.1f} | {gain:.2f} |")
    one, two = of["cluster", 1], of["cluster", 2]
    lines += ["", *_model(seconds, one, two, of["local", 2], costs, sent, alone, queued)]
    lines += ["", *_queue(queued)]
    return "\n".join(lines + ["", *_on_paper(seconds, megabytes, one, costs, sent)])


def _model(
    seconds: int,
    one: Run,
    two: Run,
    local: Run,
    costs: tuple[float, float, float],
    sent: tuple[float, float],
    alone: Run,
    queued: Friday,
) -> list[str]:
    serial = one.survey + one.figures
    predicted = serial + one.reading / 2
    together = 2 * QUEUED_S / alone.whole
    found = queued.sessions * QUEUED_S / queued.whole
    lines = [
        "## The model for more",
        "",
        f"A step that does nothing takes {costs[0]:.1f} ms on a process here and {costs[1]:.1f} ms on the cluster; two "
        f"workers were given {costs[2]:.0f} of them a second. A segment's step is {1e3 * sent[0]:.0f} KB on its way, "
        f"its result {1e3 * sent[1]:.0f} KB. With two workers a job took {two.whole / local.whole:.2f} times as long "
        "on the cluster as on processes here.",
        "",
        f"One job: survey and figures are serial ({serial:.1f} s of {one.whole:.1f} s on one worker), the rest is "
        f"shared: T(N) = {serial:.1f} + {one.reading:.1f} / N s. For two workers that is {predicted:.1f} s; measured "
        f"{two.whole:.1f} s ({100 * (two.whole / predicted - 1):+.0f} %). More workers than this brings one job by at "
        f"most {one.whole / serial:.1f} times (Amdahl).",
        "",
        "Several jobs at a time fill each other's serial parts, so that N workers do N times what one does, until "
        f"something shared is full. For two workers and the queue below that is {together:.1f} hours an hour; measured "
        f"{found:.1f} ({100 * (found / together - 1):+.0f} %; starting is counted here, and the two cores also run "
        "scheduler and coordinators). For an hour the survey is taken to look at as many pictures as it may, and the "
        "rest to be as long as the recording.",
        "",
        "| workers | one job of an hour, minutes | of 60 (one job) | hours an hour, jobs enough |",
        "|---|---|---|---|",
    ]
    long = an_hour(seconds, one)
    for count in (1, 2, 4, 8, 16, 32, 64, 128):
        takes = (long.survey + long.figures + long.reading / count) / 60
        lines.append(f"| {count} | {takes:.1f} | {60 / takes:.1f} | {count * 3600 / long.whole:.0f} |")
    return lines


def an_hour(seconds: int, run: Run) -> Run:
    """A run as it would be for an hour: the survey looks at no more pictures than `Layout` says, the rest is as long as
    the recording."""
    layout, scale = Parameters().layout, 3600 / seconds
    pictures = [min(layout.pictures_max, length / layout.spacing_min_s) for length in (3600, seconds)]
    survey = run.survey * pictures[0] / pictures[1]
    return Run(run.where, run.workers, survey, run.reading * scale, run.figures * scale)


def _queue(queued: Friday) -> list[str]:
    lines = [
        f"## {queued.sessions} sessions of {queued.people} people, queued at once",
        "",
        f"Recordings of {QUEUED_S} s, all of one person's queued before the next person's; two workers, two "
        f"coordinators; {queued.whole:.0f} s in all. While somebody had jobs left, nobody had had more than "
        f"{queued.apart} more begun than them.",
        "",
        "| a person's | began after, median | at most |",
        "|---|---|---|",
    ]
    for number, waits in enumerate(queued.waits, start=1):
        lines.append(f"| {number}. job | {statistics.median(waits):.0f} s | {max(waits):.0f} s |")
    return lines


def _on_paper(
    seconds: int, megabytes: float, one: Run, costs: tuple[float, float, float], sent: tuple[float, float]
) -> list[str]:
    """What is full at what size, from the figures above."""
    per_worker = 3600 / an_hour(seconds, one).whole  # hours of recording in an hour
    peak_hours = TRAINEES * WEEKLY_H * PEAK / PEAK_H  # hours of recording that come in an hour
    workers = peak_hours / per_worker
    steps = 3600 / Parameters().sampling.segment_s + 8
    reads = megabytes / seconds * per_worker  # MB a second and worker: each picture is read once
    scheduler = costs[2] * 3600 / steps
    wire = 1000 / 8 * 3600 / (steps * sum(sent))  # of one gigabit
    hour_mb = megabytes * 3600 / seconds
    gigabit = 1000 / 8
    shared = {  # what, how much of it at the peak, hours of recording in an hour at which it is full
        "the storage's network, one gigabit": (f"{workers * reads:.0f} MB a second", gigabit / reads * per_worker),
        "the scheduler, one process": (f"{peak_hours * steps / 3600:.0f} steps a second", scheduler),
        "the scheduler's network, one gigabit": (f"{peak_hours * steps * sum(sent) / 3600:.1f} MB a second", wire),
        "uploads, one gigabit": (f"{peak_hours * hour_mb / 3600:.0f} MB a second", gigabit * 3600 / hour_mb),
    }
    lines = [
        f"## On paper: {TRAINEES:,} trainees",
        "",
        f"Reckoned from the figures above, not measured: {WEEKLY_H:.0f} hour a week each, {100 * PEAK:.0f} % of it on "
        f"one afternoon of {PEAK_H:.0f} hours: {peak_hours:.0f} hours of recording an hour. One worker (a core like "
        f"these) does {per_worker:.1f} of them, so {workers:.0f} workers keep up; half as many are done with that "
        f"afternoon {PEAK_H:.0f} hours later. A recording's size is the sample's ({hour_mb:.0f} MB an hour; phones "
        f"and cameras make ten times as much). Kept for a year of 40 weeks that is "
        f"{TRAINEES * WEEKLY_H * 40 * hour_mb / 1e6:.0f} TB.",
        "",
        "| shared, in the order in which it is full | takes, at that peak | full at, hours of recording an hour |",
        "|---|---|---|",
    ]
    for what, (takes, full) in sorted(shared.items(), key=lambda item: item[1][1]):
        lines.append(f"| {what} | {takes} | {full:.0f} |")
    first = min(shared, key=lambda what: shared[what][1])
    return [
        *lines,
        "",
        f"Below that it is workers that are missing. What breaks first with workers enough: {first}. A second "
        "scheduler with workers and coordinators of its own on the same library and database would share the load; "
        "that was not tried.",
    ]


if __name__ == "__main__":
    main()
