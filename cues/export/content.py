"""What an export of a session may say: what this visitor may see, and nothing of a cue that is left out for them."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from cues.library.comments import Thread, threads_of
from cues.library.folders import session_folder
from cues.library.kept_tiers import Tier, kept_tiers
from cues.library.models import Account
from cues.library.session_folder import analysis_of, read_session
from cues.library.sessions import find_session, left_out_for
from cues.library.verdicts import Reviewer, verdicts_of
from cues.review.verdicts import JUDGED

Row = dict[str, Any]

_PREFIXES = {
    "eye_contact": ("eye_contact", "facing", "camera_gaze", "mutual_gaze"),
    "forward_lean": ("lean",),
    "facial_mirroring": ("smile", "shared_smiles", "mirroring"),
}
"""Cue -> how the names of its columns in minutes.csv, and of its parts in session.json, begin."""
_EPISODES = {"smile": "facial_mirroring"}
_ALWAYS = ("schema", "setup", "duration_s", "rate_hz", "minutes", "videos", "parameters", "versions", "speaking")
_OF_A_PERSON = ("person", "role", "place")


@dataclass(frozen=True)
class Content:
    """A session: `summary` as session.json has it, rows of minutes.csv and episodes.csv, the conversation about it.

    mine: the visitor is its trainee. offset_s: time of the second file when the first is at 0 [s]; 0 for one file.
    account_id: the visitor; kept: their own tiers from other programs. analysis: which computation it is; hidden: kinds
    of episodes that are left out, by which they are known in files that come from elsewhere.
    """

    title: str
    held_on: date
    files: tuple[str, ...]
    folder: Path
    mine: bool
    left_out: tuple[str, ...]
    summary: Row
    minutes: list[Row]
    episodes: list[Row]
    threads: list[Thread]
    reviewers: list[Reviewer]
    offset_s: float
    session_id: str = ""
    account_id: int = 0
    analysis: str = ""
    kept: list[Tier] = field(default_factory=list)
    hidden: frozenset[str] = frozenset()


def content_of(db: Session, account: Account, library: Path, session_id: str) -> Content | None:
    """The content of a session for this account; None where they may not see it, or nothing of it.

    Raises SessionFolderError where it is not analysed, or its results cannot be read.
    """
    session = find_session(db, account, session_id)
    if session is None:
        return None
    left_out = left_out_for(db, account, session)
    if len(left_out) == len(_PREFIXES):
        return None
    folder = session_folder(library, session_id)
    stored = read_session(folder)
    hidden = tuple(prefix for cue in left_out for prefix in _PREFIXES[cue])
    alignment = stored.summary.get("alignment") or {}
    episodes = stored.episodes.to_pylist()
    shown = [e for e in episodes if _EPISODES.get(e["cue"], e["cue"]) not in left_out]
    of_left_out = {kind for (_, kind), cue in JUDGED.items() if cue in left_out}
    return Content(
        title=session.title,
        held_on=session.held_on,
        files=tuple(recording.file_name for recording in session.recordings),
        folder=folder,
        mine=session.trainee_id == account.id,
        left_out=tuple(left_out),
        summary=_without(stored.summary, hidden) if left_out else stored.summary,
        minutes=[_shown(row, hidden) for row in stored.minutes.to_pylist()],
        episodes=shown,
        threads=threads_of(db, account, session_id),
        reviewers=verdicts_of(db, account, session_id),
        offset_s=float(alignment.get("offset_s", 0.0)),
        session_id=session_id,
        account_id=account.id,
        analysis=analysis_of(stored.summary),
        kept=kept_tiers(db, account, session_id),
        hidden=frozenset(of_left_out | ({e["kind"] for e in episodes} - {e["kind"] for e in shown})),
    )


def _shown(row: Row, hidden: tuple[str, ...]) -> Row:
    if not hidden:
        return row
    return {name: value for name, value in row.items() if not name.startswith(hidden) and name != "flags"}


def _without(summary: Row, hidden: Collection[str]) -> Row:
    """Only what says nothing of the hidden cues: flags, corrections and notes do."""
    people = [
        {name: person[name] for name in _OF_A_PERSON if name in person}
        | {"cues": {name: cue for name, cue in person["cues"].items() if not name.startswith(tuple(hidden))}}
        for person in summary["people"]
    ]
    shown = {name: summary[name] for name in _ALWAYS}
    if "mirroring" not in hidden and "facial_mirroring" in summary:
        shown["facial_mirroring"] = summary["facial_mirroring"]
    return shown | {"people": people}
