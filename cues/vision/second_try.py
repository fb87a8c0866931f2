"""What becomes of a segment that could not be read as it is: it is read from smaller pictures, or it is rows in which
nobody was seen.

Pixels are those of the full picture again afterwards. Only `iris_distance` stays as it was in the picture that was
read, because it says how fine that was.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np

from cues.observations import BODY_POINTS
from cues.parameters import Parameters
from cues.vision.segment import OBSERVED, SCENERY, SMALLER, UNREAD, Networks, Segment, read_segment
from cues.vision.survey import Survey

SCALE = 0.5
_PIXELS = [
    *("box_x", "box_y", "box_w", "box_h", "iris_left_x", "iris_left_y", "iris_right_x", "iris_right_y"),
    *(f"{point}_{axis}" for point in BODY_POINTS for axis in "xy"),
]
_SCENE_PIXELS = ["tile_x", "tile_y", "tile_w", "tile_h", "shift_x", "shift_y"]


def read_smaller(
    path: Path,
    instants: np.ndarray,
    survey: Survey,
    parameters: Parameters,
    networks: Networks,
    progress: Callable[[int], None] = lambda samples: None,
) -> Segment:
    """As `read_segment`, from pictures of half the width and height."""
    height = round(survey.info.height * SCALE)
    scale = height / survey.info.height
    segment = read_segment(path, instants, _scaled(survey, scale), parameters, networks, progress, max_height=height)
    observed, scenery = segment.observed.copy(), segment.scenery.copy()
    observed[:, :, [OBSERVED.index(name) for name in _PIXELS]] /= scale
    scenery[:, :, [SCENERY.index(name) for name in _SCENE_PIXELS]] /= scale
    return replace(segment, observed=observed, scenery=scenery, reading=SMALLER)


def unread(instants: np.ndarray, survey: Survey) -> Segment:
    """The samples at `instants` (n,) s, in which nobody was seen: time that passed, and counts as not measured."""
    shape = len(survey.people), len(instants)
    scenery = np.full((*shape, len(SCENERY)), np.nan, np.float32)
    scenery[:, :, SCENERY.index("shown")] = scenery[:, :, SCENERY.index("cut")] = 0
    for n, instant in enumerate(instants):
        number = survey.stretch_at(float(instant))
        scenery[:, n, SCENERY.index("stretch")] = number
        for seat in survey.stretches[number].seats:
            person = [p.person for p in survey.people].index(seat.person)
            scenery[person, n, SCENERY.index("shown")] = 1
            scenery[person, n, [SCENERY.index(f"tile_{what}") for what in "xywh"]] = seat.tile
    return Segment(
        instant=np.arange(len(instants)),
        time=np.asarray(instants, float),
        face=np.zeros(shape, bool),
        observed=np.full((*shape, len(OBSERVED)), np.nan, np.float32),
        scenery=scenery,
        undecodable=[],
        reading=UNREAD,
    )


def reading_notes(spans: Sequence[tuple[float, float, str]], of_file: str = "") -> list[str]:
    """Sentences on the segments that were not read as they are; `spans`: begin and end [s], how it was read, in the
    order of time."""
    notes = []
    for reading, sentence in (
        (
            UNREAD,
            "{span}{of_file} could not be read: the program that decodes it hung, crashed or took too much memory.",
        ),
        (
            SMALLER,
            "{span}{of_file} was read at half the picture's size, because the whole took too much memory or time.",
        ),
    ):
        for _, group in groupby(spans, key=lambda span: span[2] == reading):
            part = list(group)
            if part[0][2] == reading:
                span = f"From {_clock(part[0][0])} to {_clock(part[-1][1])} the recording"
                notes.append(sentence.format(span=span, of_file=of_file))
    return notes


def _clock(seconds: float) -> str:
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def _scaled(survey: Survey, scale: float) -> Survey:
    """The survey of the same recording with smaller pictures."""
    info = replace(survey.info, width=round(survey.info.width * scale), height=round(survey.info.height * scale))
    seats_of = lambda stretch: tuple(  # noqa: E731
        replace(seat, tile=seat.tile * scale, path=seat.path * [1, scale, scale, scale, scale])
        for seat in stretch.seats
    )
    stretches = tuple(replace(stretch, seats=seats_of(stretch)) for stretch in survey.stretches)
    return replace(survey, info=info, stretches=stretches)
