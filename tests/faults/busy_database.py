"""Another process holds the database's lock for long; and a second application is started on the same library."""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from cues.jobs.queue import steps_of
from cues.library.database import FILE_NAME
from cues.library.models import Job, JobKind, JobState, SignIn
from cues.library.models import now as this_moment
from tests.faults.clinic import Clinic
from tests.faults.outcomes import Outcome
from tests.faults.processes import eventually, of_library
from tests.web.running_app import RunningApp

_HOLD = """
import sqlite3, sys, time
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
db.execute("BEGIN IMMEDIATE")
print("held", flush=True)
time.sleep(float(sys.argv[2]))
db.execute("ROLLBACK")
"""


def soak(folder: Path, clip: Path, rounds: int, seed: int) -> Iterator[Outcome]:  # noqa: ARG001
    """A writer that holds on for longer than anybody waits, then two applications."""
    clinic = Clinic(folder / "busy", clip)
    try:
        yield long_writer(clinic, 25.0)
        yield two_applications(clinic)
    finally:
        clinic.end()


def long_writer(clinic: Clinic, seconds: float) -> Outcome:
    """Pages, an upload's beginning and its end, and a job, while another process writes for so long."""
    outcome = Outcome("database locked by another process")
    content, session_id = clinic.clip.read_bytes(), clinic.add_session()
    with clinic.library.writing() as db:  # so that the next request would note that she is there
        for one in db.scalars(select(SignIn)):
            one.seen = this_moment() - timedelta(minutes=5)
    command = [sys.executable, "-c", _HOLD, str(clinic.folder / FILE_NAME), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        page = clinic.ask("GET", "/")
        outcome.check(page.status_code == 200 and writer.poll() is None, "a page waits for the writer")
        upload = clinic.begin_upload(session_id, len(content))
        answer = clinic.send(upload, content, 0)
        held_up = answer.status_code == 503 and "busy" in answer.text
        outcome.seen = "pages open; the end of the upload waits" + (", says so and is asked again" if held_up else "")
        outcome.check(
            held_up or answer.status_code == 204, f"the upload says {answer.status_code}: {answer.text[:200]}"
        )
        outcome.on_disk = "every byte of the upload"
        writer.wait(120)
    if held_up:
        outcome.check(clinic.ask("HEAD", upload).status_code == 200, "the upload is not taken up again")
    stored = eventually(lambda: sorted(clinic.place(session_id).glob("recording-1.*")), 300)
    outcome.check(bool(stored) and stored[0].read_bytes() == content, "the recording is not what was sent")
    job_id = clinic.queue(session_id, JobKind.REVIEW_COPY)
    outcome.check(eventually(lambda: clinic.ended(job_id), 600) == JobState.DONE, "jobs do not go on")
    outcome.restart = "none is needed"
    eventually(lambda: "look" not in of_library(clinic.folder).values(), 60)
    outcome.broken += clinic.faults()
    return outcome


def two_applications(clinic: Clinic) -> Outcome:
    """A second one starts while the first one analyses."""
    outcome = Outcome("two applications on one library")
    session_id = clinic.uploaded()
    eventually(lambda: "look" not in of_library(clinic.folder).values(), 60)
    job_id = clinic.queue(session_id, JobKind.ANALYSIS)
    eventually(lambda: any(step.attempts for step in steps_of(clinic.library, job_id)), 60)
    with clinic.library.reading() as db:
        holder = db.get_one(Job, job_id).coordinator
    second = RunningApp(clinic.folder, CUES_WORKERS="1")
    try:
        time.sleep(3)  # its coordinator looks twice a second
        with clinic.library.reading() as db:
            job = db.get_one(Job, job_id)
            outcome.check(job.state == JobState.DONE or job.coordinator == holder, "the second one took the job")
        state = eventually(lambda: clinic.ended(job_id), 600)
        outcome.check(state == JobState.DONE, f"the job ended as {state}")
        attempts = [step.attempts for step in steps_of(clinic.library, job_id)]
        outcome.check(max(attempts) == 1, f"steps were done {max(attempts)} times")
        outcome.seen = "both serve the same sessions"
        outcome.on_disk = "each step of the analysis once"
    finally:
        second.end()
    outcome.restart = "a lease decides who has a job"
    outcome.broken += clinic.faults()
    return outcome
