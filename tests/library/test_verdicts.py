"""Giving verdicts, undoing them, bringing them again; who sees them."""

import pytest

from cues.library.database import Library
from cues.library.models import Account
from cues.library.sessions import SessionError, share_session
from cues.library.verdicts import give, redo, undo, verdicts_of
from cues.review.verdicts import ADD, ADJUST, AGREE, DISAGREE, Verdict
from tests.library.conftest import BOTH

DATABASES = BOTH

SMILE = Verdict(AGREE, 0, "smile", "smile", 10.0, 20.0)
GAZE = Verdict(DISAGREE, 0, "eye_contact", "eye_contact", 30.0, 31.0)
LEAN = Verdict(ADJUST, 0, "forward_lean", "forward", 40.0, 50.0, 42.0, 49.0)


@pytest.fixture
def trainee(people):
    return people["ada"]


@pytest.fixture
def supervisor(people):
    return people["eva"]


def words(library: Library, account: Account, session: str) -> list[tuple[str, list[str]]]:
    with library.reading() as db:
        return [(one.name, [v.word for v in one.verdicts]) for one in verdicts_of(db, account, session)]


def acted(library: Library, act, *arguments, **named) -> None:
    with library.writing() as db:
        act(db, *arguments, **named)


def test_what_is_given_at_once_is_undone_at_once_and_comes_again(library, trainee, supervisor, shared):
    acted(library, give, supervisor, shared, [SMILE], "a")
    acted(library, give, supervisor, shared, [GAZE, LEAN], "a")
    assert words(library, supervisor, shared) == [(supervisor.name, ["agree", "disagree", "adjust"])]
    acted(library, undo, supervisor, shared)
    assert words(library, supervisor, shared) == [(supervisor.name, ["agree"])]
    acted(library, undo, supervisor, shared)
    with pytest.raises(SessionError, match="nothing more to undo"):
        acted(library, undo, supervisor, shared)
    acted(library, redo, supervisor, shared)
    acted(library, redo, supervisor, shared)
    assert words(library, trainee, shared) == [(supervisor.name, ["agree", "disagree", "adjust"])]
    with pytest.raises(SessionError, match="nothing to bring again"):
        acted(library, redo, supervisor, shared)


def test_a_new_verdict_ends_what_could_be_brought_again(library, supervisor, shared):
    acted(library, give, supervisor, shared, [SMILE], "a")
    acted(library, undo, supervisor, shared)
    acted(library, give, supervisor, shared, [GAZE], "a")
    with pytest.raises(SessionError):
        acted(library, redo, supervisor, shared)
    assert words(library, supervisor, shared) == [(supervisor.name, ["disagree"])]


def test_everybody_undoes_their_own_only(library, trainee, supervisor, shared):
    acted(library, give, supervisor, shared, [SMILE], "a")
    acted(library, give, trainee, shared, [GAZE], "a")
    acted(library, undo, supervisor, shared)
    assert words(library, trainee, shared) == [(supervisor.name, []), (trainee.name, ["disagree"])]


def test_of_a_cue_that_is_left_out_verdicts_are_neither_given_nor_seen(library, trainee, supervisor, shared):
    acted(library, give, trainee, shared, [GAZE, SMILE], "a")
    acted(library, share_session, trainee, shared, supervisor.id, ["eye_contact"])
    assert words(library, supervisor, shared) == [(trainee.name, ["agree"])]
    with pytest.raises(SessionError, match="shown to you"):
        acted(library, give, supervisor, shared, [GAZE], "a")


def test_who_does_not_see_the_session_does_nothing_there(library, people, supervisor, shared):
    acted(library, give, supervisor, shared, [SMILE], "a")
    stranger = people["tom"]
    assert words(library, stranger, shared) == []
    for act in (undo, redo):
        with pytest.raises(SessionError, match="no such session"):
            acted(library, act, stranger, shared)
    with pytest.raises(SessionError, match="no such session"):
        acted(library, give, stranger, shared, [SMILE], "a")


@pytest.mark.parametrize(
    "wrong",
    [
        Verdict("like", 0, "smile", "smile", 1.0, 2.0),
        Verdict(AGREE, 0, "smile", "mutual_gaze", 1.0, 2.0),
        Verdict(AGREE, 0, "smile", "smile", 2.0, 2.0),
        Verdict(ADD, 0, "smile", "smile", -1.0, 2.0),
        Verdict(ADD, 0, "smile", "smile", 1.0, float("inf")),
        Verdict(ADJUST, 0, "smile", "smile", 1.0, 2.0),
        Verdict(ADJUST, 0, "smile", "smile", 1.0, 2.0, 5.0, 4.0),
        Verdict(AGREE, 0, "smile", "smile", 1.0, 2.0, 1.0, 2.0),
    ],
)
def test_what_is_no_verdict_is_refused_and_nothing_of_it_is_kept(library, supervisor, shared, wrong):
    with pytest.raises(SessionError):
        acted(library, give, supervisor, shared, [SMILE, wrong], "a")
    assert words(library, supervisor, shared) == []


def test_what_is_sent_twice_is_done_once(library, trainee, supervisor, shared):
    uid = "0" * 31 + "a"
    for _ in range(2):
        acted(library, give, supervisor, shared, [SMILE], "a", uid=uid)
    assert words(library, supervisor, shared) == [(supervisor.name, ["agree"])]
    acted(library, give, supervisor, shared, [GAZE], "a")
    with library.reading() as db:
        [one] = verdicts_of(db, supervisor, shared)
    for _ in range(2):
        acted(library, undo, supervisor, shared, one.last)
    assert words(library, supervisor, shared) == [(supervisor.name, ["agree"])]
    for _ in range(2):
        acted(library, redo, supervisor, shared, one.last)
    assert words(library, supervisor, shared) == [(supervisor.name, ["agree", "disagree"])]
    for wrong in (uid, "no uid"):  # another's, and none
        with pytest.raises(SessionError, match="no verdict"):
            acted(library, give, trainee, shared, [SMILE], "a", uid=wrong)
