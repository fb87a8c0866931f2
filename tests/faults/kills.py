"""SIGKILL of the web server, the coordinator, a worker or a look at a random moment of everything that takes long."""

import hashlib
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from cues.jobs.probing import RESULT, is_looked_at, start_probe
from cues.jobs.queue import progress
from cues.library.models import JobKind, JobState, PracticeSession, Recording
from tests.faults.clinic import Clinic, Results
from tests.faults.outcomes import Outcome
from tests.faults.processes import eventually, kill, of_library

PIECE = 40_000
_LOOK_BEGINS_S = 10.0
ROOT = Path(__file__).resolve().parents[2]
_DELETE = """
import sys
from pathlib import Path
from cues.library.database import open_library
from cues.library.folders import remove_session_folder
from cues.library.models import PracticeSession
from cues.library.sessions import delete_session
library = open_library(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
with library.writing() as db:
    delete_session(db, int(sys.argv[3]), db.get_one(PracticeSession, sys.argv[2]), "deleted by the trainee")
remove_session_folder(library.folder, sys.argv[2])
"""


@dataclass(frozen=True)
class Round:
    """One kill. model: a session of which everything was made, undisturbed; wanted: what that was."""

    clinic: Clinic
    model: str
    wanted: Results
    role: str
    chance: random.Random
    outcome: Outcome


def soak(folder: Path, clip: Path, rounds: int, seed: int) -> Iterator[Outcome]:
    """So many rounds on one library; phases and processes in turn, moments at random."""
    clinic = Clinic(folder / "kills", clip)
    try:
        model, wanted = clinic.undisturbed()
        for number in range(rounds):
            phase, role = PLAN[number % len(PLAN)]
            yield round_of(clinic, model, wanted, phase, role, random.Random(f"{seed} {number}"))
    finally:
        clinic.end()


def a_round_of_each(clinic: Clinic, seed: int) -> list[Outcome]:
    """The short version; analyses are hit in `tests/jobs/test_coordinator.py`."""
    model, wanted = clinic.undisturbed()
    few = (("an upload", "web server"), ("a review copy", "worker"), ("a deletion", "web server"))
    return [round_of(clinic, model, wanted, *one, random.Random(f"{seed} {one}")) for one in few]


def round_of(clinic: Clinic, model: str, wanted: Results, phase: str, role: str, chance: random.Random) -> Outcome:
    """One kill; then everything that must hold afterwards."""
    now = Round(clinic, model, wanted, role, chance, Outcome(f"SIGKILL of the {role} during {phase}"))
    _PHASES[phase](now)
    _restart(clinic, now.outcome)
    now.outcome.broken += clinic.faults()
    return now.outcome


def _upload(now: Round) -> None:
    content, session_id = now.clinic.clip.read_bytes(), now.clinic.add_session()
    upload, taken = now.clinic.begin_upload(session_id, len(content)), 0
    timer = threading.Timer(now.chance.uniform(0.0, 0.25), kill, (now.clinic.folder, now.role))
    timer.start()
    broke = False
    while taken < len(content):
        try:
            answer = now.clinic.send(upload, content[taken : taken + PIECE], taken)
            answer.raise_for_status()
            taken = int(answer.headers["Upload-Offset"])
        except requests.RequestException:
            broke = True
            break
    timer.join()
    parts = list((now.clinic.folder / "incoming").glob("*.part"))
    size = parts[0].stat().st_size if parts else len(content)
    now.outcome.on_disk = "the bytes that were taken" if parts else "the whole upload or its recording"
    now.outcome.check(size >= taken, f"{taken} bytes were taken and {size} are on the disk")
    now.outcome.seen = "the upload waits and goes on by itself" if broke else "nothing"
    _restart(now.clinic, now.outcome)
    answer = now.clinic.ask("HEAD", upload)
    if answer.status_code == 200:
        offset = int(answer.headers["Upload-Offset"])
        now.outcome.check(offset >= taken, "the upload goes on before what was taken")
        if offset < len(content):
            now.clinic.send(upload, content[offset:], offset).raise_for_status()
        if broke:
            now.outcome.restart += ", goes on at the offset" if offset < len(content) else ", ends what was owed"
    stored = eventually(lambda: sorted(now.clinic.place(session_id).glob("recording-1.*")), 300)
    now.outcome.check(bool(stored) and stored[0].read_bytes() == content, "the recording is not what was sent")
    _open_page(now, session_id)
    now.outcome.check(eventually(_look_is(now.clinic, session_id, now.wanted), 600), "the look is another one")


def _probe(now: Round) -> None:
    session_id = now.clinic.uploaded()
    time.sleep(now.chance.uniform(0.0, 2.0))
    kill(now.clinic.folder, now.role)
    there = (now.clinic.place(session_id) / RESULT).exists()
    now.outcome.on_disk = "the recording and the look" if there else "the recording, no look"
    now.outcome.seen = "the page waits"
    _restart(now.clinic, now.outcome)
    same = eventually(_look_is(now.clinic, session_id, now.wanted), 600)
    now.outcome.check(same, "the look is another one or missing")


def _job(now: Round, kind: JobKind) -> None:
    session_id = _copy_of(now.clinic, now.model, results=kind == JobKind.REVIEW_COPY)
    job_id = now.clinic.queue(session_id, kind)
    began = time.monotonic()
    if now.role == "worker":
        eventually(lambda: "worker" in of_library(now.clinic.folder).values() or now.clinic.ended(job_id), 60)
    time.sleep(now.chance.uniform(0.0, _LASTS[kind]))
    hit = kill(now.clinic.folder, now.role)
    before = progress(now.clinic.library, job_id)
    made = sorted(path.name for path in now.clinic.place(session_id).glob("*.parquet"))
    now.outcome.on_disk = f"job {before.state}, " + ("all tables" if len(made) >= 2 else "no tables")
    now.outcome.seen = "the progress goes on" if before.state != JobState.DONE else "the report"
    now.outcome.seen = now.outcome.seen if hit else "nothing: it had ended"
    _restart(now.clinic, now.outcome)
    state = eventually(lambda: now.clinic.ended(job_id), 600)
    _LASTS[kind] = min(_LASTS[kind], time.monotonic() - began)
    why = progress(now.clinic.library, job_id).problem
    now.outcome.check(state == JobState.DONE, f"the job ended as {state}: {why}")
    if state == JobState.DONE:
        found = now.clinic.results(session_id)
        differs = set(found.differences(now.wanted)) - ({"look", "copy"} if kind == JobKind.ANALYSIS else {"look"})
        now.outcome.check(not differs, f"not as in an undisturbed run: {', '.join(sorted(differs))}")


def _delete(now: Round) -> None:
    """In a process of its own, which stands for the web server; a job of the session runs where that is to be hit."""
    session_id = _copy_of(now.clinic, now.model, results=True)
    place = now.clinic.place(session_id)
    many = [place / f"person-{number}.jpg" for number in range(2000)]
    for path in many:
        path.write_bytes(b"face")
    if now.role != "web server":
        now.clinic.queue(session_id, JobKind.ANALYSIS)
        eventually(lambda: "worker" in of_library(now.clinic.folder).values(), 60)
    command = [sys.executable, "-c", _DELETE, str(now.clinic.folder), session_id, str(now.clinic.trainee.id)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as deleting:
        assert deleting.stdin is not None and deleting.stdout is not None
        deleting.stdout.readline()
        deleting.stdin.write(b"\n")
        deleting.stdin.flush()
        if now.chance.random() < 0.7:  # else somewhere before its rows go
            eventually(lambda: not _has_rows(now.clinic, session_id), 300)
        time.sleep(now.chance.uniform(0.0, 0.05))
        if now.role == "web server":
            deleting.kill()
        else:
            kill(now.clinic.folder, now.role)
            deleting.wait(300)
    stays = place.exists()  # the last that goes is the folder itself
    left = len(list(place.iterdir())) if stays else 0
    there = _has_rows(now.clinic, session_id)
    now.outcome.on_disk = "rows and all files" if there else "no rows, some files" if stays else "no rows, no files"
    now.outcome.check(not there or left >= len(many), "files went before their rows")
    now.outcome.seen = "the session" if there else "no session"
    if there:
        for path in many:
            path.unlink()
        return
    if stays:
        kill(now.clinic.folder, "coordinator")  # its start clears up
    _restart(now.clinic, now.outcome)
    now.outcome.check(eventually(lambda: not place.exists(), 300), "files of a deleted session stay")
    if stays:
        now.outcome.restart += ", removes the files"


def _has_rows(clinic: Clinic, session_id: str) -> bool:
    with clinic.library.reading() as db:
        return db.get(PracticeSession, session_id) is not None


def _open_page(now: Round, session_id: str) -> None:
    """What the session's page does when it is opened and nobody looks at the recording: the kill came before it."""
    place = now.clinic.place(session_id)
    if eventually(lambda: is_looked_at(place) or (place / RESULT).exists(), _LOOK_BEGINS_S):
        return
    now.outcome.restart += ", the look begins when the page is opened"
    start_probe(place, place / "recording-1.avi")


def _look_is(clinic: Clinic, session_id: str, wanted: Results) -> Callable[[], bool]:
    path = clinic.place(session_id) / RESULT
    return lambda: path.exists() and path.read_text() == wanted.look


def _copy_of(clinic: Clinic, model: str, results: bool) -> str:
    """A session with the model's recording, as an upload would have left it; with its results where asked."""
    session_id, content = clinic.add_session(), clinic.clip.read_bytes()
    with clinic.library.writing() as db:
        digest = hashlib.sha256(content).hexdigest()
        facts = {"file_name": "Mine.avi", "stored_as": "recording-1.avi", "size": len(content), "sha256": digest}
        db.add(Recording(session_id=session_id, position=0, **facts))
    place = clinic.place(session_id)
    place.mkdir(mode=0o700)
    for path in clinic.place(model).iterdir():
        if path.name.startswith("recording") or (results and path.name != "review.mp4"):
            shutil.copyfile(path, place / path.name)
    return session_id


def _restart(clinic: Clinic, outcome: Outcome) -> None:
    """The web server where it was hit, by hand; it starts the coordinator again by itself."""
    if clinic.app.process.poll() is not None:
        clinic.app.start()
        outcome.restart = outcome.restart or "started again by hand"
    elif not outcome.restart:
        outcome.restart = "started again by the web server"


_LASTS = {JobKind.ANALYSIS: 25.0, JobKind.REVIEW_COPY: 6.0}
"""How long an undisturbed job takes [s], at the most: kills fall inside. Shorter ones are learnt."""

_PHASES: dict[str, Callable[[Round], None]] = {
    "an upload": _upload,
    "the look at a recording": _probe,
    "an analysis": lambda now: _job(now, JobKind.ANALYSIS),
    "a review copy": lambda now: _job(now, JobKind.REVIEW_COPY),
    "a deletion": _delete,
}
PLAN = (
    ("an upload", "web server"),
    ("an analysis", "coordinator"),
    ("a deletion", "web server"),
    ("a review copy", "worker"),
    ("the look at a recording", "web server"),
    ("an analysis", "worker"),
    ("an upload", "web server"),
    ("a deletion", "web server"),
    ("a review copy", "coordinator"),
    ("an analysis", "web server"),
    ("a deletion", "coordinator"),
    ("an upload", "coordinator"),
    ("a review copy", "web server"),
)
