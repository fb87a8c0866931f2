"""Asking for a review, signing off, the inbox, and who looked."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event

from cues.library.comments import add_comment, answer_comment, delete_comment
from cues.library.deeds import record
from cues.library.models import Comment, Deed, Share, now
from cues.library.reviews import (
    NEW,
    SEEN,
    SIGNED_OFF,
    VIEW_REPORT,
    WAITS,
    Look,
    ask_for_review,
    asked_on,
    inbox,
    looks_at,
    open_again,
    sign_off,
    sign_offs_of,
)
from cues.library.sessions import SessionError, create_session, share_session, take_back
from tests.library.conftest import BOTH

DATABASES = BOTH


def states(library, supervisor):
    with library.reading() as db:
        return [(e.session.id, e.state, e.new) for e in inbox(db, supervisor)]


def acted(library, act, *arguments):
    with library.writing() as db:
        act(db, *arguments)


def looked(library, account, session_id):
    with library.writing() as db:
        record(db, account.id, "view report", session_id)


def asked(db, people, session_id):
    ask_for_review(db, people["ada"], session_id, people["eva"].id)


def viewed(db, people, session_id):
    record(db, people["eva"].id, VIEW_REPORT, session_id)


def viewed_by_tom(db, people, session_id):
    record(db, people["tom"].id, VIEW_REPORT, session_id)


def signed(db, people, session_id):
    sign_off(db, people["eva"], session_id)


def opened_again(db, people, session_id):
    open_again(db, people["eva"], session_id)


def shared_anew(db, people, session_id):
    share_session(db, people["ada"], session_id, people["eva"].id, [])


def written(db, people, session_id):
    add_comment(db, people["ada"], session_id, 5.0, None, "Here?")


def own(db, people, session_id):
    add_comment(db, people["eva"], session_id, 5.0, None, "Look at this.")


def answered(db, people, session_id):
    answer_comment(db, people["ada"], add_comment(db, people["eva"], session_id, 5.0, None, "This?").id, "Yes.")


def deleted(db, people, session_id):
    delete_comment(db, people["ada"], add_comment(db, people["ada"], session_id, 5.0, None, "Oh.").id)


@pytest.mark.parametrize(
    ("acts", "state", "new"),
    [
        ((), NEW, 0),
        ((viewed_by_tom,), NEW, 0),
        ((viewed,), SEEN, 0),
        ((viewed, written), NEW, 1),
        ((viewed, answered), NEW, 1),
        ((viewed, own), SEEN, 0),
        ((viewed, deleted), SEEN, 0),
        ((viewed, written, viewed), SEEN, 0),
        ((asked,), WAITS, 0),
        ((viewed, asked, viewed), WAITS, 0),
        ((viewed, asked, signed), SIGNED_OFF, 0),
        ((viewed, signed, signed), SIGNED_OFF, 0),  # a second click changes nothing
        ((viewed, signed, written), NEW, 1),
        ((viewed, signed, written, viewed), SIGNED_OFF, 0),
        ((viewed, signed, opened_again), SEEN, 0),
        ((viewed, asked, signed, opened_again), WAITS, 0),
        ((viewed, asked, signed, asked), WAITS, 0),  # asked again after it
        ((viewed, asked, signed, asked, signed), SIGNED_OFF, 0),
        ((viewed, asked, shared_anew), NEW, 0),  # nobody is asked by a new share
        ((viewed, signed, shared_anew), NEW, 0),
        ((viewed, signed, shared_anew, viewed), SIGNED_OFF, 0),
    ],
)
def test_where_a_session_stands_in_the_inbox(library, people, shared, acts, state, new):
    for act in acts:
        acted(library, act, people, shared)
    assert states(library, people["eva"]) == [(shared, state, new)]


def test_asking_twice_keeps_the_first_time_and_signing_off_again_ends_the_sign_off_before(library, people, shared):
    def times():
        with library.reading() as db:
            return asked_on(db, shared, people["eva"].id), sign_offs_of(db, people["ada"], shared)

    acted(library, asked, people, shared)
    first, _ = times()
    acted(library, asked, people, shared)
    assert times() == (first, [])
    acted(library, signed, people, shared)
    [early] = times()[1]
    acted(library, asked, people, shared)
    acted(library, signed, people, shared)
    second, [late] = times()
    assert first < early.at < second < late.at and (late.reviewer_id, late.name) == (people["eva"].id, "Eva")
    with library.reading() as db:
        assert sign_offs_of(db, people["ben"], shared) == []
    acted(library, opened_again, people, shared)
    assert times()[1] == []


def test_what_was_taken_back_is_in_no_inbox_and_shared_anew_it_is_new(library, people, shared):
    ada, eva = people["ada"], people["eva"]
    acted(library, ask_for_review, ada, shared, eva.id)
    looked(library, eva, shared)
    acted(library, take_back, ada, shared, eva.id)
    assert states(library, eva) == []
    acted(library, share_session, ada, shared, eva.id, [])
    assert states(library, eva) == [(shared, NEW, 0)]


def test_a_comment_about_a_cue_that_is_left_out_is_not_told_of(library, people, shared):
    ada, eva = people["ada"], people["eva"]
    acted(library, share_session, ada, shared, eva.id, ["eye_contact"])
    looked(library, eva, shared)
    with library.writing() as db:
        add_comment(db, ada, shared, 5.0, None, "Here?", "eye_contact")
        add_comment(db, eva, shared, 5.0, None, "My own")
    assert states(library, eva) == [(shared, SEEN, 0)]


@pytest.mark.parametrize(
    ("act", "who"),
    [
        (lambda db, p, s: ask_for_review(db, p["ben"], s, p["eva"].id), "another trainee"),
        (lambda db, p, s: ask_for_review(db, p["ada"], s, p["tom"].id), "somebody it is not shared with"),
        (lambda db, p, s: ask_for_review(db, p["eva"], s, p["eva"].id), "the supervisor"),
        (lambda db, p, s: sign_off(db, p["tom"], s), "a supervisor without it"),
        (lambda db, p, s: sign_off(db, p["ada"], s), "the trainee"),
        (lambda db, p, s: sign_off(db, p["adm"], s), "an administrator"),
        (lambda db, p, s: open_again(db, p["ada"], s), "the trainee"),
        (lambda db, p, s: looks_at(db, p["eva"], s), "the supervisor"),
    ],
)
def test_nobody_else_asks_signs_off_or_learns_who_looked(library, people, shared, act, who):
    with pytest.raises(SessionError), library.writing() as db:
        act(db, people, shared)
    assert who


def test_a_trainee_learns_who_else_looked_and_on_which_day(library, people, shared):
    ada, eva = people["ada"], people["eva"]
    for account in (ada, eva, eva):
        looked(library, account, shared)
    with library.writing() as db:
        record(db, ada.id, "download", shared)
        for form in ("ELAN", "ELAN", "PDF"):
            record(db, eva.id, "export", shared, {"format": form})
        record(db, eva.id, "comment", shared)
    with library.writing() as db:
        db.query(Deed).update({"at": datetime(2026, 11, 20, 12, tzinfo=UTC)})  # midnight may have been in between
    with library.reading() as db:
        found = looks_at(db, ada, shared)
    assert found == [
        Look(date(2026, 11, 20), "Eva", True, False, ("PDF", "ELAN")),
        Look(date(2026, 11, 20), "Ada", False, False, ("",)),  # of herself only what she took out
    ]


def test_two_hundred_sessions_take_as_many_queries_as_one(library, people):
    ada, eva = people["ada"], people["eva"]

    def queries():
        asked = []
        listen = lambda *arguments: asked.append(arguments[2])  # noqa: E731
        event.listen(library.engine, "before_cursor_execute", listen)
        with library.reading() as db:
            count = len(inbox(db, eva))
        event.remove(library.engine, "before_cursor_execute", listen)
        return count, len([statement for statement in asked if statement.startswith("SELECT")])

    day = date(2026, 11, 20)
    for total in (1, 199):
        with library.writing() as db:
            for k in range(total):
                made = create_session(db, ada, f"Session {k}", day - timedelta(days=k), "auto", None).id
                db.add(Share(session_id=made, supervisor_id=eva.id, left_out=[]))
                db.add(Comment(session_id=made, author_id=ada.id, start=1.0, text="Here?"))
                db.add(Deed(account_id=eva.id, action="view report", session_id=made))
    with library.writing() as db:
        db.query(Share).where(Share.session_id != made).update({"ended": now()})
    one = queries()
    with library.writing() as db:
        db.query(Share).update({"ended": None})
    many = queries()
    assert (one[0], many[0]) == (1, 200)
    assert one[1] == many[1] <= 5
