"""Starting the coordinator as a process of its own, without loading what it loads."""

import os
import subprocess
import sys
from pathlib import Path

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
