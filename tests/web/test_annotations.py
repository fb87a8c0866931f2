"""A supervisor takes a session out to ELAN, corrects it, brings it back, sees what it would change, and undoes it."""

import json
from base64 import b64encode

import pytest
from pympi import Elan
from sqlalchemy import select

from cues.corrections import Corrections
from cues.library.accounts import owner_of_library
from cues.library.database import open_library
from cues.library.folders import session_folder
from cues.library.models import PracticeSession
from cues.library.session_folder import save_corrections, write_results
from cues.library.sessions import share_session
from cues.library.verdicts import verdicts_of
from cues.metrics.session import measure_session
from cues.observations import write_observations
from cues.parameters import Parameters
from cues.web.export_routes import export_address
from tests.made_session import made_session
from tests.sample_clip import SAMPLE

pytest.importorskip("playwright", reason="playwright is not installed: pip install -r tests/requirements.txt")

from playwright.sync_api import expect  # noqa: E402

from tests.web.accessibility import faults_of  # noqa: E402
from tests.web.made_library import add_session  # noqa: E402
from tests.web.take_picture import settled  # noqa: E402


def words(app, session):
    """The words of the verdicts that the library has."""
    library = open_library(app.library)
    with library.reading() as db:
        found = [v.word for one in verdicts_of(db, owner_of_library(db), session) for v in one.verdicts]
    library.close()
    return found


def test_a_corrected_file_is_shown_then_taken_over_then_undone(app, owner, person, tmp_path):  # noqa: ARG001
    observations = made_session(minutes=3).observations
    results = tmp_path / "results"
    results.mkdir()
    write_observations(observations, results)
    save_corrections(results, Corrections())
    write_results(results, measure_session(observations, Corrections(), Parameters()))
    sue = person("Sue", supervisor=True)
    library = open_library(app.library)
    session = add_session(library, "Corrected in ELAN", results, [SAMPLE])
    with library.writing() as db:
        share_session(db, owner_of_library(db), session, sue.account.id, [])
    library.close()

    path = tmp_path / "session.eaf"
    path.write_bytes(sue.get(export_address(session, "elan")).body())
    document = Elan.Eaf(str(path))
    first, second, *_ = sorted(document.get_annotation_data_for_tier("trainee smile"))
    document.remove_annotation("trainee smile", sum(first[:2]) // 2)
    document.remove_annotation("trainee smile", sum(second[:2]) // 2)
    document.add_annotation("trainee smile", second[0], second[1] + 300, "smile")
    document.add_tier("my <own> tier")
    document.add_annotation("my <own> tier", 1000, 2000, "hm")
    document.to_file(str(path))

    sue.open(f"/session?id={session}")
    page = sue.page
    page.get_by_text("Bring back what was corrected in ELAN or BORIS", exact=True).click()
    page.locator('input[type="file"]').set_input_files(path)
    give = page.get_by_role("button", name="Give 2 verdicts")
    expect(give).to_be_visible()
    expect(page.get_by_text("trainee smile · disagree: not in your file")).to_be_visible()
    expect(page.get_by_text("my <own> tier (1)")).to_be_visible()
    assert words(app, session) == [] and list(session_folder(app.library, session).glob(".corrected*")) == []
    settled(page)
    assert faults_of(page) == []
    give.dblclick()
    expect(page.get_by_text("2 verdicts given, as one act", exact=False)).to_be_visible()
    expect(page.get_by_text("my <own> tier · 1 annotation")).to_be_visible()
    assert sorted(words(app, session)) == ["adjust", "disagree"]

    said = sue.get(export_address(session, "boris")).body()
    assert "my <own> tier" in {one["code"] for one in json.loads(said)["behaviors_conf"].values()}
    lanes = page.locator("canvas.lanes")
    lanes.focus()
    lanes.press("v")
    expect(page.get_by_role("button", name="Undo your last verdict")).to_be_enabled()
    lanes.press("z")
    expect(page.get_by_role("button", name="Bring back what was undone")).to_be_enabled()
    assert words(app, session) == []

    page.locator('input[type="file"]').set_input_files({"name": "x.eaf", "mimeType": "text/xml", "buffer": b"<a"})
    expect(page.get_by_text("This is no file of ELAN that can be read.", exact=False)).to_be_visible()


def test_a_file_for_a_session_that_somebody_does_not_see_goes_nowhere(app, owner, person):  # noqa: ARG001
    who = person("Who", supervisor=True)
    library = open_library(app.library)
    with library.reading() as db:
        session = db.scalar(select(PracticeSession.id))
    library.close()
    told = {"filename": "a.eaf", "session": session}
    head = {"Tus-Resumable": "1.0.0", "Upload-Length": "5"}
    head["Upload-Metadata"] = ",".join(f"{key} {b64encode(value.encode()).decode()}" for key, value in told.items())
    begun = who.context.request.post(f"{app.address}/api/uploads", headers=head, max_retries=2)
    head = {"Tus-Resumable": "1.0.0", "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    address = app.address + begun.headers["location"]
    ended = who.context.request.patch(address, headers=head, data=b"<a/>\n", max_retries=2)
    assert (begun.status, ended.status) == (201, 204)
    assert list(app.library.glob("sessions/*/.corrected*")) == [] == list((app.library / "incoming").glob("*.whole"))
