"""The sample session, and its beginning as a recording of its own."""

from pathlib import Path

import av

SAMPLE = Path(__file__).resolve().parents[1] / "videos" / "sample" / "session.mp4"


def first_seconds(path: Path, seconds: float) -> Path:
    """The first seconds of the sample session, copied without decoding."""
    with av.open(str(SAMPLE)) as source, av.open(str(path), "w") as target:
        streams = {s.index: target.add_stream_from_template(s) for s in source.streams}
        for packet in source.demux():
            if packet.dts is not None and float(packet.pts * packet.time_base) < seconds:
                packet.stream = streams[packet.stream.index]
                target.mux(packet)
    return path
