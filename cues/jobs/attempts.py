"""Steps on workers: watched, done again where a worker is lost, given up where that does not help.

A worker that is ended for its memory or its time is what the recording does to it: the step is tried once more in the
cheaper way where it has one, then given up. A worker that ended by itself or from outside (the decoder crashed, the
system ran out of memory) says less: the step is done again as it was, MAX_ATTEMPTS times. What a cluster lost sight of
is sent again and was no attempt.
"""

import math
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from typing import Any

from cues.jobs.engine import Engine, Loss, WorkerLostError
from cues.jobs.processes import WorkerError

MAX_ATTEMPTS = 3
LOOK_S = 0.5

_WHY = {
    Loss.ENDED: f"A process that read the recording was ended from outside, {MAX_ATTEMPTS} times at the same part, "
    "probably because memory ran out. What is finished is kept: close other programs, then try again.",
    Loss.MEMORY: "This recording takes more memory to read than a process may have; export it at a lower resolution, "
    "then upload it again.",
    Loss.TIME: "This recording could not be read within the time that reading may take, so it is probably damaged; "
    "export it again, then upload it again.",
}


@dataclass(frozen=True)
class Step:
    """One thing for one worker. `keep` gets its result.

    arguments: made when it is its turn; told whether the cheaper way is asked for, which there is where `has_cheaper`.
    limit_s: how long it may take; silent_s: without `said` (0-1, how far it is) changing. instead: makes the result
    where the step is given up; without it the job ends.
    """

    name: str
    function: Callable[..., Any]
    arguments: Callable[[bool], tuple[Any, ...]]
    keep: Callable[[Any], None]
    limit_s: float = math.inf
    silent_s: float = math.inf
    said: Callable[[], float] = lambda: 0.0
    has_cheaper: bool = False
    instead: Callable[[], Any] | None = None


@dataclass
class _Running:
    step: Step
    began: float = field(default_factory=time.monotonic)
    said: float = 0.0
    heard: float = field(default_factory=time.monotonic)

    def overdue(self, future: Future[Any]) -> bool:
        """Whether it takes too long, or has not gone on for too long, since it has left the queue for a worker."""
        now, said = time.monotonic(), self.step.said()
        if not future.running():
            self.began = self.heard = now
        if said != self.said:
            self.said, self.heard = said, now
        return now - self.began > self.step.limit_s or now - self.heard > self.step.silent_s


def run_steps(
    engine: Engine,
    wanted: Sequence[Step],
    hold: Callable[[], None],
    count: Callable[[str], int],
    finished: Callable[[str], None],
) -> None:
    """Has steps done, as many at a time as there are workers.

    hold: asked all the time, and before anything is kept. count: one more attempt at a step, and how many there were.
    finished: a step's result was kept. Raises WorkerError where a step without `instead` is given up.
    """
    todo, running = deque(wanted), dict[Future[Any], _Running]()
    away = set[str]()
    losses: dict[str, list[Loss]] = {step.name: [] for step in wanted}
    hold()
    while todo or running:
        while todo and len(running) < engine.workers:
            step = todo.popleft()
            if step.name not in away and count(step.name) > MAX_ATTEMPTS:
                raise WorkerError(_WHY[Loss.ENDED])
            away.discard(step.name)
            cheaper = step.has_cheaper and any(loss != Loss.ENDED for loss in losses[step.name])
            running[engine.submit(step.function, *step.arguments(cheaper))] = _Running(step)
        if not running:
            time.sleep(LOOK_S)
        done, going_on = wait(running, timeout=LOOK_S, return_when=FIRST_COMPLETED)
        hold()
        for future in going_on:
            if running[future].overdue(future):
                engine.end(future, Loss.TIME)
        for future in done:
            step = running.pop(future).step
            try:
                result = future.result()
            except WorkerLostError as lost:
                if lost.loss == Loss.AWAY:
                    away.add(step.name)
                    todo.appendleft(step)
                    continue
                losses[step.name].append(lost.loss)
                if not _over(step, losses[step.name]):
                    todo.appendleft(step)
                    continue
                if step.instead is None:
                    raise WorkerError(_WHY[lost.loss]) from None
                result = step.instead()
            step.keep(result)
            finished(step.name)


def _over(step: Step, losses: list[Loss]) -> bool:
    """Whether a step is given up after these."""
    caused = sum(loss != Loss.ENDED for loss in losses)
    return len(losses) >= MAX_ATTEMPTS or caused > step.has_cheaper
