"""A session for ELAN (.eaf): a tier for every person and kind of episode, for each reviewer's view, and for comments.

Times are milliseconds. Media are linked by name, beside the file. Annotations of a tier never overlap, which ELAN does
not allow: one that begins inside another begins at its end, and one without length is left out. Written by pympi.
"""

import tempfile
from pathlib import Path

from pympi import Elan

from cues.export.content import Content, Row
from cues.review.verdicts import JUDGED, reviewed_episodes

COMMENTS = "comments"
_COMMENT_MS = 1000  # how long a comment at a time is shown
_MEDIA_TYPES = {".mp4": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm", ".mkv": "video/x-matroska"}


def elan(content: Content) -> bytes:
    """The session as the text of an .eaf file."""
    document = Elan.Eaf(author="cues")
    document.remove_tier("default")
    for position, name in enumerate(content.files):
        kind = _MEDIA_TYPES.get(Path(name).suffix.lower(), "video/*")
        origin = round(1000 * content.offset_s) if position else None
        document.add_linked_file(f"file:///{name}", relpath=f"./{name}", mimetype=kind, time_origin=origin)
    for (role, kind), rows in _by_tier(content.episodes).items():
        _fill(document, f"{role} {kind}", [(r["start"], r["end"], kind.replace("_", " ")) for r in rows])
    for one in content.reviewers:
        if not one.verdicts:
            continue
        judged = {(v.cue, v.kind) for v in one.verdicts} & set(JUDGED)
        seen = [r for r in reviewed_episodes(one.verdicts, content.episodes) if (r["cue"], r["kind"]) in judged]
        for (role, kind), rows in _by_tier(seen).items():
            spans = [(r["start"], r["end"], kind.replace("_", " ")) for r in rows]
            _fill(document, f"{role} {kind} (reviewed by {one.name})", spans)
    said = [
        (written.comment.start, written.comment.end, f"{written.author}: {written.comment.text}")
        for thread in content.threads
        for written in (thread.first, *thread.answers)
        if written.comment.text
    ]
    if said:
        _fill(document, COMMENTS, [(a, a + _COMMENT_MS / 1000 if b is None else b, text) for a, b, text in said])
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "session.eaf"
        document.to_file(str(path))
        return path.read_bytes()


def _by_tier(rows: list[Row]) -> dict[tuple[str, str], list[Row]]:
    found: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        found.setdefault((row["role"], row["kind"]), []).append(row)
    return found


def _fill(document: Elan.Eaf, tier: str, spans: list[tuple[float, float, str]]) -> None:
    document.add_tier(tier)
    free = 0
    for start, end, text in sorted(spans):
        first, last = max(round(1000 * start), free), round(1000 * end)
        if tier == COMMENTS:  # two at one time follow one another
            last = max(last, first + _COMMENT_MS)
        if last > first:
            document.add_annotation(tier, first, last, _clean(text))
            free = last


def _clean(text: str) -> str:
    """Without signs that XML cannot hold."""
    return "".join(sign for sign in text if sign in "\t\n\r" or ord(sign) >= 32 and not 0xFFFE <= ord(sign) <= 0xFFFF)
