"""A library's folder that is encrypted, for each test."""

import pytest

from cues.encryption.keys import KEY_FILE, PASSPHRASE, begin_encryption, given_key, write_key_file


@pytest.fixture
def key_file(tmp_path, monkeypatch):
    """A key file that this process was started with."""
    path = tmp_path / "the key"
    write_key_file(path)
    monkeypatch.delenv(PASSPHRASE, raising=False)
    monkeypatch.setenv(KEY_FILE, str(path))
    return path


@pytest.fixture
def sealed_folder(tmp_path, key_file):  # noqa: ARG001  # the key is given
    folder = tmp_path / "library"
    folder.mkdir(mode=0o700)
    begin_encryption(folder, given_key())
    return folder
