"""Guesses before the figures: who is asked, what stays hidden until then, who sees them."""

import pytest

from cues.library.guesses import answer_guess, ask_for_guess, ask_me_first, guess_of, show_guess
from cues.library.models import Account, Guess, PracticeSession
from cues.library.sessions import CUES, SessionError, left_out_for
from tests.library.conftest import BOTH

DATABASES = BOTH


def hidden(library, account, session_id):
    with library.reading() as db:
        return left_out_for(db, account, db.get_one(PracticeSession, session_id))


def seen(library, account, session_id):
    with library.reading() as db:
        guess = guess_of(db, account, session_id)
        return None if guess is None else guess.figures


def ask(library, session_id):
    with library.writing() as db:
        ask_for_guess(db, db.get_one(PracticeSession, session_id))


def test_every_cue_is_hidden_from_the_trainee_alone_until_they_guess(library, people, shared):
    ada, eva = people["ada"], people["eva"]
    assert hidden(library, ada, shared) == []  # not asked yet
    ask(library, shared)
    assert (hidden(library, ada, shared), hidden(library, eva, shared)) == (list(CUES), [])
    with library.writing() as db:
        answer_guess(db, ada, shared, {"smile_pct": 20.0})
    assert hidden(library, ada, shared) == []
    ask(library, shared)  # analysed once more: not asked again
    assert hidden(library, ada, shared) == []


def test_a_guess_is_given_once_and_skipping_is_an_answer(library, people, shared):
    ask(library, shared)
    for _ in range(2):  # a second click changes nothing, and is no mistake
        with library.writing() as db:
            answer_guess(db, people["ada"], shared, {})
    assert hidden(library, people["ada"], shared) == []
    with pytest.raises(SessionError, match="too late"), library.writing() as db:
        answer_guess(db, people["ada"], shared, {"smile_pct": 20.0})
    assert seen(library, people["ada"], shared) == {}


@pytest.mark.parametrize(
    "figures", [{"smile_pct": 101.0}, {"smile_pct": -1.0}, {"smile_pct": float("nan")}, {"x": 1.0}]
)
def test_what_is_no_share_is_refused(library, people, shared, figures):
    ask(library, shared)
    with pytest.raises(SessionError), library.writing() as db:
        answer_guess(db, people["ada"], shared, figures)
    assert hidden(library, people["ada"], shared) == list(CUES)


def test_others_see_a_guess_only_where_its_author_says_so(library, people, shared):
    ada, eva = people["ada"], people["eva"]
    ask(library, shared)
    with library.writing() as db:
        answer_guess(db, ada, shared, {"smile_pct": 20.0})
    assert seen(library, ada, shared) == {"smile_pct": 20.0}
    assert seen(library, eva, shared) is None
    with library.writing() as db:
        show_guess(db, ada, shared, True)
    assert seen(library, eva, shared) == {"smile_pct": 20.0}
    assert seen(library, people["tom"], shared) is None
    for who in ("eva", "ben"):
        with pytest.raises(SessionError), library.writing() as db:
            show_guess(db, people[who], shared, False)
        with pytest.raises(SessionError), library.writing() as db:
            answer_guess(db, people[who], shared, {})


def test_who_does_not_want_to_be_asked_is_not_and_sees_what_was_waiting(library, people, shared):
    ada = people["ada"]
    ask(library, shared)
    with library.writing() as db:
        ask_me_first(db, ada, False)
    assert hidden(library, ada, shared) == []
    with library.writing() as db:
        db.delete(db.get_one(Guess, shared))
    ask(library, shared)
    assert hidden(library, ada, shared) == []
    with library.writing() as db:
        ask_me_first(db, ada, True)
        assert db.get_one(Account, ada.id).guesses_first
    ask(library, shared)
    assert hidden(library, ada, shared) == list(CUES)
