"""What the steps of a job run on: anything that takes a function and gives a future.

The steps are plain functions of picklable arguments, so that a pool of this machine's processes and a cluster can run
the same ones. Nothing here knows of jobs: which step goes where, and again, is the coordinator's business.
"""

from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from typing import Any, ParamSpec, Protocol, TypeVar

from cues.analysis import Pool
from cues.jobs.processes import end_pool, start_pool

P = ParamSpec("P")
T = TypeVar("T")


class Engine(Protocol):
    """`workers`: how many steps run at the same time. `lost`: what a future raises whose worker has ended under it."""

    workers: int
    lost: tuple[type[BaseException], ...]

    def submit(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Runs a function on a worker; raises one of `lost` where the engine must be abandoned first."""

    def abandon(self) -> None:
        """Ends all that runs, at once; what is submitted afterwards runs on new workers."""

    def rest(self) -> None:
        """Gives back what the workers hold, until something is submitted again."""


class LocalEngine:
    """The processes of this machine, started when there is something to do."""

    lost: tuple[type[BaseException], ...] = (BrokenExecutor,)

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._pool: Pool | None = None

    def submit(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Future[Any]:
        """See Engine."""
        if self._pool is None:
            self._pool = start_pool(self.workers)
        return self._pool.executor.submit(function, *args, **kwargs)

    def abandon(self) -> None:
        """See Engine."""
        self._end(at_once=True)

    def rest(self) -> None:
        """See Engine."""
        self._end(at_once=False)

    def _end(self, at_once: bool) -> None:
        pool, self._pool = self._pool, None
        if pool is not None:
            end_pool(pool, at_once)
