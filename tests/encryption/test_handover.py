"""A session handed over from one encrypted library to another is readable in neither."""

import os

from cues.encryption.at_rest import copy_kept, is_sealed, read_kept
from cues.handover.opening import inbox, open_file
from cues.library.encrypting import encrypt_library
from cues.library.folders import session_folder
from tests.handover.two_libraries import PASSPHRASE, analysed_session, side

MARK = b"a frame of somebody's face"


def test_a_recording_goes_from_one_encrypted_library_to_another(tmp_path, key_file):  # noqa: ARG001  # it is given
    content = MARK + os.urandom(300_000) + MARK
    ada, eva = side(tmp_path / "ada", "Ada", trainee=True), side(tmp_path / "eva", "Eva", supervisor=True)
    session_id = analysed_session(ada, content, minutes=1.0)
    ada.library.close()
    assert encrypt_library(ada.library.folder, lambda share: None)[0] == 1
    file = ada.pack(session_id, tmp_path / "on its way.cues", video=True)
    waiting = inbox(eva.library.folder, eva.me.id)
    waiting.parent.mkdir()
    copy_kept(file, waiting)
    assert is_sealed(waiting)
    assert open_file(eva.library, eva.me, waiting, PASSPHRASE)[1].recording
    came = session_folder(eva.library.folder, session_id) / "recording-1.mp4"
    assert is_sealed(came) and read_kept(came) == content
    assert [path for path in tmp_path.rglob("*") if path.is_file() and MARK in path.read_bytes()] == []
    for one in (ada, eva):
        one.library.close()
