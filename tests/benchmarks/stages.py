"""Computing time of the dense pass by stage, and the least that each stage can cost on this machine.

Functions of the product are wrapped from outside; a stage's time is what is spent in its own functions and not in those
of another stage. Floors: the decoder alone over the same frames; each network alone, as often as the stage ran it.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any
from unittest.mock import patch

import av
import numpy as np

from cues.analysis import plan_analysis
from cues.parameters import Parameters, replace_parameter
from cues.vision import decoding, segment, tracking
from cues.vision.detector import Detector
from cues.vision.inference import Network
from cues.vision.landmarks import BodyReader, FaceReader
from cues.vision.picture import Picture
from cues.vision.segment import Networks, read_segment

_WRAPPED: dict[str, list[tuple[Any, str]]] = {
    "decode": [(decoding, "decoded")],
    "convert": [(Picture, "upright")],
    "bodies": [(BodyReader, "read"), (BodyReader, "follow")],
    "detect": [(Detector, "find")],
    "landmarks": [(FaceReader, "read_at")],
    "head pose": [(tracking, "plausible_pose")],
    "gaze": [(segment, "measure_gaze")],
    "background": [(segment, "background_motion")],
}


@dataclass(frozen=True)
class Stage:
    """Computing time of one core and its floor, both ms for one second of recording."""

    name: str
    cpu_ms: float
    floor_ms: float | None


@dataclass(frozen=True)
class Dense:
    """The dense pass over `seconds` of a recording in one process: stages and faces read."""

    seconds: float
    stages: list[Stage]
    faces: int

    @property
    def cpu_ms(self) -> float:
        """Computing time for one second of recording."""
        return sum(stage.cpu_ms for stage in self.stages)


def measure_dense(path: Path, seconds: float, rate: float) -> Dense:
    """Surveys a recording, then reads its first seconds, `rate` pictures of each."""
    parameters = replace_parameter(Parameters(), f"sampling.rate_hz={rate}")
    plan = plan_analysis((path,), parameters)
    networks = Networks()
    instants = plan.instants[: round(seconds * parameters.sampling.rate_hz)]
    read = lambda part: read_segment(path, part, plan.surveys[0], parameters, networks)  # noqa: E731
    with patch.object(decoding, "_usual_threads", lambda: 1):  # as in a worker
        read(instants[:2])
        with _timed() as (spent, runs):
            before = time.process_time()
            found = read(instants)
            whole = time.process_time() - before
    each = 1000 / seconds
    floors = {"decode": decoder_alone(path, seconds), **_networks_alone(runs)}
    stages = [Stage(name, spent[name] * each, _per(floors.get(name), each)) for name in _WRAPPED]
    rest = whole - sum(spent.values())
    return Dense(seconds, [*stages, Stage("everything else", rest * each, None)], int(found.face.sum()))


def _per(seconds: float | None, each: float) -> float | None:
    return None if seconds is None else seconds * each


@contextmanager
def _timed() -> Iterator[tuple[dict[str, float], list[tuple[str, Network]]]]:
    """Seconds by stage, and every run of a network with the stage that it ran for."""
    spent = dict.fromkeys(_WRAPPED, 0.0)
    runs: list[tuple[str, Network]] = []
    within: list[str] = []
    since = [0.0]

    def switch() -> None:
        now = time.process_time()
        if within:
            spent[within[-1]] += now - since[0]
        since[0] = now

    def wrapped(stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def timed(*args: Any, **kwargs: Any) -> Any:
            switch()
            # What a body costs is one figure, with its own detector.
            within.append("bodies" if "bodies" in within else stage)
            try:
                return function(*args, **kwargs)
            finally:
                switch()
                within.pop()

        return timed

    run = Network.run

    def noted(network: Network, given: np.ndarray) -> list[np.ndarray]:
        runs.append((within[-1] if within else "", network))
        return run(network, given)

    with ExitStack() as patched:
        for stage, places in _WRAPPED.items():
            for owner, name in places:
                patched.enter_context(patch.object(owner, name, wrapped(stage, getattr(owner, name))))
        patched.enter_context(patch.object(Network, "run", noted))
        yield spent, runs


def _networks_alone(runs: list[tuple[str, Network]]) -> dict[str, float]:
    """Seconds by stage that its networks need with an input that is always the same."""
    alone: dict[int, float] = {}
    floors: dict[str, float] = {}
    for stage, network in runs:
        if id(network) not in alone:
            interpreter = network._interpreter
            before = time.process_time()
            for _ in range(20):
                interpreter.invoke()
            alone[id(network)] = (time.process_time() - before) / 20
        floors[stage] = floors.get(stage, 0.0) + alone[id(network)]
    return floors


def decoder_alone(path: Path, seconds: float) -> float:
    """Computing time [s] of decoding every frame of the first seconds on one thread."""
    before = time.process_time()
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        for frame in container.decode(stream):
            if frame.time is not None and frame.time >= seconds:
                break
    return time.process_time() - before
