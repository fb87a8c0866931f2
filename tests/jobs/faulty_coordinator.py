"""A coordinator whose workers meet what a recording can do to a decoder: `python -m tests.jobs.faulty_coordinator`.

The segment that begins at one of these instants crashes, the other takes more memory than it may, as long as it is read
from full pictures. Worker processes import this module as well, and find the step below in it.
"""

import ctypes
import time

import numpy as np

from cues.analysis import Plan, Task
from cues.jobs import coordinator, steps
from cues.partial import Partial
from cues.vision.segment import Segment

CRASHES, SWELLS = 10, 20
MOST = 40
"""Arrays of 48 MB, together more than the limit of the test; a watch that comes late would else meet a full machine."""

_read = steps.read


def read(partial: Partial, part: Plan, task: Task, smaller: bool) -> Segment:
    """The step, with its faults."""
    if task.first == CRASHES:
        ctypes.string_at(0)
    held = []
    while task.first == SWELLS and not smaller:
        if len(held) < MOST:
            held.append(np.ones(6_000_000))
        time.sleep(0.02)
    return _read(partial, part, task, smaller)


if __name__ == "__main__":
    steps.read = read
    coordinator.main()
