"""Starts, kills and looks into a real server process that takes uploads."""

import contextlib
import os
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]


class UploadServer:
    """One address whose process can be killed and started again."""

    def __init__(self, app: str, folder: Path, **settings: object) -> None:
        self.app, self.folder, self.port = app, folder, free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self._settings = {"UPLOADS_FOLDER": str(folder)} | {name: str(value) for name, value in settings.items()}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, largest_file_blocks: int | None = None) -> None:
        """Returns when the server answers. `largest_file_blocks` (1024 bytes) is a limit of the system on any file."""
        command = [sys.executable, "-m", "uvicorn", self.app, "--port", str(self.port), "--log-level", "warning"]
        if largest_file_blocks is not None:
            command = ["bash", "-c", f'ulimit -f {largest_file_blocks}; exec "$@"', "server", *command]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=os.environ | self._settings, stdout=log, stderr=subprocess.STDOUT
            )
        for _ in range(1200):
            with contextlib.suppress(urllib.error.HTTPError, OSError):
                urllib.request.urlopen(urllib.request.Request(self.address + "/api/uploads", method="OPTIONS"))
                return
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError(f"The server did not start: {self.said()}")

    def kill(self) -> None:
        """SIGKILL: the process cannot tidy up."""
        assert self._process is not None
        self._process.kill()
        self._process.wait(60)

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(60)

    def said(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def memory(self, what: str = "VmRSS") -> float:
        """MB of memory, now or (`VmHWM`) at the most so far."""
        assert self._process is not None
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.search(rf"{what}:\s+(\d+)", status)[1]) / 1024  # type: ignore[index]

    def finished(self) -> list[list[str]]:
        """[id, owner, sha256] of every upload that was announced, in order."""
        path = self.folder / "finished.txt"
        return [line.split() for line in path.read_text().splitlines()] if path.exists() else []


@contextlib.contextmanager
def upload_server(app: str, folder: Path, **settings: object) -> Iterator[UploadServer]:
    server = UploadServer(app, folder, **settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()
