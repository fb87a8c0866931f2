"""A library of its own for each test, as the tests of the library have it."""

from tests.library.conftest import library

__all__ = ["library"]
