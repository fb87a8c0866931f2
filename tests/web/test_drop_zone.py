"""The drop zone in a real browser, against a real server process with the routes of uploads."""

import hashlib
import importlib.util
import os
import re
import shutil
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.web.upload_server import UploadServer

APP = "tests.web.drop_zone_app:app"
CHROMIUM = Path("/usr/bin/chromium")
SIZE = 40_000_000
STREAMLIT_MISSES_SERVER = re.compile("reaching server endpoint|WebSocket onerror|connected to the internet")
REFUSED_BY_SERVER = re.compile(
    r"Failed to load resource|WebSocket connection to|net::ERR_|when disconnected from server"
)

if importlib.util.find_spec("playwright") is None:
    pytest.skip("playwright is not installed: pip install -r tests/requirements.txt", allow_module_level=True)
if not (CHROMIUM.exists() or shutil.which("chromium")):
    pytest.skip("Chromium is not installed: apt install chromium", allow_module_level=True)

from playwright.sync_api import Page, expect  # noqa: E402

from tests.web.take_picture import browser  # noqa: E402
from tests.web.visitor import INLINE_SCRIPT, PATIENCE_MS  # noqa: E402


@pytest.fixture(scope="module")
def chromium():
    with browser() as running:
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    running = UploadServer(APP, tmp_path_factory.mktemp("drop zone"))
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("recordings") / "session of 3 March.mp4"
    path.write_bytes(os.urandom(SIZE))
    return path


def eventually(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


class Visit:
    """A page with the drop zone, and what it asked for and complained of."""

    def __init__(self, page: Page, server: UploadServer) -> None:
        self.page, self.server = page, server
        self.asked: list[tuple[str, str]] = []
        self.complaints: list[str] = []
        self.questions: list[str] = []
        page.on("request", lambda request: self.asked.append((request.method, request.url)))
        page.on("websocket", lambda socket: self.asked.append(("WS", socket.url)))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", self._listen)
        page.on("dialog", self._answer)
        self.open()

    def _listen(self, said):
        streamlits_own = said.text.startswith(INLINE_SCRIPT) and said.location["url"] == self.server.address + "/"
        if said.type == "error" and not streamlits_own:
            self.complaints.append(said.text)

    def _answer(self, dialog):
        self.questions.append(dialog.type)
        dialog.accept()

    def open(self):
        self.page.goto(self.server.address)
        self.ready()

    def ready(self):
        expect(self.button("Choose files")).to_be_visible()

    def hold(self, percent):
        """The server takes in no more than this share of a recording from now on."""
        new = self.server.folder / "hold.new"
        new.write_text(str(SIZE * percent / 100))
        new.replace(self.server.folder / "hold")

    def let_go(self):
        (self.server.folder / "hold").unlink(missing_ok=True)

    def choose(self, *paths):
        with self.page.expect_file_chooser() as chosen:
            self.button("Choose files").click()
        chosen.value.set_files(list(paths))

    def button(self, name):
        return self.page.get_by_role("button", name=name, exact=True)

    def row(self, path):
        return self.page.get_by_role("listitem").filter(has_text=path.name)

    def percent(self, path):
        return int(self.row(path).get_by_role("progressbar").get_attribute("aria-valuenow"))

    def stands(self, path, percent):
        """Waits until the server holds: what it has of the file is on its disk, as far as blocks are full."""
        self.page.wait_for_function(
            "([name, percent]) => [...document.querySelectorAll('[data-testid=stBidiComponentIsolated]')].some(zone =>"
            " [...zone.shadowRoot.querySelectorAll('[role=progressbar]')].some(bar =>"
            " bar.getAttribute('aria-label') === name && Number(bar.getAttribute('aria-valuenow')) >= percent))",
            arg=[path.name, percent],
        )
        eventually(lambda: max((part.stat().st_size for part in self.parts()), default=0) > SIZE * percent / 100 - 2e6)

    def parts(self):
        return (self.server.folder / "incoming").glob("*.part")

    def ends(self, path):
        expect(self.row(path)).to_contain_text("Uploaded.")

    def told(self):
        return self.page.get_by_text(re.compile("^Told: ")).all_inner_texts()

    def uploads(self, method):
        return [url for verb, url in self.asked if verb == method and "/api/uploads" in url]


@contextmanager
def visiting(chromium, server, **settings):
    context = chromium.new_context(viewport={"width": 900, "height": 800}, **settings)
    context.set_default_timeout(PATIENCE_MS)
    try:
        yield Visit(context.new_page(), server)
    finally:
        (server.folder / "hold").unlink(missing_ok=True)
        context.close()


@pytest.fixture
def visit(chromium, server):
    with visiting(chromium, server) as made:
        yield made
        own = (server.address, server.address.replace("http:", "ws:"), "data:", "blob:" + server.address)
        assert [url for _, url in made.asked if not url.startswith(own)] == []


def arrived(server, path):
    """The last file that came in is this one, byte for byte."""
    upload_id, _, sha256 = server.finished()[-1]
    stored = (server.folder / "incoming" / f"{upload_id}.whole").read_bytes()
    return hashlib.sha256(path.read_bytes()).hexdigest() == sha256 == hashlib.sha256(stored).hexdigest()


def kept(visit):
    return visit.page.evaluate("Object.keys(localStorage).filter(name => name.startsWith('cues.upload'))")


def test_a_file_arrives_intact_in_checked_pieces_and_the_page_is_told(visit, recording):
    sums = []
    visit.page.on("request", lambda r: r.method == "PATCH" and sums.append(r.headers.get("upload-checksum", "")))
    visit.choose(recording)
    visit.ends(recording)
    assert arrived(visit.server, recording)
    upload_id = visit.server.finished()[-1][0]
    expect(visit.page.get_by_text("Told:")).to_have_text(f"Told: {recording.name} {SIZE} {upload_id}")
    assert len(sums) == 3 and all(given.startswith("sha256 ") for given in sums)
    assert kept(visit) == []
    assert visit.complaints == []


def test_two_files_go_at_once_and_a_third_is_not_wanted(visit, recording, tmp_path):
    other, third = tmp_path / "other side.mov", tmp_path / "third.mp4"
    other.write_bytes(os.urandom(3_000_000))
    third.write_bytes(b"third")
    visit.hold(5)
    visit.choose(recording, other, third)
    expect(visit.row(third)).to_contain_text("Only 2 files are wanted here.")
    expect(visit.page.get_by_text("No further file is wanted here.")).to_be_visible()
    visit.let_go()
    visit.ends(recording)
    visit.ends(other)
    expect(visit.page.get_by_text("Told:")).to_have_count(2)
    assert len(visit.uploads("POST")) == 2
    assert visit.complaints == []


def test_a_wrong_ending_an_empty_and_a_large_file_are_refused_before_anything_is_sent(visit, tmp_path):
    wrong, empty, large = tmp_path / "notes <b>of today.pdf", tmp_path / "empty.mp4", tmp_path / "large.mp4"
    wrong.write_bytes(b"x")
    empty.touch()
    with large.open("wb") as file:
        file.truncate(60_000_001)
    visit.choose(wrong, empty, large)
    expect(visit.row(wrong)).to_contain_text("none of the files that can be used here: .mp4, .mov.")
    expect(visit.row(empty)).to_contain_text("This file is empty.")
    expect(visit.row(large)).to_contain_text("at most 60.0 MB are allowed.")
    expect(visit.page.get_by_role("status")).to_contain_text("large.mp4")
    visit.page.wait_for_timeout(300)
    assert visit.asked and not any("/api/uploads" in url for _, url in visit.asked)
    visit.row(wrong).get_by_role("button", name="Dismiss").click()
    expect(visit.row(wrong)).to_have_count(0)
    expect(visit.button("Choose files")).to_be_focused()


def test_a_killed_server_is_waited_for_and_the_upload_goes_on_where_it_was(visit, recording):
    visit.hold(45)
    visit.choose(recording)
    visit.stands(recording, 45)
    visit.server.kill()
    expect(visit.row(recording)).to_contain_text("Connection lost; goes on by itself.")
    visit.server.start()
    expect(visit.row(recording)).to_contain_text(re.compile(r"Goes on at [1-9]\d %"))
    visit.let_go()
    visit.ends(recording)
    assert arrived(visit.server, recording)
    assert len(visit.uploads("POST")) == 1
    own = [line for line in visit.complaints if not STREAMLIT_MISSES_SERVER.search(line)]
    assert [line for line in own if not REFUSED_BY_SERVER.search(line)] == []


def test_after_a_reload_the_same_file_chosen_again_goes_on_where_it_was(visit, recording):
    visit.hold(50)
    visit.choose(recording)
    visit.stands(recording, 50)
    visit.page.reload()
    assert visit.questions == ["beforeunload"]
    visit.ready()
    expect(visit.row(recording)).to_contain_text("choose the same file again to go on")
    there = visit.percent(recording)
    assert there > 30
    visit.choose(recording)
    expect(visit.row(recording)).to_contain_text(re.compile(r"Goes on at [1-9]\d %"))
    visit.let_go()
    visit.ends(recording)
    assert arrived(visit.server, recording)
    assert len(visit.uploads("POST")) == 1
    assert kept(visit) == []
    # The broken connection's last bytes may come in late: Chromium reports the 409 that they cause.
    assert [line for line in visit.complaints if not REFUSED_BY_SERVER.search(line)] == []


def test_a_paused_upload_stands_still_until_it_is_resumed_and_one_removed_is_gone(visit, recording):
    visit.hold(30)
    visit.choose(recording)
    visit.stands(recording, 30)
    visit.row(recording).get_by_role("button", name="Pause").click()
    expect(visit.row(recording)).to_contain_text("Paused at")
    sent = len(visit.uploads("PATCH"))
    visit.page.wait_for_timeout(700)
    assert len(visit.uploads("PATCH")) == sent
    visit.row(recording).get_by_role("button", name="Resume").press("Enter")
    visit.hold(60)
    visit.stands(recording, 60)
    assert len(visit.uploads("POST")) == 1
    visit.row(recording).get_by_role("button", name="Remove").click()
    expect(visit.row(recording)).to_have_count(0)
    upload_id = visit.uploads("DELETE")[0].rsplit("/", 1)[1]
    assert list((visit.server.folder / "incoming").glob(f"{upload_id}*")) == []
    assert kept(visit) == []
    # Chromium reports the 409 or 423 that the broken-off piece may cause.
    assert [line for line in visit.complaints if not REFUSED_BY_SERVER.search(line)] == []


def test_reruns_a_moved_zone_and_a_page_without_it_do_not_disturb(visit, recording):
    visit.hold(10)
    visit.choose(recording)
    visit.stands(recording, 10)
    visit.button("Again").click()
    expect(visit.page.get_by_text("Run 2")).to_be_visible()
    visit.page.get_by_text("Text above").click()
    expect(visit.page.get_by_text("A line that moves")).to_be_visible()
    visit.page.get_by_text("Elsewhere").click()
    expect(visit.row(recording)).to_have_count(0)
    ended = len(visit.server.finished())
    visit.let_go()
    eventually(lambda: len(visit.server.finished()) > ended)  # while nobody shows it
    assert visit.told() == []
    visit.page.get_by_text("Elsewhere").click()
    visit.ends(recording)
    expect(visit.page.get_by_text("Told:")).to_have_count(1)
    assert arrived(visit.server, recording)
    assert len(visit.uploads("POST")) == 1 and visit.complaints == []
    # Three pieces, none of them begun anew.
    assert len(visit.uploads("PATCH")) == 3


def test_a_sign_in_that_ended_stops_the_upload_until_it_is_resumed(visit, recording):
    signed_out = visit.server.folder / "signed_out"
    visit.hold(10)
    visit.choose(recording)
    visit.stands(recording, 10)
    try:
        signed_out.touch()
        visit.let_go()
        expect(visit.row(recording)).to_contain_text("You were signed out. Sign in in another tab, then press Resume.")
    finally:
        signed_out.unlink()
    visit.row(recording).get_by_role("button", name="Resume").click()
    visit.ends(recording)
    assert arrived(visit.server, recording)


def test_an_upload_that_the_server_has_lost_is_begun_again_only_when_asked(visit, recording):
    visit.hold(45)
    visit.choose(recording)
    visit.stands(recording, 45)
    visit.row(recording).get_by_role("button", name="Pause").click()
    for path in (visit.server.folder / "incoming").glob("*.part"):
        path.unlink()
    visit.row(recording).get_by_role("button", name="Resume").click()
    expect(visit.row(recording)).to_contain_text("There is no such upload.")
    visit.let_go()
    visit.row(recording).get_by_role("button", name="Start again").click()
    visit.ends(recording)
    assert arrived(visit.server, recording)
    assert len(visit.uploads("POST")) == 2


def test_a_damaged_piece_is_sent_again(visit, tmp_path):
    recording, damaged = tmp_path / "short.mp4", []
    recording.write_bytes(os.urandom(500_000))

    def damage(route):
        """The bytes arrive, their checksum does not fit: once."""
        if damaged:
            route.continue_()
            return
        damaged.append(route.request.url)
        wrong = "sha256 " + "A" * 43 + "="
        route.continue_(headers=route.request.headers | {"upload-checksum": wrong})

    visit.page.route("**/api/uploads/*", lambda r: damage(r) if r.request.method == "PATCH" else r.continue_())
    visit.choose(recording)
    visit.ends(recording)
    assert len(damaged) == 1 and len(visit.uploads("PATCH")) == 2
    assert arrived(visit.server, recording)


def test_a_file_can_be_dropped_and_is_refused_with_the_servers_sentence(visit, server):
    """Ten unfinished uploads of the account are as many as it may have."""
    made = [
        visit.page.request.post(
            server.address + "/api/uploads",
            headers={"Tus-Resumable": "1.0.0", "Upload-Length": "9", "Upload-Metadata": "filename YS5tcDQ="},
            max_retries=2,
        ).headers["location"]
        for _ in range(10)
    ]
    try:
        dropped = visit.page.evaluate_handle(
            "() => { const d = new DataTransfer(); d.items.add(new File(['recording'], 'dropped.mp4')); return d; }"
        )
        visit.page.locator(".drop-zone .area").dispatch_event("drop", {"dataTransfer": dropped})
        row = visit.row(Path("dropped.mp4"))
        expect(row).to_contain_text("You have 10 unfinished uploads: finish or cancel one of them first.")
    finally:
        for url in made:
            visit.page.request.delete(server.address + url, headers={"Tus-Resumable": "1.0.0"}, max_retries=2)
    row.get_by_role("button", name="Resume").click()
    expect(row).to_contain_text("Uploaded.")


def test_the_zone_fits_a_telephone_and_every_control_has_a_name_and_is_reached_by_keys(chromium, server, recording):
    with visiting(chromium, server) as visit:
        visit.page.set_viewport_size({"width": 400, "height": 800})
        visit.hold(5)
        visit.choose(recording)
        visit.stands(recording, 5)
        assert visit.page.evaluate("document.documentElement.scrollWidth") <= 400
        visit.button("Choose files").focus()
        names = ["Pause", "Remove"]
        for name in names:
            visit.page.keyboard.press("Tab")
            expect(visit.button(f"{name} {recording.name}")).to_be_focused()
        visit.page.keyboard.press("Enter")
        expect(visit.row(recording)).to_have_count(0)
