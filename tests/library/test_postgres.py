"""What is different on PostgreSQL: many at once, a server that goes away, texts and numbers that it does not take."""

import multiprocessing
import threading
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from cues.jobs.queue import claim, database_time, finish_job, queue_job, renew
from cues.library.accounts import Roles, check_password, create_account, owner_of_library
from cues.library.comments import add_comment
from cues.library.database import Library, open_library, why_unreachable
from cues.library.models import Account, Comment, Job, JobKind, JobState
from cues.library.sessions import create_session, find_session, visible
from cues.parameters import Queueing
from tests.postgres import PostgresServer


@pytest.fixture
def library(tmp_path: Path, postgres_url: str):
    opened = open_library(tmp_path / "library", postgres_url)
    yield opened
    opened.close()


@pytest.fixture
def ada(library: Library) -> Account:
    with library.writing() as db:
        return create_account(db, "ada@example.org", "Ada", Roles(trainee=True))


def _session(library: Library, of: Account, title: str = "T") -> str:
    with library.writing() as db:
        return create_session(db, of, title, date(2026, 11, 20), "auto", None).id


def _opens(folder: Path, url: str, together: "multiprocessing.synchronize.Barrier") -> None:
    together.wait(60)
    open_library(folder, url).close()


def test_several_that_start_at_once_bring_the_tables_up_once(postgres: PostgresServer, tmp_path: Path) -> None:
    url = postgres.empty()
    spawn = multiprocessing.get_context("spawn")
    together = spawn.Barrier(3)
    starts = [spawn.Process(target=_opens, args=(tmp_path / str(n), url, together)) for n in range(3)]
    for start in starts:
        start.start()
    for start in starts:
        start.join(120)
    assert [start.exitcode for start in starts] == [0, 0, 0]
    with postgres.connect(str(make_url(url).database)) as connection:
        assert connection.execute("select count(*) from alembic_version").fetchone() == (1,)
    postgres.drop(url)


def test_who_starts_at_once_finds_one_owner(library: Library) -> None:
    """Each looks for the first account and makes it where there is none."""
    found: list[int] = []

    def start() -> None:
        with library.writing() as db:
            found.append(owner_of_library(db).id)

    threads = [threading.Thread(target=start) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and len(set(found)) == 1


def test_a_queue_gives_each_job_to_one_and_holds_it_by_the_databases_clock(library: Library, ada: Account) -> None:
    wanted = {queue_job(library, _session(library, ada), JobKind.ANALYSIS) for _ in range(6)}
    taken: list[int] = []
    rule = Queueing(running_a_person=6)

    def work(name: str) -> None:
        while (job_id := claim(library, f"{name}:1", 30, rule)) is not None:
            taken.append(job_id)
            renew(library, job_id, f"{name}:1", 30, "people", 0.5)

    threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == sorted(wanted)
    with library.writing() as db:
        job = db.get_one(Job, taken[0])
        lost, job.lease_until = str(job.coordinator), database_time(db)
    assert claim(library, "later:1", 30, rule) == taken[0]
    assert not finish_job(library, taken[0], lost, JobState.DONE)
    assert finish_job(library, taken[0], "later:1", JobState.DONE)


def test_reading_sees_one_state_and_does_not_wait_for_who_writes(library: Library, ada: Account) -> None:
    _session(library, ada, "first")
    with library.reading() as before:
        assert len(before.scalars(visible(ada)).all()) == 1
        _session(library, ada, "second")
        assert before.scalar(select(func.count()).select_from(visible(ada).subquery())) == 1
    with library.writing() as db, library.reading() as beside:
        create_session(db, ada, "third", date(2026, 11, 20), "auto", None)
        db.flush()
        assert len(beside.scalars(visible(ada)).all()) == 2


def test_who_cannot_write_in_time_hears_a_sentence(library: Library, ada: Account) -> None:
    with library.writing() as held:
        held.get_one(Account, ada.id).name = "A"
        with pytest.raises(OperationalError) as problem, library.writing(wait_s=0.2) as db:
            db.get_one(Account, ada.id).name = "B"
    assert "try again" in why_unreachable(problem.value)
    with library.reading() as db:
        assert db.get_one(Account, ada.id).name == "A"


def test_a_server_that_was_started_again_is_found_again(
    library: Library, ada: Account, postgres: PostgresServer
) -> None:
    try:
        with pytest.raises(OperationalError) as in_the_middle, library.writing() as db:
            db.get_one(Account, ada.id).name = "Nobody"
            db.flush()
            postgres.stop()
            db.scalar(select(func.count(Account.id)))
        with pytest.raises(OperationalError) as away, library.reading() as db:
            db.get_one(Account, ada.id)
    finally:
        postgres.start()  # every later test has the same one
    for problem in (in_the_middle, away):
        assert "Nothing was lost" in why_unreachable(problem.value)
    with library.reading() as db:
        assert db.get_one(Account, ada.id).name == "Ada"


def test_texts_and_numbers_that_postgresql_does_not_take(library: Library, ada: Account) -> None:
    session_id = _session(library, ada, "A\0B")
    with library.writing() as db:
        add_comment(db, ada, session_id, 1.0, None, "It\0 is", None)
    with library.reading() as db:
        assert db.scalars(select(Comment.text)).one() == "It\N{REPLACEMENT CHARACTER} is"
        found = find_session(db, ada, session_id)
        assert found is not None and found.title == "A\N{REPLACEMENT CHARACTER}B"
        assert find_session(db, ada, session_id + "\0") is None
    assert check_password(library, "ada@example.org\0", "a password that is wrong", "127.0.0.1") is None
