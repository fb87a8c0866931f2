"""The order in which writes reach the disk, traced: what a power cut can leave.

A file whose name others rely on is flushed before it gets the name, and its folder behind it. Traced are a set of
results, a part of an analysis, a review copy's taking over, an upload's end and its move into a session.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.faults.outcomes import Outcome

ROOT = Path(__file__).resolve().parents[2]
CALLS = "openat,write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,close,dup,mkdir,mkdirat"
_CALL = re.compile(r"^(?:\d+\s+)?(?P<name>\w+)\((?P<what>.*)\)\s+= (?P<result>-?\d+)")
_BEGUN = re.compile(r"^(?P<thread>\d+)\s+(?P<call>.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"^(?P<thread>\d+)\s+<\.\.\. \w+ resumed>(?P<rest>.*)$")
_BEGIN = "import sys; from pathlib import Path; folder = Path(sys.argv[1]);"
WRITERS = {
    "results of a session": "from cues.whole_files import write_whole;"
    "write_whole(folder / 'session', {'minutes.csv': b'1', 'session.json': b'{}'});"
    "write_whole(folder / 'session', {'minutes.csv': b'22', 'session.json': b'{}2'})",
    "a part of an analysis": "from cues.partial import Partial; Partial(folder / 'part').save('segment', [1] * 999)",
    "an upload's end": "from cues.library.incoming import Incoming, create_upload, open_chunk;"
    "place = Incoming(folder / 'incoming', reserve_bytes=0); upload = create_upload(place, 1, 5, 'a.mp4');"
    "chunk = open_chunk(place, upload.id, 0, None); chunk.write(b'12345'); chunk.keep(); chunk.finish()",
    "a recording's move into its session": "from cues.library.incoming import *;"
    "from cues.library.folders import make_session_folder; place = Incoming(folder / 'incoming', reserve_bytes=0);"
    "upload = create_upload(place, 1, 5, 'a.mp4'); chunk = open_chunk(place, upload.id, 0, None);"
    "chunk.write(b'12345'); chunk.keep(); whole = chunk.finish();"
    "take_upload(place, whole, make_session_folder(folder, 'a' * 32) / 'recording-1.mp4')",
    "a review copy's name": "from cues.whole_files import replace_whole; (folder / 'aside').write_bytes(b'copy');"
    "replace_whole(folder / 'aside', folder / 'review.mp4')",
}


def traced(folder: Path, code: str) -> list[tuple[str, str, str]]:
    """The calls of a child process inside `folder`: (call, path, other path of a rename), in their order."""
    log = folder.parent / f"{folder.name}.trace"
    command = [sys.executable, "-c", _BEGIN + code, str(folder)]
    subprocess.run(
        ["strace", "-f", "-y", "-s", "0", "-e", f"trace={CALLS}", "-o", str(log), *command], check=True, cwd=ROOT
    )
    found = []
    for line in whole_calls(log.read_text().splitlines()):
        call = _CALL.match(line)
        if call is None or int(call["result"]) < 0 or str(folder) not in line:
            continue
        paths = re.findall(r'"([^"]*)"\.{0}', call["what"]) if call["name"].startswith(("rename", "mkdir")) else []
        paths = paths or re.findall(r"<([^<>]*)>", call["what"])
        if paths and call["name"] != "close":
            found.append((call["name"], paths[0], paths[-1]))
    return found


def whole_calls(lines: Iterable[str]) -> Iterator[str]:
    """A call a line, at its end: strace tells in two halves of one during which another thread made one."""
    begun = dict[str, str]()
    for line in lines:
        if half := _BEGUN.match(line):
            begun[half["thread"]] = half["call"]
        elif half := _RESUMED.match(line):
            yield f"{half['thread']} {begun.pop(half['thread'], '')}{half['rest']}"
        else:
            yield line


def out_of_order(calls: list[tuple[str, str, str]]) -> list[str]:
    """What a power cut could tear: a renamed file written since it was last flushed, a folder not flushed after a
    rename into it or after a folder was made in it."""
    dirty, waiting, wrong = set[str](), set[str](), []
    for name, path, other in calls:
        if name in ("write", "pwrite64"):
            dirty.add(path)
        elif name in ("fsync", "fdatasync"):
            dirty.discard(path)
            waiting.discard(path)
        elif name.startswith("mkdir"):
            waiting.add(str(Path(path).parent))
        elif name.startswith("rename"):
            torn = [one for one in dirty if one == path or one.startswith(path + "/")]
            wrong += [f"{Path(one).name} gets its name before its content is on the disk" for one in torn]
            dirty = {other + one[len(path) :] if one in torn else one for one in dirty}
            waiting.add(str(Path(other).parent))
    return wrong + [f"the folder {Path(folder).name} is not flushed after a name in it changed" for folder in waiting]


def soak(folder: Path, clip: Path, rounds: int, seed: int) -> Iterator[Outcome]:  # noqa: ARG001
    """Each writer once: the order is the same every time."""
    if shutil.which("strace") is None:
        return
    for number, what in enumerate(WRITERS):
        place = folder / f"writes-{number}"
        place.mkdir()
        yield order_of(place, what)


def order_of(folder: Path, what: str) -> Outcome:
    """One writer in an empty folder."""
    place = folder / "traced"
    place.mkdir()
    calls = traced(place, WRITERS[what])
    renames = sum(name.startswith("rename") for name, *_ in calls)
    flushes = sum(name in ("fsync", "fdatasync") for name, *_ in calls)
    outcome = Outcome(f"power cut while writing {what}")
    outcome.on_disk = f"the old or the new content: {flushes} flushes around {renames} renames, in order"
    outcome.seen, outcome.restart = "what was there before, or the new", "ends or removes what was on its way"
    outcome.check(renames > 0, "nothing was renamed")
    outcome.broken += out_of_order(calls)
    return outcome
