"""A clip for teaching: a stretch of a session without sound, faces blurred or people drawn as figures, its cues below.

It makes people harder to recognise, not anonymous, and says so in every picture: how somebody moves, clothes, hair,
the room, names written in the picture stay. Nothing of the recording's own metadata goes into the file.
"""

import uuid
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from cues.errors import CuesError
from cues.export.cue_strip import CueStrip
from cues.export.face_places import FacePlaces
from cues.export.figure import FONT, Person, draw_figure, draw_marks, people_drawn
from cues.export.second_look import SecondLook
from cues.export.stills import hide, hide_all
from cues.observations import Observations, in_file
from cues.recording import write_container
from cues.vision.video import Frame, read_frames_at

BLURRED, FIGURE = "blurred", "figure"
LOOKS = {BLURRED: "faces blurred", FIGURE: "drawn figures only, nothing of the recording's picture"}
"""Word in the record of exports: what people read."""
LABEL = "harder to recognise, not anonymous"
TITLE = f"Clip for teaching: {LABEL}"

SHORTEST_S, LONGEST_S, RATE = 1.0, 120.0, 25
WIDEST_PX, HIGHEST_PX, NARROWEST_PX = 1280, 720, 640
_MOST_BITS = 4_000_000  # a second: 120 s are at most 60 MB
_GROUND = (38, 33, 29)
_ENDED = 1e-3


class ClipError(CuesError):
    """A clip that cannot be made; the sentence says why."""


@dataclass(frozen=True)
class Order:
    """What a clip is made of.

    seen: the observations of everybody measured. drawn: the same, corrected, and of the people of the report.
    lanes, minutes: what the player draws for whom the clip is made (`cues.web.timeline`, `cues.web.overlay`), the
    overlays of the minutes that the clip touches. recordings: paths, one or two.
    """

    start: float
    end: float
    look: str
    seen: Observations
    drawn: Observations
    lanes: dict[str, Any]
    minutes: Sequence[dict[str, Any]]
    left_out: Collection[str]
    recordings: Sequence[Path]


@dataclass(frozen=True)
class _Place:
    """Where a file's picture lies in the clip: left, top, width, height [px], and its size over the frame's."""

    left: int
    top: int
    width: int
    height: int
    scale: float


def check_stretch(start: float | None, end: float | None, duration_s: float) -> tuple[float, float]:
    """The stretch [s] as it can be cut out. Raises ClipError with a sentence for whoever typed it."""
    if start is None or end is None:
        raise ClipError("A clip needs two times such as 2:00 and 2:30.")
    if not 0 <= start < duration_s:
        raise ClipError("The clip begins after the recording ends.")
    end = min(end, duration_s)
    if end - start < SHORTEST_S:
        raise ClipError("The clip must end at least a second after it begins.")
    if end - start > LONGEST_S:
        raise ClipError(f"A clip is at most {LONGEST_S:.0f} seconds long: choose a shorter stretch.")
    return start, end


def make_clip(order: Order, target: Path, progress: Callable[[float], None] = lambda share: None) -> None:
    """Writes the clip (mp4: H.264, no sound) to `target`, whole or not at all.

    Raises ClipError where it cannot be made, RecordingError where the recording cannot be read.
    """
    if order.look == BLURRED and order.seen.facts.left_out:
        raise ClipError(
            "Somebody is in the picture who was not measured, so their face cannot be hidden for certain: choose drawn "
            "figures."
        )
    ticks = order.start + np.arange(max(round((order.end - order.start) * RATE), 1)) / RATE
    places, width, height = _layout(order.seen.facts.videos)
    strip = CueStrip(order.lanes, order.start, order.end, width)
    people = people_drawn(order.drawn, order.minutes, order.left_out)
    aside = target.with_name(f".{target.name}.{uuid.uuid4().hex}.mp4")
    try:
        with write_container(aside) as clip:
            video = _stream(clip, width, height + strip.height)
            pictures = [_pictures(order, file, place, ticks, people) for file, place in enumerate(places)]
            for k, shown in enumerate(zip(*pictures, strict=True)):
                picture = _ground(video.height, video.width)
                for place, image in zip(places, shown, strict=True):
                    picture[place.top : place.top + place.height, place.left : place.left + place.width] = image
                burn_label(picture, height)
                picture[height : height + strip.height, :width] = strip.at(float(ticks[k]))
                frame = VideoFrame.from_ndarray(picture, format="bgr24").reformat(format="yuv420p")
                frame.pts, frame.time_base = k, Fraction(1, RATE)
                clip.mux(video.encode(frame))
                progress((k + 1) / len(ticks))
            clip.mux(video.encode(None))
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)


def _ground(height: int, width: int) -> np.ndarray:
    row = np.full((1, width, 3), _GROUND, np.uint8)
    return np.repeat(row, height, axis=0)


def burn_label(picture: np.ndarray, height: int) -> tuple[int, int, int, int]:
    """Writes the label into the lower left corner of a picture `height` px high; left, top, right, bottom of it."""
    left, top, width, _ = cv2.getTextSize((0, 0), LABEL, (12, height - 12), FONT, 18, 600)
    plate = (0, top - 8, left + width + 12, height)
    picture[plate[1] : plate[3], plate[0] : plate[2]] = (20, 18, 16)
    cv2.putText(picture, LABEL, (12, height - 12), (255, 255, 255), FONT, 18, 600)
    return plate


def _stream(clip: OutputContainer, width: int, height: int) -> VideoStream:
    clip.metadata["title"] = TITLE
    video: VideoStream = clip.add_stream("libx264", rate=RATE)
    video.width, video.height, video.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
    video.options = {"crf": "22", "preset": "veryfast", "maxrate": str(_MOST_BITS), "bufsize": str(2 * _MOST_BITS)}
    video.codec_context.gop_size = 2 * RATE
    return video


def _layout(videos: Sequence[dict[str, Any]]) -> tuple[list[_Place], int, int]:
    """Where the files' pictures lie, side by side and as high as one another; width and height of them together."""
    height = min(HIGHEST_PX, *(video["height"] for video in videos))
    together = sum(video["width"] * height / video["height"] for video in videos)
    height = round(height * min(1.0, WIDEST_PX / together))
    widths = [max(round(video["width"] * height / video["height"]), 1) for video in videos]
    left = max((NARROWEST_PX - sum(widths)) // 2, 0)
    places = []
    for video, width in zip(videos, widths, strict=True):
        places.append(_Place(left, 0, width, height, height / video["height"]))
        left += width
    return places, max(sum(widths), NARROWEST_PX), height


def _pictures(order: Order, file: int, place: _Place, ticks: np.ndarray, people: list[Person]) -> Iterator[np.ndarray]:
    """What the clip shows of one file at each of the `ticks` [s of the session]."""
    people = [person for person in people if person.file == file]
    if order.look == FIGURE:
        return _figures(place, ticks, people)
    return _blurred(order, file, place, ticks, people, SecondLook())


def _figures(place: _Place, ticks: np.ndarray, people: list[Person]) -> Iterator[np.ndarray]:
    for time in ticks:
        image = _ground(place.height, place.width)
        for person in people:
            draw_figure(image, person, float(time), place.scale)
        yield image


def _blurred(
    order: Order, file: int, place: _Place, ticks: np.ndarray, people: list[Person], look: SecondLook
) -> Iterator[np.ndarray]:
    """The frame on screen at each tick, faces hidden; plain ground where the file shows nothing yet."""
    faces, alignment = FacePlaces(order.seen, file), order.seen.facts.alignment
    for k, frame in on_screen(order.recordings[file], in_file(alignment, file, ticks)):
        image = _ground(place.height, place.width)
        moment = float(ticks[k])
        if frame is not None:
            image = cv2.resize(frame.image, (place.width, place.height), interpolation=cv2.INTER_AREA)
            shown = moment - float(in_file(alignment, file, np.array([moment]))[0] - frame.time)
            hide_faces(image, faces, shown, place.scale)
            look.hide_found(image, moment)
        for person in people:
            draw_marks(image, person, moment, place.scale)
        yield image


def hide_faces(image: np.ndarray, faces: FacePlaces, time: float, scale: float) -> None:
    """Hides in a BGR picture, `scale` times as large as the frame of `time` [s], what is known to be a face, and the
    whole tile of everybody whose face's place is not known; in place."""
    places = faces.at(time)
    for tile in places.tiles:
        hide_all(image, tile * scale)
    for box in places.boxes:
        hide(image, box * scale)


def on_screen(recording: Path, times: np.ndarray) -> Iterator[tuple[int, Frame | None]]:
    """For each number in `times` [s of the file, ascending] the frame on screen then; None before the first one."""
    frames = read_frames_at(recording, times, max_height=HIGHEST_PX)
    shown: Frame | None = None
    coming = next(frames, None)
    for k, time in enumerate(times):
        while coming is not None and coming.time <= time + _ENDED:
            shown, coming = coming, next(frames, None)
        yield k, shown
