"""What a worker of a cluster is: one process of Dask for each host, and under it the processes that read.

Each step runs in a process of its own (`engine.LocalEngine`), as on one machine: a decoder that crashes, hangs or
swells takes nothing else along, and a step that nobody waits for any more is ended.
"""

import asyncio
import time
from concurrent.futures import Future, wait
from pathlib import Path
from typing import Any

from distributed import Worker, get_worker

from cues.errors import CuesError
from cues.jobs.admission import fitness, new_sign, take_sign_back
from cues.jobs.engine import LocalEngine, Loss
from cues.jobs.on_the_way import run_packed

LOOK_S = 0.25
METRIC = "cues"
"""Name under which a worker says what it runs."""


class UnfitError(CuesError):
    """A host cannot take steps now; `why` is a sentence, `address` the host's in the cluster."""

    def __init__(self, why: str, address: str) -> None:
        super().__init__(why, address)
        self.why, self.address = why, address


class Host:
    """The library as this host sees it, and the processes that read its recordings."""

    def __init__(self, library: Path, workers: int, memory_mb: float) -> None:
        self.library, self.sign = library, new_sign()
        self.engine = LocalEngine(workers, memory_mb)

    async def say(self, _: Worker) -> dict[str, Any]:
        """What this host runs, told with every sign of life."""
        return (await asyncio.to_thread(fitness, self.library, self.sign)).told()

    def check(self, address: str) -> None:
        """Raises UnfitError where this host cannot take steps now."""
        problem = fitness(self.library, self.sign).problem
        if problem:
            raise UnfitError(problem, address)

    def end(self) -> None:
        """Ends what runs, and takes back what was put into the library."""
        self.engine.abandon()
        take_sign_back(self.library, self.sign)


_host: Host | None = None


def be(host: Host) -> None:
    """Makes this process that host."""
    global _host
    _host = host


def run_step(topic: str, key: str, packed: bytes) -> bytes:
    """Runs a packed step in a process of its own; tells `topic` that it has begun.

    Raises UnfitError where this host has lost what it needs, WorkerLostError where the step's process has ended.
    """
    assert _host is not None
    worker = get_worker()
    _host.check(worker.address)
    worker.log_event(topic, {"key": key, "at": time.time()})
    future: Future[bytes] = _host.engine.submit(run_packed, packed, _host.library)
    while not wait([future], LOOK_S).done:
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":  # whoever asked for it has taken it back, or is gone
            _host.engine.end(future, Loss.ENDED)
    try:
        return future.result()
    except OSError:
        _host.check(worker.address)
        raise
