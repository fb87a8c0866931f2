"""Steps and results on their way between hosts: paths inside the library are told relative to it, because each host may
mount it at another place.

They are pickles, as everything that Dask sends: whoever can speak to the scheduler can run programs on every host
(SECURITY.md).
"""

import io
import pickle
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

_PROTOCOL = 5


def pack(what: Any, library: Path) -> bytes:
    """Anything that can be pickled, as bytes for a host with the library anywhere."""
    made = io.BytesIO()
    _Packer(made, library).dump(what)
    return made.getvalue()


def unpack(packed: bytes, library: Path) -> Any:
    """What was packed, with the paths of this host."""
    return _Unpacker(io.BytesIO(packed), library).load()


def run_packed(packed: bytes, library: Path) -> bytes:
    """Runs a packed (function, arguments, named arguments); its packed result."""
    function, arguments, named = unpack(packed, library)
    return pack(function(*arguments, **named), library)


class _Packer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, library: Path) -> None:
        super().__init__(file, _PROTOCOL)
        self._library = library

    def persistent_id(self, obj: Any) -> str | None:
        if isinstance(obj, PurePath) and obj.is_relative_to(self._library):
            return PurePosixPath(obj.relative_to(self._library)).as_posix()
        return None


class _Unpacker(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, library: Path) -> None:
        super().__init__(file)
        self._library = library

    def persistent_load(self, pid: str) -> Path:
        return self._library / pid
