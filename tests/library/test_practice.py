"""One thing to practise: who chooses it, who sees it, what it is compared with."""

from datetime import date

import pytest

from cues.library.models import PracticeSession
from cues.library.practice import choose_point, end_point, point_before, point_of
from cues.library.sessions import SessionError, create_session, share_session
from tests.library.conftest import BOTH

DATABASES = BOTH


def chosen(library, account, session_id):
    with library.reading() as db:
        found = point_of(db, account, session_id)
        return None if found is None else (found.point.cue, found.point.text, found.author)


def test_the_last_choice_holds_until_it_is_ended_and_both_see_it(library, people, shared):
    for who, text in (("ada", "Looking up  from notes"), ("eva", "Pauses")):
        with library.writing() as db:
            choose_point(db, people[who], shared, "eye_contact", text, [])
    assert chosen(library, people["ada"], shared) == ("eye_contact", "Pauses", "Eva")
    assert chosen(library, people["eva"], shared) == ("eye_contact", "Pauses", "Eva")
    assert chosen(library, people["tom"], shared) is None
    with library.writing() as db:
        end_point(db, people["ada"], shared)
    assert chosen(library, people["ada"], shared) is None


def test_nobody_chooses_or_sees_a_cue_that_is_left_out_for_them(library, people, shared):
    with library.writing() as db:
        choose_point(db, people["ada"], shared, "forward_lean", "Sitting up", [])
        share_session(db, people["ada"], shared, people["eva"].id, ["forward_lean"])
    assert chosen(library, people["eva"], shared) is None
    for act in (
        lambda db: choose_point(db, people["eva"], shared, "forward_lean", "Sitting up", []),
        lambda db: end_point(db, people["eva"], shared),
        lambda db: choose_point(db, people["tom"], shared, "eye_contact", "Sitting up", []),
        lambda db: choose_point(db, people["ada"], shared, "no cue", "Sitting up", []),
        lambda db: choose_point(db, people["ada"], shared, "eye_contact", " ", []),
        lambda db: choose_point(db, people["ada"], shared, "eye_contact", "x", [{"judged": "bad"}]),
    ):
        with pytest.raises(SessionError), library.writing() as db:
            act(db)
    assert chosen(library, people["ada"], shared) == ("forward_lean", "Sitting up", "Ada")


def test_the_next_session_of_the_same_trainee_is_held_against_the_last_point(library, people, shared):
    ada, eva = people["ada"], people["eva"]
    with library.writing() as db:
        choose_point(db, ada, shared, "eye_contact", "Pauses", [])
        later = create_session(db, ada, "Later", date(2026, 11, 22), "auto", None).id
        other = create_session(db, people["ben"], "Of another", date(2026, 11, 23), "auto", None).id
        share_session(db, ada, later, eva.id, [])

    def before(account, session_id):
        with library.reading() as db:
            found = point_before(db, account, db.get_one(PracticeSession, session_id))
            return None if found is None else (found.point.text, found.session.id)

    assert before(ada, later) == before(eva, later) == ("Pauses", shared)
    assert before(ada, shared) is None
    assert before(people["ben"], other) is None
    with library.writing() as db:
        share_session(db, ada, shared, eva.id, ["eye_contact"])
    assert before(eva, later) is None
    assert before(ada, later) == ("Pauses", shared)
