"""Where the faces of everybody measured are in any frame of a file, also between the samples at which they were seen.

Between two samples a face is taken to be on the straight way from one to the other, in a box that is wider on each
side by as much as its edges moved, so it covers both. Where the samples with a face around a frame lie more than
`BRIDGED_S` apart, the face's place is not known, and the whole tile of that person must be hidden. So must the whole
picture between two stretches.
"""

from dataclasses import dataclass

import numpy as np

from cues.observations import Observations

BRIDGED_S = 0.31
"""Two samples of ten a second may be missing between two that are there [s]."""
_SAME_S = 2e-3  # the tables keep times as float32
_BESIDE_S = 0.1  # frames of a second file were read up to a sample away from the first file's times


@dataclass(frozen=True)
class Places:
    """What must be hidden in one frame: `boxes` of faces and whole `tiles`, each x, y, w, h px of the upright frame."""

    boxes: list[np.ndarray]
    tiles: list[np.ndarray]


@dataclass(frozen=True)
class _Person:
    time: np.ndarray
    boxes: np.ndarray
    known: np.ndarray  # rows with a face
    stretch: np.ndarray
    shown: np.ndarray
    tiles: np.ndarray


class FacePlaces:
    """The faces in one file of a session. `observations` are to be those of everybody measured, not corrected ones."""

    def __init__(self, observations: Observations, file: int) -> None:
        facts = observations.facts
        video = facts.videos[file]
        self._whole = np.array([0.0, 0.0, video["width"], video["height"]])
        self._slack = _BESIDE_S if file else 0.0
        self._people = [_person(observations, p) for p in observations.people if facts.file_of(p) == file]

    def at(self, time: float) -> Places:
        """What must be hidden in the frame that comes on screen at `time`, seconds of the session's clock."""
        places = Places([], [])
        for person in self._people:
            self._add(places, person, time)
        return places

    def _add(self, places: Places, person: _Person, time: float) -> None:
        before = max(int(np.searchsorted(person.time, time - self._slack + _SAME_S, side="right")) - 1, 0)
        after = max(int(np.searchsorted(person.time, time + self._slack - _SAME_S, side="left")), before)
        if len(set(person.stretch[before : after + 1].tolist())) != 1:
            places.tiles.append(self._whole)
            return
        if not person.shown[before]:
            return
        box = _between(person, time, self._slack)
        tile = person.tiles[before]
        if box is not None:
            places.boxes.append(box)
        else:
            places.tiles.append(tile if np.isfinite(tile).all() else self._whole)


def _person(observations: Observations, person: int) -> _Person:
    columns, scene = observations.person(person), observations.scene_of(person)
    boxes = np.stack([columns[f"box_{k}"] for k in "xywh"], 1)
    tiles = np.stack([scene[f"tile_{k}"] for k in "xywh"], 1)
    known = np.flatnonzero(np.isfinite(boxes).all(1))
    return _Person(columns["time"], boxes, known, scene["stretch"], scene["shown"], tiles)


def _between(person: _Person, time: float, slack: float) -> np.ndarray | None:
    """The box at a time, from the rows with a face around it, the next one on each side; None where it is not known."""
    times = person.time[person.known]
    if not len(times):
        return None
    last = int(np.searchsorted(times, time - slack + _SAME_S, side="right")) - 1
    first = int(np.searchsorted(times, time + slack - _SAME_S, side="left"))  # the same row where it is this frame's
    if last < 0 or first >= len(times):  # before the first row with a face or after the last one
        near = max(min(last, len(times) - 1), 0)
        return person.boxes[person.known[near]] if abs(times[near] - time) <= BRIDGED_S / 3 + slack else None
    rows = person.known[last : first + 1]
    if (np.diff(person.time[rows]) > BRIDGED_S).any():
        return None
    low, high = person.boxes[rows, :2], person.boxes[rows, :2] + person.boxes[rows, 2:]
    share = 0.0 if len(rows) == 1 else (time - times[last]) / max(times[first] - times[last], _SAME_S)
    share = min(max(share, 0.0), 1.0)
    left_top = low[0] + share * (low[-1] - low[0]) - np.ptp(low, axis=0)
    right_bottom = high[0] + share * (high[-1] - high[0]) + np.ptp(high, axis=0)
    return np.concatenate([left_top, right_bottom - left_top])
