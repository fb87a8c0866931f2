"""A library in which everybody has a part, for tests of who gets what: accounts, sign-ins, a session of Ada's.

`make_everybody` works on the library beside a running application, so that roles can be taken away in mid-session.
"""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cues.library.accounts import Roles, begin_sign_in, create_account, owner_of_library, sign_out
from cues.library.database import Library
from cues.library.folders import session_folder
from cues.library.incoming import Incoming, create_upload
from cues.library.models import Account, PracticeSession
from cues.library.sessions import create_session, share_session, take_back
from tests.sample_clip import SAMPLE
from tests.web.made_library import add_session, made_results

GUESSED = "0123456789abcdef" * 2
ROLES = {
    "ada": Roles(trainee=True),  # whose session it is
    "sue": Roles(supervisor=True),  # a supervisor with whom it is shared
    "cut": Roles(supervisor=True),  # one with whom it is shared without eye contact
    "was": Roles(supervisor=True),  # one from whom it was taken back
    "tom": Roles(supervisor=True),  # one with whom it never was
    "ben": Roles(trainee=True),  # another trainee
    "adm": Roles(administrator=True),  # who administers, and is nothing else
    "left": Roles(trainee=True, supervisor=True),  # shared with, then no supervisor any more: in mid-session
    "off": Roles(supervisor=True),  # shared with, then the account was closed: in mid-session
    "out": Roles(supervisor=True),  # shared with, then signed out
}
NOBODY = "nobody"
EVERYBODY = (*ROLES, NOBODY)
SIGNED_OUT = ("off", "out", NOBODY)


@dataclass(frozen=True)
class Everybody:
    """accounts: ids by name; tokens: what each browser's cookie holds. session, upload, of_ben: ids of Ada's session,
    of a begun upload of hers, and of a session of Ben's."""

    accounts: dict[str, int]
    tokens: dict[str, str]
    session: str
    of_ben: str
    upload: str


def make_everybody(library: Library, results: Path) -> Everybody:
    """Everybody, still with all their roles. `results` is an empty folder for what an analysis leaves."""
    made_results(results, minutes=2)
    (results / "person-0.jpg").write_bytes(SAMPLE.with_name("report.png").read_bytes())
    with library.writing() as db:
        owner_of_library(db)
        people = {name: create_account(db, f"{name}@example.org", name.title(), r) for name, r in ROLES.items()}
        tokens = {name: begin_sign_in(db, account, "127.0.0.1") for name, account in people.items()}
    session = add_session(library, "Of Ada", results, [SAMPLE])
    with library.writing() as db:
        db.get_one(PracticeSession, session).trainee_id = people["ada"].id
        db.flush()
        for name in ("sue", "cut", "was", "left", "off", "out"):
            left_out = ["eye_contact"] if name == "cut" else []
            share_session(db, people["ada"], session, people[name].id, left_out)
        take_back(db, people["ada"], session, people["was"].id)
        of_ben = create_session(db, people["ben"], "Of Ben", date.today(), "auto", None).id
    checks = library.folder / "checks" / str(people["ada"].id)
    checks.mkdir(parents=True, mode=0o700)
    (checks / "person-1.jpg").write_bytes((session_folder(library.folder, session) / "person-0.jpg").read_bytes())
    upload = create_upload(Incoming(library.folder / "incoming"), people["ada"].id, 1000, "mine.mp4", session)
    return Everybody({n: a.id for n, a in people.items()}, tokens, session, of_ben, upload.id)


def take_roles_away(library: Library, everybody: Everybody) -> None:
    """What an administrator, or they themselves, do while their pages are open."""
    with library.writing() as db:
        db.get_one(Account, everybody.accounts["left"]).supervisor = False
        db.get_one(Account, everybody.accounts["off"]).active = False
        sign_out(db, everybody.tokens["out"])
