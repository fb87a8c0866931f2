"""Recordings that are damaged, no recordings, or hostile: one clear sentence, or what can still be read."""

import re
import shutil
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from cues.errors import RecordingError
from cues.vision.video import read_frames, read_frames_at, read_info
from tests.media_made import H264, ffmpeg, marked_video, needs_encoder, number_in


def refusal(path: Path) -> str:
    """The sentence with which every way of reading refuses the file."""
    sentences = set()
    for read in (read_info, lambda p: list(read_frames(p, 10)), lambda p: list(read_frames_at(p, [0.0]))):
        with pytest.raises(RecordingError) as caught:
            read(path)
        sentences.add(str(caught.value))
    assert len(sentences) == 1
    sentence = sentences.pop()
    assert path.name in sentence and sentence.endswith(".") and "\n" not in sentence and len(sentence) < 220
    return sentence


def numbers_at(path: Path, rate: float = 10) -> dict[float, int]:
    """Numbers read from the pixels, by time."""
    return {round(frame.time, 2): number_in(frame.image) for frame in read_frames(path, rate)}


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "session.mp4")


def test_a_folder_is_said(tmp_path: Path) -> None:
    assert "folder" in refusal(tmp_path)


def test_an_empty_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert "empty" in refusal(tmp_path / "empty.mp4")


@pytest.mark.parametrize(
    "text",
    [
        "Dear supervisor,\nthis is not a video.\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nother.ts\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile other.ts\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"></MPD>',
    ],
    ids=["letter", "hls playlist", "concat list", "sdp", "dash"],
)
def test_text_named_as_a_video_is_said_and_what_it_names_is_not_opened(
    tmp_path: Path, plain_mp4: Path, text: str
) -> None:
    ffmpeg("-i", plain_mp4, "-c", "copy", tmp_path / "other.ts")
    path = tmp_path / "note.mp4"
    path.write_text(text)
    assert "text" in refusal(path)


def test_bytes_of_no_known_format_are_said(tmp_path: Path) -> None:
    path = tmp_path / "noise.mp4"
    path.write_bytes(np.random.default_rng(1).integers(0, 256, 200_000, np.uint8).tobytes())
    assert "no known video format" in refusal(path)


def test_an_mp4_cut_off_before_its_index_is_said(tmp_path: Path, plain_mp4: Path) -> None:
    path = tmp_path / "cut.mp4"
    data = plain_mp4.read_bytes()
    assert data.index(b"mdat") < data.index(b"moov")
    path.write_bytes(data[: len(data) // 2])
    assert "before its index was written" in refusal(path)


def test_sound_alone_is_said(tmp_path: Path) -> None:
    needs_encoder("aac")
    for name in ("sound.m4a", "sound.wav"):
        ffmpeg("-f", "lavfi", "-i", "sine=d=2", tmp_path / name)
        assert "no picture" in refusal(tmp_path / name)


def test_sound_with_a_cover_picture_is_sound_alone(tmp_path: Path) -> None:
    needs_encoder("aac", "mjpeg")
    cover, path = tmp_path / "cover.jpg", tmp_path / "sound.m4a"
    ffmpeg("-f", "lavfi", "-i", "color=s=64x64", "-frames:v", 1, cover)
    ffmpeg("-f", "lavfi", "-i", "sine=d=2", "-i", cover, "-map", 0, "-map", 1, "-c:v", "copy",
           "-disposition:v:0", "attached_pic", path)  # fmt: skip
    assert "no picture" in refusal(path)


def test_a_video_without_frames_is_said(tmp_path: Path) -> None:
    needs_encoder("libx264")
    path = tmp_path / "none.mp4"
    arguments = (
        "-f",
        "lavfi",
        "-i",
        "color=s=320x240:d=1",
        "-c:v",
        "libx264",
        "-movflags",
        "+frag_keyframe+empty_moov",
    )
    ffmpeg(*arguments, path)
    data = path.read_bytes()
    path.write_bytes(data[: data.index(b"moof") - 4])
    assert "holds no picture" in refusal(path)


def test_a_video_whose_frames_cannot_be_decoded_is_said(tmp_path: Path) -> None:
    needs_encoder("mjpeg")
    path = marked_video(tmp_path / "bad.avi", "-c:v", "mjpeg", numbers=range(5))
    data = bytearray(path.read_bytes())
    for found in re.finditer(b"00dc", bytes(data)):
        length = int.from_bytes(data[found.end() : found.end() + 4], "little")
        if data[found.end() + 4 : found.end() + 6] == b"\xff\xd8":
            data[found.end() + 4 : found.end() + 4 + length] = bytes(length)
    path.write_bytes(data)
    with pytest.raises(RecordingError, match="none of its pictures can be decoded"):
        read_info(path)
    undecodable: list[float] = []
    assert list(read_frames(path, 10, undecodable=undecodable)) == [] and len(undecodable) == 2


def test_absurd_sizes_are_refused(tmp_path: Path) -> None:
    needs_encoder("mjpeg", "gif")
    wide = tmp_path / "wide.mov"
    ffmpeg("-f", "lavfi", "-i", "color=s=9000x64:d=0.2", "-c:v", "mjpeg", wide)
    assert "9000 x 64" in refusal(wide)
    large = tmp_path / "large.mov"
    ffmpeg("-f", "lavfi", "-i", "color=s=8000x5200:d=0.04", "-c:v", "mjpeg", large)
    assert "40 megapixels" in refusal(large)
    bomb = tmp_path / "bomb.gif"
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64:d=1", bomb)
    data = bytearray(bomb.read_bytes())
    data[6:10] = struct.pack("<HH", 60000, 60000)
    bomb.write_bytes(data)
    assert "40 megapixels" in refusal(bomb)


def test_an_absurd_length_is_refused(tmp_path: Path, plain_mp4: Path) -> None:
    path = tmp_path / "forever.mkv"
    with av.open(str(plain_mp4)) as source, av.open(str(path), "w") as target:
        video = source.streams.video[0]
        copy = target.add_stream_from_template(video)
        for packet in source.demux(video):
            if packet.dts is not None:
                if packet.pts > 45 * 512:
                    packet.pts += 30 * 3600 * 15360
                    packet.dts += 30 * 3600 * 15360
                packet.stream = copy
                target.mux(packet)
    with pytest.raises(RecordingError, match="30 hours"):
        read_info(path)


def test_a_recording_under_two_seconds_has_its_duration(tmp_path: Path) -> None:
    needs_encoder("libx264")
    path = marked_video(tmp_path / "short.mp4", *H264, numbers=range(24))
    assert read_info(path).duration == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("name", "encoder", "encoding"),
    [
        ("cut.mp4", "libx264", (*H264, "-movflags", "+faststart")),
        ("cut.mkv", "libx264", H264),
        ("cut.webm", "libvpx-vp9", ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-g", "30")),
        ("cut.avi", "mpeg4", ("-c:v", "mpeg4", "-q:v", "3")),
        ("cut.wmv", "wmv2", ("-c:v", "wmv2", "-q:v", "3")),
    ],
)
def test_a_recording_cut_off_gives_what_is_there_and_says_what_is_missing(
    tmp_path: Path, name: str, encoder: str, encoding: tuple[str, ...]
) -> None:
    needs_encoder(encoder)
    path = marked_video(tmp_path / name, *encoding, numbers=range(180))
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * 0.55)])
    info = read_info(path)
    assert info.truncated is not None and re.search(r"promises 6\.\d s and only \d\.\d s", info.truncated)
    assert 2.0 < info.duration < 5.0
    numbers = numbers_at(path)
    assert all(abs(number - time * 30) <= 1 for time, number in numbers.items())
    assert len(numbers) >= int(info.duration * 10) - 1


def test_whole_recordings_are_not_called_truncated_where_sound_outlasts_the_picture(
    tmp_path: Path, plain_mp4: Path
) -> None:
    needs_encoder("aac")
    for name in ("long_sound.mp4", "long_sound.mkv"):
        path = tmp_path / name
        ffmpeg("-i", plain_mp4, "-f", "lavfi", "-i", "sine=d=8", "-c:v", "copy", "-c:a", "aac", path)
        assert read_info(path).truncated is None and read_info(path).duration == pytest.approx(3, abs=0.03)


def test_damaged_stretches_are_stepped_over_and_reading_goes_on(tmp_path: Path) -> None:
    needs_encoder("libx264")
    path = marked_video(tmp_path / "holes.mkv", *H264, numbers=range(300))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + len(data) // 12] = bytes(len(data) // 12)
    path.write_bytes(data)
    numbers = numbers_at_where_readable(path)
    assert numbers[0.0] == 0 and numbers[9.9] == 297
    assert 75 <= len(numbers) < 100
    right = [abs(number - time * 30) <= 1 for time, number in numbers.items()]
    assert np.mean(right) > 0.95


def numbers_at_where_readable(path: Path) -> dict[float, int]:
    """As `numbers_at`, without the pictures that decoding errors have smeared."""
    numbers = {}
    for frame in read_frames(path, 10):
        try:
            numbers[round(frame.time, 2)] = number_in(frame.image)
        except AssertionError:
            continue
    return numbers


def test_wanted_frames_that_cannot_be_decoded_are_counted_with_their_times(tmp_path: Path) -> None:
    needs_encoder("mjpeg")
    path = marked_video(tmp_path / "holes.avi", "-c:v", "mjpeg", "-q:v", "3", numbers=range(60))
    data = bytearray(path.read_bytes())
    chunks = [found.end() + 4 for found in re.finditer(b"00dc....\xff\xd8", bytes(data), re.DOTALL)]
    starts = [start - 2 - 4 for start in chunks]
    for number in (30, 33):
        length = int.from_bytes(data[starts[number] - 4 : starts[number]], "little")
        data[starts[number] : starts[number] + length] = bytes(length)
    path.write_bytes(data)
    undecodable: list[float] = []
    times = [round(frame.time, 2) for frame in read_frames(path, 10, undecodable=undecodable)]
    assert np.round(undecodable, 2).tolist() == [1.0, 1.1]
    assert times == [round(k / 10, 2) for k in range(20) if k not in (10, 11)]


def rewritten(source: Path, path: Path, pts_of: dict[int, int] | None = None) -> Path:
    """A copy whose frames without reordering have other timestamps [ms]: pts_of maps frame number to time."""
    with av.open(str(source)) as read, av.open(str(path), "w") as target:
        video = read.streams.video[0]
        copy = target.add_stream_from_template(video)
        for number, packet in enumerate(read.demux(video)):
            if packet.dts is not None:
                packet.pts = packet.dts = int((pts_of or {}).get(number, number * 1000 // 30) * 15.36)
                packet.stream = copy
                target.mux(packet)
    return path


@pytest.fixture(scope="module")
def in_order(media_folder: Path) -> Path:
    """Three seconds without B-frames."""
    needs_encoder("libx264")
    return marked_video(media_folder / "in_order.mp4", *H264, "-bf", "0")


def test_a_variable_frame_rate_keeps_true_times(tmp_path: Path, in_order: Path) -> None:
    # 30 a second, then the picture stands still from 1.0 to 2.5 s, then 30 a second.
    path = rewritten(in_order, tmp_path / "gap.mkv", {n: n * 1000 // 30 + (1500 if n > 30 else 0) for n in range(90)})
    info = read_info(path)
    assert info.duration == pytest.approx(4.5, abs=0.05) and info.frame_rate == pytest.approx(20, abs=0.3)
    numbers = numbers_at(path)
    assert numbers[1.0] == 30 and not any(1.01 < time < 2.45 for time in numbers)
    assert numbers[2.6] == 33
    irregular = rewritten(in_order, tmp_path / "vfr.mkv", {n: n * 1000 // 30 + (n % 3) * 9 for n in range(90)})
    assert not read_info(irregular).frame_rate_steady and read_info(irregular).frame_rate_spread > 0.25


def test_repeated_timestamps_give_one_frame_each(tmp_path: Path, in_order: Path) -> None:
    path = rewritten(in_order, tmp_path / "repeat.mkv", {n: (n - n % 3) * 1000 // 30 for n in range(90)})
    times = [frame.time for frame in read_frames(path, 30)]
    assert len(times) == 30 and np.all(np.diff(times) > 0)
    assert numbers_at(path)[1.0] == 30


def test_timestamps_that_step_back_go_on_behind_what_came_before(tmp_path: Path, plain_mp4: Path) -> None:
    one = tmp_path / "one.ts"
    ffmpeg("-i", plain_mp4, "-c", "copy", one)
    path = tmp_path / "twice.ts"
    path.write_bytes(one.read_bytes() * 2)
    assert read_info(path).duration == pytest.approx(6, abs=0.1)
    frames = [(frame.time, number_in(frame.image)) for frame in read_frames(path, 10)]
    assert len(frames) == 60
    assert all(number == round(time * 30) % 90 for time, number in frames)
    parts = [f.time for first, last in ((0, 2.5), (2.5, 4.1), (4.1, 9)) for f in read_frames(path, 10, first, last)]
    assert parts == [time for time, _ in frames]


def test_a_stretch_of_damaged_timestamps_is_left_out(tmp_path: Path, in_order: Path) -> None:
    whole = tmp_path / "whole.mkv"
    ffmpeg("-i", in_order, "-c", "copy", "-cluster_time_limit", 400, whole)
    data = bytearray(whole.read_bytes())
    clusters = [found.end() for found in re.finditer(rb"\x1f\x43\xb6\x75.{1,8}?\xe7\x82", bytes(data), re.DOTALL)]
    assert len(clusters) >= 4
    struct.pack_into(">H", data, clusters[2], 60_000)
    path = tmp_path / "jump.mkv"
    path.write_bytes(data)
    assert read_info(path).duration == pytest.approx(3, abs=0.1)
    numbers = numbers_at(path)
    assert all(abs(number - time * 30) <= 1 for time, number in numbers.items())
    assert 20 <= len(numbers) < 30 and numbers[2.8] == 84


def test_pictures_that_change_size_in_the_middle_keep_the_first_size(tmp_path: Path) -> None:
    needs_encoder("libx264")
    large = marked_video(tmp_path / "large.ts", *H264)
    small = marked_video(tmp_path / "small.ts", *H264, "-output_ts_offset", "3", size=(160, 120))
    tall = marked_video(tmp_path / "tall.ts", *H264, "-output_ts_offset", "6", size=(120, 240))
    path = tmp_path / "sizes.ts"
    path.write_bytes(large.read_bytes() + small.read_bytes() + tall.read_bytes())
    frames = list(read_frames(path, 10))
    assert {frame.image.shape for frame in frames} == {(240, 320, 3)}
    assert len(frames) == 90
    small_numbers = [number_in(frame.image) for frame in frames[35:55]]
    assert np.all(np.diff(small_numbers) == 3)
    tall_pictures = [frame.image for frame in frames[65:85]]
    assert not any(image[:, :95].any() or image[:, 225:].any() for image in tall_pictures)
    assert np.all(np.diff([number_in(image[:, 100:220]) for image in tall_pictures]) == 3)


@pytest.fixture
def listener() -> Iterator[tuple[int, list[str]]]:
    """A port on this machine and the addresses of those who connected to it."""
    server, callers = socket.create_server(("127.0.0.1", 0)), []

    def accept() -> None:
        while True:
            try:
                connection, address = server.accept()
            except OSError:
                return
            callers.append(str(address))
            connection.close()

    threading.Thread(target=accept, daemon=True).start()
    yield server.getsockname()[1], callers
    server.close()


def test_external_tracks_named_by_a_container_are_never_opened(
    tmp_path: Path, plain_mp4: Path, listener: tuple[int, list[str]]
) -> None:
    port, callers = listener
    other = tmp_path / "other.mp4"
    shutil.copy(plain_mp4, other)
    for name, target in (("net", f"http://127.0.0.1:{port}/other.mp4"), ("file", str(other)), ("beside", "other.mp4")):
        path = tmp_path / f"{name}.mov"
        path.write_bytes(with_external_track(plain_mp4.read_bytes(), target))
        try:
            frames = list(read_frames(path, 10))
        except RecordingError:
            frames = []
        # The file's own bytes are zeros: a picture could only come from the file that is named.
        assert frames == []
    playlist = tmp_path / "list.mp4"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n")
    refusal(playlist)
    assert callers == []


def with_external_track(data: bytes, target: str) -> bytes:
    """An mp4 whose track says that its media lie in `target` (an alias data reference); its own media are zeroed."""
    start = data.index(b"mdat") + 4
    end = data.index(b"moov") - 4
    data = data[:start] + bytes(end - start) + data[end:]
    name = target.encode()
    alias = bytearray(150)
    struct.pack_into(">HHh", alias, 4, 150, 2, 0)
    tail = struct.pack(">hH", 2, len(name)) + name + bytes(len(name) % 2) + struct.pack(">hH", 18, len(name)) + name
    tail += bytes(len(name) % 2) + struct.pack(">hH", -1, 0)
    entry = bytes(4) + bytes(alias) + tail
    box = struct.pack(">I4s", len(entry) + 8, b"alis") + entry
    found = data.index(b"dref")
    old = int.from_bytes(data[found + 12 : found + 16], "big")
    grown = bytearray(data[: found + 12] + box + data[found + 12 + old :])
    for kind in (b"dref", b"dinf", b"minf", b"mdia", b"trak", b"moov"):
        position = grown.index(kind) - 4
        struct.pack_into(">I", grown, position, int.from_bytes(grown[position : position + 4], "big") + len(box) - old)
    return bytes(grown)
