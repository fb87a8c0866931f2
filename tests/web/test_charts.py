"""Every chart is in Vega-Lite's grammar and can be sent: Altair, without which they are drawn, looks at them here."""

import json
from datetime import date

import altair as alt
import pytest
from jsonschema import ValidationError

from cues.corrections import Corrections
from cues.metrics.session import measure_session
from cues.parameters import Parameters
from cues.web.charts import SHARED_SMILES, minute_chart, panels, review_strips, strips, with_shared_smiles
from cues.web.evidence import gaze_chart, lean_chart
from cues.web.progress import LINES, Figure, Gap, Point, gap_chart, progress_chart
from tests.made_session import made_session

INK = "#24282D"
DAY = date(2026, 11, 20)


@pytest.fixture(scope="module", params=[3.0, 35.0])
def metrics(request):
    """With figures above the bars, and of several strips."""
    return measure_session(made_session(minutes=request.param).observations, Corrections(), Parameters())


def looked_at(chart):
    json.dumps(chart, allow_nan=False)
    alt.LayerChart.from_dict(chart)
    return len(chart["layer"])


def test_a_mistake_in_a_chart_would_be_found(metrics):
    chart = lean_chart(metrics, 0, INK)
    chart["layer"][0]["encoding"]["x"]["axis"] = {"noSuchWord": 1}
    with pytest.raises(ValidationError):
        looked_at(chart)


def test_minutes_and_the_whole_session(metrics):
    summary, minutes = metrics.summary, with_shared_smiles(metrics.minutes.to_pylist())
    for person in summary["people"]:
        rows = [row for row in minutes if row["person"] == person["person"]]
        for panel in [*panels(person, summary["setup"]), SHARED_SMILES]:
            looked_at(minute_chart(rows, panel, "Trainee", INK, (40.0, 70.0)))
            missing = [row | {panel.figure: None} for row in rows]
            assert looked_at(minute_chart(missing, panel, "Trainee", INK)) >= 3
    drawn = strips(summary, minutes, metrics.episodes.to_pylist())
    assert len(drawn) == (1 if summary["duration_s"] < 900 else 3)
    assert all(looked_at(strip) >= 2 for strip in drawn)


def test_what_figures_stand_on(metrics):
    assert looked_at(lean_chart(metrics, 0, INK)) == 2
    assert looked_at(gaze_chart(metrics, 0, INK, [(3.0, -7.0), (20.0, 0.0)])) == 4
    assert looked_at(gaze_chart(metrics, 0, INK)) >= 2


def test_sessions_and_reviewers():
    points = [Point("a", "First", DAY, 50.0, 2.0, 10), Point("b", "Second", DAY.replace(day=21), 60.0, 2.0, 9)]
    assert looked_at(progress_chart(LINES[0], points)) == 3
    gaps = [Gap("First", DAY, 40.0, Figure(50.0, 45.0, 55.0)), Gap("Second", DAY, 40.0, None)]
    assert looked_at(gap_chart(LINES[0], gaps)) == 4
    rows = [{"view": "tool", "start": 1.0, "end": 30.0}, {"view": "Eva", "start": 2.0, "end": 31.0}]
    assert looked_at(review_strips(rows, ["tool", "Eva"], "Smiling", 60.0)) == 1
