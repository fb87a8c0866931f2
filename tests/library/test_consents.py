"""Purposes that are asked for by themselves: each person's last consent counts; a sentence says whose is missing."""

from datetime import date, timedelta

import pytest

from cues.library.accounts import Roles, create_account
from cues.library.consents import FACES, PURPOSES, TEACHING, USUAL, enter_consent, missing_for, withdraw
from cues.library.database import open_library
from cues.library.sessions import create_session, own_session
from tests.library.conftest import BOTH

DATABASES = BOTH

DAY = date(2026, 11, 20)


@pytest.fixture
def session(tmp_path):
    """An empty session: enter(person, purposes, ...), missing(purpose, ...), withdrawn(consent)."""
    library = open_library(tmp_path)
    with library.writing() as db:
        ada = create_account(db, "ada@example.org", "Ada", Roles(trainee=True))
        made = create_session(db, ada, "One", DAY, "auto", None)

    def enter(person, purposes, given=DAY, until=None):
        with library.writing() as db:
            entered = enter_consent(db, own_session(db, ada, made.id), person, purposes, given, until, ada.id)
            db.flush()
            return entered.id

    def missing(purpose, people=2, on=DAY):
        with library.reading() as db:
            return missing_for(db, made.id, purpose, people, on)

    def withdrawn(consent):
        with library.writing() as db:
            withdraw(db, ada, made.id, consent)

    yield enter, missing, withdrawn
    library.close()


def test_everybody_must_have_agreed_to_the_very_purpose(session):
    enter, missing, _ = session
    assert "0 of 2 have. Missing: 2 of whom no consent is noted." in missing(TEACHING)
    enter("Ada", list(PURPOSES))
    assert "1 of 2 have. Missing: 1 of whom no consent is noted." in missing(TEACHING)
    enter("Client 7", list(USUAL))
    assert missing(TEACHING).endswith("1 of 2 have. Missing: Client 7.")
    assert PURPOSES[TEACHING] in missing(TEACHING) and PURPOSES[FACES] in missing(FACES)
    enter("client 7", [*USUAL, TEACHING])
    assert missing(TEACHING) is None
    assert missing(FACES).endswith("Missing: client 7.")
    assert "2 of 3 have" in missing(TEACHING, people=3)


def test_it_holds_on_the_day_and_the_last_one_counts(session):
    enter, missing, _ = session
    enter("Ada", [TEACHING], DAY - timedelta(9), DAY - timedelta(1))
    enter("Sam", [TEACHING], DAY + timedelta(1))
    assert missing(TEACHING).endswith("Missing: Ada (ended on 19 November 2026), 1 of whom no consent is noted.")
    assert missing(TEACHING, on=DAY - timedelta(2)) is not None
    enter("Ada", [TEACHING], DAY, DAY + timedelta(1))
    assert missing(TEACHING, on=DAY + timedelta(1)) is None
    enter("Ada", list(USUAL), DAY)  # takes the one purpose back
    assert missing(TEACHING, on=DAY + timedelta(1)).endswith("Missing: Ada.")


def test_a_third_person_who_did_not_agree_counts_although_there_are_two(session):
    enter, missing, _ = session
    for name in ("Ada", "Sam"):
        enter(name, [TEACHING])
    assert missing(TEACHING) is None
    enter("Kim", list(USUAL))
    assert missing(TEACHING).endswith("2 of 3 have. Missing: Kim.")


def test_after_a_withdrawal_nothing_may_be_made(session):
    enter, missing, withdrawn = session
    first = enter("Ada", [TEACHING])
    enter("Sam", [TEACHING])
    assert missing(TEACHING) is None
    withdrawn(first)
    assert "0 of 2" in missing(TEACHING)
