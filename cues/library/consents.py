"""What the recorded people agreed to, and whether that is enough for an analysis."""

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cues.errors import CuesError
from cues.library.models import Account, Consent, PracticeSession
from cues.library.sessions import delete_session, own_session

ANALYSIS = "analysis"
PURPOSES = {
    ANALYSIS: "automatic analysis of face and gaze",
    "review": "viewing by the trainee",
    "supervision": "viewing by a supervisor it is shared with",
}
"""Word in the database: what people read."""


class ConsentError(CuesError):
    """A consent that is missing or cannot be entered as given."""


def enter_consent(
    db: Session,
    session: PracticeSession,
    person: str,
    purposes: list[str],
    given_on: date,
    valid_until: date | None,
    entered_by: int,
) -> Consent:
    """Notes the consent of one person on the recording. Raises ConsentError with a sentence for whoever enters it."""
    person = " ".join(person.split())
    if not 1 <= len(person) <= 120:
        raise ConsentError("Whose consent is it? A name or a code of at most 120 characters is needed.")
    if unknown := set(purposes) - set(PURPOSES):
        raise ConsentError(f"Nobody can agree to '{sorted(unknown)[0]}'.")
    if valid_until is not None and valid_until < given_on:
        raise ConsentError("A consent cannot end before it was given.")
    entered = Consent(
        session_id=session.id,
        person=person,
        purposes=sorted(set(purposes)),
        given_on=given_on,
        valid_until=valid_until,
        entered_by=entered_by,
    )
    db.add(entered)
    return entered


def missing_for_analysis(db: Session, session_id: str, people: int, on: date) -> str | None:
    """Why the analysis of a session with `people` recorded people may not start on a day; None when it may."""
    consents = db.scalars(select(Consent).where(Consent.session_id == session_id))
    agreed = {
        c.person.lower()
        for c in consents
        if ANALYSIS in c.purposes and c.given_on <= on and (c.valid_until is None or on <= c.valid_until)
    }
    if len(agreed) >= people:
        return None
    return (
        f"The analysis starts when each person on the recording has agreed to the {PURPOSES[ANALYSIS]}: "
        f"{len(agreed)} of {people} have."
    )


def withdraw(db: Session, account: Account, session_id: str, consent_id: int) -> list[dict[str, Any]]:
    """Deletes the rows of a whole session because one of its people withdrew; what had been taken out of the tool.

    The files are removed by the caller after the transaction. Raises SessionError.
    """
    session = own_session(db, account, session_id)
    consent = db.get(Consent, consent_id)
    if consent is None or consent.session_id != session.id:
        raise ConsentError("This consent is not there any more.")
    taken_out: list[dict[str, Any]] = delete_session(db, account.id, session, "consent withdrawn")["taken_out"]
    return taken_out
