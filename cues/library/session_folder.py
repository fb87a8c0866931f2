"""A session's folder: the files right of the observations table, written whole or not at all.

`minutes.csv`, `episodes.csv`, `speaking.parquet` and `session.json` are derived from the tables that
`cues.observations` reads and writes and from `corrections.json`, the one file here that a person made. Texts are UTF-8.
"""

import csv
import hashlib
import io
import json
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from cues.corrections import Corrections, corrections_from_json, corrections_to_json
from cues.errors import ParameterError, SessionFolderError
from cues.metrics.session import SessionMetrics
from cues.metrics.summary import SCHEMA_VERSION
from cues.observations import Observations, parquet, table_files
from cues.whole_files import FREE, write_whole

RESULT_FILES = ("minutes.csv", "episodes.csv", "session.json", "speaking.parquet")
_TEXT_COLUMNS = ("role", "cue", "kind", "flags", "mirroring_stands_out")
_TEXT_ENDINGS = ("_why", "_state")


@dataclass(frozen=True)
class StoredSession:
    """What a folder says about its session without computing anything.

    summary is the content of session.json; minutes and episodes are the two tables, with nulls where the
    files have empty cells.
    """

    summary: dict[str, Any]
    minutes: pa.Table
    episodes: pa.Table


def write_results(folder: Path, metrics: SessionMetrics) -> list[Path]:
    """Writes minutes.csv, episodes.csv, session.json and speaking.parquet into `folder` (made when missing); returns
    their paths.

    Raises SessionFolderError when they cannot be written (disk full, no permission); none of them has
    changed then.
    """
    return write_whole(folder, _result_files(metrics))


def write_analysis(
    folder: Path,
    observations: Observations,
    corrections: Corrections,
    metrics: SessionMetrics,
    held: AbstractContextManager[None] = FREE,
) -> list[Path]:
    """Writes all that a new analysis leaves behind: the tables, corrections.json and the results; returns their paths.

    `held`: see `write_whole`.
    Raises SessionFolderError as `write_results` does; what an earlier analysis had left is unchanged then.
    """
    contents = {**table_files(observations), **_corrections_file(corrections), **_result_files(metrics)}
    written = write_whole(folder, contents, held)
    if observations.sound is None:
        (folder / "sound.parquet").unlink(missing_ok=True)  # of an earlier recording
    return written


def read_session(folder: Path) -> StoredSession:
    """Reads what `write_results` wrote.

    Raises SessionFolderError when a file is missing, damaged or of another schema version.
    """
    return StoredSession(read_summary(folder), _read_csv(folder / "minutes.csv"), _read_csv(folder / "episodes.csv"))


def read_summary(folder: Path) -> dict[str, Any]:
    """The content of session.json alone, without the tables. Raises SessionFolderError as `read_session` does."""
    summary = _read_json(folder / "session.json")
    if not isinstance(summary, dict) or summary.get("schema") != SCHEMA_VERSION:
        found = summary.get("schema") if isinstance(summary, dict) else None
        raise SessionFolderError(
            f"'{folder}' has results of schema version {found}, this version reads {SCHEMA_VERSION}: "
            "compute the metrics again."
        )
    return summary


def outdated(folder: Path) -> bool:
    """The results in `folder` are of an earlier version, which `measure_session` brings up to date from the tables."""
    if not (folder / "session.json").exists():
        return False
    try:
        return bool(_read_json(folder / "session.json")["schema"] < SCHEMA_VERSION)
    except (SessionFolderError, KeyError, TypeError):
        return False


def analysis_of(summary: dict[str, Any]) -> str:
    """Which computation the results of a session.json are: other software, parameters or corrections give another one.

    12 hexadecimal digits.
    """
    parts = [summary["versions"], summary["parameters"], summary["corrections"]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]


def load_corrections(folder: Path) -> Corrections:
    """The corrections kept in `folder`; none when nothing was corrected yet.

    Raises SessionFolderError when corrections.json cannot be read or is of another schema version.
    """
    path = folder / "corrections.json"
    if not path.exists():
        return Corrections()
    try:
        return corrections_from_json(_read_json(path))
    except ParameterError as problem:
        raise SessionFolderError(f"'{path}' cannot be used: {problem}") from None


def save_corrections(folder: Path, corrections: Corrections) -> Path:
    """Writes corrections.json into `folder`; returns its path. Raises SessionFolderError as `write_results`
    does."""
    return write_whole(folder, _corrections_file(corrections))[0]


def _corrections_file(corrections: Corrections) -> dict[str, bytes]:
    return {"corrections.json": _json_text(corrections_to_json(corrections)).encode()}


def _result_files(metrics: SessionMetrics) -> dict[str, bytes]:
    contents = {
        "minutes.csv": _csv_text(metrics.minutes),
        "episodes.csv": _csv_text(metrics.episodes),
        "session.json": _json_text(metrics.summary),
    }
    return {**{name: text.encode() for name, text in contents.items()}, "speaking.parquet": parquet(metrics.speaking)}


def _json_text(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _csv_text(table: pa.Table) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(table.column_names)
    writer.writerows(zip(*(column.to_pylist() for column in table.columns), strict=True))
    return out.getvalue()


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SessionFolderError(f"'{path.parent}' has no {path.name}: analyse the recording into it first.") from None
    except (OSError, ValueError):
        raise SessionFolderError(f"'{path}' cannot be read: compute the metrics again.") from None


def _read_csv(path: Path) -> pa.Table:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
    except FileNotFoundError:
        raise SessionFolderError(f"'{path.parent}' has no {path.name}: compute the metrics again.") from None
    except (OSError, ValueError, csv.Error):
        raise SessionFolderError(f"'{path}' cannot be read: compute the metrics again.") from None
    if not rows or any(len(row) != len(rows[0]) for row in rows):
        raise SessionFolderError(f"'{path}' is damaged: compute the metrics again.")
    columns = zip(*rows[1:], strict=True) if len(rows) > 1 else ([] for _ in rows[0])
    try:
        return pa.table({name: _parsed(name, list(cells)) for name, cells in zip(rows[0], columns, strict=True)})
    except ValueError:
        raise SessionFolderError(f"'{path}' is damaged: compute the metrics again.") from None


def _parsed(name: str, cells: list[str]) -> pa.Array:
    if name in _TEXT_COLUMNS or name.endswith(_TEXT_ENDINGS):
        return pa.array([cell or None for cell in cells], pa.string())
    whole = not any("." in cell or "e" in cell for cell in cells) and any(cells)
    return pa.array([(int(cell) if whole else float(cell)) if cell else None for cell in cells])
