"""Sessions are deleted when their date, or the last consent of one of their people, is over; not a day before."""

from datetime import date, timedelta

from sqlalchemy import select

from cues.library.consents import PURPOSES, enter_consent
from cues.library.deeds import deeds_of_session
from cues.library.folders import make_session_folder, session_folder
from cues.library.models import PracticeSession, now
from cues.library.retention import delete_expired
from cues.library.sessions import create_session
from tests.library.conftest import BOTH

DATABASES = BOTH

TOMORROW = now().date() + timedelta(days=1)  # so that a run over midnight asks for no date in the past
DAY = timedelta(days=1)


def made(library, account, keep_until=None, consents=()):
    with library.writing() as db:
        session = create_session(db, account, "A session", date(2026, 11, 1), "auto", keep_until)
        for person, valid_until in consents:
            enter_consent(db, session, person, list(PURPOSES), date(2026, 11, 1), valid_until, account.id)
    folder = make_session_folder(library.folder, session.id)
    (folder / "recording-1.mp4").write_bytes(b"x")
    return session.id


def left(library):
    with library.reading() as db:
        return set(db.scalars(select(PracticeSession.id)))


def test_a_session_is_deleted_with_its_files_after_its_date_and_not_on_it(library, people):
    ended, kept, for_ever = (made(library, people["ada"], until) for until in (TOMORROW, TOMORROW + DAY, None))
    assert delete_expired(library, TOMORROW) == []
    assert delete_expired(library, TOMORROW + DAY) == [ended]
    assert left(library) == {kept, for_ever}
    assert not session_folder(library.folder, ended).exists()
    assert session_folder(library.folder, kept).exists()
    with library.reading() as db:
        deed = deeds_of_session(db, ended)[-1]
        assert (deed.action, deed.account_id, deed.details["why"]) == ("delete", None, "kept until its date")


def test_a_consent_that_ran_out_ends_the_session_unless_it_was_renewed(library, people):
    until = date(2026, 11, 10)
    ended = made(library, people["ada"], None, [("Cleo", until), ("Ada", None)])
    renewed = made(library, people["ada"], None, [("Cleo", until), ("cleo", None), ("Ada", None)])
    assert delete_expired(library, until) == []
    assert delete_expired(library, until + DAY) == [ended]
    assert left(library) == {renewed}
