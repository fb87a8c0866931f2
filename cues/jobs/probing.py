"""python -m cues.jobs.probing FOLDER RECORDING [remove]: a short look at a recording, in a process of its own.

Writes into FOLDER `probe.json` (verdicts for each cue and what to change, or `problem`: one sentence) and a picture
`person-N.jpg` of each person found. The application starts one as soon as an upload is whole, and waits for the file.
The process that is started watches a second one that looks: whatever becomes of that, the file comes.
"""

import fcntl
import json
import os
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from cues.encryption.at_rest import as_kept
from cues.errors import CuesError
from cues.jobs.memory import resident_mb
from cues.parameters import Limits, Parameters
from cues.whole_files import write_whole

RESULT = "probe.json"
WATCH_EVERY_S = 0.1
_LOOK = "look"
_ROOT = Path(__file__).resolve().parents[2]


def start_probe(folder: Path, recording: Path, remove: bool = False) -> None:
    """Starts the look and returns at once. What an earlier one wrote is removed before; the recording, if asked, after
    it. While it runs the folder is held, however long the process that started it lives."""
    for path in (folder / RESULT, *folder.glob("person-*.jpg")):
        path.unlink(missing_ok=True)
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_SH)
        subprocess.Popen(
            [sys.executable, "-m", __spec__.name, str(folder), str(recording), *(["remove"] if remove else [])],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=(held,),
        )
    finally:
        os.close(held)


def is_looked_at(folder: Path) -> bool:
    """Whether a look runs that writes into a folder."""
    if not folder.is_dir():
        return False
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(held)
    return False


def read_probe(folder: Path) -> dict[str, Any] | None:
    """What a finished look wrote; None while there is nothing."""
    try:
        found: dict[str, Any] = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return found


def portrait(folder: Path, number: int) -> Path:
    """Where the picture of person `number` (from left to right, from 1) lies."""
    return folder / f"person-{number}.jpg"


def main(folder: Path, recording: Path, limits: Limits) -> None:
    """Has somebody look, within limits; where that process ends without a word, its sentence is written here."""
    process = subprocess.Popen(
        [sys.executable, "-m", __spec__.name, str(folder), str(recording), _LOOK], cwd=_ROOT, stdin=subprocess.DEVNULL
    )
    try:
        why = _watched(process, limits, recording.stat().st_size if recording.exists() else 0)
    finally:
        process.kill()
        process.wait()
    if why and not (folder / RESULT).exists():
        _write(folder, {RESULT: json.dumps({"problem": f"{recording.name} {why}"}).encode()})


def _watched(process: "subprocess.Popen[bytes]", limits: Limits, size_bytes: int) -> str:
    """Waits for a process that looks; what is to be said where it did not end well, "" where it did."""
    end = time.monotonic() + limits.look_s(size_bytes)
    while time.monotonic() < end:
        try:
            status = process.wait(WATCH_EVERY_S)
        except subprocess.TimeoutExpired:
            if resident_mb(process.pid) > limits.memory_mb:
                return "takes more memory to read than a process may have; export it at a lower resolution."
            continue
        return "" if status == 0 else "makes the program that decodes it crash; export it again, as an mp4."
    return "could not be read within the time that a look may take, so it is probably damaged; export it again."


def look(folder: Path, recording: Path) -> None:
    """Looks, and writes what was seen; a recording that cannot be used gives its sentence."""
    import cv2  # these load slowly, and who watches does without

    from cues.probe import probe_recording

    try:
        found = probe_recording(recording, Parameters())
    except CuesError as problem:
        _keep(folder, recording, {RESULT: json.dumps({"problem": str(problem)}).encode()})
        return
    files: dict[str, bytes] = {}
    people = []
    for person in found.people:
        told = asdict(person)
        picture = told.pop("picture")
        if picture is not None:
            path = portrait(folder, person.number)
            files[path.name] = as_kept(path, cv2.imencode(".jpg", picture)[1].tobytes())
        people.append({name: None if value != value else value for name, value in told.items()})  # NaN
    told = {
        "setup": found.setup,
        "duration_s": found.info.duration,
        "width": found.info.width,
        "height": found.info.height,
        "people": people,
        "mirroring": asdict(found.mirroring),
        "warnings": list(found.warnings),
        "first": None if found.first is None else asdict(found.first),
    }
    _keep(folder, recording, {**files, RESULT: json.dumps(told).encode()})


def _keep(folder: Path, recording: Path, files: dict[str, bytes]) -> None:
    """Writes what was seen, unless the recording was deleted meanwhile: nothing of it comes after."""
    if not recording.exists():
        return
    written = _write(folder, files)
    if not recording.exists():
        for path in written:
            path.unlink(missing_ok=True)
        with suppress(OSError):  # not empty, or gone
            folder.rmdir()


def _write(folder: Path, files: dict[str, bytes]) -> list[Path]:
    # Without its folder the session was deleted meanwhile, and nothing of it may come back.
    return write_whole(folder, files) if folder.is_dir() else []


if __name__ == "__main__":
    os.umask(0o077)
    folder, recording = Path(sys.argv[1]), Path(sys.argv[2])
    if sys.argv[3:] == [_LOOK]:
        look(folder, recording)
    else:
        try:
            main(folder, recording, Limits())
        finally:
            if sys.argv[3:] == ["remove"]:
                recording.unlink(missing_ok=True)
