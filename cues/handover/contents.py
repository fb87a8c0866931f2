"""What a hand-over file says: `manifest.json`, the first entry inside, checked to the last field when it is read.

Conventions: people are named by the `uid` of their account, which is the same in every library; comments, verdicts and
the like by theirs. Times are aware UTC; places in the recording are seconds. Lengths and numbers are bounded by what
the tool itself can write.

The figures (minutes, episodes, summary) are not inside: whoever opens the file computes them from its tables, as after
every correction, so that they cannot say anything else than what was measured.
"""

import json
from collections.abc import Collection
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

from cues.corrections import PLACES
from cues.handover.sealing import DAMAGED, TOO_NEW, Damaged, NewerVersion
from cues.library.comments import LONGEST
from cues.library.consents import PURPOSES
from cues.library.sessions import CUES
from cues.review.verdicts import JUDGED, WORDS

FORMAT = 1
MANIFEST = "manifest.json"
MANIFEST_MOST = 32 << 20  # bytes
TABLES = ("observations.parquet", "scene.parquet", "sound.parquet", "corrections.json")
COPIES = ("review.mp4", "review-second.mp4")
"""What can be inside beside the manifest and the recordings."""

_HOURS_MOST = 24
_ROWS_MOST = 20_000

Uid = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
Seconds = Annotated[float, Field(ge=0, le=_HOURS_MOST * 3600, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=200)]


def _word_of(words: Collection[str]) -> AfterValidator:
    """One of these words."""

    def known(word: str) -> str:
        if word not in words:
            raise ValueError(f"{word!r} is no word that is known")
        return word

    return AfterValidator(known)


Cue = Annotated[str, _word_of(CUES)]


class _Row(BaseModel):
    """Nothing is turned into another type, and nothing that is not named here is read."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Person(_Row):
    """Somebody whom the file names, and under which name they are known there."""

    uid: Uid
    name: Name


class SessionRow(_Row):
    """The session itself; `trainee` is whose it is."""

    id: Uid
    trainee: Uid
    title: Name
    held_on: date
    setup: Annotated[str, Field(pattern="^[a-z_]{1,20}$")]
    trainee_place: Annotated[str, _word_of(PLACES)] | None
    keep_until: date | None
    created: AwareDatetime


class RecordingRow(_Row):
    """A recording of the session: size and SHA-256 are the original's, whether it is inside or not."""

    position: Literal[0, 1]
    file_name: Annotated[str, Field(min_length=1, max_length=255)]
    stored_as: Annotated[str, Field(pattern=r"^recording-[12]\.[a-z0-9]{2,5}$")]
    size: Annotated[int, Field(ge=0, lt=1 << 62)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class ConsentRow(_Row):
    """What a recorded person agreed to."""

    person: Annotated[str, Field(min_length=1, max_length=120)]
    purposes: Annotated[list[Annotated[str, _word_of(PURPOSES)]], Field(max_length=len(PURPOSES))]
    given_on: date
    valid_until: date | None
    entered: AwareDatetime


class CommentRow(_Row):
    """A comment; without text it was deleted by its author. thread: the comment that it answers, and whose that is."""

    uid: Uid
    author: Uid
    start: Seconds
    end: Seconds | None
    cue: Cue | None
    thread: Uid | None
    thread_author: Uid | None
    text: Annotated[str, Field(max_length=LONGEST)]
    created: AwareDatetime
    edited: AwareDatetime | None

    @model_validator(mode="after")
    def _in_order(self) -> "CommentRow":
        if (self.end is not None and self.end < self.start) or (self.thread is None) != (self.thread_author is None):
            raise ValueError("a comment ends before it starts, or answers nobody's")
        return self


class SettledRow(_Row):
    """A thread that is settled, known by its first comment."""

    uid: Uid
    at: AwareDatetime


class HandedVerdict(_Row):
    """A verdict, as `cues.library.models.VerdictRow` keeps it."""

    uid: Uid
    reviewer: Uid
    word: Annotated[str, _word_of(WORDS)]
    person: Annotated[int, Field(ge=0, le=20)]
    cue: Annotated[str, Field(max_length=20)]
    kind: Annotated[str, Field(max_length=30)]
    start: Seconds
    end: Seconds
    new_start: Seconds | None
    new_end: Seconds | None
    drawn: bool
    analysis: Annotated[str, Field(max_length=60)]
    undone: bool
    created: AwareDatetime

    @model_validator(mode="after")
    def _of_an_episode(self) -> "HandedVerdict":
        if (self.cue, self.kind) not in JUDGED:
            raise ValueError("a verdict on nothing that is judged")
        return self


class SignOffRow(_Row):
    """A finished review."""

    uid: Uid
    reviewer: Uid
    created: AwareDatetime
    ended: AwareDatetime | None


class PracticePointRow(_Row):
    """The thing to practise."""

    uid: Uid
    author: Uid
    cue: Cue
    text: Annotated[str, Field(max_length=LONGEST)]
    clips: dict[str, Any]
    created: AwareDatetime
    ended: AwareDatetime | None


class GuessRow(_Row):
    """The trainee's guess, where they let it be seen."""

    figures: dict[str, float | int | str | None]
    answered: AwareDatetime | None
    created: AwareDatetime


class FileRow(_Row):
    """A file that follows the manifest, in this order."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9.-]{1,40}$")]
    size: Annotated[int, Field(ge=0, lt=1 << 62)]


class Manifest(_Row):
    """All that is said. packed: when the file was made; sender: by whom."""

    format: Literal[1]
    packed: AwareDatetime
    sender: Uid
    session: SessionRow
    people: Annotated[list[Person], Field(max_length=500)]
    recordings: Annotated[list[RecordingRow], Field(max_length=2)]
    consents: Annotated[list[ConsentRow], Field(max_length=500)]
    comments: Annotated[list[CommentRow], Field(max_length=_ROWS_MOST)]
    settled: Annotated[list[SettledRow], Field(max_length=_ROWS_MOST)]
    verdicts: Annotated[list[HandedVerdict], Field(max_length=_ROWS_MOST)]
    sign_offs: Annotated[list[SignOffRow], Field(max_length=_ROWS_MOST)]
    practice_points: Annotated[list[PracticePointRow], Field(max_length=_ROWS_MOST)]
    guess: GuessRow | None
    files: Annotated[list[FileRow], Field(max_length=8)]

    @property
    def from_trainee(self) -> bool:
        """Made by whose session it is: it holds the session. Else it holds what one reviewer wrote."""
        return self.sender == self.session.trainee

    @property
    def names(self) -> dict[str, str]:
        """uid -> name of the people named."""
        return {person.uid: person.name for person in self.people}

    @model_validator(mode="after")
    def _of_a_piece(self) -> "Manifest":
        named = {self.sender, self.session.trainee, *(row.author for row in self.comments)}
        named |= {row.thread_author for row in self.comments if row.thread_author is not None}
        named |= {row.author for row in self.practice_points}
        named |= {row.reviewer for row in self.verdicts} | {row.reviewer for row in self.sign_offs}
        if named - set(self.names):
            raise ValueError("somebody is not named")
        expected = {*TABLES, *COPIES, *(row.stored_as for row in self.recordings)}
        names = [row.name for row in self.files]
        if (
            set(names) - expected
            or len(set(names)) < len(names)
            or len({r.position for r in self.recordings}) < len(self.recordings)
        ):
            raise ValueError("a file that is not expected")
        if names and not self.from_trainee:
            raise ValueError("only the trainee hands over files")
        return self


def manifest_json(manifest: Manifest) -> bytes:
    """As it is written."""
    return manifest.model_dump_json().encode()


def read_manifest(content: bytes) -> Manifest:
    """Raises NewerVersion, or Damaged where it is anything else than what this tool writes."""
    try:
        said = json.loads(content)
        newer = isinstance(said, dict) and isinstance(said.get("format"), int) and said["format"] > FORMAT
    except (ValueError, RecursionError):
        raise Damaged(DAMAGED) from None
    if newer:
        raise NewerVersion(TOO_NEW)
    try:
        return Manifest.model_validate_json(content)
    except (ValidationError, RecursionError):
        raise Damaged(DAMAGED) from None
