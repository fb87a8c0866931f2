"""Encrypting a library that is there: all of it, however often it is ended in the middle; and the key's commands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cues.__main__ import app
from cues.encryption import keys
from cues.encryption.at_rest import is_sealed, read_kept
from cues.encryption.keys import KEY_FILE, PASSPHRASE, LibraryKeyError, write_key_file
from cues.library.backup import make_backup, restore_backup
from cues.library.database import open_library
from cues.library.encrypting import clear_backups, clear_files
from cues.library.folders import make_session_folder
from cues.library.incoming import Incoming, create_upload, find_upload, open_chunk, whole_path
from cues.library.models import Deed
from tests.library.test_backup import add

ROOT = Path(__file__).resolve().parents[2]
MARK = b"a frame of somebody's face"


def command(*words, **environment):
    """Exit status and what was said."""
    clean = {KEY_FILE: None, PASSPHRASE: None, **environment}
    keys._unlocked.clear()
    done = CliRunner().invoke(app, [*map(str, words)], env=clean)
    return done.exit_code, done.output


@pytest.fixture
def filled(library, people, tmp_path, monkeypatch):
    """A library with sessions, a copy for browsers, portraits, an unfinished upload; the contents by path."""
    monkeypatch.setattr(keys, "_unlocked", {})
    contents = {}
    for k in range(3):
        session_id, _ = add(library, people["ada"], str(k))
        folder = make_session_folder(library.folder, session_id)
        for name in ("recording-1.mp4", "review.mp4", "person-1.jpg"):
            contents[folder / name] = MARK + os.urandom(200_000) + MARK
            (folder / name).write_bytes(contents[folder / name])
    incoming = Incoming(library.folder / "incoming", reserve_bytes=0)
    upload = create_upload(incoming, people["ada"].id, 300_000, "a.mp4")
    data = MARK + os.urandom(300_000 - len(MARK))
    chunk = open_chunk(incoming, upload.id, 0, None)
    chunk.write(data[:150_000])
    chunk.keep()
    chunk.close()
    library.close()
    write_key_file(tmp_path / "key")
    return library.folder, contents, (incoming, upload, data), tmp_path / "key"


def test_a_library_is_encrypted_by_one_command_that_goes_on_where_it_was_killed(filled, monkeypatch):
    folder, contents, (incoming, upload, data), key = filled
    killed = """
import os, signal, sys
from pathlib import Path
from cues.library import encrypting
left, real = [int(sys.argv[2])], encrypting.copy_kept
def dies(source, target):
    real(source, target)
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
encrypting.copy_kept = dies
encrypting.encrypt_library(Path(sys.argv[1]), lambda share: None)
"""
    environment = os.environ | {KEY_FILE: str(key)}
    for left in (0, 2):
        subprocess.run([sys.executable, "-c", killed, folder, str(left)], cwd=ROOT, env=environment, check=False)
    monkeypatch.setenv(KEY_FILE, str(key))
    half = [path for path in contents if is_sealed(path)]
    assert 0 < len(half) < len(contents) and all(read_kept(path) == contents[path] for path in contents)
    status, said = command("encrypt", "--library", folder, CUES_KEY_FILE=str(key))
    assert status == 0 and "Encrypted:" in said, said
    assert list(clear_files(folder)) == [] and list(folder.rglob("*.encrypting")) == []
    assert [path for path in folder.rglob("*") if path.is_file() and MARK in path.read_bytes()] == []
    assert all(read_kept(path) == content for path, content in contents.items())
    assert find_upload(incoming, upload.id).offset == 150_000
    chunk = open_chunk(incoming, upload.id, 150_000, None)
    chunk.write(data[150_000:])
    chunk.keep()
    chunk.finish()
    chunk.close()
    assert read_kept(whole_path(incoming, upload.id)) == data
    with open_library(folder).reading() as db:
        assert [d.action for d in db.query(Deed) if d.action.startswith("encrypt")] == ["encrypt recordings"]


def test_a_key_for_a_library_that_is_not_encrypted_is_told_and_not_taken_for_encryption(filled, monkeypatch):
    folder, _, _, key = filled
    monkeypatch.setenv(KEY_FILE, str(key))
    with pytest.raises(LibraryKeyError, match="not encrypted: encrypt it first"):
        open_library(folder)


def test_a_new_library_with_a_key_is_encrypted_from_its_first_file(tmp_path, monkeypatch):
    write_key_file(tmp_path / "key")
    monkeypatch.setenv(KEY_FILE, str(tmp_path / "key"))
    open_library(tmp_path / "new").close()
    monkeypatch.setattr(keys, "_unlocked", {})
    monkeypatch.delenv(KEY_FILE)
    with pytest.raises(LibraryKeyError, match="give their key"):
        open_library(tmp_path / "new")


def test_commands_on_the_key_and_backups_say_what_is_so(filled, tmp_path, monkeypatch):
    folder, contents, _, key = filled
    where = {"CUES_LIBRARY": str(folder)}
    before = make_backup(folder, None, tmp_path / "backups").folder
    assert command("encrypt", **where)[0] == 2
    status, said = command("encrypt", **where, CUES_KEY_FILE=str(key))
    assert status == 0 and str(before) in said, said
    assert clear_backups(folder) == [before]
    status, said = command("backup", tmp_path / "backups", **where)  # needs no key
    assert status == 0 and "3 sessions" in said, said
    sealed = next(path for path in (tmp_path / "backups").glob("cues-backup-*") if path != before)
    assert [path for path in sealed.rglob("*") if path.is_file() and MARK in path.read_bytes()] == []
    status, said = command("key", tmp_path / "new key")
    assert status == 0 and "without it nothing" in said
    assert command("change-key", "--new-key-file", tmp_path / "new key", **where, CUES_KEY_FILE=str(tmp_path))[0] == 2
    changed = ("change-key", "--new-key-file", tmp_path / "new key")
    assert command(*changed, **where, CUES_KEY_FILE=str(key))[0] == 0
    status, said = command("restore", sealed, **where)
    assert status == 0 and "Everybody signs in again" in said, said
    monkeypatch.setenv(KEY_FILE, str(key))
    path = next(iter(contents))
    with pytest.raises(LibraryKeyError, match="not the one"):
        read_kept(path)
    monkeypatch.setenv(KEY_FILE, str(tmp_path / "new key"))
    assert read_kept(path) == contents[path]
    library = open_library(folder)
    with library.reading() as db:
        assert "restore" in {d.action for d in db.query(Deed)}
    library.close()
    assert restore_backup(sealed, folder, None).before
