"""Asking for a review, signing off, the inbox, and who looked."""

from datetime import date, timedelta

import pytest
from sqlalchemy import event

from cues.library.comments import add_comment
from cues.library.deeds import record
from cues.library.models import Comment, Deed, Share, now
from cues.library.reviews import (
    NEW,
    SEEN,
    SIGNED_OFF,
    WAITS,
    ask_for_review,
    inbox,
    looks_at,
    open_again,
    sign_off,
    sign_offs_of,
)
from cues.library.sessions import SessionError, create_session, share_session, take_back


def states(library, supervisor):
    with library.reading() as db:
        return [(e.session.id, e.state, e.new) for e in inbox(db, supervisor)]


def acted(library, act, *arguments):
    with library.writing() as db:
        act(db, *arguments)


def looked(library, account, session_id):
    with library.writing() as db:
        record(db, account.id, "view report", session_id)


def test_a_session_goes_from_new_to_seen_to_waiting_to_signed_off_and_back(library, people, shared):
    ada, eva = people["ada"], people["eva"]
    assert states(library, eva) == [(shared, NEW, 0)]
    looked(library, eva, shared)
    assert states(library, eva) == [(shared, SEEN, 0)]
    acted(library, add_comment, ada, shared, 5.0, None, "Here?")
    assert states(library, eva) == [(shared, NEW, 1)]
    looked(library, eva, shared)
    acted(library, ask_for_review, ada, shared, eva.id)
    assert states(library, eva) == [(shared, WAITS, 0)]
    acted(library, sign_off, eva, shared)
    acted(library, sign_off, eva, shared)  # a second click changes nothing
    assert states(library, eva) == [(shared, SIGNED_OFF, 0)]
    with library.reading() as db:
        assert [name for name, _ in sign_offs_of(db, ada, shared)] == ["Eva"]
        assert sign_offs_of(db, people["ben"], shared) == []
    acted(library, add_comment, ada, shared, 9.0, None, "And here?")
    assert states(library, eva) == [(shared, NEW, 1)]
    acted(library, ask_for_review, ada, shared, eva.id)
    assert states(library, eva) == [(shared, WAITS, 1)]
    acted(library, open_again, eva, shared)
    with library.reading() as db:
        assert sign_offs_of(db, ada, shared) == []


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
        record(db, eva.id, "export", shared, {"format": "csv"})
        record(db, eva.id, "comment", shared)
    with library.reading() as db:
        assert [(look.name, look.what) for look in looks_at(db, ada, shared)] == [
            ("Eva", "took out a file"),
            ("Eva", "the report"),
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
