"""The whole application: routes, the gate around them, the pages, and the process that runs the jobs.

The coordinator is a process of its own, started here and ended with this one (it ends when its standard input does).
One that dies is started again. Where coordinators run elsewhere (CUES_COORDINATOR) none is started.
"""

import subprocess
import sys
import threading
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import Request

from cues.annotations.document import MOST_BYTES
from cues.annotations.reading import SUFFIXES as ANNOTATIONS
from cues.errors import CuesError
from cues.handover.opening import finish_interrupted, inbox
from cues.jobs.probing import start_probe
from cues.jobs.starting import ENDS_WITHIN_S, start_coordinator
from cues.library.database import why_unreachable
from cues.library.folders import corrected_file, make_session_folder, session_folder
from cues.library.incoming import Incoming, Upload, remove_upload, take_upload
from cues.library.models import Account
from cues.library.recordings import add_recording
from cues.library.sessions import find_session
from cues.web.consent_form import consent_form_route
from cues.web.export_routes import export_routes
from cues.web.gate import Gate, visitor_of
from cues.web.icon import icon_routes
from cues.web.made_files import made_file_routes
from cues.web.report_file import report_routes
from cues.web.running import HANDED_OVER, TAKEN_IN, TEST, begin, check_folder, end, remove_left_tests, running
from cues.web.sample import add_sample
from cues.web.session_routes import session_routes
from cues.web.settings import Settings
from cues.web.sign_in import OneTimeCode, sign_in_routes
from cues.web.uploads import announce_left, upload_routes

_PAGES = Path(__file__).parent / "site.py"
_START_AGAIN_S = 5.0


def make_application(settings: Settings) -> st.App:
    """The application for these settings; the library is opened when the server starts."""
    code = OneTimeCode()
    incoming = Incoming(settings.library / "incoming", largest_bytes=settings.largest_upload, suffixes=TAKEN_IN)

    @asynccontextmanager
    async def lifespan(_: st.App) -> AsyncIterator[dict[str, Any]]:
        try:
            await run_in_threadpool(begin, settings)
            await run_in_threadpool(add_sample, running().library)
            await run_in_threadpool(finish_interrupted, running().library)
            await run_in_threadpool(announce_left, running().incoming, _uploaded)
            await run_in_threadpool(remove_left_tests)
        except (CuesError, OSError, OperationalError) as problem:
            print(_why_not_started(problem), file=sys.stderr, flush=True)
            raise SystemExit(1) from None
        coordinator = Coordinator(settings) if settings.coordinates else None
        address = settings.public_address or f"http://127.0.0.1:{st.get_option('server.port')}"
        print(f"Open {address}/sign-in?code={code.code}", flush=True)
        print("The code signs in the owner of this library, once. Ctrl-C ends the application.", flush=True)
        try:
            yield {}
        finally:
            if coordinator is not None:
                coordinator.end()
            end()

    routes = [
        *sign_in_routes(lambda: running().library, settings, code),
        *session_routes(),
        *export_routes(),
        *report_routes(),
        consent_form_route(),
        *icon_routes(),
        *made_file_routes(),
        *upload_routes(incoming, _account_of, _uploaded),
    ]
    gate = Middleware(Gate, library=lambda: running().library, settings=settings)
    return st.App(_PAGES, lifespan=lifespan, routes=routes, middleware=[gate], on_script_error=_say_fault)


def _why_not_started(problem: CuesError | OSError | OperationalError) -> str:
    if isinstance(problem, OperationalError):
        return why_unreachable(problem)
    if isinstance(problem, OSError):
        return f"The application cannot start: {problem.strerror or problem} ({problem.filename})."
    return str(problem)


def _say_fault(fault: BaseException) -> bool:
    """What a person reads where a page fails, in place of Streamlit's own words; the log has the rest."""
    traceback.print_exception(fault, file=sys.stderr)
    if isinstance(fault, OperationalError):
        st.error(why_unreachable(fault))
    else:
        st.error("This page has a fault; nothing was changed. Please tell the person who runs this, and load it again.")
    return True


def _account_of(request: Request) -> int | None:
    visitor = visitor_of(request)
    uploads = visitor is not None and (visitor.account.trainee or visitor.account.supervisor)
    return visitor.account.id if visitor is not None and uploads else None


def _uploaded(upload: Upload) -> None:
    """A recording has come in: into its session, or to the check of a setup; then a short look at it. A handed-over
    file waits for its passphrase, one of an annotation program for the page of who brought it."""
    app = running()
    if upload.file_name.lower().endswith(ANNOTATIONS):
        _corrections_come_in(upload)
        return
    if upload.file_name.lower().endswith(HANDED_OVER):
        waiting = inbox(app.library.folder, upload.owner)
        waiting.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        take_upload(app.incoming, upload, waiting)
        return
    with app.library.reading() as db:
        trainee = db.get_one(Account, upload.owner).trainee
    if not trainee:
        remove_upload(app.incoming, upload.id)
        return
    if upload.session_id is None:
        folder = check_folder(upload.owner)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"{TEST}{Path(upload.file_name).suffix.lower()}"
        take_upload(app.incoming, upload, path)
        start_probe(folder, path, remove=True)
        return
    recording = add_recording(app.library, app.incoming, upload)
    if recording is not None and recording.position == 0:
        folder = session_folder(app.library.folder, recording.session_id)
        start_probe(folder, folder / recording.stored_as)


def _corrections_come_in(upload: Upload) -> None:
    app, session_id = running(), upload.session_id
    with app.library.reading() as db:
        owner = db.get_one(Account, upload.owner)
        session = None if session_id is None else find_session(db, owner, session_id)
    if session is None or upload.length > MOST_BYTES:
        remove_upload(app.incoming, upload.id)
        return
    suffix = Path(upload.file_name).suffix.lower()
    make_session_folder(app.library.folder, session.id)
    take_upload(app.incoming, upload, corrected_file(app.library.folder, session.id, upload.owner, suffix))


class Coordinator:
    """The process that runs the jobs of the library, as long as this object is not ended."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._over = settings, threading.Event()
        self._process = self._start()
        threading.Thread(target=self._watch, daemon=True).start()

    def _start(self) -> "subprocess.Popen[bytes]":
        settings = self._settings
        return start_coordinator(settings.library, settings.database_url, "--name", "with the application")

    def _watch(self) -> None:
        while not self._over.is_set():
            self._process.wait()
            if not self._over.wait(_START_AGAIN_S):
                self._process = self._start()

    def end(self) -> None:
        """Ends the process; what it has finished is kept."""
        self._over.set()
        process = self._process
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(ENDS_WITHIN_S + 2)
        except subprocess.TimeoutExpired:
            process.kill()
