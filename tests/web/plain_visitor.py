"""The owner of a library without a browser: signs in, adds sessions, sends recordings, by plain requests."""

import base64
from datetime import date
from pathlib import Path

import requests

from cues.jobs.probing import read_probe
from cues.library.accounts import owner_of_library
from cues.library.consents import ANALYSIS, enter_consent
from cues.library.database import open_library
from cues.library.folders import session_folder
from cues.library.sessions import create_session
from tests.web.running_app import RunningApp

DAY = date(2026, 11, 20)


class PlainVisitor:
    """Signed in by the code that the application printed."""

    def __init__(self, app: RunningApp) -> None:
        self.app, self.library = app, open_library(app.library, app.database_url)
        self.requests = requests.Session()
        self.requests.trust_env = False  # no proxy stands between this machine and itself
        self.requests.headers["Connection"] = "close"  # one that is kept may be closed just when it is used again
        assert self.get(app.sign_in.removeprefix(app.address)).ok

    def get(self, path: str, **headers: str) -> requests.Response:
        return self.requests.get(self.app.address + path, headers=headers, timeout=60)

    def session(self, title: str) -> str:
        """A new session of the owner's, with the consents of two people; its id."""
        with self.library.writing() as db:
            owner = owner_of_library(db)
            session = create_session(db, owner, title, DAY, "auto", None)
            for person in ("Ada", "Cleo"):
                enter_consent(db, session, person, [ANALYSIS], DAY, None, owner.id)
            return session.id

    def send(self, session_id: str, name: str, content: bytes) -> requests.Response:
        """Uploads a recording into a session; the last answer."""
        tus = {"Tus-Resumable": "1.0.0"}
        begin = {"Upload-Length": str(len(content)), "Upload-Metadata": announced(session_id, name)}
        answer = self.requests.post(self.app.address + "/api/uploads", headers=tus | begin, timeout=60)
        if not answer.ok:
            return answer
        piece = {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        address = self.app.address + answer.headers["Location"]
        return self.requests.patch(address, headers=tus | piece, data=content, timeout=120)

    def looked(self, session_id: str) -> dict | None:
        """What the short look at a session's recording has told; None while it has not."""
        return read_probe(session_folder(self.library.folder, session_id))

    def leave(self) -> None:
        self.requests.close()
        self.library.close()


def announced(session_id: str, name: str) -> str:
    """What an upload says of itself, as tus has it."""
    told = (("filename", Path(name).name), ("session", session_id))
    return ",".join(f"{key} {base64.b64encode(said.encode()).decode()}" for key, said in told)
