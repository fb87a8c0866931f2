"""A disk that is full, for real: a small tmpfs, mounted in a user and mount namespace of this test's own.

    unshare -rm python -m tests.faults.full_disk FOLDER CLIP

mounts it, runs every case in it and prints the outcomes as JSON. Where no namespaces are allowed, `why_not` says so.
"""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path

from tests.faults.outcomes import Outcome

ROOT = Path(__file__).resolve().parents[2]
SIZE = 80_000_000
RESERVE = 2_000_000_000  # what uploads leave free for the rest; a tmpfs takes only what is written to it


def why_not() -> str | None:
    """Why no disk can be filled here; None where it can."""
    if shutil.which("unshare") is None:
        return "unshare is not installed: apt install util-linux"
    made = subprocess.run(
        ["unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=1M none /mnt"], capture_output=True, text=True
    )
    return None if made.returncode == 0 else f"no namespaces are allowed here: {made.stderr.strip()}"


def soak(folder: Path, clip: Path, rounds: int, seed: int) -> Iterator[Outcome]:  # noqa: ARG001
    """Every case once."""
    yield from cases(folder, clip)


def cases(folder: Path, clip: Path, *only: str) -> list[Outcome]:
    """The cases, or those that are named, in a namespace of their own."""
    if why := why_not():
        return [Outcome("a full disk", seen=f"not tried: {why}")]
    place = folder / "full"
    place.mkdir()
    command = ["unshare", "-rm", sys.executable, "-m", __spec__.name, str(place), str(clip), *only]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    return [Outcome(**told) for told in json.loads(done.stdout.splitlines()[-1])]


class Disk:
    """A disk of its own that can be filled and emptied."""

    def __init__(self, place: Path, size: int) -> None:
        place.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(place)], check=True)
        self.place, self._filler = place, place / "filler"

    def fill(self, most: int = SIZE) -> None:
        """Takes all the room, or so many bytes of it, while others may write."""
        with self._filler.open("wb", buffering=0) as filler:
            for block in (1 << 20, 4096):
                with contextlib.suppress(OSError):
                    while filler.tell() < most:
                        filler.write(bytes(block))

    def empty(self) -> None:
        self._filler.unlink()


def _upload(disk: Disk, clip: Path) -> Outcome:
    """Room is there when the upload begins, none in the middle of it, and again some later."""
    from tests.faults.clinic import Clinic
    from tests.faults.processes import eventually

    outcome = Outcome("disk full during an upload")
    clinic = Clinic(disk.place / "library", clip)
    try:
        content, session_id = clip.read_bytes(), clinic.add_session()
        upload = clinic.begin_upload(session_id, len(content))
        clinic.send(upload, content[:50_000], 0).raise_for_status()
        disk.fill(most=79_000_000)
        refused = clinic.send(upload, content[50_000:], 50_000)
        outcome.seen = f"{refused.status_code}: {refused.text}"
        outcome.check(refused.status_code == 507 and "full" in refused.text, f"no sentence: {outcome.seen}")
        offset = int(clinic.ask("HEAD", upload).headers["Upload-Offset"])
        outcome.on_disk = "what was taken before"
        outcome.check(offset == 50_000, f"{offset} bytes are there of 50000 that were taken")
        disk.empty()
        clinic.send(upload, content[offset:], offset).raise_for_status()
        outcome.restart = "none is needed: with room it goes on at the offset"
        stored = eventually(lambda: sorted(clinic.place(session_id).glob("recording-1.*")), 300)
        outcome.check(bool(stored) and stored[0].read_bytes() == content, "the recording is not what was sent")
        outcome.broken += clinic.faults()
    finally:
        clinic.end()
    return outcome


def _analysis(disk: Disk, clip: Path) -> Outcome:
    """The coordinator on a disk without any room, where the database cannot tell either; then with some."""
    from cues.jobs.queue import progress, queue_job
    from cues.jobs.starting import start_coordinator
    from cues.library.database import open_library
    from cues.library.folders import is_full, session_folder
    from cues.library.models import JobKind, JobState
    from tests.faults.clinic import ENDED
    from tests.faults.processes import eventually

    outcome = Outcome("disk full during an analysis")
    library = open_library(disk.place / "analysis")
    session_id = _session(library, clip)
    folder = session_folder(library.folder, session_id)
    job_id = queue_job(library, session_id, JobKind.ANALYSIS)
    coordinator = start_coordinator(library.folder, None, "--workers", "1", "--lease-s", "3")
    try:
        eventually(lambda: list(folder.glob(".partial/*/*.pickle")) or progress(library, job_id).state in ENDED)
        disk.fill()
        outcome.check(is_full(library.folder), "the page would not say that the disk is full")
        time.sleep(8)
        outcome.check(coordinator.poll() is None, "the coordinator has ended")
        job = progress(library, job_id)
        outcome.seen = "the page: the disk is full, nothing is lost, make room" if job.problem is None else job.problem
        outcome.check(job.state in (JobState.RUNNING, JobState.QUEUED), f"the job is {job.state}: {job.problem}")
        names = sorted(path.name for path in folder.iterdir())
        outcome.on_disk = "the recording and what was finished"
        outcome.check(set(names) <= {"recording-1.avi", ".partial", "provisional"}, f"half-written: {names}")
        disk.empty()
        done = eventually(lambda: progress(library, job_id).state in ENDED, 240)
        outcome.restart = "none is needed: with room it goes on from what was finished"
        outcome.check(bool(done) and progress(library, job_id).state == JobState.DONE, "it did not go on with room")
    finally:
        assert coordinator.stdin is not None
        coordinator.stdin.close()
        coordinator.wait(60)
        library.close()
    return outcome


def _database(disk: Disk, clip: Path) -> Outcome:
    """The application with a database that cannot grow."""
    import requests

    from cues.library.accounts import Roles, create_account
    from cues.library.models import Account
    from tests.faults.clinic import Clinic

    outcome = Outcome("disk full under the database")
    clinic = Clinic(disk.place / "rows", clip)
    try:
        disk.fill()
        sentences = set[str]()
        kept = 0
        for number in range(40):
            try:
                with clinic.library.writing() as db:
                    create_account(db, f"p{number}@example.org", "P" * 100, Roles(trainee=True))
                kept += 1
            except Exception as problem:
                sentences.add(_told(problem))
        outcome.check(bool(sentences), "the database never said that it is full")
        answer = requests.post(
            f"{clinic.app.address}/sign-in", data={"email": "x@example.org", "password": "y" * 20}, timeout=60
        )
        outcome.seen = "; ".join(sorted(sentences))
        outcome.check(answer.status_code in (200, 400, 401, 403, 503), f"the page answers {answer.status_code}")
        outcome.check("Traceback" not in answer.text, "a person reads a traceback")
        outcome.check(all("full" in one for one in sentences), f"said: {outcome.seen}")
        disk.empty()
        with clinic.library.writing() as db:
            create_account(db, "later@example.org", "Later", Roles(trainee=True))
        with clinic.library.reading() as db:
            there = db.query(Account).filter(Account.email.like("p%@example.org")).count()
        outcome.on_disk = "every row that was taken, and no other"
        outcome.check(there == kept, f"{there} rows are there of {kept}")
        outcome.restart = "none is needed: it goes on with room"
        outcome.broken += clinic.faults()
    finally:
        clinic.end()
    return outcome


def _export(disk: Disk, clip: Path) -> Outcome:  # noqa: ARG001
    """A file that is made for one person: the copy of everything that is kept of them."""
    from cues.library.accounts import Roles, create_account
    from cues.library.database import open_library
    from cues.library.person import write_everything
    from cues.web import made_files
    from cues.web.running import begin, end
    from cues.web.settings import read_settings
    from tests.faults.processes import eventually

    outcome = Outcome("disk full during an export")
    os.environ["CUES_LIBRARY"] = str(disk.place / "exports")
    library = open_library(disk.place / "exports")
    with library.writing() as db:
        account = create_account(db, "ada@example.org", "Ada", Roles(trainee=True))
    begin(read_settings())

    def make(path: Path, progress: object) -> None:  # noqa: ARG001
        write_everything(library, account.id, path)

    for room in (False, True):
        if not room:
            disk.fill()
        token = made_files.start(account.id, "everything.zip", make, {}, ())
        one = made_files.found(token, account.id)
        assert one is not None
        eventually(lambda one=one: one.whole or one.problem, 60)  # type: ignore[misc]
        if room:
            outcome.check(one.whole and one.path.stat().st_size > 0, "it was not made with room")
            outcome.restart = "none is needed: made again with room"
        else:
            outcome.seen = one.problem or ""
            outcome.check(one.problem is not None and "full" in one.problem, f"said: {one.problem}")
            outcome.on_disk = "nothing of it"
            outcome.check(not one.path.exists(), "a half-written file stays")
            disk.empty()
        made_files.drop(token)
    end()
    library.close()
    return outcome


def _session(library, clip: Path) -> str:  # type: ignore[no-untyped-def]
    from cues.library.accounts import Roles, create_account
    from cues.library.consents import ANALYSIS, enter_consent
    from cues.library.folders import make_session_folder
    from cues.library.models import Recording
    from cues.library.sessions import create_session

    day = date(2026, 11, 20)
    with library.writing() as db:
        trainee = create_account(db, "ada@example.org", "Ada", Roles(trainee=True))
        session = create_session(db, trainee, "A session", day, "auto", None)
        for person in ("Ada", "Cleo"):
            enter_consent(db, session, person, [ANALYSIS], day, None, trainee.id)
        facts = {"file_name": "Mine.avi", "stored_as": "recording-1.avi", "size": clip.stat().st_size, "sha256": "0"}
        db.add(Recording(session_id=session.id, position=0, **facts))
    shutil.copyfile(clip, make_session_folder(library.folder, session.id) / "recording-1.avi")
    return session.id


def _told(problem: Exception) -> str:
    from sqlalchemy.exc import OperationalError

    from cues.library.database import why_unreachable

    return why_unreachable(problem) if isinstance(problem, OperationalError) else repr(problem)


CASES = {"upload": _upload, "analysis": _analysis, "database": _database, "export": _export}

if __name__ == "__main__":
    told = []
    for name in sys.argv[3:] or CASES:
        size = SIZE + RESERVE * (name == "upload")
        told.append(asdict(CASES[name](Disk(Path(sys.argv[1]) / name, size), Path(sys.argv[2]))))
    print(json.dumps(told))
