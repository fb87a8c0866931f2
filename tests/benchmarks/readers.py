"""python -m tests.benchmarks.readers [--readers 50] [--uploads 8]: many people at once in a real application.

Real processes on a real PostgreSQL, asked by plain requests and, for the pages, over Streamlit's own websocket and
messages: no browser draws anything, so what is timed is the server. Each reader signs in, opens the list and a report,
asks for the lanes, for ranges of the recording; then several upload at once. Everybody begins in the same moment, which
is worse than people are. Writes the part `readers` of SCALE.md; a minute or two for each number of processes.
"""

import argparse
import asyncio
import os
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import numpy as np
import requests
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

from cues.library.accounts import Roles, create_account, set_password
from cues.library.database import Library, open_library
from cues.library.models import Share
from tests.benchmarks.scale_results import put
from tests.postgres import PostgresServer
from tests.sample_clip import SAMPLE
from tests.web.made_library import add_session, made_results
from tests.web.plain_visitor import announced
from tests.web.running_app import RunningApp

PASSWORD = "a long enough password"
SESSIONS, MINUTES = 40, 10.0
RANGES, RANGE_BYTES = 5, 1 << 20
KINDS = ("sign in", "list of sessions", "report", "lanes", "range of the recording", "upload")


@dataclass
class Run:
    """Seconds by kind of act, and what failed."""

    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    failed: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def time(self, kind: str, act, *values):
        """Does something and notes how long it took; None where it failed."""
        began = time.perf_counter()
        try:
            done = act(*values)
        except Exception as problem:
            self.failed[kind].append(f"{type(problem).__name__}: {str(problem)[:120]}")
            return None
        self.taken[kind].append(time.perf_counter() - began)
        return done


def sign_in(app: RunningApp, number: int) -> str:
    """The cookie of a reader's sign-in."""
    form = {"email": f"reader{number}@example.org", "password": PASSWORD}
    answer = requests.post(app.address + "/sign-in", data=form, allow_redirects=False, timeout=300)
    assert answer.status_code == 303, answer.status_code
    return "; ".join(f"{cookie.name}={cookie.value}" for cookie in answer.cookies)


def page(app: RunningApp, cookie: str, name: str, query: str) -> None:
    """One run of a page, until its last element has come."""
    asyncio.run(_page(app, cookie, name, query))


async def _page(app: RunningApp, cookie: str, name: str, query: str) -> None:
    address = app.address.replace("http", "ws", 1) + "/_stcore/stream"
    told = {"Cookie": cookie}
    async with connect(
        address,
        origin=app.address,
        additional_headers=told,
        subprotocols=["streamlit"],
        max_size=None,
        proxy=None,
        open_timeout=300,  # as long as every other answer is waited for: how long it takes is what is measured
        ping_timeout=None,
    ) as socket:
        wanted = BackMsg()
        wanted.rerun_script.query_string, wanted.rerun_script.page_name = query, name
        await socket.send(wanted.SerializeToString())
        elements = 0
        while True:
            said = ForwardMsg()
            said.ParseFromString(await asyncio.wait_for(socket.recv(), 300))
            kind = said.WhichOneof("type")
            elements += kind == "delta"
            if kind == "script_finished":
                break
        assert elements > 8, f"only {elements} elements: not the page"


def get(app: RunningApp, cookie: str, path: str, **headers: str) -> None:
    """An answer of a route to its last byte."""
    answer = requests.get(app.address + path, headers={"Cookie": cookie, **headers}, timeout=300)
    assert answer.status_code in (200, 206) and answer.content, answer.status_code


def upload(app: RunningApp, cookie: str, session_id: str, content: bytes) -> None:
    """A recording from the first byte to the last."""
    tus = {"Tus-Resumable": "1.0.0", "Cookie": cookie}
    begin = tus | {"Upload-Length": str(len(content)), "Upload-Metadata": announced(session_id, "load.mp4")}
    where = requests.post(app.address + "/api/uploads", headers=begin, timeout=300)
    assert where.status_code == 201, where.text
    piece = tus | {"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
    sent = requests.patch(app.address + where.headers["Location"], headers=piece, data=content, timeout=300)
    assert sent.status_code == 204, sent.text


def read(run: Run, app: RunningApp, number: int, session_id: str) -> str | None:
    """What one reader does; their cookie."""
    cookie = run.time("sign in", sign_in, app, number)
    if cookie is None:
        return None
    run.time("list of sessions", page, app, cookie, "sessions", "")
    run.time("report", page, app, cookie, "session", f"id={quote(session_id)}")
    run.time("lanes", get, app, cookie, f"/api/sessions/{session_id}/timeline")
    for k in range(RANGES):
        first = k * RANGE_BYTES // 2
        wanted = {"Range": f"bytes={first}-{first + RANGE_BYTES - 1}"}

        def ranged(wanted: dict[str, str] = wanted) -> None:
            get(app, cookie, f"/api/sessions/{session_id}/video/0", **wanted)

        run.time("range of the recording", ranged)
    return cookie


def fill(library: Library, readers: int, folder: Path, count: int) -> str:
    """Readers who are trainees and supervisors, and sessions that are shared with all of them; the id of one."""
    results = made_results(folder / "made", minutes=MINUTES)
    sessions = [add_session(library, f"Session {k}", results, [SAMPLE]) for k in range(count)]
    with library.writing() as db:
        first = create_account(db, "reader0@example.org", "Reader 0", Roles(trainee=True, supervisor=True))
        set_password(db, first, PASSWORD)
        people = [first]
        for k in range(1, readers):  # with the same hash: making one takes as long as checking one
            roles = Roles(trainee=True, supervisor=True)
            other = create_account(db, f"reader{k}@example.org", f"Reader {k}", roles)
            other.password_hash = first.password_hash
            people.append(other)
        db.add_all(Share(session_id=s, supervisor_id=one.id, left_out=[]) for s in sessions for one in people)
    return sessions[0]


def measure(
    processes: int, readers: int, uploads: int, megabytes: int, sessions: int = SESSIONS
) -> tuple[Run, float, float, list[float]]:
    """What happened, the seconds that the reading took and those of the uploads, the peak memory of each process."""
    server, run = PostgresServer(("fsync=on", "synchronous_commit=on", "full_page_writes=on")), Run()
    apps: list[RunningApp] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:  # a look may still write into it
        try:
            url, folder = server.migrated(), Path(place)
            library = open_library(folder / "library", url)
            session_id = fill(library, readers, folder, sessions)
            settings = {"CUES_DATABASE_URL": url, "CUES_COORDINATOR": "elsewhere"}
            apps += [RunningApp(folder / "library", **settings) for _ in range(processes)]
            began = time.perf_counter()
            with ThreadPoolExecutor(readers) as threads:
                each = [threads.submit(read, run, apps[k % processes], k, session_id) for k in range(readers)]
                cookies = [one.result() for one in each]
            reading = time.perf_counter() - began
            content, jobs = os.urandom(megabytes * 1_000_000), []
            began = time.perf_counter()
            with ThreadPoolExecutor(uploads) as threads:
                for k, cookie in list(enumerate(cookies))[:uploads]:
                    values = (apps[k % processes], cookie, "", content)
                    jobs.append(threads.submit(run.time, "upload", upload, *values))
                [job.result() for job in jobs]
            uploading = time.perf_counter() - began
            peaks = [peak_mb(app.process.pid) for app in apps]
            library.close()
        finally:
            for app in apps:
                app.end()
            server.end()
    return run, reading, uploading, peaks


def table(processes: int, readers: int, uploads: int, megabytes: int) -> list[str]:
    """The lines of one number of processes."""
    run, reading, uploading, peaks = measure(processes, readers, uploads, megabytes)
    lines = [
        f"### {readers} readers at once, {processes} web process{'es' if processes > 1 else ''}",
        "",
        "| what | times | p50 [s] | p95 [s] | p99 [s] | failed |",
        "|---|---|---|---|---|---|",
    ]
    for kind in KINDS:
        taken, failed = run.taken[kind], run.failed[kind]
        shares = [f"{np.percentile(taken, share):.2f}" for share in (50, 95, 99)] if taken else ["-"] * 3
        lines.append(f"| {kind} | {len(taken)} | {' | '.join(shares)} | {len(failed)} |")
    answers = sum(len(taken) for kind, taken in run.taken.items() if kind != "upload")
    sent = len(run.taken["upload"]) * megabytes
    lines += [
        "",
        f"{answers / reading:.1f} answers a second, pages among them; {uploads} uploads of {megabytes} MB at once: "
        f"{sent / uploading:.0f} MB/s together; peak memory of a web process "
        f"{', '.join(f'{p:.0f}' for p in peaks)} MB.",
        "",
    ]
    lines += [f"- {kind}: {why}" for kind, all_ in run.failed.items() for why in sorted(set(all_))]
    slowest = max(
        (kind for kind in KINDS if run.taken[kind]), key=lambda kind: float(np.percentile(run.taken[kind], 95))
    )
    lines.append(f"What gives way first: {slowest}, where one in twenty waits longest.")
    return [*lines, ""]


def peak_mb(pid: int) -> float:
    """The most memory that a process has held so far, with what it shares."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


def main() -> None:
    """Measures, prints, writes."""
    parser = argparse.ArgumentParser("python -m tests.benchmarks.readers", description=__doc__)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--uploads", type=int, default=8)
    parser.add_argument("--megabytes", type=int, default=50)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    options = parser.parse_args()
    load = os.getloadavg()[0]
    lines = [
        "## Readers",
        "",
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores which readers, server and database share; load before "
        f"{load:.1f}. {SESSIONS} sessions of {MINUTES:.0f} minutes in each list.",
        "",
    ]
    for processes in options.processes:
        lines += table(processes, options.readers, options.uploads, options.megabytes)
    print(put("readers", "\n".join(lines).rstrip()))


if __name__ == "__main__":
    main()
