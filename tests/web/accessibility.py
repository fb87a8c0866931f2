"""What a page lacks for people who do not see it well or use no mouse: names, levels of headings, contrast.

A small part of WCAG 2.2, checked in the browser on the page as it stands, shadow roots included.
"""

from pathlib import Path

from playwright.sync_api import Page

_CHECK = (Path(__file__).parent / "accessibility.js").read_text(encoding="utf-8")


def faults_of(page: Page) -> list[str]:
    """One line for each fault of the page as it stands; empty where there is none."""
    found: list[str] = page.evaluate(_CHECK)
    return sorted(set(found))
