"""Recordings that are damaged, absurd or hostile, made from valid ones of every container that is taken in.

The valid ones are a few seconds of one half of the sample session. The same seed gives the same files, up to what
another ffmpeg writes.
"""

import random
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from tests.media_made import ffmpeg
from tests.sample_clip import SAMPLE
from tests.vision.test_video_faults import with_external_track

SEED = 8
LENGTH_S = 2.2
SHORT = ("h264.mp4", "h264.mkv", "mpeg4.avi", "fragments.mp4", "wmv2.wmv")
# Every ending that is taken in (`cues.web.running.SUFFIXES`), with the codecs that recordings of it bring.
VALID: dict[str, tuple[str, ...]] = {
    "h264.mp4": ("-c:v", "libx264", "-preset", "veryfast", "-bf", "2", "-g", "10", "-c:a", "aac"),
    "fragments.mp4": ("-c:v", "libx264", "-preset", "veryfast", "-g", "10", "-c:a", "aac", "-movflags",
                      "+frag_keyframe+empty_moov"),
    "mjpeg.mov": ("-c:v", "mjpeg", "-q:v", "8", "-c:a", "pcm_s16le"),
    "mpeg4.m4v": ("-c:v", "mpeg4", "-q:v", "6", "-c:a", "aac"),
    "h264.mkv": ("-c:v", "libx264", "-preset", "veryfast", "-g", "10", "-c:a", "libmp3lame"),
    "hevc.mkv": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none", "-an"),
    "vp9.webm": ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "10", "-c:a", "libopus"),
    "mpeg4.avi": ("-c:v", "mpeg4", "-q:v", "6", "-c:a", "libmp3lame"),
    "mpeg2.mpg": ("-c:v", "mpeg2video", "-r", "25", "-q:v", "8", "-c:a", "mp2"),
    "mpeg1.mpeg": ("-c:v", "mpeg1video", "-r", "25", "-q:v", "8", "-c:a", "mp2"),
    "h264.mts": ("-c:v", "libx264", "-preset", "veryfast", "-g", "10", "-c:a", "aac", "-f", "mpegts"),
    "h264.m2ts": ("-c:v", "libx264", "-preset", "veryfast", "-g", "10", "-c:a", "aac", "-f", "mpegts",
                  "-mpegts_m2ts_mode", "1"),
    "wmv2.wmv": ("-c:v", "wmv2", "-q:v", "6", "-c:a", "wmav2"),
}  # fmt: skip


@dataclass(frozen=True)
class BadFile:
    """One file of the corpus. name: kind, number and ending; `kind` is a row of the table."""

    name: str
    kind: str
    content: bytes


def valid_recordings(folder: Path, names: Iterable[str] = VALID) -> dict[str, bytes]:
    """A valid recording of each kind, by name."""
    made = {}
    for name in names:
        path = folder / name
        seen = ("-ss", "3", "-i", SAMPLE, "-t", str(LENGTH_S), "-vf", "crop=iw/2:ih:0:0,scale=320:-2", "-r", "5")
        ffmpeg(*seen, "-ar", "44100" if name.endswith("wmv") else "48000", *VALID[name], path)
        made[name] = path.read_bytes()
    return made


def corpus(folder: Path, port: int, secret: Path) -> Iterator[BadFile]:
    """All of it. `port`: of a listener on this machine, `secret`: a recording outside of the library; files of the kind
    "reference" name them in every way that a container or a playlist can."""
    valid = valid_recordings(folder)
    for name, content in valid.items():
        yield BadFile(f"valid-{name}", "valid", content)
        for kind in MUTATIONS:
            yield from _mutated(kind, name, valid)
    yield from _absurd_pictures(folder, ABSURD_PICTURES)
    yield from _absurd_times(valid)
    yield from _nothing_inside(folder, valid)
    yield from _references(valid, port, secret)


def short_corpus(folder: Path, port: int, secret: Path) -> Iterator[BadFile]:
    """Some of each kind, from fewer containers."""
    valid = valid_recordings(folder, SHORT)
    yield BadFile("valid-h264.mp4", "valid", valid["h264.mp4"])
    for number, kind in enumerate(MUTATIONS):
        yield next(_mutated(kind, SHORT[number % len(SHORT)], valid))
    yield from _absurd_pictures(folder, ("10000x10000.mp4", "8000x4800-gif.mp4"))
    yield from islice(_absurd_times(valid), 0, None, 7)
    yield from islice(_nothing_inside(folder, valid), 0, None, 4)
    yield from islice(_references(valid, port, secret), 0, None, 2)


def _mutated(kind: str, name: str, valid: dict[str, bytes]) -> Iterator[BadFile]:
    count, mutate = MUTATIONS[kind]
    for number in range(count):
        chance = random.Random(f"{SEED} {kind} {number} {name}")
        yield BadFile(f"{kind}-{number}-{name}", kind, mutate(valid[name], chance, valid))


Mutate = Callable[[bytes, random.Random, dict[str, bytes]], bytes]


def _truncated(content: bytes, chance: random.Random, _: dict[str, bytes]) -> bytes:
    return content[: chance.randrange(1, len(content))]


def _flipped(content: bytes, chance: random.Random, first: int, last: int, count: int) -> bytes:
    data = bytearray(content)
    for _ in range(count):
        data[chance.randrange(first, min(last, len(data)))] ^= 1 << chance.randrange(8)
    return bytes(data)


def _bits_of_header(content: bytes, chance: random.Random, _: dict[str, bytes]) -> bytes:
    return _flipped(content, chance, 0, 2048, chance.choice((4, 16, 64)))


def _bits_of_index(content: bytes, chance: random.Random, _: dict[str, bytes]) -> bytes:
    """At the end, where an mp4 has its index."""
    return _flipped(content, chance, max(0, len(content) - 4096), len(content), chance.choice((4, 16, 64)))


def _bits_anywhere(content: bytes, chance: random.Random, _: dict[str, bytes]) -> bytes:
    return _flipped(content, chance, 0, len(content), max(4, len(content) // chance.choice((100, 1000, 5000))))


def _extreme_numbers(content: bytes, chance: random.Random, _: dict[str, bytes]) -> bytes:
    """Whole words of the header or the index say something absurd."""
    data = bytearray(content)
    begin = 0 if b"moov" not in content else content.index(b"moov")
    for _ in range(chance.choice((1, 3, 8))):
        place = begin + chance.randrange(4, min(2048, len(data) - begin - 4))
        said = chance.choice((0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x00FFFFFF))
        struct.pack_into(chance.choice((">I", "<I")), data, place, said)
    return bytes(data)


def _hole(content: bytes, chance: random.Random, _: dict[str, bytes]) -> bytes:
    begin, length = chance.randrange(len(content)), max(1, len(content) // 10)
    filled = bytes(length) if chance.random() < 0.5 else chance.randbytes(length)
    return content[:begin] + filled + content[begin + length :]


def _moved(content: bytes, chance: random.Random, _: dict[str, bytes]) -> bytes:
    """A stretch is taken out, or is there twice."""
    begin, length = chance.randrange(len(content)), max(1, len(content) // chance.choice((5, 50)))
    part = content[begin : begin + length]
    after = begin + length if chance.random() < 0.5 else begin
    return content[:begin] + part * chance.choice((0, 2)) + content[after:]


def _other_header(content: bytes, chance: random.Random, valid: dict[str, bytes]) -> bytes:
    """The beginning of another container."""
    length = chance.choice((16, 256, 4096))
    return chance.choice(list(valid.values()))[:length] + content[length:]


MUTATIONS: dict[str, tuple[int, Mutate]] = {
    "truncated": (2, _truncated),
    "bits of the header": (3, _bits_of_header),
    "bits of the end": (2, _bits_of_index),
    "bits anywhere": (2, _bits_anywhere),
    "extreme numbers": (4, _extreme_numbers),
    "hole": (2, _hole),
    "moved": (2, _moved),
    "other header": (1, _other_header),
}


ABSURD_PICTURES: dict[str, tuple[str, tuple[str, ...]]] = {
    "10000x10000.mov": ("color=s=10000x10000:r=10:d=0.3", ("-c:v", "mjpeg")),
    "10000x10000.mp4": ("color=s=10000x10000:r=10:d=0.3", ("-c:v", "libx264", "-preset", "ultrafast")),
    "10000x10000.mkv": ("color=s=10000x10000:r=10:d=0.3", ("-c:v", "png")),
    "8192x4800-long.mp4": ("color=s=8192x4800:r=2:d=12", ("-c:v", "libx264", "-preset", "ultrafast", "-g", "999")),
    "8000x4800-gif.mp4": ("color=s=8000x4800:r=2:d=3", ("-f", "gif")),
    "8192x16.avi": ("testsrc=s=8192x16:r=10:d=3", ("-c:v", "mjpeg")),
    "2x2.mp4": ("testsrc=s=2x2:r=10:d=3", ("-c:v", "libx264")),
    "2x8000.mkv": ("color=s=2x8000:r=10:d=3", ("-c:v", "png")),
    "1000-a-second.mp4": ("testsrc=s=64x64:r=1000:d=3", ("-c:v", "libx264", "-preset", "ultrafast")),
    "90000-a-second.mkv": ("color=s=16x16:r=90000:d=0.5", ("-c:v", "libx264", "-preset", "ultrafast")),
    "one-an-hour.mp4": ("color=s=64x64:r=1/3600:d=36000", ("-c:v", "libx264")),
    "empty-gaps.mkv": ("color=s=64x64:r=1/36000:d=360000", ("-c:v", "libx264")),
}


def _absurd_pictures(folder: Path, names: Iterable[str]) -> Iterator[BadFile]:
    """Sizes beyond reason, and small files that are huge when decoded."""
    for name in names:
        source, encoding = ABSURD_PICTURES[name]
        path = folder / name
        pixels = () if {"png", "gif"} & set(encoding) else ("-pix_fmt", "yuv420p")
        ffmpeg("-f", "lavfi", "-i", source, *pixels, *encoding, path)
        yield BadFile(f"picture-{name}", "absurd picture or rate", path.read_bytes())


def _patched(content: bytes, box: bytes, offset: int, said: bytes, which: int = 0) -> bytes:
    """An mp4 whose `which`-th box of a kind says something else, so many bytes behind its name."""
    data, place = bytearray(content), -1
    for _ in range(which + 1):
        place = content.index(box, place + 1)
    data[place + 4 + offset : place + 4 + offset + len(said)] = said
    return bytes(data)


def _absurd_times(valid: dict[str, bytes]) -> Iterator[BadFile]:
    """Durations and clocks that cannot be (ISO 14496-12: mvhd, mdhd, stts, tkhd; EBML: Duration, TimestampScale)."""
    mp4, mkv, avi = valid["h264.mp4"], valid["h264.mkv"], valid["mpeg4.avi"]
    minus, none, most = struct.pack(">i", -1000), bytes(4), b"\xff" * 4
    said = {
        "negative duration of the movie": (b"mvhd", 16, minus),
        "negative duration of the media": (b"mdhd", 16, minus),
        "negative duration of the track": (b"tkhd", 20, minus),
        "negative steps": (b"stts", 12, minus),
        "no steps": (b"stts", 12, none),
        "longest steps": (b"stts", 12, b"\x7f" + most[:3]),
        "most steps": (b"stts", 4, most),
        "no clock": (b"mdhd", 12, none),
        "fastest clock": (b"mdhd", 12, most),
        "slowest clock": (b"mdhd", 12, struct.pack(">I", 1)),
        "negative edit": (b"elst", 8, minus),
        "far edit": (b"elst", 12, b"\x7f" + most[:3]),
        "most samples": (b"stsz", 8, most),
        "largest sample": (b"stsz", 4, b"\x7f" + most[:3]),
        "most chunks": (b"stsc", 4, most),
        "far chunks": (b"stco", 8, most),
        "no width": (b"avc1", 24, bytes(2)),
        "largest width": (b"avc1", 24, b"\xff\xff\xff\xff"),
        "turned by nothing": (b"tkhd", 40, bytes(36)),
    }
    for name, (box, offset, value) in said.items():
        yield BadFile(f"times-{name}.mp4", "absurd time or table", _patched(mp4, box, offset, value))
    place = mkv.index(b"\x44\x89")  # Duration, a float of 8 bytes
    for name, number in (("negative", -5.0), ("endless", float("inf")), ("no number", float("nan")), ("long", 1e18)):
        changed = mkv[: place + 3] + struct.pack(">d", number) + mkv[place + 11 :]
        yield BadFile(f"times-{name}.mkv", "absurd time or table", changed)
    place = mkv.index(b"\x2a\xd7\xb1")  # TimestampScale, 3 bytes
    for name, value in (("no scale", bytes(3)), ("largest scale", b"\xff" * 3)):
        yield BadFile(f"times-{name}.mkv", "absurd time or table", mkv[: place + 4] + value + mkv[place + 7 :])
    for name, offset, number in (
        ("no interval", 0, 0),
        ("longest interval", 0, 0xFFFFFFFF),
        ("frames", 16, 0xFFFFFFFF),
    ):
        data = bytearray(avi)
        struct.pack_into("<I", data, avi.index(b"avih") + 8 + offset, number)
        yield BadFile(f"times-{name}.avi", "absurd time or table", bytes(data))


def _nothing_inside(folder: Path, valid: dict[str, bytes]) -> Iterator[BadFile]:
    """Headers without a picture, and what is no recording at all."""
    fragments = valid["fragments.mp4"]
    made = {
        "no-fragment.mp4": fragments[: fragments.index(b"moof") - 4],
        "no-cluster.mkv": valid["h264.mkv"][: valid["h264.mkv"].index(b"\x1f\x43\xb6\x75")],
        "no-movi.avi": valid["mpeg4.avi"][: valid["mpeg4.avi"].index(b"movi") + 4],
        "no-data.wmv": valid["wmv2.wmv"][:1500],
        "one-byte.mp4": b"\0",
        "ftyp-alone.mp4": valid["h264.mp4"][:32],
        "zeros.mkv": bytes(100_000),
        "noise.webm": random.Random(SEED).randbytes(100_000),
        "letter.mov": b"Dear supervisor,\nthis is no film.\n" * 50,
        "page.mp4": b"<!doctype html><script src=http://127.0.0.1/></script>",
        "zip.avi": b"PK\x03\x04" + random.Random(SEED).randbytes(5000),
        "nested.mp4": struct.pack(">I4s", 16, b"moov") + struct.pack(">I4s", 8, b"trak") * 5000,
        "deep.mkv": b"\x1a\x45\xdf\xa3\x80" + b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" * 5000,
        "boxes-in-boxes.mov": b"".join(struct.pack(">I4s", 8 * (4000 - k), b"moov") for k in range(4000)),
    }
    for name, content in made.items():
        yield BadFile(f"nothing-{name}", "nothing inside", content)
    path = folder / "sound.mp4"
    ffmpeg("-f", "lavfi", "-i", "sine=d=3", "-c:a", "aac", path)
    yield BadFile("nothing-sound.mp4", "nothing inside", path.read_bytes())


def _references(valid: dict[str, bytes], port: int, secret: Path) -> Iterator[BadFile]:
    """What names other files or addresses: playlists under a recording's name, and containers with references."""
    net = f"http://127.0.0.1:{port}/next.ts"
    targets = {
        "http": net,
        "tcp": f"tcp://127.0.0.1:{port}",
        "rtsp": f"rtsp://127.0.0.1:{port}/live",
        "file": f"file://{secret}",
        "path": str(secret),
        "concat": f"concat:{secret}|{secret}",
        "subfile": f"subfile,,start,0,end,0,,:{secret}",
        "crypto": f"crypto:{secret}",
    }
    texts = {
        "m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXT-X-MEDIA-SEQUENCE:0\n#EXTINF:3,\n{}\n#EXT-X-ENDLIST\n",
        "m3u8-key": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXT-X-KEY:METHOD=AES-128,URI=\"{}\"\n#EXTINF:3,\na\n",
        "m3u8-nested": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{}\n",
        "concat": "ffconcat version 1.0\nfile '{}'\n",
        "dash": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT3S"><Period><AdaptationSet mimeType="video/mp4"><Representation id="1" '
        'bandwidth="1"><BaseURL>{}</BaseURL></Representation></AdaptationSet></Period></MPD>',
        "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns={}\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        "asx": '<asx version="3.0"><entry><ref href="{}"/></entry></asx>',
        "rtsptext": "RTSPtext\nrtsp {}\n",
        "smil": '<smil><body><video src="{}"/></body></smil>',
        "address": "[InternetShortcut]\nURL={}\n",
    }  # fmt: skip
    endings = (".mp4", ".mkv", ".avi", ".wmv", ".mts")
    for number, (form, text) in enumerate(texts.items()):
        for place, (how, target) in enumerate(targets.items()):
            if form in ("m3u8", "concat") or (number + place) % 4 == 0:
                name = f"reference-{form}-{how}{endings[(number + place) % len(endings)]}"
                yield BadFile(name, "reference", text.format(target).encode())
    mp4 = valid["h264.mp4"]
    for how, target in {**targets, "beside": "recording-2.mp4", "above": "../../library.db"}.items():
        yield BadFile(f"reference-track-{how}.mov", "reference", with_external_track(mp4, target))
        yield BadFile(f"reference-movie-{how}.mov", "reference", _reference_movie(target))
    # A playlist behind the beginning of a movie, and the other way round.
    text = texts["m3u8"].format(net).encode()
    yield BadFile("reference-behind.mp4", "reference", mp4[:32] + text)
    yield BadFile("reference-before.mp4", "reference", text + mp4)
    # Matroska: a segment that says that others belong to it (PrevUID, NextUID, and their file names).
    mkv = valid["h264.mkv"]
    info = mkv.index(b"\x2a\xd7\xb1")
    name = str(secret).encode()
    linked = b"\x3c\x83\xab" + bytes([0x40, len(name)]) + name
    yield BadFile("reference-linked.mkv", "reference", mkv[:info] + linked + mkv[info:])


def _reference_movie(target: str) -> bytes:
    """A movie that is nothing but the address of another (QuickTime: rmra, rmda, rdrf)."""
    name = target.encode() + b"\0"
    rdrf = struct.pack(">I4sI4sI", 20 + len(name), b"rdrf", 0, b"url ", len(name)) + name
    rmda = struct.pack(">I4s", 8 + len(rdrf), b"rmda") + rdrf
    rmra = struct.pack(">I4s", 8 + len(rmda), b"rmra") + rmda
    return (
        struct.pack(">I4s4sI4s", 20, b"ftyp", b"qt  ", 0, b"qt  ") + struct.pack(">I4s", 8 + len(rmra), b"moov") + rmra
    )
