"""Tables for spreadsheets: minutes, episodes, comments, verdicts as CSV; what vision saw as Parquet; an archive of all.

CSV is UTF-8 with a byte order mark, which spreadsheets ask for; no text in it is a formula.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cues.export.content import Content
from cues.export.subtitles import chapters, episodes_as_cues
from cues.spreadsheets import harmless

Row = dict[str, Any]

TABLES = ("observations.parquet", "scene.parquet", "sound.parquet", "speaking.parquet")


def minutes_csv(content: Content) -> bytes:
    """One row per minute and person."""
    return _csv(list(content.minutes[0]) if content.minutes else ["minute"], content.minutes)


def episodes_csv(content: Content) -> bytes:
    """One row per episode."""
    return _csv(["start", "end", "person", "role", "cue", "kind", "strength"], content.episodes)


def comments_csv(content: Content) -> bytes:
    """One row per comment or answer; `thread` counts the threads from 1."""
    rows = []
    for number, thread in enumerate(content.threads, start=1):
        for written in (thread.first, *thread.answers):
            comment = written.comment
            rows.append(
                {
                    "thread": number,
                    "start": comment.start,
                    "end": comment.end,
                    "cue": comment.cue,
                    "author": written.author,
                    "written": comment.created.isoformat(timespec="seconds"),
                    "settled": thread.first.comment.resolved is not None,
                    "text": comment.text,
                }
            )
    return _csv(["thread", "start", "end", "cue", "author", "written", "settled", "text"], rows)


def verdicts_csv(content: Content) -> bytes:
    """One row per verdict, in the order in which each reviewer gave them."""
    names = ["reviewer", "word", "person", "cue", "kind", "start", "end", "new_start", "new_end"]
    rows = [{"reviewer": one.name, **verdict.__dict__} for one in content.reviewers for verdict in one.verdicts]
    return _csv(names, rows)


def summary_json(content: Content) -> bytes:
    """session.json: setup, people, parameters, versions, session figures."""
    return (json.dumps(content.summary, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def parquet(content: Content) -> bytes:
    """An archive of the three tables that vision wrote, which hold all that every cue is made of, and who speaks every
    100 ms: for the trainee."""
    return _zipped({name: (content.folder / name).read_bytes() for name in _tables(content)})


def everything(content: Content, projects: Mapping[str, bytes]) -> bytes:
    """All of it in one archive, with the files for annotation programs, which are not made here."""
    files = {
        "minutes.csv": minutes_csv(content),
        "episodes.csv": episodes_csv(content),
        "comments.csv": comments_csv(content),
        "verdicts.csv": verdicts_csv(content),
        "session.json": summary_json(content),
        "chapters.vtt": chapters(content),
        "episodes.vtt": episodes_as_cues(content),
        **projects,
    }
    if content.mine:
        files |= {name: (content.folder / name).read_bytes() for name in _tables(content)}
    return _zipped(files)


def _tables(content: Content) -> list[str]:
    return [name for name in TABLES if (content.folder / name).exists()]


def _zipped(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def _csv(names: Sequence[str], rows: Iterable[Row]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(names)
    writer.writerows([harmless(row.get(name)) for name in names] for row in rows)
    return out.getvalue().encode("utf-8-sig")
