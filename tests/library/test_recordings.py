"""A finished upload becomes a recording of its session, whatever is interrupted on the way."""

import hashlib
from datetime import date

import pytest

from cues.library import recordings as to_test
from cues.library.folders import session_folder
from cues.library.incoming import Incoming, create_upload, find_upload, open_chunk, take_upload
from cues.library.models import PracticeSession
from cues.library.recordings import add_recording, bytes_of, same_recording_elsewhere
from cues.library.sessions import create_session, delete_session
from tests.library.conftest import BOTH

DATABASES = BOTH

DAY = date(2026, 11, 20)


@pytest.fixture
def incoming(library):
    return Incoming(library.folder / "incoming", reserve_bytes=0)


def session_of(library, account):
    with library.writing() as db:
        return create_session(db, account, "A session", DAY, "auto", None).id


def uploaded(incoming, account, session_id, content=b"0123456789", name="My call.MP4"):
    upload = create_upload(incoming, account.id, len(content), name, session_id)
    chunk = open_chunk(incoming, upload.id, 0, None)
    chunk.write(content)
    chunk.keep()
    done = chunk.finish()
    chunk.close()
    return done


def recorded(library, session_id):
    with library.reading() as db:
        return [(r.position, r.file_name, r.stored_as) for r in db.get_one(PracticeSession, session_id).recordings]


def test_the_file_lies_in_the_session_under_a_name_of_our_own(library, people, incoming):
    session_id = session_of(library, people["ada"])
    upload = uploaded(incoming, people["ada"], session_id)
    recording = add_recording(library, incoming, upload)
    assert recorded(library, session_id) == [(0, "My call.MP4", "recording-1.mp4")]
    assert (session_folder(library.folder, session_id) / "recording-1.mp4").read_bytes() == b"0123456789"
    assert recording.sha256 == hashlib.sha256(b"0123456789").hexdigest()
    assert find_upload(incoming, upload.id) is None
    with library.reading() as db:
        assert bytes_of(db, people["ada"]) == 10


def test_a_crash_before_the_move_is_made_good_by_the_next_call(library, people, incoming, monkeypatch):
    session_id = session_of(library, people["ada"])
    upload = uploaded(incoming, people["ada"], session_id)

    def dies(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(to_test, "take_upload", dies)
    with pytest.raises(KeyboardInterrupt):
        add_recording(library, incoming, upload)
    monkeypatch.setattr(to_test, "take_upload", take_upload)
    add_recording(library, incoming, find_upload(incoming, upload.id))
    assert recorded(library, session_id) == [(0, "My call.MP4", "recording-1.mp4")]
    assert (session_folder(library.folder, session_id) / "recording-1.mp4").exists()


def test_a_second_file_is_the_second_recording_and_a_third_is_none(library, people, incoming):
    session_id = session_of(library, people["ada"])
    for content, expected in ((b"one", 0), (b"two", 1)):
        assert (
            add_recording(library, incoming, uploaded(incoming, people["ada"], session_id, content)).position
            == expected
        )
    third = uploaded(incoming, people["ada"], session_id, b"three")
    assert add_recording(library, incoming, third) is None
    assert find_upload(incoming, third.id) is None


def test_the_same_file_twice_in_one_session_is_kept_once(library, people, incoming):
    session_id = session_of(library, people["ada"])
    assert add_recording(library, incoming, uploaded(incoming, people["ada"], session_id)) is not None
    assert add_recording(library, incoming, uploaded(incoming, people["ada"], session_id)) is None
    assert len(recorded(library, session_id)) == 1


def test_into_a_session_of_somebody_else_or_a_deleted_one_nothing_goes(library, people, incoming):
    session_id = session_of(library, people["ada"])
    assert add_recording(library, incoming, uploaded(incoming, people["ben"], session_id)) is None
    with library.writing() as db:
        delete_session(db, None, db.get_one(PracticeSession, session_id), "test")
    assert add_recording(library, incoming, uploaded(incoming, people["ada"], session_id)) is None
    assert list(incoming.folder.glob("*.whole")) == []


def test_the_same_recording_in_another_session_is_told_to_its_owner_only(library, people, incoming):
    first, second, other = (session_of(library, people[name]) for name in ("ada", "ada", "ben"))
    for session_id, name in ((first, "ada"), (second, "ada"), (other, "ben")):
        add_recording(library, incoming, uploaded(incoming, people[name], session_id))
    with library.reading() as db:
        assert [s.id for s in same_recording_elsewhere(db, people["ada"], second)] == [first]
        assert same_recording_elsewhere(db, people["ben"], other) == []
