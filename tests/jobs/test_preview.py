"""Where the looks of a preview lie."""

from types import SimpleNamespace

import numpy as np

from cues.analysis import Plan
from cues.jobs.preview import looks, wanted
from cues.parameters import Parameters, replace_parameter
from cues.vision.timeline import read_timeline
from cues.vision.video import read_info
from tests.sample_clip import SAMPLE


def plan_of(parameters: Parameters) -> Plan:
    info, rate = read_info(SAMPLE), parameters.sampling.rate_hz
    instants = np.arange(int(np.ceil(info.duration * rate - 1e-6))) / rate
    return Plan((SAMPLE,), (SimpleNamespace(info=info),), "split_screen", instants, None, parameters)


def test_each_part_of_a_session_is_looked_at_once_inside_one_segment() -> None:
    plan = plan_of(Parameters())
    found, segments = looks(plan), plan.tasks()
    assert len(found) == len(set(found)) == plan.parameters.preview.pieces
    parts = [int(plan.instants[task.first] * len(found) / plan.duration_s) for task in found]
    assert np.abs(np.array(parts) - np.arange(len(found))).max() <= 1  # a segment's edge may push one aside
    assert all(any(s.first <= task.first and task.last <= s.last for s in segments) for task in found)
    each = plan.parameters.preview.piece_s * plan.parameters.sampling.rate_hz
    assert all(task.last - task.first == each for task in found)


def test_a_look_begins_where_nothing_before_it_must_be_decoded() -> None:
    plan = plan_of(replace_parameter(Parameters(), "preview.pieces=20"))
    timeline = read_timeline(SAMPLE)
    keys = timeline.seconds(timeline.shown[timeline.keys])
    behind = [np.abs(keys - plan.instants[task.first]).min() for task in looks(plan)]
    assert np.median(behind) < 0.1


def test_a_short_session_has_no_preview() -> None:
    assert not wanted(plan_of(Parameters()))
    assert wanted(plan_of(replace_parameter(Parameters(), "preview.least_s=500")))
