"""Fixtures of all tests."""

import signal

pytest_plugins = ("tests.media_made", "tests.calls_made", "tests.analysed", "tests.commands", "tests.postgres")

if (
    signal.getsignal(signal.SIGINT) == signal.SIG_IGN
):  # started by `&` in a script: what tests start would ignore it too
    signal.signal(signal.SIGINT, signal.default_int_handler)
