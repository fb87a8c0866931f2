"""The processes of this machine that read segments: started once, each with its own networks.

A worker ignores Ctrl-C (the command decides), and ends by itself when the command that started it is gone.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from typing import Any

from cues.analysis import Plan, Pool, Task, read_task
from cues.errors import CuesError
from cues.vision.segment import Networks, Segment

_networks: Networks | None = None
_counter: Any = None


def _start(counter: Any, parent: int) -> None:
    global _counter
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    _counter = counter


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def _read(plan: Plan, task: Task) -> Segment:
    def count(samples: int) -> None:
        with _counter.get_lock():
            _counter.value += samples

    return read_task(plan, task, own_networks(), count)


def own_networks() -> Networks:
    """The networks of this process, loaded once."""
    global _networks
    if _networks is None:
        _networks = Networks()
    return _networks


class WorkerError(CuesError):
    """A process that reads segments has ended before its work was done."""


def start_pool(workers: int) -> Pool:
    """A pool of `workers` processes, each started when there is work for it; `end_pool` ends it."""
    context = multiprocessing.get_context("spawn")
    counter = context.Value("q", 0)
    executor = ProcessPoolExecutor(workers, context, initializer=_start, initargs=(counter, os.getpid()))
    # Read without its lock, which a process that was killed may still hold.
    return Pool(executor, _read, lambda: int(counter.get_obj().value))


def end_pool(pool: Pool, at_once: bool) -> None:
    """Ends the processes of a pool when they have done what they were given, or at once: nothing of it comes then."""
    if at_once:
        kill_pool(pool)
    pool.executor.shutdown(wait=not at_once, cancel_futures=at_once)


def kill_pool(pool: Pool) -> None:
    """Ends the processes of a pool at once; what they were doing raises BrokenExecutor."""
    for process in _processes(pool):
        process.kill()


def pids_of(pool: Pool) -> list[int]:
    """The numbers of a pool's processes."""
    return [process.pid for process in _processes(pool) if process.pid is not None]


def _processes(pool: Pool) -> list[BaseProcess]:
    assert isinstance(pool.executor, ProcessPoolExecutor)
    return list((pool.executor._processes or {}).values())


@contextmanager
def local_pool(workers: int) -> Iterator[Pool]:
    """A pool of `workers` processes; left by an error or by Ctrl-C it ends them at once.

    Raises WorkerError when one of them is lost: the system ends processes when memory runs out.
    """
    pool = start_pool(workers)
    try:
        yield pool
    except BaseException as error:
        end_pool(pool, at_once=True)
        if isinstance(error, BrokenExecutor):
            raise WorkerError(
                "A process that read the recording was ended from outside, probably because memory ran out. What is "
                "finished is kept: run the same command again, with fewer --workers."
            ) from None
        raise
    end_pool(pool, at_once=False)
