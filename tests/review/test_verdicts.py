"""Verdicts stay with their episodes; the figures change only where a verdict says so."""

import numpy as np
import pytest

from cues.corrections import Corrections
from cues.metrics.session import SessionMetrics, measure_session
from cues.parameters import Parameters
from cues.review.figures import FIGURES, reviewed_minutes, reviewed_session
from cues.review.verdicts import ADD, ADJUST, AGREE, DISAGREE, WITHDRAW, Verdict, attach, reviewed_episodes
from tests.made_session import made_session

EPISODES = [
    {"start": 10.0, "end": 20.0, "person": 0, "role": "trainee", "cue": "smile", "kind": "smile", "strength": 0.5},
    {"start": 30.0, "end": 40.0, "person": 0, "role": "trainee", "cue": "smile", "kind": "smile", "strength": 0.7},
    {"start": 10.0, "end": 20.0, "person": 1, "role": "client", "cue": "smile", "kind": "smile", "strength": 0.7},
]


def said(word, start, end, *new, person=0):
    return Verdict(word, person, "smile", "smile", start, end, *new)


@pytest.mark.parametrize(
    ("verdict", "index"),
    [
        (said(DISAGREE, 10.0, 20.0), 0),
        (said(DISAGREE, 12.0, 22.0), 0),  # 8 of 12 s in common
        (said(DISAGREE, 10.0, 15.0), 0),  # exactly half
        (said(DISAGREE, 10.0, 14.9), None),
        (said(DISAGREE, 50.0, 60.0), None),
        (said(DISAGREE, 10.0, 20.0, person=1), 2),
    ],
)
def test_a_verdict_belongs_to_the_episode_that_it_overlaps_by_half_or_more(verdict, index):
    attached = attach([verdict], EPISODES)
    assert attached.of == ({} if index is None else {index: verdict})
    assert attached.detached == ((verdict,) if index is None else ())


def test_the_last_verdict_counts_and_one_that_is_withdrawn_is_none():
    agree, disagree = said(AGREE, 10.0, 20.0), said(DISAGREE, 10.0, 20.0)
    assert attach([agree, disagree], EPISODES).of == {0: disagree}
    assert attach([agree, said(WITHDRAW, 10.0, 20.0)], EPISODES).of == {}
    added = said(ADD, 70.0, 75.0)
    assert attach([added, added], EPISODES).added == (added,)
    assert attach([added, said(WITHDRAW, 70.0, 75.0)], EPISODES) == attach([], EPISODES)
    gone = [said(AGREE, 80.0, 85.0), said(DISAGREE, 80.0, 85.0)]
    assert attach(gone, EPISODES).detached == (gone[1],)


def test_episodes_as_a_reviewer_sees_them():
    verdicts = [
        said(DISAGREE, 10.0, 20.0),
        said(ADJUST, 30.0, 40.0, 31.5, 36.0),
        said(ADD, 5.0, 6.0),
        said(AGREE, 10.0, 20.0, person=1),
    ]
    seen = [(row["start"], row["end"], row["person"], row["strength"]) for row in reviewed_episodes(verdicts, EPISODES)]
    assert seen == [(5.0, 6.0, 0, None), (10.0, 20.0, 1, 0.7), (31.5, 36.0, 0, 0.7)]


@pytest.fixture(scope="module")
def session() -> SessionMetrics:
    return measure_session(made_session(minutes=4).observations, Corrections(), Parameters())


def figures(session, *verdicts):
    rows, episodes = session.minutes.to_pylist(), session.episodes.to_pylist()
    return reviewed_minutes(session.measured, rows, verdicts, episodes, Parameters())


def test_without_verdicts_and_with_agreement_alone_every_figure_is_the_tools(session):
    rows, episodes = session.minutes.to_pylist(), session.episodes.to_pylist()
    wanted = [[row.get(f.column) for f in FIGURES] for row in rows]
    for verdicts in ([], [_about(e, AGREE) for e in episodes if e["kind"] in ("eye_contact", "smile")]):
        assert [[row[f.column] for f in FIGURES] for row in figures(session, *verdicts)] == wanted
        duration = session.corrected.observations.facts.duration_s
        assert reviewed_session(session.measured, duration, verdicts, episodes, Parameters()) == []


@pytest.mark.parametrize(
    ("cue", "kind", "column"), [("eye_contact", "eye_contact", "eye_contact_pct"), ("smile", "smile", "smile_pct")]
)
def test_a_verdict_changes_the_figure_of_its_minutes_by_its_seconds_and_no_other(session, cue, kind, column):
    rows, episodes = session.minutes.to_pylist(), session.episodes.to_pylist()
    of_kind = [e for e in episodes if (e["person"], e["cue"], e["kind"]) == (0, cue, kind)]
    longest = max((e for e in of_kind if e["start"] // 60 == e["end"] // 60), key=lambda e: e["end"] - e["start"])
    minute = int(longest["start"] // 60) + 1
    seconds = longest["end"] - longest["start"]
    assert seconds > 1
    half = (longest["start"], longest["start"] + seconds / 2)
    for verdict, lost in ((_about(longest, DISAGREE), seconds), (_about(longest, ADJUST, *half), seconds / 2)):
        for before, after in zip(rows, figures(session, verdict), strict=True):
            if (before["minute"], before["person"]) == (minute, 0):
                assert after[column] == pytest.approx(before[column] - 100 * lost / 60, abs=1.0)
                assert after[column] < before[column]
            else:
                assert after[column] == before.get(column)


def test_a_stretch_that_was_added_counts_also_where_nothing_could_be_told(session):
    states = session.measured.smiles[0].states
    assert (states[:100] != 1).any()
    added = Verdict(ADD, 0, "smile", "smile", 0.0, 60.0)
    [first] = [row for row in figures(session, added) if (row["minute"], row["person"]) == (1, 0)]
    assert first["smile_pct"] == 100.0
    duration = session.corrected.observations.facts.duration_s
    [whole] = reviewed_session(session.measured, duration, [added], session.episodes.to_pylist(), Parameters())
    assert whole["column"] == "smile_pct"
    assert whole["reviewed"] > whole["tool"]
    assert np.isfinite(whole["tool"])


def _about(episode, word, *new):
    return Verdict(word, *(episode[name] for name in ("person", "cue", "kind", "start", "end")), *new)
