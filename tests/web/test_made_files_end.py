"""Files that wait to be fetched go at once when they may not be fetched any more."""

import time
from datetime import date

import pytest

from cues.library.accounts import Roles, create_account
from cues.library.consents import USUAL, enter_consent, withdraw
from cues.library.models import Account
from cues.library.person import delete_person
from cues.library.sessions import create_session, share_session, take_back
from cues.web import made_files
from cues.web.running import begin, end
from cues.web.settings import Settings


@pytest.fixture
def waiting(tmp_path):
    """A library in this process with a session of Ada's, and a file of it that waits for her and one for Eva."""
    library = begin(Settings(tmp_path / "library", None, "", None, 10**9)).library
    with library.writing() as db:
        ada, eva, adm = (
            create_account(db, f"{name}@example.org", name, Roles(**{role: True}))
            for name, role in (("ada", "trainee"), ("eva", "supervisor"), ("adm", "administrator"))
        )
        session = create_session(db, ada, "A session", date(2026, 11, 20), "auto", None)
        consent = enter_consent(db, session, "Cleo", list(USUAL), date(2026, 11, 20), None, ada.id)
        share_session(db, ada, session.id, eva.id, [])
        db.flush()
        ids = session.id, consent.id
    made = []
    for account in (ada, eva):
        token = made_files.start(account.id, "a.zip", lambda path, _: path.write_bytes(b"frames"), {}, (ids[0],))
        made.append(made_files.found(token, account.id))
    eventually(lambda: all(one.whole for one in made))
    yield library, (ada, eva, adm), ids, made
    for one in made:
        made_files.drop(one.work.token)
    end()


def eventually(condition, seconds=60):
    over = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < over, "it did not happen in time"
        time.sleep(0.05)


def gone(one):
    return not one.work.path.exists() and made_files.found(one.work.token, one.account_id) is None


def test_a_withdrawn_consent_removes_what_waits_of_the_session(waiting):
    library, (ada, eva, _), (session_id, consent_id), made = waiting
    with library.writing() as db:
        withdraw(db, ada, session_id, consent_id)
    eventually(lambda: all(gone(one) for one in made))
    assert eva


def test_what_was_shared_goes_when_the_share_is_taken_back(waiting):
    library, (ada, eva, _), (session_id, _), (mine, theirs) = waiting
    with library.writing() as db:
        take_back(db, ada, session_id, eva.id)
    eventually(lambda: gone(theirs))
    time.sleep(2 * made_files.LOOK_S)
    assert mine.path.read_bytes() == b"frames"


def test_what_waits_for_a_person_goes_with_them(waiting):
    library, (ada, eva, adm), _, made = waiting
    with library.writing() as db:
        db.get_one(Account, eva.id).active = False
    delete_person(library, adm, ada.id)
    eventually(lambda: all(gone(one) for one in made))
