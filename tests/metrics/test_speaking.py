"""Who speaks, from channels and from mouths, and what is said where it cannot be known."""

from dataclasses import replace

import numpy as np
import pytest

from cues.corrections import Corrections, Voice
from cues.errors import ParameterError
from cues.metrics.episodes import UNKNOWN
from cues.metrics.hidden_states import PIECE, state_probabilities
from cues.metrics.session import measure_session
from cues.metrics.speaking import (
    BOTH_MOVE,
    CHANNELS,
    CHANNELS_UNNAMED,
    FIRST,
    LITTLE,
    MOUTHS,
    NO_SOUND,
    SECOND,
    UNSURE,
    VOICE_MISSING,
    at_times,
    who_speaks,
)
from cues.parameters import Parameters
from tests.metrics.made_speech import MadeTalk, made_talk

P = Parameters()


def agreement(made: MadeTalk) -> float:
    found = who_speaks(made.observations, P)
    assert found.measurable, found.reason
    return float((found.states == made.states).mean())


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_mouths_tell_whose_speech_is_heard(seed):
    made = made_talk(seed=seed)
    assert agreement(made) >= 0.95
    assert who_speaks(made.observations, P).by == MOUTHS


def test_both_are_found_where_they_speak_at_once():
    made = made_talk(overlaps=True, smiling=False)
    found = who_speaks(made.observations, P)
    both = made.states == 3
    assert both.mean() > 0.05
    assert (found.states[both] == 3).mean() > 0.6
    assert (found.states[~both] == 3).mean() < 0.03


@pytest.mark.parametrize("channels", [(60.0, 60.0), (12.0, 12.0), (60.0, 12.0)])
def test_channels_tell_it_and_the_mouths_whose_they_are(channels):
    for seed in (1, 2):
        made = made_talk(seed=seed, channels=channels)
        assert agreement(made) >= 0.97
        assert who_speaks(made.observations, P).by == CHANNELS
    turned = made_talk(channels=channels)
    sound = turned.observations.sound
    other = sound.set_column(1, "channel", (1 - sound["channel"].to_numpy()).astype(np.int8)[None])
    assert agreement(MadeTalk(replace(turned.observations, sound=other), turned.speaks)) >= 0.97


def test_whose_channel_is_whose_is_not_guessed_and_can_be_said():
    made = made_talk(channels=(60.0, 60.0), mouths=(False, False))
    found = who_speaks(made.observations, P)
    assert found.reason == CHANNELS_UNNAMED
    assert set(np.unique(found.states)) <= {0, UNKNOWN}
    for person, channel in ((0, 0), (1, 1)):
        assert (who_speaks(made.observations, P, {person: channel}).states == made.states).mean() >= 0.97
    turned = who_speaks(made.observations, P, {0: 1}).states
    assert (turned[made.states == FIRST] == SECOND).mean() > 0.9
    said = measure_session(made.observations, Corrections((Voice(1, 0),)), P)
    assert said.summary["speaking"]["why"] is None


def test_in_two_files_each_has_its_own():
    made = made_talk(channels=(12.0, 12.0), mouths=(False, False), setup="two_files")
    assert agreement(made) >= 0.97


def test_one_mouth_tells_the_other_voice_too():
    made = made_talk(people=1, setup="single")
    found = who_speaks(made.observations, P)
    assert (found.states == made.states).mean() >= 0.95


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        ({"sound": False}, NO_SOUND),
        ({"heard": (False, False)}, LITTLE),
        ({"mouths": (False, False)}, UNSURE),
        ({"heard": (False, True)}, VOICE_MISSING),
        ({"chews": True}, BOTH_MOVE),
    ],
)
def test_what_cannot_be_known_is_not_told(made, reason):
    talk = made_talk(**made)
    found = who_speaks(talk.observations, P)
    assert found.reason == reason
    assert not np.isin(found.states, (FIRST, SECOND, 3)).any()
    summary = measure_session(talk.observations, Corrections(), P)
    assert "NO_SPEECH_ATTR" in [flag["code"] for flag in summary.summary["quality_flags"]]
    assert [name for name in summary.minutes.column_names if name.endswith("_listening_pct")] == []
    assert all(person["cues"]["talk"]["figures"] is None for person in summary.summary["people"])


def test_exchanging_the_people_exchanges_what_they_say():
    made = made_talk(channels=(60.0, 60.0))
    found = who_speaks(made.observations, P)
    assert (found.seen_by(0) == found.states).all()
    other = found.seen_by(1)
    assert (other[found.states == FIRST] == SECOND).all() and (other[found.states == 3] == 3).all()


def test_states_at_sample_times_are_those_of_the_step_they_fall_in():
    steps = np.arange(5) * 0.1
    states = np.array([0, 1, 2, 3, -1], np.int8)
    assert at_times(steps, states, np.array([0.0, 0.05, 0.1, 0.29, 0.3, 0.49, 0.51])).tolist() == [
        *(0, 0, 1, 2, 3, -1),
        UNKNOWN,
    ]
    assert at_times(np.zeros(0), np.zeros(0, np.int8), np.array([1.0])).tolist() == [UNKNOWN]


def test_pieces_worked_through_side_by_side_give_what_one_pass_gives():
    rng = np.random.default_rng(5)
    likely = rng.uniform(0.05, 1.0, (3 * PIECE + 77, 3))
    change = np.array([[0.9, 0.06, 0.04], [0.1, 0.85, 0.05], [0.02, 0.08, 0.9]])
    first = np.linalg.matrix_power(change, 1000)[0]
    forward, backward = np.empty_like(likely), np.ones_like(likely)
    for i in range(len(likely)):
        now = (first if i == 0 else forward[i - 1]) @ change * likely[i]
        forward[i] = now / now.sum()
    for i in range(len(likely) - 2, -1, -1):
        now = change @ (likely[i + 1] * backward[i + 1])
        backward[i] = now / now.sum()
    wanted = forward * backward
    wanted /= wanted.sum(1, keepdims=True)
    assert np.abs(state_probabilities(likely, change) - wanted).max() < 1e-9


def test_a_channel_that_is_not_there_is_refused_with_those_that_are():
    made = made_talk(minutes=1, channels=(60.0, 60.0))
    with pytest.raises(ParameterError, match="no channel 5 with a voice of its own in it, only: 1, 2"):
        measure_session(made.observations, Corrections((Voice(0, 4),)), P)
