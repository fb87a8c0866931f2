"""Keeping each person's crop on the person: from sample to sample, through gaps and crossings.

Each person has a window of their own, cut from the tile around where their face was last. A face found in a window
belongs to the person who was nearest to it; where two people share a tile, faces are given out together, and after
a gap or a crossing how a person looks decides. The order in which a network returns faces means nothing here.
"""

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment

from cues.parameters import Parameters
from cues.vision.crop import FACE_SHARE, Window, cut_window, window_around
from cues.vision.head_pose import HeadPose, Lens, lens_of_tile, solve_head_pose
from cues.vision.landmarks import Body, BodyReader, Face, FaceReader
from cues.vision.people import (
    appearance,
    body_in_frame,
    face_in_frame,
    find_people,
    likeness,
    plausible_pose,
    same_face,
)
from cues.vision.survey import Seat

_WIDER = 1.8
_BODY_SIDE = 5.5  # of the body's window, in face sizes
_BODY_BELOW = 1.6  # its centre below the face, in face sizes
_FAR = 1e6


@dataclass
class Track:
    """One person in one stretch: where the face was last, and when.

    `body`: the last one seen, and since when it has been followed without a search.
    """

    seat: Seat
    lens: Lens
    look: np.ndarray
    box: np.ndarray
    last_seen: float
    last_search: float = -np.inf
    doubtful: bool = False
    body: Body | None = None
    body_since: float = -np.inf

    @property
    def size(self) -> float:
        """Side of a square as large as the face [px]."""
        return float(np.sqrt(self.box[2] * self.box[3]))

    @property
    def centre(self) -> np.ndarray:
        """Centre of the face [px]."""
        return self.box[:2] + self.box[2:] / 2


@dataclass(frozen=True)
class Seen:
    """A face in frame px and the pose of its head."""

    face: Face
    pose: HeadPose

    @property
    def box(self) -> np.ndarray:
        """x, y, width, height [px] of the face."""
        return self.face.box


@dataclass
class Tracker:
    """Follows the people of one stretch through one segment."""

    tracks: list[Track]
    parameters: Parameters
    faces: FaceReader
    bodies: BodyReader
    found: dict[int, Seen] = field(default_factory=dict)

    def follow(self, image: np.ndarray, time: float) -> dict[int, Seen]:
        """The faces of this BGR frame by person; people who were not found are absent."""
        self.found = {}
        for group in self._by_tile():
            candidates: list[Seen] = []
            for track in group:
                self._collect(candidates, self._near(image, track, 1.0))
            for track, face in self._give_out(group, candidates, image, time):
                self.found[track.seat.person] = face
            lost = [t for t in group if t.seat.person not in self.found]
            if lost:
                known = list(self.found.values())
                more: list[Seen] = []
                for track in lost:
                    self._collect(more, self._search(image, track, time))
                more = [f for f in more if not any(same_face(f.box, k.box) for k in known)]
                for track, face in self._give_out(lost, more, image, time):
                    self.found[track.seat.person] = face
            for track in group:
                seen = self.found.get(track.seat.person)
                if seen is not None:
                    track.box, track.last_seen = seen.box, time
            self._note_crossings(group)
        return self.found

    def body(self, image: np.ndarray, person: int, time: float) -> Body | None:
        """The body below a person's face; None where the network sees none there."""
        track = next(t for t in self.tracks if t.seat.person == person)
        centre = track.centre + [0.0, _BODY_BELOW * track.size]
        x, y, side = window_around(centre, _BODY_SIDE * track.size, track.seat.tile)
        view, window = cut_window(image, x, y, side, track.seat.tile)
        before, track.body = track.body, None
        alone = sum(np.array_equal(t.seat.tile, track.seat.tile) for t in self.tracks) == 1
        if before is not None and alone and time - track.body_since < self.parameters.tracking.search_body_again_s:
            track.body = self._below(track, self.bodies.follow(view, window.from_frame(before.extent)), window)
        if track.body is None:
            track.body, track.body_since = self._below(track, next(iter(self.bodies.read(view)), None), window), time
        if track.body is not None and person not in self.found:  # turned away: the crop follows the head all the same
            head, _ = track.body.head
            track.box = np.array([*(head - track.size / 2), track.size, track.size])
        return track.body

    @staticmethod
    def _below(track: Track, body: Body | None, window: Window) -> Body | None:
        """The body in frame px where its head is the track's."""
        moved = None if body is None else body_in_frame(body, window)
        return moved if moved is not None and np.hypot(*(moved.head[0] - track.centre)) < track.size else None

    def _by_tile(self) -> list[list[Track]]:
        groups: dict[tuple[float, ...], list[Track]] = {}
        for track in self.tracks:
            groups.setdefault(tuple(track.seat.tile), []).append(track)
        return list(groups.values())

    def _near(self, image: np.ndarray, track: Track, wider: float) -> list[Seen]:
        side = wider * track.size / FACE_SHARE
        x, y, side = window_around(track.centre, side, track.seat.tile)
        view, window = cut_window(image, x, y, side, track.seat.tile)
        found = [face_in_frame(face, window) for face in self.faces.read(view)]
        return [Seen(f, pose) for f in found if (pose := plausible_pose(f, track.lens)) is not None]

    def _search(self, image: np.ndarray, track: Track, time: float) -> list[Seen]:
        """A wider window at once, the whole tile from time to time."""
        found = self._near(image, track, _WIDER)
        limits = self.parameters.tracking
        if found or time - track.last_search < limits.search_again_s or time - track.last_seen < limits.search_again_s:
            return found
        track.last_search = time
        smallest = 0.5 * track.size / min(track.seat.tile[2], track.seat.tile[3])
        everybody = find_people(image, track.seat.tile, self.faces, None, smallest)
        faces = [s.face for s in everybody if s.face is not None]
        return [Seen(f, pose) for f in faces if (pose := solve_head_pose(f.points, track.lens)) is not None]

    @staticmethod
    def _collect(candidates: list[Seen], more: list[Seen]) -> None:
        for face in more:
            if not any(same_face(face.box, known.box) for known in candidates):
                candidates.append(face)

    def _give_out(
        self, tracks: list[Track], candidates: list[Seen], image: np.ndarray, time: float
    ) -> list[tuple[Track, Seen]]:
        if not candidates:
            return []
        cost = np.array([[self._cost(t, f, image, time) for f in candidates] for t in tracks])
        rows, columns = linear_sum_assignment(cost)
        return [(tracks[r], candidates[c]) for r, c in zip(rows, columns, strict=True) if cost[r, c] < _FAR]

    def _cost(self, track: Track, face: Seen, image: np.ndarray, time: float) -> float:
        """How little a face is this person's: distance in face sizes, and unlikeness where distance says nothing."""
        limits = self.parameters.tracking
        gap = time - track.last_seen
        size = float(np.sqrt(face.box[2] * face.box[3]))
        ratio = max(size, track.size) / min(size, track.size)
        apart = float(np.hypot(*(face.box[:2] + face.box[2:] / 2 - track.centre))) / track.size
        fresh = gap <= limits.forget_s
        if fresh and (apart > limits.reach_sizes * (1 + 2 * gap) or ratio > limits.size_ratio_max):
            return _FAR
        if fresh and not track.doubtful:
            return apart
        same = likeness(track.look, appearance(image, face.box, track.seat.tile))
        if not fresh and same < limits.likeness_min:
            return _FAR
        return 0.2 * min(apart, 3.0) + 4.0 * (1 - same)

    def _note_crossings(self, group: list[Track]) -> None:
        """While two people of one tile touch in the picture, place alone does not tell them apart."""
        for track in group:
            others = [o for o in group if o is not track]
            touching = any(np.hypot(*(track.centre - o.centre)) < 1.0 * max(track.size, o.size) for o in others)
            track.doubtful = touching or (track.doubtful and track.seat.person not in self.found)


def start_tracks(
    seats: tuple[Seat, ...], looks: dict[int, np.ndarray], time: float, parameters: Parameters
) -> list[Track]:
    """Tracks at the beginning of a segment, from where the survey saw each person last or next."""
    tracks = []
    one_picture = len({tuple(seat.tile) for seat in seats}) == 1
    for seat in seats:
        lens, _ = lens_of_tile(seat.tile, one_picture, parameters.camera.focal_over_width)
        tracks.append(Track(seat, lens, looks[seat.person], seat.anchor(time), last_seen=time))
    return tracks
