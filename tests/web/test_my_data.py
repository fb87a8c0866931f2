"""Everything of a person, by clicks: the archive is fetched, a recorded person is found, an account goes with all of
it."""

import importlib.util
import io
import shutil
import zipfile
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import select

from cues.library.accounts import Roles, create_account, owner_of_library
from cues.library.consents import PURPOSES, enter_consent
from cues.library.database import open_library
from cues.library.folders import session_folder
from cues.library.models import Account, PracticeSession
from cues.library.sessions import create_session
from tests.web.running_app import RunningApp

CHROMIUM = Path("/usr/bin/chromium")
if importlib.util.find_spec("playwright") is None:
    pytest.skip("playwright is not installed: pip install -r tests/requirements.txt", allow_module_level=True)
if not (CHROMIUM.exists() or shutil.which("chromium")):
    pytest.skip("Chromium is not installed: apt install chromium", allow_module_level=True)

from playwright.sync_api import expect  # noqa: E402

from tests.web.accessibility import faults_of  # noqa: E402
from tests.web.made_library import add_session  # noqa: E402
from tests.web.take_picture import browser, settled  # noqa: E402
from tests.web.visitor import Visitor  # noqa: E402

DAY = date(2026, 11, 20)


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    running = RunningApp(tmp_path_factory.mktemp("app") / "library")
    folder = tmp_path_factory.mktemp("results")
    (folder / "observations.parquet").write_bytes(b"measured")
    recording = folder / "call.mp4"
    recording.write_bytes(b"filmed")
    library = open_library(running.library)
    session_id = add_session(library, "With a client", folder, [recording])
    with library.writing() as db:
        owner = owner_of_library(db)
        enter_consent(db, db.get_one(PracticeSession, session_id), "Client 7", list(PURPOSES), DAY, None, owner.id)
        ben = create_account(db, "ben@example.org", "Ben", Roles(trainee=True))
        create_session(db, ben, "Ben's", DAY, "auto", None)
    library.close()
    yield running, session_id
    running.end()


def test_a_copy_of_everything_then_a_withdrawn_consent_then_a_deleted_account(app):
    running, session_id = app
    with browser() as chromium:
        owner = Visitor(chromium, running, accept_downloads=True)
        page = owner.page
        page.goto(running.sign_in)
        settled(page)
        owner.open("/account")
        page.get_by_text("Everything that is kept of me", exact=True).click()
        page.get_by_role("button", name="Make the archive").click()
        link = page.get_by_role("link", name="Download the file")
        expect(link).to_be_visible()
        with page.expect_download() as coming:
            link.click()
        inside = zipfile.ZipFile(io.BytesIO(Path(coming.value.path()).read_bytes()))
        assert b"filmed" in [inside.read(name) for name in inside.namelist()]

        page.get_by_text("Everything of a person I recorded", exact=True).click()
        page.get_by_label("Name or code").fill("client 7")
        page.get_by_label("Name or code").press("Enter")
        expect(page.get_by_text("Recordings: call.mp4")).to_be_visible()
        settled(page)
        assert faults_of(page) == []
        page.get_by_role("button", name="Consent withdrawn: delete this session…").click()
        page.get_by_role("button", name="Delete everything of this session").click()
        expect(page.get_by_text("Deleted. Taken out before: ", exact=False)).to_be_visible()
        assert not session_folder(running.library, session_id).exists()

        owner.open("/account")
        page.get_by_text("Delete everything of me", exact=True).click()
        page.get_by_role("button", name="Delete everything of me…").click()
        page.get_by_label("Type: delete everything").fill("delete everything")
        page.get_by_role("button", name="Delete everything now").click()
        expect(page.get_by_text("the only administrator of this library", exact=False)).to_be_visible()

        owner.open("/people")
        page.get_by_role("button", name="Delete everything…").click()
        page.get_by_role("button", name="Delete everything now").click()
        expect(page.get_by_text("Type the words “delete everything” into the first field.")).to_be_visible()
        page.get_by_label("Type: delete everything").fill("delete everything")
        page.get_by_role("button", name="Delete everything now").click()
        expect(page.get_by_text("Everything of this person was deleted.")).to_be_visible()
        assert owner.complaints == [] and owner.outside() == []
    library = open_library(running.library)
    with library.reading() as db:
        assert [account.name for account in db.scalars(select(Account))] == ["Owner"]
        assert db.scalar(select(PracticeSession.id).where(PracticeSession.title == "Ben's")) is None
    library.close()
