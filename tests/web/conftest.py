"""An application of its own for each module of tests, and people who are signed in there."""

import shutil
import sys
from pathlib import Path

import pytest

from cues.library.accounts import Roles, begin_sign_in, create_account
from cues.library.database import open_library
from cues.web.gate import COOKIE
from tests.web.running_app import RunningApp


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    running = RunningApp(tmp_path_factory.mktemp("app") / "library")
    yield running
    running.end()


@pytest.fixture(scope="module")
def library(app):
    """The library of the application, opened beside it."""
    opened = open_library(app.library)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def chromium():
    if not (Path("/usr/bin/chromium").exists() or shutil.which("chromium")):
        pytest.skip("Chromium is not installed: apt install chromium")
    pytest.importorskip("playwright", reason="playwright is not installed: pip install -r tests/requirements.txt")
    from tests.web.take_picture import browser

    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def owner(app, chromium):
    """The owner of the library, trainee and administrator, signed in by the printed code."""
    from tests.web.take_picture import settled
    from tests.web.visitor import Visitor

    visitor = Visitor(chromium, app)
    visitor.page.goto(app.sign_in)
    settled(visitor.page)
    yield visitor
    assert visitor.outside() == []
    assert visitor.complaints == []


@pytest.fixture(scope="module")
def person(app, chromium, owner):  # noqa: ARG001  # the owner is the first account of a library
    """Makes a person with roles and a browser in which they are signed in."""
    from tests.web.visitor import Visitor

    visitors = []

    def made(name, **roles):
        library = open_library(app.library)
        with library.writing() as db:
            account = create_account(db, f"{name.lower()}@example.org", name, Roles(**roles))
            token = begin_sign_in(db, account, "127.0.0.1")
        library.close()
        visitor = Visitor(chromium, app)
        visitor.account = account
        visitor.context.add_cookies([{"name": COOKIE, "value": token, "url": app.address}])
        visitors.append(visitor)
        return visitor

    yield made
    for visitor in visitors:
        assert visitor.outside() == []
        assert visitor.complaints == []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):  # noqa: ARG001  # pytest's names
    """Of a failed test, what every browser's page shows: where tests run elsewhere there is nothing else to look at."""
    report = yield
    if report.failed:
        visitors = getattr(sys.modules.get("tests.web.visitor"), "visitors", [])  # not there without a browser
        report.sections += [(f"page {number}", visitor.seen()) for number, visitor in enumerate(visitors)]
    return report
