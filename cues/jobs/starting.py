"""Starting the coordinator as a process of its own, without loading what it loads; and telling two of them apart."""

import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path

from cues.library.database import WAIT_S

ENDS_WITHIN_S = WAIT_S + 10.0
"""A coordinator that is asked to end has ended by then: giving its job back may take the WAIT_S of a write."""

_ROOT = Path(__file__).resolve().parents[2]


def start_coordinator(library: Path, database_url: str | None = None, *options: str) -> "subprocess.Popen[bytes]":
    """Starts a coordinator that ends with this process; closing its `stdin` ends it before.

    `options`: further ones of `python -m cues.jobs.coordinator`.
    """
    environment = dict(os.environ)
    environment.pop("CUES_DATABASE_URL", None)
    if database_url:
        environment["CUES_DATABASE_URL"] = database_url
    command = [sys.executable, "-m", "cues.jobs.coordinator", str(library.resolve()), "--with-parent", *options]
    return subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, env=environment)


def hold_name(library: Path, name: str) -> bool:
    """Holds a coordinator's name in a library until this process ends, however it does; False where another process
    that is alive has it: jobs of this name are then no leftovers of a process that died."""
    mark = hashlib.sha256(name.encode()).hexdigest()[:12]
    held = os.open(library / f".coordinator-{mark}", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(held)
        return False
    return True
