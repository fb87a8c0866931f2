"""A copy of a recording that browsers can play, where they cannot play the recording itself.

H.264 and AAC in an mp4 whose index comes first. Pictures keep the times at which the analysis saw them, so that a
moment of the report is the same moment in the player; the picture is upright, and no higher than COPY_HEIGHT.
"""

import uuid
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import av.error
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.container import OutputContainer
from av.video.frame import VideoFrame

from cues.parameters import Media
from cues.recording import open_container, write_container
from cues.vision.sound import form_of
from cues.vision.timeline import container_zero
from cues.vision.video import read_frames, read_info
from cues.whole_files import replace_whole

COPY_HEIGHT, COPY_RATE, KEY_EVERY_S = 720, 25, 2
SOUND_RATE = 48_000
_TICKS = Fraction(1, 90_000)
_UNFINISHED = ".review-copy-"

_CONTAINERS = ("mp4", "webm")
_VIDEO = {"mp4": {"h264", "av1"}, "webm": {"vp8", "vp9", "av1"}}
_SOUND = {"mp4": {"aac", "mp3", "opus"}, "webm": {"opus", "vorbis"}}
_PIXELS = {"yuv420p", "yuvj420p"}


def browser_can_play(recording: Path) -> bool:
    """Whether the common browsers play a recording as it is. Raises RecordingError where nothing can be read."""
    info = read_info(recording)
    kind = recording.suffix.lower().lstrip(".").replace("m4v", "mp4").replace("mov", "mp4")
    if kind not in _CONTAINERS or info.pixel_format not in _PIXELS or info.codec not in _VIDEO[kind]:
        return False
    with open_container(recording, Media().max_pixels) as container:
        codecs = [stream.codec_context for stream in container.streams.audio[:1]]
        sounds = {None if codec is None else codec.codec.canonical_name for codec in codecs}  # None: of no known kind
    return sounds <= _SOUND[kind]


def make_copy_where_needed(recording: Path, target: Path) -> None:
    """A step: the copy, unless it is there or the common browsers play the recording itself."""
    if not target.exists() and not browser_can_play(recording):
        make_review_copy(recording, target)


def make_review_copy(recording: Path, target: Path) -> None:
    """Writes the copy to `target`, whole or not at all. Raises RecordingError where nothing can be read."""
    info = read_info(recording)
    height = min(info.height, COPY_HEIGHT) & ~1
    width = round(info.width * height / info.height) & ~1
    aside = target.with_name(f"{_UNFINISHED}{uuid.uuid4().hex}.mp4")
    try:
        with write_container(aside) as copy:
            video = copy.add_stream("libx264", rate=COPY_RATE)
            video.width, video.height, video.pix_fmt = max(width, 2), max(height, 2), "yuv420p"
            video.time_base = video.codec_context.time_base = _TICKS
            video.options = {"crf": "23", "preset": "veryfast"}
            video.codec_context.gop_size = KEY_EVERY_S * COPY_RATE
            sound = copy.add_stream("aac", rate=SOUND_RATE, layout="stereo") if info.sound_streams else None
            for frame in read_frames(recording, COPY_RATE, max_height=COPY_HEIGHT):
                picture = VideoFrame.from_ndarray(frame.image, format="bgr24")
                picture = picture.reformat(width=video.width, height=video.height, format="yuv420p")
                picture.pts, picture.time_base = round(frame.time / _TICKS), _TICKS
                copy.mux(video.encode(picture))
            copy.mux(video.encode(None))
            if sound is not None:
                _copy_sound(recording, copy, sound)
        replace_whole(aside, target)
    finally:
        aside.unlink(missing_ok=True)


def remove_unfinished_copies(folder: Path) -> None:
    """Removes what processes that were killed had written of copies."""
    for path in folder.glob(f"{_UNFINISHED}*"):
        path.unlink(missing_ok=True)


def _copy_sound(recording: Path, copy: OutputContainer, sound) -> None:  # type: ignore[no-untyped-def]
    """The first sound stream at its true times; packets that cannot be decoded are left out."""
    with open_container(recording, Media().max_pixels) as container:
        zero, stream = container_zero(container), container.streams.audio[0]
        if stream.codec_context is None:
            return
        last, resampler, form = -1, AudioResampler("fltp", "stereo", SOUND_RATE), None
        for packet in container.demux(stream):
            frames: list[AudioFrame] = []
            with suppress(av.error.FFmpegError):
                frames = list(packet.decode())
            for frame in frames:
                if frame.pts is None or frame.time_base is None:
                    continue
                if form != form_of(frame):
                    resampler, form = AudioResampler("fltp", "stereo", SOUND_RATE), form_of(frame)
                begin = round((frame.pts * frame.time_base - zero) * SOUND_RATE)
                for part in resampler.resample(frame):
                    if begin <= last:
                        begin = last + 1
                    if begin >= 0:
                        part.pts, part.time_base = begin, Fraction(1, SOUND_RATE)
                        copy.mux(sound.encode(part))
                        last = begin + part.samples - 1
                    begin += part.samples
        copy.mux(sound.encode(None))
