"""Two web processes on one PostgreSQL and one library, with no coordinator of their own, as behind a proxy."""

import re
import signal
from pathlib import Path

import pytest
import requests
from sqlalchemy import select

from cues.library.accounts import begin_sign_in
from cues.library.folders import session_folder
from cues.library.models import Account, Recording
from cues.web.gate import COOKIE
from tests.postgres import PostgresServer
from tests.sample_clip import SAMPLE
from tests.web.plain_visitor import PlainVisitor, announced
from tests.web.running_app import RunningApp

TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture(scope="module")
def two(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory):
    library, url = tmp_path_factory.mktemp("two") / "library", postgres.empty()
    settings = {"CUES_DATABASE_URL": url, "CUES_COORDINATOR": "elsewhere"}
    apps = [RunningApp(library, **settings) for _ in range(2)]
    yield apps
    for app in apps:
        app.end()
    postgres.drop(url)


@pytest.fixture(scope="module")
def visitor(two):
    visitor = PlainVisitor(two[0])
    yield visitor
    visitor.leave()


def at(app: RunningApp, visitor: PlainVisitor, method: str, path: str, **more: object) -> requests.Response:
    """The visitor's browser at one of the two."""
    cookies = {COOKIE: visitor.requests.cookies[COOKIE]}
    return requests.request(method, app.address + path, cookies=cookies, timeout=60, **more)  # type: ignore[arg-type]


def test_no_coordinator_is_started_where_they_run_elsewhere(two) -> None:
    for app in two:
        tasks = Path(f"/proc/{app.process.pid}/task").glob("*/children")
        children = [child for task in tasks for child in task.read_text().split()]
        commands = [Path(f"/proc/{child}/cmdline").read_bytes() for child in children]
        assert not any(b"cues.jobs.coordinator" in command for command in commands)


def test_who_signed_in_at_one_is_signed_in_at_the_other_and_out_at_both(two, visitor: PlainVisitor) -> None:
    with visitor.library.reading() as db:
        assert len(db.scalars(select(Account)).all()) == 1  # both started on an empty database
    assert [at(app, visitor, "GET", "/api/signed-in").status_code for app in two] == [200, 200]
    with visitor.library.writing() as db:
        token = begin_sign_in(db, db.scalars(select(Account)).one(), "127.0.0.1")
    cookies = {COOKIE: token}
    form = requests.get(two[0].address + "/sign-out", cookies=cookies, timeout=60).text
    form_token = re.search(r'name="form_token" value="([^"]+)"', form)
    assert form_token is not None
    left = requests.post(
        two[0].address + "/sign-out",
        data={"form_token": form_token[1]},
        cookies=cookies,
        timeout=60,
        allow_redirects=False,
    )
    assert left.status_code == 303
    assert requests.get(two[1].address + "/api/signed-in", cookies=cookies, timeout=60).status_code == 401


def test_an_upload_begun_at_one_is_finished_at_the_other(two, visitor: PlainVisitor) -> None:
    session_id, content = visitor.session("Two processes"), SAMPLE.read_bytes()
    half = len(content) // 2
    begin = TUS | {"Upload-Length": str(len(content)), "Upload-Metadata": announced(session_id, SAMPLE.name)}
    where = at(two[0], visitor, "POST", "/api/uploads", headers=begin).headers["Location"]
    piece = TUS | {"Content-Type": "application/offset+octet-stream"}
    first = at(two[0], visitor, "PATCH", where, headers=piece | {"Upload-Offset": "0"}, data=content[:half])
    assert (first.status_code, first.headers["Upload-Offset"]) == (204, str(half))
    assert at(two[1], visitor, "HEAD", where, headers=TUS).headers["Upload-Offset"] == str(half)
    rest = at(two[1], visitor, "PATCH", where, headers=piece | {"Upload-Offset": str(half)}, data=content[half:])
    assert rest.status_code == 204
    with visitor.library.reading() as db:
        [recording] = db.scalars(select(Recording).where(Recording.session_id == session_id))
    kept = session_folder(visitor.library.folder, session_id) / recording.stored_as
    assert kept.read_bytes() == content
    for app in two:
        answer = at(app, visitor, "GET", f"/api/sessions/{session_id}/video/0", headers={"Range": "bytes=0-9"})
        assert (answer.status_code, answer.content) == (206, content[:10])


def test_a_database_that_is_away_is_said_and_the_application_goes_on_when_it_is_back(
    two, visitor: PlainVisitor, postgres: PostgresServer
) -> None:
    postgres.stop(signal.SIGQUIT)
    try:
        answers = [at(app, visitor, "GET", "/api/signed-in") for app in two]
    finally:
        postgres.start()
    assert [(a.status_code, "Nothing was lost" in a.text) for a in answers] == [(503, True), (503, True)]
    assert [at(app, visitor, "GET", "/api/signed-in").status_code for app in two] == [200, 200]
