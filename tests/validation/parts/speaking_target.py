"""What speech does for the search of the partner's place: simulated gaze of people who look more at who speaks.

The same sessions are measured with the true speech, with speech that is told wrongly (a third of the turns given to the
other person), and without.
"""

from dataclasses import dataclass

import numpy as np

from cues.metrics.episodes import runs
from cues.metrics.eye_contact import measure_eye_contact
from cues.metrics.gaze_target import CONFIDENT
from cues.parameters import Parameters
from tests.metrics.made_gaze import PLACES, MadeGaze, make
from tests.validation.bootstrap import interval
from tests.validation.results import Figure

SPEECH = ("right", "poor", "absent")
WRONG_TURNS = 1 / 3
NEAR_DEG = 6.0
AWAY = ({"notes": 0.4, "screen": 0.3, "up": 0.3}, {"notes": 0.8, "screen": 0.1, "up": 0.1})
SHARES = (0.35, 0.45, 0.55)


@dataclass(frozen=True)
class Sought:
    """One session with one kind of speech: the best place is the partner's; the product is sure of its place."""

    right: bool
    sure: bool


def searched(seeds: range) -> dict[str, list[Sought]]:
    """Kind of speech -> what became of the search, for every seed, share of looking and other places."""
    found: dict[str, list[Sought]] = {kind: [] for kind in SPEECH}
    for seed in seeds:
        for share in SHARES:
            for away in AWAY:
                noise = 2.0 + 0.5 * (seed % 3)
                what = MadeGaze(seconds=600, share=share, away=away, noise_deg=noise, seed=seed, speech=True)
                observations, _, speaking = make(what)
                for kind, told in _told(speaking, seed).items():
                    eyes = measure_eye_contact(observations, 0, None, Parameters(), speaking=told)
                    place = eyes.target
                    right = place is not None and np.hypot(*np.subtract(place, PLACES["partner"])) < NEAR_DEG
                    found[kind].append(Sought(bool(right), eyes.state == CONFIDENT))
    return found


def target_figures(found: dict[str, list[Sought]]) -> list[Figure]:
    """For each kind of speech: how often the best place is the partner, how often the product is sure, and wrongly."""
    figures = []
    for kind, sessions in found.items():
        n = f"{len(sessions)} simulated sessions of 10 minutes"
        for name, hits in (
            ("the best place is the partner", [s.right for s in sessions]),
            ("sure, and right", [s.right and s.sure for s in sessions]),
            ("sure, and wrong", [not s.right and s.sure for s in sessions]),
        ):
            low, high = interval(hits, lambda units: float(100 * np.mean(units)), seed=61)
            figures.append(Figure(f"speech {kind}: {name}", float(100 * np.mean(hits)), "% of sessions", low, high, n))
    return figures


def _told(speaking: np.ndarray, seed: int) -> dict[str, np.ndarray | None]:
    rng = np.random.default_rng(seed)
    poor = speaking.copy()
    for a, b, state in runs(speaking):
        if state in (1, 2) and rng.random() < WRONG_TURNS:
            poor[a:b] = 3 - state
    return {"right": speaking, "poor": poor, "absent": None}
