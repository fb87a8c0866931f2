"""Who may comment on what, and whose comments can be changed."""

from datetime import date

import pytest

from cues.library.comments import add_comment, change_comment, comments_of, delete_comment
from cues.library.sessions import SessionError, create_session, share_session, take_back

DAY = date(2026, 11, 20)


@pytest.fixture
def shared(library, people):
    """A session of Ada's that Eva may see."""
    with library.writing() as db:
        session_id = create_session(db, people["ada"], "A session", DAY, "auto", None).id
        share_session(db, people["ada"], session_id, people["eva"].id, [])
    return session_id


def texts(library, account, session_id):
    with library.reading() as db:
        return [(c.start, c.end, c.text, name) for c, name in comments_of(db, account, session_id)]


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
    ("start", "end", "text"), [(-1.0, None, "x"), (5.0, 4.0, "x"), (1.0, None, "  "), (1.0, None, "x" * 4001)]
)
def test_what_is_no_comment_is_refused_with_a_sentence(library, people, shared, start, end, text):
    with pytest.raises(SessionError, match=r"\w+ .*\."), library.writing() as db:
        add_comment(db, people["ada"], shared, start, end, text)
    assert texts(library, people["ada"], shared) == []
