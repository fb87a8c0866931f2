"""Part 8, who speaks: rendered calls with known turns, their sound recorded in ten ways; what it does for the search
of the partner's place.

The pictures are read once; the sound is written anew as a file in each way and read from it. Accuracy is the share of
all steps of 100 ms in which the product says what is true: silence, one, the other, both. A step of which it says that
it cannot tell counts as wrong. No time around the turns' ends is left out.
"""

import json
import resource
import shutil
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cues.analysis import analyze
from cues.jobs.processes import local_pool
from cues.metrics.episodes import UNKNOWN
from cues.metrics.speaking import Speaking, who_speaks
from cues.observations import Observations
from cues.parameters import Parameters
from cues.vision.sound import detect_speech
from tests.validation.parts.speaking_sounds import SILENT_MINUTE, STEP_S, WAYS, Truth, Way, speaks, voices, write
from tests.validation.parts.speaking_target import searched, target_figures
from tests.validation.results import Figure, PartResult
from tests.validation.scope import HERE, Scope

TITLE = "Who speaks"
CHOSEN_ON = ("call-01", "call-02")
REPORTED_ON = ("call-03", "call-04")
SAMPLE = HERE.parents[1] / "videos" / "sample"


@dataclass(frozen=True)
class Heard:
    """One recording in one way: what the product says, and what is true (n,) every 100 ms."""

    found: Speaking
    true: np.ndarray

    @property
    def right(self) -> float:
        """Share of all steps."""
        return float((self.found.states == self.true).mean())


def run(scope: Scope) -> PartResult:
    """Reads the calls' pictures, makes their sound in every way, compares."""
    if not shutil.which("espeak-ng") or not shutil.which("ffmpeg"):
        return PartResult(
            "speaking", TITLE, "Not run.", [], skipped=["all of it: espeak-ng or ffmpeg is not installed"]
        )
    folders = {"sample": SAMPLE, **{name: HERE / "sessions" / name for name in REPORTED_ON}}
    with tempfile.TemporaryDirectory() as place:
        heard: dict[str, dict[str, Heard]] = {way.name: {} for way in WAYS}
        shares = []
        for name, folder in folders.items():
            observations, cost = _analysed(folder / "session.mp4", Path(place) / name, scope)
            truth = json.loads((folder / "truth.json").read_text())
            begun = time.process_time()
            assert detect_speech(folder / "session.mp4") is not None
            shares.append((time.process_time() - begun) / cost)
            spoken = voices(truth)
            for way in WAYS:
                heard[way.name][name] = in_way(way, observations, truth, spoken, Path(place) / "sound.mkv")
    figures = [_figure(way, heard[way.name]) for way in WAYS]
    figures += _muted(heard["one channel, a minute of it muted"])
    figures += _turns(heard["one channel"])
    figures.append(
        Figure(
            "reading the sound and finding speech: share of the analysis' processor time",
            100 * max(shares),
            "%",
            n=f"the most of {len(shares)} calls",
            target="under 3 %",
            reached=max(shares) < 0.03,
        )
    )
    figures += target_figures(searched(range(20)))
    return PartResult(
        "speaking",
        TITLE,
        "Rendered calls of two people who take turns (espeak-ng voices; mouths follow the sound), read by the product "
        "with its default parameters. Accuracy counts every 100 ms of the call, the ends of turns too; where the "
        "product cannot tell, it counts as wrong. The search for the partner is simulated, with people who look at who "
        "speaks more (odds times 2.2 while listening, divided by it while speaking).",
        figures,
        chosen_on=f"the committed calls {', '.join(CHOSEN_ON)}, and six real clips for how much mouths move; that "
        "a smile's movement is no evidence of speech, after seeing the sample session",
        reported_on=f"the sample session and the committed calls {', '.join(REPORTED_ON)}",
    )


def in_way(way: Way, observations: Observations, truth: Truth, spoken: np.ndarray, path: Path) -> Heard:
    """What the product says of a call whose sound is recorded in another way.

    spoken: `voices` of the truth; path: where the sound file may be.
    """
    sound = detect_speech(write(path, way.tracks(spoken)))
    found = who_speaks(replace(observations, sound=sound), Parameters())
    return Heard(found, speaks(truth, len(found.states)))


def _analysed(path: Path, out: Path, scope: Scope) -> tuple[Observations, float]:
    """Observations, and the processor time [s] of all processes that made them."""
    begun, children = time.process_time(), resource.getrusage(resource.RUSAGE_CHILDREN)
    with local_pool(scope.workers) as pool:
        observations = analyze((path,), out, pool, Parameters())
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    of_children = after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime
    return observations, time.process_time() - begun + of_children


def _figure(way: Way, calls: dict[str, Heard]) -> Figure:
    if not way.whose:
        refused = sum(not heard.found.measurable for heard in calls.values())
        said = f"refused in {refused} of {len(calls)}"
        return Figure(way.name, said, target="refused", reached=refused == len(calls), n=f"{len(calls)} calls")
    values = [heard.right for heard in calls.values()]
    worst, steps = min(values), sum(len(heard.true) for heard in calls.values())
    by = all(heard.found.by == way.whose and heard.found.measurable for heard in calls.values())
    unknown = np.mean([float((heard.found.states == UNKNOWN).mean()) for heard in calls.values()])
    note = f"told by {way.whose}; the worst call {worst:.3f}; cannot tell {100 * unknown:.1f} %"
    value = float(np.mean(values))
    if way.asked is None:
        return Figure(f"accuracy, {way.name}", value, n=_n(calls, steps), note=note)
    named = "Who speaks, every 100 ms: accuracy, " + way.name
    target = f"at least {way.asked:.2f}"
    return Figure(
        f"accuracy, {way.name}",
        value,
        n=_n(calls, steps),
        target=target,
        reached=by and value >= way.asked,
        note=note,
        headline=named if way.name in ("one channel", "a channel each") else "",
    )


def _n(calls: dict[str, Heard], steps: int) -> str:
    return f"{steps * STEP_S / 60:.0f} minutes of {len(calls)} rendered calls"


def _muted(calls: dict[str, Heard]) -> list[Figure]:
    """Of the muted minute's speech, how much is taken for silence, and for speech."""
    inside = slice(*(round(t / STEP_S) for t in SILENT_MINUTE))
    spoken = np.concatenate([heard.true[inside] > 0 for heard in calls.values()])
    told = np.concatenate([heard.found.states[inside] for heard in calls.values()])
    n = f"{spoken.sum() * STEP_S:.0f} s of speech in muted minutes"
    return [
        Figure(
            "muted minute: speech of which it is said that it cannot be told", _share(told[spoken] == UNKNOWN), "%", n=n
        ),
        Figure("muted minute: speech taken for silence", _share(told[spoken] == 0), "%", n=n),
    ]


def _turns(calls: dict[str, Heard]) -> list[Figure]:
    """How far off each person's share of the time is."""
    errors = []
    for heard in calls.values():
        for speaker in (1, 2):
            said, true = (np.isin(states, (speaker, 3)).mean() for states in (heard.found.states, heard.true))
            errors.append(100 * abs(said - true))
    n = f"{len(errors)} people"
    return [Figure("share of the time that somebody speaks: mean error", float(np.mean(errors)), "points", n=n)]


def _share(hits: np.ndarray) -> float:
    return float(100 * hits.mean()) if len(hits) else float("nan")
