"""python -m cues.jobs.probing FOLDER RECORDING [remove]: a short look at a recording, in a process of its own.

Writes into FOLDER `probe.json` (verdicts for each cue and what to change, or `problem`: one sentence) and a picture
`person-N.jpg` of each person found. The application starts one as soon as an upload is whole, and waits for the file.
"""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2

from cues.errors import CuesError
from cues.parameters import Parameters
from cues.whole_files import write_whole

RESULT = "probe.json"
_ROOT = Path(__file__).resolve().parents[2]


def start_probe(folder: Path, recording: Path, remove: bool = False) -> None:
    """Starts the look and returns at once. What an earlier one wrote is removed before; the recording, if asked, after
    it."""
    for path in (folder / RESULT, *folder.glob("person-*.jpg")):
        path.unlink(missing_ok=True)
    subprocess.Popen(
        [sys.executable, "-m", __spec__.name, str(folder), str(recording), *(["remove"] if remove else [])],
        cwd=_ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


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


def main(folder: Path, recording: Path) -> None:
    """Looks, and writes what was seen; a recording that cannot be used gives its sentence."""
    from cues.probe import probe_recording  # the networks' runtime loads slowly

    os.umask(0o077)
    try:
        found = probe_recording(recording, Parameters())
    except CuesError as problem:
        write_whole(folder, {RESULT: json.dumps({"problem": str(problem)}).encode()})
        return
    files: dict[str, bytes] = {}
    people = []
    for person in found.people:
        told = asdict(person)
        picture = told.pop("picture")
        if picture is not None:
            files[portrait(folder, person.number).name] = cv2.imencode(".jpg", picture)[1].tobytes()
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
    write_whole(folder, {**files, RESULT: json.dumps(told).encode()})


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]), Path(sys.argv[2]))
    finally:
        if sys.argv[3:] == ["remove"]:
            Path(sys.argv[2]).unlink(missing_ok=True)
