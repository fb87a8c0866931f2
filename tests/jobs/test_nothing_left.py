"""After a deletion no frame is left: the bytes of the recording are searched for in every file of the library, after a
session is deleted in the middle of its jobs, and after everything of a person is."""

import os
import random
import subprocess
import time
from datetime import UTC, date, datetime

import pytest

from cues.jobs.probing import start_probe
from cues.jobs.queue import progress, queue_job
from cues.jobs.starting import start_coordinator
from cues.jobs.tidying import tidy
from cues.library.accounts import Roles, create_account
from cues.library.consents import ANALYSIS, enter_consent, withdraw
from cues.library.folders import make_session_folder, remove_session_folder, session_folder
from cues.library.incoming import Incoming, create_upload, open_chunk
from cues.library.models import JobKind, Recording
from cues.library.person import delete_person
from cues.library.retention import delete_left_files, remove_orphans
from cues.library.sessions import create_session
from tests.sample_clip import first_seconds

DAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """A recording that browsers cannot play, so that it is copied; bytes that stand in it and nowhere else."""
    folder = tmp_path_factory.mktemp("recording")
    clip = first_seconds(folder / "clip.mp4", 60)  # long enough to be met in the middle of its copy
    subprocess.run(["ffmpeg", "-v", "error", "-i", clip, "-c", "copy", folder / "clip.mkv"], check=True)
    content = (folder / "clip.mkv").read_bytes()
    chance = random.Random(1)
    return content, [content[at : at + 24] for at in (chance.randrange(2000, len(content) - 24) for _ in range(60))]


@pytest.fixture
def trainee(library):
    with library.writing() as db:
        create_account(db, "adm@example.org", "Adm", Roles(administrator=True))
        return create_account(db, "ada@example.org", "Ada", Roles(trainee=True))


def add(library, trainee, content):
    with library.writing() as db:
        session = create_session(db, trainee, "A session", DAY, "auto", None)
        consents = [enter_consent(db, session, p, [ANALYSIS], DAY, None, trainee.id) for p in ("Ada", "Cleo")]
        stored = {"file_name": "a.mkv", "stored_as": "recording-1.mkv", "sha256": "0" * 64, "size": len(content)}
        db.add(Recording(session_id=session.id, position=0, **stored))
        db.flush()
        found = session.id, consents[0].id
    (make_session_folder(library.folder, found[0]) / "recording-1.mkv").write_bytes(content)
    return found


def holding(library, marks):
    """Files of the library in which bytes of the recording, or a picture of any kind, can be read."""
    found = []
    for path in library.folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            if any(mark in content for mark in marks) or content[:3] == b"\xff\xd8\xff" or b"ftyp" in content[:16]:
                found.append(path)
    return found


def eventually(condition, seconds=1200):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_a_withdrawal_in_the_middle_of_an_analysis_and_a_deletion_in_the_middle_of_a_copy_leave_no_byte(
    library, trainee, recording
):
    content, marks = recording
    session_id, consent_id = add(library, trainee, content)
    assert holding(library, marks)
    folder = session_folder(library.folder, session_id)
    job_id = queue_job(library, session_id, JobKind.ANALYSIS)
    coordinator = start_coordinator(library.folder, None, "--workers", "1", "--lease-s", "3")
    try:
        eventually(lambda: list(folder.glob(".partial/*/*")))
        start_probe(folder, folder / "recording-1.mkv")
        with library.writing() as db:
            withdraw(db, trainee, session_id, consent_id)
        remove_session_folder(library.folder, session_id)
        other, _ = add(library, trainee, content)  # the coordinator goes on with the next one: it has let go of this
        next_job = queue_job(library, other, JobKind.REVIEW_COPY)
        eventually(lambda: progress(library, next_job).stage == "copy")
        eventually(lambda: list(session_folder(library.folder, other).glob(".review*")))
        assert job_id and not folder.exists()
        delete_person(library, trainee, trainee.id)
        eventually(lambda: not list((library.folder / "sessions").iterdir()))
    finally:
        coordinator.stdin.close()
        coordinator.wait(120)
    time.sleep(2)  # a short look that was still writing
    assert holding(library, marks) == []


def test_of_a_person_nothing_is_left_wherever_it_lay(library, trainee, recording):
    content, marks = recording
    add(library, trainee, content)
    incoming = Incoming(library.folder / "incoming", reserve_bytes=0)
    for whole in (True, False):
        upload = create_upload(incoming, trainee.id, len(content), "a.mkv")
        chunk = open_chunk(incoming, upload.id, 0, None)
        chunk.write(content if whole else content[:-1000])
        chunk.keep()
        if whole:
            chunk.finish()
        chunk.close()
    for place in (f"checks/{trainee.id}/test.mkv", f"handed-over/{trainee.id}.cues"):
        (library.folder / place).parent.mkdir(parents=True)
        (library.folder / place).write_bytes(content)
    assert len(holding(library, marks)) == 5
    delete_person(library, trainee, trainee.id)
    assert holding(library, marks) == []


def test_what_a_process_left_that_died_in_a_deletion_is_removed_by_the_coordinator(library, trainee, recording):
    content, marks = recording
    session_id, consent_id = add(library, trainee, content)
    kept, _ = add(library, trainee, b"another")
    with library.writing() as db:
        withdraw(db, trainee, session_id, consent_id)  # and the process dies before it removes the files
    incoming = Incoming(library.folder / "incoming", reserve_bytes=0)
    upload = create_upload(incoming, 4711, 10, "a.mkv")
    (incoming.folder / f"{upload.id}.part").write_bytes(content)
    assert remove_orphans(library, datetime.now(UTC)) == [] and len(holding(library, marks)) == 1
    assert delete_left_files(library) == [session_id]
    old = time.time() - 7200
    folder = make_session_folder(library.folder, session_id)
    (folder / "review.mp4").write_bytes(content)
    for path in (folder / "review.mp4", folder):
        os.utime(path, (old, old))
    tidy(library)
    assert holding(library, marks) == [] and session_folder(library.folder, kept).exists()
