"""Memory of the whole application while a long recording comes in: `python -m tests.benchmarks.upload_memory [MB]`.

The standard client of the protocol sends pieces of 8 MB with checksums through the gate, signed in by the one-time
code; 2 GB unless said otherwise. Reported is the most memory that the web process ever held, before and after.
"""

import os
import re
import sys
import tempfile
import time
from pathlib import Path

import requests
from tusclient.client import TusClient

from tests.web.running_app import RunningApp

PIECE = 8_000_000
ASKED_MB = 250.0


def main(megabytes: int = 2000) -> None:
    """Prints one line."""
    with tempfile.TemporaryDirectory() as place:
        app = RunningApp(Path(place) / "library")
        try:
            browser = requests.Session()
            browser.get(app.sign_in)
            before = most_memory(app.process.pid)
            path = Path(place) / "long.mp4"
            block = os.urandom(PIECE)
            with path.open("wb") as file:
                for _ in range(megabytes * 1_000_000 // PIECE):
                    file.write(block)
            cookie = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
            client = TusClient(f"{app.address}/api/uploads", headers={"Cookie": cookie})
            begun = time.perf_counter()
            sender = client.uploader(
                str(path), chunk_size=PIECE, metadata={"filename": path.name, "session": ""}, upload_checksum=True
            )
            sender.upload()
            seconds = time.perf_counter() - begun
            most = most_memory(app.process.pid)
            print(
                f"upload of {megabytes} MB: web process {before:.0f} MB at the most before, {most:.0f} MB after "
                f"(asked: under {ASKED_MB:.0f}), {megabytes / seconds:.0f} MB/s"
            )
        finally:
            app.end()


def most_memory(process: int) -> float:
    """The most memory [MB] that a process has held so far."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:2]))
