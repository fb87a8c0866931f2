"""Who may comment on what, and whose comments can be changed."""

import pytest

from cues.library.comments import (
    add_comment,
    answer_comment,
    change_comment,
    delete_comment,
    settle_thread,
    threads_of,
)
from cues.library.sessions import SessionError, share_session, take_back
from tests.library.conftest import BOTH

DATABASES = BOTH


def texts(library, account, session_id):
    with library.reading() as db:
        firsts = [thread.first for thread in threads_of(db, account, session_id)]
        return [(w.comment.start, w.comment.end, w.comment.text, w.author) for w in firsts]


def threads(library, account, session_id):
    """Each thread as the text of its comment and [author, text] of its answers."""
    with library.reading() as db:
        found = threads_of(db, account, session_id)
        return [(t.first.comment.text, [(w.author, w.comment.text) for w in t.answers]) for t in found]


def test_comments_stand_by_time_and_are_seen_by_who_sees_the_session(library, people, shared):
    with library.writing() as db:
        add_comment(db, people["eva"], shared, 90.0, 95.0, " What was this? ")
        add_comment(db, people["ada"], shared, 12.0, None, "<script>alert(1)</script>")
    both = [(12.0, None, "<script>alert(1)</script>", "Ada"), (90.0, 95.0, "What was this?", "Eva")]
    assert texts(library, people["ada"], shared) == texts(library, people["eva"], shared) == both
    assert texts(library, people["ben"], shared) == texts(library, people["tom"], shared) == []


def test_who_cannot_see_a_session_cannot_comment_on_it(library, people, shared):
    for name in ("ben", "tom", "adm"):
        with pytest.raises(SessionError), library.writing() as db:
            add_comment(db, people[name], shared, 1.0, None, "hello")
    with library.writing() as db:
        take_back(db, people["ada"], shared, people["eva"].id)
    with pytest.raises(SessionError), library.writing() as db:
        add_comment(db, people["eva"], shared, 1.0, None, "hello")


def test_the_same_comment_sent_again_is_kept_once_and_nobody_elses_id_is_taken(library, people, shared):
    uid = "0" * 31 + "1"
    for _ in range(2):
        with library.writing() as db:
            add_comment(db, people["eva"], shared, 1.0, None, "sent again", uid=uid)
    for name, invented in (("ada", uid), ("eva", "0" * 31), ("eva", "0" * 31 + "G")):
        with pytest.raises(SessionError, match="load the page again"), library.writing() as db:
            add_comment(db, people[name], shared, 1.0, None, "invented", uid=invented)
    assert texts(library, people["ada"], shared) == [(1.0, None, "sent again", "Eva")]


def test_only_its_author_changes_or_deletes_a_comment(library, people, shared):
    with library.writing() as db:
        comment_id = add_comment(db, people["eva"], shared, 1.0, None, "first").id
    for act in (
        lambda db: change_comment(db, people["ada"], comment_id, "no"),
        lambda db: delete_comment(db, people["ada"], comment_id),
    ):
        with pytest.raises(SessionError), library.writing() as db:
            act(db)
    with library.writing() as db:
        change_comment(db, people["eva"], comment_id, "second")
    assert [text for _, _, text, _ in texts(library, people["eva"], shared)] == ["second"]
    with library.writing() as db:
        delete_comment(db, people["eva"], comment_id)
    assert texts(library, people["eva"], shared) == []


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [
        (-1.0, None, "x"),
        (5.0, 4.0, "x"),
        (float("nan"), None, "x"),
        (1.0, float("inf"), "x"),
        (1.0, None, "  "),
        (1.0, None, "x" * 4001),
    ],
)
def test_what_is_no_comment_is_refused_with_a_sentence(library, people, shared, start, end, text):
    with pytest.raises(SessionError, match=r"\w+ .*\."), library.writing() as db:
        add_comment(db, people["ada"], shared, start, end, text)
    assert texts(library, people["ada"], shared) == []


def test_a_thread_is_answered_settled_and_opened_again_by_who_sees_it(library, people, shared):
    with library.writing() as db:
        first = add_comment(db, people["eva"], shared, 70.0, 85.0, "What kept you here?").id
        answer_comment(db, people["ada"], first, "I was thinking.")
        answer_comment(db, people["eva"], first, "About what?")
    wanted = [("What kept you here?", [("Ada", "I was thinking."), ("Eva", "About what?")])]
    assert threads(library, people["ada"], shared) == threads(library, people["eva"], shared) == wanted
    assert threads(library, people["ben"], shared) == []
    for settled in (True, False):
        with library.writing() as db:
            settle_thread(db, people["ada"], first, settled)
        with library.reading() as db:
            [thread] = threads_of(db, people["eva"], shared)
            assert (thread.first.comment.resolved is not None) == settled
    for act in (
        lambda db: answer_comment(db, people["ben"], first, "no"),
        lambda db: settle_thread(db, people["tom"], first, True),
    ):
        with pytest.raises(SessionError), library.writing() as db:
            act(db)


def test_an_answer_is_no_thread_of_its_own(library, people, shared):
    with library.writing() as db:
        first = add_comment(db, people["eva"], shared, 1.0, None, "first").id
        answer = answer_comment(db, people["ada"], first, "answer").id
    with pytest.raises(SessionError), library.writing() as db:
        answer_comment(db, people["eva"], answer, "no")
    with pytest.raises(SessionError), library.writing() as db:
        settle_thread(db, people["eva"], answer, True)


def test_what_others_answered_stays_when_the_comment_above_is_deleted(library, people, shared):
    with library.writing() as db:
        first = add_comment(db, people["eva"], shared, 1.0, None, "first").id
        answer = answer_comment(db, people["ada"], first, "answer").id
    with library.writing() as db:
        delete_comment(db, people["eva"], first)
    assert threads(library, people["ada"], shared) == [("", [("Ada", "answer")])]
    with pytest.raises(SessionError), library.writing() as db:
        change_comment(db, people["eva"], first, "again")
    with library.writing() as db:
        delete_comment(db, people["ada"], answer)
    assert threads(library, people["ada"], shared) == []


def test_a_comment_about_a_cue_is_not_there_for_who_does_not_see_the_cue(library, people, shared):
    with library.writing() as db:
        share_session(db, people["ada"], shared, people["eva"].id, ["eye_contact"])
        about = add_comment(db, people["ada"], shared, 1.0, None, "my gaze", "eye_contact").id
        answer = answer_comment(db, people["ada"], about, "more of it").id
        add_comment(db, people["eva"], shared, 2.0, None, "your lean", "forward_lean")
    assert [text for text, _ in threads(library, people["ada"], shared)] == ["my gaze", "your lean"]
    assert [text for text, _ in threads(library, people["eva"], shared)] == ["your lean"]
    for act in (
        lambda db: answer_comment(db, people["eva"], about, "no"),
        lambda db: change_comment(db, people["eva"], answer, "no"),
        lambda db: add_comment(db, people["eva"], shared, 3.0, None, "no", "eye_contact"),
        lambda db: add_comment(db, people["eva"], shared, 3.0, None, "no", "posture"),
    ):
        with pytest.raises(SessionError), library.writing() as db:
            act(db)
