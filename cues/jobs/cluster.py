"""The workers of a Dask cluster as an engine: `CUES_ENGINE=tcp://scheduler:8786`.

Dask carries steps to workers and results back, and knows nothing of jobs: it tries nothing again by itself. What it
loses through no fault of a step (its scheduler was away, a worker went before it began) raises Loss.AWAY, which is no
attempt; a worker that goes in the middle of a step is Loss.ENDED, as a process of this machine.

Only the engine's own thread speaks with Dask; the rest leaves it what is wanted.
"""

import asyncio
import logging
import sys
import threading
import time
import uuid
import warnings
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distributed import Client, KilledWorker
from distributed.versions import VersionMismatchWarning
from tornado.ioloop import IOLoop

from cues.jobs.admission import Fitness, fitness, new_sign, take_sign_back, why_refused
from cues.jobs.certificates import security_of
from cues.jobs.engine import Loss, WorkerLostError
from cues.jobs.host import METRIC, UnfitError, run_step
from cues.jobs.on_the_way import pack, unpack

LOOK_S = 0.5
CONNECTS_WITHIN_S = 5.0
AWAY_S = 5.0
"""How long the scheduler may be away before a job says so."""
UNFIT_S = 10.0
"""How long a worker that could not take a step is left out."""
ENDS_WITHIN_S = 5.0
PASSED_WITHIN_S = 60.0


@dataclass(eq=False)
class _Sent:
    """A step that was asked for, and its way through Dask."""

    packed: bytes
    future: Future[Any]
    key: str = ""
    dask: Any = None  # its future
    where: tuple[str, ...] = ()  # workers that may take it
    taken_back: bool = False


@dataclass(frozen=True)
class _Worker:
    address: str
    name: str
    steps: int  # at a time
    refused: str | None


class _Loop:
    """Where all clients of an engine live. One that makes its own leaves it running, with its thread and its sockets,
    when the scheduler does not answer."""

    def __init__(self) -> None:
        self._over, begun = asyncio.Event(), Future[IOLoop]()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(begun)), daemon=True)
        self._thread.start()
        self.running = begun.result()

    async def _run(self, begun: Future[IOLoop]) -> None:
        begun.set_result(IOLoop.current())
        await self._over.wait()

    def end(self) -> None:
        """What is still on its way in it is cancelled."""
        self.running.add_callback(self._over.set)
        self._thread.join(ENDS_WITHIN_S)


class ClusterEngine:
    """See `Engine`. `library`: its folder as this host sees it. Raises EngineError for an address that cannot be one.

    A cluster that is not there yet is waited for.
    """

    def __init__(self, address: str, library: Path) -> None:
        self._security = security_of(address)
        self._address, self._library, self._sign = address, library, new_sign()
        self._mine = fitness(library, self._sign)
        take_sign_back(library, self._sign)
        warnings.filterwarnings("ignore", category=VersionMismatchWarning)  # who differs is refused, in a sentence
        self._topic = f"cues-{uuid.uuid4().hex}"
        self._client: Client | None = None
        self._away_since: float | None = time.monotonic()
        self._away_because = "does not answer"
        self._workers: tuple[_Worker, ...] = ()
        self._unfit: dict[str, tuple[float, str]] = {}
        self._told: set[tuple[str, str]] = set()
        self._steps: list[_Sent] = []
        self._changing = threading.Lock()
        self._wake = threading.Event()
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # that the scheduler is away is said by `waiting`
        self._loop, self._closed = _Loop(), False
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def workers(self) -> int:
        """See Engine; of the workers that are there now."""
        return sum(worker.steps for worker in self._workers if worker.refused is None)

    @property
    def waiting(self) -> str | None:
        """See Engine."""
        workers, since = self._workers, self._away_since  # in this order: `_lose` sets them in the other one
        if since is not None:
            away = time.monotonic() - since
            return f"The scheduler at {self._address} {self._away_because}." if away >= AWAY_S else None
        if any(worker.refused is None for worker in workers):
            return None
        if not workers:
            return f"No worker has come to the scheduler at {self._address}."
        return "No worker can be used. " + " ".join(f"{w.name}: {w.refused}" for w in workers)

    def submit(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        """See Engine. Where every worker is busy the step waits for one, and its future is not running until then."""
        step = _Sent(pack((function, args, kwargs), self._library), Future())
        with self._changing:
            self._steps.append(step)
        self._wake.set()
        return step.future

    def end(self, future: Future[Any], loss: Loss) -> None:
        """See Engine."""
        with self._changing:
            ended = [step for step in self._steps if step.future is future]
        self._take_back(ended, loss)

    def abandon(self) -> None:
        """See Engine."""
        with self._changing:
            ended = list(self._steps)
        self._take_back(ended, Loss.ENDED)
        due = time.monotonic() + ENDS_WITHIN_S
        while self._client is not None and self._steps and time.monotonic() < due:
            time.sleep(0.02)

    def rest(self) -> None:
        """See Engine: a cluster keeps its workers."""

    def close(self) -> None:
        """See Engine."""
        self.abandon()
        self._closed = True
        self._wake.set()
        self._thread.join(CONNECTS_WITHIN_S + ENDS_WITHIN_S)

    def _take_back(self, steps: list[_Sent], loss: Loss) -> None:
        for step in steps:
            step.taken_back = True
            if not step.future.done():
                step.future.set_exception(WorkerLostError(loss))
        self._wake.set()

    def _work(self) -> None:
        looked = -LOOK_S
        while not self._closed:
            self._wake.wait(LOOK_S)
            self._wake.clear()
            try:
                if self._client is None:
                    self._connect()
                elif self._client.status != "running":
                    raise OSError("the scheduler is gone")
                if time.monotonic() - looked >= LOOK_S:
                    looked = time.monotonic()
                    self._look()
                self._settle()
            except (OSError, TimeoutError, CancelledError):
                self._lose("does not answer")
            except ModuleNotFoundError:
                self._lose("does not find this program: start it in the program's folder")
            except Exception as error:  # of Dask, which ends in many ways where the other end is gone
                self._lose(f"cannot be used ({type(error).__name__}: {error})")
        self._lose("is not asked any more")
        self._loop.end()

    def _connect(self) -> None:
        client = Client(
            self._address,
            loop=self._loop.running,
            timeout=CONNECTS_WITHIN_S,
            security=self._security,
            set_as_default=False,
            direct_to_workers=False,
        )
        try:
            client.run_on_scheduler(_try_nothing_again)
            client.subscribe_topic(self._topic, self._begun)
        except BaseException:
            _leave(client)
            raise
        self._client, self._away_since = client, None

    def _lose(self, because: str) -> None:
        """The scheduler is gone, and with it what runs."""
        self._away_because = because
        if self._away_since is None:
            self._away_since = time.monotonic()
        client, self._client, self._workers = self._client, None, ()
        with self._changing:
            lost = [step for step in self._steps if step.dask is not None or step.taken_back]
            self._steps = [step for step in self._steps if step not in lost]
        for step in lost:
            _fail(step, Loss.AWAY)
        if client is not None:
            _leave(client)

    def _look(self) -> None:
        """Who is there, and who of them may take steps."""
        assert self._client is not None
        found = []
        for address, told in self._client.scheduler_info()["workers"].items():
            its = Fitness.heard(told["metrics"].get(METRIC))
            since, why = self._unfit.get(address, (-UNFIT_S, ""))
            refused = why if time.monotonic() - since < UNFIT_S else why_refused(self._mine, its, self._library)
            found.append(_Worker(address, str(told["name"]), int(told["nthreads"]), refused))
            if refused is not None and (address, refused) not in self._told:
                self._told.add((address, refused))
                print(f"The worker {told['name']} ({address}) gets no steps. {refused}", file=sys.stderr, flush=True)
        self._workers = tuple(found)

    def _settle(self) -> None:
        """Sends what waits, passes on what has come, takes back what is not wanted any more."""
        assert self._client is not None
        admitted = [worker.address for worker in self._workers if worker.refused is None]
        with self._changing:
            steps = list(self._steps)
        for step in steps:
            if step.taken_back:
                if step.dask is not None:
                    step.dask.cancel(force=True)
                self._drop(step)
            elif step.dask is None and admitted:
                step.key, step.where = f"step-{uuid.uuid4().hex}", tuple(admitted)
                step.dask = self._client.submit(
                    run_step,
                    self._topic,
                    step.key,
                    step.packed,
                    key=step.key,
                    pure=False,
                    retries=0,
                    workers=admitted,
                    allow_other_workers=False,
                )
                step.dask.add_done_callback(lambda _: self._wake.set())
            elif step.dask is not None and step.dask.done():
                self._pass_on(step)
            elif step.dask is not None and not step.future.running() and not set(step.where) & set(admitted):
                step.dask.cancel(force=True)  # all whom it waits for are gone
                step.dask = None

    def _pass_on(self, step: _Sent) -> None:
        """The end of a step in Dask is the end of its future, unless it has to be sent again."""
        if step.dask.status == "cancelled":
            raise OSError("Dask has let go of a step")
        error = step.dask.exception(timeout=PASSED_WITHIN_S)
        packed = step.dask.result(timeout=PASSED_WITHIN_S) if error is None else b""
        self._drop(step)
        if error is None:
            _give(step, unpack(packed, self._library))
        elif isinstance(error, UnfitError):
            self._unfit[error.address] = (time.monotonic(), error.why)
            _fail(step, Loss.AWAY)
        elif isinstance(error, KilledWorker):
            _fail(step, Loss.ENDED if step.future.running() else Loss.AWAY)
        elif not step.future.done():
            step.future.set_exception(error)
        step.dask.release()

    def _drop(self, step: _Sent) -> None:
        with self._changing:
            self._steps.remove(step)

    def _begun(self, event: tuple[float, dict[str, Any]]) -> None:
        """Told by a worker."""
        key = event[1]["key"]
        with self._changing:
            step = next((s for s in self._steps if s.key == key), None)
        if step is not None and not step.future.running() and not step.future.done():
            step.future.set_running_or_notify_cancel()


def _leave(client: Client) -> None:
    """Waits for nothing, and so raises what would hide why it is left."""
    with suppress(Exception, CancelledError):
        client.close(timeout=0)


def _give(step: _Sent, result: Any) -> None:
    if not step.future.done():
        step.future.set_result(result)


def _fail(step: _Sent, loss: Loss) -> None:
    if not step.future.done():
        step.future.set_exception(WorkerLostError(loss))


def _try_nothing_again(dask_scheduler: Any) -> None:
    """What is done again, and how often, is counted in the library's database."""
    dask_scheduler.allowed_failures = 0
