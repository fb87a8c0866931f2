"""The application as a process of its own, as `python app.py` starts it, for tests in a browser and for pictures."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]


_ROUTES = """
import json
from app import app
routes = app._build_starlette_app().routes
print(json.dumps([" ".join([*sorted(getattr(route, "methods", None) or []), route.path]) for route in routes]))
"""


def routes_of_the_application() -> list[str]:
    """Methods and path of every route, Streamlit's as well, as the application itself has them."""
    said = subprocess.run([sys.executable, "-c", _ROUTES], cwd=ROOT, capture_output=True, text=True, check=True)
    found: list[str] = json.loads(said.stdout.splitlines()[-1])
    return found


class RunningApp:
    """The application on a library; `said` are the lines it has printed, `address` has no path. `under`: a command that
    it is started by, such as strace."""

    def __init__(self, library: Path, port: int | None = None, under: Sequence[str] = (), **settings: str) -> None:
        self.library, self.port, self._settings = library, port or free_port(), settings
        self._under = under
        self.said: list[str] = []
        self.sign_in = ""
        self.start()

    def start(self) -> None:
        """Starts it and waits until it has printed its address; on the same port as before."""
        environment = os.environ | {"CUES_LIBRARY": str(self.library), "CUES_PORT": str(self.port)} | self._settings
        self.process = subprocess.Popen(
            [*self._under, sys.executable, "app.py"],
            cwd=ROOT,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if found := re.search(r"http://\S+/sign-in\?code=\S+", line):
                self.sign_in = found[0]
                break
        else:
            raise RuntimeError(f"The application did not start: {''.join(self.said)}")
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            self.said.append(line)

    @property
    def database_url(self) -> str | None:
        """The address of its database, None for its library's own file."""
        return self._settings.get("CUES_DATABASE_URL")

    @property
    def address(self) -> str:
        return self.sign_in.partition("/sign-in")[0]

    def kill(self) -> None:
        """Ends the process as a power cut would."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(120)

    def end(self) -> None:
        """Ends it as Ctrl-C does."""
        self.process.terminate()
        self.process.wait(120)
