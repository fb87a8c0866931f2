"""What trainees think of their own figures before they see them.

Asked when an analysis is started; until it is answered or skipped the trainee sees no cue of the session
(`cues.library.sessions.left_out_for`). Nobody else is shown a guess unless the trainee says so, session by session.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from cues.library.models import Account, Guess, PracticeSession, now
from cues.library.sessions import SessionError, find_session, own_session

GUESSED = {
    "eye_contact_pct": "eye_contact",
    "lean_forward_pct": "forward_lean",
    "smile_pct": "facial_mirroring",
}
"""Column of the minutes that is guessed -> its cue."""


def ask_for_guess(db: Session, session: PracticeSession) -> None:
    """Asks once, and only who wants to be asked."""
    trainee = db.get_one(Account, session.trainee_id)
    if trainee.guesses_first and db.get(Guess, session.id) is None:
        db.add(Guess(session_id=session.id))


def answer_guess(db: Session, trainee: Account, session_id: str, figures: dict[str, float]) -> None:
    """Keeps what the trainee thinks, in per cent; without any figure they skip it. Once only. Raises SessionError."""
    own_session(db, trainee, session_id)
    if set(figures) - set(GUESSED) or not all(0 <= value <= 100 for value in figures.values()):
        raise SessionError("A guess is a share of the time, from 0 to 100 %.")
    guess = db.get(Guess, session_id)
    if guess is not None and guess.answered is not None and guess.figures == figures:
        return  # a second click
    if guess is None or guess.answered is not None:
        raise SessionError("This session's figures have been shown already, so it is too late for a guess.")
    guess.figures, guess.answered = figures, now()


def show_guess(db: Session, trainee: Account, session_id: str, shown: bool) -> None:
    """Lets those who see the session see the guess, or not. Raises SessionError."""
    own_session(db, trainee, session_id)
    guess = db.get(Guess, session_id)
    if guess is None:
        raise SessionError("There is no guess of this session.")
    guess.shown = shown


def ask_me_first(db: Session, trainee: Account, wanted: bool) -> None:
    """Whether this trainee is asked from now on; what waits for a guess is shown when they no longer want to be."""
    account = db.get_one(Account, trainee.id)
    account.guesses_first = wanted
    if not wanted:
        mine = select(PracticeSession.id).where(PracticeSession.trainee_id == account.id)
        for guess in db.scalars(select(Guess).where(Guess.session_id.in_(mine), Guess.answered.is_(None))):
            guess.answered = now()


def own_guesses(db: Session, trainee: Account) -> dict[str, Guess]:
    """A trainee's guesses by session."""
    mine = select(Guess).join(PracticeSession, PracticeSession.id == Guess.session_id)
    return {guess.session_id: guess for guess in db.scalars(mine.where(PracticeSession.trainee_id == trainee.id))}


def guess_of(db: Session, account: Account, session_id: str) -> Guess | None:
    """The guess of a session for its trainee, and for others where it is shown to them; None where there is none."""
    session = find_session(db, account, session_id)
    guess = None if session is None else db.get(Guess, session_id)
    if guess is None or session is None or (session.trainee_id != account.id and not guess.shown):
        return None
    return guess
