"""Finished parts of an analysis that has not ended: what an interrupted run goes on from.

They lie in `.partial` inside the output's folder, one file a part, and are removed when the results are written.
"""

import hashlib
import json
import pickle
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cues import __version__
from cues.encryption.at_rest import as_kept, read_kept
from cues.errors import SessionFolderError
from cues.observations import SCHEMA_VERSION
from cues.whole_files import make_folder, replace_whole


@dataclass(frozen=True)
class Partial:
    """Finished parts of an analysis, for the same recording, options and version only."""

    folder: Path

    @classmethod
    def open(cls, out: Path, paths: tuple[Path, ...], options: Any) -> "Partial":
        """The partial results in `out`; those of another recording or other options are removed."""
        stamps = [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in paths if p.exists()]
        said = json.dumps([stamps, options, __version__, SCHEMA_VERSION], default=str, sort_keys=True)
        key = hashlib.sha256(said.encode()).hexdigest()[:16]
        partial = cls(out / ".partial" / key)
        if (out / ".partial").is_dir():
            for other in (out / ".partial").iterdir():
                if other.name != key:
                    _remove(other)
        return partial

    def load(self, name: str) -> Any:
        """A part, or None where it was not finished."""
        path = self.folder / f"{name}.pickle"
        try:
            return pickle.loads(read_kept(path))
        except (FileNotFoundError, EOFError, pickle.UnpicklingError):
            return None

    def has(self, name: str) -> bool:
        """Whether a part is finished."""
        return (self.folder / f"{name}.pickle").exists()

    def save(self, name: str, part: Any) -> None:
        """Keeps a part: written aside first, so that what is there is whole."""
        try:
            make_folder(self.folder, mode=0o700)
            aside = self.folder / f"{name}.{uuid.uuid4().hex}.writing"
            try:
                aside.write_bytes(as_kept(aside, pickle.dumps(part)))
                replace_whole(aside, self.folder / f"{name}.pickle")
            finally:
                aside.unlink(missing_ok=True)
        except OSError as error:
            raise SessionFolderError(
                f"'{self.folder.parent.parent}' cannot be written ({error.strerror}): make room or choose "
                "another folder, then start it again. What is finished is kept."
            ) from None

    def say(self, name: str, share: float) -> None:
        """Says how much of a part is done (0-1), for those who wait for it; nothing where it cannot be written."""
        with suppress(OSError):  # the session was deleted meanwhile, or the disk is full: keeping the part tells
            (self.folder / f"{name}.share").write_text(f"{share:.4f}")

    def said(self, name: str) -> float:
        """How much of an unfinished part is done (0-1), as far as was said."""
        try:
            return float((self.folder / f"{name}.share").read_text())
        except (FileNotFoundError, ValueError):  # nothing yet, or read in the middle of a write
            return 0.0


def finish_partial(out: Path) -> None:
    """Removes the partial results once the session's files are written, and a folder that holds nothing else."""
    if (out / ".partial").is_dir():
        _remove(out / ".partial")
        with suppress(OSError):  # not empty: what it is for
            out.rmdir()


def _remove(path: Path) -> None:
    for child in path.iterdir() if path.is_dir() else ():
        _remove(child)
    path.rmdir() if path.is_dir() else path.unlink()
