"""The sample session in a new library, so that there is a report to look at before the first upload."""

import hashlib
import shutil
from datetime import date
from pathlib import Path

from sqlalchemy import select

from cues.encryption.at_rest import copy_kept
from cues.library.accounts import owner_of_library
from cues.library.consents import TEACHING, USUAL, enter_consent
from cues.library.database import Library
from cues.library.deeds import record
from cues.library.folders import make_session_folder
from cues.library.models import Deed, Recording
from cues.library.sessions import create_session

SAMPLE = Path(__file__).resolve().parents[2] / "videos" / "sample"
_ADDED = "add sample"
_TITLE = "Sample session"


def add_sample(library: Library) -> None:
    """Puts the analysed sample into the library of its owner, once: who deletes it does not get it again."""
    video, report = SAMPLE / "session.mp4", SAMPLE / "report"
    if not (report / "session.json").exists():
        return
    with library.writing() as db:
        if db.scalar(select(Deed.id).where(Deed.action == _ADDED)) is not None:
            return
        owner = owner_of_library(db)
        if not owner.trainee:
            return
        today = date.today()
        session = create_session(db, owner, _TITLE, today, "split_screen", None)
        folder = make_session_folder(library.folder, session.id)
        copy_kept(video, folder / "recording-1.mp4")
        for path in report.iterdir():
            if path.is_file():
                shutil.copyfile(path, folder / path.name)
        with video.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = video.stat().st_size
        db.add(
            Recording(
                session_id=session.id,
                position=0,
                file_name="session.mp4",
                stored_as="recording-1.mp4",
                size=size,
                sha256=digest,
            )
        )
        for person in ("Rendered person on the left", "Rendered person on the right"):
            enter_consent(db, session, person, [*USUAL, TEACHING], today, None, owner.id)
        record(db, owner.id, _ADDED, session.id)
