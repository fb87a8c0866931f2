"""The most memory that a command and all its processes hold together."""

import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

EVERY_S = 0.25


def most_memory_of(command: Sequence[str]) -> tuple[float, int]:
    """Runs a command to its end; the most memory [MB] of its process tree at one instant, and its exit status.

    Pages that processes share count once (proportional set size); pages of the file that the system keeps for itself,
    and can give up, do not count.
    """
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    most, ended = 0.0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not ended.wait(EVERY_S):
            most = max(most, sum(_memory(pid) for pid in _tree(process.pid)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    status = process.wait()
    ended.set()
    watcher.join()
    return most, status


def _tree(root: int) -> list[int]:
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):  # ended meanwhile
            continue
    tree = [root]
    for pid in tree:
        tree += [child for child, parent in parents.items() if parent == pid]
    return tree


def _memory(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # ended meanwhile
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
