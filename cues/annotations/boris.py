"""A project of BORIS (.boris): subjects, an ethogram of states, and an observation for each view.

The tool and each reviewer are an observation of their own with the same media, so that they can be watched, corrected
and compared there (inter-rater reliability). Comments are point events of the tool's observation. Times are seconds
with three digits; start and stop of a state are two events that follow one another. A second file is delayed by its
offset: at the session's time t it is shown at t - offset.
Source: the project files of BORIS 8.27.4 (project format 7.0). Everything is ASCII, because BORIS reads a project in
the encoding of its computer.
"""

import json
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cues.annotations.document import DAY_MS, MOST_BYTES, AnnotationError, Document, checked
from cues.annotations.views import (
    ANALYSIS,
    COMMENTS,
    SESSION,
    TOOL,
    Written,
    by_lane,
    clean,
    comments_of,
    laid,
    lanes_of,
    layers,
    subjects_of,
    unused,
    views_of,
)
from cues.export.content import Content
from cues.library.kept_tiers import Mark, Tier
from cues.review.verdicts import JUDGED

SUFFIX = ".boris"
_FORMAT = "7.0"
_PLAYERS = 8
_STATE, _POINT = "State event", "Point event"
_KEYS = {"eye_contact": "e", "forward": "f", "head_forward": "h", "back": "b", "smile": "s"}
"""Keys of the keyboard by which BORIS codes these; subjects have the first letter of their role."""
_DAMAGED = "This is no project of BORIS that can be read. Open it in BORIS and save it again."


def boris(content: Content) -> bytes:
    """The session as the text of a .boris file."""
    written = tiers_in_boris(content)
    observations = [TOOL, *(view.name for view in views_of(content)[1:])]
    observations += [t.tier.view for t in written if t.tier.view and t.tier.view not in observations]
    labels = {SESSION: content.session_id, ANALYSIS: content.analysis}
    categories = {row["kind"]: _words(row["cue"]) for row in content.episodes}
    categories |= {kind: _words(cue) for _, cue, kind in lanes_of(content).values()}
    behaviours = {kind: _behaviour(kind, _STATE, categories[kind]) for kind in categories}
    for one in written:
        point = one.tier.marks and all(end is None for _, end, _ in one.tier.marks)
        behaviours.setdefault(one.tier.name, _behaviour(one.tier.name, _POINT if point else _STATE))
    states = {name for name, one in behaviours.items() if one["type"] == _STATE}
    names = list(subjects_of(content).values())
    names += sorted({t.tier.subject for t in written} - {"", *names})
    project = {
        "time_format": "hh:mm:ss",
        "project_date": f"{content.held_on}T00:00:00",
        "project_name": clean(content.title),
        "project_description": (
            "What the tool and each reviewer see. Correct the observation of the tool or your own, and bring the file "
            "back."
        ),
        "project_format_version": _FORMAT,
        "subjects_conf": _numbered(_subject(name) for name in names),
        "behaviors_conf": _numbered(behaviours.values()),
        "observations": {
            name: _observation(content, labels, [t.tier for t in written if (t.tier.view or TOOL) == name], states)
            for name in dict.fromkeys(observations)
        },
        "behavioral_categories": sorted(set(categories.values())),
        "independent_variables": _numbered(
            {"label": label, "description": "", "type": "text", "default value": "", "possible values": ""}
            for label in labels
        ),
        "coding_map": {},
        "behaviors_coding_map": [],
        "converters": {},
    }
    return json.dumps(project, indent=1, allow_nan=False).encode("ascii")


def tiers_in_boris(content: Content) -> list[Written]:
    """The subjects, behaviours and events of this session's project; of a view all that it says, touched or not."""
    found: list[Written] = []
    subjects = subjects_of(content)
    for view in views_of(content):
        judged = view.reviewer is not None
        lanes = by_lane(r for r in view.episodes if not judged or (r["cue"], r["kind"]) in JUDGED)
        for (person, _, kind), rows in lanes.items():
            spans = laid([(row["start"], row["end"]) for row in rows])
            marks = tuple((start, end, "") for start, end in spans.values())
            found.append(Written(Tier("" if view.name == TOOL else view.name, subjects[person], kind, marks)))
    if said := comments_of(content):
        points: list[Mark] = [(round(1000 * start), None, text) for start, _, text in sorted(said)]
        found.append(Written(Tier("", "", COMMENTS, tuple(points))))
    taken = {written.tier.key for written in found} | {("", "", COMMENTS)}
    for tier in content.kept:
        where, subject, name = (clean(part).replace("|", "/") for part in tier.key)
        codes = {code for v, s, code in taken if (v, s) == (where, subject)}
        if not subject:
            codes.add(COMMENTS)
        for layer in layers(tier.marks):
            code = unused(name or "unnamed", codes)
            found.append(Written(Tier(where, subject, code, tuple(layer)), tier.key))
            taken.add((where, subject, code))
    return found


class _Read(BaseModel):
    """Other fields than those that are named are passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


_Text = Annotated[str, Field(max_length=20_000)]
_Name = Annotated[str, Field(max_length=300)]


class _Subject(_Read):
    name: _Name


class _Behaviour(_Read):
    type: _Name
    code: _Name


class _Event(_Read):
    time: float
    subject: _Name
    code: _Name
    modifier: _Text
    comment: _Text


class _Observation(_Read):
    type: _Name = "MEDIA"
    file: dict[str, list[_Text]] | list[Any] = {}
    offset: float = Field(0.0, alias="time offset")
    events: Annotated[list[list[Any]], Field(max_length=250_000)]
    labels: dict[str, Any] = Field({}, alias="independent_variables")


class _Project(_Read):
    version: _Name = Field(alias="project_format_version")
    subjects: Annotated[dict[str, _Subject], Field(alias="subjects_conf", max_length=500)]
    behaviours: Annotated[dict[str, _Behaviour], Field(alias="behaviors_conf", max_length=500)]
    observations: Annotated[dict[_Name, _Observation], Field(max_length=200)]


def read_boris(data: bytes) -> Document:
    """What a .boris file says. Raises AnnotationError. Modifiers and comments of a state become its text."""
    if len(data) > MOST_BYTES:
        raise AnnotationError(f"The file has more than {MOST_BYTES // 10**6} MB.")
    if data.startswith(b"\x1f\x8b"):
        raise AnnotationError("The project is compressed. Save it in BORIS without compression, or unpack it first.")
    try:
        project = _Project.model_validate(json.loads(data))
    except ValidationError as problem:
        if any(one["loc"] == ("project_format_version",) for one in problem.errors()):
            raise AnnotationError("The file has no version of a BORIS project in it. Save it with BORIS 8.") from None
        raise AnnotationError(_DAMAGED) from None
    except (ValueError, RecursionError):
        raise AnnotationError(_DAMAGED) from None
    if project.version.partition(".")[0] != _FORMAT.partition(".")[0]:
        raise AnnotationError(
            f"The project has version {project.version} of its format; {_FORMAT} is read here. Save it with BORIS 8."
        )
    types = {one.code: one.type for one in project.behaviours.values()}
    tiers: list[Tier] = []
    labels: dict[str, Any] = {}
    media: list[str] = []
    for name, observation in project.observations.items():
        if observation.offset and observation.events:
            raise AnnotationError(f"The observation “{name}” has a time offset. Set it to 0 in BORIS.")
        tiers += _tiers(name, observation, types)
        labels = {label: str(value)[:100] for label, value in observation.labels.items()} | labels
        files = observation.file.values() if isinstance(observation.file, dict) else ()
        media += [path.replace("\\", "/").rpartition("/")[2] for player in files for path in player]
    return checked(
        Document(
            "BORIS",
            labels.get(SESSION),
            labels.get(ANALYSIS),
            tuple(dict.fromkeys(media)),
            tuple(tiers),
            tuple("" if name == TOOL else name for name in project.observations),
            frozenset(subject.name for subject in project.subjects.values()),
            frozenset(code for code, kind in types.items() if _is_state(kind)),
        )
    )


def _tiers(name: str, observation: _Observation, types: dict[str, str]) -> list[Tier]:
    found: dict[tuple[str, str], list[Mark]] = {}
    begun: dict[tuple[str, str, str], tuple[int, str]] = {}
    for event in sorted((_event(name, row) for row in observation.events), key=lambda event: event.time):
        time, lane = round(1000 * event.time), (event.subject, event.code)
        marks, said = found.setdefault(lane, []), ", ".join(filter(None, (event.modifier, event.comment)))
        if not _is_state(types.get(event.code, _POINT)):
            marks.append((time, None, said))
            continue
        start, before = begun.pop((*lane, event.modifier), (None, ""))
        if start is None:
            begun[(*lane, event.modifier)] = time, said
        else:
            text = ", ".join(dict.fromkeys(filter(None, (before, said))))
            marks.append((start, time if time != start else None, text))
    for (subject, code, _), (start, _) in begun.items():
        about = f"“{code}” of {subject or 'no subject'} that begins at {start / 1000:.3f} s"
        raise AnnotationError(f"In the observation “{name}”, {about} does not end. Mend it in BORIS.")
    view = "" if name == TOOL else name
    return [Tier(view, subject, code, tuple(marks)) for (subject, code), marks in found.items()]


def _event(observation: str, row: list[Any]) -> _Event:
    padded = [*row[:5], *[""] * (5 - len(row))]
    try:
        event = _Event(**dict(zip(_Event.model_fields, padded, strict=True)))
    except ValidationError:
        raise AnnotationError(f"The observation “{observation}” has an event that cannot be read.") from None
    if not 0 <= event.time <= DAY_MS / 1000:
        raise AnnotationError(f"The observation “{observation}” has an event at {event.time:g} s.")
    return event


def _is_state(kind: str) -> bool:
    return kind.lower().startswith("state")


def _observation(content: Content, labels: dict[str, str], tiers: list[Tier], states: set[str]) -> dict[str, Any]:
    videos = content.summary["videos"]
    known = dict(zip(content.files, videos, strict=False))
    events = [
        (time / 1000, tier.subject, tier.name, "", clean(text, keep_lines=True), "NA")
        for tier in tiers
        for start, end, said in tier.marks
        for time, text in _ends(start, end, said, tier.name in states)
    ]
    duration = content.summary["duration_s"]
    return {
        "file": {str(k + 1): list(content.files[k : k + 1]) for k in range(_PLAYERS)},
        "type": "MEDIA",
        "date": f"{content.held_on}T00:00:00.000",
        "description": "",
        "time offset": 0.0,
        "events": sorted(events, key=lambda event: event[0]),
        "observation time interval": [0, 0],
        "independent_variables": labels,
        "visualize_spectrogram": False,
        "visualize_waveform": False,
        "media_creation_date_as_offset": False,
        "media_scan_sampling_duration": 0,
        "image_display_duration": 1,
        "close_behaviors_between_videos": False,
        "media_info": {
            "length": {name: float(video.get("duration", duration)) for name, video in known.items()},
            "fps": {name: float(video.get("frame_rate", 0)) for name, video in known.items()},
            "hasVideo": dict.fromkeys(known, True),
            "hasAudio": {name: bool(video.get("sound_streams")) for name, video in known.items()},
            "offset": {str(k + 1): -content.offset_s if k else 0.0 for k in range(len(content.files))},
        },
    }


def _ends(start: int, end: int | None, text: str, state: bool) -> list[tuple[int, str]]:
    """The events of a mark: one, or start and stop of a state."""
    return [(start, text), (start if end is None else end, "")] if state else [(start, text)]


def _behaviour(code: str, kind: str, category: str = "") -> dict[str, Any]:
    return {
        "type": kind,
        "key": _KEYS.get(code, ""),
        "code": code,
        "description": _words(code) if category else "",
        "category": category,
        "modifiers": {},
        "excluded": "",
        "coding map": "",
        "color": "",
    }


def _subject(name: str) -> dict[str, str]:
    return {"key": name[0] if name in ("trainee", "client") else "", "name": name, "description": ""}


def _words(code: str) -> str:
    return code.replace("_", " ")


def _numbered(rows: Iterable[Any]) -> dict[str, Any]:
    return {str(k): row for k, row in enumerate(rows)}
