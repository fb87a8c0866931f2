"""The dense pass over one segment of a recording: every sample of every person, as columns.

A segment depends on the survey alone, never on another segment; read apart and joined, segments give the table of one
pass up to what the crop's position does to the landmarks at the seams (a track starts from the survey's nearest
sighting instead of the last sample).
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from cues.observations import BLENDSHAPES, BODY_POINTS, HEAD_PIVOT_CM, OBSERVATIONS, SCENE, angles_from_rotation
from cues.parameters import Parameters
from cues.vision.background import Background, background_motion, reference_background
from cues.vision.face_evidence import eye_opening, iris_circularity, iris_distance, lip_gap, sharpness
from cues.vision.gaze import gaze_of, measure_gaze
from cues.vision.head_pose import HeadPose, Lens
from cues.vision.landmarks import Body, BodyReader, Face, FaceReader
from cues.vision.survey import Stretch, Survey
from cues.vision.tracking import Tracker, start_tracks
from cues.vision.video import read_frames_at

OBSERVED = [f.name for f in OBSERVATIONS if f.name not in ("time", "person", "face")]
SCENERY = [f.name for f in SCENE if f.name not in ("time", "person")]
_GAZE = slice(OBSERVED.index("gaze_h"), OBSERVED.index("gaze_v") + 1)
WHOLE, SMALLER, UNREAD = "whole", "smaller", "unread"
"""How a segment was read (`second_try`)."""


@dataclass(frozen=True)
class Segment:
    """n samples of p people.

    `instant` (n,) int: which of the asked instants each sample answers; `time` (n,) s: when its frame came on screen;
    `face` (p, n) bool; `observed` (p, n, len(OBSERVED)) and `scenery` (p, n, len(SCENERY)) float32, NaN where missing.
    `undecodable`: times [s] of frames that could not be decoded.
    """

    instant: np.ndarray
    time: np.ndarray
    face: np.ndarray
    observed: np.ndarray
    scenery: np.ndarray
    undecodable: list[float]
    reading: str = WHOLE


class Networks:
    """The networks of one worker process, loaded once."""

    def __init__(self) -> None:
        cv2.setNumThreads(1)  # as for the networks: helpers that wait for small pictures cost 7 % of all computing
        self.faces, self.bodies = FaceReader(), BodyReader()


def read_segment(
    path: Path,
    instants: np.ndarray,
    survey: Survey,
    parameters: Parameters,
    networks: Networks,
    progress: Callable[[int], None] = lambda samples: None,
    max_height: int | None = None,
) -> Segment:
    """Reads the frames on screen at `instants` (n,) s, ascending, and measures everybody in them. The survey is of
    pictures of the size that `max_height` leaves."""
    people = {p.person: p.look for p in survey.people}
    undecodable: list[float] = []
    answered, times, faces, observed, scenery = [], [], [], [], []
    eyes: dict[tuple[int, int], np.ndarray] = {}
    state: _StretchState | None = None
    every = max(1, round(parameters.sampling.rate_hz / parameters.sampling.body_rate_hz))
    for frame in read_frames_at(path, instants, max_height=max_height, undecodable=undecodable):
        k = int(np.searchsorted(instants, frame.time - 1e-3))
        number = survey.stretch_at(max(frame.time, float(instants[0])))
        stretch = survey.stretches[number]
        if state is None or state.stretch is not stretch:
            state = _StretchState.begin(stretch, people, frame.time, survey.info.width, parameters, networks)
        # Bodies and background at whole multiples of their own interval, so that every segment samples alike.
        slow = round(float(instants[min(k, len(instants) - 1)]) * parameters.sampling.rate_hz) % every == 0
        rows = state.measure(frame.image, frame.time, slow)
        at_cut = bool(abs(frame.time - stretch.start) < 1.0 / parameters.sampling.rate_hz and number > 0)
        answered.append(min(k, len(instants) - 1))
        times.append(frame.time)
        faces.append([p in rows and "head_yaw" in rows[p] for p in people])
        eyes.update({(row, len(times) - 1): state.eyes[p] for row, p in enumerate(people) if p in state.eyes})
        observed.append([[rows.get(p, {}).get(name, np.nan) for name in OBSERVED] for p in people])
        scenery.append([state.scenery(p, number, at_cut) for p in people])
        progress(1)
    shape = (len(times), len(people))
    columns = np.array(observed, np.float32).reshape(*shape, len(OBSERVED)).swapaxes(0, 1)
    if eyes:
        places = np.array(list(eyes))
        columns[places[:, 0], places[:, 1], _GAZE] = gaze_of(np.array(list(eyes.values())))
    return Segment(
        np.array(answered, int),
        np.array(times, float),
        np.array(faces, bool).reshape(shape).T,
        columns,
        np.array(scenery, np.float32).reshape(*shape, len(SCENERY)).swapaxes(0, 1),
        undecodable,
    )


@dataclass
class _StretchState:
    """What is carried from sample to sample inside one stretch."""

    stretch: Stretch
    tracker: Tracker
    backgrounds: dict[int, Background]
    parameters: Parameters
    motion: dict[int, tuple[float, float, float]]
    eyes: dict[int, np.ndarray]  # what the gaze of this sample is read from, by person

    @classmethod
    def begin(
        cls,
        stretch: Stretch,
        looks: dict[int, np.ndarray],
        time: float,
        frame_width: int,
        parameters: Parameters,
        networks: Networks,
    ) -> "_StretchState":
        tracks = start_tracks(stretch.seats, looks, time, parameters)
        tracker = Tracker(tracks, parameters, networks.faces, networks.bodies)
        scale = stretch.reference.shape[1] / frame_width
        boxes = np.array([seat.anchor(stretch.reference_time) for seat in stretch.seats]).reshape(-1, 4)
        backgrounds = {
            seat.person: reference_background(stretch.reference, scale, seat.tile, boxes, parameters.tracking)
            for seat in stretch.seats
        }
        return cls(stretch, tracker, backgrounds, parameters, {}, {})

    def measure(self, image: np.ndarray, time: float, slow: bool) -> dict[int, dict[str, float]]:
        """Columns by person; bodies and background only when `slow`."""
        faces = self.tracker.follow(image, time)
        rows: dict[int, dict[str, float]] = {}
        self.motion, self.eyes = {}, {}
        for track in self.tracker.tracks:
            person = track.seat.person
            seen = faces.get(person)
            row: dict[str, float] = {}
            if seen is not None:
                row, self.eyes[person] = face_columns(seen.face, seen.pose, track.lens, image)
            if slow:
                body = self.tracker.body(image, person, time)
                if body is not None:
                    row.update(body_columns(body))
                self.motion[person] = background_motion(self.backgrounds[person], image, self.parameters.tracking)
            rows[person] = row
        return rows

    def scenery(self, person: int, number: int, at_cut: bool) -> list[float]:
        """The scene columns of one person in the order of SCENERY."""
        seat = next((s for s in self.stretch.seats if s.person == person), None)
        tile = seat.tile if seat is not None else [np.nan] * 4
        shift_x, shift_y, scale = self.motion.get(person, (np.nan,) * 3)
        columns = dict(
            stretch=number, shown=seat is not None, cut=at_cut, shift_x=shift_x, shift_y=shift_y, scale=scale
        )
        columns.update(zip(("tile_x", "tile_y", "tile_w", "tile_h"), tile, strict=True))
        return [float(columns[name]) for name in SCENERY]


def face_columns(face: Face, pose: HeadPose, lens: Lens, image: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
    """All columns that a face with its pose gives but `gaze_h` and `gaze_v`, and what `gaze_of` reads these from.

    `image` is the BGR frame.
    """
    gaze = measure_gaze(image, face, pose, lens)
    apart = iris_distance(face.points, gaze.yaw_to_camera)
    columns = dict(zip(("box_x", "box_y", "box_w", "box_h"), face.box, strict=True))
    columns.update(zip(("head_yaw", "head_pitch", "head_roll"), angles_from_rotation(pose.rotation), strict=True))
    columns.update(zip(("head_x", "head_y", "head_z"), pose.place(HEAD_PIVOT_CM), strict=True))
    columns.update(zip(("eye_x", "eye_y", "eye_z"), gaze.eyes, strict=True))
    for name, (h, v) in (("gaze_left", gaze.left), ("gaze_right", gaze.right)):
        columns[f"{name}_h"], columns[f"{name}_v"] = h, v
    columns["iris_distance"] = apart
    columns["iris_left_x"], columns["iris_left_y"] = gaze.irises[0]
    columns["iris_right_x"], columns["iris_right_y"] = gaze.irises[1]
    columns["iris_circularity"] = iris_circularity(face.points)
    columns["eye_open_left"] = eye_opening(face.points, "left")
    columns["eye_open_right"] = eye_opening(face.points, "right")
    columns["reprojection_residual"] = pose.residual / max(apart, 1e-6)
    columns["blur"] = sharpness(image, face.box)
    columns["lip_gap"] = lip_gap(face.points)
    columns.update(zip(BLENDSHAPES, face.blendshapes, strict=True))
    return {name: float(value) for name, value in columns.items()}, gaze.evidence


def body_columns(body: Body) -> dict[str, float]:
    """All columns that a body gives."""
    columns = {"body_head_yaw": body.head_yaw}
    for point in BODY_POINTS:
        for what, value in zip(("x", "y", "visibility"), body.image[point], strict=True):
            columns[f"{point}_{what}"] = float(value)
        for axis, value in zip("xyz", body.world[point], strict=True):
            columns[f"{point}_world_{axis}"] = float(value)
    return columns
