"""What is drawn on the picture of the recording: faces, where gaze points, shoulders, the partner's zone.

Pixels of the upright frame and seconds of the session's clock, a minute at a time: an hour of two people at once would
be megabytes. A ray is the gaze seen from the lens: as short as a point when it goes into the lens, RAY face heights
when it goes straight aside. The partner's zone is drawn in the same way, so a ray that ends in it is eye contact.
"""

from collections.abc import Collection
from typing import Any

import numpy as np

from cues.metrics.episodes import YES
from cues.metrics.eye_contact import HEAD_ONLY
from cues.metrics.gaze_target import CONFIDENT, NOT_SEPARABLE
from cues.metrics.session import SessionCues

MINUTE_S = 60.0
RAY = 3.0
"""Length of a ray that goes straight aside, in heights of the face."""
_VISIBLE = 0.5  # a shoulder outside the picture is a guess of the network


def overlay(metrics: SessionCues, minute: int, left_out: Collection[str] = ()) -> dict[str, Any]:
    """The overlay of one minute (from 0) for each person, trainee first; without what belongs to cues `left_out`.

    faces: [time, x, y, w, h] of the mesh. rays: [time, x, y, dx, dy, contact] from between the irises (contact: 1 yes,
    0 no, -1 not known). zone: [dx, dy, radius] of the partner's place in face heights, null where it is not settled,
    and in a room, where it moves with the partner.
    shoulders: [time, x, y, x, y], about once a second.
    """
    corrected = metrics.corrected
    facts, roles = corrected.observations.facts, corrected.roles
    people = []
    for person in sorted(metrics.measured.people, key=lambda p: roles[p] != "trainee"):
        columns = corrected.observations.person(person)
        rows = np.flatnonzero((columns["time"] >= MINUTE_S * minute) & (columns["time"] < MINUTE_S * (minute + 1)))
        part = {name: values[rows] for name, values in columns.items()}
        drawn = {"person": person, "role": roles[person], "file": facts.file_of(person), "faces": _faces(part)}
        if "eye_contact" not in left_out:
            drawn |= _gaze(metrics, person, part, rows)
        if "forward_lean" not in left_out:
            drawn["shoulders"] = _shoulders(part)
        people.append(drawn)
    sizes = [[video["width"], video["height"]] for video in facts.videos]
    return {"sizes": sizes, "people": people}


def _faces(part: dict[str, np.ndarray]) -> list[list[float]]:
    table = np.stack([part[name] for name in ("time", "box_x", "box_y", "box_w", "box_h")], 1)
    return _whole(table)


def _gaze(metrics: SessionCues, person: int, part: dict[str, np.ndarray], rows: np.ndarray) -> dict[str, Any]:
    eyes = metrics.measured.eye_contact[person]
    height = part["box_h"]
    x, y = (np.mean([part[f"iris_{side}_{axis}"] for side in ("left", "right")], 0) for axis in "xy")
    in_room = metrics.corrected.observations.facts.setup == "shared_room"
    angles = eyes.u[rows]
    if in_room:  # there u is counted from the partner's face, not from the lens
        names = ("head_yaw", "head_pitch") if eyes.method == HEAD_ONLY else ("gaze_h", "gaze_v")
        angles = np.stack([part[name] for name in names], 1)
    u = np.where(eyes.measured[rows, None], angles, np.nan)
    ray = RAY * height[:, None] * _from_lens(u)
    settled = eyes.state in (CONFIDENT, NOT_SEPARABLE) and eyes.target is not None
    contact = eyes.states[rows] if settled else np.full(len(rows), -1)
    contact = np.where(contact == YES, 1, np.where(contact < 0, -1, 0))
    table = np.column_stack([part["time"], x, y, ray[:, 0], ray[:, 1], contact])
    zone = None
    if settled and eyes.target is not None and not in_room:
        place = RAY * _from_lens(np.array([eyes.target]))[0]
        zone = [round(float(v), 3) for v in (*place, RAY * np.sin(np.radians(eyes.theta_in_deg)))]
    return {"rays": _whole(table), "zone": zone}


def _from_lens(angles: np.ndarray) -> np.ndarray:
    """Azimuth and elevation [deg] (n, 2) as a lens that is looked at from there sees them: right and down, of length 1
    at 90 degrees."""
    h, v = np.radians(angles).T
    return np.stack([np.sin(h) * np.cos(v), -np.sin(v)], 1)


def _shoulders(part: dict[str, np.ndarray]) -> list[list[float]]:
    names = [f"shoulder_{side}_{axis}" for side in ("left", "right") for axis in "xy"]
    seen = np.minimum(part["shoulder_left_visibility"], part["shoulder_right_visibility"]) >= _VISIBLE
    table = np.stack([part[name] for name in ("time", *names)], 1)[seen]
    return _whole(table)


def _whole(table: np.ndarray) -> list[list[float]]:
    """Rows without a missing value; times to hundredths, the rest to whole pixels."""
    table = table[np.isfinite(table).all(1)]
    return [[round(float(row[0]), 2), *(round(float(v)) for v in row[1:])] for row in table]
