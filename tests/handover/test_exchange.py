"""A session goes from a trainee's library to a supervisor's, back, and again, while both go on writing."""

import json

import pytest
from sqlalchemy import select

from cues.encryption.passphrases import PassphraseError, made_passphrase, usable
from cues.handover.merging import DeletedHere, NoSupervisor
from cues.handover.opening import look, open_file, rehearse, remove_handed_over
from cues.handover.packing import pack
from cues.handover.sealing import HandoverError
from cues.library.accounts import AccountError, Roles, become_supervisor, create_account, is_from_file
from cues.library.comments import add_comment, answer_comment, change_comment, delete_comment, settle_thread
from cues.library.folders import session_folder
from cues.library.models import (
    Account,
    Comment,
    Consent,
    Deed,
    Guess,
    PracticePoint,
    PracticeSession,
    SignOff,
    VerdictRow,
    now,
)
from cues.library.session_folder import read_session
from cues.library.sessions import change_session, delete_session, find_session
from tests.handover.two_libraries import DAY, PASSPHRASE, analysed_session, side

pytestmark = pytest.mark.usefixtures("weak")
VIDEO = bytes(range(256)) * 20_000


@pytest.fixture
def ada(tmp_path):
    made = side(tmp_path / "ada", "Ada", trainee=True, administrator=True)
    yield made
    made.library.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def eva(request, tmp_path):
    """The supervisor's tool: on her own computer, or a clinic's."""
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else None
    made = side(tmp_path / "eva", "Eva", url, supervisor=True)
    yield made
    made.library.close()


@pytest.fixture
def session(ada):
    return analysed_session(ada, VIDEO)


def verdict(db, me, session_id, start, **more):
    said = {"word": "agree", "person": 0, "cue": "eye_contact", "kind": "eye_contact", "analysis": "x", "drawn": False}
    db.add(VerdictRow(session_id=session_id, reviewer_id=me.id, start=start, end=start + 2, **{**said, **more}))


def rows(library, table):
    with library.reading() as db:
        return list(db.scalars(select(table).order_by(table.id)))


def test_a_session_goes_there_and_its_review_comes_back(ada, eva, session, tmp_path):
    ada.write(add_comment, session, 10.0, 12.0, "I looked away here.", "eye_contact")
    with ada.library.writing() as db:
        db.add(Guess(session_id=session, figures={"eye_contact": 40}, answered=now(), shown=True))
    there = ada.pack(session, tmp_path / "there.cues", video=True)
    manifest = look(there, PASSPHRASE)
    preview = rehearse(eva.library, eva.me, manifest)
    assert (preview.new_session, preview.comments_added, preview.files) == (True, 1, 5)
    assert rows(eva.library, PracticeSession) == [] and len(rows(eva.library, Account)) == 1
    assert eva.open(there) == preview
    folder, own = session_folder(eva.library.folder, session), session_folder(ada.library.folder, session)
    assert (folder / "recording-1.mp4").read_bytes() == VIDEO
    assert read_session(folder).summary == read_session(own).summary
    assert read_session(folder).minutes.equals(read_session(own).minutes)
    assert [c.person for c in rows(eva.library, Consent)] == ["Ada", "Client 7"]
    trainee = next(a for a in rows(eva.library, Account) if a.id != eva.me.id)
    assert (trainee.uid, trainee.name, trainee.active) == (ada.me.uid, "Ada (from a file)", False)
    assert is_from_file(trainee) and trainee.password_hash is None
    with eva.library.reading() as db:
        assert db.get_one(Guess, session).figures == {"eye_contact": 40}

    eva.write(answer_comment, eva.uid_of(session, "I looked away here."), "What went on in you?")
    eva.write(add_comment, session, 60.0, None, "Watch this again.")
    eva.write(settle_thread, eva.uid_of(session, "Watch this again."), True)
    with eva.library.writing() as db:
        verdict(db, eva.me, session, 5.0)
        verdict(db, eva.me, session, 15.0, word="disagree", undone=True)
        db.add(SignOff(session_id=session, reviewer_id=eva.me.id))
        point = {"cue": "eye_contact", "text": "Stay a little longer.", "clips": {"1": "yes"}}
        db.add(PracticePoint(session_id=session, author_id=eva.me.id, **point))
    back = eva.pack(session, tmp_path / "back.cues", video=True)
    assert back.stat().st_size < 20_000  # nothing of the session goes back
    done = ada.open(back)
    assert (done.comments_added, done.verdicts, done.sign_offs, done.practice_points) == (2, 2, 1, 1)
    assert (done.new_session, done.files, done.passed_over) == (False, 0, 0)
    eva_there = "Eva (from a file)"
    assert ada.threads(session) == [
        [("Ada", "I looked away here."), (eva_there, "What went on in you?")],
        [(eva_there, "Watch this again.")],
    ]
    found = rows(ada.library, VerdictRow)
    assert [(v.word, v.start, v.undone) for v in found] == [("agree", 5.0, False), ("disagree", 15.0, True)]
    assert [v.uid for v in found] == [v.uid for v in rows(eva.library, VerdictRow)]
    again = ada.open(back)
    assert not again.anything and len(rows(ada.library, Comment)) == 3 and len(rows(ada.library, Account)) == 2


def test_both_write_at_the_same_time_and_nobody_loses_a_word(ada, eva, session, tmp_path):
    ada.write(add_comment, session, 10.0, None, "first")
    ada.write(add_comment, session, 20.0, None, "goes")
    eva.open(ada.pack(session, tmp_path / "1.cues"))
    eva.write(answer_comment, eva.uid_of(session, "goes"), "an answer to what goes")
    eva.write(add_comment, session, 30.0, None, "of the supervisor")
    ada.write(change_comment, ada.uid_of(session, "first"), "first, put better")
    ada.write(delete_comment, ada.uid_of(session, "goes"))
    ada.open(eva.pack(session, tmp_path / "2.cues"))
    eva.write(change_comment, eva.uid_of(session, "of the supervisor"), "of the supervisor, put better")
    done = eva.open(ada.pack(session, tmp_path / "3.cues"))
    assert (done.comments_added, done.comments_changed, done.comments_deleted) == (0, 1, 1)
    assert eva.threads(session) == [
        [("Ada (from a file)", "first, put better")],
        [("Ada (from a file)", ""), ("Eva", "an answer to what goes")],
        [("Eva", "of the supervisor, put better")],
    ]
    ada.open(eva.pack(session, tmp_path / "4.cues"))
    assert [[text for _, text in thread] for thread in ada.threads(session)] == [
        ["first, put better"],
        ["", "an answer to what goes"],
        ["of the supervisor, put better"],
    ]
    eva.write(delete_comment, eva.uid_of(session, "of the supervisor, put better"))
    assert ada.open(eva.pack(session, tmp_path / "5.cues")).comments_deleted == 1
    assert len(ada.threads(session)) == 2


def test_an_older_file_changes_nothing(ada, eva, session, tmp_path):
    ada.write(add_comment, session, 10.0, None, "old")
    old = ada.pack(session, tmp_path / "old.cues", video=True)
    ada.write(delete_comment, ada.uid_of(session, "old"))
    ada.write(change_session, session, "Another title", DAY, None)
    eva.open(ada.pack(session, tmp_path / "new.cues"))
    done = eva.open(old)
    assert done.older and not done.comments_added and eva.threads(session) == []
    assert rows(eva.library, PracticeSession)[0].title == "Another title"


def test_a_reviewers_list_belongs_to_the_reviewer(ada, eva, session, tmp_path):
    eva.open(ada.pack(session, tmp_path / "1.cues"))
    with eva.library.writing() as db:
        verdict(db, eva.me, session, 5.0)
        verdict(db, eva.me, session, 15.0)
    ada.open(eva.pack(session, tmp_path / "2.cues"))
    with eva.library.writing() as db:
        gone = db.scalars(select(VerdictRow).order_by(VerdictRow.id.desc())).first()
        db.delete(gone)
        db.scalars(select(VerdictRow)).one().undone = True
        verdict(db, eva.me, session, 25.0, word="add")
    # What comes back from the trainee's side does not touch what the reviewer writes.
    assert eva.open(ada.pack(session, tmp_path / "3.cues")).verdicts == 0
    assert [(v.start, v.undone) for v in rows(eva.library, VerdictRow)] == [(5.0, True), (25.0, False)]
    ada.open(eva.pack(session, tmp_path / "4.cues"))
    assert [(v.start, v.undone) for v in rows(ada.library, VerdictRow)] == [(5.0, True), (25.0, False)]


def test_a_thread_that_was_settled_there_is_settled_here_unless_something_was_said_since(ada, eva, session, tmp_path):
    for text in ("one", "two"):
        ada.write(add_comment, session, 10.0, None, text)
    eva.open(ada.pack(session, tmp_path / "1.cues"))
    for text in ("one", "two"):
        eva.write(settle_thread, eva.uid_of(session, text), True)
    back = eva.pack(session, tmp_path / "2.cues")
    ada.write(answer_comment, ada.uid_of(session, "two"), "not yet")
    assert ada.open(back).threads_settled == 1
    settled = {c.text for c in rows(ada.library, Comment) if c.resolved is not None}
    assert settled == {"one"}
    ada.write(settle_thread, ada.uid_of(session, "one"), False)
    eva.write(add_comment, session, 30.0, None, "more")
    ada.open(eva.pack(session, tmp_path / "3.cues"))
    assert {c.text for c in rows(ada.library, Comment) if c.resolved is not None} == set()


def test_a_file_puts_no_words_into_the_mouth_of_a_person_of_this_library(ada, eva, session, tmp_path, monkeypatch):
    """A file that was rightly locked, and lies about who wrote what."""
    ada.write(add_comment, session, 10.0, None, "mine")
    eva.open(ada.pack(session, tmp_path / "1.cues"))
    with eva.library.writing() as db:
        trainee = db.scalars(select(Account).where(Account.uid == ada.me.uid)).one()
        db.scalars(select(Comment)).one().text = "words she never wrote"
        db.scalars(select(Comment)).one().edited = now()
        db.add(Comment(session_id=session, author_id=trainee.id, start=1.0, text="nor these"))
        verdict(db, trainee, session, 5.0)
        db.add(SignOff(session_id=session, reviewer_id=trainee.id))
    monkeypatch.setattr("cues.handover.packing._own", lambda row, sender: True)
    done = ada.open(eva.pack(session, tmp_path / "lie.cues"))
    assert done.passed_over == 2 and not done.anything
    assert ada.threads(session) == [[("Ada", "mine")]]
    assert rows(ada.library, VerdictRow) == rows(ada.library, SignOff) == []
    # A closed account is a person of this library, too.
    with ada.library.writing() as db:
        db.get_one(Account, ada.me.id).active = False
    assert ada.open(eva.pack(session, tmp_path / "again.cues")).passed_over == 2
    assert ada.threads(session) == [[("Ada", "mine")]]


def test_a_deleted_session_comes_back_only_when_it_is_asked_for(ada, eva, session, tmp_path):
    file = ada.pack(session, tmp_path / "1.cues")
    eva.open(file)
    eva.write(add_comment, session, 5.0, None, "gone with it")
    remove_handed_over(eva.library, eva.me, session)
    assert rows(eva.library, PracticeSession) == [] and not session_folder(eva.library.folder, session).exists()
    with pytest.raises(DeletedHere):
        eva.open(file)
    assert rows(eva.library, PracticeSession) == [] and not session_folder(eva.library.folder, session).exists()
    assert eva.open(file, bring_back=True).new_session
    assert eva.threads(session) == [] and read_session(session_folder(eva.library.folder, session))
    with ada.library.writing() as db:
        delete_session(db, ada.me.id, db.get_one(PracticeSession, session), "asked")
    with pytest.raises(DeletedHere):
        ada.open(file)
    assert ada.open(file, bring_back=True).new_session
    with ada.library.reading() as db:
        assert find_session(db, ada.me, session).trainee_id == ada.me.id


def test_who_may_open_and_hand_over(ada, eva, session, tmp_path):
    file = ada.pack(session, tmp_path / "1.cues")
    ben = side(tmp_path / "ben", "Ben", trainee=True, administrator=True)
    with pytest.raises(NoSupervisor):
        ben.open(file)
    assert len(rows(ben.library, Account)) == 1
    ben.write(become_supervisor)
    ben.me = rows(ben.library, Account)[0]
    assert ben.open(file).new_session
    with ben.library.writing() as db:
        other = create_account(db, "cleo@example.org", "Cleo", Roles(trainee=True, supervisor=True))
        with pytest.raises(AccountError):
            become_supervisor(db, other)
        assert find_session(db, ben.me, session) is not None and find_session(db, other, session) is None
    with pytest.raises(HandoverError, match="cannot be handed over"):
        pack(ben.library, other, session, PASSPHRASE, tmp_path / "stolen.cues")
    back = ben.pack(session, tmp_path / "back.cues")
    with pytest.raises(HandoverError, match="open the trainee's file first"):
        eva.open(back)
    ben.library.close()


def test_a_session_of_one_person_is_not_opened_into_the_library_of_another(ada, eva, session, tmp_path):
    """Two people of one library: a reviewer's file is the trainee's to open."""
    eva.open(ada.pack(session, tmp_path / "1.cues"))
    back = eva.pack(session, tmp_path / "back.cues")
    with ada.library.writing() as db:
        tom = create_account(db, "tom@example.org", "Tom", Roles(supervisor=True, trainee=True))
    with pytest.raises(HandoverError, match="not yours"):
        open_file(ada.library, tom, back, PASSPHRASE)


def test_later_tables_and_the_recording_follow(ada, eva, session, tmp_path):
    eva.open(ada.pack(session, tmp_path / "1.cues"))
    folder = session_folder(eva.library.folder, session)
    assert not (folder / "recording-1.mp4").exists() and (folder / "observations.parquet").exists()
    (session_folder(ada.library.folder, session) / "corrections.json").write_text(
        json.dumps({"schema": 1, "corrections": [{"kind": "trainee", "person": 1}]})
    )
    eva.open(ada.pack(session, tmp_path / "2.cues", video=True))
    assert (folder / "recording-1.mp4").read_bytes() == VIDEO
    trainee = next(p for p in read_session(folder).summary["people"] if p["role"] == "trainee")
    assert trainee["person"] == 1
    assert len([d for d in rows(eva.library, Deed) if d.action == "open hand-over"]) == 2


def test_a_passphrase_is_long_enough_and_the_same_on_every_keyboard(ada, session, tmp_path):
    assert len(made_passphrase()) == 24 and made_passphrase() != made_passphrase()
    assert usable("a\u0308" * 12) == "ä" * 12
    for short in ("", "eleven char", " " * 30):
        with pytest.raises(PassphraseError):
            pack(ada.library, ada.me, session, short, tmp_path / "no.cues")
