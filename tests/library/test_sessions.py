"""Who sees which session, and what deleting one leaves."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from cues.library.consents import ANALYSIS, ConsentError, enter_consent, missing_for_analysis
from cues.library.database import Library
from cues.library.deeds import deeds_of_session, record
from cues.library.models import Account, Comment, Consent, Job, JobKind, PracticeSession, Recording, Segment, Share, now
from cues.library.sessions import (
    SessionError,
    create_session,
    delete_session,
    find_session,
    left_out_for,
    own_session,
    share_session,
    take_back,
    visible,
)
from tests.library.conftest import BOTH

DATABASES = BOTH

DAY = date(2026, 11, 20)


def seen(library: Library, account: Account) -> list[str]:
    with library.reading() as db:
        return [s.title for s in db.scalars(visible(account))]


def made(library: Library, trainee: Account, title: str) -> str:
    with library.writing() as db:
        return create_session(db, trainee, title, DAY, "auto", None).id


def test_a_session_is_private_to_its_trainee_until_shared_and_again_when_taken_back(
    library: Library, people: dict[str, Account]
) -> None:
    ada, eva = people["ada"], people["eva"]
    one = made(library, ada, "one")
    made(library, people["ben"], "two")
    assert {name: seen(library, account) for name, account in people.items()} == {
        "ada": ["one"],
        "ben": ["two"],
        "eva": [],
        "tom": [],
        "adm": [],
    }
    with library.writing() as db:
        share_session(db, ada, one, eva.id, ["forward_lean"])
        share_session(db, ada, one, eva.id, ["eye_contact"])  # replaces the first
    assert (seen(library, eva), seen(library, people["tom"]), seen(library, people["adm"])) == (["one"], [], [])
    with library.reading() as db:
        found = find_session(db, eva, one)
        assert found is not None and left_out_for(db, eva, found) == ["eye_contact"]
        assert left_out_for(db, ada, found) == []
        assert db.scalar(select(func.count(Share.id)).where(Share.ended.is_(None))) == 1
    with library.writing() as db:
        take_back(db, ada, one, eva.id)
    assert seen(library, eva) == []
    with library.reading() as db:
        assert [d.action for d in deeds_of_session(db, one)] == ["create", "share", "share", "take back"]


def test_who_is_no_supervisor_any_more_sees_nothing_that_was_shared(
    library: Library, people: dict[str, Account]
) -> None:
    one = made(library, people["ada"], "one")
    with library.writing() as db:
        share_session(db, people["ada"], one, people["eva"].id, [])
        eva = db.get_one(Account, people["eva"].id)
        eva.supervisor = False
    assert seen(library, eva) == []


def test_only_the_trainee_shares_and_only_with_supervisors(library: Library, people: dict[str, Account]) -> None:
    one = made(library, people["ada"], "one")
    with library.writing() as db:
        share_session(db, people["ada"], one, people["eva"].id, [])
        for account in (people["ben"], people["eva"], people["adm"]):
            with pytest.raises(SessionError, match="no such session"):
                share_session(db, account, one, people["tom"].id, [])
            with pytest.raises(SessionError, match="no such session"):
                own_session(db, account, one)
        with pytest.raises(SessionError, match="supervisor"):
            share_session(db, people["ada"], one, people["ben"].id, [])
        with pytest.raises(SessionError, match="cue"):
            share_session(db, people["ada"], one, people["eva"].id, ["posture"])


@pytest.mark.parametrize(
    ("who", "title", "keep"), [("eva", "one", None), ("ada", "  ", None), ("ada", "one", DAY - timedelta(days=9000))]
)
def test_a_session_that_makes_no_sense_is_refused(
    library: Library, people: dict[str, Account], who: str, title: str, keep: date | None
) -> None:
    with library.writing() as db, pytest.raises(SessionError):
        create_session(db, people[who], title, DAY, "auto", keep)


def test_deleting_removes_every_row_and_says_what_had_been_taken_out(
    library: Library, people: dict[str, Account]
) -> None:
    ada = people["ada"]
    one, two = made(library, ada, "one"), made(library, ada, "two")
    for session_id in (one, two):
        with library.writing() as db:
            session = own_session(db, ada, session_id)
            recording = {"file_name": "a.mp4", "stored_as": "recording.mp4", "size": 5 << 32, "sha256": "0" * 64}
            session.recordings.append(Recording(position=0, **recording))
            db.add(Comment(session_id=session_id, author_id=ada.id, start=1.0, text="<b>"))
            enter_consent(db, session, "C.", [ANALYSIS], DAY, None, ada.id)
            share_session(db, ada, session_id, people["eva"].id, [])
            job = Job(session_id=session_id, kind=JobKind.ANALYSIS)
            db.add(job)
            db.flush()
            db.add(Segment(job_id=job.id, name="segment-0"))
            record(db, ada.id, "export", session_id, {"what": "minutes.csv"})
    with library.writing() as db:
        told = delete_session(db, ada.id, own_session(db, ada, one), "asked")
    assert [t["what"] for t in told["taken_out"]] == ["minutes.csv"]
    assert (told["comments"], told["consents"], told["shares"], told["recordings"]) == (1, 1, 1, 1)
    with library.reading() as db:
        tables = (PracticeSession, Comment, Consent, Share, Recording, Job, Segment)
        assert [db.scalar(select(func.count()).select_from(table)) for table in tables] == [1] * len(tables)
        assert find_session(db, ada, one) is None
        assert deeds_of_session(db, one)[-1].action == "delete"


def test_the_analysis_waits_for_the_consent_of_each_person(library: Library, people: dict[str, Account]) -> None:
    ada = people["ada"]
    one = made(library, ada, "one")
    today = now().date()

    def missing() -> str | None:
        with library.reading() as db:
            return missing_for_analysis(db, one, 2, today)

    def enter(person: str, purposes: list[str], given: date, until: date | None) -> None:
        with library.writing() as db:
            enter_consent(db, own_session(db, ada, one), person, purposes, given, until, ada.id)

    assert "0 of 2" in str(missing())
    enter("Ada", [ANALYSIS], today, None)
    enter("ada ", [ANALYSIS], today, None)  # the same person
    enter("C.", ["review"], today, None)  # not for this
    enter("D.", [ANALYSIS], today - timedelta(days=9), today - timedelta(days=1))  # over
    enter("E.", [ANALYSIS], today + timedelta(days=1), None)  # not yet
    assert "1 of 2" in str(missing())
    enter("C.", [ANALYSIS], today, today)
    assert missing() is None
    for person, purposes, until in ((" ", [ANALYSIS], None), ("F.", ["all"], None), ("F.", [], today - timedelta(1))):
        with pytest.raises(ConsentError):
            enter(person, purposes, today, until)
