"""Which files and addresses a command and everything that it starts ask the system for."""

import re
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import pytest

_NAMES_ANOTHER = re.compile(r"\b(?:connect|bind|sendto|sendmsg|sendmmsg)\(")
_FAMILY = re.compile(r"sa_family=(AF_\w+)")
_ADDRESS = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')
_KNOWN = {"AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK", "AF_UNSPEC"}


def needs_strace() -> None:
    """Skips the test where there is no strace that can trace."""
    if shutil.which("strace") is None or subprocess.run(["strace", "-o", "/dev/null", "true"]).returncode:
        pytest.skip("strace is not installed, or may not trace: apt install strace")


def needs_namespaces() -> None:
    """Skips the test where no network namespace can be made."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode:
        pytest.skip("no network namespace can be made here: unshare -rn")


def traced(calls: str, log: str) -> tuple[str, ...]:
    """The command that traces these system calls of another one into `log`; the other one is the process that is
    started, so that it gets the signals."""
    return ("strace", "-D", "-f", "--seccomp-bpf", "-q", "-e", f"trace={calls}", "-e", "signal=none", "-o", log)


def addresses_outside(log: Path) -> list[str]:
    """Lines of a trace of the network that ask for an address other than this machine's own, or for a kind of address
    that is not known here."""
    found = []
    for line in filter(_NAMES_ANOTHER.search, log.read_text(errors="replace").splitlines()):
        addresses = [four or six for four, six in _ADDRESS.findall(line)]
        own = all(address == "::1" or address.startswith("127.") for address in addresses)
        if not own or not set(_FAMILY.findall(line)) <= _KNOWN:
            found.append(line)
    return found


class Listener:
    """A port on this machine, and who connected to it (`callers`)."""

    def __enter__(self) -> "Listener":
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port, self.callers = int(self._server.getsockname()[1]), list[str]()
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, address = self._server.accept()
            except OSError:
                return
            self.callers.append(str(address))
            connection.close()

    def named_in(self, line: str) -> bool:
        """Whether a line of a trace names this port."""
        return f"htons({self.port})" in line
