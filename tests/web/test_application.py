"""The whole application in a real browser: from the address that it prints to a report that is corrected and shared."""

import re
import sqlite3

import pytest

from cues.corrections import Corrections, Trainee
from cues.library.database import open_library
from tests.sample_clip import SAMPLE

LENGTH_S = 300
pytest.importorskip("playwright", reason="playwright is not installed: pip install -r tests/requirements.txt")

from playwright.sync_api import expect  # noqa: E402

from tests.web.accessibility import faults_of  # noqa: E402
from tests.web.made_library import add_session, made_results  # noqa: E402
from tests.web.take_picture import settled  # noqa: E402
from tests.web.visitor import Visitor  # noqa: E402


@pytest.fixture(scope="module")
def analysed(app, owner, tmp_path_factory):  # noqa: ARG001  # the owner is the first account of a library
    """The address of an analysed session whose trainee said that they are on the left."""
    mine = Corrections((Trainee(0),))
    results = made_results(tmp_path_factory.mktemp("results"), mine, minutes=5)
    (results / "person-1.jpg").write_bytes(SAMPLE.with_name("report.png").read_bytes())
    library = open_library(app.library)
    found = add_session(library, "A call", results, [SAMPLE])
    library.close()
    return f"/session?id={found}"


def test_the_code_signs_in_once_and_nothing_is_seen_without_it(app, owner, chromium):
    expect(owner.page.get_by_role("heading", name="Sessions", level=1)).to_be_visible()
    stranger = Visitor(chromium, app)
    stranger.page.goto(app.sign_in)
    expect(stranger.page.get_by_role("alert")).to_contain_text("used already")
    stranger.page.goto(app.address + "/")
    expect(stranger.page.get_by_role("button", name="Sign in")).to_be_visible()
    stranger.context.close()


def test_a_click_on_the_timeline_moves_the_video(owner, analysed):
    owner.open(analysed)
    page = owner.page
    video = page.locator("video").first
    video.wait_for()
    canvas = owner.lanes()
    box = canvas.bounding_box()
    canvas.click(position={"x": box["width"] * 0.75, "y": box["height"] * 0.5})
    expect(video).not_to_have_js_property("currentTime", 0)
    at = video.evaluate("v => v.currentTime")
    assert 0.5 * LENGTH_S < at < 0.95 * LENGTH_S


def test_keys_play_step_and_zoom(owner, analysed):
    owner.open(analysed)
    page, canvas = owner.page, owner.page.locator("canvas.lanes")
    video = page.locator("video").first
    expect(canvas).to_have_attribute("aria-valuemax", re.compile(f"^{LENGTH_S}"))
    canvas.focus()

    def at():
        page.wait_for_timeout(400)
        return video.evaluate("v => v.currentTime")

    canvas.press("ArrowRight")
    canvas.press("ArrowRight")
    assert at() == pytest.approx(10, abs=0.1)
    canvas.press(".")
    assert at() == pytest.approx(10 + 1 / 25, abs=0.01)
    canvas.press("Home")
    assert at() == 0
    canvas.press("Space")
    assert owner.until(lambda: video.evaluate("v => v.currentTime > 0.3"))
    canvas.press("Space")
    played = at()
    assert played > 0.3 and at() == played
    canvas.press("0")
    whole = canvas.screenshot()
    canvas.press("+")
    assert canvas.screenshot() != whole
    canvas.press("?")
    expect(page.get_by_text("one picture back or on")).to_be_visible()
    page.keyboard.press("Escape")


def test_a_correction_is_computed_at_once_and_can_be_taken_back(owner, analysed):
    owner.open(analysed)
    page = owner.page
    page.get_by_role("button", name="I am the other person").click()
    expect(page.get_by_text("You are on the right, your client is on the left.")).to_be_visible()
    page.get_by_role("button", name="Take the last one back").click()
    expect(page.get_by_text("You are on the left, your client is on the right.")).to_be_visible()


def test_a_swap_at_a_time_that_is_none_is_refused_with_a_sentence(owner, analysed):
    owner.open(analysed)
    page = owner.page
    page.get_by_label("The two are mixed up from (m:ss)").fill("soon")
    page.get_by_role("button", name="Exchange from there").click()
    expect(page.get_by_text("'soon' is no time such as 12:34.")).to_be_visible()


@pytest.fixture(scope="module")
def supervisor(app, owner, chromium):
    """Somebody who was invited by the administrator and has set a password."""
    owner.open("/people")
    page = owner.page
    page.get_by_label("Name").fill("Sue Visor")
    page.get_by_label("E-mail address").fill("sue@example.org")
    page.get_by_label("Roles").click()
    page.get_by_role("option", name="supervisor").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Make an invitation").click()
    link = page.get_by_text(re.compile("/invitation/")).inner_text()
    visitor = Visitor(chromium, app)
    visitor.page.goto(link)
    for label in ("Password, at least", "Once more"):
        visitor.page.get_by_label(label).fill("a long enough password")
    visitor.page.get_by_role("button", name="Set the password").click()
    settled(visitor.page)
    yield visitor
    assert visitor.outside() == []


def test_a_supervisor_sees_what_is_shared_without_what_was_left_out_until_it_is_taken_back(owner, supervisor, analysed):
    session_id = analysed.partition("id=")[2]
    routes = [f"/api/sessions/{session_id}/{what}" for what in ("video/0", "timeline", "person/1")]

    def answers():
        return [supervisor.get(route).status for route in routes]

    supervisor.open(analysed)
    expect(supervisor.page.get_by_role("heading", name="No such session")).to_be_visible()
    assert answers() == [404, 404, 404]

    owner.open(analysed)
    page = owner.page
    page.get_by_role("button", name="Share").first.click()
    page.get_by_label("Leave out, without giving a reason").click()
    page.get_by_role("option", name="eye contact").click()
    page.keyboard.press("Escape")
    page.get_by_test_id("stFormSubmitButton").get_by_role("button", name="Share").click()
    expect(page.get_by_text("Shared with Sue Visor.")).to_be_visible()

    supervisor.open(analysed)
    expect(supervisor.page.get_by_role("heading", name="Minute by minute")).to_be_visible()
    text = supervisor.page.locator('[data-testid="stMainBlockContainer"]').inner_text()
    assert "Lean." in text and "Eye contact." not in text and "gaze was toward" not in text
    assert answers() == [200, 200, 200]
    lanes = supervisor.get(routes[1]).json()
    assert all("eye_contact" not in person and "forward_lean" in person for person in lanes["people"])
    expect(supervisor.page.get_by_role("button", name="Delete…")).to_have_count(0)
    expect(supervisor.page.get_by_role("heading", name="Corrections")).to_have_count(0)

    owner.open(analysed)
    page.get_by_role("button", name="Share").first.click()
    page.get_by_role("button", name="Take it back from Sue Visor").click()
    expect(page.get_by_text("Sue Visor sees it no longer.")).to_be_visible()
    supervisor.open(analysed)
    expect(supervisor.page.get_by_role("heading", name="No such session")).to_be_visible()
    assert answers() == [404, 404, 404]


@pytest.mark.usefixtures("supervisor", "analysed")
def test_what_was_done_with_a_session_is_told_to_its_trainee(owner, app):
    with sqlite3.connect(app.library / "library.db") as db:
        done = {row[0] for row in db.execute("select action from deed")}
    assert {"create", "view report", "correct", "share", "take back", "sign in", "invite"} <= done
    owner.open("/account")
    expect(owner.page.get_by_role("heading", name="What was done with my sessions")).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_has_names_levels_and_contrast_and_is_no_wider_than_a_telephone(
    app, owner, analysed, chromium, theme
):
    visitor = Visitor(chromium, app, color_scheme=theme, storage_state=owner.context.storage_state())
    for path in ("/", analysed, "/progress", "/setup", "/people", "/account", "/trust", "/consent-form", "/sign-out"):
        visitor.page.set_viewport_size({"width": 1280, "height": 900})
        visitor.page.goto(app.address + path)
        if path not in ("/consent-form", "/sign-out"):
            settled(visitor.page)
            visitor.page.wait_for_timeout(1000)
        assert faults_of(visitor.page) == [], path
        visitor.page.set_viewport_size({"width": 400, "height": 800})
        visitor.page.wait_for_function("document.documentElement.scrollWidth <= 400")
    visitor.context.close()


@pytest.mark.usefixtures("owner")
def test_the_application_says_its_address_and_nothing_else(app):
    assert [re.sub(r"http\S+", "ADDRESS", line) for line in app.said] == [
        "Open ADDRESS\n",
        "The code signs in the owner of this library, once. Ctrl-C ends the application.\n",
    ]
