"""The right frame at the right time, upright, from every kind of file that people bring."""

import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from cues.vision.timeline import NO_TICK, read_timeline
from cues.vision.video import Frame, read_frames, read_frames_at, read_info
from tests.media_made import (
    H264,
    corner_errors,
    ffmpeg,
    marked_video,
    needs_encoder,
    number_in,
    turned,
)

YUV = ("-pix_fmt", "yuv420p")
QUICK_VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "1M", *YUV)
KINDS = {  # name: (file ending, encoder, its arguments)
    "h264 mp4": ("mp4", "libx264", H264),
    "h264 many B-frames mov": ("mov", "libx264", (*H264, "-bf", "5", "-b_strategy", "0", "-b-pyramid", "strict")),
    "h264 open groups mkv": ("mkv", "libx264", (*H264, "-x264-params", "open-gop=1:b-adapt=0:keyint=15")),
    "h264 without B-frames avi": ("avi", "libx264", (*H264, "-bf", "0")),
    "h264 with B-frames avi": ("avi", "libx264", (*H264, "-b_strategy", "0")),
    "h264 mpegts": ("ts", "libx264", H264),
    "h264 flv": ("flv", "libx264", H264),
    "h264 yuv444 mkv": ("mkv", "libx264", (*H264, "-pix_fmt", "yuv444p")),
    "h264 gray mkv": ("mkv", "libx264", (*H264, "-pix_fmt", "gray")),
    "hevc mp4": ("mp4", "libx265", ("-c:v", "libx265", "-preset", "ultrafast", "-g", "30", *YUV)),
    "hevc 10 bit mov": (
        "mov",
        "libx265",
        ("-c:v", "libx265", "-preset", "ultrafast", "-tag:v", "hvc1", "-pix_fmt", "yuv420p10le"),
    ),
    "vp8 webm": (
        "webm",
        "libvpx",
        ("-c:v", "libvpx", "-auto-alt-ref", "1", "-lag-in-frames", "16", "-cpu-used", "5", *YUV),
    ),
    "vp9 webm": ("webm", "libvpx-vp9", QUICK_VP9),
    "av1 mp4": ("mp4", "libsvtav1", ("-c:v", "libsvtav1", "-preset", "12", *YUV)),
    "mpeg4 avi": ("avi", "mpeg4", ("-c:v", "mpeg4", "-q:v", "3", "-g", "20")),
    "mpeg4 with B-frames avi": ("avi", "mpeg4", ("-c:v", "mpeg4", "-q:v", "3", "-bf", "2", "-g", "20")),
    "wmv": ("wmv", "wmv2", ("-c:v", "wmv2", "-q:v", "3")),
    "mjpeg mov": ("mov", "mjpeg", ("-c:v", "mjpeg", "-q:v", "3", "-pix_fmt", "yuvj420p")),
    "gif": ("gif", "gif", ()),
}


def seen(frames: list[Frame] | object) -> list[tuple[float, int]]:
    """(time, number read from the pixels) of frames."""
    return [(round(frame.time, 3), number_in(frame.image)) for frame in frames]


@pytest.fixture(scope="module", params=KINDS, ids=[name.replace(" ", "_") for name in KINDS])
def kind(request: pytest.FixtureRequest, media_folder: Path) -> tuple[str, Path]:
    """Each kind of file: 3 s of marked frames, 30 a second."""
    ending, encoder, arguments = KINDS[request.param]
    needs_encoder(encoder)
    path = media_folder / f"{request.param.replace(' ', '_')}.{ending}"
    if not path.exists():
        if ending == "gif":
            marked_video(path, numbers=range(0, 90, 3), rate=10)
        else:
            marked_video(path, *arguments)
    return request.param, path


def test_each_kind_gives_the_frame_on_screen_at_each_instant(kind: tuple[str, Path]) -> None:
    _, path = kind
    frames = list(read_frames(path, 10))
    zero = read_info(path).start
    numbers = [number for _, number in seen(frames)]
    assert len(numbers) == 30
    for frame, number in zip(frames, numbers, strict=True):
        step = 3 if path.suffix == ".gif" else 1
        assert frame.time - zero == pytest.approx(round(number / step) * step / 30, abs=0.0011)
        instant = np.ceil((frame.time - 0.001) * 10 - 1e-9) / 10
        assert -0.001 <= instant - frame.time < step / 30 + 0.001
    assert frames[0].image.dtype == np.uint8 and frames[0].image.flags.c_contiguous


def test_each_kind_is_upright_and_in_its_colours(kind: tuple[str, Path]) -> None:
    name, path = kind
    image = next(read_frames(path, 10)).image
    assert image.shape == (240, 320, 3)
    if "gray" in name:
        assert np.ptp(image.astype(int), axis=2).max() <= 2
    else:
        assert corner_errors(image) < 30


def test_each_kind_read_in_segments_gives_the_frames_of_one_pass(kind: tuple[str, Path]) -> None:
    _, path = kind
    whole = list(read_frames(path, 10))
    bounds = [0.0, 0.31, 1.0, 1.05, 1.9, 2.45, 4.0]
    parts = [
        frame for first, last in zip(bounds, bounds[1:], strict=False) for frame in read_frames(path, 10, first, last)
    ]
    assert [frame.time for frame in parts] == [frame.time for frame in whole]
    for part, one in zip(parts, whole, strict=True):
        assert np.array_equal(part.image, one.image)


def test_each_kind_gives_single_frames_at_asked_times(kind: tuple[str, Path]) -> None:
    _, path = kind
    zero = read_info(path).start
    step = 3 if path.suffix == ".gif" else 1
    asked = [2.95, 0.21, 1.43]
    numbers = [number for _, number in seen(read_frames_at(path, [zero + time for time in asked]))]
    assert numbers == [int(time * 30) // step * step for time in sorted(asked)]


def test_each_kind_says_what_it_is(kind: tuple[str, Path]) -> None:
    name, path = kind
    info = read_info(path)
    assert (info.width, info.height, info.rotation, info.sound_streams) == (320, 240, 0, 0)
    assert info.duration - info.start == pytest.approx(3.0, abs=0.08)
    assert info.frame_rate == pytest.approx(10 if name == "gif" else 30, rel=0.01)
    assert info.frame_rate_steady and info.truncated is None and not info.interlaced


def test_odd_sizes_keep_every_row_and_column(media_folder: Path) -> None:
    # yuv444 because half-size colour planes cannot hold an odd size in H.264.
    needs_encoder("libx264")
    for size in ((359, 287), (361, 240), (320, 241)):
        path = marked_video(media_folder / f"odd_{size[0]}.mp4", *H264, "-pix_fmt", "yuv444p", size=size)
        image = list(read_frames(path, 1))[1].image
        assert image.shape == (size[1], size[0], 3) and image.flags.c_contiguous
        assert number_in(image) == 30 and corner_errors(image) < 30


@pytest.mark.parametrize("clockwise", [0, 90, 180, 270])
@pytest.mark.parametrize("mirrored", [False, True])
def test_turned_and_mirrored_recordings_come_upright(media_folder: Path, clockwise: int, mirrored: bool) -> None:
    needs_encoder("libx264")

    def as_stored(image: np.ndarray) -> np.ndarray:
        image = image[:, ::-1] if mirrored else image
        return turned(image, (360 - clockwise) % 360)

    stored = marked_video(
        media_folder / f"stored_{clockwise}_{mirrored}.mp4", *H264, numbers=range(10), change=as_stored
    )
    path = with_display_matrix(stored, clockwise, mirrored)
    info = read_info(path)
    assert (info.width, info.height) == (320, 240)
    assert (info.rotation, info.mirrored) == (clockwise, mirrored)
    frames = list(read_frames(path, 10))
    assert seen(frames)[3] == (0.3, 9)
    assert frames[3].image.flags.c_contiguous and corner_errors(frames[3].image) < 30


def with_display_matrix(path: Path, clockwise: int, mirrored: bool) -> Path:
    """A copy of an mp4 whose track is to be shown turned clockwise and then mirrored left-right."""
    out = path.with_name(f"matrix_{path.name}")
    with av.open(str(path)) as source, av.open(str(out), "w") as target:
        video = source.streams.video[0]
        copy = target.add_stream_from_template(video)
        turn = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[clockwise]
        a, b, c, d = turn
        if mirrored:
            a, c = -a, -c
        one = 1 << 16
        copy.set_display_matrix([a * one, b * one, 0, c * one, d * one, 0, 0, 0, 1 << 30])
        for packet in source.demux(video):
            if packet.dts is not None:
                packet.stream = copy
                target.mux(packet)
    return out


@pytest.mark.parametrize(
    ("aspect", "stored", "shown"), [("4/3", (240, 240), (320, 240)), ("3/4", (320, 180), (320, 240))]
)
def test_pixels_that_are_not_square_are_made_square(
    media_folder: Path, aspect: str, stored: tuple[int, int], shown: tuple[int, int]
) -> None:
    needs_encoder("libx264")
    path = media_folder / f"aspect_{aspect.replace('/', '_')}.mkv"
    marked_video(path, *H264, "-vf", f"setsar={aspect}", size=stored)
    info = read_info(path)
    assert (info.width, info.height) == shown
    assert info.pixel_aspect == pytest.approx(ratio_of(aspect))
    frame = next(read_frames(path, 10))
    assert frame.image.shape == (shown[1], shown[0], 3) and corner_errors(frame.image) < 30


def ratio_of(text: str) -> float:
    """The value of a ratio written a/b."""
    above, below = text.split("/")
    return int(above) / int(below)


def test_interlaced_frames_show_one_instant_without_combs(media_folder: Path) -> None:
    needs_encoder("libx264")
    # Two instants a frame: odd lines from the next picture. The numbers differ, so a comb would spoil the blocks.
    path = marked_video(
        media_folder / "interlaced.mp4", *H264, "-vf", "tinterlace=interleave_top", "-flags", "+ilme+ildct",
        "-x264-params", "tff=1", rate=50,
    )  # fmt: skip
    assert read_info(path).interlaced
    frames = list(read_frames(path, 25))
    assert seen(frames)[:20] == [(round(k / 25, 3), 2 * k) for k in range(20)]
    image = frames[4].image.astype(int)
    middle = image[84:156]
    assert np.abs(middle[1:] - middle[:-1]).max() < 60


def test_smaller_pictures_on_request_are_the_same_pictures(plain_mp4: Path) -> None:
    frames = list(read_frames(plain_mp4, 10, max_height=120))
    assert frames[7].image.shape == (120, 160, 3)
    assert seen(frames)[7] == (0.7, 21) and corner_errors(frames[7].image) < 30
    assert next(read_frames(plain_mp4, 10, max_height=1000)).image.shape == (240, 320, 3)


def test_decoder_threads_do_not_change_a_picture(plain_mp4: Path) -> None:
    one, two = (list(read_frames(plain_mp4, 10, threads=threads)) for threads in (1, 2))
    assert all(np.array_equal(a.image, b.image) and a.time == b.time for a, b in zip(one, two, strict=True))


def test_any_rate_gives_each_source_frame_at_most_once(plain_mp4: Path) -> None:
    assert [number for _, number in seen(read_frames(plain_mp4, 60))] == list(range(90))
    assert [number for _, number in seen(read_frames(plain_mp4, 7))] == [int(k / 7 * 30 + 1e-6) for k in range(21)]


def test_asked_times_outside_give_nothing_before_and_the_last_frame_behind(plain_mp4: Path) -> None:
    assert seen(read_frames_at(plain_mp4, [-1.0, 1.0, 1.01, 99.0])) == [(1.0, 30), (2.967, 89)]


def test_memory_does_not_grow_with_length(media_folder: Path, plain_mp4: Path) -> None:
    long = media_folder / "long.mp4"
    ffmpeg("-stream_loop", 79, "-i", plain_mp4, "-c", "copy", long)

    def peak(path: Path) -> int:
        code = (
            "import resource, sys; from cues.vision.video import read_frames\n"
            "n = sum(1 for _ in read_frames(sys.argv[1], 10, threads=1))\n"
            "print(n, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
        frames, kilobytes = map(int, done.stdout.split())
        assert frames == (30 if path == plain_mp4 else 2400)
        return kilobytes

    assert peak(long) - peak(plain_mp4) < 8_000  # kB; 4 minutes of pictures would be 550,000


@pytest.mark.parametrize(
    ("name", "arguments", "begins"),
    [
        ("late.mp4", ("-itsoffset", "1.5", "-i", "PLAIN", "-c", "copy"), 1.5),
        ("late.mkv", ("-itsoffset", "1.5", "-i", "PLAIN", "-c", "copy"), 1.5),
        ("late_beside_sound.mp4", ("-itsoffset", "1.5", "-i", "PLAIN", "SOUND", "-c:v", "copy"), 1.5),
        ("both_late.mp4", ("-itsoffset", "2", "-i", "PLAIN", "-itsoffset", "1", "SOUND", "-c:v", "copy"), 2.0),
        ("both_late.mkv", ("-itsoffset", "2", "-i", "PLAIN", "-itsoffset", "1", "SOUND", "-c:v", "copy"), 2.0),
        ("sound_late.mp4", ("-i", "PLAIN", "-itsoffset", "1", "SOUND", "-c:v", "copy"), 0.0),
        ("no_edit_list.mp4", ("-i", "PLAIN", "-c", "copy", "-use_editlist", "0"), 1 / 15),
        ("late.ts", ("-itsoffset", "1.5", "-i", "PLAIN", "-c", "copy"), 0.0),
    ],
)
def test_time_zero_is_where_a_browser_has_it(
    tmp_path: Path, plain_mp4: Path, name: str, arguments: tuple[str, ...], begins: float
) -> None:
    # The starts of mp4 and mkv are those that Chromium shows for these very files (see cues.vision.timeline).
    needs_encoder("aac")
    words = {"PLAIN": (plain_mp4,), "SOUND": ("-f", "lavfi", "-i", "sine=d=4")}
    ffmpeg(*(part for argument in arguments for part in words.get(argument, (argument,))), tmp_path / name)
    info = read_info(tmp_path / name)
    assert info.start == pytest.approx(begins, abs=0.002)
    assert info.duration == pytest.approx(begins + 3, abs=0.04)
    frames = list(read_frames(tmp_path / name, 10))
    assert len(frames) == 30
    for frame in frames:
        assert number_in(frame.image) == round((frame.time - begins) * 30)


def test_an_edit_list_that_cuts_between_key_frames_is_kept(tmp_path: Path, plain_mp4: Path) -> None:
    path = tmp_path / "cut.mp4"
    ffmpeg("-ss", "0.5", "-i", plain_mp4, "-c", "copy", path)
    assert seen(read_frames(path, 10))[:3] == [(0.0, 15), (0.1, 18), (0.2, 21)]
    assert read_info(path).duration == pytest.approx(2.5, abs=0.01)


def test_frames_that_are_never_shown_are_not_waited_for(tmp_path: Path) -> None:
    # VP8 in two passes stores reference frames that are not pictures.
    needs_encoder("libvpx")
    path = tmp_path / "hidden.webm"
    source = ("-f", "lavfi", "-i", "mandelbrot=s=160x120:r=30", "-frames:v", 45)
    encoding = ("-c:v", "libvpx", "-auto-alt-ref", 1, "-lag-in-frames", 16, "-cpu-used", 5, "-b:v", "200k")
    for number in (1, 2):
        ffmpeg(*source, *encoding, "-pass", number, "-passlogfile", tmp_path / "log", path)
    assert np.any(read_timeline(path).shown == NO_TICK)
    undecodable: list[float] = []
    assert len(list(read_frames(path, 30, undecodable=undecodable))) == 45 and undecodable == []


def test_skipping_unwanted_frames_does_not_change_a_pixel(plain_mp4: Path) -> None:
    every = {round(frame.time, 3): frame.image for frame in read_frames(plain_mp4, 30)}
    for frame in read_frames(plain_mp4, 4):
        assert np.array_equal(frame.image, every[round(frame.time, 3)])


def test_streams_without_whole_key_frames_lose_nothing_at_the_seams(tmp_path: Path) -> None:
    # Intra refresh: a picture builds up over a second, and decoding that begins inside gives nothing until then.
    needs_encoder("libx264")
    path = tmp_path / "refresh.mp4"
    encoding = ("-c:v", "libx264", "-preset", "veryfast", *YUV, "-x264-params", "intra-refresh=1:keyint=30:bframes=0")
    ffmpeg("-f", "lavfi", "-i", "mandelbrot=s=160x120:r=30", "-frames:v", 240, *encoding, path)
    undecodable: list[float] = []
    whole = list(read_frames(path, 10, undecodable=undecodable))
    bounds = (0.0, 1.3, 2.6, 6.1, 9.0)
    parts = [
        frame
        for first, last in zip(bounds, bounds[1:], strict=False)
        for frame in read_frames(path, 10, first, last, undecodable=undecodable)
    ]
    assert len(whole) == len(parts) == 80 and undecodable == []
    for part, one in zip(parts, whole, strict=True):
        assert part.time == one.time and np.array_equal(part.image, one.image)
