"""python -m tests.faults.media_steps FOLDER: every file in FOLDER/files through the steps that read recordings.

The look, the analysis and the review copy, by the functions that the application calls, on its engine: processes that
are watched for memory and time. They look at fewer pictures than the application does, so that hundreds of files take
minutes. Writes FOLDER/steps.json.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from cues.analysis import hear, join, plan_analysis, read_task
from cues.corrections import Corrections
from cues.errors import CuesError
from cues.jobs.attempts import Step, run_steps
from cues.jobs.engine import LocalEngine
from cues.jobs.processes import WorkerError, own_networks
from cues.jobs.review_copy import make_copy_where_needed
from cues.metrics.session import measure_session
from cues.parameters import Limits, Parameters
from cues.probe import probe_recording
from cues.terminal import own_words

LONGEST_SENTENCE = 400
WORKERS = 2
LIMITS = Limits(step_s=120.0, probe_s=120.0)
PARAMETERS = replace(
    Parameters(),
    sampling=replace(Parameters().sampling, rate_hz=2.0),
    layout=replace(Parameters().layout, searches_max=2, searches_min_a_stretch=1, pictures_max=6),
    probe=replace(Parameters().probe, pieces=2),
)


@dataclass(frozen=True)
class Became:
    """What became of a file. outcome: read, or by what it was refused; fault: what must not be, "" where all is well.
    memory_mb: the most that a process which read it had held by then."""

    name: str
    outcome: str
    said: str
    fault: str
    seconds: float
    memory_mb: float


def look(path: Path) -> str:
    """The sentence that refuses, "" where there is none."""
    return _refusal(lambda: probe_recording(path, PARAMETERS))


def analyse(path: Path) -> str:
    """As `look`."""

    def work() -> None:
        plan = plan_analysis((path,), PARAMETERS)
        segments = {task: read_task(plan.part(task), task, own_networks()) for task in plan.tasks()}
        measure_session(join(plan, segments, hear(plan)), Corrections(), PARAMETERS)

    return _refusal(work)


def copy(path: Path) -> str:
    """As `look`."""
    target = path.parent.parent / f"{path.name}.copy.mp4"
    try:
        return _refusal(lambda: make_copy_where_needed(path, target))
    finally:
        target.unlink(missing_ok=True)


def no_sentence(said: str) -> str:
    """What is wrong with a refusal; "" for one clear sentence."""
    if "fault of the program" in said:
        return f"told as a fault: {said}"
    if "\n" in said or not said.endswith(".") or not 20 < len(said) < LONGEST_SENTENCE or "Traceback" in said:
        return f"no sentence: {said!r}"
    return ""


def take_through(folder: Path) -> list[Became]:
    """What became of each file in `folder`/files."""
    files = sorted((folder / "files").iterdir())
    with own_words(), ThreadPoolExecutor(WORKERS) as pool:
        parts = pool.map(_take_part, [files[k::WORKERS] for k in range(WORKERS)])
        return [row for part in parts for row in part]


def _take_part(files: Sequence[Path]) -> list[Became]:
    engine = LocalEngine(1, LIMITS.memory_mb)
    rows = []
    try:
        for path in files:
            began = time.monotonic()
            ends = {step.__name__: _end_of(engine, step, path) for step in (look, analyse, copy)}
            refused = next((name for name, (said, _) in ends.items() if said), None)
            fault = next((fault for _, fault in ends.values() if fault), "")
            said = ends[refused][0] if refused else ""
            outcome = f"refused by {refused}" if refused else "read"
            seconds = time.monotonic() - began
            rows.append(Became(path.name, outcome, said, fault, round(seconds, 2), round(engine.most_mb)))
    finally:
        engine.abandon()
    return rows


def _end_of(engine: LocalEngine, function: Callable[[Path], str], path: Path) -> tuple[str, str]:
    """The sentence that refuses, and what is wrong."""
    results: list[Any] = []
    limit = LIMITS.look_s(0) if function is look else LIMITS.whole_s(path.stat().st_size)
    step = Step(function.__name__, function, lambda _: (path,), results.append, limit)
    try:
        run_steps(engine, [step], lambda: None, lambda _: 1, lambda _: None)
    except WorkerError as lost:
        return str(lost), no_sentence(str(lost))
    except Exception as error:
        return "", f"{function.__name__}: {type(error).__name__}: {error}"
    return results[0], no_sentence(results[0]) if results[0] else ""


def _refusal(work: Callable[[], object]) -> str:
    try:
        work()
    except CuesError as refusal:
        return str(refusal)
    return ""


if __name__ == "__main__":
    from tests.faults import media_steps  # by this name the workers find the steps

    into = Path(sys.argv[1])
    (into / "steps.json").write_text(json.dumps([asdict(row) for row in media_steps.take_through(into)]))
