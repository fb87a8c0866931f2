"""What a person corrects after an analysis: the trainee, the partner's place, the neutral posture.

Corrections are an ordered list that can be undone. Together with the tables of `cues.observations` and
`cues.parameters` they are the only input of the metrics; none of them needs the video again.

Conventions
-----------
Persons are the numbers of the observations table; `person_named` turns left, right, first, second into one.
Times are seconds on the recording's clock. Where two corrections say something about the same thing the later
one holds, except swaps, which each exchange the two people from their moment on (a second swap ends the
first), and neutral stretches, which add up.
"""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from cues.errors import ParameterError
from cues.observations import Observations, RecordingFacts

SCHEMA_VERSION = 1

PLACES = ("left", "right", "first", "second")


@dataclass(frozen=True)
class Trainee:
    """This person is the trainee; the other one is the client."""

    person: int


@dataclass(frozen=True)
class Target:
    """This person looks at the partner when looking at (h, v) [deg, relative to the eyes' ray to the lens]."""

    person: int
    h: float
    v: float


@dataclass(frozen=True)
class Swap:
    """The two people are exchanged from `from_s` [s] until the next swap, or the end."""

    from_s: float


@dataclass(frozen=True)
class Neutral:
    """From `start` to `end` [s] this person sits in their neutral posture."""

    person: int
    start: float
    end: float


@dataclass(frozen=True)
class People:
    """These two of the measured people are the ones to report."""

    first: int
    second: int


@dataclass(frozen=True)
class Voice:
    """This person's voice is the one on this channel of the sound, counted from 0."""

    person: int
    channel: int


Correction = Trainee | Target | Swap | Neutral | People | Voice

KINDS: dict[str, type] = {
    "trainee": Trainee,
    "target": Target,
    "swap": Swap,
    "neutral": Neutral,
    "people": People,
    "voice": Voice,
}


@dataclass(frozen=True)
class Corrections:
    """The corrections in the order in which they were made."""

    items: tuple[Correction, ...] = ()

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True)
class Corrected:
    """Observations after the corrections, and what the corrections say beside them.

    roles maps person -> trainee | client; role_guessed says that nobody named the trainee. targets maps
    person -> (h, v) [deg]; neutral maps person -> stretches (start, end) [s]; voices maps person -> channel of the
    sound. Only corrected persons are in the last three.
    """

    observations: Observations
    roles: dict[int, str]
    role_guessed: bool
    targets: dict[int, tuple[float, float]]
    neutral: dict[int, list[tuple[float, float]]]
    voices: dict[int, int]


def add_correction(corrections: Corrections, correction: Correction, facts: RecordingFacts) -> Corrections:
    """The list with one more correction at its end.

    Raises ParameterError, with a sentence that says what is wrong, when it names a person or a time that this
    recording does not have.
    """
    _check(correction, facts, [entry["person"] for entry in _chosen(corrections, facts)])
    return Corrections((*corrections.items, correction))


def undo_correction(corrections: Corrections, facts: RecordingFacts, position: int = -1) -> Corrections:
    """The list without the correction at `position` (counted from 0, or from the end when negative: -1 is the
    last).

    Raises ParameterError when there is none at that position, or when a later one depends on it.
    """
    count = len(corrections)
    if not -count <= position < count:
        raise ParameterError(
            f"There is no correction number {position} to undo: this session has {count}."
            if count
            else "There is nothing to undo: this session has no corrections."
        )
    position %= count
    rest = corrections.items[:position] + corrections.items[position + 1 :]
    try:
        return _replay(rest, facts)
    except ParameterError as problem:
        raise ParameterError(f"A later correction depends on this one, undo that one first. {problem}") from None


def person_named(name: str, facts: RecordingFacts, corrections: Corrections = Corrections()) -> int:
    """The person meant by left, right, first or second, as the corrections so far leave them.

    left and right are places in the picture; first and second are the two files, or the order of the people
    in the table where the recording is one file. Raises ParameterError when there is no such person.
    """
    people = _chosen(corrections, facts)
    for entry in people:
        if entry.get("place") == name:
            return int(entry["person"])
    order = {"first": 0, "second": 1}
    if name in order and order[name] < len(people):
        return int(sorted(people, key=lambda entry: entry["person"])[order[name]]["person"])
    names = [str(entry.get("place")) for entry in people if entry.get("place") in PLACES] or [
        "first",
        "second",
    ]
    known = ", ".join(names if len(people) > 1 else ["first"])
    raise ParameterError(f"'{name}' names nobody in this recording; it has {len(people)} measured ({known}).")


def apply_corrections(observations: Observations, corrections: Corrections) -> Corrected:
    """Observations with the chosen people, swapped where asked, and the roles, targets and neutral stretches.

    Without a `People` correction, more than two measured people are reduced to the two with the most face
    time. Without a `Trainee` correction the trainee is guessed: the person on the left, of two files the
    first. Raises ParameterError when a correction does not fit the recording (see `add_correction`).
    """
    _replay(corrections.items, observations.facts)
    people = _chosen(corrections, observations.facts)
    chosen = _keep_people(observations, people)
    swapped = _swap(chosen, _swap_times(corrections))
    numbers = swapped.people
    trainee = _last(corrections, Trainee)
    if trainee is not None and trainee.person not in numbers:  # named before other people were chosen
        trainee = None
    who = trainee.person if trainee is not None else _guess_trainee(people)
    neutral: dict[int, list[tuple[float, float]]] = {}
    targets: dict[int, tuple[float, float]] = {}
    voices: dict[int, int] = {}
    for correction in corrections.items:
        if isinstance(correction, Neutral):
            neutral.setdefault(correction.person, []).append((correction.start, correction.end))
        elif isinstance(correction, Target):
            targets[correction.person] = (correction.h, correction.v)
        elif isinstance(correction, Voice):
            _check_channel(correction, observations)
            voices = {person: channel for person, channel in voices.items() if channel != correction.channel}
            voices[correction.person] = correction.channel
    return Corrected(
        observations=swapped,
        roles={number: "trainee" if number == who else "client" for number in numbers},
        role_guessed=trainee is None,
        targets={number: target for number, target in targets.items() if number in numbers},
        neutral={number: sorted(stretches) for number, stretches in neutral.items() if number in numbers},
        voices={number: channel for number, channel in voices.items() if number in numbers},
    )


def corrections_to_json(corrections: Corrections) -> dict[str, Any]:
    """What `corrections.json` holds: the schema version and the list, each entry with its kind."""
    names = {cls: kind for kind, cls in KINDS.items()}
    return {
        "schema": SCHEMA_VERSION,
        "corrections": [{"kind": names[type(item)], **asdict(item)} for item in corrections.items],
    }


def corrections_from_json(data: Any) -> Corrections:
    """The list that `corrections_to_json` wrote; whether it fits a recording is checked when it is applied.

    Raises ParameterError when the data has another schema version or an entry is not a correction.
    """
    if not isinstance(data, dict) or not isinstance(data.get("corrections"), list):
        raise ParameterError("This is not a list of corrections.")
    if data.get("schema") != SCHEMA_VERSION:
        raise ParameterError(
            f"The corrections have schema version {data.get('schema')}, this version reads {SCHEMA_VERSION}."
        )
    return Corrections(tuple(_entry_from_json(entry) for entry in data["corrections"]))


def _replay(items: Iterable[Correction], facts: RecordingFacts) -> Corrections:
    done = Corrections()
    for item in items:
        done = add_correction(done, item, facts)
    return done


def _entry_from_json(entry: Any) -> Correction:
    name = entry.get("kind") if isinstance(entry, dict) else None
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise ParameterError(f"{entry!r} is not a correction: its kind is one of {', '.join(KINDS)}.")
    values = {key: value for key, value in entry.items() if key != "kind"}
    if set(values) != {f.name for f in fields(kind)}:
        raise ParameterError(f"{entry!r} is not a {entry['kind']}: it needs {', '.join(f.name for f in fields(kind))}.")
    for f in fields(kind):
        number = values[f.name]
        fits = isinstance(number, (int, float)) and not isinstance(number, bool) and math.isfinite(number)
        if not fits or (f.type is int and number != int(number)):
            raise ParameterError(f"{f.name} of {entry!r} is not a number.")
        values[f.name] = f.type(number)  # type: ignore[operator]  # stub: str too, as postponed annotations
    return kind(**values)


def _check(correction: Correction, facts: RecordingFacts, people: Iterable[int]) -> None:
    people = sorted(people)
    measured = sorted(entry["person"] for entry in facts.people)
    if isinstance(correction, People):
        if correction.first == correction.second:
            raise ParameterError(f"Two different people are needed, person {correction.first} was named twice.")
        for number in (correction.first, correction.second):
            if number not in measured:
                raise ParameterError(
                    f"Person {number} was not measured in this recording, only {_listed(measured)}: "
                    "analyse it again with the people wanted."
                )
        return
    if isinstance(correction, Swap):
        if len(people) < 2:
            raise ParameterError("There is only one person in this recording, so nobody to swap with.")
        if facts.setup == "two_files":
            raise ParameterError(
                "Each file holds one person, so a swap would change nothing: name the trainee instead."
            )
        _check_time("The time to swap from", correction.from_s, facts)
        return
    if correction.person not in people:
        raise ParameterError(f"There is no person {correction.person} in this session, only {_listed(people)}.")
    if isinstance(correction, Target):
        for name, angle in (("h", correction.h), ("v", correction.v)):
            if not abs(angle) < 90:  # also refuses NaN
                raise ParameterError(f"The target's {name} is {angle:g}, it must lie between -90 and 90 degrees.")
    if isinstance(correction, Neutral):
        _check_time("The start of the neutral posture", correction.start, facts)
        if not correction.end > correction.start:
            raise ParameterError(
                f"The neutral posture ends at {correction.end:g} s, which is not after its start at "
                f"{correction.start:g} s."
            )


def _check_channel(voice: Voice, observations: Observations) -> None:
    sound = observations.sound
    channels = [] if sound is None else sorted(sound["channel"].unique().to_pylist())
    if voice.channel not in channels:
        counted = ", ".join(str(channel + 1) for channel in channels) or "none"
        raise ParameterError(
            f"The sound has no channel {voice.channel + 1} with a voice of its own in it, only: {counted}."
        )


def _check_time(what: str, seconds: float, facts: RecordingFacts) -> None:
    if not seconds >= 0:
        raise ParameterError(f"{what} is {seconds:g} s, it must not be negative.")
    if seconds >= facts.duration_s:
        raise ParameterError(f"{what} is {seconds:g} s, but the recording ends at {facts.duration_s:.1f} s.")


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(str(number) for number in numbers) or "nobody"


def _last(corrections: Corrections, kind: type) -> Any:
    return next((item for item in reversed(corrections.items) if isinstance(item, kind)), None)


def _swap_times(corrections: Corrections) -> list[float]:
    """Moments at which the two people change places; the same moment twice cancels out."""
    times: set[float] = set()
    for item in corrections.items:
        if isinstance(item, Swap):
            times ^= {item.from_s}
    return sorted(times)


def _chosen(corrections: Corrections, facts: RecordingFacts) -> list[dict[str, Any]]:
    """The entries of `facts.people` to report, by number; a swap from the very start exchanges their
    places."""
    wanted = _last(corrections, People)
    people = sorted(facts.people, key=lambda entry: entry["person"])
    if wanted is not None:
        people = [entry for entry in people if entry["person"] in (wanted.first, wanted.second)]
    elif len(people) > 2:
        most = sorted(people, key=lambda entry: -float(entry.get("face_share") or 0.0))[:2]
        people = sorted(most, key=lambda entry: entry["person"])
    from_start = [time for time in _swap_times(corrections) if time < 1 / facts.rate_hz]
    if len(people) == 2 and len(from_start) % 2:
        here, there = people
        people = [{**there, "person": here["person"]}, {**here, "person": there["person"]}]
    return people


def _guess_trainee(people: list[dict[str, Any]]) -> int:
    for entry in people:
        if entry.get("place") in ("left", "first", "only"):
            return int(entry["person"])
    return int(people[0]["person"])


def _keep_people(observations: Observations, people: list[dict[str, Any]]) -> Observations:
    facts = observations.facts
    numbers = [entry["person"] for entry in people]
    left = [
        {**entry, "reason": "measured, but not one of the two chosen"}
        for entry in facts.people
        if entry["person"] not in numbers
    ]
    facts = replace(facts, people=people, left_out=[*facts.left_out, *left])
    if not left:
        return replace(observations, facts=facts)
    table, scene = (
        pa.concat_tables([_rows(whole, number) for number in numbers])
        for whole in (observations.table, observations.scene)
    )
    return replace(observations, facts=facts, table=table, scene=scene)


def _rows(table: pa.Table, person: int) -> pa.Table:
    where = np.flatnonzero(table["person"].to_numpy() == person)
    return table.slice(where[0], len(where)) if len(where) else table.slice(0, 0)


def _swap(observations: Observations, times: list[float]) -> Observations:
    """The same tables with the two people's rows exchanged from each time on; slices, nothing is copied."""
    if not times:
        return observations
    first, second = observations.people
    clock = observations.time
    bounds = [0, *np.searchsorted(clock, np.asarray(times) - 1e-4).tolist(), len(clock)]
    table, scene = (_exchange(whole, first, second, bounds) for whole in (observations.table, observations.scene))
    after = replace(observations, table=table, scene=scene)
    people = [{**entry, "face_share": _face_share(after, entry["person"])} for entry in observations.facts.people]
    return replace(after, facts=replace(observations.facts, people=people))


def _face_share(observations: Observations, person: int) -> float:
    face = _rows(observations.table, person)["face"].to_numpy()
    return float(face.mean()) if len(face) else 0.0


def _exchange(table: pa.Table, first: int, second: int, bounds: list[int]) -> pa.Table:
    """Rows [bounds[k], bounds[k+1]) of the two people change places for odd k."""
    rows = [_rows(table, first), _rows(table, second)]
    parts: list[list[pa.Table]] = [[], []]
    for k, (a, b) in enumerate(pairwise(bounds)):
        for side in (0, 1):
            parts[side].append(rows[side ^ (k % 2)].slice(a, b - a))
    joined = [pa.concat_tables(side) for side in parts]
    position = table.schema.get_field_index("person")
    for side, number in enumerate((first, second)):
        column = pa.array(np.full(len(joined[side]), number, np.int8))
        joined[side] = joined[side].set_column(position, table.schema.field(position), column)
    return pa.concat_tables(joined)
