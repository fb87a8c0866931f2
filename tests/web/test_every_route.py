"""Every route of the application, Streamlit's as well, for everybody: the table fails where a route has no row."""

import base64
from dataclasses import dataclass, field
from http.client import HTTPConnection

import pytest
import requests
from sqlalchemy import select

from cues.library.folders import session_folder
from cues.library.models import Recording
from cues.web.gate import COOKIE, POLICY
from tests.faults.routes import attack
from tests.sample_clip import SAMPLE
from tests.web.everybody import EVERYBODY, GUESSED, NOBODY, SIGNED_OUT, make_everybody, take_roles_away
from tests.web.running_app import routes_of_the_application

TUS = {"Tus-Resumable": "1.0.0"}
PIECE = TUS | {"Content-Type": "application/offset+octet-stream", "Upload-Offset": "0"}


def for_all(status, **others):
    """Name -> status: whoever is not signed in is asked to, all others get `status` but for the `others`."""
    return {name: 401 if name in SIGNED_OUT else status for name in EVERYBODY} | others


def for_viewers(status=200):
    return for_all(404, ada=status, sue=status, cut=status)


def announced(name, session=""):
    pairs = {"filename": name} | ({"session": session} if session else {})
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())


@dataclass(frozen=True)
class Row:
    """address: SESSION and UPLOAD stand for ids of Ada's, GUESSED for one of nothing."""

    address: str
    answers: dict
    headers: dict = field(default_factory=dict)
    data: object = None


ALL = for_all(200)
OPEN = dict.fromkeys(EVERYBODY, 200)
CLOSED = for_all(404)
UPLOADERS = for_all(404, adm=401)
ANY_METHOD = "DELETE GET HEAD OPTIONS PATCH POST PUT"

TABLE = {
    "GET HEAD /sign-in": Row("/sign-in", OPEN),
    "POST /sign-in": Row("/sign-in", dict.fromkeys(EVERYBODY, 403), data={"email": "x@example.org", "password": "x"}),
    "GET HEAD POST /invitation/{token}": Row("/invitation/GUESSED", dict.fromkeys(EVERYBODY, 404)),
    "GET HEAD /favicon.ico": Row("/favicon.ico", OPEN),
    "GET HEAD /favicon.png": Row("/favicon.png", OPEN),
    "GET HEAD /sign-out": Row("/sign-out", ALL),
    "POST /sign-out": Row("/sign-out", for_all(403), data={"form_token": "guessed"}),
    "GET HEAD /api/signed-in": Row("/api/signed-in", ALL),
    "GET HEAD /api/sessions/{session_id}/video/{position:int}": Row("/api/sessions/SESSION/video/0", for_viewers()),
    "GET HEAD /api/sessions/{session_id}/timeline": Row("/api/sessions/SESSION/timeline", for_viewers()),
    "GET HEAD /api/sessions/{session_id}/overlay/{minute:int}": Row("/api/sessions/SESSION/overlay/0", for_viewers()),
    "GET HEAD /api/sessions/{session_id}/person/{number:int}": Row("/api/sessions/SESSION/person/0", for_viewers()),
    "GET HEAD /api/check/person/{number:int}": Row("/api/check/person/1", for_all(404, ada=200)),
    "GET HEAD /api/sessions/{session_id}/still/{person:int}/{milliseconds:int}": Row(
        "/api/sessions/SESSION/still/0/60000", for_all(404, ada=200, sue=200)
    ),
    "GET HEAD /api/sessions/{session_id}/export/{what}": Row("/api/sessions/SESSION/export/minutes", for_viewers()),
    "GET HEAD /api/sessions/{session_id}/report.pdf": Row("/api/sessions/SESSION/report.pdf", for_viewers()),
    "GET HEAD /consent-form": Row("/consent-form", ALL),
    "GET HEAD /api/made/{token}": Row("/api/made/GUESSED", CLOSED),  # a real one: test_made_files.py
    "POST /api/uploads": Row(
        "/api/uploads",
        for_all(201, adm=401),
        TUS | {"Upload-Length": "10", "Upload-Metadata": announced("a.mp4")},
    ),
    "OPTIONS /api/uploads": Row("/api/uploads", for_all(204)),
    "HEAD /api/uploads/{upload_id}": Row("/api/uploads/UPLOAD", UPLOADERS | {"ada": 200}, TUS),
    "PATCH /api/uploads/{upload_id}": Row("/api/uploads/UPLOAD", UPLOADERS | {"ada": 204}, PIECE, b"1234"),
    "DELETE /api/uploads/{upload_id}": Row("/api/uploads/UPLOAD", UPLOADERS | {"ada": 204}, TUS),
    "OPTIONS /api/uploads/{upload_id}": Row("/api/uploads/UPLOAD", for_all(204)),
    "GET HEAD /_stcore/health": Row("/_stcore/health", OPEN),
    "OPTIONS /_stcore/health": Row("/_stcore/health", dict.fromkeys(EVERYBODY, 204)),
    "GET HEAD /_stcore/host-config": Row("/_stcore/host-config", ALL),
    "GET HEAD /_stcore/metrics": Row("/_stcore/metrics", CLOSED),
    "OPTIONS /_stcore/metrics": Row("/_stcore/metrics", CLOSED),
    "GET HEAD /media/{file_id:path}": Row("/media/GUESSED", CLOSED),
    "OPTIONS /media/{file_id:path}": Row("/media/GUESSED", CLOSED),
    "PUT /_stcore/upload_file/{session_id}/{file_id}": Row("/_stcore/upload_file/GUESSED/1", CLOSED, data=b"1"),
    "DELETE /_stcore/upload_file/{session_id}/{file_id}": Row("/_stcore/upload_file/GUESSED/1", CLOSED),
    "OPTIONS /_stcore/upload_file/{session_id}/{file_id}": Row("/_stcore/upload_file/GUESSED/1", CLOSED),
    "GET HEAD /component/{path:path}": Row("/component/x/index.html", CLOSED),
    "OPTIONS /component/{path:path}": Row("/component/x/index.html", CLOSED),
    "GET HEAD /_stcore/bidi-components/{path:path}": Row("/_stcore/bidi-components/x/y.js", CLOSED),
    "OPTIONS /_stcore/bidi-components/{path:path}": Row("/_stcore/bidi-components/x/y.js", CLOSED),
    "GET HEAD /auth/login": Row("/auth/login", CLOSED),
    "GET HEAD /auth/logout": Row("/auth/logout", CLOSED),
    "GET HEAD /oauth2callback": Row("/oauth2callback", CLOSED),
    f"{ANY_METHOD} /_stcore/agent/interact": Row("/_stcore/agent/interact", CLOSED),
    f"{ANY_METHOD} /_stcore/agent/openapi.json": Row("/_stcore/agent/openapi.json", CLOSED),
    f"{ANY_METHOD} /_stcore/agent/mcp": Row("/_stcore/agent/mcp", CLOSED),
    "/_stcore/stream": None,  # the websocket: test_open_pages.py
    "": Row("/", ALL),  # the frame of the pages, which is the same for everybody
}
"""Methods and path of a route, as the application has it -> what it answers to whom."""


@pytest.fixture(scope="module")
def routes():
    return routes_of_the_application()


@pytest.fixture(scope="module")
def everybody(app, library, tmp_path_factory):
    made = make_everybody(library, tmp_path_factory.mktemp("results"))
    for name in ("left", "off", "out"):
        assert ask(app, made, name, "GET", "/api/sessions/SESSION/timeline").status_code == 200
    take_roles_away(library, made)
    return made


def ask(app, everybody, name, method, address, **more):
    for word, found in (("SESSION", everybody.session), ("UPLOAD", everybody.upload), ("GUESSED", GUESSED)):
        address = address.replace(word, found)
    cookies = {} if name == NOBODY else {COOKIE: everybody.tokens[name]}
    return requests.request(method, app.address + address, cookies=cookies, allow_redirects=False, timeout=60, **more)


def test_every_route_of_the_application_is_in_the_table(routes):
    assert set(routes) == set(TABLE)


@pytest.mark.parametrize("route", [route for route, row in TABLE.items() if row])
def test_a_route_answers_each_as_the_table_says(app, everybody, route):
    row = TABLE[route]
    methods = route.partition("/")[0].split() or ["GET"]
    last_is_ada = sorted(EVERYBODY, key=lambda name: name == "ada")  # what she does may end the upload
    for method in methods:
        found = {}
        for name in last_is_ada:
            data = {**row.data, "email": f"{name}@other.org"} if isinstance(row.data, dict) else row.data
            answer = ask(app, everybody, name, method, row.address, headers=row.headers, data=data)
            found[name] = answer.status_code
            assert answer.headers["Content-Security-Policy"] == POLICY
            assert answer.headers["X-Frame-Options"] == "DENY"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "Access-Control-Allow-Origin" not in answer.headers
        assert found == row.answers, method


OF_A_SESSION = [row.address for row in TABLE.values() if row and "SESSION" in row.address]


@pytest.mark.parametrize("address", OF_A_SESSION)
def test_what_is_guessed_or_somebody_elses_is_answered_alike(app, everybody, address):
    theirs = ask(app, everybody, "ben", "GET", address)
    for session in (everybody.of_ben, GUESSED, GUESSED.upper(), "0"):
        for name in ("ada", "sue", "adm", "left"):
            answer = ask(app, everybody, name, "GET", address.replace("SESSION", session))
            assert (answer.status_code, answer.content) == (404, theirs.content), (name, session)
            assert answer.headers["Content-Type"] == theirs.headers["Content-Type"]


@pytest.mark.parametrize("way", ["..", "../..", "%2e%2e%2f%2e%2e", "..%2f..%2flibrary.db", "%00", "%5c..%5c..", "%ff"])
def test_an_id_is_no_way_out_of_the_library(app, everybody, way):
    """Asked without a client that makes the address neat; below the routes lies the empty frame of the pages."""
    for address in (*OF_A_SESSION, "/api/uploads/SESSION", "/api/made/SESSION", "/invitation/SESSION", "/SESSION"):
        connection = HTTPConnection("127.0.0.1", app.port)
        cookie = f"{COOKIE}={everybody.tokens['ada']}"
        connection.request("GET", address.replace("SESSION", way), headers={"Cookie": cookie})
        found = connection.getresponse()
        body = found.read()
        connection.close()
        assert found.status in (400, 404, 405) or body.lstrip().startswith(b"<!"), (address, found.status)
        assert b"SQLite" not in body


@pytest.mark.parametrize("wanted", ["bytes=0-9", "bytes=-10", "bytes=0-1,5-6", "bytes=99999999999-", "bytes=5-1", "x"])
def test_a_range_of_a_recording_is_for_who_may_see_it(app, everybody, wanted):
    whole = SAMPLE.read_bytes()
    for name in EVERYBODY:
        answer = ask(app, everybody, name, "GET", "/api/sessions/SESSION/video/0", headers={"Range": wanted})
        if name in ("ada", "sue", "cut"):
            assert answer.status_code in (200, 206, 400, 416)
            if wanted == "bytes=0-9":
                assert (answer.status_code, answer.content) == (206, whole[:10])
            assert "no-store" in answer.headers.get("Cache-Control", "no-store")
        else:
            assert answer.status_code == (401 if name in SIGNED_OUT else 404)
            assert "Content-Range" not in answer.headers and len(answer.content) < 100


@pytest.mark.parametrize("file_name", ["a.mp4", "a.eaf", "a.boris"])
@pytest.mark.parametrize("name", ["ben", "tom", "left", "sue"])
def test_nothing_is_brought_into_somebody_elses_session(app, library, everybody, name, file_name):
    """A supervisor may bring back what they corrected, which waits under their own number."""
    folder = session_folder(library.folder, everybody.session)
    before = {path.name: path.stat().st_mtime_ns for path in folder.rglob("*")}
    begun = {"Upload-Length": "3", "Upload-Metadata": announced(file_name, everybody.session)}
    made = ask(app, everybody, name, "POST", "/api/uploads", headers=TUS | begun)
    assert made.status_code == 201
    sent = ask(app, everybody, name, "PATCH", made.headers["Location"], headers=PIECE, data=b"abc")
    assert sent.status_code == 204
    after = {path.name: path.stat().st_mtime_ns for path in folder.rglob("*")}
    new = set(after) - set(before)
    assert {path: time for path, time in after.items() if path in before and path != folder.name} == before
    assert all(str(everybody.accounts["sue"]) in path for path in new) and (name == "sue" or not new), new
    with library.reading() as db:
        assert len(list(db.scalars(select(Recording).where(Recording.session_id == everybody.session)))) == 1


def test_random_requests_find_no_fault_and_nobody_elses_bytes(app, library, everybody, routes):
    """A short run of `python -m tests.faults.routes`."""
    counts = attack(app, library, everybody, routes, examples=300, seed=None)
    assert sum(counts.values()) >= 300 and {200, 401, 403, 404, 405} <= set(counts)
