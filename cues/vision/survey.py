"""The first, sparse pass over a recording: stretches with one layout, tiles, and who is who in the whole file.

Pictures from all over the file (key frames where there are enough of them) are compared; where much of the picture
changes, a stretch ends. In each stretch a few pictures are searched for people, who are grouped by where they sit;
across stretches a person is known by place and tile, else by how they and their surroundings look. The dense pass
follows this survey, so that segments of the recording can be read anywhere and in any order.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from cues.errors import RecordingError
from cues.parameters import Layout, Parameters
from cues.vision.landmarks import BodyReader, FaceReader
from cues.vision.layout import changed_share, thumbnail
from cues.vision.people import find_people, same_face
from cues.vision.seating import Look, Person, Seated, name_people, seats_of
from cues.vision.timeline import NO_TICK, read_timeline
from cues.vision.video import Frame, VideoInfo, read_frames_at, read_info

_ANALYSIS_WIDTH = 640  # px of the pictures that tiles are found in


@dataclass(frozen=True)
class Seat:
    """A person's place in one stretch: `tile` x, y, w, h px; `path` (k, 5) time [s] and face box px where seen."""

    person: int
    tile: np.ndarray
    path: np.ndarray

    def anchor(self, time: float) -> np.ndarray:
        """The face box x, y, w, h px of the sighting nearest in time."""
        return self.path[np.argmin(np.abs(self.path[:, 0] - time)), 1:]


@dataclass(frozen=True)
class Stretch:
    """Part of a recording with one layout: [start, end) s, its seats, and a small BGR picture of its beginning."""

    start: float
    end: float
    seats: tuple[Seat, ...]
    reference: np.ndarray
    reference_time: float


@dataclass(frozen=True)
class Survey:
    """What the dense pass follows. `people` are those measured; the others found are `left_out`."""

    info: VideoInfo
    setup: str
    stretches: tuple[Stretch, ...]
    people: tuple[Person, ...]
    left_out: tuple[Person, ...]

    def stretch_at(self, time: float) -> int:
        """Number of the stretch that contains a time [s]."""
        starts = [s.start for s in self.stretches]
        return max(int(np.searchsorted(starts, time + 1e-6, side="right")) - 1, 0)

    def between(self, start: float, end: float) -> "Survey":
        """The survey without the pictures of stretches that lie outside [start, end] s (with a second to spare)."""
        nothing = np.zeros((0, 0, 3), np.uint8)
        stretches = tuple(
            s if s.start <= end + 1.0 and s.end >= start - 1.0 else replace(s, reference=nothing)
            for s in self.stretches
        )
        return replace(self, stretches=stretches)


def survey_recording(
    path: Path,
    parameters: Parameters,
    setup: str = "auto",
    chosen: tuple[int, ...] | None = None,
    progress: Callable[[float], None] = lambda share: None,
) -> Survey:
    """Surveys a recording.

    setup: auto, single, split_screen or shared_room. chosen: numbers of the people to measure, counted from 1 from left
    to right; by default the four seen most (which two of them are reported is decided later).
    Raises RecordingError where nobody is found, or where the setup asks for more people than there are.
    """
    info = read_info(path)
    times = _survey_times(path, info, parameters.layout)
    with_search = np.linspace(0, len(times) - 1, parameters.layout.searches_max).round().astype(int)
    faces, bodies = FaceReader(), BodyReader()
    looks: list[Look] = []
    for frame in read_frames_at(path, times):
        look = _look(frame)
        number = int(np.abs(np.array(times) - frame.time).argmin())
        begins = not looks or _differs(looks[-1], look, parameters.layout)
        if number in with_search or begins:
            look = replace_people(look, frame.image, faces, bodies, parameters.layout)
        if not begins:
            look = replace(look, image=None)  # colours are kept of a stretch's first picture only
        looks.append(look)
        progress(0.8 * (frame.time / max(info.duration, 1e-3)))
    if not looks:
        raise RecordingError(f"{path.name} holds no picture that can be read; copy or export it again.")
    groups = _stretches_of(looks, parameters.layout)
    for group in groups:
        _search_more(path, group, faces, bodies, parameters.layout)
    seated = [seats_of(group, info, setup, parameters.layout) for group in groups]
    known, seated = name_people(seated, groups, parameters.layout)
    people, left_out = _choose(known, chosen, setup, path, parameters.layout)
    stretches = _assemble(path, info, groups, seated, {p.person for p in people}, parameters.layout)
    progress(1.0)
    return _numbered(Survey(info, _setup_of(stretches, people, setup), stretches, people, left_out))


def _survey_times(path: Path, info: VideoInfo, layout: Layout) -> list[float]:
    """Times to look at: key frames, because they are cheap and stand at cuts; more where they are far apart."""
    timeline = read_timeline(path)
    spacing = max(layout.spacing_min_s, info.duration / layout.pictures_max)
    if info.duration < 20 * layout.spacing_min_s:
        spacing = info.duration / 20
    at = timeline.shown[timeline.keys & (timeline.shown != NO_TICK)]
    keys = np.sort(timeline.seconds(at))
    widest = max(10.0, 3 * spacing) if info.duration > 120 else spacing
    times: list[float] = []
    for key in [*keys, info.duration]:
        while times and key - times[-1] > 1.5 * widest:
            times.append(times[-1] + widest)
        if key < info.duration and (not times or key - times[-1] >= spacing * 0.99):
            times.append(float(key))
    if not times:
        times = list(np.arange(info.start, info.duration, spacing))
    return times


def _look(frame: Frame) -> Look:
    height, width = frame.image.shape[:2]
    scale = min(1.0, _ANALYSIS_WIDTH / width)
    small = (
        cv2.resize(frame.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else frame.image
    )
    return Look(frame.time, thumbnail(frame.image), cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), small)


def replace_people(look: Look, image: np.ndarray, faces: FaceReader, bodies: BodyReader, layout: Layout) -> Look:
    """The look with everybody in its full-size picture found."""
    whole = np.array([0, 0, image.shape[1], image.shape[0]], float)
    return replace(look, people=find_people(image, whole, faces, bodies, layout.smallest_face_share))


def _differs(a: Look, b: Look, layout: Layout) -> bool:
    return changed_share(a.thumbnail, b.thumbnail, layout) > layout.changed_share


def _stretches_of(looks: list[Look], layout: Layout) -> list[list[Look]]:
    groups = [[looks[0]]]
    for look in looks[1:]:
        if _differs(groups[-1][-1], look, layout):
            groups.append([])
        groups[-1].append(look)
    return groups


def _search_more(path: Path, group: list[Look], faces: FaceReader, bodies: BodyReader, layout: Layout) -> None:
    """Searches more pictures of a stretch that has too few searched ones."""
    missing = [i for i, look in enumerate(group) if look.people is None]
    wanted = layout.searches_min_a_stretch - (len(group) - len(missing))
    for i in missing[: max(wanted, 0)]:
        for frame in read_frames_at(path, [group[i].time]):
            group[i] = replace_people(group[i], frame.image, faces, bodies, layout)


def _choose(
    known: list[Person], chosen: tuple[int, ...] | None, setup: str, path: Path, layout: Layout
) -> tuple[tuple[Person, ...], tuple[Person, ...]]:
    """The people to measure and those left out, each from left to right."""
    if not known:
        raise RecordingError(
            f"Nobody's face was found in {path.name}: check that it is the right file, that faces are lit from the "
            "front and are at least a twelfth of the picture's height."
        )
    ordered = sorted(known, key=lambda p: p.centre_x)
    if chosen is None:
        ranked = sorted(known, key=lambda p: (-round(p.share, 2), -p.size_px))
        most = 1 if setup == "single" else layout.people_max
        people = [p for p in ranked if p.share >= layout.person_face_share * ranked[0].share][:most]
    else:
        if any(not 1 <= number <= len(ordered) for number in chosen):
            raise RecordingError(
                f"{path.name} shows {len(ordered)} people; --people takes numbers from 1 to {len(ordered)}, "
                "from left to right."
            )
        people = [ordered[number - 1] for number in chosen]
    numbers = {p.person for p in people}
    if setup in ("split_screen", "shared_room") and len(people) < 2:
        raise RecordingError(
            f"Two people were asked for, and only one was found in {path.name}: use --setup single, or check that both "
            "faces can be seen."
        )
    return tuple(p for p in ordered if p.person in numbers), tuple(p for p in ordered if p.person not in numbers)


def _assemble(
    path: Path,
    info: VideoInfo,
    groups: list[list[Look]],
    seated: list[list[Seated]],
    wanted: set[int],
    layout: Layout,
) -> tuple[Stretch, ...]:
    """Stretches with the chosen people's seats; neighbours with the same layout are one stretch."""
    stretches: list[Stretch] = []
    previous: list[Look] | None = None
    for group, seats in zip(groups, seated, strict=True):
        mine = tuple(
            Seat(s.person, s.tile, s.path) for s in sorted(seats, key=lambda s: s.person) if s.person in wanted
        )
        if stretches and _same_layout(stretches[-1].seats, mine):
            last = stretches[-1]
            merged = tuple(
                replace(a, path=np.concatenate([a.path, b.path])) for a, b in zip(last.seats, mine, strict=True)
            )
            stretches[-1] = replace(last, seats=merged)
        else:
            start = 0.0 if previous is None else _boundary(path, previous[-1], group[0], layout)
            if stretches:
                stretches[-1] = replace(stretches[-1], end=start)
            assert group[0].image is not None
            stretches.append(Stretch(start, info.duration, mine, group[0].image, group[0].time))
        previous = group
    return tuple(stretches)


def _same_layout(a: tuple[Seat, ...], b: tuple[Seat, ...]) -> bool:
    """Same people in the same tiles at about the same places: a passing flash, not another layout."""
    if [s.person for s in a] != [s.person for s in b]:
        return False
    return all(
        np.abs(s.tile - t.tile).max() < 0.02 * max(s.tile[2], 1) and same_face(s.path[-1, 1:], t.path[0, 1:])
        for s, t in zip(a, b, strict=True)
    )


def _boundary(path: Path, before: Look, after: Look, layout: Layout) -> float:
    """When the picture changed between two looks [s], by halving."""
    low, high = before.time, after.time
    while high - low > layout.boundary_s:
        middle = (low + high) / 2
        for frame in read_frames_at(path, [middle]):
            small = thumbnail(frame.image)
            is_before = changed_share(small, before.thumbnail, layout) < changed_share(small, after.thumbnail, layout)
            low, high = (middle, high) if is_before else (low, middle)
            break
        else:
            break
    return float(high)


def _setup_of(stretches: tuple[Stretch, ...], people: tuple[Person, ...], setup: str) -> str:
    if setup != "auto":
        return setup
    if len(people) < 2:
        return "single"
    shared = apart = 0.0
    for stretch in stretches:
        tiles = [seat.tile for seat in stretch.seats]
        if len(tiles) >= 2:
            if len({tuple(tile) for tile in tiles}) < len(tiles):
                shared += stretch.end - stretch.start
            else:
                apart += stretch.end - stretch.start
    return "shared_room" if shared > apart else "split_screen"


def _numbered(survey: Survey) -> Survey:
    """Renumbers the measured people from 0, from left to right."""
    order = survey.people
    number = {person.person: k for k, person in enumerate(order)}
    stretches = tuple(
        replace(
            stretch,
            seats=tuple(sorted((replace(s, person=number[s.person]) for s in stretch.seats), key=lambda s: s.person)),
        )
        for stretch in survey.stretches
    )
    people = tuple(replace(p, person=k) for k, p in enumerate(order))
    return replace(survey, stretches=stretches, people=people)
