"""Uploads into an encrypted library: nothing of them is readable on the disk at any time, and none of it is lost."""

import hashlib
import os
import random
import signal
import subprocess
import sys

import pytest

from cues.encryption.at_rest import read_kept
from cues.encryption.keys import begin_encryption, given_key
from cues.encryption.sealed_file import CHUNK_BYTES
from cues.library import incoming as on_disk
from cues.library.incoming import ChecksumMismatch, Incoming, create_upload, find_upload, open_chunk, remove_upload
from tests.encryption.conftest import key_file
from tests.library.sent_chunk import add

__all__ = ["key_file"]
MARK = b"a frame of somebody's face"
DATA = (MARK + random.Random(3).randbytes(974)) * 700


@pytest.fixture
def incoming(tmp_path, key_file):  # noqa: ARG001  # the key is given
    library = tmp_path / "library"
    library.mkdir()
    begin_encryption(library, given_key())
    return Incoming(library / "incoming", largest_bytes=10**7, reserve_bytes=0, open_per_account=3)


def readable(incoming):
    return [path.name for path in incoming.folder.iterdir() if MARK in path.read_bytes()]


@pytest.mark.parametrize("pieces", [(5, 0, 100), (CHUNK_BYTES,), (CHUNK_BYTES - 1, CHUNK_BYTES + 1), (300_000, 1)])
@pytest.mark.parametrize("length", [len(DATA), 8 * CHUNK_BYTES])
def test_pieces_of_any_size_become_one_file_that_is_readable_at_no_time(incoming, pieces, length):
    data, offset, turn = DATA[:length], 0, 0
    upload = create_upload(incoming, 1, length, "session.mp4")
    while offset < length:
        piece = data[offset : offset + pieces[turn % len(pieces)]] if turn < 9 else data[offset:]
        done, turn = add(incoming, upload, piece, offset), turn + 1
        offset += len(piece)
        assert done.offset == offset and readable(incoming) == []
    assert done.whole and done.sha256 == hashlib.sha256(data).hexdigest()
    assert read_kept(on_disk.whole_path(incoming, upload.id)) == data
    assert len(list(incoming.folder.iterdir())) == 2
    assert {path.stat().st_mode & 0o777 for path in incoming.folder.iterdir()} == {0o600}


def test_a_damaged_piece_is_taken_back_to_where_the_last_one_ended(incoming):
    upload = create_upload(incoming, 1, len(DATA), "a.mp4")
    add(incoming, upload, DATA[:100_000], 0)
    with pytest.raises(ChecksumMismatch):
        add(incoming, upload, DATA[100_000:400_000], 100_000, ("sha1", bytes(20)))
    assert find_upload(incoming, upload.id).offset == 100_000
    add(incoming, upload, DATA[100_000:], 100_000)
    assert read_kept(on_disk.whole_path(incoming, upload.id)) == DATA
    remove_upload(incoming, upload.id)
    assert list(incoming.folder.iterdir()) == []


KILLED = """
import sys
from pathlib import Path
from cues.library.incoming import Incoming, open_chunk
chunk = open_chunk(Incoming(Path(sys.argv[1])), sys.argv[2], None, None)
data = sys.stdin.buffer.read()
chunk.write(data[:150_000])
chunk.settle()
chunk.write(data[150_000:400_000])
print("written", flush=True)
sys.stdin.close()
import time
time.sleep(60)
"""


def test_what_was_kept_before_a_writer_was_killed_is_there_and_the_rest_can_follow(incoming):
    upload = create_upload(incoming, 1, len(DATA), "a.mp4")
    command = [sys.executable, "-c", KILLED, str(incoming.folder), upload.id]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        writer.stdin.write(DATA)
        writer.stdin.close()
        assert writer.stdout.readline() == b"written\n"
        writer.send_signal(signal.SIGKILL)
    part = incoming.folder / f"{upload.id}.part"
    with part.open("ab") as torn:  # and half a chunk, as a power cut leaves it
        torn.write(os.urandom(1000))
    offset = find_upload(incoming, upload.id).offset
    assert 150_000 <= offset <= 400_000 and readable(incoming) == []
    add(incoming, upload, DATA[offset:], offset)
    assert read_kept(on_disk.whole_path(incoming, upload.id)) == DATA


def test_a_process_that_died_after_the_last_byte_is_finished_by_the_next(incoming, monkeypatch):
    upload = create_upload(incoming, 1, len(DATA), "a.mp4")
    with monkeypatch.context() as broken:
        broken.setattr(on_disk, "open_kept", lambda path: (_ for _ in ()).throw(ZeroDivisionError))
        with pytest.raises(ZeroDivisionError):
            add(incoming, upload, DATA, 0)
    assert find_upload(incoming, upload.id).offset == len(DATA)
    chunk = open_chunk(incoming, upload.id, None, None)
    assert chunk.finish().whole
    chunk.close()
    assert read_kept(on_disk.whole_path(incoming, upload.id)) == DATA
