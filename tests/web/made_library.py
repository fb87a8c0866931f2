"""Sessions put straight into a library, analysed already: for pictures, for benchmarks, for tests of their pages.

`python -m tests.web.made_library LIBRARY TITLE RESULTS RECORDING [RECORDING]` adds one; `--hour RECORDING RESULTS` in
place of the last three repeats a recording and its tables until they last an hour.
"""

import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from cues.corrections import Corrections
from cues.library.accounts import owner_of_library
from cues.library.database import Library, open_library
from cues.library.folders import make_session_folder
from cues.library.models import Recording
from cues.library.session_folder import save_corrections, write_results
from cues.library.sessions import create_session
from cues.metrics.session import measure_session
from cues.observations import Observations, read_observations, write_observations
from cues.parameters import Parameters
from tests.made_session import made_session

HOUR_S = 3600.0
OFFSET_S = 2.0
"""How much later the second of two made files begins."""
NONE = Corrections()


def add_session(library: Library, title: str, results: Path, recordings: list[Path]) -> str:
    """A session of the library's owner with what an analysis of `recordings` left in `results`; its id."""
    with library.writing() as db:
        setup = "two_files" if len(recordings) == 2 else "auto"
        session = create_session(db, owner_of_library(db), title, date.today(), setup, None)
        folder = make_session_folder(library.folder, session.id)
        for path in results.iterdir():
            if path.is_file():
                shutil.copyfile(path, folder / path.name)
        for position, path in enumerate(recordings):
            stored = f"recording-{position + 1}{path.suffix}"
            shutil.copyfile(path, folder / stored)
            size, sha = path.stat().st_size, f"{position:064d}"
            db.add(
                Recording(
                    session_id=session.id,
                    position=position,
                    file_name=path.name,
                    stored_as=stored,
                    size=size,
                    sha256=sha,
                )
            )
        return session.id


def made_results(folder: Path, corrections: Corrections = NONE, **made: Any) -> Path:
    """What an analysis of a made session (`made_session`, its arguments) leaves in `folder`."""
    observations = made_session(**made).observations
    if made.get("setup") == "two_files":
        aligned = {"offset_s": OFFSET_S, "drift_ppm": 0.0, "residual_s": 0.01}
        facts = replace(observations.facts, alignment=aligned, videos=observations.facts.videos * 2)
        observations = replace(observations, facts=facts)
    write_observations(observations, folder)
    save_corrections(folder, corrections)
    write_results(folder, measure_session(observations, corrections, Parameters()))
    return folder


def hour_of(recording: Path, results: Path, folder: Path) -> Path:
    """The recording and its tables repeated for an hour: written into `folder`, the recording as hour.mp4."""
    hour = repeated_for_an_hour(results)
    folder.mkdir(parents=True, exist_ok=True)
    write_observations(hour, folder)
    write_results(folder, measure_session(hour, Corrections(), Parameters()))
    copies = int(np.ceil(HOUR_S / read_observations(results).facts.duration_s))
    repeat = ["-stream_loop", str(copies - 1), "-i", str(recording), "-t", str(HOUR_S), "-c", "copy"]
    video = folder.parent / "hour.mp4"
    subprocess.run(["ffmpeg", "-v", "error", "-y", *repeat, "-movflags", "+faststart", str(video)], check=True)
    return video


def repeated_for_an_hour(results: Path) -> Observations:
    """A session's tables, one after the other until the hour is full."""
    observations = read_observations(results)
    facts, copies = observations.facts, int(np.ceil(HOUR_S / observations.facts.duration_s))
    tables = {}
    for name, table in (("table", observations.table), ("scene", observations.scene), ("sound", observations.sound)):
        if table is not None:
            whole = pa.concat_tables([_later(table, k * facts.duration_s) for k in range(copies)])
            by = "channel" if name == "sound" else "person"
            whole = whole.sort_by([(by, "ascending"), ("time", "ascending")])
            tables[name] = whole.filter(pa.array(whole["time"].to_numpy() < HOUR_S))
    longer = type(facts)(**{**facts.__dict__, "duration_s": HOUR_S})
    return Observations(longer, tables["table"], tables["scene"], tables.get("sound"))


def _later(table: pa.Table, seconds: float) -> pa.Table:
    time = table["time"].to_numpy().astype(np.float64) + seconds
    return table.set_column(0, "time", pa.array(time.astype(np.float32)))


def main(arguments: list[str]) -> None:
    library = open_library(Path(arguments[0]).resolve())
    if arguments[1] == "--hour":
        recording, results = map(Path, arguments[2:4])
        folder = library.folder / "hour"
        video = hour_of(recording, results, folder)
        print(add_session(library, "An hour", folder, [video]))
        shutil.rmtree(folder)
        video.unlink()
    else:
        print(add_session(library, arguments[1], Path(arguments[2]), [Path(path) for path in arguments[3:]]))


if __name__ == "__main__":
    main(sys.argv[1:])
