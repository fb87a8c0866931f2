"""Part 6, rate and size: the same two calls read at 30, 15, 10 and 5 pictures a second, and at 1080, 720 and 360 lines.

How far the minutes are from the truth and from what the densest reading of the largest picture gives, beside the
computing time. This decides `sampling.rate_hz`.
"""

import json
import resource
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from cues.analysis import analyze
from cues.corrections import Corrections
from cues.jobs.processes import local_pool
from cues.metrics.eye_contact import EyeContact
from cues.metrics.eye_contact_minutes import eye_contact_minute
from cues.metrics.gaze_target import CONFIDENT
from cues.metrics.session import SessionMetrics, measure_session
from cues.parameters import Parameters, replace_parameter
from tests.validation.generator.behaviour import overlap
from tests.validation.parts.lean import why_not
from tests.validation.parts.lean_sessions import SHORT
from tests.validation.parts.lean_sessions import recording_of as lean_recording
from tests.validation.parts.rate_and_size_plot import draw_plot
from tests.validation.parts.rate_and_size_sessions import CALLS, CRF, KBPS, RATE, SECONDS, WINDOW, recording_of, rescale
from tests.validation.results import RESULTS, Figure, PartResult
from tests.validation.scope import Scope

TITLE = "Rate and size"
MINUTES = ("eye contact", "forward lean")
COUNTS = ("smiles", "mirrored smiles")
UNITS = {"eye contact": "points", "forward lean": "points", "smiles": "a minute", "mirrored smiles": "a minute"}


@dataclass(frozen=True)
class Reading:
    """One way to read the recordings: analysed pictures a second, lines of the picture."""

    rate: int
    height: int

    @property
    def name(self) -> str:
        """As figures call it."""
        return f"{self.rate}/s, {self.height}p"


READINGS = (
    Reading(30, 1080),
    Reading(15, 1080),
    Reading(10, 1080),
    Reading(5, 1080),
    Reading(10, 720),
    Reading(10, 360),
)


@dataclass(frozen=True)
class Read:
    """What a reading gave. values: cue -> one number per person-minute (mirrored smiles: per call-minute), NaN where
    there is none; shown: minutes of eye contact that a person would see; cpu_s: computing time."""

    reading: Reading
    values: dict[str, np.ndarray]
    shown: int
    cpu_s: float


def run(scope: Scope) -> PartResult:
    """Renders what the cache lacks, reads it in every way, compares."""
    missing = why_not(scope)
    if missing:
        return PartResult("rate_and_size", TITLE, "Not run.", [], skipped=[f"all of it: {missing}"])
    return _short(scope) if scope.short else _whole(scope)


def _whole(scope: Scope) -> PartResult:
    folders = [recording_of(call, scope) for call in CALLS]
    truths = [json.loads((folder / "truth.json").read_text()) for folder in folders]
    true = truth_values(truths)
    reads = [read_all(folders, reading, scope) for reading in READINGS]
    figures = [f for read in reads for f in _figures(read, reads[0], true)]
    sizes = ", ".join(
        f"{height}p {np.mean([_path(f, height).stat().st_size for f in folders]) * 8 / SECONDS / 1000:.0f}"
        for height in KBPS
    )
    people = ", ".join(str(n) for call in CALLS for n in call.identities)
    return PartResult(
        "rate_and_size",
        TITLE,
        f"Two rendered calls of {SECONDS:.0f} s, {RATE} pictures a second, 1920x1080 with windows of "
        f"{WINDOW[0]}x{WINDOW[1]}; the smaller files are made from the encoded large ones (H.264, crf {CRF}; kbit/s: "
        f"{sizes}). Computing time is that of all processes, with their start.",
        figures,
        chosen_on="nothing; the default rate is judged by these figures",
        reported_on=f"calls {', '.join(str(c.seed) for c in CALLS)} of identities from_seed {people}",
        plots=draw_plot([(r.reading, errors(r.values, true), r.cpu_s) for r in reads], RESULTS),
    )


def read_all(folders: Sequence[Path], reading: Reading, scope: Scope) -> Read:
    """All recordings in one way; default parameters but for the rate."""
    parameters = replace_parameter(Parameters(), f"sampling.rate_hz={reading.rate}")
    before = _cpu_s()
    found: list[SessionMetrics] = []
    with local_pool(scope.workers) as pool, tempfile.TemporaryDirectory() as out:
        for number, folder in enumerate(folders):
            observations = analyze((_path(folder, reading.height),), Path(out) / str(number), pool, parameters)
            found.append(measure_session(observations, Corrections(), parameters))
    values: dict[str, list[float]] = {name: [] for name in (*MINUTES, *COUNTS)}
    for metrics in found:
        for name, more in measured_values(metrics, parameters).items():
            values[name] += more
    rows = [row for metrics in found for row in metrics.minutes.to_pylist()]
    shown = sum(row["eye_contact_pct"] is not None for row in rows)
    return Read(reading, {name: np.array(v, float) for name, v in values.items()}, shown, _cpu_s() - before)


def measured_values(metrics: SessionMetrics, parameters: Parameters) -> dict[str, list[float]]:
    """Per person and minute: eye contact and forward lean [%], smiles begun; per minute: mirrored smiles begun.

    Eye contact is that of the target that the tool found, as if a person had confirmed it where the tool asks.
    """
    measured = metrics.measured
    minutes = range(int(SECONDS // 60))
    mirroring = measured.mirroring
    mirrored = (
        [e.onset_follower for e in mirroring.events if e.kind in ("mirrored", "simultaneous")] if mirroring else []
    )
    found: dict[str, list[float]] = {name: [] for name in (*MINUTES, *COUNTS)}
    for person in measured.people:
        for k in minutes:
            span = (60.0 * k, 60.0 * k + 60)
            found["eye contact"].append(_eye_contact(measured.eye_contact[person], *span, parameters))
            found["smiles"].append(sum(span[0] <= e.start < span[1] for e in measured.smiles[person].events))
        rows = [row for row in metrics.minutes.to_pylist() if row["person"] == person]
        found["forward lean"] += [_number(row["lean_forward_pct"]) for row in rows]
    found["mirrored smiles"] += [float(sum(60 * k <= t < 60 * k + 60 for t in mirrored)) for k in minutes]
    return found


def _eye_contact(eyes: EyeContact, start: float, end: float, parameters: Parameters) -> float:
    if eyes.target is None:
        return float("nan")
    return _number(eye_contact_minute(replace(eyes, state=CONFIDENT), start, end, parameters)["eye_contact_pct"])


def truth_values(truths: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    """The same numbers from truth.json."""
    found: dict[str, list[float]] = {name: [] for name in (*MINUTES, *COUNTS)}
    for truth in truths:
        minutes = range(int(truth["video"]["duration"] // 60))
        for person in truth["people"]:
            contact = {
                row["minute"]: row["eye_contact_pct"]
                for row in truth["per_minute"]
                if row["person"] == person["person"]
            }
            forward = [(e["start"], e["end"]) for e in person["leans"] if e["cm"] > 0]
            for k in minutes:
                span = (60.0 * k, 60.0 * k + 60)
                found["eye contact"].append(contact[k + 1])
                found["forward lean"].append(100 * overlap(span, forward) / 60)
                found["smiles"].append(sum(span[0] <= s["onset"] < span[1] for s in person["smiles"]))
        answers = [s["onset"] for person in truth["people"] for s in person["smiles"] if s["mirrors"]]
        found["mirrored smiles"] += [float(sum(60 * k <= t < 60 * k + 60 for t in answers)) for k in minutes]
    return {name: np.array(v, float) for name, v in found.items()}


def errors(values: dict[str, np.ndarray], true: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Absolute differences by cue, minutes without a figure left out."""
    off = {name: np.abs(values[name] - true[name]) for name in values}
    return {name: v[np.isfinite(v)] for name, v in off.items()}


def _figures(read: Read, reference: Read, true: dict[str, np.ndarray]) -> list[Figure]:
    found = []
    off, moved = errors(read.values, true), errors(read.values, reference.values)
    for name, values in off.items():
        low, high = _interval(read.values[name] - true[name])
        note = "" if read is reference else f"{_mean(moved[name]):.2f} from {reference.reading.name}"
        if name == "eye contact":
            note = "; ".join(s for s in (note, f"shown in {read.shown} minutes") if s)
        of = f"{len(values)} {'call-minutes' if name == 'mirrored smiles' else 'person-minutes'}"
        if len(values):
            found.append(
                Figure(f"{read.reading.name}: {name}, mean error", _mean(values), UNITS[name], low, high, of, note=note)
            )
        else:
            found.append(Figure(f"{read.reading.name}: {name}, mean error", "cannot be measured", n=of, note=note))
    ratio = read.cpu_s / reference.cpu_s
    seconds = f"{read.cpu_s:.0f} s of one core for {SECONDS * len(CALLS) / 60:.0f} minutes of two people"
    return [*found, Figure(f"{read.reading.name}: computing time", ratio, f"of {reference.reading.name}", note=seconds)]


def _interval(off: np.ndarray) -> tuple[float | None, float | None]:
    """95 % bootstrap interval of the mean absolute error over people or calls, two minutes each."""
    pairs = np.abs(off).reshape(-1, 2)
    pairs = pairs[np.isfinite(pairs).all(1)]
    if len(pairs) < 3:
        return None, None
    rows = np.random.default_rng(6).integers(0, len(pairs), (2000, len(pairs)))
    low, high = np.percentile(pairs[rows].mean((1, 2)), [2.5, 97.5])
    return float(low), float(high)


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else float("nan")


def _number(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _path(folder: Path, height: int) -> Path:
    return folder / ("session.mp4" if height == 1080 else f"{height}.mp4")


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def _short(scope: Scope) -> PartResult:
    """The lean part's short recording, half as dense or half as large."""
    path = lean_recording(SHORT, scope, alone=True)
    found = []
    with tempfile.TemporaryDirectory() as folder, local_pool(scope.workers) as pool:
        half = Path(folder) / "half.mp4"
        rescale(path, half, SHORT.height // 2, KBPS[360])
        for name, video, rate in (("5/s", path, 5), ("10/s, half the size", half, 10)):
            parameters = replace_parameter(Parameters(), f"sampling.rate_hz={rate}")
            observations = analyze((video,), Path(folder) / video.stem, pool, parameters)
            metrics = measure_session(observations, Corrections(), parameters)
            (row,) = metrics.minutes.to_pylist()
            distance = float(np.nanmedian(metrics.measured.lean[0].distance_cm))
            found += [
                Figure(f"{name}: forward lean", _number(row["lean_forward_pct"]), "%", n="1 person-minute"),
                Figure(f"{name}: distance of the head", distance, "cm", n="1 person-minute"),
            ]
    return PartResult("rate_and_size", TITLE, "One person, read in two ways.", found)
