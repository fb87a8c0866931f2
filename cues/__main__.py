"""The command line: it reads options, shows progress, prints; everything else happens elsewhere."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from cues import keeping_commands
from cues.corrections import (
    Correction,
    Corrections,
    Swap,
    Target,
    Trainee,
    Voice,
    add_correction,
    person_named,
    undo_correction,
)
from cues.errors import ParameterError
from cues.library.session_folder import load_corrections, save_corrections, write_analysis, write_results
from cues.metrics.session import SessionMetrics, measure_session
from cues.observations import Observations, RecordingFacts, read_observations
from cues.parameters import Parameters, replace_parameter
from cues.partial import finish_partial
from cues.terminal import own_words, print_session, told

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="Eye contact, forward lean and facial mirroring, minute by minute, from a recorded practice session. "
    "Nothing leaves this machine.",
)
console = Console()

Progress = Callable[[str, float, float], None]

Out = Annotated[Path, typer.Option("--out", help="Folder for the results; made when missing.")]
TraineeOption = Annotated[
    str | None,
    typer.Option("--trainee", help="Who is the trainee: left, right, first or second. Guessed when not given."),
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="Another value for a parameter: group.name=value. May be repeated.")
]


@app.command()
def analyze(
    video: Annotated[Path, typer.Argument(help="The recording.")],
    second: Annotated[
        Path | None, typer.Argument(help="The other person's recording of the same conversation.")
    ] = None,
    out: Out = ...,  # type: ignore[assignment]
    trainee: TraineeOption = None,
    setup: Annotated[
        str, typer.Option(help="auto, single, split-screen, shared-room or two-files; how it was recorded.")
    ] = "auto",
    people: Annotated[
        str | None,
        typer.Option(help="Whom to measure where there are more than two: numbers from left to right, as 1,3."),
    ] = None,
    rate: Annotated[float | None, typer.Option(help="Analysed pictures a second.")] = None,
    workers: Annotated[int | None, typer.Option(help="Processes; by default one for each core.")] = None,
    offset: Annotated[
        float | None,
        typer.Option(help="Time of the second file when the first is at 0 [s]; found by sound when not given."),
    ] = None,
    assign: SetOption = None,
) -> None:
    """Reads a recording and writes its tables, minutes and episodes."""
    with told(), own_words():
        parameters = _parameters(assign)
        if rate is not None:
            if not 1 <= rate <= 60:
                raise ParameterError(f"--rate {rate:g} is outside of what can be analysed: 1 to 60 pictures a second.")
            parameters = replace(parameters, sampling=replace(parameters.sampling, rate_hz=rate))
        if trainee not in (None, "left", "right", "first", "second"):
            raise ParameterError(f"--trainee {trainee} does not exist: left, right, first or second.")
        chosen = _numbers(people)
        from cues.analysis import SETUPS, analyze  # the networks' runtime loads slowly
        from cues.jobs.processes import local_pool

        wanted = setup.replace("-", "_")
        if wanted not in SETUPS:
            raise ParameterError(f"--setup {setup} does not exist: {', '.join(s.replace('_', '-') for s in SETUPS)}.")
        paths = (video,) if second is None else (video, second)
        began = time.monotonic()
        with local_pool(workers or os.cpu_count() or 1) as pool, _progress() as progress:
            observations = analyze(paths, out, pool, parameters, wanted, chosen, offset, progress)
        # A new analysis has its own people: corrections of an earlier recording in this folder do not hold for it.
        corrections = _with_trainee(Corrections(), trainee, observations.facts)
        results = measure_session(observations, corrections, parameters)
        _say(results, out, write_analysis(out, observations, corrections, results))
        finish_partial(out)
        took, length = time.monotonic() - began, observations.facts.duration_s
        console.print(f"{length:.0f} s of recording in {took:.0f} s: {length / took:.1f} x real time", highlight=False)


@app.command()
def metrics(
    folder: Annotated[Path, typer.Argument(help="Folder of an analysed session.")],
    trainee: TraineeOption = None,
    target: Annotated[
        list[str] | None,
        typer.Option(help="Where the partner is for a person: H,V degrees (the trainee) or left:H,V. May be repeated."),
    ] = None,
    swap_from: Annotated[float | None, typer.Option(help="The two people were exchanged from this second on.")] = None,
    voice: Annotated[
        str | None,
        typer.Option(help="Whose voice is on which channel of the sound: right:2, or the trainee's: 2."),
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Takes the last correction back.")] = False,
    assign: SetOption = None,
) -> None:
    """Computes everything right of the observations table again, without the video; corrections are kept."""
    with told():
        observations = read_observations(folder)
        corrections = load_corrections(folder)
        facts = observations.facts
        if undo:
            corrections = undo_correction(corrections, facts)
        corrections = _with_trainee(corrections, trainee, facts)
        for text in target or []:
            corrections = add_correction(corrections, _target(text, corrections, observations), facts)
        if swap_from is not None:
            corrections = add_correction(corrections, Swap(swap_from), facts)
        if voice is not None:
            corrections = add_correction(corrections, _voice(voice, corrections, observations), facts)
        results = measure_session(observations, corrections, _parameters(assign))
        _say(results, folder, [save_corrections(folder, corrections), *write_results(folder, results)])


@app.command()
def probe(video: Annotated[Path, typer.Argument(help="The recording to look at.")]) -> None:
    """Looks at a few seconds of a recording and says what will be measurable and what to change."""
    with told(), own_words():
        from cues.probe import probe_recording
        from cues.terminal import print_probe

        print_probe(probe_recording(video, Parameters()), console)


app.command()(keeping_commands.key)
app.command()(keeping_commands.encrypt)
app.command("change-key")(keeping_commands.change_key_)
app.command()(keeping_commands.backup)
app.command()(keeping_commands.restore)
app.command()(keeping_commands.delete_again)
app.command()(keeping_commands.move_database)


def _say(results: SessionMetrics, folder: Path, written: list[Path]) -> None:
    print_session(results, console)
    console.print(f"\nWritten to {folder}:", ", ".join(path.name for path in written), markup=False, highlight=False)


def _parameters(assignments: list[str] | None) -> Parameters:
    parameters = Parameters()
    for assignment in assignments or []:
        parameters = replace_parameter(parameters, assignment)
    return parameters


def _numbers(text: str | None) -> tuple[int, ...] | None:
    if text is None:
        return None
    try:
        numbers = tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ParameterError(f"--people {text} is not a list of numbers such as 1,3.") from None
    if not 1 <= len(numbers) <= 2 or len(set(numbers)) < len(numbers):
        raise ParameterError(f"--people {text}: one or two different numbers are wanted.")
    return numbers


def _with_trainee(corrections: Corrections, trainee: str | None, facts: RecordingFacts) -> Corrections:
    if trainee is None:
        return corrections
    return add_correction(corrections, Trainee(person_named(trainee, facts, corrections)), facts)


def _target(text: str, corrections: Corrections, observations: Observations) -> Correction:
    who, colon, angles = text.rpartition(":")
    try:
        h, v = (float(part) for part in angles.split(","))
    except ValueError:
        raise ParameterError(f"--target {text} is not H,V in degrees, such as 2,-7 or right:2,-7.") from None
    return Target(_whose(who, corrections, observations), h, v)


def _voice(text: str, corrections: Corrections, observations: Observations) -> Correction:
    who, _, channel = text.rpartition(":")
    if not channel.strip().isdecimal():
        raise ParameterError(f"--voice {text} is not a channel counted from 1, such as 2 or right:2.")
    return Voice(_whose(who, corrections, observations), int(channel) - 1)


def _whose(who: str, corrections: Corrections, observations: Observations) -> int:
    """The person named, or the trainee where nobody is."""
    if who:
        return person_named(who, observations.facts, corrections)
    from cues.corrections import apply_corrections

    roles = apply_corrections(observations, corrections).roles
    return next(person for person, role in roles.items() if role == "trainee")


_STAGES = {"survey": "Looking for people", "people": "Reading faces", "sound": "Listening"}
_WEIGHT = {"survey": (0.0, 0.15), "people": (0.15, 0.97), "sound": (0.97, 1.0)}


@contextmanager
def _progress() -> Iterator[Progress]:
    """A bar with speed and time left; on a pipe, a line for every tenth."""
    began = {"people": 0.0}
    said = [-1]

    def state(stage: str, share: float, seconds: float) -> tuple[float, str]:
        if stage == "people" and not began["people"]:
            began["people"] = time.monotonic()
        low, high = _WEIGHT[stage]
        elapsed = time.monotonic() - began["people"]
        speed = f"{seconds / elapsed:.1f} x real time" if stage == "people" and seconds > 0 and elapsed > 1 else ""
        return low + (high - low) * share, speed

    def say(stage: str, share: float, seconds: float) -> None:
        done, speed = state(stage, share, seconds)
        if int(10 * done) > said[0]:
            said[0] = int(10 * done)
            print(f"{_STAGES[stage]}: {10 * said[0]} %{', ' if speed else ''}{speed}", flush=True)

    if not console.is_terminal:
        yield say
        return
    columns = (
        TextColumn("{task.description:<18}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[speed]}"),
        TimeRemainingColumn(compact=True),
        TextColumn("left"),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Opening", total=1.0, speed="")

        def show(stage: str, share: float, seconds: float) -> None:
            done, speed = state(stage, share, seconds)
            bar.update(task, description=_STAGES[stage], completed=done, speed=speed)

        yield show


if __name__ == "__main__":
    app(prog_name="python -m cues")
    sys.exit(0)
