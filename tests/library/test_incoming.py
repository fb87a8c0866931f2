"""Uploads on disk: real files, real limits of the system."""

import hashlib
import os
import resource
import stat
import subprocess
import sys
from datetime import timedelta

import pytest

from cues.library import incoming as on_disk
from cues.library.incoming import Incoming, create_upload, find_upload, open_chunk, safe_file_name
from cues.library.models import now
from tests.library.sent_chunk import add

ANA, BEN = 1, 2
DATA = os.urandom(3_000_000)


@pytest.fixture
def incoming(tmp_path):
    return Incoming(tmp_path / "incoming", largest_bytes=10**7, reserve_bytes=0, open_per_account=3)


def files(incoming):
    return sorted(path.name for path in incoming.folder.iterdir())


def test_an_upload_becomes_whole_with_its_last_byte_and_carries_its_hash(incoming):
    upload = create_upload(incoming, ANA, len(DATA), "session.mp4", "a" * 32)
    assert add(incoming, upload, DATA[:1000], 0).offset == 1000
    assert not find_upload(incoming, upload.id).whole
    done = add(incoming, upload, DATA[1000:], 1000)
    assert done == find_upload(incoming, upload.id)
    assert done.whole and done.sha256 == hashlib.sha256(DATA).hexdigest() and done.session_id == "a" * 32
    assert on_disk.whole_path(incoming, upload.id).read_bytes() == DATA
    assert files(incoming) == [f"{upload.id}.json", f"{upload.id}.whole"]


def test_only_the_owner_of_the_process_can_read_the_files(incoming):
    upload = create_upload(incoming, ANA, 10, "a.mp4")
    assert stat.S_IMODE(incoming.folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in incoming.folder.iterdir()} == {0o600}
    add(incoming, upload, b"0123456789", 0)
    assert {stat.S_IMODE(path.stat().st_mode) for path in incoming.folder.iterdir()} == {0o600}


def test_the_size_of_the_file_is_the_offset_even_when_a_writer_dies_in_the_middle(incoming):
    upload = create_upload(incoming, ANA, len(DATA), "a.mp4")
    dying = f"""
import os, signal
from pathlib import Path
from cues.library.incoming import Incoming, open_chunk
chunk = open_chunk(Incoming(Path({str(incoming.folder)!r}), reserve_bytes=0), {upload.id!r}, 0, None)
chunk.write(bytes(12345))
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", dying]).returncode == -9
    assert find_upload(incoming, upload.id).offset == 12345
    open_chunk(incoming, upload.id, 12345, None).close()  # and its lock went with it


def test_bytes_that_do_not_match_their_checksum_are_taken_back(incoming):
    upload = create_upload(incoming, ANA, len(DATA), "a.mp4")
    add(incoming, upload, DATA[:1000], 0)
    right = hashlib.sha256(DATA[1000:2000]).digest()
    with pytest.raises(on_disk.ChecksumMismatch):
        add(incoming, upload, DATA[1001:2001], 1000, ("sha256", right))
    assert find_upload(incoming, upload.id).offset == 1000
    assert add(incoming, upload, DATA[1000:2000], 1000, ("sha256", right)).offset == 2000


def test_one_writer_at_a_time_and_only_where_the_upload_ends(incoming):
    upload = create_upload(incoming, ANA, 100, "a.mp4")
    writer = open_chunk(incoming, upload.id, 0, None)
    with pytest.raises(on_disk.Busy):
        open_chunk(incoming, upload.id, 0, None)
    writer.close()
    for offset in (1, 100):
        with pytest.raises(on_disk.WrongOffset, match="0 bytes of this upload are there"):
            open_chunk(incoming, upload.id, offset, None)
    add(incoming, upload, bytes(100), 0)
    with pytest.raises(on_disk.WrongOffset):
        open_chunk(incoming, upload.id, 100, None)


def test_more_bytes_than_announced_are_refused(incoming):
    upload = create_upload(incoming, ANA, 100, "a.mp4")
    with pytest.raises(on_disk.TooLarge):
        add(incoming, upload, bytes(101), 0)
    assert find_upload(incoming, upload.id).offset == 0


def test_limits_are_checked_before_the_first_byte(incoming):
    with pytest.raises(on_disk.TooLarge, match=r"'a\.mp4' has 10\.0 MB; at most 10\.0 MB"):
        create_upload(incoming, ANA, 10**7 + 1, "a.mp4")
    with pytest.raises(on_disk.UploadError, match="is empty"):
        create_upload(incoming, ANA, 0, "a.mp4")
    only_video = Incoming(incoming.folder, suffixes=(".mp4",))
    with pytest.raises(on_disk.WrongKind, match=r"notes\.pdf.*\.mp4"):
        create_upload(only_video, ANA, 10, "notes.pdf")
    full = Incoming(incoming.folder, reserve_bytes=10**18)
    with pytest.raises(on_disk.DiskFull):
        create_upload(full, ANA, 10, "a.mp4")
    assert files(incoming) == []


def test_an_account_has_a_limit_of_unfinished_uploads_of_its_own(incoming):
    uploads = [create_upload(incoming, ANA, 10, f"{n}.mp4") for n in range(3)]
    with pytest.raises(on_disk.TooManyOpen):
        create_upload(incoming, ANA, 10, "more.mp4")
    theirs = create_upload(incoming, BEN, 10, "theirs.mp4")
    add(incoming, uploads[0], bytes(10), 0)
    more = create_upload(incoming, ANA, 10, "more.mp4")
    assert [u.id for u in on_disk.uploads_of(incoming, ANA)] == [u.id for u in [*uploads, more]]
    assert [u.id for u in on_disk.uploads_of(incoming, BEN)] == [theirs.id]


def test_a_disk_that_fills_up_in_the_middle_keeps_what_fitted(incoming):
    """A limit of the system on the size of a file stops the write half-way, as a full disk does."""
    upload = create_upload(incoming, ANA, len(DATA), "a.mp4")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(on_disk.DiskFull):
            add(incoming, upload, DATA, 0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert find_upload(incoming, upload.id).offset == 100_000
    assert add(incoming, upload, DATA[100_000:], 100_000).sha256 == hashlib.sha256(DATA).hexdigest()


def test_an_upload_removed_while_it_is_written_does_not_come_back(incoming):
    upload = create_upload(incoming, ANA, 10, "a.mp4")
    chunk = open_chunk(incoming, upload.id, 0, None)
    chunk.write(bytes(10))
    on_disk.remove_upload(incoming, upload.id)
    with pytest.raises(on_disk.Gone):
        chunk.finish()
    chunk.close()
    assert files(incoming) == []
    with pytest.raises(on_disk.Gone):
        open_chunk(incoming, upload.id, 10, None)


def test_a_whole_file_can_be_taken_once(incoming, tmp_path):
    upload = create_upload(incoming, ANA, 10, "a.mp4")
    done = add(incoming, upload, b"0123456789", 0)
    on_disk.take_upload(incoming, done, tmp_path / "recording.mp4")
    assert (tmp_path / "recording.mp4").read_bytes() == b"0123456789"
    assert find_upload(incoming, upload.id) is None and files(incoming) == []
    on_disk.mark_announced(incoming, done)
    assert files(incoming) == []


def test_only_what_nobody_touched_for_long_is_removed(incoming):
    old, resumed, new = (create_upload(incoming, ANA, 10, f"{n}.mp4") for n in range(3))
    long_ago = now().timestamp() - 10 * 86400
    for upload in (old, resumed):
        for path in incoming.folder.glob(f"{upload.id}*"):
            os.utime(path, (long_ago, long_ago))
    add(incoming, resumed, b"x", 0)
    leftover = incoming.folder / f"{'b' * 32}.part"  # a crash between the two files of a new upload
    leftover.touch()
    os.utime(leftover, (long_ago, long_ago))
    assert on_disk.remove_abandoned(incoming, timedelta(days=7)) == sorted([old.id, "b" * 32])
    assert {u.id for u in on_disk.uploads_of(incoming, ANA)} == {resumed.id, new.id}
    assert on_disk.remove_abandoned(Incoming(incoming.folder / "none"), timedelta(0)) == []


@pytest.mark.parametrize("wrong", ["", "../../etc/passwd", "A" * 32, "a" * 31, "a" * 33, "a" * 32 + "\n"])
def test_an_id_that_is_none_finds_nothing(incoming, wrong):
    assert find_upload(incoming, wrong) is None


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("session 3.mp4", "session 3.mp4"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ana\\call.mov", "call.mov"),
        ("a\x00b\n\x1b[31m.mp4", "ab[31m.mp4"),
        ("gnp\u202e4pm.exe", "gnp4pm.exe"),
        ("<script>alert(1)</script>.mp4", "script_.mp4"),
        ("..", "recording"),
        ("   ", "recording"),
        (".mp4", "mp4"),
        ("Übung 1 – Ana & Ben.mp4", "Übung 1 – Ana & Ben.mp4"),
        ("e\u0301.mp4", "\u00e9.mp4"),
    ],
)
def test_file_names_are_made_safe(sent, kept):
    assert safe_file_name(sent) == kept


def test_a_long_name_is_cut_at_a_letter_and_keeps_its_ending():
    name = safe_file_name("ü" * 300 + ".mp4")
    assert name.endswith("ü.mp4") and len(name.encode()) in (254, 255)
    assert len(safe_file_name("x." + "é" * 300).encode()) <= 255
