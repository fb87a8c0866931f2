"""python -m tests.validation.generator sample --out videos/sample [--seconds N] [--workers 2]; likewise
two-shot."""

import argparse
import sys
import time
from pathlib import Path

from . import sample, two_shot
from .model import FaceModelMissing
from .speech import SpeechMissing


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.validation.generator", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, seconds, seed, rate in (
        ("sample", sample.SECONDS, sample.SEED, sample.RATE),
        ("two-shot", two_shot.SECONDS, two_shot.SEED, two_shot.RATE),
    ):
        command = commands.add_parser(name)
        command.add_argument("--out", type=Path, required=True)
        command.add_argument("--seconds", type=float, default=seconds)
        command.add_argument("--workers", type=int, default=2)
        command.add_argument("--seed", type=int, default=seed)
        command.add_argument("--rate", type=int, default=rate)
    asked = parser.parse_args()
    begin = time.monotonic()

    def progress(frame: int) -> None:
        if frame % 250 == 0:
            print(f"{frame / asked.rate:7.1f} s rendered in {time.monotonic() - begin:6.1f} s", flush=True)

    make = sample.render if asked.command == "sample" else two_shot.render
    try:
        make(asked.out, asked.seconds, asked.workers, asked.seed, asked.rate, progress)
    except (FaceModelMissing, SpeechMissing) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
