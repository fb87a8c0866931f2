"""Every page, and every file to take away, for everybody: a session's trainee, others with and without a share, nobody.

The routes: test_every_route.py.
"""

import re
from datetime import date

import pytest
import streamlit
from sqlalchemy import select

from cues.library.accounts import Roles, create_account, invite, owner_of_library
from cues.library.comments import add_comment, answer_comment
from cues.library.consents import USUAL, enter_consent
from cues.library.database import open_library
from cues.library.kept_tiers import Tier, keep_tiers
from cues.library.models import Account, Deed, PracticeSession, Recording
from cues.library.practice import choose_point
from cues.library.reviews import ask_for_review
from cues.library.sessions import create_session, share_session, take_back
from cues.library.verdicts import give
from cues.review.verdicts import ADD, Verdict
from cues.web.export_routes import FORMATS
from cues.web.views import pages_for
from tests.sample_clip import SAMPLE

pytest.importorskip("playwright", reason="playwright is not installed: pip install -r tests/requirements.txt")

from playwright.sync_api import expect  # noqa: E402

from tests.web.made_library import add_session, made_results  # noqa: E402
from tests.web.take_picture import settled  # noqa: E402
from tests.web.visitor import Visitor  # noqa: E402

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
PAGES = {
    "/": {"Sessions": ("owner", "ben", "adm"), "Inbox": ("sue", "cut", "was", "tom")},
    "/session?id=ID": {"Theirs": ("owner", "sue", "cut"), "No such session": ("was", "tom", "ben", "adm")},
    "/session?id=OTHER": {"Of Ben": ("ben",), "No such session": ("owner", "sue", "cut", "was", "tom", "adm")},
    "/session?id=GUESSED": {"No such session": ("owner", "sue", "ben", "adm")},
    "/session?id=../../etc": {"No such session": ("owner", "sue", "ben", "adm")},
    "/session": {"No such session": ("owner", "sue", "ben", "adm")},
    "/sessions": {"Sessions": ("sue", "adm")},
    "/inbox": {"Inbox": ("sue",), "Sessions": ("ben", "adm")},
    "/open": {"Open a handed-over file": ("ben",)},
    "/progress": {"My progress": ("owner", "ben"), "Inbox": ("sue",), "Sessions": ("adm",)},
    "/setup": {"Check my setup": ("owner", "ben"), "Inbox": ("sue",), "Sessions": ("adm",)},
    "/people": {"People": ("owner", "adm"), "Inbox": ("sue",), "Sessions": ("ben",)},
    "/account": {"My account": ("owner", "sue", "ben", "adm")},
    "/trust": {"How far can each cue be trusted here?": ("owner", "sue", "ben", "adm")},
}
"""A page -> the title of what comes, and to whom: who has no such page gets their first one."""

GUESSED = "0123456789abcdef" * 2
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
    results = made_results(tmp_path_factory.mktemp("results"), minutes=3)
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
    return visitor.get(path, max_redirects=0)


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


def test_a_cue_that_is_left_out_is_in_no_answer(people, sessions):
    for path in ("timeline", "overlay/0"):
        whole, cut = (answer(people[name], f"/api/sessions/{sessions['ID']}/{path}").text() for name in ("sue", "cut"))
        for word in {"timeline": ("eye_contact",), "overlay/0": ("zone", "rays")}[path]:
            assert word in whole
            assert f'"{word}":[[' not in cut and f'"{word}":{{' not in cut


def test_every_page_is_in_the_table(monkeypatch):
    monkeypatch.setattr(streamlit, "Page", lambda _, **told: told["url_path"])
    monkeypatch.setattr(streamlit, "session_state", {})
    every = pages_for(Account(trainee=True, supervisor=True, administrator=True))
    assert {f"/{page}" for page in every} == {path.partition("?")[0] for path in PAGES} - {"/"}


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
        found = people["nobody"].get(address, max_redirects=0, headers={"accept": "text/html"})
        assert (found.status, found.headers["location"].partition("?")[0]) == (303, "/sign-in"), path


def come_back_to(page):
    """What the browser says when somebody returns to a tab."""
    page.evaluate("window.dispatchEvent(new Event('focus'))")


def test_a_tab_that_was_left_open_shows_nothing_more_once_somebody_comes_back_to_it(app, person):
    ada = person("Ada", trainee=True)
    ada.open("/account?x=1")
    left = ada.page
    expect(left.get_by_text("ada@example.org")).to_be_visible()
    come_back_to(left)
    left.wait_for_timeout(500)
    expect(left.get_by_text("ada@example.org")).to_be_visible()  # still signed in: nothing happens

    other = ada.context.new_page()
    other.goto(app.address + "/sign-out")
    other.get_by_role("button", name="Sign out here").click()
    expect(other.get_by_role("button", name="Sign in")).to_be_visible()
    come_back_to(left)
    left.wait_for_url("**/sign-in?after=%2Faccount%3Fx%3D1")
    expect(left.get_by_text("ada@example.org")).to_have_count(0)
    ada.complaints[:] = [c for c in ada.complaints if "401" not in c]  # that it was told so is no fault


def test_a_tab_becomes_that_of_who_signed_in_since(person):
    ada, ben = person("Ann", trainee=True), person("Bob", trainee=True)
    ada.open("/account")
    expect(ada.page.get_by_text("ann@example.org")).to_be_visible()
    ada.context.add_cookies([cookie for cookie in ben.context.cookies() if cookie["name"].startswith("cues")])
    come_back_to(ada.page)
    expect(ada.page.get_by_text("bob@example.org")).to_be_visible()
    settled(ada.page)
    expect(ada.page.get_by_text("ann@example.org")).to_have_count(0)


NAME = (
    "<img src=x onerror=hit=1>[a](javascript:hit=1)[b](http://evil.example)![c](http://evil.example)"
    '"><svg onload=hit=1>'
)
WRITTEN = f"</title></textarea><script>hit=1</script> {{{{hit}}}} :red[x] {NAME}"
assert len(NAME) <= 120 and len(WRITTEN) <= 200  # what a name and a title may have

CAME_TO_LIFE = """() => [
  ...(window.hit === undefined ? [] : ["a script ran"]),
  ...[...document.querySelectorAll("[onerror], [onload], img[src=x], a[href*='evil.example'], img[src*='evil']," +
    "a[href^='javascript'], script:not([src]):not([type=module])")]
    .filter(e => e.outerHTML.includes("hit") || e.outerHTML.includes("evil"))
    .map(e => `${e.outerHTML.slice(0, 60)} in: ${e.closest("[data-testid]").innerText.slice(0, 60)}`),
]"""


@pytest.fixture(scope="module")
def written(app, person, tmp_path_factory):
    """A library in which every text is the payload; the ids of its session and an invitation."""
    sue = person("Zoe", supervisor=True)
    results = made_results(tmp_path_factory.mktemp("results"), minutes=2)
    library = open_library(app.library)
    session = add_session(library, WRITTEN, results, [SAMPLE])
    with library.writing() as db:
        owner_account = owner_of_library(db)
        owner_account.name = db.get_one(Account, sue.account.id).name = NAME
        found = db.get_one(PracticeSession, session)
        for recording in db.query(Recording).filter_by(session_id=session):
            recording.file_name = WRITTEN
        enter_consent(db, found, NAME, list(USUAL), date.today(), None, owner_account.id)
        share_session(db, owner_account, session, sue.account.id, [])
        ask_for_review(db, owner_account, session, sue.account.id)
        first = add_comment(db, owner_account, session, 5.0, 9.0, WRITTEN, None)
        answer_comment(db, db.get_one(Account, sue.account.id), first.id, WRITTEN)
        clip = {"start": 1.0, "end": 4.0, "share": 0.5, "judged": ""}
        choose_point(db, owner_account, session, "eye_contact", WRITTEN, [clip])
        keep_tiers(db, owner_account, session, [Tier(NAME, NAME, NAME, ((1.0, 2.0, WRITTEN),))])
        added = Verdict(ADD, 0, "forward_lean", "forward", 3.0, 6.0)
        give(db, db.get_one(Account, sue.account.id), session, [added], "x")
        create_session(db, owner_account, WRITTEN, date.today(), "auto", None)
        other = create_account(db, "<b>hit</b>@example.org", NAME, Roles(trainee=True))
        invitation = invite(db, owner_account, other)
    library.close()
    return sue, session, invitation


def test_no_page_takes_what_people_wrote_for_its_own(app, owner, written):
    sue, session, invitation = written
    paths = ["/", f"/session?id={session}", "/progress", "/people", "/account", "/sign-out"]
    of_owner = [(owner, path) for path in [*paths, f"/invitation/{invitation}"]]
    for visitor, path in [*of_owner, *((sue, path) for path in ("/", f"/session?id={session}"))]:
        page = visitor.page
        page.goto(app.address + path)
        if path.startswith(("/sign-out", "/invitation")):
            page.wait_for_load_state()
        else:
            settled(page)
            for summary in page.locator("details > summary").all():
                summary.click()
            settled(page)
        assert "hit" in page.content() or path == "/progress", path
        assert page.evaluate(CAME_TO_LIFE) == [], path
    assert owner.outside() == [] and sue.outside() == []
