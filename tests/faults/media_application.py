"""Bad media through the whole application, as somebody would bring it: each file is uploaded, looked at, analysed and
copied for the review, several at once."""

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cues.jobs.memory import resident_mb
from cues.jobs.queue import progress, queue_job
from cues.library.models import JobKind, JobState
from cues.parameters import Limits
from tests.faults.media_corpus import BadFile
from tests.faults.media_steps import Became, no_sentence
from tests.web.plain_visitor import PlainVisitor
from tests.web.running_app import RunningApp

AT_ONCE = 3


@dataclass(frozen=True)
class Outcome:
    """The rows; the most memory [MB] of a process that looked or read, and of the web process; how many lines of the
    log tell of a fault."""

    rows: list[Became]
    reading_mb: float
    web_mb: float
    tracebacks: int


def take_through_application(folder: Path, files: Sequence[BadFile], under: Sequence[str]) -> Outcome:
    """Takes files through an application on a library in `folder`, started by the command `under`."""
    app = RunningApp(folder / "library", under=under)
    visitor, watch = PlainVisitor(app), _Watch(app.process.pid)
    coordinators = _named(app.process.pid, b"cues.jobs.coordinator")
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            rows = list(pool.map(lambda file: _taken_through(visitor, file), files))
        assert app.process.poll() is None, "the application has ended"
        assert _named(app.process.pid, b"cues.jobs.coordinator") == coordinators, "the coordinator has ended"
    finally:
        visitor.leave()
        watch.end()
        app.end()
    return Outcome(rows, watch.reading_mb, watch.web_mb, sum("Traceback" in line for line in app.said))


def _taken_through(visitor: PlainVisitor, file: BadFile) -> Became:
    began = time.monotonic()
    outcome, said, fault = _became(visitor, file)
    if not visitor.get("/sign-out").ok:
        fault = fault or "the application does not answer"
    return Became(file.name, outcome, said, fault, round(time.monotonic() - began, 2), 0)


def _became(visitor: PlainVisitor, file: BadFile) -> tuple[str, str, str]:
    """Outcome, sentence, fault."""
    session_id = visitor.session(file.name)
    answer = visitor.send(session_id, file.name, file.content)
    if not answer.ok:
        return "refused by upload", answer.text, no_sentence(answer.text) if answer.status_code < 500 else "5xx"
    limit = Limits().look_s(len(file.content)) + 30
    found = _within(limit, lambda: visitor.looked(session_id))
    if found is None:
        return "no look", "", f"no look within {limit:.0f} s"
    if "problem" in found and (fault := no_sentence(found["problem"])):
        return "refused by look", found["problem"], fault
    # The page offers no analysis of what the look refuses; an old page may ask for one nevertheless.
    jobs = [queue_job(visitor.library, session_id, kind) for kind in (JobKind.ANALYSIS, JobKind.REVIEW_COPY)]
    limit = AT_ONCE * Limits().whole_s(len(file.content))
    ends = [_within(limit, lambda job=job: _ended(visitor, job)) for job in jobs]
    for end in ends:
        if end is None:
            return "no end", "", f"not ended within {limit:.0f} s"
        if end.state == JobState.FAILED and (fault := no_sentence(end.problem or "")):
            return "refused by analyse", end.problem or "", fault
    if visitor.get(f"/api/sessions/{session_id}/video/0", Range="bytes=0-0").status_code != 206:
        return "no video", "", "the recording is not served"
    analysis = ends[0]
    if "problem" in found:
        return "refused by look", found["problem"], ""
    if analysis is not None and analysis.state == JobState.FAILED:
        return "refused by analyse", analysis.problem or "", ""
    return "read", "", ""


def _ended(visitor: PlainVisitor, job_id: int):  # type: ignore[no-untyped-def]
    job = progress(visitor.library, job_id)
    return job if job.state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED) else None


def _within(seconds: float, condition):  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while (found := condition()) is None and time.monotonic() < end:
        time.sleep(0.1)
    return found


class _Watch:
    """The most memory of the application's processes."""

    def __init__(self, pid: int) -> None:
        self.reading_mb = self.web_mb = 0.0
        self._pid, self._over = pid, threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._over.wait(0.1):
            self.web_mb = max(self.web_mb, resident_mb(self._pid))
            reading = [pid for name in (b"spawn_main", b"look") for pid in _named(self._pid, name)]
            self.reading_mb = max([self.reading_mb, *map(resident_mb, reading)])

    def end(self) -> None:
        self._over.set()
        self._thread.join()


def _named(root: int, word: bytes) -> list[int]:
    """Processes with an argument that ends so, which the application has started; a look has left its session."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError):
            said = (entry / "cmdline").read_bytes().split(b"\0")
            environment = (entry / "environ").read_bytes()
            if any(part.endswith(word) or word in part for part in said[1:]) and _own(environment, root):
                found.append(int(entry.name))
    return found


def _own(environment: bytes, root: int) -> bool:
    own = next(
        (v for v in Path(f"/proc/{root}/environ").read_bytes().split(b"\0") if v.startswith(b"CUES_PORT=")), b"-"
    )
    return own in environment.split(b"\0")
