"""Files that are locked and opened often."""

import pytest

from cues.handover import sealing


@pytest.fixture
def weak(monkeypatch):
    """A fast scrypt, where many files are opened; the tests without it and those in the browser have the usual one."""
    monkeypatch.setattr(sealing, "_LOG_N", 14)
