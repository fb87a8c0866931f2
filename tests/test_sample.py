"""The sample session and the two-shot against their exact truth, through the whole pipeline.

Truth comes from the generator's file beside the recording; nothing of it reaches the analysis. Of the sample its first
five minutes are read; with CUES_TEST_WHOLE set (`make validate` sets it) all of it.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cues.metrics.episodes import iou
from cues.metrics.minutes import MINUTE_S
from cues.metrics.speaking import MOUTHS
from tests.analysed import Analysed
from tests.sample_clip import first_seconds
from tests.validation.parts.speaking_sounds import speaks

ROOT = Path(__file__).parent.parent
SAMPLE = ROOT / "videos" / "sample"
TWO_SHOT = ROOT / "tests" / "media"
FORWARD = ("forward", "head_forward")
READ_S = None if os.environ.get("CUES_TEST_WHOLE") else 300.0


@pytest.fixture(scope="module")
def truth() -> dict[str, Any]:
    """What is true of the part that is read."""
    whole: dict[str, Any] = json.loads((SAMPLE / "truth.json").read_text())
    if READ_S is None:
        return whole
    for person in whole["people"]:
        person["leans"] = [e for e in person["leans"] if e["end"] < READ_S]
        person["smiles"] = [e for e in person["smiles"] if e["onset"] < READ_S - 2]
    whole["turns"] = [turn for turn in whole["turns"] if turn["start"] < READ_S]
    return whole


@pytest.fixture(scope="module")
def sample(analysed: Callable[..., Analysed], media_folder: Path) -> Analysed:
    whole = SAMPLE / "session.mp4"
    return analysed(whole if READ_S is None else first_seconds(media_folder / "sample.mp4", READ_S))


def matched(found: list[tuple[float, float]], true: list[tuple[float, float]], least: float = 0.5) -> int:
    """How many true stretches are found, each by one of the found with IoU of at least `least`."""
    free, hits = list(found), 0
    for stretch in true:
        best = max(free, key=lambda f: iou(f, stretch), default=None)
        if best is not None and iou(best, stretch) >= least:
            free.remove(best)
            hits += 1
    return hits


def f1(hits: int, found: int, true: int) -> float:
    return 2 * hits / (found + true) if found + true else 1.0


def test_the_recording_is_what_the_issue_asks_for(sample: Analysed) -> None:
    facts = sample.observations.facts
    video = facts.videos[0]
    assert facts.setup == "split_screen"
    assert (video["width"], video["height"], video["codec"]) == (1280, 720, "h264")
    assert facts.duration_s == pytest.approx(READ_S or 570, abs=1)
    assert (SAMPLE / "session.mp4").stat().st_size <= 20 * 2**20
    assert video["sound_streams"] == 1


def test_tiles_are_where_they_were_drawn(sample: Analysed, truth: dict[str, Any]) -> None:
    scene = [sample.observations.scene_of(p) for p in (0, 1)]
    for person, columns in zip(truth["people"], scene, strict=True):
        tile = [np.median(columns[f"tile_{k}"]) for k in "xywh"]
        assert np.abs(np.array(tile) - person["tile"]).max() <= 6


def test_roles_and_people_are_never_swapped(sample: Analysed, truth: dict[str, Any]) -> None:
    for number, person in enumerate(truth["people"]):
        columns = sample.observations.person(number)
        x, _, w, _ = person["tile"]
        centre = (columns["box_x"] + columns["box_w"] / 2)[columns["face"]]
        assert columns["face"].mean() > 0.98
        assert ((centre > x) & (centre < x + w)).all()


def test_eye_contact_per_minute_is_within_five_points(sample: Analysed, truth: dict[str, Any]) -> None:
    """Mean over the minutes of both people; every minute must have a figure."""
    minutes = sample.metrics.minutes.to_pylist()
    true = {(row["minute"], row["person"]): row["eye_contact_pct"] for row in truth["per_minute"]}
    errors = []
    for row in minutes:
        if row["end_s"] - row["start_s"] < MINUTE_S / 2:
            continue
        assert row["eye_contact_pct"] is not None, row
        errors.append(row["eye_contact_pct"] - true[row["minute"], row["person"]])
    shares = [true[row["minute"], row["person"]] for row in minutes if (row["minute"], row["person"]) in true]
    assert min(shares) < 30 and max(shares) > 70  # otherwise the test would not say much
    assert np.mean(np.abs(errors)) <= 5.0, np.round(errors, 1)


def test_leans_are_found(sample: Analysed, truth: dict[str, Any]) -> None:
    for wanted, kinds in ((1, FORWARD), (-1, ("back",))):
        hits = found_all = true_all = 0
        for number, person in enumerate(truth["people"]):
            true = [(e["start"], e["end"]) for e in person["leans"] if np.sign(e["cm"]) == wanted]
            episodes = sample.metrics.measured.lean[number].episodes
            found = [(e.start, e.end) for e in episodes if e.kind in kinds]
            hits, found_all, true_all = hits + matched(found, true), found_all + len(found), true_all + len(true)
        assert true_all > 0
        assert f1(hits, found_all, true_all) >= 0.9, (wanted, hits, found_all, true_all)


def test_mirrored_smiles_are_found_and_hardly_any_invented(sample: Analysed, truth: dict[str, Any]) -> None:
    """A mirrored smile is found where the follower's onset is within half a second of the true one."""
    mirroring = sample.metrics.measured.mirroring
    assert mirroring is not None
    true = [
        (number, smile["onset"], smile["mirrors"]["delay"])
        for number, person in enumerate(truth["people"])
        for smile in person["smiles"]
        if smile["mirrors"]
    ]
    found = [e for e in mirroring.events if e.kind in ("mirrored", "simultaneous")]
    free, delays = list(found), []
    for follower, onset, delay in true:
        near = [e for e in free if abs(e.onset_follower - onset) < 0.5 and follower in (e.follower, e.leader)]
        if near:
            best = min(near, key=lambda e: abs(e.onset_follower - onset))
            free.remove(best)
            delays.append(abs(best.delay - delay))
    assert len(delays) >= 0.8 * len(true), (len(delays), len(true))
    assert len(free) <= sample.observations.facts.duration_s / 120, [(e.onset_leader, e.delay) for e in free]
    assert np.median(delays) <= 0.1


def test_two_shot_is_one_room_with_both_people_kept_apart(analysed: Callable[..., Analysed]) -> None:
    truth = json.loads((TWO_SHOT / "two_shot.json").read_text())
    result = analysed(TWO_SHOT / "two_shot.mp4")
    assert result.observations.facts.setup == "shared_room"
    columns = [result.observations.person(p) for p in (0, 1)]
    assert all(c["face"].mean() > 0.95 for c in columns)
    both = columns[0]["face"] & columns[1]["face"]
    assert (columns[0]["box_x"][both] + columns[0]["box_w"][both] < columns[1]["box_x"][both]).all()
    for number, person in enumerate(truth["people"]):
        true = [(e["start"], e["end"]) for e in person["leans"] if e["cm"] > 0]
        found = [(e.start, e.end) for e in result.metrics.measured.lean[number].episodes if e.kind in FORWARD]
        assert matched(found, true, 0.4) == len(true), (number, found, true)
    assert "experimental" in json.dumps(result.metrics.summary).lower()


def test_who_speaks_is_told_for_every_tenth_of_a_second(sample: Analysed, truth: dict[str, Any]) -> None:
    """One channel, both voices in it: the mouths tell. All steps count, the ends of turns and what is unknown too."""
    found = sample.metrics.measured.speaking
    true = speaks(truth, len(found.states))
    assert found.by == MOUTHS and found.measurable
    assert float((found.states == true).mean()) >= 0.92
    talk = {p["person"]: p["cues"]["talk"]["figures"] for p in sample.metrics.summary["people"]}
    for person, state in ((0, 1), (1, 2)):
        said = 100 * float(np.isin(true, (state, 3)).mean())
        assert talk[person]["talk_pct"] == pytest.approx(said, abs=2)
        turns = sum(turn["person"] == person and turn["end"] - turn["start"] >= 1 for turn in truth["turns"])
        assert talk[person]["talk_turns"] == pytest.approx(turns, abs=3)


def test_eye_contact_while_listening_and_while_speaking_is_near_the_truth(
    sample: Analysed, truth: dict[str, Any]
) -> None:
    steps = (np.arange(round(10 * sample.observations.facts.duration_s)) + 0.5) / 10
    true = speaks(truth, len(steps))
    for person in (0, 1):
        gaze = truth["people"][person]["gaze"]
        looks = np.zeros(len(steps), bool)
        for event in gaze:
            looks |= (steps >= event["start"]) & (steps < event["end"]) & (event["target"] == "partner")
        figures = sample.metrics.summary["people"][person]["cues"]["eye_contact"]["figures"]
        for state, speaker in (("listening", 2 - person), ("speaking", 1 + person)):
            wanted = 100 * float(looks[true == speaker].mean())
            assert figures[f"eye_contact_{state}_pct"] == pytest.approx(wanted, abs=3)
