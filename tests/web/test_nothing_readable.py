"""The application on an encrypted library: a recording comes in, is analysed, copied, played and packed, and at no time
is a byte of it readable on the disk; without the key, or with another one, nothing starts."""

import base64
import os
import random
import subprocess
import sys
import threading
import time
import zipfile
from contextlib import suppress
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
import requests

from cues.encryption import keys
from cues.encryption.at_rest import kept_bytes, read_kept
from cues.encryption.keys import KEY_FILE, write_key_file
from cues.jobs.queue import progress, queue_job
from cues.library.accounts import owner_of_library
from cues.library.consents import USUAL, enter_consent
from cues.library.database import open_library
from cues.library.folders import review_copy, session_folder
from cues.library.models import JobKind, JobState, PracticeSession
from cues.library.person import write_everything
from cues.library.sessions import create_session
from tests.sample_clip import first_seconds
from tests.web.running_app import ROOT, RunningApp

SECONDS = 4
TUS = {"Tus-Resumable": "1.0.0"}
SIGNATURES = (b"\x1a\x45\xdf\xa3", b"ftypisom", b"\xff\xd8\xff\xe0\x00\x10JFIF")
"""How a Matroska file, an mp4 and a JPEG begin."""


class Searcher:
    """Reads every file below some folders again and again; `found` is what could be read in them."""

    def __init__(self, marks, folders):
        self.marks, self.folders, self.found, self.rounds = marks, folders, set(), 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._search, daemon=True)
        self._thread.start()

    def _search(self):
        while not self._over.wait(0.2):
            self.look()
            self.rounds += 1

    def look(self):
        for folder in self.folders:
            for path in files_below(folder):
                try:
                    content = path.read_bytes()
                except OSError:
                    continue
                if any(mark in content for mark in self.marks) or any(sign in content[:16] for sign in SIGNATURES):
                    self.found.add(str(path))

    def end(self):
        self._over.set()
        self._thread.join()
        self.look()


def files_below(folder):
    """All files, while others come and go."""
    for place, _, names in os.walk(folder):
        yield from (Path(place) / name for name in names)


def open_elsewhere(app, place):
    """Files outside of the library that the application and the processes it started hold open where temporary files
    lie; but the memory in which a coordinator's workers count."""
    children = Path(f"/proc/{app.process.pid}/task/{app.process.pid}/children").read_text().split()
    found = set()
    for process in (app.process.pid, *children):
        for handle in Path(f"/proc/{process}/fd").iterdir():
            with suppress(OSError):
                found.add(str(handle.readlink()))
    temporary = {path for path in found if path.startswith(("/tmp/", "/var/tmp/", "/dev/shm/"))}
    return {path for path in temporary if not path.startswith((f"{place}/", "/dev/shm/pym-"))}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A folder with the key and an empty one for temporary files; this process has the key."""
    monkeypatch.setattr(keys, "_unlocked", {})
    write_key_file(tmp_path / "key")
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv(KEY_FILE, str(tmp_path / "key"))
    return tmp_path


def uploaded(app, visitor, path, session_id):
    data = path.read_bytes()
    told = f"filename {base64.b64encode(b'call.mkv').decode()},session {base64.b64encode(session_id.encode()).decode()}"
    made = visitor.post(
        f"{app.address}/api/uploads", headers=TUS | {"Upload-Length": str(len(data)), "Upload-Metadata": told}
    )
    assert made.status_code == 201, made.text
    sent, kind = 0, {"Content-Type": "application/offset+octet-stream"}
    while sent < len(data):
        piece = data[sent : sent + 300_001]
        address = app.address + made.headers["Location"]
        done = visitor.patch(address, data=piece, headers=TUS | kind | {"Upload-Offset": str(sent)})
        assert done.status_code == 204, done.text
        sent += len(piece)
    return data


def done(library, job_id):
    end = time.monotonic() + 300
    while (job := progress(library, job_id)).state not in (JobState.DONE, JobState.FAILED):
        assert time.monotonic() < end, "the job did not end"
        time.sleep(0.3)
    assert job.state == JobState.DONE, job.problem


def test_from_upload_to_playback_no_byte_of_a_recording_is_readable_on_the_disk(place):
    clip = first_seconds(place / "clip.mp4", SECONDS)
    recording = place / "call.mkv"
    subprocess.run(["ffmpeg", "-v", "error", "-i", clip, "-c", "copy", recording], check=True)
    content = recording.read_bytes()
    chance = random.Random(1)
    marks = [content[at : at + 24] for at in (chance.randrange(2000, len(content) - 24) for _ in range(60))]
    mask = os.umask(0)  # permissions must not depend on what the shell that started it has
    try:
        app = RunningApp(place / "library", TMPDIR=str(place / "temporary"), CUES_WORKERS="1")
    finally:
        os.umask(mask)
    searcher = Searcher(marks, [place / "library", place / "temporary"])
    try:
        visitor = requests.Session()
        assert visitor.get(app.sign_in).ok
        library = open_library(app.library)
        with library.writing() as db:
            me = owner_of_library(db)
            session_id = create_session(db, me, "Encrypted", date.today(), "auto", None).id
            session = db.get_one(PracticeSession, session_id)
            for person in ("Ada", "Cleo"):
                enter_consent(db, session, person, list(USUAL), date.today(), None, me.id)
        uploaded(app, visitor, recording, session_id)
        copied = queue_job(library, session_id, JobKind.REVIEW_COPY)
        done(library, queue_job(library, session_id, JobKind.ANALYSIS))
        done(library, copied)
        played = f"{app.address}/api/sessions/{session_id}/video/0"
        copy = review_copy(app.library, session_id)
        whole = read_kept(copy)
        assert kept_bytes(copy) == len(whole) and whole[4:8] == b"ftyp"
        assert visitor.get(played).content == whole
        for begin, end in ((0, 99), (65_530, 65_541), (len(whole) - 50, len(whole) - 1), (70_000, 250_000)):
            answer = visitor.get(played, headers={"Range": f"bytes={begin}-{end}"})
            assert answer.status_code == 206 and answer.content == whole[begin : end + 1]
            assert answer.headers["Content-Range"] == f"bytes {begin}-{end}/{len(whole)}"
        portrait = visitor.get(f"{app.address}/api/sessions/{session_id}/person/1")
        assert portrait.content.startswith(b"\xff\xd8") and portrait.headers["Content-Type"] == "image/jpeg"
        assert visitor.get(f"{app.address}/api/sessions/{session_id}/still/0/2000").content.startswith(b"\xff\xd8")
        write_everything(library, me.id, place / "library" / "archive.zip")
        with zipfile.ZipFile(BytesIO(read_kept(place / "library" / "archive.zip"))) as archive:
            name = next(name for name in archive.namelist() if name.endswith("recording-1.mkv"))
            assert archive.read(name) == content
        assert open_elsewhere(app, place) == set()
        library.close()
    finally:
        searcher.end()
        app.end()
    assert searcher.rounds > 10 and searcher.found == set()
    assert read_kept(session_folder(app.library, session_id) / "recording-1.mkv") == content
    loose = [str(path) for path in app.library.rglob("*") if path.stat().st_mode & 0o077]
    assert loose == [] and app.library.stat().st_mode & 0o077 == 0
    assert searcher_finds(marks, recording)


def searcher_finds(marks, recording):
    """The search finds what is readable: the recording itself."""
    searcher = Searcher(marks, [recording.parent])
    searcher.end()
    return str(recording) in searcher.found


@pytest.mark.parametrize(
    ("given", "said"), [("none", "give their key by"), ("wrong", "is not the one of this library")]
)
def test_without_the_key_or_with_another_one_the_application_says_so_and_does_not_start(place, given, said):
    open_library(place / "library").close()
    environment = {name: value for name, value in os.environ.items() if name != KEY_FILE}
    environment |= {"CUES_LIBRARY": str(place / "library")}
    if given == "wrong":
        write_key_file(place / "wrong")
        environment[KEY_FILE] = str(place / "wrong")
    commands = [["app.py"], *([["-m", "cues.jobs.coordinator", str(place / "library")]] if given == "none" else [])]
    for command in commands:
        ended = subprocess.run(
            [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120
        )
        told = (ended.stdout + ended.stderr).strip()
        assert ended.returncode != 0 and said in told and "Traceback" not in told and "sign-in" not in told
