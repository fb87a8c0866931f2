"""A clip for teaching on the page: refused without each consent, made, fetched once by who asked, recorded; the PDF."""

import io
import re
from datetime import date, timedelta

import av
import pytest
import requests
from pypdf import PdfReader
from sqlalchemy import select

from cues.corrections import Corrections
from cues.library.accounts import owner_of_library
from cues.library.consents import FACES, SUPERVISION, TEACHING, USUAL, enter_consent
from cues.library.database import open_library
from cues.library.models import Deed, PracticeSession
from cues.library.session_folder import save_corrections, write_results
from cues.library.sessions import share_session
from cues.metrics.session import measure_session
from cues.observations import write_observations
from cues.parameters import Parameters
from cues.web.teaching_clips import FILE_NAME
from tests.made_session import made_session
from tests.sample_clip import SAMPLE

pytest.importorskip("playwright", reason="playwright is not installed: pip install -r tests/requirements.txt")

from playwright.sync_api import expect  # noqa: E402

from tests.web.accessibility import faults_of  # noqa: E402
from tests.web.made_library import add_session  # noqa: E402
from tests.web.take_picture import settled  # noqa: E402

PART = "Clip for teaching"


@pytest.fixture(scope="module")
def session(app, owner, tmp_path_factory):  # noqa: ARG001  # the owner is the first account of a library
    """An analysed session of the owner's; agree(person, purposes, days): a consent given that many days ago."""
    results = tmp_path_factory.mktemp("results")
    observations = made_session(minutes=2).observations
    write_observations(observations, results)
    save_corrections(results, Corrections())
    write_results(results, measure_session(observations, Corrections(), Parameters()))
    library = open_library(app.library)
    session_id = add_session(library, "For a clip", results, [SAMPLE])

    def agree(person, purposes, ago=0, until=None):
        with library.writing() as db:
            given = date.today() - timedelta(ago)
            made = db.get_one(PracticeSession, session_id)
            enter_consent(db, made, person, purposes, given, until, owner_of_library(db).id)

    yield session_id, agree, library
    library.close()


def opened(visitor, session_id):
    visitor.open(f"/session?id={session_id}")
    visitor.page.get_by_text(PART, exact=True).click()
    return visitor.page


def made(page, start, end, look="Drawn figures only"):
    """Asks for a clip; the address at which it waits."""
    page.get_by_label("From (m:ss)").last.fill(start)
    page.get_by_label("To (m:ss)").fill(end)
    page.get_by_label("To (m:ss)").press("Tab")
    page.get_by_text(look, exact=False).last.click()
    settled(page)
    page.get_by_role("button", name="Make the clip").click()
    link = page.get_by_role("link", name="Download the file")
    expect(link).to_be_visible(timeout=600_000)
    return link.get_attribute("href")


def test_without_the_consent_of_each_person_there_is_no_clip_and_no_face_in_the_report(owner, session):
    session_id, agree, _ = session
    agree("Ada", [*USUAL, TEACHING, FACES], ago=9)
    agree("Client 7", USUAL, ago=20)  # nobody's only consent has ended: the session would be deleted
    agree("Client 7", [*USUAL, TEACHING, FACES], ago=9, until=date.today() - timedelta(1))
    page = opened(owner, session_id)
    expect(page.get_by_text("1 of 2 have. Missing: Client 7 (ended on", exact=False)).to_be_visible()
    expect(page.get_by_role("button", name="Make the clip")).not_to_be_attached()
    assert "Faces are hidden in the pictures" in report(owner, session_id)


def test_with_each_consent_a_clip_is_made_and_fetched_once_by_who_asked(owner, person, session, app, tmp_path):
    session_id, agree, library = session
    agree("Client 7", [*USUAL, TEACHING])
    page = opened(owner, session_id)
    expect(page.get_by_text("Every picture of the clip says “harder to recognise, not anonymous”")).to_be_visible()
    page.get_by_text("Consent of each person recorded", exact=True).click()
    expect(page.get_by_text(re.compile("^Client 7, .*short clips for teaching")).last).to_be_visible()
    expect(page.get_by_role("button", name="Add this consent")).to_be_visible()
    assert faults_of(page) == []
    address = made(page, "0:10", "0:12", "Faces blurred")
    stranger = person("Tom", supervisor=True)
    assert stranger.get(address).status == 404
    assert requests.get(app.address + address, timeout=60).status_code == 401
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download the file").click()
    coming.value.save_as(tmp_path / "clip.mp4")
    assert coming.value.suggested_filename == FILE_NAME
    with av.open(str(tmp_path / "clip.mp4")) as clip:
        assert [stream.type for stream in clip.streams] == ["video"]
        assert float(clip.duration / 1e6) == pytest.approx(2.0, abs=0.05)
    assert owner.get(address).status == 404
    assert taken_out(library) == [{"format": "teaching clip", "look": "blurred", "start": 10.0, "end": 12.0}]
    assert "Faces are hidden in the pictures" in report(owner, session_id)


def test_a_clip_that_waits_is_refused_when_a_consent_was_taken_back(owner, session, app):
    session_id, agree, library = session
    page = opened(owner, session_id)
    before = taken_out(library)
    address = made(page, "0:10", "0:12")
    agree("Client 7", list(USUAL))
    found = owner.get(address)
    refused = (found.status, found.text().endswith("Missing: Client 7.")) == (403, True)
    assert refused or found.status == 404  # it goes by itself within two seconds
    assert list((app.library / "work").iterdir()) == []
    assert taken_out(library) == before


def test_faces_are_visible_in_the_report_where_each_person_agreed(owner, session):
    session_id, agree, _ = session
    agree("Client 7", [*USUAL, TEACHING, FACES])
    assert "Faces are visible in the pictures, because each person" in report(owner, session_id)
    agree("Client 7", [*USUAL, TEACHING])
    assert "Faces are hidden in the pictures" in report(owner, session_id)


def test_a_supervisor_may_while_it_is_shared_and_each_agreed_to_supervision(person, session):
    session_id, agree, library = session
    sue = person("Sue", supervisor=True)
    with library.writing() as db:
        share_session(db, owner_of_library(db), session_id, sue.account.id, ["eye_contact"])
    page = opened(sue, session_id)
    page.get_by_role("button", name="Make the clip").click()
    expect(page.get_by_text("A clip needs two times such as 2:00 and 2:30.")).to_be_visible()
    agree("Client 7", [purpose for purpose in (*USUAL, TEACHING) if purpose != SUPERVISION])
    page = opened(sue, session_id)
    expect(page.get_by_text("1 of 2 have. Missing: Client 7.", exact=False)).to_be_visible()


def taken_out(library):
    """What the record says of clips."""
    with library.reading() as db:
        deeds = db.scalars(select(Deed).where(Deed.action == "export"))
        return [deed.details for deed in deeds if deed.details["format"] == "teaching clip"]


def report(visitor, session_id):
    answer = visitor.get(f"/api/sessions/{session_id}/report.pdf")
    assert answer.status == 200
    pages = PdfReader(io.BytesIO(answer.body())).pages
    return " ".join(" ".join(page.extract_text() for page in pages).split())
