"""Who sits where: the sightings of a stretch become people, and people keep their number across stretches.

Sightings of one stretch are grouped by looks first and by seat where looks agree; a group that is hardly ever in one
picture with another one like it is the same person, moved. Across stretches a person is known by place and tile, else
by how they and their surroundings look.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from cues.parameters import Layout
from cues.vision.layout import tiles_of
from cues.vision.people import Sighting, likeness, same_face
from cues.vision.video import VideoInfo

_NEVER = 1e6


@dataclass(frozen=True)
class Person:
    """Somebody in the recording: how they look, how much of the searched pictures they are in, how large, where."""

    person: int
    look: np.ndarray
    share: float
    size_px: float
    centre_x: float


@dataclass
class Look:
    """One surveyed picture."""

    time: float
    thumbnail: np.ndarray
    grey: np.ndarray
    image: np.ndarray | None
    people: list[Sighting] | None = None


@dataclass
class Seated:
    """One group of sightings in one stretch."""

    tile: np.ndarray
    path: np.ndarray
    look: np.ndarray
    searched: int
    person: int = -1

    @property
    def size(self) -> float:
        return float(np.median(np.sqrt(self.path[:, 3] * self.path[:, 4])))


def seats_of(group: list[Look], info: VideoInfo, setup: str, layout: Layout) -> list[Seated]:
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
        Seated(
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


def name_people(
    seated: list[list[Seated]], groups: list[list[Look]], layout: Layout
) -> tuple[list[Person], list[list[Seated]]]:
    """Gives the same number to the same person in all stretches."""
    prototypes: list[list[Seated]] = []
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


def _sameness(a: Seated, b: Seated) -> float:
    """Likeness, helped by an unchanged place: a room whose light changes is still the same seat."""
    same_tile = np.abs(a.tile - b.tile).max() < 0.02 * max(a.tile[2], b.tile[2])
    return likeness(a.look, b.look) + (0.1 if same_tile and same_face(a.path[-1, 1:], b.path[0, 1:]) else 0.0)
