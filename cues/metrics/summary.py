"""What session.json says of a session: figures with their coverage, or why there are none; flags; versions.

Figures of a session carry their coverage and their measurement interval, and exist only where enough minutes could be
measured (METHOD 5.1). Whoever was out of the layout for part of the recording (speaker view) has no figure for the
whole session: what was measured is then named `while_shown`, because people are mostly shown while they talk.
"""

from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa

from cues.corrections import Corrected, Corrections, corrections_to_json
from cues.metrics.eye_contact import HEAD_ONLY, EyeContact
from cues.metrics.eye_contact_minutes import eye_contact_intervals
from cues.metrics.forward_lean import LEAN_FLAGS, lean_intervals, lean_summary
from cues.metrics.gaze_target import CONFIDENT
from cues.metrics.minutes import (
    EYE_CONTACT,
    FACING,
    LEAN,
    MIRRORING,
    TALK,
    Cue,
    Measured,
    cue_cells,
    rounded,
    sentence,
    session_flags,
    too_wide,
    with_interval,
)
from cues.metrics.mirroring import Mirroring
from cues.metrics.quality import FLAGS
from cues.metrics.speaking import Speaking
from cues.metrics.turns import gaze_at_turn_ends
from cues.parameters import Parameters

SCHEMA_VERSION = 2  # 2: who speaks

SETUP_WORDS = {
    "single": "one person at a camera",
    "split_screen": "a recorded call",
    "shared_room": "two people in one room",
    "two_files": "two files of one conversation",
}

FLAG_WORDS: dict[str, str] = {code: sentence(words) for code, words in {**FLAGS, **LEAN_FLAGS}.items()}
"""Every flag's machine code -> a sentence."""


def session_summary(
    corrected: Corrected,
    corrections: Corrections,
    measured: Measured,
    minutes: pa.Table,
    parameters: Parameters,
) -> dict[str, Any]:
    """The content of session.json, with plain types only. minutes: as `minutes_table` makes it."""
    facts = corrected.observations.facts
    rows = minutes.to_pylist()
    people = [
        _person_summary(entry, corrected, measured, [r for r in rows if r["person"] == entry["person"]], parameters)
        for entry in facts.people
    ]
    summary = {
        "schema": SCHEMA_VERSION,
        "setup": facts.setup,
        "duration_s": facts.duration_s,
        "rate_hz": facts.rate_hz,
        "minutes": len({row["minute"] for row in rows}),
        "videos": facts.videos,
        "people": people,
        "left_out": facts.left_out,
        "stretches": facts.stretches,
        "alignment": facts.alignment,
        "notes": facts.notes,
        "speaking": _speaking_summary(measured.speaking),
        "quality_flags": _flags(measured, facts.duration_s, parameters),
        "corrections": corrections_to_json(corrections)["corrections"],
        "parameters": asdict(parameters),
        "versions": {
            "results_schema": SCHEMA_VERSION,
            "observations_schema": facts.schema,
            "software": facts.software,
            "models": facts.models,
        },
    }
    if measured.mirroring is not None:
        summary["facial_mirroring"] = _mirroring_summary(measured, measured.mirroring, corrected.roles, parameters)
    return _for_json(summary)


def _person_summary(
    entry: dict[str, Any],
    corrected: Corrected,
    measured: Measured,
    rows: list[dict[str, Any]],
    parameters: Parameters,
) -> dict[str, Any]:
    person, duration = entry["person"], corrected.observations.facts.duration_s
    eyes, lean = measured.eye_contact[person], measured.lean[person]
    shown = float(measured.shown[person].mean())
    whole = np.array([0.0, duration])
    bars = {**eye_contact_intervals(eyes, whole, parameters), **lean_intervals(lean, whole, parameters)}
    cues = {}
    for cue, cells, reason in cue_cells(measured, person, 0.0, duration, parameters):
        if cue is MIRRORING:  # claimed of the two together
            continue
        if cue is LEAN:
            cells |= dict(lean_summary(lean, 0.0, duration, parameters))
        cells |= {name: float(values[0]) for name, values in bars.items() if name.startswith(cue.prefixes)}
        if cue is EYE_CONTACT and eyes.state == CONFIDENT:
            share, ends = gaze_at_turn_ends(eyes, measured.talk[person], parameters.speech)
            cells |= {"eye_contact_turn_end_pct": share, "eye_contact_turn_ends": ends}
        if cue is FACING and eyes.method != HEAD_ONLY:
            continue
        heard = cue is TALK  # also of somebody who is not in the picture
        cues[cue.name] = _cue_summary(cue, cells, reason, rows, 1.0 if heard else shown, parameters)
    cues["eye_contact"] |= {"state": eyes.state if eyes.method != HEAD_ONLY else "not_measurable"}
    cues["lean"] |= {"state": ("not_measurable", "degraded", "good")[lean.quality]}
    return {
        **entry,
        "role": corrected.roles[person],
        "role_guessed": corrected.role_guessed,
        "shown_share": round(shown, 3),
        "target": _target(eyes, person in corrected.targets),
        "candidates": [asdict(candidate) for candidate in eyes.candidates],
        "cues": cues,
        "flags": session_flags(measured, person),
    }


def _speaking_summary(speaking: Speaking) -> dict[str, Any]:
    """How it is known who speaks, and why it is not; shares (0-1) of the session's time and of its speech. channels:
    those with a voice of their own, from 0, and whose it is: null where that is not known, -1 somebody not measured."""
    return {
        "by": speaking.by or None,
        "channels": [{"channel": channel, "person": person} for channel, person in speaking.channels.items()],
        "why": sentence(speaking.reason) or None,
        "heard_share": round(float(speaking.heard.mean()), 3) if len(speaking.heard) else None,
        "attributed_share": round(speaking.attributed, 3),
    }


def _target(eyes: EyeContact, named: bool) -> dict[str, Any] | None:
    if eyes.target is None:
        return None
    h, v = eyes.target
    return {
        "h": h,
        "v": v,
        "named_by_a_person": named,
        "method": eyes.method,
        "sigma_deg": eyes.sigma_deg,
        "theta_in_deg": eyes.theta_in_deg,
        "separation_deg": eyes.separation_deg,
        "smile_shift_deg": eyes.smile_shift_deg,
    }


def _cue_summary(
    cue: Cue,
    cells: dict[str, Any],
    reason: str,
    rows: list[dict[str, Any]],
    shown: float,
    parameters: Parameters,
) -> dict[str, Any]:
    """One cue of one person over the session: figures with their coverage, or why there are none."""
    quality = parameters.quality
    told_elsewhere = ("_state", "_valid_minutes")
    figures = {name: rounded(name, value) for name, value in cells.items() if not name.endswith(told_elsewhere)}
    coverage = figures.pop(cue.coverage)
    valid = sum(row.get(cue.figure) is not None for row in rows)
    why = reason
    if not why and valid < quality.min_valid_minutes:
        why = (
            f"Measured minutes: {valid} of {len(rows)}; "
            f"a figure for the whole session needs {quality.min_valid_minutes}."
        )
    if not why and figures[cue.figure] is None:
        why = f"Measured in only {100 * (coverage or 0):.0f} % of the session."
    figures, width = with_interval(cue, figures)
    if not why and width > quality.interval_drop_pp:
        why = too_wide(width)
    found: dict[str, Any] = {
        "coverage": coverage,
        "valid_minutes": valid,
        "why": why or None,
        "figures": None,
    }
    if not why and 1 - shown > quality.hidden_share_max:
        found["while_shown"] = figures
        found["why"] = (
            f"In the picture for {100 * shown:.0f} % of the recording only: the figures are of that time, "
            "there is none for the whole session."
        )
    elif not why:
        found["figures"] = figures
    return found


def _mirroring_summary(
    measured: Measured, mirroring: Mirroring, roles: dict[int, str], parameters: Parameters
) -> dict[str, Any]:
    """What is claimed of two people's shared smiles: counts beside chance, the session's test, who leads."""
    chance = mirroring.expected_by_chance
    leads = ((mirroring.first, chance.first_leads), (mirroring.second, chance.second_leads))
    shown = min(float(shown.mean()) for shown in measured.shown.values())
    hidden = 1 - shown > parameters.quality.hidden_share_max
    why = mirroring.reason
    if why is None and hidden:
        why = f"Both were not in the picture all the time (one for {100 * shown:.0f} % only)."
    test = mirroring.session
    return {
        "why": sentence(why or "") or None,
        "session": None if test is None or hidden else asdict(test),
        "shared_smiles": {
            "mirrored": mirroring.count("mirrored"),
            "simultaneous": mirroring.count("simultaneous"),
            "joined": mirroring.count("joined"),
            "expected_by_chance": rounded("shared_smiles_expected", chance.mirrored + chance.simultaneous),
            "p": chance.p,
            "shifts": chance.shifts,
        },
        "by_leader": [
            {
                "person": person,
                "role": roles[person],
                "mirrored": mirroring.count("mirrored", person),
                "expected_by_chance": rounded("shared_smiles_expected", expected),
            }
            for person, expected in leads
        ],
        "latency_s": rounded("latency_s", mirroring.latency_s),
        "latency_iqr_s": [rounded("latency_s", value) for value in mirroring.latency_iqr_s],
        "leader": asdict(mirroring.leader),
        "minutes_that_stand_out": [minute.minute for minute in mirroring.minutes if minute.stands_out],
        "flags": mirroring.flags,
    }


def _flags(measured: Measured, duration_s: float, parameters: Parameters) -> list[dict[str, Any]]:
    """Every flag once per person and cue, with its sentence; person and cue are null where it is the
    session's."""
    found: list[tuple[str, int | None, str | None]] = []
    if duration_s < parameters.sampling.short_s:
        found.append(("SHORT", None, None))
    if not measured.speaking.measurable:
        found.append(("NO_SPEECH_ATTR", None, None))
    if measured.mirroring is not None:
        found += [(code, None, "facial_mirroring") for code in measured.mirroring.flags]
    for person in measured.people:
        if not measured.shown[person].all():
            found.append(("WHILE_SHOWN", person, None))
        flags = {
            "eye_contact": measured.eye_contact[person].flags,
            "lean": measured.lean[person].flags,
            "smile": measured.smiles[person].flags,
        }
        found += [(code, person, cue) for cue, codes in flags.items() for code in codes]
    return [
        {"code": code, "words": FLAG_WORDS[code], "person": person, "cue": cue}
        for code, person, cue in dict.fromkeys(found)
        if not (code == "SHORT" and cue)
    ]


def _for_json(value: Any) -> Any:
    """The same with plain types only: NaN and infinity become None, numpy numbers and tuples plain ones."""
    if isinstance(value, dict):
        return {str(key): _for_json(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_for_json(entry) for entry in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def flags_by_words(summary: dict[str, Any]) -> dict[str, list[str]]:
    """What limits a session's figures: the words of each quality flag once, with whom or what it concerns ("" for the
    whole session), from session.json's content."""
    roles = {person["person"]: person["role"].capitalize() for person in summary["people"]}
    said: dict[str, list[str]] = {}
    for flag in summary["quality_flags"]:
        who = roles.get(flag["person"], "Shared smiles" if flag["cue"] == "facial_mirroring" else "")
        if who not in said.setdefault(flag["words"], []):
            said[flag["words"]].append(who)
    return said
