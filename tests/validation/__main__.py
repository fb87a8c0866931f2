"""python -m tests.validation [PART ...] [--short] [--workers N]: runs the suite, writes RESULTS.md and the README's
table. Without a name all parts run, in their order."""

import argparse
import importlib
import sys
import time
from dataclasses import replace

from tests.validation.results import save, write_documents
from tests.validation.scope import Scope

PARTS = (
    "gaze_geometry",
    "eye_contact",
    "lean",
    "mirroring",
    "mirroring_from_pixels",
    "rate_and_size",
    "fairness",
    "speaking",
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.validation", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--short", action="store_true", help="as in make test: nothing is written")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    unknown = [part for part in asked.parts if part not in PARTS]
    if unknown:
        parser.error(f"there is no part {', '.join(unknown)}: choose from {', '.join(PARTS)}")
    scope = Scope.of_this_machine(asked.short, asked.workers)
    for part in asked.parts or PARTS:
        begin = time.monotonic()
        print(f"{part} ...", flush=True)
        result = importlib.import_module(f"tests.validation.parts.{part}").run(scope)
        result = replace(result, seconds=time.monotonic() - begin)
        for figure in result.figures:
            missed = "  NOT REACHED" if figure.reached is False else ""
            asked_for = f"  asked {figure.target}" if figure.target else ""
            print(f"  {figure.name}: {figure.said}  ({figure.n}){asked_for}{missed}")
        for skipped in result.skipped:
            print(f"  skipped: {skipped}")
        print(f"  {result.seconds:.0f} s", flush=True)
        if not asked.short:
            save(result)
            write_documents(list(PARTS))
    return 0


if __name__ == "__main__":
    sys.exit(main())
