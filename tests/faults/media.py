"""python -m tests.faults.media [--whole]: recordings that are damaged, absurd or hostile, and what becomes of them.

All of the corpus goes through the steps that read recordings (`media_steps`), one of EVERY and all valid ones through
the running application (`media_application`; with --whole all of them). A file may be read or refused; everything must
end, every refusal be one sentence, no process be over its limits, and nothing be opened or contacted that a file
names. Writes MEDIA.md; about 15 minutes of two cores.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cues.parameters import Limits
from tests.commands import ROOT
from tests.faults import outcomes as faults
from tests.faults.media_application import AT_ONCE, Outcome, take_through_application
from tests.faults.media_corpus import BadFile, corpus
from tests.faults.media_steps import LIMITS, WORKERS, Became
from tests.traced import Listener, traced

RESULTS = Path(__file__).with_name("MEDIA.md")
SECRET = "outside-of-the-library.mp4"
BESIDE = "recording-2.mp4"  # what some files name beside themselves
EVERY = 15


@dataclass(frozen=True)
class Table:
    """What became of the files. followed: what was opened or contacted that only a file names."""

    files: list[BadFile]
    steps: list[Became]
    application: Outcome
    followed: list[str]

    @property
    def faults(self) -> list[str]:
        """What must not be, in words."""
        rows = [*self.steps, *self.application.rows]
        return [f"`{row.name}`: {row.fault}" for row in rows if row.fault] + [f"followed: {x}" for x in self.followed]


Corpus = Callable[[Path, int, Path], Iterable[BadFile]]


def run(folder: Path, made_by: Corpus, through: Callable[[int, BadFile], bool]) -> Table:
    """Takes a corpus through the steps, and those of its files, by number and content, that `through` says through the
    application."""
    secret, log = folder / "elsewhere" / SECRET, folder / "opened.log"
    for needed in (secret.parent, folder / "made", folder / "files"):
        needed.mkdir()
    with Listener() as listener:
        files = list(made_by(folder / "made", listener.port, secret))
        secret.write_bytes((folder / "made" / "h264.mp4").read_bytes())
        for file in files:
            (folder / "files" / file.name).write_bytes(file.content)
        words = "|".join(map(re.escape, (SECRET, BESIDE, f"htons({listener.port})")))
        under = traced("open,openat,connect,sendto,sendmsg", f"|grep -E '{words}' >> {log}")
        steps = [*under, sys.executable, "-m", "tests.faults.media_steps", str(folder)]
        subprocess.run(steps, cwd=ROOT, check=True)
        rows = [Became(**row) for row in json.loads((folder / "steps.json").read_text())]
        chosen = [file for number, file in enumerate(files) if through(number, file)]
        outcome = take_through_application(folder, chosen, under) if chosen else Outcome([], 0, 0, 0)
        followed = log.read_text(errors="replace").splitlines() if log.exists() else []
        followed += [f"the listener was contacted from {caller}" for caller in listener.callers]
    return Table(files, rows, outcome, followed)


def written(table: Table) -> str:
    """MEDIA.md."""
    kinds = {file.name: file.kind for file in table.files}
    steps, application, limits = table.steps, table.application, Limits()
    most = max(row.memory_mb for row in steps)
    lines = [
        "# Bad media: what became of it",
        "",
        f"Written by `python -m tests.faults.media`: {len(steps)} files, made from valid recordings of every container "
        "that is taken in (`media_corpus.py`). A refusal is one sentence to the person who brought the file.",
        "",
        "## Through the steps that read recordings",
        "",
        *_counts(steps, kinds),
        "",
        f"Look, analysis and review copy, {WORKERS} files at once. Most memory of a process: {most:.0f} MB (limit "
        f"{LIMITS.memory_mb} MB); no step may take more than {LIMITS.step_s:.0f} s and a little for its size.",
        "",
        "## Through the whole application",
        "",
        *_counts(application.rows, kinds),
        "",
        f"Upload, look, analysis, review copy and the recording's first byte, {AT_ONCE} files at once. Most memory of "
        f"a process that reads: {application.reading_mb:.0f} MB (limit {limits.memory_mb} MB), of the web process: "
        f"{application.web_mb:.0f} MB. Web process and coordinator were the same ones at the end; their log has "
        f"{application.tracebacks} tracebacks.",
        "",
        f"Files and addresses that were opened or contacted because a recording names them: {len(table.followed)} "
        f"(system calls of all processes; {sum(kind == 'reference' for kind in kinds.values())} files name some).",
        "",
        "## What is said",
        "",
        "| sentence | times |",
        "|---|---|",
    ]
    said: dict[str, int] = {}
    for row in steps:
        if row.said:
            sentence = re.sub(r"\d+(\.\d+)?", "N", row.said.replace(row.name, "NAME"))
            said[sentence] = said.get(sentence, 0) + 1
    lines += [f"| {sentence} | {times} |" for sentence, times in sorted(said.items(), key=lambda item: -item[1])]
    if table.faults:
        lines += ["", "## Faults", "", *(f"- {fault}" for fault in table.faults)]
    return "\n".join([*lines, ""])


def _counts(rows: Sequence[Became], kinds: dict[str, str]) -> list[str]:
    lines = ["| kind | files | read | refused with a sentence | faults | slowest |", "|---|---|---|---|---|---|"]
    for kind in dict.fromkeys(kinds.values()):
        mine = [row for row in rows if kinds[row.name] == kind]
        if mine:
            read = sum(row.outcome == "read" and not row.fault for row in mine)
            refused = sum(row.outcome.startswith("refused") and not row.fault for row in mine)
            faults, slowest = sum(bool(row.fault) for row in mine), max(row.seconds for row in mine)
            lines.append(f"| {kind} | {len(mine)} | {read} | {refused} | {faults} | {slowest:.0f} s |")
    return lines


def soak(folder: Path, clip: Path, rounds: int, seed: int) -> Iterator[faults.Outcome]:  # noqa: ARG001
    """For `python -m tests.faults`: a row for each kind of file; MEDIA.md has the rest."""
    place = folder / "media"
    place.mkdir()
    table = _whole_corpus(place, every=EVERY)
    kinds = {file.name: file.kind for file in table.files}
    for row in (*table.steps, *table.application.rows):
        one = faults.Outcome(f"recordings: {kinds[row.name]}", "nothing half made", restart="none is needed")
        one.seen = "read" if row.outcome == "read" else "one sentence"
        one.check(not row.fault, f"{row.name}: {row.fault}")
        yield one
    last = faults.Outcome("recordings: what files name is not followed", "nothing opened", restart="none is needed")
    last.broken += table.followed
    yield last


def _whole_corpus(place: Path, every: int) -> Table:
    """The corpus through the steps, one of `every` files through the application; writes MEDIA.md."""
    table = run(place, corpus, lambda number, file: number % every == 0 or file.kind == "valid")
    RESULTS.write_text(written(table), encoding="utf-8")
    return table


def main(arguments: Sequence[str] = ()) -> int:
    """Runs all of it; 1 where something was as it must not be."""
    with tempfile.TemporaryDirectory(prefix="bad-media-") as made:
        table = _whole_corpus(Path(made), every=1 if "--whole" in arguments else EVERY)
    for fault in table.faults:
        print(fault, file=sys.stderr)
    return int(bool(table.faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
