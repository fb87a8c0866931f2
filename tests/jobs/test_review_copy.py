"""A copy that browsers play shows at every time what the recording shows then."""

import av
import numpy as np
import pytest

from cues.errors import RecordingError
from cues.jobs.review_copy import COPY_HEIGHT, COPY_RATE, KEY_EVERY_S, browser_can_play, make_review_copy
from cues.vision.video import read_frames, read_info
from tests.media_made import H264, ffmpeg, marked_video, needs_encoder, number_in
from tests.vision.test_video import with_display_matrix

OLD = ("-c:v", "mpeg4", "-q:v", "3", "-g", "25")
TONE = ("-f", "lavfi", "-i", "sine=frequency=440:duration=4")


@pytest.fixture(scope="module")
def old_avi(media_folder):
    """Four seconds at 25 a second as browsers do not play them, with a tone."""
    needs_encoder("mpeg4", "libmp3lame")
    sound = ("-map", "0:v", "-map", "1:a", "-c:a", "libmp3lame")
    return marked_video(media_folder / "old.avi", *sound, *OLD, numbers=range(100), rate=25, inputs=TONE)


@pytest.fixture(scope="module")
def copy(old_avi, tmp_path_factory):
    path = tmp_path_factory.mktemp("copy") / "review.mp4"
    make_review_copy(old_avi, path)
    return path


def test_what_browsers_play_needs_no_copy(plain_mp4, old_avi, copy):
    assert browser_can_play(plain_mp4)
    assert not browser_can_play(old_avi)
    assert browser_can_play(copy)


def test_the_copy_shows_the_same_picture_at_the_same_time(old_avi, copy):
    shown = [(round(f.time, 2), number_in(f.image)) for f in read_frames(old_avi, 5)]
    assert [(round(f.time, 2), number_in(f.image)) for f in read_frames(copy, 5)] == shown
    assert len(shown) >= 20


def test_an_upright_telephone_stays_upright_and_a_late_start_stays_late(media_folder, tmp_path):
    needs_encoder("libx264")
    flat = marked_video(media_folder / "for_the_copy.mp4", *H264, numbers=range(60))
    late = media_folder / "late.mkv"
    ffmpeg("-itsoffset", "1.2", "-i", flat, "-f", "lavfi", "-i", "sine=duration=3", "-c:v", "copy", late)
    for source in (with_display_matrix(flat, 90, mirrored=False), late):
        target = tmp_path / f"{source.stem}.mp4"
        make_review_copy(source, target)
        before, after = read_info(source), read_info(target)
        assert (before.width, before.height) == (after.width, after.height) and after.rotation == 0
        times = [[round(f.time, 2) for f in read_frames(p, 5)] for p in (source, target)]
        assert np.allclose(times[0], times[1], atol=1.5 / COPY_RATE)


def test_sound_comes_at_its_time(copy):
    with av.open(str(copy)) as container:
        frames = [f for p in container.demux(container.streams.audio[0]) for f in p.decode()]
    loud = [f.time for f in frames if np.abs(f.to_ndarray()).max() > 0.05]
    assert loud[0] < 0.1 and 3.7 < loud[-1] < 4.1


def test_one_can_jump_in_it_and_it_starts_before_it_is_loaded(copy):
    with av.open(str(copy)) as container:
        keys = [float(p.pts * p.time_base) for p in container.demux(video=0) if p.is_keyframe and p.pts is not None]
    assert max(np.diff([*keys, 4.0])) <= KEY_EVERY_S + 0.1
    assert copy.read_bytes().index(b"moov") < copy.read_bytes().index(b"mdat")


def test_large_pictures_become_smaller(media_folder, tmp_path):
    needs_encoder("mpeg4")
    large = marked_video(media_folder / "large.avi", *OLD, numbers=range(10), size=(1920, 1080))
    make_review_copy(large, tmp_path / "copy.mp4")
    assert read_info(tmp_path / "copy.mp4").height == COPY_HEIGHT


def test_of_what_cannot_be_read_nothing_is_left(tmp_path):
    broken = tmp_path / "broken.avi"
    broken.write_bytes(b"no video" * 1000)
    with pytest.raises(RecordingError):
        make_review_copy(broken, tmp_path / "copy.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["broken.avi"]
