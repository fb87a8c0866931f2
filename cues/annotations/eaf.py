"""ELAN (.eaf), written and read by pympi: a tier for every person and kind, for each reviewer's view, for comments.

Times are milliseconds. Media are linked by name, beside the file. Tiers of other programs that are kept for the visitor
are put back; where their annotations overlap they become several tiers.
Source: the EAF Annotation Format, version 3.0 (The Language Archive, MPI for Psycholinguistics).
"""

import tempfile
from pathlib import Path
from xml.parsers import expat

from pympi import Elan

from cues.annotations.document import (
    DAY_MS,
    MOST_BYTES,
    MOST_ELEMENTS,
    AnnotationError,
    Document,
    checked,
)
from cues.annotations.views import (
    ANALYSIS,
    COMMENT_MS,
    COMMENTS,
    SESSION,
    Span,
    Written,
    by_lane,
    clean,
    comments_of,
    laid,
    layers,
    subjects_of,
    tier_name,
    unused,
    views_of,
)
from cues.export.content import Content
from cues.library.kept_tiers import Mark, Tier

SUFFIX = ".eaf"
_MEDIA_TYPES = {".mp4": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm", ".mkv": "video/x-matroska"}
_DEEPEST = 20
_IDS = ("TIER_ID", "ANNOTATION_ID", "TIME_SLOT_ID")
_DAMAGED = "This is no file of ELAN that can be read. Open it in ELAN and save it again."


def elan(content: Content) -> bytes:
    """The session as the text of an .eaf file."""
    document = Elan.Eaf(author="cues")
    document.remove_tier("default")
    document.add_property(SESSION, content.session_id)
    document.add_property(ANALYSIS, content.analysis)
    for position, name in enumerate(content.files):
        kind = _MEDIA_TYPES.get(Path(name).suffix.lower(), "video/*")
        origin = round(1000 * content.offset_s) if position else None
        document.add_linked_file(f"file:///{name}", relpath=f"./{name}", mimetype=kind, time_origin=origin)
    for written in tiers_in_eaf(content):
        document.add_tier(written.tier.name)
        for start, end, text in written.tier.marks:
            last = start + COMMENT_MS if end is None else end
            document.add_annotation(written.tier.name, start, last, clean(text, keep_lines=True))
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "session.eaf"
        document.to_file(str(path))
        return path.read_bytes()


def tiers_in_eaf(content: Content) -> list[Written]:
    """The tiers of an .eaf file of this session, in their order."""
    found: list[Written] = []
    subjects = subjects_of(content)
    for view in views_of(content):
        lanes = by_lane(row for row in view.episodes if (row["cue"], row["kind"]) in view.kinds)
        if view.reviewer is not None:  # a tier without annotations says that they see none
            lanes = {(person, *kind): [] for kind in sorted(view.kinds) for person in subjects} | lanes
        for (person, _, kind), rows in lanes.items():
            spans = laid([(row["start"], row["end"]) for row in rows])
            marks = tuple((start, end, kind.replace("_", " ")) for start, end in spans.values())
            found.append(Written(Tier("", "", tier_name(view.name, subjects[person], kind), marks)))
    if said := comments_of(content):
        spans = laid([(start, end) for start, end, _ in said], COMMENT_MS)
        marks = tuple((*span, said[index][2]) for index, span in spans.items())
        found.append(Written(Tier("", "", COMMENTS, marks)))
    taken = {COMMENTS, *(written.tier.name for written in found)}
    for tier in content.kept:
        for layer in layers(tier.marks, COMMENT_MS):
            name = unused(clean(tier_name(*tier.key)) or "unnamed", taken)
            found.append(Written(Tier("", "", name, tuple(layer)), tier.key))
    return found


def read_eaf(data: bytes) -> Document:
    """What an .eaf file says. Raises AnnotationError.

    Annotations without a time of their own get the part of their neighbours' or parent's that ELAN shows them at.
    """
    _look_through(data)
    document = Elan.Eaf()
    try:
        with tempfile.TemporaryDirectory() as place:
            path = Path(place) / "brought-in.eaf"
            path.write_bytes(data)
            document = Elan.Eaf(str(path), suppress_version_warning=True)
    except Exception:  # pympi raises Exception itself, and whatever a missing attribute leads to
        raise AnnotationError(_DAMAGED) from None
    spans = _spans(document)
    tiers = []
    for name, (aligned, references, _, _) in document.tiers.items():
        texts = {number: said[2] for number, said in aligned.items()} | {n: said[1] for n, said in references.items()}
        lost = [number for number in texts if number not in spans]
        if lost:
            raise AnnotationError(f"The tier “{name}” has an annotation without a time. Give it one in ELAN.")
        marks = [_mark(spans[number], text) for number, text in texts.items()]
        tiers.append(Tier("", "", name, tuple(marks)))
    properties = {name: value or "" for name, value in document.properties}
    media = [
        Path(media.get("RELATIVE_MEDIA_URL") or media.get("MEDIA_URL") or "").name
        for media in document.media_descriptors
    ]
    return checked(Document("ELAN", properties.get(SESSION), properties.get(ANALYSIS), tuple(media), tuple(tiers)))


def _mark(span: Span, text: str) -> Mark:
    start, end = span
    return (start, end, text) if end != start else (start, None, text)


def _look_through(data: bytes) -> None:
    """Refuses what is no XML, what declares a document type (through which entities multiply and files are fetched),
    and what has an identifier twice, of which pympi would drop the first."""
    if len(data) > MOST_BYTES:
        raise AnnotationError(f"The file has more than {MOST_BYTES // 10**6} MB.")
    parser = expat.ParserCreate()
    depth = count = 0
    seen: set[tuple[str, str]] = set()

    def doctype(*_: object) -> None:
        raise AnnotationError("The file declares a document type, which no file of ELAN does. It was not read.")

    def start(_: str, attributes: dict[str, str]) -> None:
        nonlocal depth, count
        depth, count = depth + 1, count + 1
        if depth > _DEEPEST or count > MOST_ELEMENTS:
            raise AnnotationError("The file has more in it than any session could. It was not read.")
        for kind in _IDS:
            if kind in attributes:
                if (kind, attributes[kind]) in seen:
                    raise AnnotationError(f"The file has two of {attributes[kind]!r}. Open it in ELAN and mend it.")
                seen.add((kind, attributes[kind]))

    def end(_: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartDoctypeDeclHandler, parser.StartElementHandler, parser.EndElementHandler = doctype, start, end
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, ValueError, LookupError):  # the last two for encodings that it does not know
        raise AnnotationError(_DAMAGED) from None


def _spans(document: Elan.Eaf) -> dict[str, Span]:
    """Start and end [ms] of each annotation that has, or can be given, a time."""
    spans: dict[str, Span] = {}
    families: dict[str, list[list[str]]] = {}
    for name, (aligned, references, _, _) in document.tiers.items():
        times = _slot_times(document.timeslots, [(said[0], said[1]) for said in aligned.values()])
        for number, (first, last, *_) in aligned.items():
            start, end = times[first], times[last]
            if start is not None and end is not None:
                if not 0 <= start <= end <= DAY_MS:
                    raise AnnotationError(f"The tier “{name}” has an annotation from {start} to {end} ms.")
                spans[number] = start, end
        for parent, children in _children(references).items():
            families.setdefault(parent, []).append(children)
    waiting = list(spans)
    while waiting:
        parent = waiting.pop()
        for children in families.pop(parent, ()):
            spans |= _shared_out(spans[parent], children)
            waiting += children
    return spans


def _slot_times(slots: dict[str, int | None], annotations: list[tuple[str, str]]) -> dict[str, int | None]:
    """Times of a tier's slots; those between two with a time are spread evenly, as ELAN shows them."""
    following = dict(annotations)
    times = {slot: slots.get(slot) for pair in annotations for slot in pair}
    walked: set[str] = set()
    for first in [slot for slot in following if times[slot] is not None]:
        chain = [first]
        while (after := following.get(chain[-1])) is not None and after not in walked:
            chain.append(after)
            if times[after] is not None:
                break
            walked.add(after)
        begin, end = times[first], times[chain[-1]]
        if begin is not None and end is not None and len(chain) > 2:
            step = (end - begin) / (len(chain) - 1)
            times |= {slot: round(begin + k * step) for k, slot in enumerate(chain[1:-1], start=1)}
    return times


def _children(references: dict[str, tuple[str, str, str | None, str | None]]) -> dict[str, list[str]]:
    """Annotation that is referred to -> those of one tier that refer to it, in their order."""
    following = {previous: number for number, (_, _, previous, _) in references.items() if previous in references}
    families: dict[str, list[str]] = {}
    for number, (parent, _, previous, _) in references.items():
        at = None if previous in references else number
        while at is not None:
            families.setdefault(parent, []).append(at)
            at = following.get(at)
    return families


def _shared_out(span: Span, children: list[str]) -> dict[str, Span]:
    start, end = span
    edges = [round(start + (end - start) * k / len(children)) for k in range(len(children) + 1)]
    return {number: (edges[k], edges[k + 1]) for k, number in enumerate(children)}
