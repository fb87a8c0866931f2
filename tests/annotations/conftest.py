"""A session in a library, with people who see it, and what they may take out of it."""

from contextlib import contextmanager
from datetime import date

import pytest

from cues.corrections import Corrections
from cues.export.content import content_of
from cues.library.accounts import Roles, create_account
from cues.library.comments import add_comment
from cues.library.database import open_library
from cues.library.folders import make_session_folder
from cues.library.models import Recording
from cues.library.session_folder import write_results
from cues.library.sessions import create_session, share_session
from cues.metrics.session import measure_session
from cues.observations import write_observations
from cues.parameters import Parameters
from tests.made_session import made_session

DAY = date(2026, 11, 20)
HOSTILE = '=x()|"x" --> </TIER> & <b>\u202e  line\nbreak \u0001\ufffe 😀 (reviewed by tool)'


class Place:
    """A library with one session of Ada's, which Eva sees whole and Tom without eye contact."""

    def __init__(self, library, session_id, people):
        self.library, self.id, self.people = library, session_id, people

    @contextmanager
    def writing(self):
        with self.library.writing() as db:
            yield db

    def content(self, name):
        with self.library.reading() as db:
            return content_of(db, self.people[name], self.library.folder, self.id)


@pytest.fixture(scope="session")
def measured():
    observations = made_session(minutes=3).observations
    return observations, measure_session(observations, Corrections(), Parameters())


def make_place(folder, measured, names=("Eva", "Tom"), files=("a&b.mp4",)):
    library = open_library(folder)
    with library.writing() as db:
        ada = create_account(db, "ada@example.org", "Ada", Roles(trainee=True))
        eva, tom = (
            create_account(db, f"{k}@example.org", name, Roles(supervisor=True)) for k, name in enumerate(names)
        )
        found = create_session(db, ada, HOSTILE, DAY, "auto", None)
        for position, name in enumerate(files):
            row = {"stored_as": f"recording-{position + 1}.mp4", "size": 1, "sha256": f"{position:064d}"}
            db.add(Recording(session_id=found.id, position=position, file_name=name, **row))
        share_session(db, ada, found.id, eva.id, [])
        share_session(db, ada, found.id, tom.id, ["eye_contact"])
        add_comment(db, ada, found.id, 5.0, None, HOSTILE)
        add_comment(db, eva, found.id, 5.2, 9.0, "About your glance here", "eye_contact")
    results = make_session_folder(folder, found.id)
    write_observations(measured[0], results)
    write_results(results, measured[1])
    return Place(library, found.id, {"ada": ada, "eva": eva, "tom": tom})


@pytest.fixture
def place(tmp_path, measured):
    made = make_place(tmp_path / "library", measured)
    yield made
    made.library.close()
