"""What the recorded people agreed to, and whether that is enough for an analysis, a clip, a face in a report."""

from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cues.errors import CuesError
from cues.library.models import Account, Consent, PracticeSession
from cues.library.sessions import delete_session, own_session

ANALYSIS, SUPERVISION, TEACHING, FACES = "analysis", "supervision", "teaching", "faces"
PURPOSES = {
    ANALYSIS: "automatic analysis of face and gaze",
    "review": "viewing by the trainee",
    SUPERVISION: "viewing by a supervisor it is shared with",
    TEACHING: "short clips for teaching, harder to recognise, not anonymous",
    FACES: "pictures with the face visible in exported reports",
}
"""Word in the database: what people read."""
USUAL = (ANALYSIS, "review", SUPERVISION)
"""What a practice session is recorded for; the other purposes are asked for by themselves."""


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
    """Why the analysis of a session with `people` recorded people may not start on a day; None when it may. Of each
    person the last consent counts that was given by that day."""
    given = select(Consent).where(Consent.session_id == session_id, Consent.given_on <= on)
    last = {c.person.lower(): c for c in db.scalars(given.order_by(Consent.given_on, Consent.id))}
    agreed = [c for c in last.values() if ANALYSIS in c.purposes and (c.valid_until is None or on <= c.valid_until)]
    if len(agreed) >= people:
        return None
    return (
        f"The analysis starts when each person on the recording has agreed to the {PURPOSES[ANALYSIS]}: "
        f"{len(agreed)} of {people} have."
    )


def missing_for(db: Session, session_id: str, purpose: str, people: int, on: date) -> str | None:
    """Who of `people` recorded people has not agreed to a purpose that is asked for by itself, in a sentence; None
    where everybody has. Of each person the last consent counts that was given by that day, so a later one without the
    purpose takes it back."""
    given = select(Consent).where(Consent.session_id == session_id, Consent.given_on <= on)
    last = {c.person.lower(): c for c in db.scalars(given.order_by(Consent.given_on, Consent.id))}
    missing = []
    for consent in last.values():
        if purpose not in consent.purposes:
            missing.append(consent.person)
        elif consent.valid_until is not None and consent.valid_until < on:
            missing.append(f"{consent.person} (ended on {consent.valid_until:%-d %B %Y})")
    agreed = len(last) - len(missing)
    if agreed >= people and not missing:
        return None
    if unnamed := max(people - len(last), 0):
        missing.append(f"{unnamed} of whom no consent is noted")
    return (
        f"Each person on the recording must have agreed to {PURPOSES[purpose]}: {agreed} of {max(people, len(last))} "
        f"have. Missing: {', '.join(missing)}."
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
