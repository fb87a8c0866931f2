"""Part 2, eye contact: rendered sessions with known targets through the whole product.

Calls of five minutes give two person-sessions each; rooms are short and must fall back to the direction of the head, or
say that they cannot tell. What is compared is told in `eye_contact_scores`, what is rendered in `eye_contact_sessions`.
"""

import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cues.analysis import Pool, analyze
from cues.errors import RecordingError
from cues.jobs.processes import local_pool
from cues.observations import Observations
from cues.parameters import Parameters
from tests.validation.parts.eye_contact_figures import (
    agreement_figures,
    draw_plots,
    encoding_figures,
    room_figures,
    state_figures,
    target_figures,
    unflagged_figure,
)
from tests.validation.parts.eye_contact_scores import Score, as_asked, as_confirmed, score_session
from tests.validation.parts.eye_contact_sessions import (
    BOTH_WAYS,
    CALLS,
    COMMITTED,
    ROOMS,
    SECONDS,
    Call,
    beginning,
    encoded,
    near_lossless,
    rendered_room,
    truth_of,
)
from tests.validation.results import RESULTS, Figure, PartResult
from tests.validation.scope import Scope

TITLE = "Eye contact"
SHORT_S = 90.0
ABOUT = (
    "Rendered calls of five minutes at 10 pictures a second, encoded as a call is, two person-sessions each: the "
    "partner's window 2 to 16 degrees below the lens, 15 to 85 % of the time at it by intention, notes, a second "
    "screen and looks up besides; in some person-sessions notes or the screen take more time than the partner. The "
    "product reads the file and measures with its default parameters; of the truth it is told nothing (the trainee "
    "is named by their side, as on the command line). Agreement is the mean over person-sessions of each one's own;"
    " blinks are left out. A place taken for the partner is right when, of all true targets, the partner's samples "
    'are called contact most often: a constant error of the direction does not enter. "Confirmed" is the same after'
    " a person said where the partner is, for which the middle of the angles measured during true contact stands. A"
    " flag is any that limits eye contact (not CAMERA_NOT_SEPARABLE), or low coverage or confidence in half of the "
    "minutes."
)


@dataclass(frozen=True)
class Found:
    """Scores of one recording's people: as the product reports it unasked, and after a confirmation."""

    asked: list[Score]
    confirmed: list[Score]


def run(scope: Scope) -> PartResult:
    """Renders what the cache lacks, analyses, compares; without the face model, the committed sessions alone."""
    with local_pool(scope.workers) as pool, tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        if scope.short:
            return _short(pool, work)
        missing = why_not(scope)
        used = [c for c in CALLS if not missing or c.committed]
        calls = joined(_call(c.name, encoded(scope, c), pool, work / c.name) for c in used)
        if missing:
            return result(used, calls, [], {}, [f"all but the {len(used)} committed calls, and the rooms: {missing}"])
        both = [c for c in CALLS if c.name in BOTH_WAYS]
        lossless = joined(_call(c.name, near_lossless(scope, c), pool, work / f"{c.name}-lossless") for c in both)
        rooms = {r.name: _room(r.name, rendered_room(scope, r), pool, work / r.name) for r in ROOMS}
    return result(used, calls, lossless.asked, rooms, [])


def why_not(scope: Scope) -> str:
    """What the renders want and is not there; empty when all is."""
    if not scope.can_render:
        return "the face model for renders (CUES_TEST_DATA with face_model/) is not there"
    return "" if shutil.which("espeak-ng") else "espeak-ng, whose speech moves the mouths, is not installed"


def _short(pool: Pool, work: Path) -> PartResult:
    """The first minute and a half of one committed session."""
    folder = COMMITTED / "call-01"
    path = beginning(folder / "session.mp4", SHORT_S, work / "beginning.mp4")
    found = _measured("call-01", path, truth_of(folder, SHORT_S), pool, work / "out")
    figures = [*target_figures(found.asked), *agreement_figures(found.confirmed, "confirmed")]
    return PartResult("eye_contact", TITLE, f"The first {SHORT_S:.0f} s of one committed call.", figures)


def result(
    used: list[Call], calls: Found, lossless: list[Score], rooms: dict[str, list[Score] | str], skipped: list[str]
) -> PartResult:
    """The part's result from the scores of the calls that were used, and of the rooms by name."""
    sure = [s for s in calls.asked if s.confident]
    shown = [s for found in rooms.values() if not isinstance(found, str) for s in found]
    headline = "Eye contact: people reported with more than 20 points of error and no flag"
    figures: list[Figure] = [
        *agreement_figures(sure, "sure", asked=True),
        *target_figures(calls.asked),
        unflagged_figure([*calls.asked, *shown], "unasked", headline),
        *state_figures(calls.asked),
        *agreement_figures([s for s in calls.confirmed if s.confident], "confirmed"),
        unflagged_figure(calls.confirmed, "confirmed"),
        *encoding_figures(calls.asked, lossless),
        *room_figures(rooms),
    ]
    seeds = ", ".join(str(p.seed) for c in used for p in c.people)
    of_rooms = f"; rooms {', '.join(str(r.seed) for r in ROOMS if r.name in rooms)}" if rooms else ""
    return PartResult(
        "eye_contact",
        TITLE,
        ABOUT,
        figures,
        chosen_on="the target search on simulation and real calls (METHOD 2.5-2.6), the direction of gaze on other "
        "identities (gaze geometry)",
        reported_on=f"calls {', '.join(str(c.seed) for c in used)} of identities from_seed {seeds}{of_rooms}",
        skipped=skipped,
        plots=draw_plots(calls.asked, calls.confirmed, RESULTS),
    )


def _call(name: str, folder: Path, pool: Pool, out: Path) -> Found:
    return _measured(name, folder / "session.mp4", truth_of(folder, SECONDS), pool, out)


def _room(name: str, folder: Path, pool: Pool, out: Path) -> list[Score] | str:
    """Scores of a room's people, or the product's sentence where it refuses the recording."""
    try:
        return _measured(name, folder / "session.mp4", truth_of(folder), pool, out).asked
    except RecordingError as refusal:
        return str(refusal)


def _measured(name: str, path: Path, truth: dict[str, Any], pool: Pool, out: Path) -> Found:
    observations = analyze((path,), out, pool, Parameters())
    return scored(name, observations, truth)


def scored(name: str, observations: Observations, truth: dict[str, Any]) -> Found:
    """What the product makes of the observations, unasked and confirmed, beside the truth."""
    corrections, asked = as_asked(observations)
    confirmed = as_confirmed(observations, corrections, asked, truth)
    return Found(
        score_session(name, observations, asked, truth),
        score_session(name, observations, confirmed, truth),
    )


def joined(all_found: Iterable[Found]) -> Found:
    """All recordings' scores in one."""
    kept = list(all_found)
    return Found([s for f in kept for s in f.asked], [s for f in kept for s in f.confirmed])
