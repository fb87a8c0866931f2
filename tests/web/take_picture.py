"""Takes a picture of a page: `python -m tests.web.take_picture LIBRARY PATH PICTURE.png [--dark] [--whole]`.

It starts the application on the library itself and ends it afterwards. PATH is such as `/`, or `first` for the page of
the library's first session.
"""

import argparse
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.web.running_app import RunningApp

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            yield found
        finally:
            found.close()


_STANDS_STILL = """() => {
  const all = selector => [...document.querySelectorAll(selector)].filter(one => one.checkVisibility());
  return document.querySelector("[data-testid=stApp][data-test-script-state=notRunning]")
    && all("[data-testid=stSkeleton]").length === 0
    && all("[data-testid=stVegaLiteChart]").every(chart => chart.querySelector("svg, canvas"));
}"""


def settled(page: Page) -> None:
    """Waits until the page stands still: there is one, the script ended, everything loaded that draws, charts drawn."""
    page.get_by_role("heading", level=1).first.wait_for()  # before its first run a page says that nothing runs, too
    page.wait_for_function(_STANDS_STILL)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("library", type=Path)
    parser.add_argument("path")
    parser.add_argument("picture", type=Path)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--whole", action="store_true", help="all of the page, with everything unfolded")
    options = parser.parse_args()
    app = RunningApp(options.library.resolve())
    try:
        with browser() as chromium:
            page = chromium.new_page(
                viewport={"width": options.width, "height": options.height},
                color_scheme="dark" if options.dark else "light",
                device_scale_factor=1.5 if options.width > 600 else 2,
            )
            page.goto(app.sign_in)
            settled(page)
            if options.path == "first":
                page.locator('a[href*="session?id="]').first.click()
            else:
                page.goto(app.address + options.path)
            page.wait_for_timeout(2500)
            settled(page)
            if options.whole:
                for summary in page.locator("details > summary").all():
                    summary.click()
                height = page.locator('[data-testid="stMainBlockContainer"]').bounding_box()["height"]  # type: ignore[index]
                page.set_viewport_size({"width": options.width, "height": int(height) + 40})
                settled(page)
            page.wait_for_timeout(800)
            page.screenshot(path=options.picture)
    finally:
        app.end()


if __name__ == "__main__":
    main()
