"""Part 3, forward lean: rendered calls with exact leans, and cameras that move while nobody leans.

Leans of 5-20 cm forward and back at 45-150 cm, with sway, drift of the posture, turning aside (25 degrees), reading
notes (20 degrees down), smiling and talking. What counts is told in `lean_scores`.
"""

import shutil
import tempfile
from pathlib import Path

from cues.analysis import analyze
from cues.corrections import Corrections
from cues.jobs.processes import local_pool
from cues.metrics.session import SessionMetrics, measure_session
from cues.parameters import Parameters
from tests.validation.parts.lean_figures import camera_figures, draw_plots, flags_said, lean_figures, short_figures
from tests.validation.parts.lean_scores import Scores, score
from tests.validation.parts.lean_sessions import CALLS, SHORT, recording_of
from tests.validation.results import RESULTS, Figure, PartResult
from tests.validation.scope import Scope

TITLE = "Forward lean"


def why_not(scope: Scope) -> str:
    """What these renders want and is not there; empty when all is."""
    if not scope.can_render:
        return "the face model for renders (CUES_TEST_DATA with face_model/) is not there"
    return "" if shutil.which("espeak-ng") else "espeak-ng, whose speech moves the mouths, is not installed"


def measured(paths: list[Path], scope: Scope) -> list[SessionMetrics]:
    """The product's metrics of recordings, with default parameters, as `analyze` makes them."""
    found = []
    with local_pool(scope.workers) as pool, tempfile.TemporaryDirectory() as out:
        for number, path in enumerate(paths):
            observations = analyze((path,), Path(out) / str(number), pool, Parameters())
            found.append(measure_session(observations, Corrections(), Parameters()))
    return found


def run(scope: Scope) -> PartResult:
    """Renders what the cache lacks, analyses, compares."""
    missing = why_not(scope)
    if missing:
        return PartResult("lean", TITLE, "Not run.", [], skipped=[f"all of it: {missing}"])
    if scope.short:
        (metrics,) = measured([recording_of(SHORT, scope, alone=True)], scope)
        return PartResult("lean", TITLE, "One person, two leans.", short_figures([score(SHORT, 0, metrics)]))
    sessions = measured([recording_of(call, scope) for call in CALLS], scope)
    scores: list[Scores] = []
    moved: list[Scores] = []
    for call, metrics in zip(CALLS, sessions, strict=True):
        (moved if call.moving else scores).extend(score(call, person, metrics) for person in (0, 1))
    sittings = [s.sitting for s in (*scores, *moved)]
    seeds = ", ".join(str(n) for n in sorted({s.seed for s in sittings}))
    people = ", ".join(str(n) for n in sorted({s.identity for s in sittings}))
    return PartResult(
        "lean",
        TITLE,
        f"{len(CALLS)} rendered calls of {CALLS[0].seconds:.0f} s at 10 pictures a second, {len(sittings)} "
        f"person-sessions ({len(scores)} with leans and an unmoved camera, {len(moved)} with a moved one), faces of 21 "
        "to 90 px between the irises, encoded, and read by the product with its default parameters.",
        [
            *lean_figures(scores),
            *camera_figures(moved),
            Figure("flags with an unmoved camera", flags_said(scores), n=f"{len(scores)} person-sessions"),
        ],
        chosen_on="nothing: the lean's parameters come from simulation (METHOD 3.4), not from renders",
        reported_on=f"sittings {seeds} of identities from_seed {people}",
        plots=draw_plots(scores, RESULTS),
    )
