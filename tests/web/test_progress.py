"""The band inside which a change between sessions is no finding."""

from datetime import date

import numpy as np
import pytest

from cues.web.progress import (
    LEAST_MINUTES,
    LINES,
    Figure,
    Gap,
    band,
    gap_chart,
    measured_figure,
    point_of,
    progress_chart,
)

DAY = date(2026, 11, 1)


def point(values, day=1):
    return point_of("a" * 32, f"Session {day}", DAY.replace(day=day), [{"x": v} for v in values], "x")


def test_a_session_with_few_measured_minutes_has_no_point():
    assert point([50.0] * (LEAST_MINUTES - 1) + [None] * 20) is None
    found = point([40.0, 60.0] * 4 + [None] * 3)
    assert (found.value, found.minutes) == (50.0, 8)
    assert found.error == pytest.approx(np.std([40, 60] * 4, ddof=1) / np.sqrt(8))


def test_two_sessions_in_which_nothing_differs_lie_inside_the_band_in_19_of_20_pairs():
    rng = np.random.default_rng(1)
    outside = 0
    for _ in range(2000):
        first, second = (point(list(np.clip(rng.normal(50, 12, 20), 0, 100)), day) for day in (1, 2))
        outside += abs(first.value - second.value) > band([first, second])
    assert 0.03 < outside / 2000 < 0.08


def test_one_session_has_no_band_and_the_chart_of_two_tells_what_it_shows():
    first, second = point([40.0, 60.0] * 5, 1), point([45.0, 65.0] * 5, 8)
    assert band([first]) is None
    drawn = progress_chart(LINES[0], [second, first])
    assert drawn["description"] == "Eye contact over 2 sessions"
    assert len(drawn["layer"]) == 3


@pytest.mark.parametrize(
    ("cue", "figure"),
    [
        ({"figures": {"smile_pct": 12.5, "smile_pct_low": 10.0, "smile_pct_high": 15.0}}, Figure(12.5, 10.0, 15.0)),
        ({"figures": {"smile_pct": 0.0}}, Figure(0.0, 0.0, 0.0)),  # none is a figure
        ({"figures": None, "while_shown": {"smile_pct": 8.0}}, Figure(8.0, 8.0, 8.0)),
        ({"figures": None, "why": "Too dark."}, None),
        ({"figures": {"smile_pct": None}}, None),
    ],
)
def test_a_guess_is_held_against_the_figure_that_the_report_tells(cue, figure):
    client = {"role": "client", "cues": {"smile": {"figures": {"smile_pct": 99.0}}}}
    summary = {"people": [client, {"role": "trainee", "cues": {"smile": cue}}]}
    assert measured_figure(summary, "smile_pct") == figure


def test_the_chart_of_guesses_has_the_interval_and_says_what_could_not_be_measured():
    gaps = [
        Gap("Second", DAY.replace(day=2), 70.0, Figure(45.0, 38.0, 52.0)),
        Gap("First", DAY, 30.0, None),
    ]
    chart = gap_chart(LINES[0], gaps)
    [rows] = [one["data"]["values"] for one in chart["layer"] if one["mark"]["type"] == "point"]
    assert [row["told"] for row in rows] == ["could not be measured", "45 % (38–52)"]
    assert [(row["guessed"], row["low"], row["high"]) for row in rows] == [(30.0, None, None), (70.0, 38.0, 52.0)]
