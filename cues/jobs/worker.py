"""A host that reads recordings for the coordinators of a cluster.

    python -m cues.jobs.worker tcp://SCHEDULER:8786 --library FOLDER [--workers N] [--memory-mb MB]

It goes to the scheduler, says what it runs and that it sees the library, and takes steps until it is asked to end; when
the scheduler goes away, it waits for it. The certificates of tls:// are named by CUES_ENGINE_CA, _CERT and _KEY.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cues.errors import CuesError
from cues.jobs.certificates import security_of
from cues.parameters import Limits

if TYPE_CHECKING:
    from distributed import Security, Worker

AGAIN_S = 1.0
JOINS_WITHIN_S = 10.0


def main(arguments: Sequence[str] | None = None) -> None:
    """Works until SIGTERM."""
    options = _options().parse_args(arguments)
    os.umask(0o077)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        security = security_of(options.scheduler)
    except CuesError as error:
        sys.exit(str(error))
    asyncio.run(_work(options, security))


async def _work(options: argparse.Namespace, security: "Security | None") -> None:
    import dask
    from distributed import Worker

    from cues.jobs import host

    logging.getLogger("distributed").setLevel(logging.ERROR)  # what matters is told here
    me = host.Host(options.library.absolute(), options.workers, options.memory_mb)
    host.be(me)
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, over.set)
    problem = (await me.say(None))["problem"]  # type: ignore[arg-type]  # it is not there yet
    if problem:
        _tell(f"This worker will get no steps. {problem}")
    with tempfile.TemporaryDirectory(prefix="cues-worker-") as own:
        dask.config.set({"distributed.worker.http.routes": []})  # no pages of Dask's own
        try:
            while not over.is_set():
                worker = Worker(
                    options.scheduler,
                    nthreads=options.workers,
                    memory_limit=0,
                    local_directory=own,
                    dashboard_address="127.0.0.1:0",
                    name=f"{socket.gethostname()}-{me.sign[:6]}",
                    metrics={host.METRIC: me.say},
                    security=security,
                    death_timeout=JOINS_WITHIN_S,
                )
                await _until_lost(worker, over)
                me.engine.abandon()
                await asyncio.wait([asyncio.create_task(over.wait())], timeout=AGAIN_S)
        finally:
            me.end()


async def _until_lost(worker: "Worker", over: asyncio.Event) -> None:
    """Works until the scheduler is gone, or the end was asked for."""
    ends = asyncio.create_task(over.wait())
    joins = asyncio.ensure_future(worker)
    await asyncio.wait([ends, joins], return_when=asyncio.FIRST_COMPLETED)
    if joins.done() and joins.exception() is not None:
        _tell(f"The scheduler does not answer ({joins.exception()}): waiting for it.")
        return
    if joins.done():
        _tell(f"At work for {worker.scheduler.address}.")
        lost = asyncio.create_task(worker.finished())
        await asyncio.wait([ends, lost], return_when=asyncio.FIRST_COMPLETED)
    if over.is_set():
        joins.cancel()
        await worker.close(executor_wait=False, reason="asked to end")
    else:
        ends.cancel()
        _tell("The scheduler is gone: what ran is ended, and this waits for it.")


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _options() -> argparse.ArgumentParser:
    workers = os.environ.get("CUES_WORKERS") or os.cpu_count() or 1
    parser = argparse.ArgumentParser("python -m cues.jobs.worker", description="Reads recordings for a cluster.")
    parser.add_argument("scheduler", help="its address, tcp://… or tls://…")
    library = os.environ.get("CUES_LIBRARY")
    parser.add_argument("--library", type=Path, default=library, required=not library, help="as mounted on this host")
    parser.add_argument("--workers", type=int, default=workers, help="processes that read recordings")
    parser.add_argument("--memory-mb", type=float, default=Limits().memory_mb, help="of each, before it is ended")
    return parser


if __name__ == "__main__":
    main()
