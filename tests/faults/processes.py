"""The processes that belong to a library, found by the environment that they inherit from its application."""

import contextlib
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Found = TypeVar("Found")
_ROLES = {
    "app.py": "web server",
    "cues.jobs.coordinator": "coordinator",
    "spawn_main": "worker",
    "cues.jobs.probing": "look",
}


def of_library(library: Path) -> dict[int, str]:
    """Process id -> role, of the processes that are alive."""
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"CUES_LIBRARY={library}".encode() not in (entry / "environ").read_bytes().split(b"\0"):
                continue
            if (entry / "stat").read_text().rpartition(")")[2].split()[0] == "Z":
                continue
            command = (entry / "cmdline").read_text()
            role = next((role for part, role in _ROLES.items() if part in command), "other")
            found[int(entry.name)] = role
    return found


def kill(library: Path, role: str) -> bool:
    """SIGKILL to one process of a role; returns when it is dead, False where there is none."""
    for pid, its in of_library(library).items():
        if its == role:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                eventually(lambda pid=pid: _is_over(pid), 20)  # type: ignore[misc]
                return True
    return False


def _is_over(pid: int) -> bool:
    """A process that was killed goes on for a while: its sockets and its memory are given back first, and its last
    thread may end after the one that it is told by."""
    with contextlib.suppress(OSError):
        place = Path(f"/proc/{pid}")
        state = (place / "stat").read_text().rpartition(")")[2].split()[0]
        return state == "Z" and len(list((place / "task").iterdir())) == 1
    return True


def eventually(condition: Callable[[], Found], seconds: float = 600.0) -> Found:
    """What the condition gives as soon as it is true; what it gives at the end where that comes too late."""
    end = time.monotonic() + seconds
    while not (found := condition()) and time.monotonic() < end:
        time.sleep(0.05)
    return found
