"""The clock is put back, or forward and back, under real processes: faketime stands in front of the system's clock."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.faults.outcomes import Outcome

ROOT = Path(__file__).resolve().parents[2]
_HEAD = """
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from sqlalchemy import select
from cues.errors import CuesError
from cues.jobs.queue import claim, finish_job, progress, queue_job, renew
from cues.library.accounts import *
from cues.library.accounts import note_seen, to_be_noted_as_seen
from cues.library.database import open_library
from cues.library.models import *
from cues.library.retention import delete_expired
from cues.library.sessions import create_session
library = open_library(Path(sys.argv[1]))
kept = Path(sys.argv[1]) / "token"
"""
MAKE = """
with library.writing() as db:
    ada = create_account(db, "ada@example.org", "Ada", Roles(trainee=True))
    set_password(db, ada, "a long password of Ada's")
    kept.write_text(begin_sign_in(db, ada, "here"))
    session = create_session(db, ada, "A session", date.today(), "auto", date.today() + timedelta(days=1)).id
job = queue_job(library, session, JobKind.ANALYSIS)
assert claim(library, "dead:1", 30.0) == job
for _ in range(8):
    check_password(library, "ada@example.org", "wrong", "there")
print("made")
"""
CASES: dict[str, tuple[str, str, str, str]] = {
    "a job whose coordinator died": (
        "-1h",
        "job = progress(library, 1); claim(library, 'next:1', 30.0)\n"
        "with library.reading() as db: until = db.get_one(Job, 1).lease_until\n"
        "print(job.state, (until - now()).total_seconds() < 31)",
        "running True",
        "goes on within the length of a lease, not when the clock is there again",
    ),
    "a job that somebody works on": (
        "-1h",
        "assert claim(library, 'second:1', 30.0) is None; "
        "print(renew(library, 1, 'dead:1', 30.0, 'people', .5).value, claim(library, 'second:1', 30.0))",
        "held None",
        "is not run twice",
    ),
    "a sign-in that is in use, an hour": (
        "-1h",
        "with library.writing() as db:\n"
        "    one = signed_in(db, kept.read_text()); assert to_be_noted_as_seen(one)\n"
        "    note_seen(db, kept.read_text()); print((one.created - now()).total_seconds() < 1)",
        "True",
        "lasts no longer than one that begins now",
    ),
    "a sign-in, a day": (
        "-24h",
        "with library.reading() as db: print(signed_in(db, kept.read_text()))",
        "None",
        "has ended: nobody can tell how old it is",
    ),
    "the limit on attempts, ten minutes": (
        "-10m",
        "\ntry: check_password(library, 'ada@example.org', \"a long password of Ada's\", 'there'); print('in')"
        "\nexcept CuesError as problem: print(str(problem).split('.')[0])",
        "Too many attempts",
        "still holds",
    ),
    "the limit on attempts, a day": (
        "-24h",
        "print(check_password(library, 'ada@example.org', \"a long password of Ada's\", 'there').name)",
        "Ada",
        "does not keep anybody out for a day",
    ),
    "a session that is kept until tomorrow": (
        "-24h",
        "print(delete_expired(library, datetime.now(UTC).date()))",
        "[]",
        "is not deleted before its day",
    ),
}


def soak(folder: Path, clip: Path, rounds: int, seed: int) -> Iterator[Outcome]:  # noqa: ARG001
    """Every case once."""
    if shutil.which("faketime") is not None:
        yield from cases(folder)


def cases(folder: Path, *only: str) -> Iterator[Outcome]:
    """The cases, or those that are named; each on a library of its own."""
    made = folder / "clock"
    assert _run([], made, MAKE) == "made"
    for number, (what, (by, code, wanted, held)) in enumerate(CASES.items()):
        if only and what not in only:
            continue
        place = folder / f"clock-{number}"
        shutil.copytree(made, place)
        said = _run(["faketime", "-f", by], place, code)
        outcome = Outcome(f"clock put back: {what}", on_disk="rows of a time that has not come", seen=held)
        outcome.restart = "none is needed"
        outcome.check(said == wanted, f"it says {said!r}")
        yield outcome


def _run(before: list[str], place: Path, code: str) -> str:
    command = [*before, sys.executable, "-c", _HEAD + code, str(place)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    return done.stdout.strip() if done.returncode == 0 else done.stderr.strip().splitlines()[-1]
