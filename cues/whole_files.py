"""Files that are there whole or not at all.

A file is written under a temporary name in the same folder, flushed to the disk and then renamed, so that a reader
sees the old content or the new one. What does not fit on the disk leaves the folder as it was.
"""

import os
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from cues.errors import SessionFolderError


def write_whole(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Writes files (name -> content) into `folder` (made when missing), all of them or none; returns their paths.

    Raises SessionFolderError when they cannot be written (disk full, no permission); what was there has not changed.
    """
    temporary = {name: folder / f".{name}.{uuid.uuid4().hex}.tmp" for name in contents}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, path in temporary.items():
            with path.open("xb") as file:
                file.write(contents[name])
                file.flush()
                os.fsync(file.fileno())
        for name, path in temporary.items():
            path.replace(folder / name)
    except OSError as problem:
        for path in temporary.values():
            with suppress(OSError):
                path.unlink(missing_ok=True)
        raise SessionFolderError(
            f"The results cannot be written into '{folder}' ({problem.strerror or problem}): "
            "make room or choose another folder. What was there before is unchanged."
        ) from None
    return [folder / name for name in contents]
