"""Takes a picture of the report: `python -m tests.web.take_picture SESSION_FOLDER PICTURE.png [--dark] [--whole]`.

It serves the session itself and ends the server afterwards.
"""

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def served(folder: Path, port: int) -> Iterator[tuple[str, list[str]]]:
    """The application on `port`, as `python app.py` starts it; gives its address and the lines it printed till then."""
    environment = os.environ | {"CUES_REPORT": str(folder.resolve()), "CUES_PORT": str(port)}
    server = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=ROOT,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        said: list[str] = []
        for line in server.stdout or ():
            said.append(line)
            if found := re.search(r"http://\S+", line):
                yield found[0], said
                return
        raise RuntimeError(f"The application did not start: {''.join(said)}")
    finally:
        server.terminate()
        server.wait(20)


@contextmanager
def browser() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        try:
            yield found
        finally:
            found.close()


def settled(page: Page) -> None:
    """Waits until the page stands still: script ended, charts drawn."""
    page.get_by_test_id("stApp").wait_for()
    page.wait_for_selector('[data-testid="stApp"][data-test-script-state="notRunning"]')
    page.get_by_role("heading", level=1).wait_for()
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-testid=stVegaLiteChart]')]"
        ".every(chart => !chart.checkVisibility() || chart.querySelector('svg, canvas'))"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("picture", type=Path)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--port", type=int, default=8599)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--whole", action="store_true", help="all of the page, with everything unfolded")
    options = parser.parse_args()
    with served(options.folder, options.port) as (address, _), browser() as chromium:
        page = chromium.new_page(
            viewport={"width": options.width, "height": options.height},
            color_scheme="dark" if options.dark else "light",
            device_scale_factor=1.5 if options.width > 600 else 2,
        )
        page.goto(address)
        settled(page)
        if options.whole:
            for summary in page.locator("details > summary").all():
                summary.click()
            height = page.locator('[data-testid="stMainBlockContainer"]').bounding_box()["height"]  # type: ignore[index]
            page.set_viewport_size({"width": options.width, "height": int(height) + 40})
            settled(page)
        page.wait_for_timeout(800)
        page.screenshot(path=options.picture)


if __name__ == "__main__":
    main()
