"""How long an hour takes to open in the loaded application, and how evenly its timeline scrolls:
`python -m tests.benchmarks.opening [RECORDING RESULTS]`.

The hour is the sample repeated, tables and all (10 samples a second of two people). A click on the session's name in
the list starts the clock; it stops when the timeline has its lanes. The first time its figures are computed from the
tables, later they are kept. Scrolling: the time between two pictures while the timeline is moved on each.
"""

import re
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, expect

from cues.library.database import open_library
from tests.web.made_library import add_session, hour_of
from tests.web.running_app import RunningApp
from tests.web.take_picture import browser, settled

SAMPLE = Path(__file__).resolve().parents[2] / "videos" / "sample"
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
    """Prints two lines."""
    with tempfile.TemporaryDirectory() as place:
        app = RunningApp(Path(place) / "library")
        try:
            video = hour_of(recording, results, Path(place) / "hour")
            library = open_library(app.library)
            add_session(library, "An hour", Path(place) / "hour", [video])
            library.close()
            with browser() as chromium:
                page = chromium.new_page(viewport={"width": 1280, "height": 900})
                page.goto(app.sign_in)
                first, again = opened(page, app), opened(page, app)
                half, most = page.locator("canvas.lanes").evaluate(_SCROLL)
            print(f"an hour opens in {first:.2f} s the first time, {again:.2f} s later (asked: under 2)")
            print(f"scrolling it: {half:.0f} ms between pictures in the median, {most:.0f} ms in 95 of 100")
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


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:3]))
