"""A library with its application running, a trainee who is signed in, and what an undisturbed run makes of a clip."""

import base64
import fnmatch
import hashlib
import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import requests
from sqlalchemy import select

from cues.jobs.probing import RESULT
from cues.jobs.queue import progress, queue_job
from cues.library.accounts import Roles, begin_sign_in, create_account, owner_of_library
from cues.library.consents import ANALYSIS, enter_consent
from cues.library.database import FILE_NAME, open_library
from cues.library.folders import session_folder
from cues.library.models import Job, JobKind, JobState, PracticeSession, Recording
from cues.library.session_folder import read_session
from cues.library.sessions import create_session
from cues.web.gate import COOKIE
from tests.faults.processes import eventually, of_library
from tests.media_made import ffmpeg
from tests.sample_clip import SAMPLE
from tests.web.running_app import RunningApp

CLIP_S = 6
DAY = date(2026, 11, 20)
TUS = {"Tus-Resumable": "1.0.0"}
ENDED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
_HALF = (".writing-*", ".written-*", "*.writing", ".review-copy-*", "*.json.new", ".partial", "provisional", "test.*")


def make_clip(path: Path) -> Path:
    """The sample's first seconds as browsers do not play them: a review copy has to be made."""
    ffmpeg("-i", SAMPLE, "-t", str(CLIP_S), "-vf", "scale=640:-2", "-c:v", "mpeg4", "-q:v", "3", "-g", "25", path)
    return path


@dataclass(frozen=True)
class Results:
    """What is compared value by value, as texts in which missing values are alike: the look, the tables, the copy."""

    look: str
    observations: str
    people: str
    minutes: str
    copy: str

    def differences(self, other: "Results") -> list[str]:
        """Names of what is not the same."""
        return [name for name in self.__dataclass_fields__ if getattr(self, name) != getattr(other, name)]


class Clinic:
    """The application on a library of its own, with the clip that its trainee records again and again."""

    def __init__(self, folder: Path, clip: Path, **settings: str) -> None:
        self.folder, self.clip = folder, clip
        self.library = open_library(folder)
        with self.library.writing() as db:
            owner_of_library(db)
            self.trainee = create_account(db, "ada@example.org", "Ada", Roles(trainee=True))
            self.cookies = {COOKIE: begin_sign_in(db, self.trainee, "127.0.0.1")}
        self.app = RunningApp(folder, CUES_WORKERS="1", **settings)

    def end(self) -> None:
        self.app.end()
        self.library.close()

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        """What the trainee's browser asks of the application."""
        headers = TUS | more.pop("headers", {})
        address = f"{self.app.address}{path}"
        return requests.request(method, address, headers=headers, cookies=self.cookies, timeout=120, **more)

    def add_session(self) -> str:
        """A session with the consents of two people and no recording."""
        with self.library.writing() as db:
            session = create_session(db, self.trainee, "A session", DAY, "auto", None)
            for person in ("Ada", "Cleo"):
                enter_consent(db, session, person, [ANALYSIS], DAY, None, self.trainee.id)
            return session.id

    def begin_upload(self, session_id: str, length: int) -> str:
        """The path of a new upload into a session."""
        said = {"filename": "Mine.avi", "session": session_id}
        told = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in said.items())
        answer = self.ask("POST", "/api/uploads", headers={"Upload-Length": str(length), "Upload-Metadata": told})
        answer.raise_for_status()
        return answer.headers["Location"]

    def send(self, upload: str, piece: bytes, offset: int) -> requests.Response:
        """One piece of it."""
        kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        return self.ask("PATCH", upload, data=piece, headers=kind)

    def uploaded(self) -> str:
        """A session into which the clip was uploaded without a fault."""
        session_id, content = self.add_session(), self.clip.read_bytes()
        self.send(self.begin_upload(session_id, len(content)), content, 0).raise_for_status()
        return session_id

    def place(self, session_id: str) -> Path:
        return session_folder(self.folder, session_id)

    def queue(self, session_id: str, kind: JobKind) -> int:
        return queue_job(self.library, session_id, kind)

    def ended(self, job_id: int) -> JobState | None:
        """How a job ended; None while it has not."""
        state = progress(self.library, job_id).state
        return state if state in ENDED else None

    def results(self, session_id: str) -> Results:
        """What is there of a session whose jobs are done."""
        folder = self.place(session_id)
        stored = read_session(folder)
        copy = folder / "review.mp4"
        return Results(
            look=(folder / RESULT).read_text() if (folder / RESULT).exists() else "",
            observations=repr(pq.read_table(folder / "observations.parquet").to_pydict()),
            people=repr(stored.summary["people"]),
            minutes=repr(stored.minutes.to_pydict()),
            copy=hashlib.sha256(copy.read_bytes()).hexdigest() if copy.exists() else "",
        )

    def undisturbed(self) -> tuple[str, Results]:
        """A session that went through everything without a fault."""
        session_id = self.uploaded()
        jobs = [self.queue(session_id, kind) for kind in (JobKind.ANALYSIS, JobKind.REVIEW_COPY)]
        states = [eventually(lambda job=job: self.ended(job)) for job in jobs]
        assert states == [JobState.DONE] * 2, [progress(self.library, job) for job in jobs]
        assert eventually((self.place(session_id) / RESULT).exists)
        return session_id, self.results(session_id)

    def faults(self) -> list[str]:
        """What is wrong with a library in which nothing is on its way."""
        found = []
        with closing(sqlite3.connect(self.folder / FILE_NAME)) as db:
            for pragma in ("integrity_check", "foreign_key_check"):
                rows = db.execute(f"PRAGMA {pragma}").fetchall()
                if rows not in ([], [("ok",)]):
                    found.append(f"the database's {pragma} says {rows[:3]}")
        with self.library.reading() as db:
            sessions = set(db.scalars(select(PracticeSession.id)))
            kept = [(r.session_id, r.stored_as, r.size, r.sha256) for r in db.scalars(select(Recording))]
            jobs = [(j.session_id, j.kind) for j in db.scalars(select(Job))]
        if len(set(jobs)) != len(jobs):
            found.append("a job is there twice")
        for session_id, stored_as, size, digest in kept:
            path = self.place(session_id) / stored_as
            if not path.exists() or path.stat().st_size != size:
                found.append("a recording of a session is not there")
            elif size < 10**7 and hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                found.append("a recording is not what was uploaded")
        there = {path.name for path in (self.folder / "sessions").glob("*")}
        found += ["files of a session that is not there"] * bool(there - sessions)
        if not eventually(self._only_application, 240):  # a look may take three minutes before it is ended
            found.append(f"processes left: {sorted(of_library(self.folder).values())}")
        if not eventually(lambda: not self._half_files(), 120):  # removed right after a job's end
            found += [f"left behind: {name}" for name in self._half_files()]
        return found

    def _only_application(self) -> bool:
        """Whether one web server and one coordinator run, and nothing that works for them."""
        roles = of_library(self.folder).values()
        return sorted(role for role in roles if role != "other") == ["coordinator", "web server"]

    def _half_files(self) -> list[str]:
        """Patterns of names that are there. `rglob` raises where a folder is removed while it is gone through."""
        names = {name for _, folders, files in os.walk(self.folder) for name in (*folders, *files)}
        return sorted(pattern for pattern in _HALF if fnmatch.filter(names, pattern))
