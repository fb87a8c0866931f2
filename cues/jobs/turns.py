"""Whose job is next.

What had begun and was given back goes on first. Then people take turns: who has fewest jobs running is first; among
those who have as many, the one whose next job has waited longest, counted from the later of when it was queued and when
a job of theirs last began. Short recordings go before long ones: a job counts as queued later, for each megabyte, up to
a limit (`Queueing`), so that nothing that was queued later by more than that goes before it; the same holds among the
jobs of one person. Nobody has more running than `running_a_person`.
"""

import heapq
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cues.parameters import Queueing


@dataclass(frozen=True)
class Waiting:
    """A job that nobody works on. begun: somebody did; size: of its recordings [bytes]."""

    job_id: int
    person: int
    queued: datetime
    size: int
    begun: bool = False


@dataclass(frozen=True)
class Person:
    """What a person has running, and when a job of theirs last began."""

    running: int = 0
    last: datetime | None = None


def in_turn(waiting: Iterable[Waiting], people: Mapping[int, Person], now: datetime, rule: Queueing) -> list[Waiting]:
    """The order in which jobs are taken if nothing else comes and nothing ends. Whoever has `running_a_person` running
    already has to wait for an end as well."""
    begun, own = list[Waiting](), defaultdict[int, list[Waiting]](list)
    for job in waiting:
        (begun if job.begun else own[job.person]).append(job)

    def later(job: Waiting) -> timedelta:
        return timedelta(seconds=rule.later_s(job.size))

    lines = {person: deque(sorted(jobs, key=lambda j: (j.queued + later(j), j.job_id))) for person, jobs in own.items()}

    def turn(person: int, running: int, last: datetime | None) -> tuple[int, datetime, int, int]:
        job = lines[person][0]
        since = job.queued if last is None else max(job.queued, last)
        return running, since + later(job), job.job_id, person

    found = sorted(begun, key=lambda j: (j.queued, j.job_id))
    taken = defaultdict[int, int](int)
    for job in found:
        taken[job.person] += 1
    turns = []
    for person in lines:
        known = people.get(person, Person())
        last = now if taken[person] else known.last
        turns.append(turn(person, known.running + taken[person], last))
    heapq.heapify(turns)
    while turns:
        running, _, _, person = heapq.heappop(turns)
        found.append(lines[person].popleft())
        if lines[person]:
            heapq.heappush(turns, turn(person, running + 1, now))
    return found
