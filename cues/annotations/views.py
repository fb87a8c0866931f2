"""What a session is called in annotation programs, the same on the way out and back in.

Conventions
-----------
A view is how somebody sees the session: the tool, or one reviewer. A tier is what one view says of one subject and one
kind of episode. Times in files are whole milliseconds. The stretches of a tier do not overlap, which neither ELAN nor a
state of BORIS allows: one that begins inside another begins at its end, and one without length is left out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from cues.export.content import Content, Row
from cues.library.kept_tiers import Mark, Tier
from cues.review.verdicts import JUDGED, reviewed_episodes

TOOL, COMMENTS = "tool", "comments"
COMMENT_MS = 1000
"""How long a comment at a time is shown where a program knows stretches only."""
SESSION, ANALYSIS = "cues session", "cues analysis"
"""Under which names a file says of which session and computation it is."""

Span = tuple[int, int]
Lane = tuple[int, str, str]


@dataclass(frozen=True)
class View:
    """reviewer: the account whose view it is; None for the tool. kinds: (cue, kind) that the reviewer judged, all of
    them for the tool."""

    name: str
    reviewer: int | None
    episodes: list[Row]
    kinds: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Written:
    """A tier as it stands in a file. kept: the key of the visitor's kept tier of which it is; None for the tool's."""

    tier: Tier
    kept: tuple[str, str, str] | None = None


def views_of(content: Content) -> list[View]:
    """The tool's view, then those of the reviewers who gave verdicts; no two have one name."""
    every = {(row["cue"], row["kind"]) for row in content.episodes}
    found = [View(TOOL, None, content.episodes, frozenset(every))]
    taken = {TOOL}
    for one in content.reviewers:
        name = unused(f"reviewed by {clean(one.name)}", taken)
        if one.verdicts:
            judged = frozenset({(v.cue, v.kind) for v in one.verdicts} & set(JUDGED))
            found.append(View(name, one.account_id, reviewed_episodes(one.verdicts, content.episodes), judged))
    return found


def subjects_of(content: Content) -> dict[int, str]:
    """What each person is called: by their role, and by a number where a role has several people."""
    taken: set[str] = set()
    return {person["person"]: unused(person["role"], taken) for person in content.summary["people"]}


def lanes_of(content: Content) -> dict[tuple[str, str], Lane]:
    """(subject, kind) of what this visitor may judge -> person, cue, kind."""
    shown = [(cue, kind) for (cue, kind), shared in JUDGED.items() if shared not in content.left_out]
    subjects = subjects_of(content).items()
    return {(subject, kind): (person, cue, kind) for person, subject in subjects for cue, kind in shown}


def tier_name(view: str, subject: str, name: str) -> str:
    """How a tier is called where one name has to say it all."""
    about = f"{subject} {name}" if subject else name
    return about if view in ("", TOOL) else f"{about} ({view})"


def by_lane(rows: Iterable[Row]) -> dict[Lane, list[Row]]:
    """Episodes by person, cue, kind, in the order in which these come first."""
    found: dict[Lane, list[Row]] = {}
    for row in rows:
        found.setdefault((row["person"], row["cue"], row["kind"]), []).append(row)
    return found


def laid(stretches: Sequence[tuple[float, float]], least_ms: int = 0) -> dict[int, Span]:
    """Stretches [s] as they lie in a tier [ms]: index -> start, end, by time. least_ms: shorter ones are lengthened."""
    found: dict[int, Span] = {}
    free = 0
    for index in sorted(range(len(stretches)), key=stretches.__getitem__):
        start, end = stretches[index]
        first = max(round(1000 * start), free)
        last = max(round(1000 * end), first + least_ms)
        if last > first:
            found[index] = first, last
            free = last
    return found


def layers(marks: Iterable[Mark], least_ms: int = 0) -> list[list[Mark]]:
    """Marks in as few lists as it takes for none to overlap in one, by time; one empty list where there is none.
    least_ms: how long a point in time is taken to be."""
    found: list[list[Mark]] = []
    ends: list[int] = []
    for start, end, text in sorted(marks, key=by_time):
        place = next((k for k, free in enumerate(ends) if free <= start), len(ends))
        if place == len(ends):
            found.append([])
            ends.append(0)
        found[place].append((start, end, text))
        ends[place] = start + least_ms if end is None else end
    return found or [[]]


def most_at_one_time(marks: Iterable[Mark]) -> int:
    """How many marks overlap where most do, a point being as long as it is shown."""
    under_way: list[int] = []
    most = 0
    for start, end, _ in sorted(marks, key=by_time):
        while under_way and under_way[0] <= start:
            heappop(under_way)
        heappush(under_way, start + COMMENT_MS if end is None else end)
        most = max(most, len(under_way))
    return most


def by_time(mark: Mark) -> tuple[int, int, str]:
    """What marks are sorted by."""
    start, end, text = mark
    return start, start if end is None else end, text


def comments_of(content: Content) -> list[tuple[float, float, str]]:
    """Start, end [s], author and text of every comment and answer."""
    return [
        (
            written.comment.start,
            written.comment.start if written.comment.end is None else written.comment.end,
            clean(f"{written.author}: {written.comment.text}", keep_lines=True),
        )
        for thread in content.threads
        for written in (thread.first, *thread.answers)
        if written.comment.text
    ]


def clean(text: str, keep_lines: bool = False) -> str:
    """Without signs that XML cannot hold, and in one line where it is a name: XML has no others in an attribute."""
    held = "".join(sign for sign in text if _in_xml(ord(sign)))
    return "\n".join(held.splitlines()) if keep_lines else " ".join(held.splitlines()).replace("\t", " ").strip()


def _in_xml(sign: int) -> bool:
    return sign in (9, 10, 13) or (sign >= 32 and not 0xD800 <= sign <= 0xDFFF and sign not in (0xFFFE, 0xFFFF))


def unused(name: str, taken: set[str]) -> str:
    """The name, numbered where it is taken already; it is taken then."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name} {number}"
    taken.add(found)
    return found
