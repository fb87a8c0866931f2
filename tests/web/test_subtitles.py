"""Subtitles in the parser of a browser."""

from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from cues.export.content import Content
from cues.export.subtitles import chapters, episodes_as_cues

ODD = "up & <b>down</b> --> {later} \u202e"
PAGE = """<!doctype html><video><track default kind="{kind}" src="/{kind}.vtt"></video>"""
READ = """() => new Promise((done) => {
  const track = document.querySelector("track");
  const read = (cue) => [cue.startTime, cue.endTime, cue.getCueAsHTML().textContent];
  const told = () => done([...track.track.cues].map(read));
  track.track.mode = "hidden";
  if (track.readyState === 2) told(); else track.addEventListener("load", told);
})"""


def test_a_browser_reads_every_cue_with_its_times_and_its_text_as_text(chromium):
    minutes = [
        {"minute": 1, "role": "trainee", "start_s": 0.0, "end_s": 60.0, "eye_contact_pct": 51.6, "smile_pct": None},
        {"minute": 1, "role": "client", "start_s": 0.0, "end_s": 60.0, "eye_contact_pct": 20.0, "smile_pct": 3.0},
        {
            "minute": 61,
            "role": "trainee",
            "start_s": 3600.0,
            "end_s": 3612.345,
            "eye_contact_pct": None,
            "smile_pct": 0,
        },
    ]
    episodes = [{"start": 1.25, "end": 2.5, "role": "trainee", "kind": ODD}]
    content = Content("", date.today(), (), Path(), True, (), {}, minutes, episodes, [], [], 0.0)
    files = {"/chapters.vtt": chapters(content), "/captions.vtt": episodes_as_cues(content)}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            data = files.get(self.path) or PAGE.format(kind=self.path.strip("/")).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/vtt" if self.path in files else "text/html")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    page = chromium.new_page()
    told = {}
    for kind in ("chapters", "captions"):
        page.goto(f"http://127.0.0.1:{server.server_port}/{kind}")
        told[kind] = page.evaluate(READ)
    page.close()
    server.shutdown()
    assert told["chapters"] == [
        [0, 60, "Minute 1: eye contact 52 %, smiling –"],
        [3600, 3612.345, "Minute 61: eye contact –, smiling 0 %"],
    ]
    assert told["captions"] == [[1.25, 2.5, f"trainee: {ODD}"]]
