"""Steps for the tests of what watches them: they end at once, or not at all."""

import time
from pathlib import Path

from cues.errors import RecordingError


def say(word: str) -> str:
    """The word."""
    return word


def refuse(path: Path) -> None:
    """Raises what a recording that cannot be read does."""
    raise RecordingError(f"There is {path.name}.")


def hang(word: str) -> str:  # noqa: ARG001
    """Never ends by itself."""
    time.sleep(3600)
    raise AssertionError
