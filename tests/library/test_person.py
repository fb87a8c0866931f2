"""Everything of one person: the archive has it, and after deletion nothing of it is found anywhere in the library."""

import csv
import io
import json
import zipfile
from datetime import date

import pytest
from sqlalchemy import select

from cues.library.accounts import (
    AccountError,
    Roles,
    begin_sign_in,
    create_account,
    invite,
    known_from_file,
    note_failure,
    set_password,
)
from cues.library.comments import add_comment, answer_comment, threads_of
from cues.library.consents import PURPOSES, enter_consent
from cues.library.deeds import record
from cues.library.folders import corrected_file, make_session_folder, session_folder
from cues.library.incoming import Incoming, create_upload
from cues.library.kept_tiers import Tier, keep_tiers
from cues.library.models import (
    Account,
    Base,
    Comment,
    Deed,
    Guess,
    PracticePoint,
    PracticeSession,
    Recording,
    Share,
    SignOff,
    VerdictRow,
    now,
)
from cues.library.person import delete_person, recorded_person, write_everything
from cues.library.sessions import create_session, share_session
from tests.library.conftest import BOTH

DATABASES = BOTH

DAY = date(2026, 11, 20)
ADDRESS = "192.0.2.77"
OF_ADA = ("Adalwine Quist", "adalwine@example.org", "quist-words", "Quist Client", "quist-file", ADDRESS)
"""What would give her away: name, address, everything she wrote, whom she recorded, her files, her computer."""


@pytest.fixture
def full(library, people):
    """Ada has a session and wrote on Ben's, where Eva answered her; she has everything that an account can have."""
    with library.writing() as db:
        ada = create_account(db, OF_ADA[1], OF_ADA[0], Roles(trainee=True, supervisor=True))
        set_password(db, ada, "a long enough one")
        begin_sign_in(db, ada, ADDRESS)
        invite(db, people["adm"], ada)
        note_failure(db, ada.email, "198.51.100.1")  # stays: nobody knows who that was
        mine = create_session(db, ada, "quist-words title", DAY, "auto", None)
        other = create_session(db, people["ben"], "Ben's", DAY, "auto", None)
        enter_consent(db, mine, "Quist Client", list(PURPOSES), DAY, None, ada.id)
        share_session(db, ada, mine.id, people["eva"].id, [])
        share_session(db, people["ben"], other.id, ada.id, [])
        share_session(db, people["ben"], other.id, people["eva"].id, [])
        add_comment(db, ada, mine.id, 1.0, None, "quist-words to myself")
        answered = add_comment(db, ada, other.id, 2.0, None, "quist-words answered")
        answer_comment(db, people["eva"], answered.id, "Eva answers")
        thread = add_comment(db, people["ben"], other.id, 3.0, None, "Ben asks")
        answer_comment(db, ada, thread.id, "quist-words answer")
        alone = add_comment(db, ada, other.id, 4.0, None, "quist-words alone")
        answer_comment(db, ada, alone.id, "quist-words to herself")
        verdict = {"word": "agree", "person": 0, "cue": "eye_contact", "kind": "eye_contact", "analysis": "x"}
        for session_id in (mine.id, other.id):
            db.add(VerdictRow(session_id=session_id, reviewer_id=ada.id, start=1.0, end=2.0, **verdict))
            db.add(SignOff(session_id=session_id, reviewer_id=ada.id))
            point = {"cue": "eye_contact", "text": "quist-words point", "clips": {}}
            db.add(PracticePoint(session_id=session_id, author_id=ada.id, **point))
            keep_tiers(db, ada, session_id, [Tier("", "", "quist-words tier", ((0, 1000, "quist-words mark"),))])
        db.add(Guess(session_id=mine.id, figures={"eye_contact": 40}, answered=now()))
        stored = {"file_name": "quist-file.mp4", "stored_as": "recording-1.mp4", "sha256": "ab" * 32, "size": 10}
        db.add(Recording(session_id=mine.id, position=0, **stored))
        record(db, ada.id, "upload", mine.id, {"file": "quist-file.mp4", "bytes": 10}, ADDRESS)
        record(db, ada.id, "export", mine.id, {"format": "hand-over"})
    folder = make_session_folder(library.folder, mine.id)
    (folder / "recording-1.mp4").write_bytes(b"quist-film")
    (folder / "session.json").write_text('{"videos": ["quist-file.mp4"]}')
    for place in (library.folder / "checks" / str(ada.id), library.folder / "handed-over"):
        place.mkdir(parents=True)
    (library.folder / "checks" / str(ada.id) / "probe.json").write_text("quist-words")
    (library.folder / "handed-over" / f"{ada.id}.cues").write_text("quist-words")
    make_session_folder(library.folder, other.id)
    corrected_file(library.folder, other.id, ada.id, ".eaf").write_text("quist-words")
    create_upload(Incoming(library.folder / "incoming", reserve_bytes=0), ada.id, 5, "quist-file.mp4", mine.id)
    return ada, mine.id, other.id


def traces(library):
    """Where something of Ada's is found: in the bytes of any file, in a file's name, in any row of any table."""
    found = []
    words = [word.lower().encode() for word in (*OF_ADA, "quist")]
    for path in library.folder.rglob("*"):
        content = path.read_bytes().lower() if path.is_file() else b""
        found += [f"{path.name}: {word!r}" for word in words if word in content or word in path.name.lower().encode()]
    with library.reading() as db:
        for table in Base.metadata.sorted_tables:
            rows = [str(tuple(row)).lower().encode() for row in db.execute(select(table))]
            found += [f"{table.name}: {word!r}" for word in words if any(word in row for row in rows)]
    return found


def test_after_deletion_nothing_is_found_but_what_is_said_to_stay(library, people, full):
    ada, mine, other = full
    assert len(traces(library)) > 20
    delete_person(library, ada, ada.id)
    assert traces(library) == []
    assert not session_folder(library.folder, mine).exists()
    with library.reading() as db:
        assert db.get(Account, ada.id) is None
        for table, column in ((VerdictRow, VerdictRow.reviewer_id), (SignOff, SignOff.reviewer_id)):
            assert db.scalar(select(table).where(column == ada.id)) is None
        assert list(db.scalars(select(PracticeSession.id))) == [other]
        assert list(db.scalars(select(Share.supervisor_id))) == [people["eva"].id]
        threads = threads_of(db, people["ben"], other)
        told = [[(w.author, w.comment.text) for w in (t.first, *t.answers)] for t in threads]
        hers = select(Deed).where(Deed.account_id == ada.id).order_by(Deed.id)
        deeds = [(d.action, d.details) for d in db.scalars(hers)]
    nobody = "Somebody whose account was deleted"
    assert told == [[(nobody, ""), ("Eva", "Eva answers")], [("Ben", "Ben asks")]]
    assert ("upload", {"bytes": 10}) in deeds
    assert deeds[-1] == ("delete person", {"account": ada.id, "sessions": 1})


def test_who_may_delete_whom(library, people, full):
    ada, mine, _ = full
    for name in ("ben", "eva"):
        with pytest.raises(AccountError, match="Only an administrator"):
            delete_person(library, people[name], ada.id)
    with pytest.raises(AccountError, match="only administrator"):
        delete_person(library, people["adm"], people["adm"].id)
    assert session_folder(library.folder, mine).exists()
    delete_person(library, people["adm"], ada.id)
    assert traces(library) == []
    with pytest.raises(AccountError, match="not there any more"):
        delete_person(library, people["adm"], ada.id)
    with library.writing() as db:
        create_account(db, "second@example.org", "Second", Roles(administrator=True))
    delete_person(library, people["adm"], people["adm"].id)


def test_a_session_that_came_from_a_file_goes_with_the_last_who_sees_it(library, people):
    with library.writing() as db:
        trainee = known_from_file(db, "cd" * 16, "Far Away", Roles(trainee=True))
        db.add(PracticeSession(id="ab" * 16, trainee_id=trainee.id, title="far", held_on=DAY))
        db.flush()
        for name in ("eva", "tom"):
            db.add(Share(session_id="ab" * 16, supervisor_id=people[name].id))
        db.add(Comment(session_id="ab" * 16, author_id=trainee.id, start=1.0, text="from far"))
    make_session_folder(library.folder, "ab" * 16)
    delete_person(library, people["adm"], people["eva"].id)
    assert session_folder(library.folder, "ab" * 16).exists()
    delete_person(library, people["adm"], people["tom"].id)
    assert not session_folder(library.folder, "ab" * 16).exists()
    with library.reading() as db:
        assert db.scalar(select(Account).where(Account.uid == "cd" * 16)) is None


def test_the_archive_has_everything_and_no_secret(library, full, tmp_path):
    ada, mine, _ = full
    write_everything(library, ada.id, tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        inside = {name: archive.read(name) for name in archive.namelist()}
    folder = f"sessions/{DAY}-{mine[:8]}"
    assert inside[f"{folder}/files/recording-1.mp4"] == b"quist-film"
    assert inside["setup check/probe.json"] == b"quist-words"
    account = json.loads(inside["account.json"])
    assert (account["account"]["name"], len(account["sign_ins"])) == (OF_ADA[0], 1)
    written = list(csv.DictReader(io.StringIO(inside["written/comments.csv"].decode())))
    assert {row["text"] for row in written} == {
        "quist-words to myself", "quist-words answered", "quist-words answer", "quist-words alone",
        "quist-words to herself",
    }  # fmt: skip
    assert b"Quist Client" in inside[f"{folder}/consents.csv"] and b"40" in inside[f"{folder}/guess.csv"]
    for name in ("verdicts", "sign_offs", "practice_points", "kept_tiers"):
        assert inside[f"written/{name}.csv"].count(b"\n") == 3
    deeds = list(csv.DictReader(io.StringIO(inside["deeds.csv"].decode())))
    assert {row["action"] for row in deeds} >= {"create", "upload", "export", "comment", "share"}
    named = inside["README.txt"].decode()
    assert all(name.split("/")[0] in named for name in inside if name != "README.txt")
    whole = b"".join(inside.values())
    with library.reading() as db:
        kept = db.get_one(Account, ada.id).password_hash
    assert kept.encode() not in whole and b"token_hash" not in whole and b"Ben asks" not in whole


def test_no_text_of_the_archive_is_a_formula_not_even_a_name(library, people, tmp_path):
    with library.writing() as db:
        eva = db.get_one(Account, people["eva"].id)
        eva.name = "=HYPERLINK(1)"
        session = create_session(db, people["ben"], "＝title", DAY, "auto", None)
        share_session(db, people["ben"], session.id, eva.id, [])
        add_comment(db, eva, session.id, 1.0, None, "@SUM(1)")
    write_everything(library, people["ben"].id, tmp_path / "all.zip")
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        tables = {name: archive.read(name).decode() for name in archive.namelist() if name.endswith(".csv")}
    cells = [cell for table in tables.values() for row in csv.reader(io.StringIO(table)) for cell in row]
    assert {"'=HYPERLINK(1)", "'@SUM(1)"} <= set(cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "＝"))]


def test_a_recorded_person_is_found_by_the_name_of_their_consent(library, people, full):
    ada, mine, _ = full
    with library.reading() as db:
        found = recorded_person(db, library.folder, ada, "  quist  CLIENT ")
        assert [kept.session.id for kept in found] == [mine]
        assert found[0].files == ("quist-file.mp4",) and found[0].analysed
        assert [line.partition(": ")[2] for line in found[0].taken_out] == ["hand-over"]
        assert recorded_person(db, library.folder, people["ben"], "Quist Client") == []
        assert recorded_person(db, library.folder, ada, "") == []
