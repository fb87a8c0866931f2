"""How a session was recorded and what could be measured of it, in words and without any value of a cue.

From session.json alone, kept until that file changes: a list of 200 sessions reads 200 small files once.
"""

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from cues.errors import SessionFolderError
from cues.library.session_folder import read_summary
from cues.web import sentences

_KEPT = 4096
_CUES = (
    ("eye_contact", "eye contact", "eye_contact"),
    ("forward_lean", "lean", "lean"),
    ("facial_mirroring", "smiles", "smile"),
)
"""The cue that is shared or left out, what it is called, and its name among a person's cues."""


@dataclass(frozen=True)
class Measurable:
    """recorded: setup and length in words; of: cue -> (its name, minutes of the trainee that have a figure, or -1 where
    the partner's place has to be confirmed first); minutes: how many there are."""

    recorded: str
    of: dict[str, tuple[str, int]]
    minutes: int


def measurable(folder: Path) -> Measurable | None:
    """None where the session is not analysed, or its results cannot be read."""
    try:
        return _measurable(str(folder), (folder / "session.json").stat().st_mtime_ns)
    except (OSError, SessionFolderError):
        return None


def in_words(found: Measurable, left_out: Collection[str]) -> str:
    """eye contact in 42 of 50 minutes; lean in all; smiles in 38. Empty where every cue is left out."""
    parts = []
    total = f"{found.minutes} minute{'' if found.minutes == 1 else 's'}"
    for cue, (name, minutes) in found.of.items():
        if cue in left_out:
            continue
        if minutes < 0:
            parts.append(f"{name} not yet: the client's place is not confirmed")
        elif minutes == found.minutes:
            parts.append(f"{name} in its one minute" if total == "1 minute" else f"{name} in all {total}".rstrip())
            total = ""
        else:
            parts.append(f"{name} in {minutes or 'none'}{' of ' * bool(total)}{total}")
            total = ""
    return "; ".join(parts)


@lru_cache(_KEPT)
def _measurable(folder: str, version: int) -> Measurable:  # noqa: ARG001  (a new version is read anew)
    summary = read_summary(Path(folder))
    trainee = next(person for person in summary["people"] if person["role"] == "trainee")
    told = {cue: _one(trainee, name, words) for cue, words, name in _CUES}
    return Measurable(sentences.recorded(summary, ()), told, summary["minutes"])


def _one(trainee: dict[str, Any], name: str, words: str) -> tuple[str, int]:
    cue = trainee["cues"][name]
    if name == "eye_contact" and sentences.head_only(trainee):
        return "direction of the head, not of the eyes,", trainee["cues"]["facing"]["valid_minutes"]
    return words, -1 if cue.get("state") == "confirm" else cue["valid_minutes"]
