"""The recordings that speed is measured on: calls composed of real clips, made once and kept outside the repository.

Faces, hair, cloth and the noise of real cameras cost a decoder and the networks what they cost in practice; a drawn
picture would not. A recording is half a minute, encoded once and repeated without encoding.
"""

import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

BASE_S = 30
CLIPS = ("latentsync_demo3.mp4", "mrf_storytime.mp4")
"""Two people at their desks, 1080x1920 and 720x1280, 30 pictures a second."""
_ENCODERS = {
    "h264": ("libx264", "-preset", "medium", "-crf", "23"),
    "hevc": ("libx265", "-preset", "fast", "-crf", "26", "-x265-params", "log-level=error", "-tag:v", "hvc1"),
}


@dataclass(frozen=True)
class Kind:
    """People side by side, lines of the picture, pictures a second, codec."""

    people: int
    lines: int
    rate: int
    codec: str

    @property
    def name(self) -> str:
        """As tables call it."""
        codec = {"h264": "H.264", "hevc": "HEVC"}[self.codec]
        return f"{self.lines}p{self.rate} {codec}, {('one person', 'two people')[self.people - 1]}"


def clips_folder() -> Path:
    """The folder of real clips. Raises SystemExit where CUES_TEST_DATA does not name one."""
    data = os.environ.get("CUES_TEST_DATA")
    if not data or not (Path(data) / "clips").is_dir():
        raise SystemExit("CUES_TEST_DATA must name a folder with clips of real people (tests/validation/README.md).")
    return Path(data) / "clips"


def recording_of(kind: Kind, seconds: int) -> Path:
    """A recording of a kind, made if it is not there."""
    folder = Path(os.environ.get("CUES_BENCH_CACHE") or Path(tempfile.gettempdir()) / "cues-benchmarks")
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{kind.people}-{kind.lines}p{kind.rate}-{kind.codec}"
    base = folder / f"{stem}.mp4"
    if not base.exists():
        _run(base, *_composed(kind), "-t", str(BASE_S), "-c:v", *_ENCODERS[kind.codec], "-pix_fmt", "yuv420p")
    path = folder / f"{stem}-{seconds}s.mp4"
    if not path.exists():
        _run(path, "-stream_loop", "-1", "-i", str(base), "-t", str(seconds), "-c", "copy")
    return path


def _composed(kind: Kind) -> list[str]:
    """Inputs and filter: each clip fills its part of a 16:9 picture; one person fills all of it; with a voice."""
    width, each = kind.lines * 16 // 9, kind.lines * 16 // 9 // kind.people
    top = 0.5 if kind.people > 1 else 0.25  # as much of what is cut off lies above: the middle would cut one face off
    words, graph = [], []
    for number, clip in enumerate(CLIPS[: kind.people]):
        words += ["-stream_loop", "-1", "-i", str(clips_folder() / clip)]
        cut = f"crop={each}:{kind.lines}:(iw-ow)/2:(ih-oh)*{top}"
        fill = f"scale={each}:{kind.lines}:force_original_aspect_ratio=increase,{cut},setsar=1"
        graph.append(f"[{number}]fps={kind.rate},{fill}[p{number}]")
    names = "".join(f"[p{number}]" for number in range(kind.people))
    joined = f"{names}hstack=inputs={kind.people}" if kind.people > 1 else f"{names}scale={width}:{kind.lines}"
    words += ["-stream_loop", "-1", "-i", str(clips_folder() / CLIPS[1])]
    graph.append(f"{joined}[v]")
    return [*words, "-filter_complex", ";".join(graph), "-map", "[v]", "-map", f"{kind.people}:a?", "-c:a", "aac"]


def _run(path: Path, *words: str) -> None:
    aside = path.with_name(f"making-{path.name}")
    command = ["ffmpeg", "-v", "error", "-y", *words, "-f", "mp4", str(aside)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    aside.replace(path)
