"""Whose job is next: the rule on the real rows, with a clock that goes as fast as jobs are done."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import update

from cues.jobs import queue
from cues.jobs.queue import cancel, claim, finish_job, give_back, progress, queue_job, renew
from cues.library.accounts import Roles, create_account
from cues.library.database import open_library
from cues.library.models import Job, JobKind, JobState, Recording
from cues.library.sessions import create_session
from cues.parameters import Queueing
from tests.jobs.test_coordinator import Sessions

FRIDAY = datetime(2026, 11, 27, 14, tzinfo=UTC)
HOUR_MB, CLIP_MB = 700, 40
RULE = Queueing()
LEASE_S = 30.0


class Afternoon:
    """A library whose people queue jobs, and a clock that the test puts forward."""

    def __init__(self, library, monkeypatch):
        self.library, self.now, self.people = library, FRIDAY, {}
        monkeypatch.setattr(queue, "database_time", lambda db: self.now)

    def person(self, name):
        if name not in self.people:
            with self.library.writing() as db:
                account = create_account(db, f"{name}@example.org", name, Roles(trainee=True))
            self.people[name] = account
        return self.people[name]

    def queue(self, name, size_mb):
        account = self.person(name)
        with self.library.writing() as db:
            session = create_session(db, account, f"{name}'s", date(2026, 11, 27), "auto", None)
            db.add(
                Recording(
                    session_id=session.id,
                    position=0,
                    file_name="m.mp4",
                    stored_as="recording-1.mp4",
                    size=size_mb * 10**6,
                    sha256="0",
                )
            )
            session_id = session.id
        self.now += timedelta(seconds=1)
        return queue_job(self.library, session_id, JobKind.ANALYSIS)

    def take(self, coordinator="one:1", rule=RULE):
        self.now += timedelta(seconds=1)
        return claim(self.library, coordinator, LEASE_S, rule)

    def finish(self, job_id, coordinator="one:1"):
        assert finish_job(self.library, job_id, coordinator, JobState.DONE)

    def do_all(self, takes_s):
        """All jobs, one at a time, each for so long; their order."""
        order = []
        while (job_id := self.take()) is not None:
            order.append(job_id)
            self.now += timedelta(seconds=takes_s)
            self.finish(job_id)
        return order


@pytest.fixture
def afternoon(library, monkeypatch):
    return Afternoon(library, monkeypatch)


def test_who_comes_with_one_recording_does_not_wait_for_all_that_another_has_queued(afternoon):
    many = [afternoon.queue("ada", HOUR_MB) for _ in range(5)]
    one = afternoon.queue("bert", HOUR_MB)
    two = [afternoon.queue("cleo", HOUR_MB) for _ in range(2)]
    assert afternoon.do_all(300) == [many[0], one, two[0], many[1], two[1], *many[2:]]


def test_a_short_recording_goes_before_a_long_one_that_was_queued_a_little_earlier_and_not_before_an_old_one(afternoon):
    old = afternoon.queue("ada", HOUR_MB)
    afternoon.now += timedelta(seconds=RULE.later_s(HOUR_MB * 10**6))
    recent = afternoon.queue("bert", HOUR_MB)
    short = afternoon.queue("cleo", CLIP_MB)
    assert afternoon.do_all(300) == [old, short, recent]


def test_no_stream_of_short_recordings_keeps_a_long_one_from_its_turn(afternoon):
    long = afternoon.queue("ada", 8000)
    asked, taken = afternoon.now, None
    for number in range(200):  # a new one for each that is done, each of somebody who has nothing else
        afternoon.queue(f"p{number}", CLIP_MB)
        taken = afternoon.take()
        if taken == long:
            break
        afternoon.now += timedelta(seconds=60)
        afternoon.finish(taken)
    assert taken == long
    assert (afternoon.now - asked).total_seconds() <= RULE.later_most_s + 120


def test_ones_own_short_recordings_do_not_put_off_ones_own_long_one_for_ever(afternoon):
    long = afternoon.queue("ada", 8000)
    asked = afternoon.now
    for _ in range(200):
        afternoon.queue("ada", CLIP_MB)
        taken = afternoon.take()
        if taken == long:
            break
        afternoon.now += timedelta(seconds=60)
        afternoon.finish(taken)
    assert taken == long and (afternoon.now - asked).total_seconds() <= RULE.later_most_s + 120


def test_nobody_has_more_jobs_running_than_the_limit_while_others_come_first(afternoon):
    mine = [afternoon.queue("ada", CLIP_MB) for _ in range(4)]
    rule = replace(RULE, running_a_person=2)
    assert [afternoon.take(f"c{n}:1", rule) for n in range(3)] == [*mine[:2], None]
    other = afternoon.queue("bert", HOUR_MB)
    assert afternoon.take("c2:1", rule) == other
    afternoon.finish(mine[0], "c0:1")
    assert afternoon.take("c0:1", rule) == mine[2]


def test_what_had_begun_goes_on_before_what_has_not(afternoon):
    first = afternoon.queue("ada", HOUR_MB)
    assert afternoon.take("one:1") == first
    afternoon.queue("bert", CLIP_MB)
    give_back(afternoon.library, first, "one:1")
    assert afternoon.take("two:1") == first
    afternoon.now += timedelta(seconds=LEASE_S + 1)
    assert afternoon.take("three:1") == first, "its lease was over"
    assert renew(afternoon.library, first, "two:1", LEASE_S, "people", 0.5) == queue.Standing.LOST


def test_the_place_that_a_page_shows_is_the_order_in_which_jobs_are_taken(afternoon):
    jobs = [afternoon.queue(name, size) for name, size in zip("aabacb", (700, 40, 700, 90, 300, 40), strict=True)]
    begun = afternoon.take()
    shown = {progress(afternoon.library, job).place: job for job in jobs if job != begun}
    assert sorted(shown) == [1, 2, 3, 4, 5]
    rule = replace(RULE, running_a_person=9)
    assert [afternoon.take(f"{n}:1", rule) for n in shown] == [shown[place] for place in sorted(shown)]


def test_a_job_cancelled_while_it_waits_or_runs_gives_its_place_to_the_next(afternoon):
    waits, runs = afternoon.queue("ada", HOUR_MB), afternoon.queue("bert", CLIP_MB)
    assert afternoon.take() == runs
    cancel(afternoon.library, waits)
    assert progress(afternoon.library, waits).state == JobState.CANCELLED
    cancel(afternoon.library, runs)
    assert renew(afternoon.library, runs, "one:1", LEASE_S, "people", 0.5) == queue.Standing.CANCELLED
    assert finish_job(afternoon.library, runs, "one:1", JobState.CANCELLED)
    assert afternoon.take() is None


def test_a_job_whose_lease_is_from_before_the_clock_was_put_back_is_not_lost(afternoon):
    job_id = afternoon.queue("ada", CLIP_MB)
    assert afternoon.take() == job_id
    with afternoon.library.writing() as db:
        db.execute(update(Job).values(lease_until=afternoon.now + timedelta(days=1)))
    assert afternoon.take("two:1") is None
    afternoon.now += timedelta(seconds=LEASE_S + 2)
    assert afternoon.take("two:1") == job_id


def test_coordinators_that_ask_postgresql_at_once_take_each_job_once_and_keep_to_the_limit(request, tmp_path):
    pytest.importorskip("tests.postgres", reason="there is no PostgreSQL for tests")
    library = open_library(tmp_path / "library", request.getfixturevalue("postgres_url"))
    sessions = Sessions(library, None)
    for _ in range(6):
        queue_job(library, sessions.add(content=b"x"), JobKind.ANALYSIS)
    for limit, free in ((2, 2), (4, 2), (9, 2)):
        taken, barrier = [], threading.Barrier(8)

        def take(name, limit=limit, taken=taken, barrier=barrier):
            barrier.wait()
            taken.append(claim(library, f"{name}:{limit}", 3600.0, Queueing(running_a_person=limit)))

        threads = [threading.Thread(target=take, args=(str(number),)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        mine = [job for job in taken if job is not None]
        assert len(mine) == len(set(mine)) == free
        assert all(progress(library, job).state == JobState.RUNNING for job in mine)
    library.close()
