"""Fixtures of all tests."""

pytest_plugins = ("tests.media_made",)
