"""Short versions of `make soak`: one of each fault that a person would lose something by."""

import shutil

import pytest

from tests.faults import busy_database, clocks, full_disk, kills, upgrades, writes
from tests.faults.clinic import Clinic, make_clip


@pytest.fixture(scope="module")
def clinic(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clinic")
    running = Clinic(folder / "library", make_clip(folder / "clip.avi"))
    yield running
    running.end()


def held(outcome):
    assert outcome.broken == [], outcome


def test_kills_lose_and_double_nothing_and_results_are_those_of_an_undisturbed_run(clinic):
    for outcome in kills.a_round_of_each(clinic, seed=7):
        held(outcome)


def test_a_long_writer_holds_up_no_page_and_loses_no_upload(clinic):
    held(busy_database.long_writer(clinic, 17.0))


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed: apt install strace")
@pytest.mark.parametrize("what", writes.WRITERS)
def test_a_file_is_on_the_disk_before_its_name_and_its_folder_behind_it(tmp_path, what):
    held(writes.order_of(tmp_path, what))


@pytest.mark.parametrize(
    "calls",
    [
        [("write", "/a/x", ""), ("rename", "/a/x", "/a/y"), ("fsync", "/a", "/a")],
        [("write", "/a/x", ""), ("fsync", "/a/x", "/a/x"), ("rename", "/a/x", "/a/y")],
        [("write", "/a/d/x", ""), ("rename", "/a/d", "/a/e"), ("fsync", "/a", "/a")],
    ],
)
def test_the_wrong_order_is_found(calls):
    assert writes.out_of_order(calls)


def test_a_call_that_is_told_in_two_halves_is_read_as_one_when_it_has_ended():
    told = [
        '11 write(3</a/x>, ""..., 5 <unfinished ...>',
        "12 fsync(4</a/y>) = 0",
        "11 <... write resumed>) = 5",
    ]
    assert list(writes.whole_calls(told)) == [told[1], '11 write(3</a/x>, ""..., 5) = 5']


def test_a_full_disk_is_said_and_nothing_is_half_written(tmp_path):
    if why := full_disk.why_not():
        pytest.skip(why)
    for outcome in full_disk.cases(tmp_path, tmp_path / "no clip is needed", "export"):
        held(outcome)


@pytest.mark.skipif(shutil.which("faketime") is None, reason="faketime is not installed: apt install faketime")
def test_a_clock_put_back_keeps_no_job_waiting(tmp_path):
    for outcome in clocks.cases(tmp_path, "a job whose coordinator died"):
        held(outcome)


@pytest.mark.parametrize("version", [upgrades.versions()[0], upgrades.versions()[-2]])
def test_a_library_of_an_earlier_version_opens_with_all_its_rows(tmp_path, version):
    held(upgrades.from_version(tmp_path, version))


def test_an_upgrade_that_fails_leaves_the_old_database(tmp_path):
    held(upgrades.failing(tmp_path))
