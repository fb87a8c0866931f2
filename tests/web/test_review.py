"""Supervisors and a trainee on one session: many verdicts quickly, drawn episodes, one thing to practise, a guess."""

import csv
import re
from datetime import date, timedelta

import pytest

from cues.library.accounts import owner_of_library
from cues.library.database import open_library
from cues.library.folders import session_folder
from cues.library.models import Guess, PracticeSession
from cues.library.sessions import share_session
from cues.library.verdicts import verdicts_of
from tests.sample_clip import SAMPLE

pytest.importorskip("playwright", reason="playwright is not installed: pip install -r tests/requirements.txt")

from playwright.sync_api import expect  # noqa: E402

from tests.web.made_library import add_session, made_results  # noqa: E402

MINUTES = 6


@pytest.fixture(scope="module")
def sue(person):
    return person("Sue", supervisor=True)


@pytest.fixture(scope="module")
def tom(person):
    return person("Tom", supervisor=True)


@pytest.fixture(scope="module")
def session(app, owner, sue, tom, tmp_path_factory):  # noqa: ARG001
    """The id of a session of the owner's that Sue and Tom see; an earlier one lies a week before."""
    results = made_results(tmp_path_factory.mktemp("results"), minutes=MINUTES)
    library = open_library(app.library)
    earlier = add_session(library, "A week before", results, [SAMPLE])
    found = add_session(library, "Two supervisors", results, [SAMPLE])
    with library.writing() as db:
        db.get_one(PracticeSession, earlier).held_on = date.today() - timedelta(days=7)
        for session_id in (earlier, found):
            for visitor in (sue, tom):
                share_session(db, owner_of_library(db), session_id, visitor.account.id, [])
    library.close()
    return found


def episodes(app, session):
    with (session_folder(app.library, session) / "episodes.csv").open(encoding="utf-8") as file:
        rows = [row | {name: float(row[name]) for name in ("start", "end")} for row in csv.DictReader(file)]
    return [r for r in rows if (r["person"], r["cue"], r["kind"]) == ("0", "eye_contact", "eye_contact")]


def kept(app, session, name):
    """What the library has of a reviewer's verdicts."""
    library = open_library(app.library)
    with library.reading() as db:
        [one] = [r for r in verdicts_of(db, owner_of_library(db), session) if r.name == name]
    library.close()
    return [(v.word, v.start, v.end, v.new_start, v.new_end) for v in one.verdicts]


def test_quick_acts_are_all_kept_in_their_order(app, tom, session):
    tom.open(f"/session?id={session}")
    page, lanes = tom.page, tom.lanes()
    lanes.press("v")
    for word in "addada":
        lanes.press("e")
        lanes.press(word)
    expect(page.get_by_role("button", name="Undo your last verdict")).to_be_enabled()
    expect(page.get_by_text("with the verdicts of Tom")).to_be_visible()
    words = {"a": "agree", "d": "disagree"}
    wanted = [
        (words[w], e["start"], e["end"], None, None) for w, e in zip("addada", episodes(app, session), strict=False)
    ]
    tom.until(
        lambda: len(kept(app, session, "Tom")) >= len(wanted)
    )  # one after the other, each with the page's next run
    page.wait_for_timeout(1500)
    assert kept(app, session, "Tom") == wanted


def test_drawn_episodes_are_judged_and_counted_with_their_interval(sue, session):
    sue.open(f"/session?id={session}")
    page = sue.page
    page.get_by_text("Details: were these right?").click()
    expect(page.get_by_text("you have judged 0")).to_be_visible()
    for count, word in enumerate(("Right", "Right", "Not right"), start=1):
        left = page.get_by_role("button", name="Right", exact=True).count()
        page.get_by_role("button", name=word, exact=True).first.click()
        expect(page.get_by_text(f"you have judged {count}")).to_be_visible()
        expect(page.get_by_role("button", name="Right", exact=True)).to_have_count(left - 1)  # drawn anew to its end
    sue.open("/trust")
    expect(page.get_by_role("row").nth(1)).to_be_visible()
    rows = page.get_by_role("row").all_inner_texts()
    assert sum(int(row.split("\t")[3]) for row in rows[1:]) == 3
    assert all(re.search(r"\d+ % \(\d+–\d+\)", row) for row in rows[1:])


def test_a_point_to_practise_is_chosen_together_and_held_against_the_next_session(app, sue, owner, session):
    library = open_library(app.library)
    with library.reading() as db:
        [earlier] = [s.id for s in db.query(PracticeSession).where(PracticeSession.title == "A week before")]
    library.close()
    sue.open(f"/session?id={earlier}")
    page = sue.page
    page.get_by_text("One thing to practise").click()
    page.get_by_role("combobox", name="Cue").click()
    page.get_by_role("option", name="Eye contact", exact=True).click()
    expect(page.get_by_text("With most of it", exact=True)).to_be_visible()
    page.get_by_text("like this", exact=True).first.click()
    page.get_by_label("What exactly? In your own words").fill("Looking up after a pause")
    page.get_by_role("button", name="Practise this").click()
    expect(page.get_by_text("Chosen by Sue")).to_be_visible()
    expect(page.get_by_text("Clips that were judged")).to_be_visible()
    owner.open(f"/session?id={session}")
    page = owner.page
    expect(page.get_by_text("Looking up after a pause")).to_be_visible()
    expect(page.get_by_text("+0 points, inside the band")).to_be_visible()


def test_the_trainees_cues_are_hidden_until_they_guess(app, owner, sue, session):
    routes = [f"/api/sessions/{session}/{what}" for what in ("timeline", "overlay/0")]

    def lanes(visitor):
        found = [visitor.get(route).json() for route in routes]
        return [set(found[0]["people"][0]) - {"person", "role"}, any(p.get("rays") for p in found[1]["people"])]

    owner.open("/account")  # what is open already asks for its pictures
    library = open_library(app.library)
    with library.writing() as db:
        db.add(Guess(session_id=session))
    library.close()
    assert lanes(sue) == [{"eye_contact", "forward_lean", "smiles"}, True]
    assert lanes(owner) == [set(), False]
    owner.open("/")
    page = owner.page
    lines = page.get_by_test_id("stHorizontalBlock").filter(has=page.get_by_role("link"))
    expect(lines.filter(has_text="A week before").get_by_role("img").first).to_be_visible()
    hidden = lines.filter(has_text="Two supervisors")
    expect(hidden).to_be_visible()
    expect(hidden.get_by_role("img")).to_have_count(0)
    owner.open(f"/session?id={session}")
    expect(page.get_by_text("what do you think?", exact=False)).to_be_visible()
    expect(page.locator("video").first).to_be_visible()
    text = page.locator('[data-testid="stMainBlockContainer"]').inner_text()
    assert "Eye contact." not in text and "Minute by minute" not in text
    page.get_by_label("Looking toward the client [%]").fill("70")
    page.get_by_role("button", name="Keep my guess and show the figures").click()
    expect(page.get_by_text(re.compile(r"You thought 70 % .* who the trainee is was not said yet"))).to_be_visible()
    page.get_by_role("button", name="Yes, this is me").click()
    expect(page.get_by_text(re.compile(r"You thought 70 % .* the tool measured \d+ %"))).to_be_visible()
    options = page.locator("select", has=page.locator("option[value=proposed]")).locator("option").all_inner_texts()
    assert options[0] == "6 moments, 2 drawn at random" and re.fullmatch(r"all \d+", options[1])
    assert lanes(owner) == [{"eye_contact", "forward_lean", "smiles"}, True]
    sue.open(f"/session?id={session}")
    expect(sue.page.get_by_role("heading", name="Minute by minute")).to_be_visible()
    expect(sue.page.get_by_text("thought 70 %")).to_have_count(0)
    page.get_by_text("Show my guess to those who see this session").click()
    expect(page.get_by_text("Those who see this session see your guess.")).to_be_visible()
    sue.open(f"/session?id={session}")
    expect(sue.page.get_by_text("The trainee thought 70 %")).to_be_visible()
    owner.open("/progress")
    expect(page.get_by_text("What you thought, and what was measured")).to_be_visible()
