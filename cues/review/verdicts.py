"""A verdict on an episode, and how it stays with its episode when the figures are computed again.

Conventions
-----------
An episode is a row of `episodes.csv` as a dict: start, end [s], person, role, cue, kind, strength. A verdict keeps
what the episode was when it was given. After a new computation it belongs to the episode of the same person, cue and
kind that overlaps it most, with an intersection over union of at least `ATTACHED_IOU`; where there is none it is
detached: shown, never dropped, and not counted. Verdicts are given in order: a later one about the same episode takes
the place of an earlier one. Source: DESIGN, "What a session leaves behind".
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from cues.metrics.episodes import iou

AGREE, DISAGREE, ADJUST, ADD, WITHDRAW = WORDS = ("agree", "disagree", "adjust", "add", "withdraw")
"""Withdraw: no verdict any more about this episode, or about this stretch that was added."""

JUDGED = {
    ("eye_contact", "eye_contact"): "eye_contact",
    ("forward_lean", "forward"): "forward_lean",
    ("forward_lean", "head_forward"): "forward_lean",
    ("forward_lean", "back"): "forward_lean",
    ("smile", "smile"): "facial_mirroring",
}
"""(cue, kind) of the episodes that a verdict can be about -> the cue that is shared or left out."""

ATTACHED_IOU = 0.5

Row = dict[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What a reviewer says of the tool's episode from `start` to `end` [s], or the stretch that they add.

    new_start, new_end [s]: where an adjusted episode begins and ends in their view; None for the other words.
    """

    word: str
    person: int
    cue: str
    kind: str
    start: float
    end: float
    new_start: float | None = None
    new_end: float | None = None

    @property
    def span(self) -> tuple[float, float]:
        """Start and end [s] of the tool's episode, or of the added stretch."""
        return self.start, self.end

    @property
    def lane(self) -> tuple[int, str, str]:
        """Person, cue, kind: what it is compared within."""
        return self.person, self.cue, self.kind

    @property
    def said(self) -> tuple[float, float] | None:
        """Where the reviewer sees the cue; None where they disagree."""
        if self.word == DISAGREE:
            return None
        if self.new_start is None or self.new_end is None:
            return self.span
        return self.new_start, self.new_end


@dataclass(frozen=True)
class Attached:
    """Verdicts with what they are about now. of: index of the episode -> verdict; added: stretches that the tool
    missed; detached: verdicts whose episode is not there any more."""

    of: dict[int, Verdict]
    added: tuple[Verdict, ...]
    detached: tuple[Verdict, ...]


def attach(verdicts: Iterable[Verdict], episodes: Sequence[Row]) -> Attached:
    """Each verdict at its episode; `verdicts` in the order in which they were given."""
    places: dict[tuple[int, str, str], list[tuple[float, int]]] = {}
    for index, row in enumerate(episodes):
        places.setdefault((row["person"], row["cue"], row["kind"]), []).append((row["start"], index))
    for starts in places.values():
        starts.sort()
    of: dict[int, Verdict] = {}
    added: dict[tuple[Any, ...], Verdict] = {}
    detached: dict[tuple[Any, ...], Verdict] = {}
    for verdict in verdicts:
        key = (*verdict.lane, *verdict.span)
        if verdict.word == ADD:
            added[key] = verdict
            continue
        if verdict.word == WITHDRAW and key in added:
            del added[key]
            continue
        near = _near(places.get(verdict.lane, []), verdict)
        overlap = [(iou(verdict.span, _span(episodes[i])), i) for _, i in near]
        best, index = max(overlap, default=(0.0, -1))
        if best >= ATTACHED_IOU:
            of[index] = verdict
        else:
            detached[key] = verdict
    return Attached(
        {index: verdict for index, verdict in of.items() if verdict.word != WITHDRAW},
        tuple(added.values()),
        tuple(verdict for verdict in detached.values() if verdict.word != WITHDRAW),
    )


def reviewed_episodes(verdicts: Iterable[Verdict], episodes: Sequence[Row]) -> list[Row]:
    """The episodes as the reviewer sees them: without those they disagree with, with moved ends, with what they added;
    by start. An added one has no strength."""
    attached = attach(verdicts, episodes)
    roles = {row["person"]: row["role"] for row in episodes}
    seen: list[Row] = []
    for index, row in enumerate(episodes):
        verdict = attached.of.get(index)
        said = verdict.said if verdict is not None and verdict.word in (DISAGREE, ADJUST) else _span(row)
        if said is not None:
            seen.append({**row, "start": said[0], "end": said[1]})
    for added in attached.added:
        lane = {"person": added.person, "role": roles.get(added.person), "cue": added.cue, "kind": added.kind}
        seen.append({"start": added.start, "end": added.end, **lane, "strength": None})
    return sorted(seen, key=lambda row: (row["start"], row["person"]))


def _near(starts: list[tuple[float, int]], verdict: Verdict) -> list[tuple[float, int]]:
    """Those that can overlap by half: they begin within the verdict's own length of its start."""
    length = verdict.end - verdict.start
    first = bisect_left(starts, verdict.start - length, key=itemgetter(0))
    past = bisect_right(starts, verdict.start + length, key=itemgetter(0))
    return starts[first:past]


def _span(row: Row) -> tuple[float, float]:
    return row["start"], row["end"]
