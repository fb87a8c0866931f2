"""Files at rest: what was written comes back, anywhere in it; what was changed on the disk does not."""

import os
import random

import pytest

from cues.encryption import keys
from cues.encryption.at_rest import as_kept, copy_kept, is_sealed, kept_bytes, open_kept, read_kept, writing_kept
from cues.encryption.keys import (
    FILE_NAME,
    KEY_FILE,
    PASSPHRASE,
    LibraryKeyError,
    begin_encryption,
    change_key,
    given_key,
    key_of,
    read_key_file,
    write_key_file,
)
from cues.encryption.sealed_file import CHUNK_BYTES, HEADER_BYTES, SEALED_BYTES
from cues.errors import RecordingError

SIZES = (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 5 * CHUNK_BYTES + 77)


def written(path, content):
    with writing_kept(path) as file:
        file.write(content)
    return path


@pytest.mark.parametrize("size", SIZES)
def test_what_was_written_comes_back_whole_and_in_ranges(sealed_folder, size):
    content = os.urandom(size)
    path = written(sealed_folder / "recording-1.mp4", content)
    assert is_sealed(path) and kept_bytes(path) == size and read_kept(path) == content
    assert size < 16 or content[: min(size, 64)] not in path.read_bytes()
    chance = random.Random(size)
    with open_kept(path) as file:
        for _ in range(40):
            begin, count = chance.randrange(size + 1), chance.randrange(2 * CHUNK_BYTES)
            file.seek(begin)
            assert file.read(count) == content[begin : begin + count]
        assert file.seek(0, 2) == size


def test_small_files_and_copies_are_the_same_kind(sealed_folder):
    content = os.urandom(2 * CHUNK_BYTES)
    path = sealed_folder / "person-1.jpg"
    path.write_bytes(as_kept(path, content))
    copy_kept(path, sealed_folder / "copy")
    assert read_kept(path) == read_kept(sealed_folder / "copy") == content
    assert path.read_bytes() != (sealed_folder / "copy").read_bytes()


def test_writing_anywhere_gives_what_a_plain_file_would_hold(sealed_folder, tmp_path):
    chance = random.Random(7)
    acts = [(chance.randrange(4 * CHUNK_BYTES), chance.randbytes(chance.randrange(CHUNK_BYTES))) for _ in range(60)]
    for path in (sealed_folder / "one", tmp_path / "other"):
        with writing_kept(path) as file:
            for position, content in acts:
                file.seek(position)
                file.write(content)
    assert is_sealed(sealed_folder / "one") and not is_sealed(tmp_path / "other")
    assert read_kept(sealed_folder / "one") == (tmp_path / "other").read_bytes()


def swapped(data):
    first, second = HEADER_BYTES, HEADER_BYTES + SEALED_BYTES
    return data[:first] + data[second : second + SEALED_BYTES] + data[first:second] + data[second + SEALED_BYTES :]


@pytest.mark.parametrize(
    "changed",
    [
        lambda data: data[:-1] + bytes([data[-1] ^ 1]),
        lambda data: data[: HEADER_BYTES + 3] + bytes([data[HEADER_BYTES + 3] ^ 1]) + data[HEADER_BYTES + 4 :],
        lambda data: data[:-100],
        lambda data: data[: HEADER_BYTES + 2 * SEALED_BYTES],
        lambda data: data + data[-SEALED_BYTES:],
        swapped,
        lambda data: data[: HEADER_BYTES - 1] + bytes([data[HEADER_BYTES - 1] ^ 1]) + data[HEADER_BYTES:],
        lambda data: data[:20],
    ],
    ids=["end", "nonce", "cut", "cut at a border", "longer", "chunks exchanged", "salt", "header cut"],
)
def test_what_was_changed_on_the_disk_is_noticed(sealed_folder, changed):
    path = written(sealed_folder / "recording-1.mp4", os.urandom(3 * CHUNK_BYTES + 5))
    path.write_bytes(changed(path.read_bytes()))
    with pytest.raises(RecordingError, match="recording-1.mp4 is damaged on the disk"):
        read_kept(path)


def test_a_chunk_of_another_file_is_noticed(sealed_folder):
    one, other = (written(sealed_folder / name, os.urandom(3 * CHUNK_BYTES)) for name in ("one", "other"))
    whole = one.read_bytes()
    one.write_bytes(whole[:HEADER_BYTES] + other.read_bytes()[HEADER_BYTES:])
    with pytest.raises(RecordingError):
        read_kept(one)


def test_without_the_key_or_with_another_one_nothing_opens(sealed_folder, tmp_path, monkeypatch):
    path = written(sealed_folder / "recording-1.mp4", b"seen")
    monkeypatch.setattr(keys, "_unlocked", {})
    monkeypatch.delenv(KEY_FILE)
    with pytest.raises(LibraryKeyError, match=f"give their key by {KEY_FILE}"):
        open_kept(path)
    with pytest.raises(LibraryKeyError), writing_kept(sealed_folder / "another"):
        pass
    assert not (sealed_folder / "another").exists()
    write_key_file(tmp_path / "wrong")
    monkeypatch.setenv(KEY_FILE, str(tmp_path / "wrong"))
    with pytest.raises(LibraryKeyError, match="not the one of this library"):
        open_kept(path)
    monkeypatch.delenv(KEY_FILE)
    monkeypatch.setenv(PASSPHRASE, "a passphrase of theirs")
    with pytest.raises(LibraryKeyError, match="locked with a key file"):
        open_kept(path)


def test_another_key_opens_the_same_files_and_the_old_one_no_more(sealed_folder, key_file, monkeypatch):
    path = written(sealed_folder / "recording-1.mp4", b"seen")
    before = path.read_bytes()
    monkeypatch.setenv(PASSPHRASE, "seven quiet herons")
    monkeypatch.delenv(KEY_FILE)
    change_key(sealed_folder, read_key_file(key_file), given_key())
    monkeypatch.setattr(keys, "_unlocked", {})
    assert read_kept(path) == b"seen" and path.read_bytes() == before
    monkeypatch.setattr(keys, "_unlocked", {})
    monkeypatch.setenv(PASSPHRASE, "seven quiet herons.")
    with pytest.raises(LibraryKeyError):
        read_kept(path)


def test_a_key_file_is_its_owners_alone_and_never_replaced(key_file):
    before = key_file.read_text()
    with pytest.raises(LibraryKeyError, match="exists"):
        write_key_file(key_file)
    assert key_file.read_text() == before and key_file.stat().st_mode & 0o777 == 0o600
    key_file.chmod(0o640)
    with pytest.raises(LibraryKeyError, match="chmod 600"):
        read_key_file(key_file)


@pytest.mark.parametrize("text", ["", "cues-key-1", "cues-key-1 " + "g" * 64, "cues-key-2 " + "a" * 64, "\xff"])
def test_what_is_no_key_file_is_said(key_file, text):
    key_file.write_text(text, encoding="latin-1")
    with pytest.raises(LibraryKeyError, match="key file"):
        read_key_file(key_file)


def test_a_damaged_description_of_the_encryption_is_said_and_files_of_another_library_are_told_apart(
    sealed_folder, tmp_path
):
    path = written(sealed_folder / "one", b"seen")
    other = tmp_path / "other"
    other.mkdir()
    begin_encryption(other, given_key())
    (other / "one").write_bytes(path.read_bytes())
    with pytest.raises(LibraryKeyError, match="another library"):
        read_kept(other / "one")
    (sealed_folder / FILE_NAME).write_text("{}")
    with pytest.raises(LibraryKeyError, match="damaged"):
        key_of(path)


def test_outside_of_an_encrypted_library_files_are_as_they_are(tmp_path):
    path = written(tmp_path / "plain", b"seen")
    assert path.read_bytes() == as_kept(path, b"seen") == b"seen" and not is_sealed(path)
