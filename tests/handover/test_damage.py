"""What a hand-over file can be that it should not: cut off, changed, mixed up, locked with something else, or rightly
locked and meant ill. Nothing of it comes in, and nothing is left behind."""

import errno
import json
import os
import signal
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import select

from cues.handover import opening, sealing
from cues.handover.contents import manifest_json
from cues.handover.opening import finish_interrupted, look, open_file
from cues.handover.sealing import Damaged, HandoverError, NewerVersion, Sealer, Unsealer, WrongPassphrase
from cues.library.folders import session_folder
from cues.library.models import Account, Comment, PracticeSession
from cues.library.session_folder import read_session
from cues.library.work_folders import WorkFolder, leftovers
from tests.handover.two_libraries import PASSPHRASE, analysed_session, side

ROOT = Path(__file__).resolve().parents[2]
HEAD = 39 + 32
CHUNK = 1 << 16
SEALED = CHUNK + 16


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A whole file in chunks of 64 kB, and what it says."""
    folder = tmp_path_factory.mktemp("ada")
    ada = side(folder / "library", "Ada", trainee=True)
    session = analysed_session(ada, os.urandom(3 * CHUNK), minutes=1.0)
    file = ada.pack(session, folder / "whole.cues", video=True, chunk_bytes=CHUNK)
    ada.library.close()
    return file.read_bytes(), look(file, PASSPHRASE)


@pytest.fixture
def eva(tmp_path):
    made = side(tmp_path / "eva", "Eva", supervisor=True)
    yield made
    made.library.close()


def everything(library):
    """All files of a library but the database's own, and how many rows its tables have."""
    files = {p.relative_to(library.folder) for p in library.folder.rglob("*") if p.is_file()}
    with library.reading() as db:
        rows = [len(list(db.scalars(select(table)))) for table in (Account, PracticeSession, Comment)]
    return {f for f in files if not f.name.startswith("library.db")}, rows


def refused(eva, content, tmp_path, kind=Damaged, passphrase=PASSPHRASE):
    file = tmp_path / "file.cues"
    file.write_bytes(content)
    before = everything(eva.library)
    with pytest.raises(kind) as said:
        open_file(eva.library, eva.me, file, passphrase)
    assert everything(eva.library) == before == (set(), [1, 0, 0])
    return str(said.value)


def sealed(content, passphrase=PASSPHRASE, chunk_bytes=CHUNK):
    """Any content, rightly locked."""
    path = Path(os.environ["PYTEST_TMP"]) / "sealed"
    with path.open("wb") as file:
        sealer = Sealer(file, passphrase, chunk_bytes)
        sealer.write(content)
        sealer.finish()
    return path.read_bytes()


def opened(content):
    unsealer = Unsealer(BytesIO(content), PASSPHRASE)
    read = b"".join(iter(lambda: unsealer.read(CHUNK), b""))
    unsealer.finish()
    return read


@pytest.fixture(autouse=True)
def _place(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_TMP", str(tmp_path))


@pytest.mark.usefixtures("weak")
def test_lengths_around_a_chunk_come_back_as_they_were():
    for length in (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7):
        content = os.urandom(length)
        assert opened(sealed(content)) == content


@pytest.mark.usefixtures("weak")
def test_two_files_of_the_same_content_have_nothing_in_common():
    one, other = sealed(bytes(100)), sealed(bytes(100))
    assert one[HEAD:] != other[HEAD:] and one[16:HEAD] != other[16:HEAD]


@pytest.mark.usefixtures("weak")
def test_a_file_that_was_cut_off_is_noticed(made, eva, tmp_path):
    whole, _ = made
    refused(eva, whole[:-1], tmp_path)
    refused(eva, whole[:HEAD], tmp_path)
    refused(eva, whole[:20], tmp_path)
    assert "no hand-over file" in refused(eva, b"", tmp_path, HandoverError)
    content = os.urandom(4 * CHUNK + 100)
    short = sealed(content)
    for cut in range(5):
        for beside in (-1, 0, 1):
            with pytest.raises(Damaged):
                opened(short[: max(HEAD + cut * SEALED + beside, HEAD)])
    # At a boundary, all that is left is whole by itself: only that it is not the last chunk says so.
    refused(eva, whole[: HEAD + (len(whole) - HEAD) // SEALED * SEALED], tmp_path)


@pytest.mark.usefixtures("weak")
def test_one_changed_bit_anywhere_is_noticed():
    content = os.urandom(3 * CHUNK + 100)
    whole = sealed(content)
    for place in [*range(HEAD), *range(HEAD, len(whole), 9973), len(whole) - 1]:
        changed = bytearray(whole)
        changed[place] ^= 1 << (place % 8)
        with pytest.raises((HandoverError, WrongPassphrase, NewerVersion)):
            opened(bytes(changed))


@pytest.mark.usefixtures("weak")
def test_chunks_that_changed_places_are_noticed(made, eva, tmp_path):
    content, other = os.urandom(3 * CHUNK), os.urandom(3 * CHUNK)
    whole, second = sealed(content), sealed(other)
    chunks = [whole[HEAD + k * SEALED : HEAD + (k + 1) * SEALED] for k in range(3)]
    foreign = second[HEAD : HEAD + SEALED]
    for order in (
        [chunks[1], chunks[0], chunks[2]],
        [chunks[0], chunks[0], chunks[2]],
        [chunks[0], chunks[2]],
        [*chunks, chunks[2]],
        [foreign, chunks[1], chunks[2]],
        [*chunks, b"x"],
    ):
        with pytest.raises(Damaged):
            opened(whole[:HEAD] + b"".join(order))
    assert opened(whole[:HEAD] + b"".join(chunks)) == content
    file = made[0]
    refused(eva, file[: HEAD + SEALED] + file[HEAD + 2 * SEALED :], tmp_path)


def test_a_wrong_passphrase_and_a_newer_version_are_told(made, eva, tmp_path):
    whole, _ = made
    assert "passphrase does not fit" in refused(eva, whole, tmp_path, WrongPassphrase, "another passphrase")
    newer = whole[:8] + b"\x02" + whole[9:]
    assert "newer version" in refused(eva, newer, tmp_path, NewerVersion)


def test_what_a_header_asks_for_is_bounded(made, eva, tmp_path, monkeypatch):
    """2^40 steps of scrypt, or a chunk of 4 GB: nothing is computed or reserved."""
    monkeypatch.setattr(sealing, "stretched", lambda *_: pytest.fail("a key was derived"))
    whole, _ = made
    for place, value in ((9, 40), (9, 1), (10, 255), (11, 200), (11, 0), (12, 255)):
        changed = bytearray(whole)
        changed[place] = value
        refused(eva, bytes(changed), tmp_path)


def tar_of(*entries):
    """A tar of (name, content), or of (TarInfo, content)."""
    out = BytesIO()
    for name, content in entries:
        info = name
        if isinstance(name, str):
            info = tarfile.TarInfo(name)
            info.size = len(content)
        out.write(info.tobuf(tarfile.GNU_FORMAT))
        out.write(content + bytes(-len(content) % 512))
    return out.getvalue() + bytes(1024)


def changed(manifest, **values):
    return json.dumps({**json.loads(manifest_json(manifest)), **values}).encode()


@pytest.mark.parametrize(
    "files",
    [
        [{"name": "../library.db", "size": 3}],
        [{"name": "/etc/passwd", "size": 3}],
        [{"name": "recording-1.mp4/x", "size": 3}],
        [{"name": "..", "size": 3}],
        [{"name": "session.json", "size": 3}],
        [{"name": "library.db", "size": 3}],
        [{"name": "sound.parquet", "size": 10**15}],
        [{"name": "sound.parquet", "size": -1}],
        [{"name": "sound.parquet", "size": 3}, {"name": "sound.parquet", "size": 3}],
    ],
)
@pytest.mark.usefixtures("weak")
def test_a_rightly_locked_file_brings_only_what_is_expected(made, eva, tmp_path, files):
    said = changed(made[1], files=files)
    refused(eva, sealed(tar_of(("manifest.json", said), *((f["name"], b"abc") for f in files))), tmp_path)


@pytest.mark.usefixtures("weak")
def test_entries_of_other_kinds_and_sizes_end_the_reading(made, eva, tmp_path):
    said = changed(made[1], files=[{"name": "sound.parquet", "size": 3}])
    huge = tarfile.TarInfo("sound.parquet")
    huge.size = 1 << 50
    link = tarfile.TarInfo("sound.parquet")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    header = tarfile.TarInfo("sound.parquet")
    header.type, header.size = tarfile.XHDTYPE, 1 << 40
    for entry in (huge, link, header, "another.parquet"):
        refused(eva, sealed(tar_of(("manifest.json", said), (entry, b"abc"))), tmp_path)
    refused(eva, sealed(tar_of(("manifest.json", said), ("sound.parquet", b"abc"), ("more", b""))), tmp_path)
    refused(eva, sealed(tar_of(("manifest.json", said), ("sound.parquet", b"abc"))), tmp_path)  # no tables
    first = tarfile.TarInfo("manifest.json")
    first.size = 1 << 40
    refused(eva, sealed(tar_of((first, b"{}"))), tmp_path)
    refused(eva, sealed(b"x" * 5000), tmp_path)


@pytest.mark.usefixtures("weak")
def test_a_manifest_says_nothing_that_this_tool_would_not_write(made, eva, tmp_path):
    _, manifest = made
    good = json.loads(manifest_json(manifest))
    uid, person = "ab" * 16, good["people"][0]["uid"]
    comment = {
        "uid": uid, "author": person, "start": 1.0, "end": None, "cue": None, "thread": None, "thread_author": None,
        "text": "x", "created": "2026-11-20T10:00:00Z", "edited": None,
    }  # fmt: skip
    bad = [
        {"comments": [{**comment, "text": "x" * 5000}]},
        {"comments": [{**comment, "start": -1.0}]},
        {"comments": [{**comment, "start": 1e300}]},
        {"comments": [{**comment, "end": 0.5}]},
        {"comments": [{**comment, "cue": "heart rate"}]},
        {"comments": [{**comment, "author": "cd" * 16}]},
        {"comments": [{**comment, "created": "2026-11-20T10:00:00"}]},
        {"comments": [{**comment, "more": 1}]},
        {"comments": [comment] * 20_001},
        {"session": {**good["session"], "id": "../../x"}},
        {"session": {**good["session"], "title": "x" * 201}},
        {"people": []},
        {"recordings": [{**good["recordings"][0], "stored_as": "../x.mp4"}]},
        {"recordings": [{**good["recordings"][0], "stored_as": "library.db"}]},
        {"sender": "cd" * 16},
        {"format": 0},
    ]
    for values in bad:
        refused(eva, sealed(tar_of(("manifest.json", changed(manifest, **values)))), tmp_path)
    deep = b'{"format":' + b"[" * 200_000
    refused(eva, sealed(tar_of(("manifest.json", deep))), tmp_path)
    newer = sealed(tar_of(("manifest.json", changed(manifest, format=2, added="later"))))
    assert "newer version" in refused(eva, newer, tmp_path, NewerVersion)


@pytest.mark.usefixtures("weak")
def test_tables_that_are_none_of_this_tools_are_refused(made, eva, tmp_path, monkeypatch):
    whole, manifest = made
    with tarfile.open(fileobj=BytesIO(opened(whole))) as inside:  # with the passphrase it is a tar like any other
        contents = {m.name: inside.extractfile(m).read() for m in inside}
    out = BytesIO()
    pq.write_table(pa.table({"time": pa.array([0.0])}), out)
    for name, content in (
        ("observations.parquet", b"PAR1 no"),
        ("observations.parquet", out.getvalue()),
        ("scene.parquet", out.getvalue()),
        ("corrections.json", b'{"schema": 1, "corrections": [{"kind": "trainee", "person": 9}]}'),
        ("corrections.json", b"[" * 100_000),
    ):
        other = {**contents, name: content}
        files = [{"name": f.name, "size": len(other[f.name])} for f in manifest.files]
        said = changed(manifest, files=files)
        rest = [(f["name"], other[f["name"]]) for f in files]
        refused(eva, sealed(tar_of(("manifest.json", said), *rest)), tmp_path)
    good = [(name, contents[name]) for name in ("manifest.json", *(f.name for f in manifest.files))]
    refused(eva, sealed(tar_of(*good) + b"more"), tmp_path)
    link = tarfile.TarInfo("corrections.json")
    link.type, link.size, link.linkname = tarfile.SYMTYPE, len(contents["corrections.json"]), "/etc/passwd"
    refused(eva, sealed(tar_of(*((link if name == link.name else name, what) for name, what in good))), tmp_path)
    monkeypatch.setattr(opening, "_ROWS_MOST", 10)
    refused(eva, whole, tmp_path)


def test_a_full_disk_leaves_nothing(made, eva, tmp_path, monkeypatch):
    whole, _ = made
    real = Path.open

    def full(path, mode="r", *more, **named):
        if path.name == "scene.parquet" and "x" in mode:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(path, mode, *more, **named)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", full)
        assert "disk" in refused(eva, whole, tmp_path, HandoverError)
    monkeypatch.setattr(opening.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 1000}))
    assert "disk" in refused(eva, whole, tmp_path, HandoverError)


OPENING = """
import sys, time
from pathlib import Path
from sqlalchemy import select
from cues.handover import opening
from cues.library.database import open_library
from cues.library.models import Account
library = open_library(Path(sys.argv[1]))
with library.reading() as db:
    me = db.scalars(select(Account)).one()
def wait(*_):
    print("here", flush=True)
    time.sleep(600)
if sys.argv[4] == "while it is read":
    opening.open_file(library, me, Path(sys.argv[2]), sys.argv[3], progress=lambda share: share > 0.4 and wait())
elif sys.argv[4] == "before the rows":
    opening.merge_rows = wait
else:
    opening._move = wait
opening.open_file(library, me, Path(sys.argv[2]), sys.argv[3])
"""


@pytest.mark.parametrize("when", ["while it is read", "before the rows", "behind the rows"])
def test_a_killed_process_leaves_all_or_nothing(made, eva, tmp_path, when):
    file = tmp_path / "file.cues"
    file.write_bytes(made[0])
    before = everything(eva.library)
    started = subprocess.Popen(
        [sys.executable, "-c", OPENING, str(eva.library.folder), str(file), PASSPHRASE, when],
        cwd=ROOT,
        stdout=subprocess.PIPE,
    )
    assert started.stdout is not None and started.stdout.readline() == b"here\n"
    finish_interrupted(eva.library)  # somebody else looks meanwhile: what is held is left alone
    assert len(list((eva.library.folder / "work").iterdir())) == 1
    started.send_signal(signal.SIGKILL)
    started.wait(20)
    assert len(everything(eva.library)[0]) >= 1
    finish_interrupted(eva.library)
    assert list((eva.library.folder / "work").iterdir()) == []
    if when == "behind the rows":
        folder = session_folder(eva.library.folder, made[1].session.id)
        assert read_session(folder) and (folder / "recording-1.mp4").stat().st_size == 3 * CHUNK
    else:
        assert everything(eva.library) == before
        assert eva.open(file).new_session


def test_a_work_folder_is_a_leftover_only_when_nobody_holds_it(tmp_path):
    with WorkFolder(tmp_path) as work:
        (work.path / "x").write_text("x")
        assert list(leftovers(tmp_path)) == []
    assert not work.path.exists()
    work.path.mkdir()
    assert list(leftovers(tmp_path)) == [work.path]


PACKING = """
import sys
from pathlib import Path
from sqlalchemy import select
from cues.handover.opening import open_file
from cues.handover.packing import pack
from cues.library.database import open_library
from cues.library.models import Account, PracticeSession
ada, eva, file, passphrase = open_library(Path(sys.argv[1])), open_library(Path(sys.argv[2])), *sys.argv[3:5]
for library in (ada, eva):
    with library.reading() as db:
        me = db.scalars(select(Account).order_by(Account.id)).first()
        session = db.scalars(select(PracticeSession.id)).first()
    if library is ada:
        pack(library, me, session, passphrase, Path(file), video=True)
    else:
        open_file(library, me, Path(file), passphrase)
# Of this program alone: what `getrusage` tells begins with the process that started it.
print(next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")))
"""


def test_memory_does_not_grow_with_the_recording(tmp_path):
    peaks = []
    for megabytes in (50, 300):
        place = tmp_path / str(megabytes)
        ada, eva = side(place / "ada", "Ada", trainee=True), side(place / "eva", "Eva", supervisor=True)
        session = analysed_session(ada, b"x", minutes=1.0)
        recording = session_folder(ada.library.folder, session) / "recording-1.mp4"
        with recording.open("wb") as file:
            for _ in range(megabytes):
                file.write(os.urandom(1 << 20))
        command = [ada.library.folder, eva.library.folder, place / "file.cues", PASSPHRASE]
        ran = subprocess.run([sys.executable, "-c", PACKING, *map(str, command)], cwd=ROOT, capture_output=True)
        assert ran.returncode == 0, ran.stderr.decode()
        there = session_folder(eva.library.folder, session) / "recording-1.mp4"
        assert there.stat().st_size == megabytes << 20
        with there.open("rb") as one, recording.open("rb") as other:
            assert one.read(1 << 20) == other.read(1 << 20)
        peaks.append(int(ran.stdout) / 1024)
        ada.library.close()
        eva.library.close()
    print("peaks [MB]:", peaks)
    assert peaks[1] < peaks[0] + 30
