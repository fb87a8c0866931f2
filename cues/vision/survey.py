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
from scipy.optimize import linear_sum_assignment

from cues.errors import RecordingError
from cues.parameters import Layout, Parameters
from cues.vision.landmarks import BodyReader, FaceReader
from cues.vision.layout import changed_share, thumbnail, tiles_of
from cues.vision.people import Sighting, find_people, likeness, same_face
from cues.vision.timeline import NO_TICK, read_timeline
from cues.vision.video import Frame, VideoInfo, read_frames_at, read_info

_NEVER = 1e6
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
class Person:
    """Somebody in the recording: how they look, how much of the searched pictures they are in, how large, where."""

    person: int
    look: np.ndarray
    share: float
    size_px: float
    centre_x: float


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


@dataclass
class _Look:
    """One surveyed picture."""

    time: float
    thumbnail: np.ndarray
    grey: np.ndarray
    image: np.ndarray | None
    people: list[Sighting] | None = None


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
    faces, bodies = FaceReader(6), BodyReader(5)
    try:
        looks: list[_Look] = []
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
    finally:
        faces.close()
        bodies.close()
    seated = [_seats_of(group, info, setup, parameters.layout) for group in groups]
    known, seated = _name_people(seated, groups, parameters.layout)
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


def _look(frame: Frame) -> _Look:
    height, width = frame.image.shape[:2]
    scale = min(1.0, _ANALYSIS_WIDTH / width)
    small = (
        cv2.resize(frame.image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else frame.image
    )
    return _Look(frame.time, thumbnail(frame.image), cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), small)


def replace_people(look: _Look, image: np.ndarray, faces: FaceReader, bodies: BodyReader, layout: Layout) -> _Look:
    """The look with everybody in its full-size picture found."""
    whole = np.array([0, 0, image.shape[1], image.shape[0]], float)
    return replace(look, people=find_people(image, whole, faces, bodies, layout.smallest_face_share))


def _differs(a: _Look, b: _Look, layout: Layout) -> bool:
    return changed_share(a.thumbnail, b.thumbnail, layout) > layout.changed_share


def _stretches_of(looks: list[_Look], layout: Layout) -> list[list[_Look]]:
    groups = [[looks[0]]]
    for look in looks[1:]:
        if _differs(groups[-1][-1], look, layout):
            groups.append([])
        groups[-1].append(look)
    return groups


def _search_more(path: Path, group: list[_Look], faces: FaceReader, bodies: BodyReader, layout: Layout) -> None:
    """Searches more pictures of a stretch that has too few searched ones."""
    missing = [i for i, look in enumerate(group) if look.people is None]
    wanted = layout.searches_min_a_stretch - (len(group) - len(missing))
    for i in missing[: max(wanted, 0)]:
        for frame in read_frames_at(path, [group[i].time]):
            group[i] = replace_people(group[i], frame.image, faces, bodies, layout)


@dataclass
class _Seated:
    """One group of sightings in one stretch."""

    tile: np.ndarray
    path: np.ndarray
    look: np.ndarray
    searched: int
    person: int = -1

    @property
    def size(self) -> float:
        return float(np.median(np.sqrt(self.path[:, 3] * self.path[:, 4])))


def _seats_of(group: list[_Look], info: VideoInfo, setup: str, layout: Layout) -> list[_Seated]:
    """Groups the sightings of one stretch by place, and finds the tile of each group."""
    searched = [look for look in group if look.people is not None]
    clusters: list[list[tuple[float, Sighting]]] = []
    for look in searched:
        sightings = look.people or []
        given = _give_out(clusters, sightings, layout)
        for sighting, cluster in zip(sightings, given, strict=True):
            if cluster is None:
                clusters.append([(look.time, sighting)])
            else:
                cluster.append((look.time, sighting))
    clusters = _same_people_joined(clusters, layout)
    clusters = [c for c in clusters if _is_somebody(c, len(searched), layout)] or clusters[:1]
    if setup == "single" and clusters:
        clusters = [max(clusters, key=lambda c: (len(c), c[0][1].size))]
    if not clusters:
        return []
    boxes = np.concatenate([[s.box for _, s in c] for c in clusters])
    owner = np.concatenate([np.full(len(c), i) for i, c in enumerate(clusters)])
    if setup == "shared_room":
        tiles = [np.array([0, 0, info.width, info.height])] * len(clusters)
    else:
        scale = group[0].grey.shape[1] / info.width
        pictures = np.stack([look.grey for look in (searched if len(searched) > 5 else group)][:24])
        tiles = [t / scale for t in tiles_of(pictures, boxes * scale, owner, layout)]
    return [
        _Seated(
            np.round(tile),
            np.array([[t, *s.box] for t, s in cluster]),
            np.mean([s.look for _, s in cluster], axis=0),
            len(searched),
        )
        for cluster, tile in zip(clusters, tiles, strict=True)
    ]


def _give_out(
    clusters: list[list[tuple[float, Sighting]]], sightings: list[Sighting], layout: Layout
) -> list[list[tuple[float, Sighting]] | None]:
    """The group that each sighting of one picture belongs to, or None: by looks first, by seat where looks agree.

    All are given out together, so that two people who changed places are not mistaken for each other.
    """
    given: list[list[tuple[float, Sighting]] | None] = [None] * len(sightings)
    if not clusters or not sightings:
        return given
    cost = np.full((len(sightings), len(clusters)), _NEVER)
    for c, cluster in enumerate(clusters):
        last = cluster[-1][1]
        look = np.mean([s.look for _, s in cluster], axis=0)
        for k, sighting in enumerate(sightings):
            alike = likeness(sighting.look, look)
            if _same_seat(last, sighting) or alike >= layout.same_person_likeness:
                apart = np.hypot(*(last.centre - sighting.centre)) / max(last.size, sighting.size)
                cost[k, c] = 0.2 * min(apart, 3.0) + 4.0 * (1 - alike)
    for k, c in zip(*linear_sum_assignment(cost), strict=True):
        if cost[k, c] < _NEVER:
            given[k] = clusters[c]
    return given


def _is_somebody(cluster: list[tuple[float, Sighting]], searched: int, layout: Layout) -> bool:
    """Whether a group of sightings is a person: seen often enough, more often where no body belongs to the face.

    The face detector finds faces in plants and cloth now and then; the body network does not.
    """
    with_body = any(s.body is not None for _, s in cluster)
    share = layout.sightings_min_share if with_body else layout.sightings_min_share_without_body
    return searched <= 2 or len(cluster) >= max(2, share * searched)


def _same_people_joined(
    clusters: list[list[tuple[float, Sighting]]], layout: Layout
) -> list[list[tuple[float, Sighting]]]:
    """Groups that look alike and are hardly ever in one picture together are one person who moved."""
    joined: list[list[tuple[float, Sighting]]] = []
    for cluster in sorted(clusters, key=len, reverse=True):
        times = {time for time, _ in cluster}
        look = np.mean([s.look for _, s in cluster], axis=0)
        alike = [
            (likeness(look, np.mean([s.look for _, s in other], axis=0)), k)
            for k, other in enumerate(joined)
            if len(times & {time for time, _ in other}) <= 0.15 * min(len(cluster), len(other))
        ]
        best = max(alike, default=(0.0, 0))
        if best[0] >= layout.same_person_likeness:
            joined[best[1]] = sorted(joined[best[1]] + cluster, key=lambda entry: entry[0])
        else:
            joined.append(cluster)
    return joined


def _same_seat(a: Sighting, b: Sighting) -> bool:
    apart = np.hypot(*(a.centre - b.centre))
    return bool(same_face(a.box, b.box) or apart < 1.0 * max(a.size, b.size)) and 0.4 < a.size / b.size < 2.5


def _name_people(
    seated: list[list[_Seated]], groups: list[list[_Look]], layout: Layout
) -> tuple[list[Person], list[list[_Seated]]]:
    """Gives the same number to the same person in all stretches."""
    prototypes: list[list[_Seated]] = []
    for seats in seated:
        taken: set[int] = set()
        scored = sorted(
            (
                (_sameness(prototypes[p][-1], seat), p, s)
                for p in range(len(prototypes))
                for s, seat in enumerate(seats)
            ),
            reverse=True,
        )
        for score, p, s in scored:
            if score >= layout.same_person_likeness and p not in taken and seats[s].person < 0:
                seats[s].person = p
                taken.add(p)
                prototypes[p].append(seats[s])
        for seat in seats:
            if seat.person < 0:
                seat.person = len(prototypes)
                prototypes.append([seat])
    searched = sum(max((s.searched for s in seats), default=0) for seats in seated)
    searched += sum(len([x for x in g if x.people is not None]) for g, s in zip(groups, seated, strict=True) if not s)
    people = [
        Person(
            number,
            np.mean([s.look for s in seats], axis=0),
            sum(len(s.path) for s in seats) / max(searched, 1),
            float(np.median([s.size for s in seats])),
            float(np.median(np.concatenate([s.path[:, 1] + s.path[:, 3] / 2 for s in seats]))),
        )
        for number, seats in enumerate(prototypes)
    ]
    return people, seated


def _sameness(a: _Seated, b: _Seated) -> float:
    """Likeness, helped by an unchanged place: a room whose light changes is still the same seat."""
    same_tile = np.abs(a.tile - b.tile).max() < 0.02 * max(a.tile[2], b.tile[2])
    return likeness(a.look, b.look) + (0.1 if same_tile and same_face(a.path[-1, 1:], b.path[0, 1:]) else 0.0)


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
    groups: list[list[_Look]],
    seated: list[list[_Seated]],
    wanted: set[int],
    layout: Layout,
) -> tuple[Stretch, ...]:
    """Stretches with the chosen people's seats; neighbours with the same layout are one stretch."""
    stretches: list[Stretch] = []
    previous: list[_Look] | None = None
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


def _boundary(path: Path, before: _Look, after: _Look, layout: Layout) -> float:
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
