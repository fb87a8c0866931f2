"""One person's browser on a running application."""

import re

from playwright.sync_api import Error, expect

from tests.web.take_picture import settled

INLINE_SCRIPT = "Executing inline script violates"  # Streamlit's index.html has one, which the policy blocks
STREAMLITS_PROBES = re.compile(
    r"/_stcore/(health|host-config)$"
)  # asked for under a page's path first, not found there

PATIENCE_MS = 120_000  # other tests run beside: what comes late is no failure, what never comes is one
expect.set_options(timeout=PATIENCE_MS)
WITHOUT_ANIMATIONS = """
const animate = Element.prototype.animate;
Element.prototype.animate = function (frames, how) {
  return animate.call(this, frames, {...(typeof how === "number" ? {} : how), duration: 0});
};
"""
"""While a part of a page unfolds, for half a second, its content moves below the mouse: a click that begins on one
button and ends on the next is none. People take longer to get there."""
NAME_PX = 92  # the lanes of a timeline begin there


visitors: list["Visitor"] = []
"""Everybody's browsers, of this process."""


class Visitor:
    """One person's browser: what its pages asked for and complained of."""

    def __init__(self, chromium, app, **options):
        self.app = app
        self.context = chromium.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.context.set_default_timeout(PATIENCE_MS)
        self.context.add_init_script(WITHOUT_ANIMATIONS)
        self.page = self.context.new_page()
        self.asked, self.complaints = [], []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", lambda socket: self.asked.append(socket.url))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._listen)
        self.page.on("close", lambda _: visitors.remove(self))
        visitors.append(self)

    def _listen(self, said):
        own = said.text.startswith(INLINE_SCRIPT) or STREAMLITS_PROBES.search(said.location["url"])
        if said.type == "error" and not own:
            self.complaints.append(f"{said.text} {said.location['url']}")

    def open(self, path):
        self.page.goto(self.app.address + path)
        settled(self.page)

    def get(self, path, **options):
        """What the application answers this browser at an address, outside of the page. A connection that the server
        had closed just then is no answer: it is asked again."""
        return self.context.request.get(self.app.address + path, max_retries=2, **options)

    def lanes(self):
        """The timeline of the page that is open, once it is loaded, with the keys."""
        lanes = self.page.locator("canvas.lanes")
        expect(lanes).to_have_attribute("aria-valuemax", re.compile(r"^\d+"))
        for video in self.page.locator("video[src]").all():  # with its size comes the place of what stands below
            expect(video).not_to_have_js_property("readyState", 0)
        lanes.focus()
        return lanes

    def until(self, condition):
        """Asks again and again while the page goes on; the last answer."""
        for _ in range(PATIENCE_MS // 250):
            if condition():
                return True
            self.page.wait_for_timeout(250)
        return condition()

    def seen(self):
        """What stands on the page now, as text, for whoever reads of a failed test."""
        try:
            state = self.page.evaluate("document.querySelector('[data-testid=stApp]')?.dataset.testScriptState")
            text = self.page.evaluate("document.body.innerText")
        except Error as closed:
            return f"{self.page.url}: {closed}"
        return f"{self.page.url}, script: {state}, complaints: {self.complaints}\n{text}"

    def outside(self):
        own = (self.app.address, self.app.address.replace("http:", "ws:"), "data:", f"blob:{self.app.address}")
        return [url for url in self.asked if not url.startswith(own)]


def time_on(lanes):
    """Where on the page a time [s] lies across, while the timeline shows the whole session; the timeline is in sight
    then, because the mouse reaches nothing else."""
    lanes.scroll_into_view_if_needed()
    box, duration = lanes.bounding_box(), float(lanes.get_attribute("aria-valuemax"))
    return lambda t: box["x"] + NAME_PX + t / duration * (box["width"] - NAME_PX)
