"""What a corrected file would change: its tiers held against the session, as verdicts of who brought it in.

Conventions
-----------
One view of the file is read. Of the tool's tiers, corrected in place, each is held against the tool's episodes; tiers
of a reviewer (their own, or what they take for their own) are held against how the visitor sees the session now. Both
are compared as they would lie in a file: a difference of `SAME_MS` is none. Stretches belong together one to one, those
that overlap most (intersection over union) first, and none below `MATCHED_IOU`; the order of a file plays no part.

- Moved ends: adjust; a corrected stretch with the tool's own ends again: agree.
- Not in the file any more: disagree; where the visitor had added it themself, their addition is withdrawn.
- New in the file: add.
- Untouched: nothing. Who leaves an episode alone has not said that they agree.
- A tier that is not in the file says nothing; one without annotations says that there is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import unquote

from cues.annotations import boris, eaf
from cues.annotations.document import AnnotationError, Document
from cues.annotations.views import (
    COMMENT_MS,
    COMMENTS,
    TOOL,
    Lane,
    Span,
    Written,
    by_time,
    laid,
    lanes_of,
    most_at_one_time,
    subjects_of,
    tier_name,
    views_of,
)
from cues.export.content import Content, Row
from cues.library.kept_tiers import Mark, Tier
from cues.library.verdicts import MOST_AT_ONCE
from cues.metrics.episodes import iou
from cues.review.verdicts import ADD, ADJUST, AGREE, DISAGREE, WITHDRAW, Verdict, attach

SAME_MS = 1
MATCHED_IOU = 0.1
_MOST_AT_ONE_TIME = 50  # of a kept tier: in a file of ELAN it becomes as many
_BEYOND_MS = 1000  # how far an annotation may reach beyond the recording's end and is cut there


@dataclass(frozen=True)
class Changed:
    """A tier that was read: the verdicts that it comes to, and how many of its stretches were untouched."""

    subject: str
    lane: Lane
    verdicts: tuple[Verdict, ...]
    untouched: int


@dataclass(frozen=True)
class Preview:
    """What one view of a file would change. kept: tiers that the tool does not know, those that are new or different;
    notes: sentences about what else is to be known. problem: why this view cannot be read; "" where it can."""

    view: str
    tiers: tuple[Changed, ...] = ()
    kept: tuple[Tier, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""

    @property
    def verdicts(self) -> list[Verdict]:
        """All of them."""
        return [verdict for tier in self.tiers for verdict in tier.verdicts]


def previews(document: Document, content: Content) -> list[Preview]:
    """What each view in the file that can be read would change, the likeliest first: the visitor's own where it is in
    the file, unless only the tool's tiers were changed. Raises AnnotationError where there is nothing to read."""
    found = _sort_out(document, content)
    if not found.views and not found.unknown and not found.hidden:
        raise AnnotationError("There is no tier of this tool in the file, and no other one that could be kept.")
    own = next((view.name for view in views_of(content) if view.reviewer == content.account_id), "")
    read = [_preview(document, content, found, view) for view in sorted(found.views) or [TOOL]]

    def likely(one: Preview) -> tuple[bool, bool, bool]:
        return one.view not in (own, TOOL), not one.verdicts and not one.problem, one.view != own

    both = [one.view for one in read if one.view in (own, TOOL) and one.verdicts]
    if len(both) == 2:
        note = (
            f"The tool's tiers and those of “{own}” were both changed in the file. Only the ones you choose are read."
        )
        read = [replace(one, notes=(*one.notes, note)) if one.view in both else one for one in read]
    return sorted(read, key=likely)


@dataclass(frozen=True)
class _SortedOut:
    """The tiers of a file. views: name -> what it says by lane; unknown: what the tool does not know, under the key by
    which it is kept; hidden: names of what is left out for the visitor; changed: names of the tool's that nobody can
    judge and that are different."""

    views: dict[str, dict[tuple[str, Lane], tuple[Mark, ...]]]
    unknown: dict[tuple[str, str, str], Tier]
    hidden: list[str]
    changed: list[str]


def _sort_out(document: Document, content: Content) -> _SortedOut:
    written = {"ELAN": eaf.tiers_in_eaf, "BORIS": boris.tiers_in_boris}[document.program](content)
    known = {one.tier.key: one for one in written}
    lanes, found = lanes_of(content), _SortedOut({}, {}, [], [])
    for tier in document.tiers:
        one, judged = known.get(tier.key), _judged(document, content, tier)
        if one is not None and one.kept is not None:
            _keep(found.unknown, one.kept, _as_kept(one, tier))
        elif _is_hidden(document, content, tier):
            found.hidden.append(tier_name(*tier.key))
        elif judged is not None:
            view, subject, kind = judged
            found.views.setdefault(view, {})[subject, lanes[subject, kind]] = tier.marks
        elif one is None:
            _keep(found.unknown, tier.key, tier.marks)
        elif not _same(one, tier):
            found.changed.append(tier_name(*tier.key))
    for tier in found.unknown.values():
        if most_at_one_time(tier.marks) > _MOST_AT_ONE_TIME:
            raise AnnotationError(f"“{tier.name}” has more than {_MOST_AT_ONE_TIME} annotations at one time.")
    # Of BORIS, in which what has no events is not there.
    views = {*found.views, *(view.name for view in views_of(content))}
    for view in views & {name or TOOL for name in document.observations}:
        for (subject, kind), lane in lanes.items():
            if subject in document.subjects and kind in document.states:
                found.views.setdefault(view, {}).setdefault((subject, lane), ())
    return found


def _judged(document: Document, content: Content, tier: Tier) -> tuple[str, str, str] | None:
    """View, subject and kind, where the tier is about something that can be judged."""
    lanes = lanes_of(content)
    if document.program == "BORIS":
        return (tier.view or TOOL, tier.subject, tier.name) if (tier.subject, tier.name) in lanes else None
    for subject, kind in lanes:
        view = _view_in(tier.name, tier_name(TOOL, subject, kind))
        if view is not None:
            return view, subject, kind
    return None


def _view_in(name: str, of_tool: str) -> str | None:
    """Whose view a tier of ELAN is, where the tool's is called `of_tool`; None for another one."""
    if name == of_tool:
        return TOOL
    rest = name.removeprefix(f"{of_tool} (")
    return rest.removesuffix(")") if rest != name and rest.endswith(")") else None


def _is_hidden(document: Document, content: Content, tier: Tier) -> bool:
    if document.program == "BORIS":
        return tier.name in content.hidden
    names = [tier_name(TOOL, s, kind) for s in subjects_of(content).values() for kind in content.hidden]
    return any(_view_in(tier.name, name) is not None for name in names)


def _same(one: Written, tier: Tier) -> bool:
    """Whether a tier that cannot be judged still says what it said: of comments their texts, of others their times."""
    if tier.name == COMMENTS:
        return sorted(text for *_, text in tier.marks) == sorted(text for *_, text in one.tier.marks)
    return [mark[:2] for mark in tier.marks] == [mark[:2] for mark in one.tier.marks]


def _as_kept(one: Written, tier: Tier) -> list[Mark]:
    """Marks of a kept tier: a point in time, which ELAN shows as a stretch, is one again where nobody moved it."""
    points: dict[Mark, Mark] = {
        (start, start + COMMENT_MS, text): (start, None, text) for start, end, text in one.tier.marks if end is None
    }
    stretches = {mark for mark in one.tier.marks if mark[1] is not None}
    return [mark if mark in stretches else points.get(mark, mark) for mark in tier.marks]


def _keep(unknown: dict[tuple[str, str, str], Tier], key: tuple[str, str, str], marks: Sequence[Mark]) -> None:
    """A kept tier that stood in the file as several comes together again."""
    before = unknown[key].marks if key in unknown else ()
    unknown[key] = Tier(*key, tuple(sorted({*before, *marks}, key=by_time)))


def _preview(document: Document, content: Content, found: _SortedOut, view: str) -> Preview:
    mine = next((one.verdicts for one in content.reviewers if one.account_id == content.account_id), ())
    read = _of_tool if view == TOOL else _of_reviewer
    tiers = []
    try:
        for (subject, lane), marks in found.views.get(view, {}).items():
            corrected = _stretches(tier_name(view, subject, lane[2]), marks, content)
            tiers.append(read(subject, lane, corrected, content.episodes, mine))
    except AnnotationError as problem:
        return Preview(view, problem=str(problem))
    unknown = found.unknown | _of_nobody_here(document, content, found, view)
    here = {tier.key: tier for tier in content.kept}
    kept = tuple(tier for key, tier in unknown.items() if here.get(key) != tier)
    preview = Preview(view, tuple(tiers), kept)
    return replace(preview, notes=tuple(_notes(document, content, found, preview)))


def _of_nobody_here(
    document: Document, content: Content, found: _SortedOut, view: str
) -> dict[tuple[str, str, str], Tier]:
    """Tiers of a view that is not read and is nobody's in this session: they are kept as any other."""
    known, tiers = {one.name for one in views_of(content)} | {view}, {}
    for name in found.views.keys() - known:
        for (subject, lane), marks in found.views[name].items():
            in_parts = document.program == "BORIS"
            key = (name, subject, lane[2]) if in_parts else ("", "", tier_name(name, subject, lane[2]))
            if marks or not in_parts:
                tiers[key] = Tier(*key, tuple(sorted(set(marks), key=by_time)))
    return tiers


def _notes(document: Document, content: Content, found: _SortedOut, preview: Preview) -> list[str]:
    notes = []
    media = {name for path in document.media for name in (path, unquote(path))}
    if document.session not in (None, "", content.session_id):
        notes.append("This file was made of another session. Take it over only if you know why.")
    elif content.files and media and not media & set(content.files):
        notes.append("The file is about a recording of another name. Make sure that it is this session's.")
    if document.session == content.session_id and document.analysis not in (None, "", content.analysis):
        notes.append("The figures of this session were computed again after the file was made: look closely.")
    if found.hidden:
        names = ", ".join(f"“{name}”" for name in found.hidden)
        notes.append(f"Passed over, neither read nor kept, because this cue is not shown to you: {names}.")
    for name in found.changed:
        if name == COMMENTS:
            notes.append("Comments are different in the file. They are not read: write them here.")
        else:
            notes.append(f"“{name}” is different in the file. The tool derives it, and it cannot be judged.")
    shown = {(row["person"], row["cue"], row["kind"]) for row in content.episodes}
    missing = [
        tier_name(TOOL, subject, kind)
        for (subject, kind), lane in lanes_of(content).items()
        if lane in shown and (subject, lane) not in found.views.get(preview.view, {})
    ]
    if missing and preview.view == TOOL:
        names = ", ".join(f"“{name}”" for name in missing)
        notes.append(f"Not in the file, so nothing is said about it: {names}.")
    if len(preview.verdicts) > MOST_AT_ONCE:
        notes.append(f"These are more than the {MOST_AT_ONCE} verdicts that can be given at once.")
    return notes


def _stretches(name: str, marks: Sequence[Mark], content: Content) -> list[Span]:
    """The stretches of a tier by time, inside the recording. Raises AnnotationError where they can be none."""
    duration = round(1000 * content.summary["duration_s"])
    if len(marks) > MOST_AT_ONCE:
        raise AnnotationError(f"“{name}” has more than {MOST_AT_ONCE} stretches, which no session has.")
    found: list[Span] = []
    for start, end, _ in sorted(marks, key=by_time):
        if end is None or end <= start:
            raise AnnotationError(f"“{name}” has something at {_clock(start)} that has no length. Give it an end.")
        if end > duration + _BEYOND_MS or start >= duration:
            raise AnnotationError(
                f"“{name}” has something at {_clock(start)}, and the recording ends at {_clock(duration)}. Is this the "
                "file of this session?"
            )
        if found and start < found[-1][1]:
            raise AnnotationError(f"“{name}” has two stretches that overlap at {_clock(start)}. Mend it first.")
        found.append((start, min(end, duration)))
    return found


def _of_tool(subject: str, lane: Lane, corrected: list[Span], episodes: list[Row], mine: Sequence[Verdict]) -> Changed:
    """The tool's tier, corrected in place."""
    rows, given, added = _lane(lane, episodes, mine)
    shown = laid([_span(row) for row in rows])
    pairs = _matched(corrected, shown)
    verdicts, untouched = [], 0
    for index, span in shown.items():
        if index not in pairs:
            verdict = Verdict(DISAGREE, *lane, *_span(rows[index]))
        elif _is_same(pairs[index], span):
            untouched += 1
            continue
        else:
            verdict = _adjusted(lane, _span(rows[index]), span, pairs[index])
        if not _says_the_same(given.get(index), verdict):
            verdicts.append(verdict)
    known, told = [_ms(one.span) for one in added], set(pairs.values())
    for span in corrected:
        if span not in told and not any(_is_same(span, one) for one in known):
            verdicts.append(Verdict(ADD, *lane, *_seconds(span)))
    return Changed(subject, lane, tuple(verdicts), untouched)


def _of_reviewer(
    subject: str, lane: Lane, corrected: list[Span], episodes: list[Row], mine: Sequence[Verdict]
) -> Changed:
    """A reviewer's tier: how the visitor sees the session from now on."""
    rows, given, added = _lane(lane, episodes, mine)
    view = [given[k].said if k in given else _span(row) for k, row in enumerate(rows)]
    seen = [(k, said) for k, said in enumerate(view) if said is not None]
    seen += [(len(rows) + k, verdict.span) for k, verdict in enumerate(added)]
    shown = {seen[k][0]: span for k, span in laid([said for _, said in seen]).items()}
    pairs = _matched(corrected, shown)
    # What the visitor had said no to, and is there again.
    refused = {k: _ms(_span(row)) for k, row in enumerate(rows) if view[k] is None}
    told = set(pairs.values())
    again = _matched([span for span in corrected if span not in told], refused)
    verdicts, untouched = [], 0
    for index, span in shown.items():
        new = pairs.get(index)
        if new is not None and _is_same(new, span):
            untouched += 1
        elif index < len(rows):
            about = _span(rows[index])
            no = Verdict(DISAGREE, *lane, *about)
            verdicts.append(no if new is None else _adjusted(lane, about, _ms(about), new))
        else:
            verdicts.append(Verdict(WITHDRAW, *lane, *added[index - len(rows)].span))
            if new is not None:
                verdicts.append(Verdict(ADD, *lane, *_seconds(new)))
    for index, new in again.items():
        verdicts.append(_adjusted(lane, _span(rows[index]), refused[index], new))
    told |= set(again.values())
    verdicts += [Verdict(ADD, *lane, *_seconds(span)) for span in corrected if span not in told]
    return Changed(subject, lane, tuple(verdicts), untouched)


def _lane(
    lane: Lane, episodes: list[Row], mine: Sequence[Verdict]
) -> tuple[list[Row], dict[int, Verdict], list[Verdict]]:
    """The tool's episodes of a lane, the visitor's verdicts on them by index, what they added."""
    rows = [row for row in episodes if (row["person"], row["cue"], row["kind"]) == lane]
    attached = attach([verdict for verdict in mine if verdict.lane == lane], rows)
    return rows, attached.of, list(attached.added)


def _matched(corrected: Sequence[Span], shown: dict[int, Span]) -> dict[int, Span]:
    """Index in `shown` -> the stretch that belongs to it."""
    ours = sorted(shown.items(), key=lambda one: one[1])
    pairs, first = [], 0
    for span in sorted(corrected):
        while first < len(ours) and ours[first][1][1] <= span[0]:
            first += 1
        for index, other in ours[first:]:
            if other[0] >= span[1]:
                break
            pairs.append((-iou(span, other), span, other, index))
    found: dict[int, Span] = {}
    taken: set[Span] = set()
    for overlap, span, _, index in sorted(pairs):
        if -overlap >= MATCHED_IOU and index not in found and span not in taken:
            found[index] = span
            taken.add(span)
    return found


def _adjusted(lane: Lane, about: tuple[float, float], shown: Span, new: Span) -> Verdict:
    """Where the reviewer sees an episode; an end that they left alone stays the tool's exactly."""
    start, end = (
        old if abs(at - was) <= SAME_MS else at / 1000 for old, was, at in zip(about, shown, new, strict=True)
    )
    if (start, end) == about:
        return Verdict(AGREE, *lane, *about)
    return Verdict(ADJUST, *lane, *about, start, end)


def _says_the_same(before: Verdict | None, verdict: Verdict) -> bool:
    if before is None or before.word != verdict.word:
        return False
    return verdict.said is None or (before.said is not None and _is_same(_ms(before.said), _ms(verdict.said)))


def _is_same(one: Span, other: Span) -> bool:
    return abs(one[0] - other[0]) <= SAME_MS and abs(one[1] - other[1]) <= SAME_MS


def _span(row: Row) -> tuple[float, float]:
    return row["start"], row["end"]


def _ms(span: tuple[float, float]) -> Span:
    return round(1000 * span[0]), round(1000 * span[1])


def _seconds(span: Span) -> tuple[float, float]:
    return span[0] / 1000, span[1] / 1000


def _clock(ms: int) -> str:
    minutes, rest = divmod(ms, 60_000)
    return f"{minutes}:{rest / 1000:04.1f}"
