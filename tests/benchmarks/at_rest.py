"""What encryption at rest costs: `python -m tests.benchmarks.at_rest`; each figure beside the same without it, in turn.

Writing and reading a large file, a range of a player (open, seek, 64 kB) at random places of it, an upload in pieces
of 8 MB, and the processor time of decoding the sample for an analysis.
"""

import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cues.encryption.at_rest import copy_kept, open_kept, writing_kept
from cues.encryption.keys import KEY_FILE, begin_encryption, given_key, write_key_file
from cues.library.incoming import Incoming, create_upload, open_chunk, remove_upload
from cues.vision.video import read_frames
from tests.sample_clip import first_seconds

SIZE, PIECE, ROUNDS, RANGES = 256_000_000, 8_000_000, 5, 400
DECODED_S = 60.0


@contextmanager
def folders() -> Iterator[dict[str, Path]]:
    """A folder that is not encrypted and one that is, side by side."""
    with tempfile.TemporaryDirectory() as place:
        write_key_file(Path(place) / "key")
        os.environ[KEY_FILE] = str(Path(place) / "key")
        made = {name: Path(place) / name for name in ("plain", "encrypted")}
        for folder in made.values():
            folder.mkdir()
        begin_encryption(made["encrypted"], given_key())  # type: ignore[arg-type]  # the key is given
        yield made


def write(folder: Path) -> None:
    """A file of SIZE bytes, to the disk."""
    block = os.urandom(1 << 20)
    with writing_kept(folder / "large.new") as file:
        for _ in range(SIZE // len(block)):
            file.write(block)
    (folder / "large.new").replace(folder / "large")


def read(folder: Path) -> None:
    """The same from its beginning to its end."""
    with open_kept(folder / "large") as file:
        while file.read(1 << 20):
            pass


def upload(folder: Path) -> None:
    """As many bytes as an upload, to its hash."""
    incoming = Incoming(folder / "incoming", reserve_bytes=0)
    made, piece = create_upload(incoming, 1, SIZE, "a.mp4"), os.urandom(PIECE)
    for begin in range(0, SIZE, PIECE):
        chunk = open_chunk(incoming, made.id, begin, None)
        for block in range(0, PIECE, 1 << 20):
            chunk.write(piece[block : block + (1 << 20)])
        chunk.keep()
        if chunk.offset == SIZE:
            chunk.finish()
        chunk.close()
    remove_upload(incoming, made.id)


def decode(folder: Path) -> None:
    """Ten pictures a second of the sample."""
    for _ in read_frames(folder / "clip.mp4", 10.0):
        pass


def latencies(folder: Path) -> list[float]:
    """Seconds of each of RANGES ranges."""
    chance, took = random.Random(1), []
    for _ in range(RANGES):
        began = time.perf_counter()
        with open_kept(folder / "large") as file:
            file.seek(chance.randrange(SIZE - (1 << 16)))
            file.read(1 << 16)
        took.append(time.perf_counter() - began)
    return took


def measured(act: Callable[[Path], None], made: dict[str, Path]) -> dict[str, tuple[float, float]]:
    """Median seconds of wall time and of the processor, of rounds in turn."""
    took: dict[str, list[tuple[float, float]]] = {name: [] for name in made}
    for _ in range(ROUNDS):
        for name, folder in made.items():
            wall, processor = time.perf_counter(), time.process_time()
            act(folder)
            took[name].append((time.perf_counter() - wall, time.process_time() - processor))
    return {name: tuple(statistics.median(one) for one in zip(*rows, strict=True)) for name, rows in took.items()}  # type: ignore[misc]


def main() -> None:
    """Prints the table."""
    print("| what | plain | encrypted |\n|---|---|---|")
    with folders() as made:
        clip = first_seconds(made["plain"].parent / "clip.mp4", DECODED_S)
        for folder in made.values():
            copy_kept(clip, folder / "clip.mp4")
        for name, act in (("written, to the disk", write), ("read", read), ("uploaded, with its hash", upload)):
            rows = measured(act, made)
            cells = (f"{SIZE / 1e6 / w:.0f} MB/s, {1e9 * p / SIZE:.2f} s of processor/GB" for w, p in rows.values())
            print(f"| {name} | {' | '.join(cells)} |", flush=True)
        ranges = {name: sorted(latencies(folder)) for name, folder in made.items()}
        cells = (
            f"{1e3 * t[RANGES // 2]:.2f} ms, 95 % within {1e3 * t[RANGES * 95 // 100]:.2f} ms" for t in ranges.values()
        )
        print(f"| a range of 64 kB at a random place | {' | '.join(cells)} |")
        rows = measured(decode, made)
        cells = (f"{p:.2f} s of processor" for _, p in rows.values())
        print(f"| {DECODED_S:.0f} s of the sample decoded, ten pictures a second | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
