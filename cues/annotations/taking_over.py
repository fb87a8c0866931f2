"""Taking a corrected file over, as it was shown before: its verdicts as one act, and the tiers to keep."""

from sqlalchemy.orm import Session

from cues.annotations.comparing import Preview
from cues.library.kept_tiers import keep_tiers
from cues.library.models import Account
from cues.library.verdicts import give


def take_over(db: Session, reviewer: Account, session_id: str, preview: Preview, analysis: str, uid: str) -> None:
    """Gives the verdicts and keeps the tiers; `uid`: of this act, so that a second click does nothing. Raises
    SessionError, with nothing changed once the transaction is given up."""
    if preview.verdicts:
        give(db, reviewer, session_id, preview.verdicts, analysis, uid=uid)
    keep_tiers(db, reviewer, session_id, preview.kept)
