"""A trainee and two supervisors on one session, from the recording that goes in to how far the two agree, by clicks and
keys alone; what the page says of their agreement is counted here once more, from the definitions."""

import csv
import json
import re
import sqlite3

import pytest

from cues.library.folders import session_folder
from tests.sample_clip import first_seconds

pytest.importorskip("playwright", reason="playwright is not installed: pip install -r tests/requirements.txt")

from playwright.sync_api import expect  # noqa: E402

from tests.web.visitor import time_on  # noqa: E402

LENGTH_S = 40
ANALYSED_MS = 900_000  # other tests run beside
FRAME_S, COLLAR_S, COMMON_IOU = 0.1, 0.25, 0.5
WORDS = "<img src=x onerror=alert(1)> What was this?"


@pytest.fixture(scope="module")
def uploaded(owner, tmp_path_factory):
    """The id of a session that was dropped, agreed to and analysed by clicks alone, with a reload in between; its
    trainee's guess is waited for."""
    clip = first_seconds(tmp_path_factory.mktemp("clip") / "my <b>call.mp4", LENGTH_S)
    page = owner.page
    page.get_by_role("button", name="New session").click()
    expect(page.get_by_role("heading", name="1 · The recording")).to_be_visible()
    page.locator('input[type="file"]').set_input_files(clip)
    expect(page.get_by_text("my _b_call.mp4 (", exact=False)).to_be_visible()
    expect(page.get_by_text("A recorded call, 0:40 long.")).to_be_visible(timeout=ANALYSED_MS)
    start = page.get_by_role("button", name="Start the analysis")
    expect(start).to_be_disabled()
    for person in ("Trainee", "Client"):
        page.get_by_label("Who agreed (a name or a code)").fill(person)
        page.get_by_role("button", name="Add this consent").click()
        expect(page.get_by_text(re.compile(f"^{person}, "))).to_be_visible()
    page.get_by_role("button", name="This is me").last.click()
    expect(page.get_by_text("This is you.")).to_be_visible()
    start.click()
    cancel = page.get_by_role("button", name="Cancel the analysis")
    expect(cancel).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Keep my guess and show the figures")).to_be_visible()
    expect(page.get_by_text("Show the minutes that are finished")).to_have_count(0)
    expect(page.locator("video").first).to_be_visible(timeout=ANALYSED_MS)  # there is none before the end
    expect(cancel).to_have_count(0)
    return page.url[-32:]


def test_the_whole_conversation(app, owner, person, uploaded):
    the_trainee_guesses_before_anything_is_shown(owner, uploaded)
    sue, tom = (person(name, supervisor=True) for name in ("Sue", "Tom"))
    for supervisor in ("Sue", "Tom"):
        the_session_is_shared(owner, uploaded, supervisor)
    a_review_is_asked_for(owner, uploaded, "Ask Sue for a review")
    the_inbox_says_what_waits_and_no_figure(app, sue, uploaded)
    comments_are_written_by_keys_alone(sue)
    episodes = episodes_of(app, uploaded)
    sue_judges_by_keys_and_by_mouse(sue, uploaded, episodes)
    she_undoes_and_brings_it_again(app, sue, uploaded)
    she_signs_off(sue, "You signed it off on")
    the_trainee_answers(owner, uploaded)
    what_is_new_waits_in_the_inbox_until_it_is_seen(sue)
    she_changes_her_words_and_settles_them(sue)
    tom_judges_by_keys_alone(tom, uploaded, episodes)
    the_page_tells_how_far_they_agree(app, owner, uploaded, episodes)
    a_second_review_is_asked_for_and_signed_off(owner, sue, uploaded)


def the_trainee_guesses_before_anything_is_shown(owner, session):
    page = owner.page
    assert cues_shown_to(owner, session) == set()
    expect(page.locator("video").first).to_be_visible()
    expect(page.get_by_role("heading", name="Minute by minute")).to_have_count(0)
    page.get_by_label("Smiling [%]").fill("30")
    page.get_by_role("button", name="Keep my guess and show the figures").click()
    expect(page.get_by_role("heading", name="Minute by minute")).to_be_visible()
    expect(page.get_by_text("You thought 30 % (smiling)")).to_be_visible()
    assert cues_shown_to(owner, session) == {"eye_contact", "forward_lean", "smiles", "speech"}
    owner.open("/")
    page.get_by_role("link", name=re.compile("^Session of ")).click()
    expect(page.get_by_text("You are on the right, your client is on the left.")).to_be_visible()
    expect(page.get_by_text("my _b_call.mp4").first).to_be_visible()
    for words in ("Lean.", "Smiles.", "What could not be measured, and why"):
        expect(page.get_by_text(words, exact=True).first).to_be_visible()


def the_session_is_shared(owner, session, supervisor):
    owner.open(f"/session?id={session}")
    page = owner.page
    page.get_by_role("button", name="Share").first.click()
    page.get_by_role("combobox", name="Share with").click()
    page.get_by_role("option", name=supervisor).click()
    page.get_by_test_id("stFormSubmitButton").get_by_role("button", name="Share").click()
    expect(page.get_by_text(f"Shared with {supervisor}.")).to_be_visible()


def a_review_is_asked_for(owner, session, words):
    owner.open(f"/session?id={session}")
    owner.page.get_by_role("button", name="Share").first.click()
    owner.page.get_by_role("button", name=words).click()
    expect(owner.page.get_by_text("Sue finds it in the inbox.")).to_be_visible()


def the_inbox_says_what_waits_and_no_figure(app, sue, session):
    sue.open("/")
    page = sue.page
    expect(page.get_by_role("heading", name="Waits for you (1)")).to_be_visible()
    expect(page.get_by_text("lean in its one minute; smiles in all", exact=False)).to_be_visible()
    text = page.get_by_test_id("stMainBlockContainer").inner_text()
    assert "%" not in text and not [figure for figure in figures_of(app, session) if str(figure) in text]
    page.get_by_role("link", name=re.compile("^Session of ")).click()
    expect(page.get_by_text("A review was asked for on")).to_be_visible()
    expect(page.get_by_role("heading", name="Minute by minute")).to_be_visible()
    expect(page.get_by_text("thought 30 %")).to_have_count(0)


def comments_are_written_by_keys_alone(sue):
    """One at a time, one on a stretch of a lane."""
    page, lanes = sue.page, sue.lanes()
    lanes.press("ArrowRight")
    lanes.press("c")
    box = page.get_by_role("textbox", name="Comment at 0:05")
    expect(box).to_be_focused()
    page.keyboard.insert_text(WORDS)
    page.keyboard.press("Enter")
    expect(page.get_by_text(WORDS)).to_be_visible()
    expect(box).to_be_hidden()
    expect(lanes).to_be_focused()

    x, y = time_on(lanes), lanes.bounding_box()["y"] + LEAN_Y
    drag(page, (x(8), y), (x(12), y), "Shift")
    expect(page.get_by_text("Marked from 0 minutes 8 seconds to 0 minutes 12 seconds.", exact=False)).to_be_visible()
    lanes.press("c")
    expect(page.get_by_role("combobox", name="What the comment is about")).to_have_value("forward_lean")
    page.keyboard.insert_text("You came closer here.")
    page.keyboard.press("Enter")
    clip, video = page.get_by_role("link", name="0:08–0:12"), page.locator("video").first
    video.evaluate("v => v.addEventListener('play', () => (v.dataset.began = v.currentTime), {once: true})")
    clip.click()
    expect(video).to_have_attribute("data-began", re.compile(r"^(8|9|1[01])(\.|$)"))  # it ends by itself
    lanes.press("Space")
    sue.open(sue.page.url.removeprefix(sue.app.address))
    expect(page.get_by_text(WORDS)).to_have_count(1)


# Below the ruler, the name, the lanes before.
SPEECH_PX = 17
LEAN_Y, SMILES_Y = 22 + 20 + SPEECH_PX + 25 + 24, 22 + 20 + SPEECH_PX + 25 + 53 + 10


def sue_judges_by_keys_and_by_mouse(sue, session, episodes):
    first, second, third = episodes[:3]
    page, lanes, picked = sue.page, sue.lanes(), sue.page.locator(".picked")
    expect(picked).to_be_hidden()
    lanes.press("v")
    lanes.press("e")
    expect(picked).to_contain_text("No verdict yet.")
    lanes.press("a")
    expect(picked).to_contain_text("You agree.")
    lanes.press("e")
    lanes.press("d")
    expect(picked).to_contain_text("You disagree.")

    x, y = time_on(lanes), lanes.bounding_box()["y"] + SMILES_Y
    page.mouse.click(x(sum(third) / 2), y)
    expect(picked).to_contain_text("No verdict yet.")
    drag(page, (x(third[1]), y), (x(third[1] + 2), y))
    expect(picked).to_contain_text("You moved its ends.")
    drag(page, (x(31), y), (x(35), y), "Shift")
    page.get_by_role("button", name="Add the marked stretch", exact=False).click()
    expect(picked).to_contain_text("You added it.")

    given = kept_when(sue, session, "Sue", 4)
    assert given[:2] == [("agree", *first, None, None), ("disagree", *second, None, None)]
    assert given[2][:4] == ("adjust", *third, third[0])
    assert given[2][4] == pytest.approx(third[1] + 2, abs=0.1)
    assert given[3][0] == "add" and given[3][1:3] == pytest.approx((31, 35), abs=0.1)


def she_undoes_and_brings_it_again(app, sue, session):
    page, lanes, before = sue.page, sue.lanes(), kept(app, session, "Sue")
    again = page.get_by_role("button", name="Bring back what was undone")
    expect(again).to_be_disabled()
    lanes.press("z")
    expect(again).to_be_enabled()
    assert kept(app, session, "Sue") == before[:3]
    lanes.press("y")
    expect(again).to_be_disabled()
    assert kept(app, session, "Sue") == before


def she_signs_off(sue, said):
    sue.page.get_by_role("button", name="Sign off").click()
    expect(sue.page.get_by_text(said)).to_be_visible()
    sue.open("/")
    expect(sue.page.get_by_role("heading", name="Signed off (1)")).to_be_visible()
    expect(sue.page.get_by_role("heading", name=re.compile("^New"))).to_have_count(0)


def the_trainee_answers(owner, session):
    owner.open(f"/session?id={session}")
    page = owner.page
    expect(page.get_by_text("Sue signed this session off on")).to_be_visible()
    page.get_by_role("button", name="Who looked at it").click()
    expect(page.get_by_text(re.compile(r"Sue, the report"))).to_be_visible()
    page.keyboard.press("Escape")
    thread = thread_of(page, "You came closer here.")
    thread.get_by_role("button", name="Answer", exact=True).click()
    page.get_by_role("textbox", name="Answer").fill("I had not noticed.")
    page.get_by_role("button", name="Add the answer").click()
    expect(thread.get_by_text("I had not noticed.")).to_be_visible()
    expect(page.get_by_role("button", name="Change", exact=True)).to_have_count(1)  # of one's own words only


def what_is_new_waits_in_the_inbox_until_it_is_seen(sue):
    page = sue.page
    for heading in ("New (1)", "Signed off (1)"):
        sue.open("/")
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        expect(page.get_by_text("1 new comment", exact=False)).to_have_count(int(heading.startswith("New")))
        page.get_by_role("link", name=re.compile("^Session of ")).click()
        expect(page.get_by_text("I had not noticed.")).to_be_visible()


def she_changes_her_words_and_settles_them(sue):
    page = sue.page
    thread = thread_of(page, "You came closer here.")
    thread.get_by_role("button", name="Change", exact=True).click()
    page.get_by_role("textbox", name="Comment", exact=True).fill("You came closer here, twice.")
    page.get_by_role("button", name="Save the change").click()
    changed = page.get_by_text("You came closer here, twice.")
    expect(changed).to_be_visible()
    thread_of(page, "You came closer here, twice.").get_by_role("button", name="Settled", exact=True).click()
    expect(changed).to_be_hidden()
    page.get_by_text("Settled (1)").click()
    expect(changed).to_be_visible()
    page.get_by_role("button", name="Open again").click()
    expect(page.get_by_text("Settled (1)")).to_have_count(0)


def tom_judges_by_keys_alone(tom, session, episodes):
    """He disagrees with the first, moves the third's ends, and adds the stretch that Sue added, longer."""
    tom.open(f"/session?id={session}")
    page, lanes, picked = tom.page, tom.lanes(), tom.page.locator(".picked")
    for key in ("v", "e", "d", "e", "e", "[", "ArrowRight", "]", "t"):
        lanes.press(key)
    expect(picked).to_contain_text("You moved its ends.")
    lanes.press("Home")
    for key in ("ArrowRight",) * 6 + ("[", "ArrowRight", "]"):
        lanes.press(key)
    page.get_by_role("combobox", name="What the marked stretch is").select_option(label="trainee, smile")
    lanes.focus()
    lanes.press("i")
    expect(picked).to_contain_text("You added it.")
    third = episodes[2]
    assert kept_when(tom, session, "Tom", 3) == [
        ("disagree", *episodes[0], None, None),
        ("adjust", *third, pytest.approx(third[0] - 1), pytest.approx(third[0] + 4)),
        ("add", 30, 35, None, None),
    ]


def the_page_tells_how_far_they_agree(app, owner, session, episodes):
    owner.open(f"/session?id={session}")
    page = owner.page
    page.get_by_text("Details: verdicts, reviewer by reviewer").click()
    expect(page.get_by_text(f"frames within {COLLAR_S} s of an end are left out", exact=False)).to_be_visible()
    given = {name: kept(app, session, name) for name in ("Sue", "Tom")}
    views = {"the tool": episodes} | {name: as_seen(episodes, verdicts) for name, verdicts in given.items()}
    duration = summary_of(app, session)["duration_s"]
    told = []
    for one, other in (("the tool", "Sue"), ("the tool", "Tom"), ("Sue", "Tom")):
        pair = views[one], views[other]
        row = page.get_by_role("row", name=re.compile(f"^{one} and {other} Smiling"))
        expect(row).to_be_visible()
        kappa, f1, counts, judged = row.get_by_role("cell").all_inner_texts()[-4:]
        assert (kappa, f1) == (f"{kappa_of(*pair, duration):.2f}", f"{f1_of(*pair):.2f}")
        assert counts == f"{len(pair[0])} and {len(pair[1])}, {common(*pair)} in common"
        assert judged == " and ".join(str(len(given[name])) for name in (one, other) if name in given)
        told.append((kappa, f1))
    assert len(set(told)) == 3 and ("1.00", "1.00") not in told  # no pair is compared with itself
    of_sue = page.get_by_role("row", name=re.compile("^1 trainee Smiling"))
    expect(of_sue).to_be_visible()
    tool, sue, tom = (float(cell.removesuffix(" %")) for cell in of_sue.get_by_role("cell").all_inner_texts()[-3:])
    for figure, name in ((sue, "Sue"), (tom, "Tom")):
        more = sum(b - a for a, b in views[name]) - sum(b - a for a, b in episodes)
        assert figure - tool == pytest.approx(100 * more / duration, abs=1.5)  # both are rounded


def a_second_review_is_asked_for_and_signed_off(owner, sue, session):
    a_review_is_asked_for(owner, session, "Ask Sue again for a review")
    sue.open(f"/session?id={session}")
    expect(sue.page.get_by_text("A review was asked for again on", exact=False)).to_be_visible()
    sue.page.get_by_role("button", name="Sign off").click()
    expect(sue.page.get_by_role("button", name="Open it again")).to_be_visible()


def test_what_was_done_with_a_session_is_on_record(app, uploaded):
    with sqlite3.connect(app.library / "library.db") as db:
        done = {row[0] for row in db.execute("select action from deed where session_id = ?", (uploaded,))}
    assert {"create", "upload", "view report", "share", "ask for review", "sign off", "comment"} <= done
    assert {"verdict", "undo verdict", "bring verdict again"} <= done


def test_deleting_a_session_leaves_no_file_of_it(app, owner, uploaded):
    assert (session_folder(app.library, uploaded) / "session.json").exists()
    owner.open(f"/session?id={uploaded}")
    page = owner.page
    page.get_by_role("button", name="Delete…").click()
    expect(page.get_by_text("It cannot be undone.", exact=False)).to_be_visible()
    page.get_by_role("button", name="Delete it now").click()
    expect(page.get_by_role("heading", name="Sessions", level=1)).to_be_visible()
    assert [path for path in app.library.rglob("*") if uploaded in str(path)] == []
    assert list((app.library / "incoming").iterdir()) == []
    owner.open(f"/session?id={uploaded}")
    expect(page.get_by_role("heading", name="No such session")).to_be_visible()


def cues_shown_to(visitor, session):
    answer = visitor.get(f"/api/sessions/{session}/timeline")
    return set(answer.json()["people"][0]) - {"person", "role"}


def thread_of(page, words):
    answer = page.get_by_role("button", name="Answer", exact=True)
    return (
        page.get_by_test_id("stVerticalBlock").filter(has=page.get_by_text(words, exact=True)).filter(has=answer).last
    )


def drag(page, start, end, key=None):
    if key:
        page.keyboard.down(key)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end, steps=4)
    page.mouse.up()
    if key:
        page.keyboard.up(key)


def summary_of(app, session):
    return json.loads((session_folder(app.library, session) / "session.json").read_text())


def figures_of(app, session):
    """What was measured of the people over the session, percentages and others, but no counts."""
    told = [cue["figures"] or {} for person in summary_of(app, session)["people"] for cue in person["cues"].values()]
    return [value for cue in told for value in cue.values() if isinstance(value, float) and value > 2]


def episodes_of(app, session):
    """Start and end [s] of the trainee's smiles as the tool sees them."""
    with (session_folder(app.library, session) / "episodes.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if (row["role"], row["cue"]) == ("trainee", "smile")]
    return [(float(row["start"]), float(row["end"])) for row in rows]


def kept(app, session, name):
    """A reviewer's verdicts as the database has them, those that were undone left out."""
    with sqlite3.connect(app.library / "library.db") as db:
        columns = 'word, "start", "end", new_start, new_end'
        of = "from verdict join account on account.id = reviewer_id where session_id = ? and name = ? and not undone"
        return db.execute(f"select {columns} {of} order by verdict.id", (session, name)).fetchall()


def kept_when(visitor, session, name, count):
    """The same once there are so many: quick acts are taken one after the other."""
    visitor.until(lambda: len(kept(visitor.app, session, name)) >= count)
    return kept(visitor.app, session, name)


def as_seen(tool, verdicts):
    """The stretches that a reviewer sees: without those they disagree with, with other ends, with what they added."""
    gone = {(start, end) for word, start, end, *_ in verdicts if word in ("disagree", "adjust")}
    seen = [episode for episode in tool if episode not in gone]
    seen += [(start, end) for word, *_, start, end in verdicts if word == "adjust"]
    return sorted(seen + [(start, end) for word, start, end, *_ in verdicts if word == "add"])


def kappa_of(one, other, duration):
    """Cohen's kappa, (p - e) / (1 - e), frame by frame, without those near an end."""
    ends = [end for stretch in (*one, *other) for end in stretch]
    table = {(a, b): 0 for a in (False, True) for b in (False, True)}
    for k in range(int(duration / FRAME_S)):
        time = (k + 0.5) * FRAME_S
        if min(abs(time - end) for end in ends) >= COLLAR_S - 1e-6:  # just at it is not inside
            table[tuple(any(a <= time < b for a, b in view) for view in (one, other))] += 1
    n = sum(table.values())
    same = (table[False, False] + table[True, True]) / n
    yes = [(table[True, True] + table[pair]) / n for pair in ((True, False), (False, True))]
    chance = yes[0] * yes[1] + (1 - yes[0]) * (1 - yes[1])
    return (same - chance) / (1 - chance)


def f1_of(one, other):
    """2 TP / (2 TP + FP + FN), an episode of the one being found where one of the other covers more than half of both
    together."""
    found = common(one, other)
    return 2 * found / (2 * found + (len(one) - found) + (len(other) - found))


def common(one, other):
    return sum(any(shared(a, b) > COMMON_IOU for b in other) for a in one)


def shared(a, b):
    both = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return both / (a[1] - a[0] + b[1] - b[0] - both)
