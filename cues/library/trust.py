"""How often reviewers agreed with episodes that were drawn at random, by setup and cue, in what somebody may see."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from cues.library.models import Account, PracticeSession, VerdictRow
from cues.library.sessions import left_out_of, visible
from cues.library.verdicts import verdict_in
from cues.review.verdicts import AGREE, DISAGREE, JUDGED, Verdict


@dataclass(frozen=True)
class Trust:
    """Of `judged` drawn episodes of a cue (a word of `cues.library.sessions.CUES`) in one setup, in so many sessions,
    reviewers agreed with `agreed`."""

    setup: str
    cue: str
    agreed: int
    judged: int
    sessions: int


def trust(db: Session, account: Account, setup_of: Callable[[str], str | None]) -> list[Trust]:
    """By setup, then cue; without cues that are left out for this account. setup_of: session's id -> how it turned out
    to be recorded, None where it is not analysed.

    An episode counts once: what the first reviewer said last of it, since a second one may have been led by the first.
    """
    found: dict[tuple[str, str], dict[str, list[bool]]] = {}
    drawn = select(VerdictRow.session_id).where(VerdictRow.drawn, ~VerdictRow.undone).distinct()
    sessions = list(db.scalars(visible(account).where(PracticeSession.id.in_(drawn))))
    setups = {s.id: setup for s in sessions if (setup := setup_of(s.id)) is not None}
    hidden, said = left_out_of(db, account, sessions), _first_said(db, list(setups))
    for session in (session for session in sessions if session.id in setups):
        setup = setups[session.id]
        for verdict in said.get(session.id, ()):
            cue = JUDGED[verdict.cue, verdict.kind]
            if cue not in hidden[session.id]:
                found.setdefault((setup, cue), {}).setdefault(session.id, []).append(verdict.word == AGREE)
    return [
        Trust(setup, cue, sum(map(sum, by.values())), sum(map(len, by.values())), len(by))
        for (setup, cue), by in sorted(found.items())
    ]


def _first_said(db: Session, sessions: list[str]) -> dict[str, list[Verdict]]:
    rows = select(VerdictRow).where(VerdictRow.session_id.in_(sessions), VerdictRow.drawn, ~VerdictRow.undone)
    found: dict[str, dict[tuple[object, ...], tuple[int, Verdict]]] = {}
    for row in db.scalars(rows.order_by(VerdictRow.id)):
        verdict, of_session = verdict_in(row), found.setdefault(row.session_id, {})
        key = (*verdict.lane, *verdict.span)
        if verdict.word in (AGREE, DISAGREE) and of_session.get(key, (row.reviewer_id, verdict))[0] == row.reviewer_id:
            of_session[key] = (row.reviewer_id, verdict)
    return {session_id: [verdict for _, verdict in by.values()] for session_id, by in found.items()}
