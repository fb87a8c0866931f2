"""What the timeline beside the video draws: the cues of a session as stretches of time, ready for JSON.

Everything is on the session's clock, seconds, 0 where the player's currentTime is 0. Missing is a stretch of its own,
never a low value. An hour of two people is about 300 kB, a tenth of that when compressed.
"""

from collections.abc import Collection
from typing import Any

import numpy as np

from cues.library.sessions import CUES
from cues.metrics.episodes import UNKNOWN, Episode, runs
from cues.metrics.gaze_target import CONFIDENT, NOT_SEPARABLE
from cues.metrics.minutes import Measured
from cues.metrics.session import SessionCues
from cues.metrics.shared_smiles import SharedSmile

LEAN_HZ = 5.0
"""Points of the curve a second; the distance behind it is a running median over a second."""


def timeline(metrics: SessionCues, left_out: Collection[str] = ()) -> dict[str, Any]:
    """Lanes of each person, trainee first, and the shared smiles; without the cues in `left_out` (words of
    `cues.library.sessions.CUES`)."""
    measured, roles = metrics.measured, metrics.corrected.roles
    facts = metrics.corrected.observations.facts
    people = []
    for person in sorted(measured.people, key=lambda p: roles[p] != "trainee"):
        lanes: dict[str, Any] = {"person": person, "role": roles[person]}
        if measured.speaking.measurable and not set(CUES) <= set(left_out):  # with all left out, nothing is shown
            talk = measured.talk[person]
            lanes["speech"] = {
                "episodes": [_stretch(e) for e in talk.episodes],
                "unknown": _unknown(talk.time, talk.states, facts.duration_s),
            }
        if "eye_contact" not in left_out:
            lanes["eye_contact"] = _eye_contact(measured, person)
        if "forward_lean" not in left_out:
            lanes["forward_lean"] = _lean(measured, person, facts.duration_s)
        if "facial_mirroring" not in left_out:
            smiles = measured.smiles[person]
            lanes["smiles"] = {
                "episodes": [_stretch(e) for e in smiles.events],
                "unknown": _unknown(smiles.time, smiles.states, facts.duration_s),
            }
        people.append(lanes)
    shared = measured.mirroring.events if measured.mirroring and "facial_mirroring" not in left_out else []
    return {"duration": facts.duration_s, "people": people, "shared_smiles": [_shared(e) for e in shared]}


def _eye_contact(measured: Measured, person: int) -> dict[str, Any]:
    """`known` is false where the partner's place is not: then nothing is drawn as contact, and the lane says why."""
    eyes, end = measured.eye_contact[person], _end(measured)
    known = eyes.state in (CONFIDENT, NOT_SEPARABLE)
    return {
        "known": known,
        "why": "" if known else eyes.reason,
        "method": eyes.method,
        "episodes": [_stretch(e) for e in eyes.episodes] if known else [],
        "unknown": _unknown(eyes.time, eyes.states, end) if known else [[0.0, end]],
    }


def _lean(measured: Measured, person: int, end: float) -> dict[str, Any]:
    """The curve in millimetres, null where unknown, from time 0 on at `rate` points a second."""
    lean = measured.lean[person]
    wanted = np.arange(0, end, 1 / LEAN_HZ)
    at = np.clip(np.searchsorted(lean.time, wanted - 1e-6), 0, max(len(lean.time) - 1, 0))
    curve = lean.lean_cm[at] if len(lean.time) else np.full(len(wanted), np.nan)
    return {
        "rate": LEAN_HZ,
        "mm": [None if np.isnan(v) else int(round(10 * float(v))) for v in curve],
        "episodes": [{**_stretch(e), "kind": e.kind, "cm": round(float(e.strength), 1)} for e in lean.episodes],
        "unknown": _unknown(lean.time, lean.states, end),
    }


def _stretch(episode: Episode) -> dict[str, Any]:
    return {"start": round(float(episode.start), 2), "end": round(float(episode.end), 2)}


def _shared(event: SharedSmile) -> dict[str, Any]:
    return {
        "leader": event.leader,
        "follower": event.follower,
        "from": round(float(event.onset_leader), 2),
        "to": round(float(event.onset_follower), 2),
    }


def _unknown(time: np.ndarray, states: np.ndarray, end: float) -> list[list[float]]:
    """Stretches [start, end] in which nobody can tell; before the first sample and after the last as well."""
    if len(time) == 0:
        return [[0.0, end]]
    bounds = np.append(time, end)
    found = [[round(float(bounds[a]), 2), round(float(bounds[b]), 2)] for a, b, s in runs(states) if s == UNKNOWN]
    return ([[0.0, round(float(time[0]), 2)]] if time[0] > 1.0 else []) + found


def _end(measured: Measured) -> float:
    return float(measured.time[-1]) if len(measured.time) else 0.0
