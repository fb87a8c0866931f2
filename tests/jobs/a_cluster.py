"""A scheduler and workers of a cluster as processes of this machine, and what their jobs leave behind."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq

from cues.jobs.starting import start_coordinator
from tests.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
COMPARED = (".parquet", ".csv", ".json")
TOLD_WITHIN_S = 2.0
"""By then a coordinator has heard that a step has begun; a worker that goes before did nothing, as far as it knows."""


class Cluster:
    """Processes by name: "scheduler", and whatever workers and coordinators are called. What they say stands in
    files of `folder`."""

    def __init__(self, folder: Path, environment: dict[str, str] | None = None, scheme: str = "tcp") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.environment = folder, environment or {}
        self.port = free_port()
        self.address = f"{scheme}://127.0.0.1:{self.port}"
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *command: str | Path, cwd: Path = ROOT, **environment: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [str(part) for part in command],
                cwd=cwd,
                env={**os.environ, **self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def start_scheduler(self, *options: str) -> None:
        place = ("--host", f"{self.address.partition('://')[0]}://127.0.0.1", "--port", str(self.port))
        self.start("scheduler", sys.executable, "-m", "dask", "scheduler", *place, "--no-dashboard", *options)

    def start_worker(self, name: str, library: Path, *options: str, cwd: Path = ROOT, **environment: str) -> None:
        self.start(name, *self.worker(library), *options, cwd=cwd, **environment)

    def worker(self, library: Path) -> tuple[str, ...]:
        """The command of one that sees the library there."""
        python = (sys.executable, "-m", "cues.jobs.worker")
        return (*python, self.address, "--library", str(library), "--workers", "1")

    def start_coordinator(
        self, library: Path, *options: str, name: str = "coordinator", database: str | None = None
    ) -> None:
        """One that takes steps to this cluster; it ends with this process."""
        wanted = {**self.environment, "CUES_ENGINE": self.address}
        before = {key: os.environ.get(key) for key in wanted}
        os.environ.update(wanted)
        try:
            self.processes[name] = start_coordinator(library, database, "--name", name, *options)
        finally:
            for key, value in before.items():
                os.environ.pop(key) if value is None else os.environ.__setitem__(key, value)

    def signal(self, name: str, number: int = signal.SIGKILL) -> None:
        self.processes[name].send_signal(number)
        if number == signal.SIGKILL:
            self.processes.pop(name).wait(20)

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def steps_of(self, name: str) -> list[int]:
        """The processes under a worker that read recordings."""
        pid = self.processes[name].pid
        found = []
        for path in Path(f"/proc/{pid}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                for child in path.read_text().split():
                    if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                        found.append(int(child))
        return found

    def signal_steps(self, name: str, number: int) -> None:
        _signal(self.steps_of(name), number)

    def kill_with_steps(self, name: str) -> None:
        """A worker, and what reads for it: stopped as it is, it would not notice."""
        steps = self.steps_of(name)
        self.signal(name)
        _signal(steps, signal.SIGKILL)

    def end(self, *names: str) -> None:
        """Ends these processes, or all; what was started last goes first."""
        for name in reversed(names or tuple(self.processes)):
            process = self.processes.pop(name)
            with contextlib.suppress(OSError):
                process.send_signal(signal.SIGCONT)
            if process.stdin is not None:
                process.stdin.close()
            else:
                process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(20)


def differences(one: Path, other: Path) -> list[str]:
    """What two sessions' folders do not have alike: tables and figures, value by value."""
    names = {path.name for folder in (one, other) for path in folder.iterdir() if path.suffix in COMPARED}
    return sorted(name for name in names - {"probe.json"} if not _alike(one / name, other / name))


def _alike(one: Path, other: Path) -> bool:
    if not (one.exists() and other.exists()):
        return False
    if one.suffix == ".parquet":
        tables = pq.read_table(one), pq.read_table(other)
        texts = [repr(table.to_pydict()) for table in tables]  # in which missing values are alike
        return texts[0] == texts[1] and tables[0].schema.equals(tables[1].schema, check_metadata=True)
    if one.suffix == ".json":
        return bool(json.loads(one.read_text()) == json.loads(other.read_text()))
    return one.read_bytes() == other.read_bytes()


def busy(cluster: Cluster, name: str) -> bool:
    """Whether a process under a worker has a recording open."""
    for pid in cluster.steps_of(name):
        with contextlib.suppress(OSError):
            if any(path.readlink().name.startswith("recording-") for path in Path(f"/proc/{pid}/fd").iterdir()):
                return True
    return False


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def caught(cluster: Cluster, *names: str) -> str:
    """One of these workers in the middle of a step, where its processes are stopped: by the time that it is killed, the
    step would otherwise have ended. Empty where none is."""
    for name in names:
        if busy(cluster, name):
            cluster.signal_steps(name, signal.SIGSTOP)
            if busy(cluster, name):
                time.sleep(TOLD_WITHIN_S)
                return name
            cluster.signal_steps(name, signal.SIGCONT)
    return ""
