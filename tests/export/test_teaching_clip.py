"""A clip for teaching, read back: nobody's face, no sound, nothing of the original's metadata, its label, its times."""

from dataclasses import replace

import av
import numpy as np
import pytest

from cues.corrections import Corrections
from cues.errors import RecordingError
from cues.export.cue_strip import CueStrip, clock
from cues.export.figure import people_drawn
from cues.export.teaching_clip import (
    BLURRED,
    FIGURE,
    LABEL,
    LONGEST_S,
    RATE,
    TITLE,
    ClipError,
    Order,
    burn_label,
    check_stretch,
    make_clip,
    on_screen,
)
from cues.metrics.session import measure_cues
from cues.parameters import Parameters
from cues.vision.landmarks import FaceReader
from cues.vision.region import View
from cues.vision.video import read_frames, read_info
from cues.web.overlay import overlay
from cues.web.timeline import timeline
from tests.export.test_face_places import with_columns
from tests.made_session import made_session
from tests.media_made import H264, ffmpeg, marked_video, needs_encoder, number_in
from tests.sample_clip import first_seconds
from tests.vision.test_video import with_display_matrix

START, END, HEIGHT = 1.0, 4.5, 720
PRIVATE = ("title=Ada and client 7", "creation_time=2026-05-03T10:11:12Z", "location=+48.2+016.4/", "com.device=phone")


def ordered(observations, recordings, start, end, look, left_out=()):
    metrics = measure_cues(observations, Corrections(), Parameters())
    return Order(
        start=start,
        end=end,
        look=look,
        seen=observations,
        drawn=metrics.corrected.observations,
        lanes=timeline(metrics, left_out),
        minutes=[overlay(metrics, minute, left_out) for minute in range(int(end // 60) + 1)],
        left_out=left_out,
        recordings=recordings,
    )


@pytest.fixture(scope="module")
def piece(tmp_path_factory):
    """The first seconds of the sample session, with what telephones write into their files."""
    needs_encoder()
    folder = tmp_path_factory.mktemp("piece")
    plain = first_seconds(folder / "plain.mp4", 5.0)
    told = [part for words in PRIVATE for part in ("-metadata", words)]
    ffmpeg("-i", plain, "-c", "copy", *told, "-movflags", "use_metadata_tags", folder / "piece.mp4")
    return folder / "piece.mp4"


@pytest.fixture(scope="module")
def observations(piece, analysed):
    return analysed(piece).observations


@pytest.fixture(scope="module")
def clips(piece, observations, tmp_path_factory):
    """Look -> the clip."""
    folder = tmp_path_factory.mktemp("clips")
    for look in (BLURRED, FIGURE):
        make_clip(ordered(observations, [piece], START, END, look), folder / look)
    return {look: folder / look for look in (BLURRED, FIGURE)}


@pytest.fixture(scope="module")
def pictures(clips):
    """Look -> every picture of the clip."""
    return {look: [f.image.copy() for f in read_frames(path, RATE)] for look, path in clips.items()}


@pytest.fixture(scope="module")
def reader():
    return FaceReader()


def faces(reader, image):
    half = image.shape[1] // 2
    views = (image[:HEIGHT], image[:HEIGHT, :half], image[:HEIGHT, half:])
    return sum(len(reader.read(View.of(np.ascontiguousarray(view)))) for view in views)


@pytest.mark.parametrize("look", [BLURRED, FIGURE])
def test_the_face_network_finds_nobody_in_it(look, pictures, reader):
    assert sum(faces(reader, image) for image in pictures[look][::2]) == 0  # 12.5 a second: most lie between samples


def test_the_face_network_finds_both_in_the_recording(piece, reader):
    found = [faces(reader, frame.image) for frame in read_frames(piece, 5, START, END)]
    assert len(found) >= 17 and min(found) >= 2


@pytest.mark.parametrize("look", [BLURRED, FIGURE])
def test_it_is_a_silent_mp4_that_starts_at_once_and_tells_nothing_of_the_original(look, clips, piece):
    with av.open(str(clips[look])) as clip:
        [stream] = clip.streams
        assert (stream.type, stream.codec_context.name, stream.codec_context.pix_fmt) == ("video", "h264", "yuv420p")
        times = [float(packet.pts * packet.time_base) for packet in clip.demux(stream) if packet.pts is not None]
        assert np.allclose(sorted(times), np.arange(round((END - START) * RATE)) / RATE, atol=1e-4)
        assert clip.metadata["title"] == TITLE and LABEL in TITLE
        assert set(clip.metadata) <= {"title", "major_brand", "minor_version", "compatible_brands", "encoder"}
        assert set(stream.metadata) <= {"language", "handler_name", "vendor_id"}
    assert read_info(clips[look]).duration == pytest.approx(END - START, abs=1 / RATE)
    data, original = clips[look].read_bytes(), piece.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    for words in (b"client 7", b"2026-05-03", b"+48.2", b"phone"):
        assert words not in data
    assert b"client 7" in original and b"+48.2" in original


@pytest.mark.parametrize("look", [BLURRED, FIGURE])
def test_every_picture_says_that_it_is_not_anonymous(look, pictures):
    plain = np.zeros_like(pictures[look][0])
    left, top, right, bottom = burn_label(plain, HEIGHT)
    wanted = plain[top:bottom, left:right].astype(float)
    assert wanted.max() > 200 and (right - left) > 250
    for picture in pictures[look]:
        assert np.abs(picture[top:bottom, left:right].astype(float) - wanted).mean() < 6


@pytest.mark.parametrize("look", [BLURRED, FIGURE])
def test_the_strip_shows_where_the_clip_is(look, pictures, observations, piece):
    order = ordered(observations, [piece], START, END, look)
    strip = CueStrip(order.lanes, START, END, pictures[look][0].shape[1])
    for k, picture in enumerate(pictures[look]):
        row = picture[HEIGHT + 30 : HEIGHT + strip.height - 10, 178:].min(axis=(0, 2))
        assert abs(178 + int(np.argmax(row)) - strip.cursor(START + k / RATE)) <= 2
    ends = [strip.at(time)[:28, :170].astype(float) for time in (START, START + 2.0)]
    first, then = (pictures[look][k][HEIGHT : HEIGHT + 28, :170].astype(float) for k in (0, 2 * RATE))
    assert np.abs(first - ends[0]).mean() < np.abs(first - ends[1]).mean()
    assert np.abs(then - ends[1]).mean() < np.abs(then - ends[0]).mean()
    assert clock(62.34) == "1:02.3"


def test_the_figure_is_drawn_without_the_recording(observations, tmp_path, pictures):
    make_clip(ordered(observations, [], START, START + 1, FIGURE), tmp_path / "clip")
    for k, frame in enumerate(read_frames(tmp_path / "clip", RATE)):
        drawn = frame.image[: HEIGHT - 60].astype(float)
        assert np.abs(drawn - pictures[FIGURE][k][: HEIGHT - 60]).mean() < 1.0
    assert drawn.max() > 200


def test_a_cue_that_is_left_out_is_nowhere_in_it(observations, piece):
    whole, cut = (ordered(observations, [piece], START, END, FIGURE, left_out) for left_out in ((), ("eye_contact",)))
    heights = [CueStrip(order.lanes, START, END, 1280).height for order in (whole, cut)]
    assert heights[0] - heights[1] == 52  # a lane of each person
    for order, there in ((whole, True), (cut, False)):
        for person in people_drawn(order.drawn, order.minutes, order.left_out):
            assert (person.ray is not None, person.gaze is not None) == (there, there)
    smiles = ordered(observations, [piece], START, END, FIGURE, ("facial_mirroring", "forward_lean"))
    for person in people_drawn(smiles.drawn, smiles.minutes, smiles.left_out):
        assert person.mouth is None and person.shoulders is None


def test_upright_and_uneven_recordings_come_at_their_times(media_folder, tmp_path):
    """A telephone's turned picture, odd sizes, pictures at uneven times: each tick shows what a player shows then."""
    needs_encoder("libx264")
    flat = marked_video(media_folder / "for_a_clip.mp4", *H264, numbers=range(120))
    turned = with_display_matrix(flat, 90, mirrored=False)
    uneven = media_folder / "uneven_for_a_clip.mkv"
    ffmpeg("-i", flat, "-vf", r"select='lt(mod(n\,7)\,3)'", "-fps_mode", "vfr", "-c:v", "libx264", uneven)
    for recording in (turned, uneven):
        info = read_info(recording)
        made = made_session(minutes=0.1, people=1).observations
        video = {"file": "x", "width": info.width, "height": info.height}
        far = replace(made, facts=replace(made.facts, videos=[video]))
        times = np.arange(1.0, 3.0, 1 / RATE)
        truth = list(read_frames(recording, 1000.0))
        for k, frame in on_screen(recording, times):
            assert frame is not None
            expected = [f for f in truth if f.time <= times[k] + 1e-3][-1]
            assert frame.time == pytest.approx(expected.time, abs=1e-3)
        make_clip(ordered(far, [recording], 1.0, 2.0, BLURRED), tmp_path / "clip")
        clip = read_info(tmp_path / "clip")
        assert clip.rotation == 0 and clip.height % 2 == 0 and clip.height > info.height
        assert clip.duration == pytest.approx(1.0, abs=1 / RATE)


def test_two_files_stand_side_by_side_on_the_sessions_clock(media_folder, tmp_path):
    needs_encoder("libx264")
    size = (640, 360)
    recordings = [
        marked_video(media_folder / f"side_{k}.mp4", *H264, numbers=range(first, first + 100), rate=20, size=size)
        for k, first in enumerate((0, 100))
    ]
    made = made_session(minutes=0.1, setup="two_files").observations
    videos = [{"file": path.name, "width": 640, "height": 360} for path in recordings]
    facts = replace(made.facts, videos=videos, alignment={"offset_s": 1.5, "drift_ppm": 0.0})
    corner = {"box_x": 300.0, "box_y": 330.0, "box_w": 12.0, "box_h": 12.0}  # where no number stands
    columns = {name: np.full(made.table.num_rows, value) for name, value in corner.items()}
    observations = with_columns(replace(made, facts=facts), **columns)
    make_clip(ordered(observations, recordings, 0.5, 2.5, BLURRED, ("eye_contact", "forward_lean")), tmp_path / "clip")
    frames = list(read_frames(tmp_path / "clip", RATE))
    assert len(frames) == 50
    for k in (0, 13, 30, 49):
        time, picture = 0.5 + k / RATE, frames[k].image
        left, right = picture[:360, :640], picture[:360, 640:1280]
        assert abs(number_in(left) - int(time * 20 + 0.02)) <= 1
        assert abs(number_in(right) - (100 + int((time + 1.5) * 20 + 0.02))) <= 1


def test_a_stretch_that_cannot_be_a_clip_is_told_why():
    assert check_stretch(10.0, 700.0, 60.0) == (10.0, 60.0)
    for start, end in ((None, 3.0), (3.0, None), (70.0, 80.0), (-1.0, 5.0), (5.0, 5.5), (5.0, 2.0)):
        with pytest.raises(ClipError):
            check_stretch(start, end, 60.0)
    with pytest.raises(ClipError, match="at most 120 seconds"):
        check_stretch(0.0, LONGEST_S + 1, 600.0)


def test_of_a_clip_that_cannot_be_made_nothing_is_left(observations, piece, tmp_path):
    facts = replace(observations.facts, left_out=[{"face_share": 0.2, "face_px": 30, "centre_x": 900}])
    with pytest.raises(ClipError, match="choose drawn figures"):
        make_clip(ordered(replace(observations, facts=facts), [piece], START, END, BLURRED), tmp_path / "clip")
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video" * 1000)
    with pytest.raises(RecordingError):
        make_clip(ordered(observations, [broken], START, END, BLURRED), tmp_path / "clip")

    def stop(share):
        if share > 0.1:
            raise ClipError("not wanted")

    with pytest.raises(ClipError, match="not wanted"):
        make_clip(ordered(observations, [piece], START, END, FIGURE), tmp_path / "clip", stop)
    assert [path.name for path in tmp_path.iterdir()] == ["broken.mp4"]
