"""Pages of sessions that were analysed elsewhere: the drawing on the picture, two files, open questions, jumps; and
what a page does when its session or its sign-in is gone."""

import json
import re
import sqlite3
from datetime import timedelta

import pytest

from cues.jobs import preview
from cues.library.database import open_library
from cues.library.folders import provisional_folder, session_folder
from cues.library.models import Guess, Job, JobKind, JobState, now
from tests.sample_clip import SAMPLE, first_seconds

GLANCED = {
    "looks": 90,
    "look_s": 1.0,
    "read_s": 300.0,
    "shares": [
        {"person": 0, "role": "trainee", "cue": "eye_contact", "pct": 48.2, "low_pct": 39.4, "high_pct": 57.6},
        {"person": 0, "role": "trainee", "cue": "smiling", "pct": None, "low_pct": None, "high_pct": None},
    ],
}
"""A preview as the coordinator writes it."""

pytest.importorskip("playwright", reason="playwright is not installed: pip install -r tests/requirements.txt")

from playwright.sync_api import expect  # noqa: E402

from tests.web.made_library import OFFSET_S, add_session, made_results  # noqa: E402
from tests.web.take_picture import settled  # noqa: E402
from tests.web.visitor import Visitor  # noqa: E402


@pytest.fixture(scope="module")
def sessions(app, tmp_path_factory):
    """Addresses of a call whose partner's place is not settled, of two files, and of one that can be deleted."""
    library = open_library(app.library)
    made = {
        "open": (made_results(tmp_path_factory.mktemp("open"), minutes=5, contact_share=(0.04, 0.3)), [SAMPLE]),
        "two": (made_results(tmp_path_factory.mktemp("two"), minutes=5, setup="two_files"), [SAMPLE, SAMPLE]),
    }
    found = {name: add_session(library, name, *what) for name, what in made.items()}
    found["deleted elsewhere"] = add_session(library, "deleted elsewhere", *made["open"])
    found["still read"] = add_session(library, "still read", *made["open"])
    _still_read(library, found["still read"])
    library.close()
    return {name: f"/session?id={session_id}" for name, session_id in found.items()}


def _still_read(library, session_id):
    """Makes it a session that another coordinator is at, with the minutes of its figures finished and a guess open."""
    held = {"coordinator": "elsewhere:1", "lease_until": now() + timedelta(hours=1)}
    told = {"stage": "people", "share": 0.5, "speed": 4.1, "seconds_left": 300.0}
    with library.writing() as db:
        db.add(Job(session_id=session_id, kind=JobKind.ANALYSIS, state=JobState.RUNNING, **held, **told))
        db.add(Guess(session_id=session_id))
    folder = session_folder(library.folder, session_id)
    finished = provisional_folder(library.folder, session_id)
    finished.mkdir()
    for path in folder.iterdir():
        if path.is_file() and not path.name.startswith("recording"):
            path.rename(finished / path.name)
    (finished / preview.RESULT).write_text(json.dumps(GLANCED))


def test_after_a_guess_the_minutes_that_are_finished_can_be_looked_at_while_the_rest_is_read(owner, sessions):
    owner.open(sessions["still read"])
    page = owner.page
    expect(page.get_by_text("Reading faces and posture · 50 % · 4.1 x real time · about 5 min left")).to_be_visible()
    expect(page.get_by_text("Show the minutes that are finished")).to_have_count(0)
    page.get_by_label("Smiling [%]").fill("30")
    page.get_by_role("button", name="Keep my guess and show the figures").click()
    expect(page.get_by_text("Show the minutes that are finished")).to_be_visible()
    expect(page.get_by_text("Provisional:", exact=False)).to_have_count(0)
    page.get_by_text("Show the minutes that are finished").click()
    glanced = page.get_by_text("Eye contact: about 48 % of the time (39–58). Smiling: cannot be told yet.", exact=False)
    expect(glanced).to_be_visible()
    expect(page.get_by_text("From 90 looks of 1 s all over the recording, and 5 minutes read whole.")).to_be_visible()
    expect(page.get_by_text("The first 5 minutes. Provisional:", exact=False)).to_be_visible()
    expect(page.get_by_test_id("stVegaLiteChart").first).to_be_visible()
    assert page.get_by_test_id("stException").count() == 0


def test_who_is_who_is_asked_before_anything_is_said_of_you(owner, sessions):
    owner.open(sessions["open"])
    page = owner.page
    question, first = page.get_by_text("Is this you?"), page.get_by_text("Eye contact.", exact=False).first
    expect(question).to_be_visible()
    assert question.bounding_box()["y"] < first.bounding_box()["y"]
    main = page.locator('[data-testid="stMainBlockContainer"]')
    assert "The trainee is on the left" in main.inner_text() and "You are" not in main.inner_text()
    picture = page.get_by_role("img", name="Taken to be the trainee")
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") > 100
    page.get_by_role("button", name="No, I am the other person").click()
    expect(page.get_by_text("You are on the right, your client is on the left.")).to_be_visible()
    expect(question).to_have_count(0)
    page.get_by_role("button", name="Take the last one back").click()
    expect(question).to_be_visible()
    page.get_by_role("button", name="Yes, this is me").click()
    expect(page.get_by_text("You are on the left, your client is on the right.")).to_be_visible()


def test_a_comment_that_was_not_kept_stays_in_its_box(owner, sessions):
    owner.open(sessions["two"])
    page, canvas = owner.page, owner.page.locator("canvas.lanes")
    expect(canvas).to_have_attribute("aria-valuemax", re.compile("^300"))
    canvas.press("c")
    page.keyboard.insert_text("not yet")
    page.keyboard.press("Escape")
    box = page.get_by_role("textbox", name=re.compile("^Comment at "))
    expect(box).to_be_hidden()
    canvas.press("c")
    expect(box).to_have_value("not yet")
    page.keyboard.press("Escape")


def test_a_comment_is_kept_though_the_page_runs_again_in_the_same_moment(owner, sessions):
    owner.open(sessions["two"])
    page, lanes = owner.page, owner.lanes()
    box = page.get_by_role("textbox", name=re.compile("^Comment at "))
    written = [f"written {number}" for number in range(5)]
    for number, words in enumerate(written):
        lanes.press("c")
        page.keyboard.insert_text(words)
        typical = page.locator("label", has_text="Show typical values").locator("input").element_handle()
        box.evaluate("(box, toggle) => { box.form.requestSubmit(); setTimeout(() => toggle.click(), 40); }", typical)
        expect(page.get_by_text(words)).to_be_visible()
        expect(box).to_be_hidden()
        assert page.get_by_text("written", exact=False).count() == number + 1


def test_a_comment_that_is_refused_stays_in_its_box_until_it_is_sent_again(owner, sessions):
    owner.open(sessions["two"])
    page, lanes = owner.page, owner.lanes()
    lanes.press("c")
    box = page.get_by_role("textbox", name=re.compile("^Comment at "))
    page.keyboard.insert_text("while nothing can be written")
    other = sqlite3.connect(owner.app.library / "library.db", isolation_level=None)
    try:
        other.execute("begin immediate")  # longer than anybody waits for it
        page.keyboard.press("Enter")
        expect(page.get_by_text("The comment was not kept: why stands above.")).to_be_visible()
    finally:
        other.close()
    expect(page.get_by_test_id("stAlert")).to_be_visible()
    expect(box).to_have_value("while nothing can be written")
    box.press("Enter")
    expect(page.get_by_text("Comment added.")).to_be_visible()
    expect(page.get_by_text("while nothing can be written")).to_have_count(1)
    expect(box).to_be_hidden()


def test_which_place_is_the_client_is_asked_with_pictures_and_the_answer_gives_the_percentage(owner, sessions):
    owner.open(sessions["open"])
    page = owner.page
    expect(page.get_by_text("often looked at. Which one is your client's picture?")).to_be_visible()
    unsettled = page.get_by_text("It is not settled which place is your client's picture, so there is no percentage.")
    expect(unsettled).to_be_visible()
    pictures = page.get_by_role("img", name=re.compile("^looking at place 1"))  # three of the trainee's come first
    expect(pictures.nth(2)).to_be_visible()
    widths = [one.evaluate("image => image.decode().then(() => image.naturalWidth)") for one in pictures.all()[:3]]
    assert min(widths) > 100 and len(widths) == 3
    page.get_by_role("button", name="Place 1 is it").first.click()
    expect(page.get_by_text(re.compile("Your gaze was toward your client's picture about"))).to_be_visible()
    page.get_by_role("button", name="Take the last one back").click()
    expect(unsettled).to_be_visible()


def test_two_people_who_were_mixed_up_are_exchanged_from_a_time_on_and_back(owner, sessions):
    owner.open(sessions["open"])
    page = owner.page
    page.get_by_label("The two are mixed up from (m:ss)").fill("1:00")
    page.get_by_role("button", name="Exchange from there").dblclick()  # exchanged twice, nothing would have changed
    expect(page.get_by_text("The two people were exchanged from 1:00 on.").last).to_be_visible()
    page.get_by_role("button", name="Take the last one back").click()
    expect(page.get_by_text("The two people were exchanged from 1:00 on.")).to_have_count(0)


def test_two_files_play_on_one_clock(owner, sessions):
    owner.open(sessions["two"])
    page, videos, canvas = owner.page, owner.page.locator("video"), owner.page.locator("canvas.lanes")
    canvas = owner.lanes()

    def at_rest():
        """Times of both once they stand still together."""
        together = f"Math.abs(all[1].currentTime - all[0].currentTime - {OFFSET_S}) < 0.05"
        still = f"all => all.every(v => v.paused && !v.seeking) && {together}"
        assert owner.until(lambda: videos.evaluate_all(still))
        return videos.evaluate_all("all => all.map(v => v.currentTime)")

    for _ in range(4):
        canvas.press("ArrowRight")
    expect(videos.first).to_have_js_property("currentTime", 20)
    assert at_rest()[0] == 20
    canvas.press("Space")
    assert owner.until(lambda: videos.first.evaluate("v => v.currentTime > 20.5"))
    canvas.press("Space")
    first, second = at_rest()
    assert first > 20.5 and second - first == pytest.approx(OFFSET_S, abs=0.05)
    sound = page.get_by_label("Whose sound")
    sound.select_option("second")
    assert videos.evaluate_all("videos => videos.map(v => v.muted)") == [True, False]


def test_the_drawing_on_the_picture_comes_and_goes_and_leaves_out_what_is_not_shown(owner, sessions):
    owner.open(sessions["two"])
    page, canvas = owner.page, owner.page.locator("canvas.lanes")
    drawings = page.locator("canvas.drawing")
    expect(canvas).to_have_attribute("aria-valuemax", re.compile("^300"))
    canvas.focus()
    canvas.press("ArrowRight")

    def inked():
        page.wait_for_timeout(1200)
        count = "c => { const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data; "
        return [one.evaluate(count + "return d.filter((v, i) => i % 4 === 3 && v).length; }") for one in drawings.all()]

    assert inked() == [0, 0]
    canvas.press("o")
    assert owner.until(lambda: all(count > 500 for count in inked()))
    canvas.press("o")
    assert inked() == [0, 0]
    found = owner.get(f"/api/sessions/{sessions['two'][-32:]}/overlay/1").json()
    assert [person["file"] for person in found["people"]] == [0, 1]
    assert all(60 <= row[0] < 120 for person in found["people"] for row in person["faces"])


def test_a_minute_of_a_chart_or_of_the_table_moves_the_recording_there(owner, sessions):
    owner.open(sessions["two"])
    page, video = owner.page, owner.page.locator("video").first
    expect(page.locator("canvas.lanes")).to_have_attribute("aria-valuemax", re.compile("^300"))
    chart = page.get_by_test_id("stVegaLiteChart").first
    chart.scroll_into_view_if_needed()
    width = chart.bounding_box()["width"]
    chart.click(position={"x": 78 + (width - 78) * 0.5, "y": 60})
    expect(page.get_by_role("button", name="Play or pause (space)")).to_be_in_viewport()
    expect(video).to_have_js_property("currentTime", 120)
    page.get_by_text("Details: the minutes as a table").click()
    page.get_by_role("table").first.get_by_role("link", name="4").click()
    expect(video).to_have_js_property("currentTime", 180)
    assert len(owner.context.pages) == 1 and "#" not in page.url


def test_typical_values_are_shown_only_when_asked_for(owner, sessions):
    owner.open(sessions["two"])
    page = owner.page
    expect(page.get_by_text("75 % while listening", exact=False)).to_have_count(0)
    page.get_by_text("Show typical values from studies").click()
    expect(page.get_by_text("These are averages of people in studies, not aims", exact=False)).to_be_visible()


def test_a_session_deleted_in_another_tab_is_said_to_be_gone_and_a_click_on_it_does_no_harm(owner, sessions):
    owner.open(sessions["deleted elsewhere"])
    owner.lanes()
    at_once = owner.page.locator("img:not([loading=lazy])")
    at_once.evaluate_all("all => Promise.all(all.map(image => image.decode()))")  # what is asked for later is not there
    other = owner.context.new_page()
    other.goto(owner.app.address + sessions["deleted elsewhere"])
    settled(other)
    other.get_by_role("button", name="Delete…").click()
    expect(other.get_by_role("button", name="Delete it now")).to_be_visible()
    # The page runs once more, as it may of itself while it loads: the question stays.
    typical = other.locator("label", has_text="Show typical values").locator("input")
    typical.evaluate("toggle => toggle.click()")
    other.wait_for_timeout(1000)
    settled(other)
    other.get_by_role("button", name="Delete it now").click()
    expect(other.get_by_role("heading", name="Sessions", level=1)).to_be_visible()
    other.close()
    owner.page.get_by_role("button", name="No, I am the other person").click()
    expect(owner.page.get_by_role("heading", name="No such session")).to_be_visible()
    assert not (owner.app.library / "sessions" / sessions["deleted elsewhere"][-32:]).exists()


def test_a_short_test_recording_says_what_will_work_and_is_not_kept(owner, tmp_path):
    clip = first_seconds(tmp_path / "test.mp4", 12)
    owner.open("/setup")
    page = owner.page
    expect(page.get_by_role("heading", name="Camera guide")).to_be_visible()
    page.locator('input[type="file"]').set_input_files(clip)
    expect(page.get_by_text("Looked at a recording of")).to_be_visible(timeout=600_000)
    main = page.locator('[data-testid="stMainBlockContainer"]')
    for cue in ("Eye contact", "Lean", "smiles"):
        expect(main).to_contain_text(cue, ignore_case=True)
    expect(main).to_contain_text(re.compile(r"Looked at a recording of 0:1[12]\."))
    assert [
        path for path in owner.app.library.rglob("*") if path.suffix == ".mp4" and "sessions" not in path.parts
    ] == []


def test_a_withdrawn_consent_deletes_the_session_and_says_what_had_been_exported(owner, app):
    owner.open("/")
    page = owner.page
    page.get_by_role("button", name="New session").click()
    expect(page.get_by_role("heading", name="1 · The recording")).to_be_visible()
    session_id = page.url[-32:]
    page.get_by_label("Who agreed (a name or a code)").fill("Client")
    page.get_by_role("button", name="Add this consent").click()
    page.get_by_role("button", name="Withdrawn…").click()
    page.get_by_role("button", name="Delete everything of this session").click()
    expect(page.get_by_text("Deleted. Nothing had been exported.")).to_be_visible()
    assert not (app.library / "sessions" / session_id).exists()
    with sqlite3.connect(app.library / "library.db") as db:
        assert db.execute("select count(*) from consent where session_id = ?", (session_id,)).fetchone() == (0,)


def test_a_page_whose_sign_in_has_ended_asks_for_it_and_forgets_nothing(app, chromium, owner, sessions):
    visitor = Visitor(chromium, app, storage_state=owner.context.storage_state())
    visitor.open(sessions["open"])
    visitor.context.clear_cookies()
    answer = visitor.get(f"/api/sessions/{sessions['open'][-32:]}/timeline")
    assert answer.status in (401, 403, 404)
    visitor.page.reload()
    expect(visitor.page.get_by_role("button", name="Sign in")).to_be_visible()
    visitor.context.close()
