"""Recordings that are damaged, absurd or hostile: a part of the corpus of `python -m tests.faults.media`."""

import pytest

from tests.faults.media import run
from tests.faults.media_corpus import short_corpus
from tests.faults.media_steps import LIMITS
from tests.media_made import needs_encoder
from tests.traced import needs_strace


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    needs_strace()
    needs_encoder("libx264", "mpeg4", "wmv2", "libmp3lame")
    return run(tmp_path_factory.mktemp("bad"), short_corpus, lambda number, file: False)


def test_bad_media_are_read_or_refused_in_one_sentence_within_memory_and_time(table):
    assert len(table.steps) == len(table.files) > 40
    assert [fault for fault in table.faults if "followed" not in fault] == []
    assert max(row.memory_mb for row in table.steps) < LIMITS.memory_mb
    outcomes = {row.name: row.outcome for row in table.steps}
    assert outcomes["valid-h264.mp4"] == "read", "what is whole is refused as well"
    assert outcomes["picture-10000x10000.mp4"] == "refused by look"


def test_nothing_that_a_recording_names_is_opened_or_contacted(table):
    named = [row for row in table.steps if row.name.startswith("reference-")]
    assert len(named) > 25 and {row.outcome for row in named if row.name.endswith((".mkv", ".avi"))} != {"read"}
    assert table.followed == []
