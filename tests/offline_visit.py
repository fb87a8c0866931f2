"""python -m tests.offline_visit LIBRARY TRACE RECORDING: a visit to the application where no network is.

Run inside a network namespace of its own (`unshare -rn`): brings up the loopback, starts the application under a trace
of what it asks of the network, signs in, opens pages and a page's websocket, uploads the recording, waits for the look
at it and for its analysis, and plays a part of it. Prints what came of it as JSON.
"""

import fcntl
import json
import socket
import struct
import sys
import time
from pathlib import Path

from websockets.sync.client import connect

from cues.jobs.queue import progress, queue_job
from cues.library.models import JobKind, JobState
from cues.web.gate import COOKIE
from tests.traced import traced
from tests.web.plain_visitor import PlainVisitor
from tests.web.running_app import RunningApp

_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1  # netdevice(7)
WAITS_S = 300.0


def bring_up_loopback() -> None:
    """A new namespace has it, but down. Raises AssertionError where there is any other interface."""
    assert [name for _, name in socket.if_nameindex()] == ["lo"], "this is no namespace without a network"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(any_socket, _GET_FLAGS, asked))
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", flags | _UP))


def visit(library: Path, trace: Path, recording: Path) -> dict[str, object]:
    """What came of it."""
    # Nobody says what an address is: what the application does of itself is what is looked for.
    app = RunningApp(library, under=traced("network", str(trace)), CUES_WORKERS="1")
    visitor = PlainVisitor(app)
    try:
        session_id = visitor.session("A session")
        told: dict[str, object] = {"uploaded": visitor.send(session_id, recording.name, recording.read_bytes()).ok}
        job = queue_job(visitor.library, session_id, JobKind.ANALYSIS)
        told["pages"] = [visitor.get(path).status_code for path in ("/", f"/session?id={session_id}", "/trust")]
        with connect(
            app.address.replace("http", "ws") + "/_stcore/stream",
            additional_headers={"Cookie": f"{COOKIE}={visitor.requests.cookies[COOKIE]}", "Origin": app.address},
            proxy=None,
            open_timeout=120,
            ping_timeout=None,
        ) as live:
            told["websocket"] = live.ping().wait(120)
        told["looked"] = waited(lambda: visitor.looked(session_id))
        states = (JobState.DONE, JobState.FAILED)
        told["analysis"] = waited(lambda: found if (found := progress(visitor.library, job).state) in states else None)
        part = visitor.get(f"/api/sessions/{session_id}/video/0", Range="bytes=100-299")
        told["played"] = [part.status_code, len(part.content)]
    finally:
        visitor.leave()
        app.end()
    return told


def waited(condition):  # type: ignore[no-untyped-def]
    """What a condition gives once it gives something; None where that does not come."""
    end = time.monotonic() + WAITS_S
    while (found := condition()) is None and time.monotonic() < end:
        time.sleep(0.1)
    return found


if __name__ == "__main__":
    bring_up_loopback()
    print(json.dumps(visit(*map(Path, sys.argv[1:]))))
