"""Fixtures of all tests."""

pytest_plugins = ("tests.media_made", "tests.calls_made", "tests.analysed", "tests.commands", "tests.postgres")
