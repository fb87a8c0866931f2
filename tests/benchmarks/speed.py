"""How fast a recording is read, against the naive loop on the same file in the same run, and in how much memory.

    python -m tests.benchmarks.speed [--short] [--only PART ...]

Parts: kinds (every kind of recording: stages, floors, one worker and all, beside the naive loop), length (time and
memory at 1, 10 and 60 minutes), metrics (an hour's figures from its tables), preview (a whole session at a glance).
Figures are kept in `speed.json`, part by part, and `RESULTS.md` is written from it. `--short`: less of everything, and
nothing is written. Wall times mean something on a machine that does nothing else; ratios and computing times nearly
always.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cues.parameters import Parameters
from tests.benchmarks.process_memory import most_memory_of
from tests.benchmarks.recordings import Kind, recording_of
from tests.benchmarks.speed_results import save, write_document
from tests.benchmarks.stages import measure_dense

MAIN = Kind(people=2, lines=1080, rate=30, codec="h264")
KINDS = [
    Kind(people, lines, rate, codec)
    for codec in ("h264", "hevc")
    for lines, rate in ((1080, 30), (720, 25))
    for people in (2, 1)
]
DEFAULT_RATE, DENSER = Parameters().sampling.rate_hz, 10.0
KIND_S, DENSE_S, NAIVE_S = 60, 20, 10
MINUTES = (1, 10, 60)
CORES = os.cpu_count() or 1


def kinds(short: bool) -> dict[str, Any]:
    """Each kind at the default rate, and the main one at a denser one: the naive loop, the dense pass by stage in one
    process, the whole analysis with one worker and all."""
    rows = []
    for kind, rate in [(MAIN, DEFAULT_RATE)] if short else [(MAIN, DENSER), *((kind, DEFAULT_RATE) for kind in KINDS)]:
        path = recording_of(kind, KIND_S)
        seconds = 5 if short else NAIVE_S
        naive = _naive(path, seconds)
        dense = measure_dense(path, 5 if short else DENSE_S, rate)
        row = {
            "kind": kind.name,
            "rate": rate,
            "naive_wall_s": naive[0] / seconds,
            "naive_cpu_s": naive[1] / seconds,
            "dense_cpu_ms": dense.cpu_ms,
            "faces_per_core_s": dense.faces / dense.seconds / (dense.cpu_ms / 1000),
            "stages": [asdict(stage) for stage in dense.stages],
        }
        for workers in (CORES,) if short else (1, CORES):
            row[f"wall_s_{'one' if workers == 1 else 'all'}"] = _analysed(path, workers, rate) / KIND_S
        rows.append(row)
        print(f"{kind.name} at {rate:g}: {_told(row)}", flush=True)
    return {"rows": rows, "recording_s": KIND_S}


def length(short: bool) -> dict[str, Any]:
    """Time and memory of the whole command at several lengths, all workers."""
    rows = []
    for minutes in MINUTES[:1] if short else MINUTES:
        path = recording_of(MAIN, 60 * minutes)
        with tempfile.TemporaryDirectory() as out:
            before = time.perf_counter()
            most, status = most_memory_of(_analyze(path, Path(out) / "report", CORES, DEFAULT_RATE))
            took = time.perf_counter() - before
        assert status == 0
        rows.append({"minutes": minutes, "memory_mb": most, "wall_s": took})
        print(f"{minutes} min: {60 * minutes / took:.1f} x real time, {most:.0f} MB at the most", flush=True)
    return {"rows": rows, "kind": MAIN.name, "workers": CORES}


def metrics(short: bool) -> dict[str, Any]:
    """Computing an hour's figures, in a process that has everything loaded."""
    from cues.corrections import Corrections
    from cues.metrics.session import measure_session
    from tests.benchmarks.opening import SAMPLE
    from tests.web.made_library import repeated_for_an_hour

    hour, runs = repeated_for_an_hour(SAMPLE / "report"), []
    for _ in range(2 if short else 5):
        before, used = time.perf_counter(), time.process_time()
        measure_session(hour, Corrections(), Parameters())
        runs.append((time.perf_counter() - before, time.process_time() - used))
    wall, cpu = min(runs)
    print(f"figures of an hour: {wall:.2f} s, {cpu:.2f} s of computing", flush=True)
    return {"wall_s": wall, "cpu_s": cpu}


def preview(short: bool) -> dict[str, Any]:
    """From a recording's first byte to the preview of the whole of it, by the steps of a job on all workers."""
    from cues.analysis import plan_analysis
    from cues.corrections import Corrections
    from cues.jobs.preview import NAMES, RESULT, look, write_preview
    from cues.jobs.processes import local_pool
    from cues.partial import Partial

    minutes = 10 if short else 60
    path = recording_of(MAIN, 60 * minutes)
    with tempfile.TemporaryDirectory() as place, local_pool(CORES) as pool:
        partial = Partial(Path(place) / "partial")
        before = time.perf_counter()
        plan = pool.executor.submit(plan_analysis, (path,), Parameters()).result()
        surveyed = time.perf_counter() - before
        steps = [pool.executor.submit(look, plan, part) for part in range(len(NAMES))]
        for name, step in zip(NAMES, steps, strict=True):
            partial.save(name, step.result())
        write_preview(Path(place), partial, plan, Corrections())
        took = time.perf_counter() - before
        assert (Path(place) / RESULT).exists()
    print(f"preview of {minutes} min after {took:.0f} s, {surveyed:.0f} s of them the survey", flush=True)
    return {"minutes": minutes, "wall_s": took, "survey_s": surveyed, "kind": MAIN.name, "workers": CORES}


def _naive(path: Path, seconds: int) -> tuple[float, float]:
    command = [sys.executable, "-m", "tests.benchmarks.naive_loop", str(path), str(seconds)]
    wall, cpu, _ = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    return float(wall), float(cpu)


def _analysed(path: Path, workers: int, rate: float) -> float:
    with tempfile.TemporaryDirectory() as out:
        before = time.perf_counter()
        subprocess.run(_analyze(path, Path(out) / "report", workers, rate), check=True, capture_output=True)
        return time.perf_counter() - before


def _analyze(path: Path, out: Path, workers: int, rate: float) -> list[str]:
    command = [sys.executable, "-m", "cues", "analyze", str(path), "--out", str(out)]
    return [*command, "--workers", str(workers), "--rate", str(rate)]


def _told(row: dict[str, Any]) -> str:
    cores = 1000 * CORES / row["dense_cpu_ms"]
    return (
        f"{row['dense_cpu_ms']:.0f} ms of a core for a second ({cores:.1f} x real time on {CORES} cores), naive loop "
        f"{1000 * row['naive_cpu_s']:.0f} ms ({1000 * row['naive_cpu_s'] / row['dense_cpu_ms']:.1f} times as much); "
        f"whole analysis of {KIND_S} s {1 / row['wall_s_all']:.1f} x real time, naive loop "
        f"{1 / row['naive_wall_s']:.2f} x"
    )


PARTS = {"kinds": kinds, "length": length, "metrics": metrics, "preview": preview}


def main(arguments: list[str]) -> None:
    """Measures the parts that are asked for, all by default."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.speed", description=__doc__)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    asked = parser.parse_args(arguments)
    for name in asked.only:
        found = PARTS[name](asked.short)
        if not asked.short:
            save(name, found)
            write_document()


if __name__ == "__main__":
    main(sys.argv[1:])
