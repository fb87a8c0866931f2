"""Clips with most and least of a cue."""

from dataclasses import replace

import numpy as np
import pytest

from cues.corrections import Corrections
from cues.metrics.session import measure_session
from cues.parameters import Parameters
from cues.review.clips import CLIP_S, OF_EACH, most_and_least
from tests.made_session import made_session

MINUTES = 4


@pytest.fixture(scope="module")
def measured():
    return measure_session(made_session(minutes=MINUTES).observations, Corrections(), Parameters()).measured


def with_smiles(measured, share_at):
    """The session in which the share of smiling at a time [s] is `share_at(time)`; NaN: cannot be told."""
    smiles = measured.smiles[0]
    share = np.array([share_at(t) for t in smiles.time])
    states = np.where(np.isnan(share), -1, (np.arange(len(share)) % 10) < 10 * np.nan_to_num(share)).astype(np.int8)
    return replace(measured, smiles=measured.smiles | {0: replace(smiles, states=states)})


def test_the_clips_lie_where_there_is_most_and_least(measured):
    made = with_smiles(measured, lambda t: 0.9 if 60 <= t < 120 else 0.1 if t >= 160 else 0.5)
    most, least = most_and_least(made, 0, "facial_mirroring", 60.0 * MINUTES)
    assert len(most) == OF_EACH and all(60 <= clip.start <= 100 for clip in most)
    assert all(clip.end - clip.start == CLIP_S for clip in (*most, *least))
    assert len(least) == OF_EACH
    assert all(clip.start >= 160 for clip in least)
    assert [clip.share for clip in (*most, *least)] == pytest.approx([0.9] * 3 + [0.1] * 3, abs=0.01)


def test_a_cue_that_is_alike_throughout_gives_none(measured):
    assert most_and_least(with_smiles(measured, lambda t: 0.5), 0, "facial_mirroring", 60.0 * MINUTES) == ([], [])


def test_nothing_is_cut_where_too_little_was_measured(measured):
    made = with_smiles(measured, lambda t: float("nan") if t < 200 else 0.2 if t < 220 else 0.8)
    most, least = most_and_least(made, 0, "facial_mirroring", 60.0 * MINUTES)
    assert [(c.start, round(c.share, 1)) for c in most] == [(220.0, 0.8)]
    assert len(least) == 1 and least[0].start >= 196


@pytest.mark.parametrize("cue", ["eye_contact", "forward_lean", "facial_mirroring"])
def test_clips_of_a_session_never_overlap_and_are_apart_in_their_share(measured, cue):
    most, least = most_and_least(measured, 0, cue, 60.0 * MINUTES)
    every = sorted((*most, *least), key=lambda c: c.start)
    assert all(a.end <= b.start for a, b in zip(every, every[1:], strict=False))
    assert not most or min(c.share for c in most) > max(c.share for c in least)
