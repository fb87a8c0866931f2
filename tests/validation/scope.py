"""What a run of the suite may use: how much, how many processes, which data, where renders are kept."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
GENERATOR = HERE / "generator"


@dataclass(frozen=True)
class Scope:
    """`short`: the version that `make test` runs. `data`: folder of the public data, None where there is none."""

    short: bool = False
    workers: int = 2
    data: Path | None = None
    cache: Path = HERE / "cache"

    @classmethod
    def of_this_machine(cls, short: bool = False, workers: int = 2) -> "Scope":
        """With the public data that CUES_TEST_DATA names, where it does."""
        named = os.environ.get("CUES_TEST_DATA")
        return cls(short, workers, Path(named) if named and Path(named).is_dir() else None)

    @property
    def can_render(self) -> bool:
        """Whether the face model that renders need is there."""
        return self.data is not None and (self.data / "face_model").is_dir()

    def rendered(self, name: str, recipe: dict[str, Any], make: Callable[[Path], None]) -> Path:
        """The folder with what `make(folder)` writes, made once per recipe and version of the generator.

        `recipe` must say everything that `make` depends on (seeds, rates, sizes), as JSON can.
        """
        key = hashlib.sha256(json.dumps([recipe, _generator_version()], sort_keys=True).encode()).hexdigest()[:12]
        folder = self.cache / f"{name}-{key}"
        if not folder.exists():
            self.cache.mkdir(parents=True, exist_ok=True)
            partial = Path(tempfile.mkdtemp(suffix=".partial", prefix=f"{folder.name}-", dir=self.cache))
            try:
                make(partial)
                partial.rename(folder)
            except OSError:
                if not folder.exists():  # else another process was quicker, with the same
                    raise
            finally:
                shutil.rmtree(partial, ignore_errors=True)
        return folder


def _generator_version() -> str:
    """Changes with the generator's modules; commands and sentences of the sample are not part of it."""
    left_out = {"__main__.py", "__init__.py", "sample.py", "two_shot.py"}
    files = sorted(p for p in GENERATOR.glob("*.py") if p.name not in left_out)
    return hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest()
