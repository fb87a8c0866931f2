"""All faults, one after the other: `python -m tests.faults [--rounds 100] [--seed 1] [--without media]`; writes
RESULTS.md."""

import argparse
import importlib
import pkgutil
import sys
import tempfile
import time
from pathlib import Path

import tests.faults
from tests.faults.clinic import make_clip
from tests.faults.outcomes import Outcome, write_results


def main() -> int:
    """Every module here that has `soak(folder, clip, rounds, seed)`; how many rounds did not hold."""
    parser = argparse.ArgumentParser("python -m tests.faults", description="What the world does to the tool.")
    parser.add_argument("--rounds", type=int, default=100, help="kills at random moments")
    parser.add_argument("--seed", type=int, default=1, help="of the moments")
    parser.add_argument("--without", nargs="+", default=[], help="modules that are left out")
    options = parser.parse_args()
    began, outcomes = time.monotonic(), list[Outcome]()
    with tempfile.TemporaryDirectory(prefix="cues-faults-") as made:
        folder = Path(made)
        clip = make_clip(folder / "clip.avi")
        for found in sorted(pkgutil.iter_modules(tests.faults.__path__), key=lambda one: one.name):
            left_out = found.name in ("__main__", *options.without)
            module = None if left_out else importlib.import_module(f"tests.faults.{found.name}")
            for outcome in getattr(module, "soak", _nothing)(folder, clip, options.rounds, options.seed):
                outcomes.append(outcome)
                print(f"{outcome.fault}: {'; '.join(outcome.broken) or 'held'}", flush=True)
    minutes = (time.monotonic() - began) / 60
    how = (
        f"Written by `make soak` (`python -m tests.faults --rounds {options.rounds} --seed {options.seed}`) in "
        f"{minutes:.0f} minutes. Where rounds differed, how often each was observed stands in brackets."
    )
    if options.without:
        how += f" Left out: {', '.join(options.without)}."
    print(write_results(outcomes, how))
    return sum(bool(outcome.broken) for outcome in outcomes)


def _nothing(*_: object) -> tuple[Outcome, ...]:
    return ()


if __name__ == "__main__":
    sys.exit(min(main(), 1))
