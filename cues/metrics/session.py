"""A whole session: everything right of the observations table, in under a second for an hour of two people.

`measure_session` applies the corrections, measures every cue, and makes the tables and the summary (`summary`) that a
session's folder holds.

Nothing here is rounded except for the files, and nothing is a score.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from cues.corrections import Corrected, Corrections, apply_corrections
from cues.metrics.eye_contact import measure_eye_contact
from cues.metrics.eye_contact_minutes import mutual_gaze_episodes
from cues.metrics.forward_lean import measure_lean
from cues.metrics.gaze_target import CONFIDENT, NOT_SEPARABLE
from cues.metrics.minutes import (
    Measured,
    minutes_table,
    rounded,
)
from cues.metrics.mirroring import Mirroring, measure_mirroring
from cues.metrics.quality import frame_quality
from cues.metrics.smiles import smile_series
from cues.metrics.speaking import Speaking, at_times, who_speaks
from cues.metrics.summary import session_summary
from cues.metrics.turns import talk_of
from cues.observations import Observations
from cues.parameters import Parameters

EPISODES = pa.schema(
    [("start", pa.float64()), ("end", pa.float64()), ("person", pa.int64()), ("role", pa.string())]
    + [("cue", pa.string()), ("kind", pa.string()), ("strength", pa.float64())]
)

SPEAKING = pa.schema(
    [("time", pa.float32()), ("person", pa.int8()), ("speaking", pa.int8()), ("probability", pa.float32())]
)
"""Sorted by person, time. time: start of 100 ms [s]; person: -1 for somebody who was not measured; speaking: 1 yes, 0
no, -1 cannot tell; probability 0-1, NaN where nothing was heard in the whole session."""


@dataclass(frozen=True)
class SessionCues:
    """The cues of a session over time. measured: series, states and events. corrected: observations and roles."""

    corrected: Corrected
    measured: Measured


@dataclass(frozen=True)
class SessionMetrics(SessionCues):
    """Everything that is known of a session.

    minutes: one row per person and minute (`cues.metrics.minutes`). speaking: who speaks, every 100 ms, columns of
    `SPEAKING`. episodes: columns of `EPISODES`, by
    start; for cue facial_mirroring the person is the one who followed, start is the leader's onset, strength
    the delay [s] (so that start + strength is the follower's onset), end the end of the follower's smile.
    summary: what session.json holds, ready for JSON.
    """

    minutes: pa.Table
    episodes: pa.Table
    speaking: pa.Table
    summary: dict[str, Any]


def measure_cues(observations: Observations, corrections: Corrections, parameters: Parameters) -> SessionCues:
    """The cues alone, in three quarters of the time of `measure_session`; what it says of missing observations and
    corrections holds here, too."""
    corrected = apply_corrections(observations, corrections)
    return SessionCues(corrected, _measure_cues(corrected, parameters))


def measure_session(observations: Observations, corrections: Corrections, parameters: Parameters) -> SessionMetrics:
    """All cues of a session, its minutes, its episodes and its summary.

    Missing observations make coverage smaller and never a zero. Raises ParameterError when a correction does
    not fit the recording.
    """
    cues = measure_cues(observations, corrections, parameters)
    corrected, measured = cues.corrected, cues.measured
    facts = corrected.observations.facts
    minutes = minutes_table(measured, corrected.roles, facts.duration_s, parameters)
    episodes = _episodes_table(measured, corrected.roles)
    summary = session_summary(corrected, corrections, measured, minutes, parameters)
    return SessionMetrics(corrected, measured, minutes, episodes, _speaking_table(measured.speaking), summary)


def _measure_cues(corrected: Corrected, parameters: Parameters) -> Measured:
    observations = corrected.observations
    people = observations.people
    partner = dict(zip(people, reversed(people), strict=True)) if len(people) == 2 else dict.fromkeys(people)
    time, duration = observations.time, observations.facts.duration_s
    speaking = who_speaks(observations, parameters, corrected.voices)
    eye_contact, lean, smiles, talk = {}, {}, {}, {}
    for person in people:
        rows = observations.person(person)
        talk[person] = talk_of(speaking, person, parameters.speech)
        said = at_times(speaking.time, talk[person].states, time) if speaking.measurable else None
        eye_contact[person] = measure_eye_contact(
            observations, person, partner[person], parameters, speaking=said, target=corrected.targets.get(person)
        )
        lean[person] = measure_lean(
            observations, person, partner[person], parameters, neutral=corrected.neutral.get(person)
        )
        quality = frame_quality(rows, parameters)
        smiles[person] = smile_series(rows, quality, time, duration, parameters, speaking=said)
    mirroring = None
    if len(people) == 2:
        setup = observations.facts.setup
        mirroring = measure_mirroring(smiles[people[0]], smiles[people[1]], duration, setup, parameters)
    shown = {person: observations.scene_of(person)["shown"] for person in people}
    together = []
    if mirroring is not None:
        together = mutual_gaze_episodes(eye_contact[people[0]], eye_contact[people[1]], parameters)
    return Measured(time, shown, eye_contact, lean, smiles, mirroring, together, speaking, talk)


def _speaking_table(speaking: Speaking) -> pa.Table:
    people = [*speaking.people, -1][:2]
    columns: dict[str, list[np.ndarray]] = {name: [] for name in SPEAKING.names}
    for place, person in enumerate(people):
        states = np.array([0, 1, 0, 1, -1] if place == 0 else [0, 0, 1, 1, -1], np.int8)[speaking.states]
        columns["time"].append(speaking.time.astype(np.float32))
        columns["person"].append(np.full(len(states), person, np.int8))
        columns["speaking"].append(states)
        columns["probability"].append(speaking.probability[:, place].astype(np.float32))
    return pa.table({name: np.concatenate(parts) for name, parts in columns.items()}, schema=SPEAKING)


def _episodes_table(measured: Measured, roles: dict[int, str]) -> pa.Table:
    rows: list[tuple[float, float, int, str, str, float]] = []
    for person in measured.people:
        eyes, lean = measured.eye_contact[person], measured.lean[person]
        found = [("forward_lean", e) for e in (*lean.episodes, *lean.trunk.episodes)]
        found += [("smile", e) for e in measured.smiles[person].events]
        found += [("talk", e) for e in measured.talk[person].episodes]
        if eyes.state in (CONFIDENT, NOT_SEPARABLE):  # otherwise nobody knows what the person looked at
            found += [("eye_contact", e) for e in (*eyes.episodes, *eyes.aways)]
        rows += [(e.start, e.end, person, cue, e.kind, e.strength) for cue, e in found]
    if measured.mirroring is not None:
        for e in measured.mutual_gaze:
            rows += [(e.start, e.end, person, "eye_contact", e.kind, e.strength) for person in measured.people]
        rows += _shared_smiles(measured, measured.mirroring)
    rows.sort(key=lambda row: (row[0], row[2], row[3], row[4], row[1]))
    columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True)) if rows else [()] * 6
    starts, ends, persons, cues, kinds, strengths = columns
    values = {
        "start": [round(float(t), 2) for t in starts],
        "end": [round(float(t), 2) for t in ends],
        "person": list(persons),
        "role": [roles[number] for number in persons],
        "cue": list(cues),
        "kind": list(kinds),
        "strength": [rounded("strength", float(s)) for s in strengths],
    }
    return pa.table(values, schema=EPISODES)


def _shared_smiles(measured: Measured, mirroring: Mirroring) -> list[tuple[float, float, int, str, str, float]]:
    ends = {p: {e.start: e.end for e in measured.smiles[p].events} for p in measured.people}
    return [
        (e.onset_leader, ends[e.follower][e.onset_follower], e.follower, "facial_mirroring", e.kind, e.delay)
        for e in mirroring.events
    ]
