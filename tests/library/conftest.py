"""A library of its own for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cues.library.database import Library, open_library


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Library]:
    opened = open_library(tmp_path / "library")
    yield opened
    opened.close()
