"""How long an hour takes to open in the loaded application, and how evenly its timeline scrolls:
`python -m tests.benchmarks.opening [RECORDING RESULTS]`.

The hour is the sample repeated, tables and all (10 samples a second of two people). A click on the session's name in
the list starts the clock; it stops when the timeline has its lanes. The first time its figures are computed from the
tables, later they are kept. Scrolling: the time between two pictures while the timeline is moved on each. All of it
again after a review: 300 comments, a third of them with an answer, and a verdict on every episode that can be judged.
"""

import re
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, expect

from cues.library.accounts import owner_of_library
from cues.library.comments import add_comment, answer_comment
from cues.library.database import Library, open_library
from cues.library.folders import session_folder
from cues.library.session_folder import analysis_of, read_session
from cues.library.verdicts import give
from cues.review.verdicts import AGREE, DISAGREE, JUDGED, Verdict
from tests.web.made_library import add_session, hour_of
from tests.web.running_app import RunningApp
from tests.web.take_picture import browser, settled

SAMPLE = Path(__file__).resolve().parents[2] / "videos" / "sample"
COMMENTS = 300
_SCROLL = """async canvas => {
  canvas.focus();
  for (let k = 0; k < 4; k++) canvas.dispatchEvent(new KeyboardEvent("keydown", { key: "+", bubbles: true }));
  const next = () => new Promise((then) => requestAnimationFrame(then)), took = [];
  let before = await next();
  for (let k = 0; k < 200; k++) {
    canvas.dispatchEvent(new WheelEvent("wheel", { deltaX: 12, bubbles: true, cancelable: true }));
    const now = await next();
    took.push(now - before);
    before = now;
  }
  took.sort((a, b) => a - b);
  return [took[100], took[190]];
}"""


def main(recording: Path = SAMPLE / "session.mp4", results: Path = SAMPLE / "report") -> None:
    """Prints three lines."""
    with tempfile.TemporaryDirectory() as place:
        app = RunningApp(Path(place) / "library")
        try:
            video = hour_of(recording, results, Path(place) / "hour")
            library = open_library(app.library)
            session_id = add_session(library, "An hour", Path(place) / "hour", [video])
            with browser() as chromium:
                page = chromium.new_page(viewport={"width": 1280, "height": 900})
                page.goto(app.sign_in)
                first, again = opened(page, app), opened(page, app)
                half, most = page.locator("canvas.lanes").evaluate(_SCROLL)
                episodes, verdicts = _review(library, session_id)
                reviewed = opened(page, app)
                half_reviewed, most_reviewed = page.locator("canvas.lanes").evaluate(_SCROLL)
            library.close()
            print(f"an hour opens in {first:.2f} s the first time, {again:.2f} s later (asked: under 2)")
            print(f"scrolling it: {half:.0f} ms between pictures in the median, {most:.0f} ms in 95 of 100")
            print(
                f"with {episodes} episodes, {COMMENTS} comments and {verdicts} verdicts: opens in {reviewed:.2f} s, "
                f"{half_reviewed:.0f} and {most_reviewed:.0f} ms between pictures"
            )
        finally:
            app.end()


def opened(page: Page, app: RunningApp) -> float:
    """Seconds from the click on the session's name until its lanes are there."""
    page.goto(app.address + "/")
    settled(page)
    page.wait_for_timeout(2000)
    begun = time.perf_counter()
    page.get_by_role("link", name=re.compile("^An hour")).first.click()
    expect(page.locator("canvas.lanes")).to_have_attribute("aria-valuemax", re.compile("^3600"))
    took = time.perf_counter() - begun
    page.wait_for_timeout(3000)
    return took


def _review(library: Library, session_id: str) -> tuple[int, int]:
    """Comments and verdicts of the owner; how many episodes there are, and how many were judged."""
    stored = read_session(session_folder(library.folder, session_id))
    episodes = stored.episodes.to_pylist()
    verdicts = [
        Verdict((AGREE, DISAGREE)[k % 2], *(row[name] for name in ("person", "cue", "kind", "start", "end")))
        for k, row in enumerate(episodes)
        if (row["cue"], row["kind"]) in JUDGED
    ]
    with library.writing() as db:
        owner = owner_of_library(db)
        for k in range(COMMENTS):
            first = add_comment(db, owner, session_id, 12.0 * k, None, f"What was this, number {k}?")
            if k % 3 == 0:
                answer_comment(db, owner, first.id, "I was looking at my notes.")
        give(db, owner, session_id, verdicts, analysis_of(stored.summary))
    return len(episodes), len(verdicts)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
