"""A session goes from one running application to another as a file, and its review comes back."""

import importlib.util
import re
import shutil
from pathlib import Path

import pytest
from sqlalchemy import select

from cues.library.accounts import owner_of_library
from cues.library.comments import add_comment
from cues.library.database import open_library
from cues.library.models import Deed, VerdictRow
from tests.sample_clip import SAMPLE
from tests.web.running_app import RunningApp

CHROMIUM = Path("/usr/bin/chromium")
if importlib.util.find_spec("playwright") is None:
    pytest.skip("playwright is not installed: pip install -r tests/requirements.txt", allow_module_level=True)
if not (CHROMIUM.exists() or shutil.which("chromium")):
    pytest.skip("Chromium is not installed: apt install chromium", allow_module_level=True)

from playwright.sync_api import expect  # noqa: E402

from tests.web.accessibility import faults_of  # noqa: E402
from tests.web.made_library import add_session, made_results  # noqa: E402
from tests.web.take_picture import browser, settled  # noqa: E402
from tests.web.visitor import Visitor  # noqa: E402

PASSPHRASE = "seven quiet herons"
MADE = re.compile(r"^(\w{4}-){4}\w{4}$")


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """A trainee's browser on their application, a supervisor's on theirs."""
    apps = [RunningApp(tmp_path_factory.mktemp(name) / "library") for name in ("trainee", "supervisor")]
    with browser() as chromium:
        visitors = [Visitor(chromium, app, accept_downloads=True) for app in apps]
        for visitor in visitors:
            visitor.page.goto(visitor.app.sign_in)
            settled(visitor.page)
        yield visitors
        for visitor in visitors:
            assert visitor.outside() == []
            assert visitor.complaints == []
    for app in apps:
        app.end()


@pytest.fixture(scope="module")
def session(two, tmp_path_factory):
    """The address of an analysed session of the trainee with a comment."""
    folder = made_results(tmp_path_factory.mktemp("results"), minutes=5)
    library = open_library(two[0].app.library)
    session_id = add_session(library, "Handed over", folder, [SAMPLE])
    with library.writing() as db:
        add_comment(db, owner_of_library(db), session_id, 12.0, None, "What did I do here?")
    library.close()
    return session_id


def made_file(visitor, expander, place):
    """Makes the file on the page of a session, and fetches it; its address."""
    page = visitor.page
    page.get_by_text(expander, exact=True).click()
    field = page.get_by_label("Passphrase, at least 12 characters")
    expect(field).to_have_value(MADE)  # a field is drawn first, and then filled
    proposed = field.input_value()
    page.get_by_role("button", name="Another passphrase").click()
    expect(page.locator(f"input[value='{proposed}']")).to_have_count(0)  # both are there until the page has run
    expect(field).to_have_value(MADE)
    settled(page)
    field.fill(PASSPHRASE)
    field.press("Tab")
    page.get_by_role("button", name="Make the file").click()
    link = page.get_by_role("link", name="Download the file")
    expect(link).to_be_visible()
    address = link.get_attribute("href")  # what was fetched is not offered again
    with page.expect_download() as coming:
        link.click()
    coming.value.save_as(place)
    assert coming.value.suggested_filename.endswith(".cues")
    return address


def brought_in(visitor, file, passphrase=PASSPHRASE):
    """Brings a file in and looks into it."""
    visitor.open("/")
    page = visitor.page
    page.get_by_role("link", name="Open a handed-over file").click()
    expect(page.get_by_role("heading", name="Open a handed-over file")).to_be_visible()
    settled(page)
    page.locator('input[type="file"]').set_input_files(file)
    page.get_by_label("Its passphrase").fill(passphrase)
    page.get_by_role("button", name="Look into it").click()
    return page


def test_a_session_goes_to_another_computer_and_its_review_comes_back(two, session, tmp_path):
    trainee, supervisor = two
    trainee.open(f"/session?id={session}")
    there, back = tmp_path / "there.cues", tmp_path / "back.cues"
    address = made_file(trainee, "Hand over without a server", there)
    assert there.stat().st_size > SAMPLE.stat().st_size
    again = trainee.get(address)
    assert again.status == 404 and "fetched once" in again.text()
    assert list((trainee.app.library / "work").iterdir()) == []

    page = brought_in(supervisor, there, "not the passphrase")
    expect(page.get_by_text("The passphrase does not fit this file")).to_be_visible()
    page.get_by_label("Its passphrase").fill(PASSPHRASE)
    page.get_by_role("button", name="Look into it").click()
    page.get_by_role("button", name="I supervise").click()
    expect(page.get_by_text("This would be taken over:")).to_be_visible()
    expect(page.get_by_text("what was measured and the recording")).to_be_visible()
    expect(page.get_by_text("1 new comment")).to_be_visible()
    settled(page)
    assert faults_of(page) == []
    page.get_by_role("button", name="Take it over").click()
    page.get_by_role("link", name="Go to the session").click()
    expect(page.get_by_role("heading", name="Minute by minute")).to_be_visible()
    expect(page.get_by_text("What did I do here?")).to_be_visible()
    expect(page.get_by_text("Owner (from a file)", exact=False).first).to_be_visible()
    video = page.get_by_label("Recording", exact=True)
    loaded = "video => new Promise(done => video.readyState ? done() : video.addEventListener('loadedmetadata', done))"
    video.evaluate(loaded)
    assert video.evaluate("video => video.duration") > 500
    page.get_by_role("button", name="Answer", exact=True).click()
    page.get_by_role("textbox", name="Answer").fill("You looked at your notes.")
    page.get_by_role("button", name="Add the answer").click()
    expect(page.get_by_text("Answer added.")).to_be_visible()
    library = open_library(supervisor.app.library)
    with library.writing() as db:
        said = {"word": "agree", "person": 0, "cue": "eye_contact", "kind": "eye_contact", "analysis": "x"}
        db.add(VerdictRow(session_id=session, reviewer_id=owner_of_library(db).id, start=5.0, end=9.0, **said))
    library.close()
    settled(page)
    made_file(supervisor, "Hand my review back", back)
    assert back.stat().st_size < 20_000

    page = brought_in(trainee, back)
    expect(page.get_by_text("1 new comment")).to_be_visible()
    expect(page.get_by_text("1 verdict given or changed")).to_be_visible()
    page.get_by_role("button", name="Take it over").click()
    page.get_by_role("link", name="Go to the session").click()
    expect(page.get_by_text("You looked at your notes.")).to_be_visible()
    assert not (trainee.app.library / "handed-over" / "1.cues").exists()
    library = open_library(trainee.app.library)
    with library.reading() as db:
        exported = [d.details for d in db.scalars(select(Deed).where(Deed.action == "export"))]
    library.close()
    assert exported == [{"format": "hand-over", "recording": True}]


def test_what_was_handed_over_can_be_removed_again(two, session):
    supervisor = two[1]
    supervisor.open(f"/session?id={session}")
    page = supervisor.page
    page.get_by_text("Hand my review back", exact=True).click()
    page.get_by_role("button", name="Remove this session from my library…").click()
    page.get_by_role("button", name="Remove it now").click()
    expect(page.get_by_role("heading", name="Sessions", level=1)).to_be_visible()
    expect(page.get_by_text("The session was removed.")).to_be_visible()
    assert not (supervisor.app.library / "sessions" / session).exists()
