"""Two supervisors and a trainee on one session: verdicts by keys and by mouse, undone and brought again, counted in the
figures, compared with each other; drawn episodes; one thing to practise."""

import csv
import json
import re
from datetime import date, timedelta

import pytest

from cues.corrections import Corrections
from cues.library.accounts import owner_of_library
from cues.library.comments import add_comment
from cues.library.database import open_library
from cues.library.folders import session_folder
from cues.library.models import Guess, PracticeSession
from cues.library.session_folder import save_corrections, write_results
from cues.library.sessions import share_session
from cues.library.verdicts import verdicts_of
from cues.metrics.session import measure_session
from cues.observations import write_observations
from cues.parameters import Parameters
from tests.made_session import made_session
from tests.sample_clip import SAMPLE

pytest.importorskip("playwright", reason="playwright is not installed: pip install -r tests/requirements.txt")

from playwright.sync_api import expect  # noqa: E402

from tests.web.made_library import add_session  # noqa: E402

expect.set_options(timeout=40_000)  # other tests run beside

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
    results = tmp_path_factory.mktemp("results")
    observations = made_session(minutes=MINUTES).observations
    write_observations(observations, results)
    save_corrections(results, Corrections())
    write_results(results, measure_session(observations, Corrections(), Parameters()))
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


def figures(app, session):
    """What was measured of the people over the session, percentages and others, but no counts."""
    summary = json.loads((session_folder(app.library, session) / "session.json").read_text())
    told = [cue["figures"] or {} for person in summary["people"] for cue in person["cues"].values()]
    return [value for cue in told for value in cue.values() if isinstance(value, float) and value > 2]


def kept(app, session, name):
    """What the library has of a reviewer's verdicts."""
    library = open_library(app.library)
    with library.reading() as db:
        [one] = [r for r in verdicts_of(db, owner_of_library(db), session) if r.name == name]
    library.close()
    return [(v.word, v.start, v.end, v.new_start, v.new_end) for v in one.verdicts]


def opened(visitor, session):
    visitor.open(f"/session?id={session}")
    lanes = visitor.page.locator("canvas.lanes")
    expect(lanes).to_have_attribute("aria-valuemax", re.compile(r"^\d+"))
    lanes.focus()
    return visitor.page, lanes


def test_a_supervisor_judges_by_keys_and_by_mouse_and_undoes(app, sue, session):
    page, lanes = opened(sue, session)
    picked, found = page.locator(".picked"), episodes(app, session)
    expect(picked).to_be_hidden()
    lanes.press("v")
    lanes.press("e")
    expect(picked).to_contain_text("No verdict yet.")
    lanes.press("a")
    expect(picked).to_contain_text("You agree.")
    lanes.press("e")
    lanes.press("d")
    expect(picked).to_contain_text("You disagree.")
    first, second = found[:2]
    wanted = [
        ("agree", first["start"], first["end"], None, None),
        ("disagree", second["start"], second["end"], None, None),
    ]
    expect(page.get_by_role("button", name="Undo your last verdict")).to_be_enabled()
    expect(page.get_by_text("with the verdicts of Sue")).to_be_visible()  # the page knows of both
    assert kept(app, session, "Sue") == wanted

    long = next(e for e in found[2:] if e["end"] - e["start"] > 4)
    duration, box = 60 * MINUTES, lanes.bounding_box()
    name_px = 92  # the lanes begin there
    x_of = lambda t: name_px + t / duration * (box["width"] - name_px)  # noqa: E731
    lane_y = 22 + 20 + 10  # ruler, the person's name, half of the lane
    lanes.click(position={"x": x_of((long["start"] + long["end"]) / 2), "y": lane_y})
    expect(picked).to_contain_text("No verdict yet.")
    page.mouse.move(box["x"] + x_of(long["end"]), box["y"] + lane_y)
    page.mouse.down()
    page.mouse.move(box["x"] + x_of(long["end"] + 3), box["y"] + lane_y, steps=4)
    page.mouse.up()
    expect(picked).to_contain_text("You moved its ends.")

    gap = next((a["end"], b["start"]) for a, b in zip(found[3:], found[4:], strict=False) if b["start"] - a["end"] > 3)
    page.keyboard.down("Shift")
    page.mouse.move(box["x"] + x_of(gap[0] + 0.5), box["y"] + lane_y)
    page.mouse.down()
    page.mouse.move(box["x"] + x_of(gap[1] - 0.5), box["y"] + lane_y, steps=4)
    page.mouse.up()
    page.keyboard.up("Shift")
    page.get_by_role("button", name="Add the marked stretch", exact=False).click()
    expect(picked).to_contain_text("You added it.")
    lanes.focus()
    lanes.press("z")
    expect(page.get_by_role("button", name="Bring back what was undone")).to_be_enabled()
    assert [word for word, *_ in kept(app, session, "Sue")] == ["agree", "disagree", "adjust"]
    lanes.press("y")
    expect(page.get_by_role("button", name="Bring back what was undone")).to_be_disabled()

    given = kept(app, session, "Sue")
    assert given[:2] == wanted
    assert [word for word, *_ in given] == ["agree", "disagree", "adjust", "add"]
    _, start, end, new_start, new_end = given[2]
    assert (start, end, new_start) == (long["start"], long["end"], long["start"])
    assert new_end == pytest.approx(long["end"] + 3, abs=0.6)  # a pixel is half a second
    assert given[3][1:3] == pytest.approx((gap[0] + 0.5, gap[1] - 0.5), abs=0.6)


def test_quick_acts_are_all_kept_in_their_order(app, tom, session):
    page, lanes = opened(tom, session)
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
    for _ in range(80):  # one after the other, each with the page's next run
        if len(kept(app, session, "Tom")) >= len(wanted):
            break
        page.wait_for_timeout(500)
    page.wait_for_timeout(1500)
    assert kept(app, session, "Tom") == wanted


def test_agreement_on_the_page_is_what_counting_gives(app, owner, session):
    page, _ = opened(owner, session)
    page.get_by_text("Details: verdicts, reviewer by reviewer").click()
    row = page.get_by_role("row", name=re.compile("^Sue and Tom Eye contact"))
    expect(row).to_be_visible()
    kappa, f1, told, judged = row.get_by_role("cell").all_inner_texts()[-4:]
    views = [_as_seen(episodes(app, session), kept(app, session, name)) for name in ("Sue", "Tom")]
    assert kappa == f"{_kappa(*views):.2f}" != "1.00"
    common = sum(any(_overlap(a, b) > 0.5 for b in views[1]) for a in views[0])
    assert f1 == f"{2 * common / (len(views[0]) + len(views[1])):.2f}"
    assert told == f"{len(views[0])} and {len(views[1])}, {common} in common"
    assert judged == "4 and 6"
    expect(page.get_by_role("row", name=re.compile("^the tool and Sue Eye contact"))).to_be_visible()


def test_drawn_episodes_are_judged_and_counted_with_their_interval(sue, session):
    page, _ = opened(sue, session)
    page.get_by_text("Details: were these right?").click()
    expect(page.get_by_text("you have judged 0")).to_be_visible()
    for count, word in enumerate(("Right", "Right", "Not right"), start=1):
        left = page.get_by_role("button", name="Right", exact=True).count()
        page.get_by_role("button", name=word, exact=True).first.click()
        expect(page.get_by_text(f"you have judged {count}")).to_be_visible()
        expect(page.get_by_role("button", name="Right", exact=True)).to_have_count(left - 1)  # drawn anew to its end
    sue.open("/trust")
    rows = page.get_by_role("row").all_inner_texts()
    assert sum(int(row.split("\t")[3]) for row in rows[1:]) == 3
    assert all(re.search(r"\d+ % \(\d+–\d+\)", row) for row in rows[1:])


def test_a_point_to_practise_is_chosen_together_and_held_against_the_next_session(app, sue, owner, session):
    library = open_library(app.library)
    with library.reading() as db:
        [earlier] = [s.id for s in db.query(PracticeSession).where(PracticeSession.title == "A week before")]
    library.close()
    page, _ = opened(sue, earlier)
    page.get_by_text("One thing to practise").click()
    page.wait_for_timeout(1000)  # it opens slowly, and a list that opens meanwhile closes
    page.get_by_role("combobox", name="Cue").click()
    page.get_by_role("option", name="Eye contact", exact=True).click()
    expect(page.get_by_text("With most of it", exact=True)).to_be_visible()
    page.get_by_text("like this", exact=True).first.click()
    page.get_by_label("What exactly? In your own words").fill("Looking up after a pause")
    page.get_by_role("button", name="Practise this").click()
    expect(page.get_by_text("Chosen by Sue")).to_be_visible()
    expect(page.get_by_text("Clips that were judged")).to_be_visible()
    page, _ = opened(owner, session)
    expect(page.get_by_text("Looking up after a pause")).to_be_visible()
    expect(page.get_by_text("+0 points, inside the band")).to_be_visible()


def test_a_review_is_asked_for_waits_in_the_inbox_and_is_signed_off(app, owner, sue, session):
    owner.open(f"/session?id={session}")
    page = owner.page
    page.get_by_role("button", name="Share").first.click()
    page.get_by_role("button", name="Ask Sue for a review").click()
    expect(page.get_by_text("Sue finds it in the inbox.")).to_be_visible()

    sue.open("/")
    inbox = sue.page
    expect(inbox.get_by_role("heading", name="Waits for you (1)")).to_be_visible()
    expect(inbox.get_by_text("eye contact in all 6 minutes; lean in all; smiles in all").first).to_be_visible()
    text = inbox.locator('[data-testid="stMainBlockContainer"]').inner_text()
    assert "%" not in text and not [value for value in figures(app, session) if str(value) in text]
    inbox.get_by_role("link", name="Two supervisors").click()
    expect(inbox.get_by_text("A review was asked for on")).to_be_visible()
    inbox.get_by_role("button", name="Sign off").click()
    expect(inbox.get_by_text("You signed it off on")).to_be_visible()
    sue.open("/")
    expect(inbox.get_by_role("heading", name="Signed off (1)")).to_be_visible()

    owner.open(f"/session?id={session}")
    expect(page.get_by_text("Sue signed this session off on")).to_be_visible()
    page.get_by_role("button", name="Who looked at it").click()
    expect(page.get_by_text(re.compile(r"Sue, the report")).first).to_be_visible()
    page.keyboard.press("Escape")

    page.get_by_role("button", name="Share").first.click()
    page.get_by_role("button", name="Ask Sue again for a review").click()
    expect(page.get_by_text("Sue finds it in the inbox.")).to_be_visible()
    sue.open(f"/session?id={session}")
    expect(inbox.get_by_text("A review was asked for again on", exact=False)).to_be_visible()
    inbox.get_by_role("button", name="Sign off").click()
    expect(inbox.get_by_role("button", name="Open it again")).to_be_visible()


def test_what_was_written_since_is_new_until_the_session_is_opened_once_more(app, sue, session):
    sue.open("/")
    inbox = sue.page
    new = inbox.get_by_role("heading", name=re.compile("^New"))
    expect(inbox.get_by_role("heading", name="Signed off (1)")).to_be_visible()
    expect(new).to_have_count(0)
    inbox.get_by_role("link", name="Two supervisors").click()
    expect(inbox.get_by_role("heading", name="Minute by minute")).to_be_visible()
    library = open_library(app.library)
    with library.writing() as db:
        add_comment(db, owner_of_library(db), session, 5.0, None, "And here?")
    library.close()
    inbox.get_by_role("link", name="Inbox").click()
    expect(inbox.get_by_role("heading", name="New (1)")).to_be_visible()
    expect(inbox.get_by_text("1 new comment", exact=False)).to_be_visible()
    inbox.get_by_role("link", name="Two supervisors").click()
    expect(inbox.get_by_role("heading", name="Minute by minute")).to_be_visible()
    inbox.get_by_role("link", name="Inbox").click()
    expect(inbox.get_by_role("heading", name="Signed off (1)")).to_be_visible()
    expect(new).to_have_count(0)


def test_the_trainees_cues_are_hidden_until_they_guess(app, owner, sue, session):
    routes = [f"/api/sessions/{session}/{what}" for what in ("timeline", "overlay/0")]

    def lanes(visitor):
        found = [visitor.context.request.get(app.address + route).json() for route in routes]
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
    line = page.get_by_test_id("stVerticalBlockBorderWrapper").filter(has_text="Two supervisors")
    expect(line.get_by_role("img")).to_have_count(0)
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


def _as_seen(tool, verdicts):
    gone = {(start, end) for word, start, end, *_ in verdicts if word in ("disagree", "adjust")}
    seen = [(e["start"], e["end"]) for e in tool if (e["start"], e["end"]) not in gone]
    seen += [(new, end) for word, _, _, new, end in verdicts if word == "adjust"]
    return _joined(seen + [(start, end) for word, start, end, *_ in verdicts if word == "add"])


def _joined(stretches):
    found = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _kappa(one, other):
    edges = [edge for stretch in (*one, *other) for edge in stretch]
    table = {(a, b): 0 for a in (False, True) for b in (False, True)}
    for k in range(600 * MINUTES):
        time = 0.05 + k / 10
        if min(abs(time - edge) for edge in edges) >= 0.25:
            table[tuple(any(a <= time < b for a, b in view) for view in (one, other))] += 1
    n = sum(table.values())
    same = (table[False, False] + table[True, True]) / n
    yes = [(table[True, True] + table[pair]) / n for pair in ((True, False), (False, True))]
    chance = yes[0] * yes[1] + (1 - yes[0]) * (1 - yes[1])
    return (same - chance) / (1 - chance)


def _overlap(a, b):
    common = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return common / (max(a[1], b[1]) - min(a[0], b[0]))
