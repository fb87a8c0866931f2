"""Every route and every page, for everybody: a session's trainee, others with and without a share, nobody."""

import re
from http.client import HTTPConnection

import pytest
from sqlalchemy import select

from cues.corrections import Corrections
from cues.library.accounts import owner_of_library
from cues.library.database import open_library
from cues.library.models import Deed, PracticeSession
from cues.library.session_folder import save_corrections, write_results
from cues.library.sessions import share_session, take_back
from cues.metrics.session import measure_session
from cues.observations import write_observations
from cues.parameters import Parameters
from cues.web.export_routes import FORMATS, export_routes
from cues.web.gate import COOKIE
from cues.web.report_file import report_routes
from cues.web.session_routes import session_routes
from tests.made_session import made_session
from tests.sample_clip import SAMPLE

pytest.importorskip("playwright", reason="playwright is not installed: pip install -r tests/requirements.txt")

from playwright.sync_api import expect  # noqa: E402

from tests.web.made_library import add_session  # noqa: E402
from tests.web.visitor import Visitor  # noqa: E402

expect.set_options(timeout=40_000)  # other tests run beside

SEES, NOT_THERE, SIGN_IN = 200, 404, 401

EVERYBODY = {
    "owner": SEES,  # the trainee whose session it is
    "sue": SEES,  # a supervisor with whom it is shared
    "cut": SEES,  # one with whom it is shared without eye contact
    "was": NOT_THERE,  # one from whom it was taken back
    "tom": NOT_THERE,  # one with whom it never was
    "ben": NOT_THERE,  # another trainee
    "adm": NOT_THERE,  # who administers, and is nothing else
    "nobody": SIGN_IN,
}
ROUTES = {
    "/api/sessions/{session_id}/video/{position:int}": ("video/0", EVERYBODY),
    "/api/sessions/{session_id}/timeline": ("timeline", EVERYBODY),
    "/api/sessions/{session_id}/overlay/{minute:int}": ("overlay/0", EVERYBODY),
    "/api/sessions/{session_id}/person/{number:int}": ("person/0", EVERYBODY),
    "/api/sessions/{session_id}/still/{person:int}/{milliseconds:int}": (
        "still/0/60000",
        EVERYBODY | {"cut": NOT_THERE},  # these pictures explain eye contact
    ),
    "/api/sessions/{session_id}/export/{what}": ("export/minutes", EVERYBODY),
    "/api/sessions/{session_id}/report.pdf": ("report.pdf", EVERYBODY),
}
"""A route of the application -> one address of it below the session, and what it answers to whom."""

PAGES = {
    "/": {"Sessions": ("owner", "ben", "adm"), "Inbox": ("sue", "cut", "was", "tom")},
    "/session?id=ID": {"Theirs": ("owner", "sue", "cut"), "No such session": ("was", "tom", "ben", "adm")},
    "/session?id=OTHER": {"Of Ben": ("ben",), "No such session": ("owner", "sue", "cut", "was", "tom", "adm")},
    "/session?id=GUESSED": {"No such session": ("owner", "sue", "ben", "adm")},
    "/session?id=../../etc": {"No such session": ("owner", "sue", "ben", "adm")},
    "/session": {"No such session": ("owner", "sue", "ben", "adm")},
    "/progress": {"My progress": ("owner", "ben"), "Inbox": ("sue",), "Sessions": ("adm",)},
    "/setup": {"Check my setup": ("owner", "ben"), "Inbox": ("sue",), "Sessions": ("adm",)},
    "/people": {"People": ("owner", "adm"), "Inbox": ("sue",), "Sessions": ("ben",)},
    "/account": {"My account": ("owner", "sue", "ben", "adm")},
    "/trust": {"How far can each cue be trusted here?": ("owner", "sue", "ben", "adm")},
}
"""A page -> the title of what comes, and to whom: who has no such page gets their first one."""

GUESSED = "0123456789abcdef" * 2
NO_IDS = (GUESSED, "x" * 32, GUESSED.upper(), "0")
WAYS_OUT = ("..", "../..", "%2e%2e%2f%2e%2e", "..%2f..%2flibrary.db", "%00")
NO_SUCH_PAGE = "The page that you have requested does not seem to exist"  # said by the browser, of a page not one's own


@pytest.fixture(scope="module")
def people(app, owner, person, chromium):
    found = {
        "owner": owner,
        "sue": person("Sue", supervisor=True),
        "cut": person("Cut", supervisor=True),
        "was": person("Was", supervisor=True),
        "tom": person("Tom", supervisor=True),
        "ben": person("Ben", trainee=True),
        "adm": person("Adm", administrator=True),
        "nobody": Visitor(chromium, app),
    }
    assert set(found) == set(EVERYBODY)
    return found


@pytest.fixture(scope="module")
def sessions(app, people, tmp_path_factory):
    """ID: a session of the owner's; OTHER: one of Ben's."""
    results = tmp_path_factory.mktemp("results")
    observations = made_session(minutes=3).observations
    write_observations(observations, results)
    save_corrections(results, Corrections())
    write_results(results, measure_session(observations, Corrections(), Parameters()))
    (results / "person-0.jpg").write_bytes(SAMPLE.with_name("report.png").read_bytes())
    library = open_library(app.library)
    theirs, of_ben = (add_session(library, title, results, [SAMPLE]) for title in ("Theirs", "Of Ben"))
    with library.writing() as db:
        trainee = owner_of_library(db)
        for name, left_out in (("sue", []), ("cut", ["eye_contact"]), ("was", [])):
            share_session(db, trainee, theirs, people[name].account.id, left_out)
        take_back(db, trainee, theirs, people["was"].account.id)
        db.get_one(PracticeSession, of_ben).trainee_id = people["ben"].account.id
    library.close()
    return {"ID": theirs, "OTHER": of_ben, "GUESSED": GUESSED}


def answer(visitor, path):
    return visitor.context.request.get(visitor.app.address + path, max_redirects=0)


def test_every_route_of_a_session_is_in_the_table():
    assert {route.path for route in (*session_routes(), *export_routes(), *report_routes())} == set(ROUTES)


def test_what_vision_saw_is_taken_out_by_the_trainee_alone_and_every_file_is_on_record(app, people, sessions):
    for what, form in FORMATS.items():
        wanted = EVERYBODY | ({"sue": NOT_THERE, "cut": NOT_THERE} if form.own else {})
        address = f"/api/sessions/{sessions['ID']}/export/{what}"
        assert {name: answer(people[name], address).status for name in EVERYBODY} == wanted, what
    found = answer(people["sue"], f"/api/sessions/{sessions['ID']}/export/minutes")
    assert found.headers["content-disposition"].startswith('attachment; filename="minutes.csv"; filename*=UTF-8')
    assert found.headers["cache-control"] == "private, no-store"
    assert answer(people["owner"], f"/api/sessions/{sessions['ID']}/export/no-such-format").status == NOT_THERE
    library = open_library(app.library)
    with library.reading() as db:
        deeds = list(db.scalars(select(Deed).where(Deed.action == "export")))
    library.close()
    taken = {deed.details["format"] for deed in deeds if deed.account_id == people["cut"].account.id} - {"report.pdf"}
    assert taken == {what for what, form in FORMATS.items() if not form.own}
    assert people["tom"].account.id not in {deed.account_id for deed in deeds}


@pytest.mark.parametrize(("path", "answers"), ROUTES.values(), ids=[path for path, _ in ROUTES.values()])
def test_a_route_answers_who_may_see_the_session_and_nobody_else(people, sessions, path, answers):
    address = f"/api/sessions/{sessions['ID']}/{path}"
    assert {name: answer(people[name], address).status for name in answers} == answers


@pytest.mark.parametrize("path", [path for path, _ in ROUTES.values()])
def test_what_is_not_there_is_answered_like_what_is_not_ones_own(people, sessions, path):
    of_ben = answer(people["sue"], f"/api/sessions/{sessions['OTHER']}/{path}")
    assert of_ben.status == NOT_THERE
    for name in ("owner", "sue", "adm"):
        for no_id in NO_IDS:
            found = answer(people[name], f"/api/sessions/{no_id}/{path}")
            assert found.status == NOT_THERE, (name, no_id)
        found = answer(people[name], f"/api/sessions/{GUESSED}/{path}")
        assert (found.body(), found.headers["content-type"]) == (of_ben.body(), of_ben.headers["content-type"])


@pytest.mark.parametrize("way", WAYS_OUT)
def test_an_id_is_no_way_out_of_the_library(people, way):
    """Asked without a client that makes the address neat; below the routes lies the empty frame of the pages."""
    owner = people["owner"]
    [cookie] = [c["value"] for c in owner.context.cookies() if c["name"] == COOKIE]
    for path, _ in ROUTES.values():
        connection = HTTPConnection("127.0.0.1", owner.app.port)
        connection.request("GET", f"/api/sessions/{way}/{path}", headers={"Cookie": f"{COOKIE}={cookie}"})
        found = connection.getresponse()
        body = found.read()
        connection.close()
        assert found.status in (400, 404) or body.lstrip().startswith(b"<!"), (path, found.status)
        assert b"SQLite" not in body


def test_a_cue_that_is_left_out_is_in_no_answer(people, sessions):
    for path in ("timeline", "overlay/0"):
        whole, cut = (answer(people[name], f"/api/sessions/{sessions['ID']}/{path}").text() for name in ("sue", "cut"))
        for word in {"timeline": ("eye_contact",), "overlay/0": ("zone", "rays")}[path]:
            assert word in whole
            assert f'"{word}":[[' not in cut and f'"{word}":{{' not in cut


@pytest.mark.parametrize("path", PAGES)
def test_a_page_shows_what_somebody_may_see(people, sessions, path):
    address = re.sub("ID$|OTHER|GUESSED", lambda found: sessions[found[0]], path)
    for title, names in PAGES[path].items():
        for name in names:
            page = people[name].page
            page.goto(people[name].app.address + address)
            expect(page.get_by_role("heading", name=title, exact=True, level=1)).to_be_visible()
            if title == "No such session":
                text = page.locator('[data-testid="stMainBlockContainer"]').inner_text()
                assert "Theirs" not in text and "Of Ben" not in text
            people[name].complaints[:] = [c for c in people[name].complaints if not c.startswith(NO_SUCH_PAGE)]


def test_who_is_not_signed_in_gets_no_page_and_no_websocket(people, sessions):
    for path in PAGES:
        address = re.sub("ID$|OTHER|GUESSED", lambda found: sessions[found[0]], path)
        found = people["nobody"].context.request.get(
            people["nobody"].app.address + address, max_redirects=0, headers={"accept": "text/html"}
        )
        assert (found.status, found.headers["location"].partition("?")[0]) == (303, "/sign-in"), path
