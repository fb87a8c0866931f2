"""Files that are there whole or not at all.

A file is written under a temporary name in the same folder, flushed to the disk and then renamed, so that a reader
sees the old content or the new one. What does not fit on the disk leaves the folder as it was.
"""

import os
import shutil
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from cues.errors import SessionFolderError


def write_whole(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Writes files (name -> content) into `folder` (made when missing), all of them or none; returns their paths.

    Raises SessionFolderError when they cannot be written (disk full, no permission); what was there has not changed.
    """
    mark = uuid.uuid4().hex
    temporary = {name: folder / f".{name}.{mark}.tmp" for name in contents}
    before = {name: folder / f".{name}.{mark}.old" for name in contents}
    replaced: list[str] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, path in temporary.items():
            with path.open("xb") as file:
                file.write(contents[name])
                file.flush()
                os.fsync(file.fileno())
        for name in contents:
            _keep(folder / name, before[name])
        for name, path in temporary.items():
            path.replace(folder / name)
            replaced.append(name)
    except OSError as problem:
        for name in replaced:
            with suppress(OSError):
                _put_back(before[name], folder / name)
        for path in (*temporary.values(), *before.values()):
            with suppress(OSError):
                path.unlink(missing_ok=True)
        raise SessionFolderError(
            f"The results cannot be written into '{folder}' ({problem.strerror or problem}): "
            "make room or choose another folder. What was there before is unchanged."
        ) from None
    for path in before.values():
        path.unlink(missing_ok=True)
    return [folder / name for name in contents]


def _keep(path: Path, before: Path) -> None:
    """A second name for what is there; a copy on disks that know no second names."""
    try:
        os.link(path, before)
    except FileNotFoundError:
        pass
    except OSError:
        shutil.copyfile(path, before)


def _put_back(before: Path, path: Path) -> None:
    """What was there before, or nothing."""
    if before.exists():
        before.replace(path)
    else:
        path.unlink()
