"""The whole of a long session at a glance, before it is read from its beginning: short looks all over it, and the
shares that they and the segments read until now give (`cues.metrics.preview`).

A look begins at a key frame where there is one in its part of the session, because nothing before it must be decoded
then; it lies inside one segment, and gives way to it when that is read.
"""

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np

from cues.analysis import Plan, Task, join, read_task
from cues.corrections import Corrections
from cues.jobs.processes import own_networks
from cues.metrics.preview import session_shares
from cues.metrics.session import measure_cues
from cues.partial import Partial
from cues.vision.segment import Segment
from cues.vision.timeline import NO_TICK, read_timeline
from cues.whole_files import write_whole

PARTS = 4  # of the looks, each a step: enough for four workers at once
NAMES = tuple(f"preview-{part}" for part in range(PARTS))
RESULT = "preview.json"


def wanted(plan: Plan) -> bool:
    """Whether a session is so long that its reading is worth a preview."""
    return plan.duration_s >= plan.parameters.preview.least_s


def looks(plan: Plan) -> list[Task]:
    """The looks, one in each part of the session, in each of its files."""
    limits, rate = plan.parameters.preview, plan.parameters.sampling.rate_hz
    timeline = read_timeline(plan.paths[0])
    keys = timeline.seconds(np.sort(timeline.shown[timeline.keys & (timeline.shown != NO_TICK)]))
    each = max(1, round(limits.piece_s * rate))
    edges = np.linspace(0, plan.duration_s, limits.pieces + 1)
    segments = [task for task in plan.tasks() if task.file == 0]
    starts = np.array([task.first for task in segments])
    found = []
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        inside = keys[(keys >= low) & (keys < high - limits.piece_s)]
        begin = float(inside[len(inside) // 2]) if len(inside) else float(low + high - limits.piece_s) / 2
        first = int(np.ceil(begin * rate - 1e-6))
        segment = segments[int(np.searchsorted(starts, first, side="right")) - 1]
        first = max(segment.first, min(first, segment.last - each))
        found += [Task(file, first, min(first + each, segment.last)) for file in range(len(plan.paths))]
    return found


def look(plan: Plan, part: int) -> dict[Task, Segment]:
    """A step: every PARTS-th look, read."""
    files = len(plan.paths)
    each = [task for number, task in enumerate(looks(plan)) if number // files % PARTS == part]
    return {task: read_task(plan, task, own_networks()) for task in each}


def write_preview(folder: Path, partial: Partial, plan: Plan, corrections: Corrections) -> None:
    """Writes RESULT into a folder once all looks are there: the shares of each person, how many looks they come from,
    and how much of the session was read whole [s].

    Raises RecordingError where nobody was seen, ParameterError where a correction does not fit.
    """
    parts = [partial.load(name) for name in NAMES]
    if any(part is None for part in parts):
        return
    done = [task for task in plan.tasks() if partial.has(task.name)]
    segments = {task: partial.load(task.name) for task in done}
    for part in parts:
        for task, seen in part.items():
            if len(seen.time) and not any(t.file == task.file and t.first <= task.first < t.last for t in done):
                segments[task] = seen
    limits, rate = plan.parameters.preview, plan.parameters.sampling.rate_hz
    cues = measure_cues(join(plan, segments, None), corrections, plan.parameters)
    roles = cues.corrected.roles
    shares = session_shares(cues.measured, plan.duration_s, rate, limits)
    told = {
        "looks": sum(len(part) for part in parts) // len(plan.paths),
        "look_s": limits.piece_s,
        "read_s": sum(task.last - task.first for task in done) / rate / len(plan.paths),
        "shares": [{**asdict(share), "role": roles[share.person]} for share in shares if share.person in roles],
    }
    write_whole(folder, {RESULT: json.dumps(told).encode()})
