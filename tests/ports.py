"""Ports for servers of the tests that are told theirs before they are started."""

import itertools
import os
import re
import socket

_FIRST, _SHARE, _SHARES = 20000, 1000, 12
"""Below 32768, from where the system gives ports to whoever asks for any: between a look and the start of a server, it
would give this one to somebody else. Each process of the tests has a share of its own."""

_ours = itertools.count(os.getpid())


def free_port() -> int:
    """One that nobody listens on, and that this process did not have before its share was gone through."""
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0)
    for _ in range(_SHARE):
        port = _FIRST + worker % _SHARES * _SHARE + next(_ours) % _SHARE
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port of this process's share is free")
