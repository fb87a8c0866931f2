"""The load script in small: it must go on working between the times at which it is run in full."""

from tests.benchmarks.readers import KINDS, measure
from tests.postgres import PostgresServer


def test_two_readers_get_everything_they_ask_for(postgres: PostgresServer) -> None:  # noqa: ARG001  # skipped without
    run, *_ = measure(processes=1, readers=2, uploads=1, megabytes=1, sessions=3)
    assert run.failed == {}
    assert {kind: bool(run.taken[kind]) for kind in KINDS} == dict.fromkeys(KINDS, True)
