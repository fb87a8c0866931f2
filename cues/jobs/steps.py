"""The steps that jobs are made of: what one worker does in one go.

Plain functions of picklable arguments; each depends on the recording and on what earlier steps left in the partial
folder, so that it may run anywhere that sees the library's folder, and again.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from cues.analysis import Plan, Task, hear, join, leading, plan_analysis, read_task
from cues.corrections import Corrections, Trainee, add_correction, person_named
from cues.errors import ParameterError
from cues.jobs.processes import own_networks
from cues.metrics.minutes import MINUTE_S
from cues.metrics.session import SessionMetrics, measure_session
from cues.observations import Observations
from cues.parameters import Parameters
from cues.partial import Partial
from cues.vision.segment import Segment

PLAN, SOUND, FIGURES = "plan", "sound", "figures"
UNHEARD = "The sound could not be read, so nothing is said of who speaks."
SAY_EVERY_S = 0.4


def survey(partial: Partial, paths: tuple[Path, ...], parameters: Parameters, setup: str) -> Plan:
    """The survey; says how far it is."""
    say = _saying(partial, PLAN)
    return plan_analysis(paths, parameters, setup, progress=lambda stage, share, seconds: say(share))


def read(partial: Partial, part: Plan, task: Task, smaller: bool) -> Segment:
    """The dense pass over one segment, as `cues.analysis.read_task`; says how far it is."""
    say = _saying(partial, task.name)
    done = 0

    def count(samples: int) -> None:
        nonlocal done
        done += samples
        say(done / (task.last - task.first))

    return read_task(part, task, own_networks(), count, smaller)


def listen(plan: Plan) -> tuple[pa.Table | None, str]:
    """Where there is speech, and what is to be noted; a recording without sound is a result as well."""
    return hear(plan), ""


def figures(
    partial: Partial, plan: Plan, corrections: Corrections, trainee_place: str | None, parameters: Parameters
) -> tuple[Observations, Corrections, SessionMetrics]:
    """The tables of the whole recording, the corrections that still fit them, and what is computed from both.

    `trainee_place` is where the trainee said to be before the analysis. An analysis that finds other people than the
    one before it ends the corrections that named those.
    """
    segments = {task: partial.load(task.name) for task in plan.tasks()}
    sound, note = partial.load(SOUND)
    observations = join(plan, segments, sound)
    facts = observations.facts
    if note:
        facts = replace(facts, notes=[*facts.notes, note])
        observations = replace(observations, facts=facts)
    kept = Corrections()
    for correction in corrections.items:
        with suppress(ParameterError):
            kept = add_correction(kept, correction, facts)
    if trainee_place is not None and not any(isinstance(item, Trainee) for item in kept.items):
        with suppress(ParameterError):  # nobody is there: the role stays a guess, and the report asks
            kept = add_correction(kept, Trainee(person_named(trainee_place, facts, kept)), facts)
    return observations, kept, measure_session(observations, kept, parameters)


def provisional(partial: Partial, plan: Plan, corrections: Corrections) -> SessionMetrics | None:
    """The figures of the minutes at the beginning that are finished; None while there are none.

    They may still change: places and postures are found from all that is known.
    """
    part = leading(plan, {task for task in plan.tasks() if partial.has(task.name)})
    if part is None or part.duration_s < MINUTE_S:
        return None
    observations = join(part, {task: partial.load(task.name) for task in part.tasks()}, None)
    return measure_session(observations, corrections, part.parameters)


def _saying(partial: Partial, name: str) -> Callable[[float], None]:
    """Says the share of a step that is done, the first one and then a few times a second."""
    last = 0.0

    def say(share: float) -> None:
        nonlocal last
        if time.monotonic() - last > SAY_EVERY_S:
            last = time.monotonic()
            partial.say(name, share)

    return say
