"""What the steps of a job run on: anything that takes a function and gives a future.

The steps are plain functions of picklable arguments, so that a pool of this machine's processes and a cluster can run
the same ones. Nothing here knows of jobs: which step goes where, and again, is the coordinator's business.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from enum import StrEnum
from typing import Any, ParamSpec, Protocol, TypeVar

from cues.analysis import Pool
from cues.jobs.memory import resident_mb
from cues.jobs.processes import end_pool, kill_pool, pids_of, start_pool

P = ParamSpec("P")
T = TypeVar("T")

WATCH_EVERY_S = 0.1


class Loss(StrEnum):
    """Why a worker has ended before its work was done."""

    ENDED = "ended"  # by itself (the decoder crashed) or from outside
    MEMORY = "memory"
    TIME = "time"
    AWAY = "away"  # the cluster lost sight of the work: nothing is known against it


class WorkerLostError(Exception):
    """The worker has ended under a step; `loss` says why."""

    def __init__(self, loss: Loss) -> None:
        super().__init__(loss)
        self.loss = loss


class Engine(Protocol):
    """Steps run each on a worker of its own, so that one that is lost takes no other along."""

    @property
    def workers(self) -> int:
        """How many steps run at the same time, now."""

    @property
    def waiting(self) -> str | None:
        """Why nothing can run now, in a sentence; None where something can."""

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Runs a function on a worker that is free. Its future raises WorkerLostError where that ended under it, and
        is not running as long as it waits for one."""

    def end(self, future: Future[Any], loss: Loss) -> None:
        """Ends the worker under a future, which raises WorkerLostError then, for this reason."""

    def abandon(self) -> None:
        """Ends all that runs, at once; what is submitted afterwards runs on new workers."""

    def rest(self) -> None:
        """Gives back what the workers hold, until something is submitted again."""

    def close(self) -> None:
        """Ends all that runs, and the engine with it: nothing is submitted afterwards."""


class _Worker:
    """One process of this machine, and what it does."""

    def __init__(self) -> None:
        self.pool: Pool = start_pool(1)
        self.future: Future[Any] | None = None
        self.loss = Loss.ENDED

    @property
    def free(self) -> bool:
        return self.future is None or self.future.done()

    def end(self, loss: Loss) -> None:
        self.loss = loss
        kill_pool(self.pool)


class LocalEngine:
    """The processes of this machine, started when there is something to do. One that holds more memory than
    `memory_mb` is ended; `most_mb` is the most that one of them was seen with."""

    def __init__(self, workers: int, memory_mb: float) -> None:
        self.workers, self.waiting, self.most_mb = workers, None, 0.0
        self._memory_mb = memory_mb
        self._running: list[_Worker] = []
        self._changing = threading.Lock()
        self._watching = False

    def submit(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        """See Engine. Raises RuntimeError where no worker is free."""
        with self._changing:
            worker = next((w for w in self._running if w.free), None)
            if worker is None and len(self._running) == self.workers:
                raise RuntimeError("every worker has its step")
            if worker is None:
                worker = _Worker()
                self._running.append(worker)
            if not self._watching:
                self._watching = True
                threading.Thread(target=self._watch, daemon=True).start()
            future: Future[Any] = Future()
            future.set_running_or_notify_cancel()
            worker.future, worker.loss = future, Loss.ENDED
            try:
                done = worker.pool.executor.submit(function, *args, **kwargs)
            except BrokenExecutor:  # it ended while it had nothing to do
                self._running.remove(worker)
                future.set_exception(WorkerLostError(Loss.ENDED))
                return future
        done.add_done_callback(lambda inner: self._pass_on(worker, inner, future))
        return future

    def end(self, future: Future[Any], loss: Loss) -> None:
        """See Engine."""
        with self._changing:
            for worker in self._running:
                if worker.future is future and not worker.free:
                    worker.end(loss)

    def abandon(self) -> None:
        """See Engine."""
        self._end(at_once=True)

    def rest(self) -> None:
        """See Engine."""
        self._end(at_once=False)

    def close(self) -> None:
        """See Engine: its watch ends with the last worker."""
        self.abandon()

    def _pass_on(self, worker: _Worker, inner: Future[Any], future: Future[Any]) -> None:
        if inner.cancelled() or isinstance(inner.exception(), BrokenExecutor):
            with self._changing:
                if worker in self._running:
                    self._running.remove(worker)
            future.set_exception(WorkerLostError(worker.loss))
        elif isinstance(error := inner.exception(), MemoryError):
            future.set_exception(WorkerLostError(Loss.MEMORY))
        elif error is not None:
            future.set_exception(error)
        else:
            future.set_result(inner.result())

    def _watch(self) -> None:
        """Ends workers that hold too much, as long as there are any."""
        while True:
            with self._changing:
                if not self._running:
                    self._watching = False
                    return
                for worker in self._running:
                    holds = sum(map(resident_mb, pids_of(worker.pool)))
                    self.most_mb = max(self.most_mb, holds)
                    if holds > self._memory_mb:
                        worker.end(Loss.MEMORY)
            time.sleep(WATCH_EVERY_S)

    def _end(self, at_once: bool) -> None:
        with self._changing:
            workers, self._running = self._running, []
        for worker in workers:
            end_pool(worker.pool, at_once)
