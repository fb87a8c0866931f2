"""Turns, answers, overlaps and cues split by who speaks, on speech that is written down."""

import numpy as np
import pytest

from cues.metrics.episodes import NO, UNKNOWN, YES
from cues.metrics.speaking import BOTH, FIRST, MOUTHS, SECOND, SILENCE, Speaking
from cues.metrics.turns import RESPONSE, TURN, share_while, talk_minute, talk_of
from cues.parameters import Parameters

P = Parameters()
LETTERS = {".": SILENCE, "A": FIRST, "B": SECOND, "X": BOTH, "?": UNKNOWN}


def spoken(*parts: tuple[str, float], reason: str = "") -> Speaking:
    """Speech out of (letter, seconds)."""
    states = np.concatenate([np.full(round(10 * s), LETTERS[letter], np.int8) for letter, s in parts])
    nothing = np.full((len(states), 2), np.nan)
    return Speaking((0, 1), np.arange(len(states)) / 10, states, nothing, states != 0, MOUTHS, {}, 1.0, reason)


def talk(person: int, *parts: tuple[str, float]):
    return talk_of(spoken(*parts), person, P.speech)


def test_own_pauses_belong_to_a_turn_unless_the_other_speaks_in_them():
    parts = (
        (".", 1),
        ("A", 2),
        (".", 0.8),
        ("A", 1),
        (".", 1.5),
        ("A", 2),
        (".", 0.3),
        ("B", 0.4),
        (".", 0.2),
        ("A", 2),
    )
    found = [(e.kind, round(e.start, 1), round(e.end, 1)) for e in talk(0, *parts).episodes]
    assert found == [(TURN, 1.0, 4.8), (TURN, 6.3, 8.3), (TURN, 9.2, 11.2)]
    assert [(e.kind, round(e.duration, 1)) for e in talk(1, *parts).episodes] == [(RESPONSE, 0.4)]


def test_an_answer_follows_the_other_within_some_seconds_and_a_pause_holds_nothing_unknown():
    parts = (("A", 2), (".", 0.7), ("B", 3), (".", 1.2), ("A", 2), (".", 2), ("A", 2), ("?", 1), ("B", 2))
    parts += ((".", 6), ("A", 3))
    trainee, client = talk(0, *parts), talk(1, *parts)
    assert [(round(at, 1), round(pause, 1)) for at, pause in trainee.answers] == [(6.9, 1.2)]
    assert [(round(at, 1), round(pause, 1)) for at, pause in client.answers] == [(2.7, 0.7)]
    assert talk_minute(trainee, 0, 60)["talk_pause_s"] == pytest.approx(1.2)


def test_speech_that_begins_while_the_other_speaks_is_an_overlap():
    parts = (("A", 3), ("X", 0.5), ("A", 2), (".", 1), ("B", 2), ("X", 0.4), ("A", 2))
    trainee, client = talk(0, *parts), talk(1, *parts)
    assert [round(at, 1) for at in client.overlapping] == [3.0]
    assert [round(at, 1) for at in trainee.overlapping] == [8.5]
    assert trainee.answers == []
    cells = talk_minute(trainee, 0, 10.9)
    assert cells["talk_overlap_pct"] == pytest.approx(100 * 0.9 / 10.9)
    assert cells["talk_pct"] == pytest.approx(100 * 7.9 / 10.9)
    assert cells["talk_share_pct"] == pytest.approx(100 * 7.9 / (7.9 + 2.9))
    assert (cells["talk_turns"], cells["talk_longest_s"]) == (2, pytest.approx(5.5))


def test_unknown_speech_lowers_coverage_and_is_no_silence():
    cells = talk_minute(talk(0, ("A", 15), ("?", 30), (".", 15)), 0, 60)
    assert cells["talk_coverage"] == pytest.approx(0.5)
    assert cells["talk_pct"] == pytest.approx(50)
    nothing = talk_of(spoken(("?", 60), reason="it is not known"), 0, P.speech)
    assert talk_minute(nothing, 0, 60)["talk_coverage"] == 0.0


@pytest.mark.parametrize(("listening_s", "there"), [(7.6, False), (8.0, True)])
def test_less_than_eight_seconds_of_listening_give_no_figure(listening_s, there):
    one = talk(0, ("B", listening_s), ("A", 52))
    time = np.arange(300) / 5
    states = np.where(np.arange(300) % 2, YES, NO)
    found = share_while(time, states, YES, one, (0.0, 60.0), P)
    assert np.isfinite(found["listening_pct"]) == there
    assert found["speaking_pct"] == pytest.approx(50, abs=1)


def test_a_state_that_was_mostly_not_measured_gives_no_figure():
    one = talk(0, ("B", 30), ("A", 30))
    time = np.arange(300) / 5
    states = np.where(time < 16, UNKNOWN, YES).astype(np.int8)
    found = share_while(time, states, YES, one, (0.0, 60.0), P)
    assert np.isnan(found["listening_pct"]) and found["speaking_pct"] == 100
