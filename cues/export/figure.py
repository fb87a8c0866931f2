"""A person drawn from what was measured of them: marks on the picture as the player draws them, or a whole figure.

The figure is an oval, a midline and an eye line turned as the head was, lids, irises, mouth, shoulders and the gaze
ray; no pixel of the recording is in it. Points of the face are in cm of the face frame (`cues.observations`), from an
average face: only the box, the angles, the lids, the irises and the smile are the person's own.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from cues.observations import Observations, rotation_from_angles

FACE_S, SHOULDERS_S = 0.31, 2.1
"""Between two samples no further apart than this [s] a value lies on the straight way from one to the other."""

_CONTACT, _RAY, _ZONE, _SHOULDERS = (224, 163, 74), (255, 255, 255), (245, 208, 159), (76, 176, 242)
_LINE, _SMILE, _EDGE = (214, 210, 206), (186, 128, 222), (20, 20, 20)
_FACE_CM = 18.0  # from the forehead's edge of the mesh to the chin
_MIDDLE = np.array([0.0, -0.5, 3.0])
_MIDLINE = np.array(
    [[0, 8.5, 3], [0, 5, 6], [0, 2.6, 6.2], [0, -0.5, 8.6], [0, -2, 7], [0, -4, 7], [0, -8.5, 4]], float
)
_EYE_LINE = np.array([[-6.5, 2.6, 0], [-3.1, 2.6, 4.8], [0, 2.8, 6], [3.1, 2.6, 4.8], [6.5, 2.6, 0]], float)
_EYE = np.array([3.1, 2.6, 4.8])
_EYE_HALF_CM, _IRIS_CM, _EYEBALL_CM = 1.5, 0.59, 1.2
_MOUTH = np.array([2.6, -4.3, 5.5])

FONT = cv2.FontFace("sans")


class Series:
    """Rows of values at ascending times: `table` (n, 1 + k), time [s] first."""

    def __init__(self, table: Sequence[Sequence[float]] | np.ndarray, within: float) -> None:
        found = np.asarray(table, float)
        self._table = found[np.isfinite(found).all(1)] if found.size else np.empty((0, 1))
        self._within = within

    def at(self, time: float) -> np.ndarray | None:
        """The values at a time, shape (k,); None where the samples around it lie too far apart."""
        times = self._table[:, 0]
        after = int(np.searchsorted(times, time))
        near = [k for k in (after - 1, after) if 0 <= k < len(times) and abs(times[k] - time) <= self._within]
        if not near:
            return None
        if len(near) == 1 or times[near[1]] - times[near[0]] > self._within:
            nearest = min(near, key=lambda k: abs(float(times[k]) - time))
            alone: np.ndarray = self._table[nearest, 1:]
            return alone if abs(times[nearest] - time) <= self._within / 2 else None
        here, there = self._table[near]
        between: np.ndarray = here + (there - here) * (time - here[0]) / (there[0] - here[0])
        return between[1:]


@dataclass(frozen=True)
class Person:
    """What is drawn of one person, pixels of the upright frame of `file`; None for what is left out.

    face: x, y, w, h. turn: yaw, pitch, roll [deg]. lids: opening over width, left and right. gaze: h, v [deg].
    mouth: smile and open jaw, 0-1. ray: x, y, dx, dy, contact (1, 0, -1). zone: dx, dy, radius in face heights.
    shoulders: x, y, x, y. tile: x, y, w, h.
    """

    role: str
    file: int
    face: Series
    turn: Series
    lids: Series
    gaze: Series | None
    mouth: Series | None
    ray: Series | None
    zone: list[float] | None
    shoulders: Series | None
    tile: Series


def people_drawn(
    observations: Observations, minutes: Sequence[dict[str, Any]], left_out: Collection[str]
) -> list[Person]:
    """Everybody in `minutes`, overlays of consecutive minutes as `cues.web.overlay.overlay` gives them for a visitor
    who may not see the cues in `left_out`."""
    found = []
    for k, first in enumerate(minutes[0]["people"]):
        parts = [minute["people"][k] for minute in minutes]
        columns = observations.person(first["person"])
        scene = observations.scene_of(first["person"])

        def joined(name: str, within: float, parts: list[dict[str, Any]] = parts) -> Series | None:
            return Series([row for part in parts for row in part[name]], within) if name in parts[0] else None

        def taken(*names: str, columns: dict[str, np.ndarray] = columns) -> Series:
            return Series(np.stack([columns[name] for name in ("time", *names)], 1), FACE_S)

        smile = np.stack(
            [columns["time"], (columns["mouthSmileLeft"] + columns["mouthSmileRight"]) / 2, columns["jawOpen"]], 1
        )
        tile = np.stack([columns["time"], *(scene[f"tile_{side}"] for side in "xywh")], 1)
        faces = joined("faces", FACE_S)
        assert faces is not None
        found.append(
            Person(
                role=first["role"],
                file=first["file"],
                face=faces,
                turn=taken("head_yaw", "head_pitch", "head_roll"),
                lids=taken("eye_open_left", "eye_open_right"),
                gaze=None if "eye_contact" in left_out else taken("gaze_h", "gaze_v"),
                mouth=None if "facial_mirroring" in left_out else Series(smile, FACE_S),
                ray=joined("rays", FACE_S),
                zone=first.get("zone"),
                shoulders=joined("shoulders", SHOULDERS_S),
                tile=Series(tile, FACE_S),
            )
        )
    return found


def draw_marks(image: np.ndarray, person: Person, time: float, scale: float) -> None:
    """The marks of the player's overlay on a BGR picture that is `scale` times as large as the frame, in place."""
    shoulders = None if person.shoulders is None else person.shoulders.at(time)
    if shoulders is not None:
        _line(image, (shoulders * scale).reshape(2, 2), _SHOULDERS, 2)
    face = person.face.at(time)
    if face is None:
        return
    x, y, w, h = face * scale
    _words(image, person.role, x + w / 2, y - 0.75 * h)
    ray = None if person.ray is None else person.ray.at(time)
    if ray is None:
        return
    eye = ray[:2] * scale
    if person.zone is not None:
        zone = np.array(person.zone) * h
        cv2.circle(image, _pixel(eye + zone[:2]), max(int(zone[2]), 1), _ZONE, 1, cv2.LINE_AA)
    colour = _CONTACT if ray[4] > 0.5 else _RAY
    _line(image, np.array([eye, eye + ray[2:4] * scale]), colour, 2)
    cv2.circle(image, _pixel(eye), 3, colour, -1, cv2.LINE_AA)


def draw_figure(image: np.ndarray, person: Person, time: float, scale: float) -> None:
    """The person as a figure, on a plain ground `scale` times as large as the frame, in place."""
    tile = person.tile.at(time)
    if tile is not None:
        x, y, w, h = tile * scale
        cv2.rectangle(image, _pixel((x + 1, y + 1)), _pixel((x + w - 2, y + h - 2)), (84, 78, 72), 1)
    face, turn, lids = person.face.at(time), person.turn.at(time), person.lids.at(time)
    if face is None or turn is None:
        if tile is not None:
            _words(image, f"{person.role}: face not seen", x + w / 2, y + h / 2)
        return
    _shoulders_and_neck(image, person, face, time, scale)
    draw_face(image, person, face * scale, turn, lids, time)
    draw_marks(image, person, time, scale)


def draw_face(
    image: np.ndarray,
    person: Person,
    box: np.ndarray,
    turn: np.ndarray,
    lids: np.ndarray | None,
    time: float,
) -> None:
    """Oval, midline, eye line, eyes and mouth; `box` in pixels of `image`."""
    x, y, w, h = box
    rotation = rotation_from_angles(*(np.array([angle]) for angle in turn))[0]
    unit, centre, roll = h / _FACE_CM, np.array([x + w / 2, y + h / 2]), -float(turn[2])

    def placed(points: np.ndarray) -> np.ndarray:
        return centre + unit * ((np.atleast_2d(points) - _MIDDLE) @ rotation.T)[:, :2]

    oval = (_pixel(centre), (int(w / 2), int(h / 2)), roll, 0, 360)
    cv2.ellipse(image, *oval, (66, 60, 54), -1, cv2.LINE_AA)
    cv2.ellipse(image, *oval, _LINE, 2, cv2.LINE_AA)
    for line in (_MIDLINE, _EYE_LINE):
        cv2.polylines(image, [placed(line).round().astype(int)], False, (128, 120, 112), 1, cv2.LINE_AA)
    gaze = None if person.gaze is None else person.gaze.at(time)
    for side, sign in enumerate((1.0, -1.0)):  # the subject's left is image right
        opening = 0.25 if lids is None else float(np.clip(lids[side], 0.0, 0.6))
        across = _EYE_HALF_CM * unit * max(np.cos(np.radians(turn[0])), 0.2)
        middle = placed(_EYE * [sign, 1, 1])[0]
        _eye(image, middle, (across, opening * _EYE_HALF_CM * unit), roll, gaze, unit)
    _mouth(image, placed, None if person.mouth is None else person.mouth.at(time))


def _eye(
    image: np.ndarray,
    middle: np.ndarray,
    axes: tuple[float, float],
    roll: float,
    gaze: np.ndarray | None,
    unit: float,
) -> None:
    """Lids as an ellipse with half `axes` [px], the iris between them where `gaze` [deg from the lens] is known."""
    half = (max(int(axes[0]), 1), max(int(round(axes[1])), 0))
    reach = half[0] + 2
    left, top = (max(at - reach, 0) for at in _pixel(middle))
    part = image[top : max(_pixel(middle)[1] + reach, 0), left : max(_pixel(middle)[0] + reach, 0)]
    if part.size and half[1]:
        between, drawn = np.zeros((2, *part.shape[:2]), np.uint8)
        inside = middle - (left, top)
        cv2.ellipse(between, _pixel(inside), half, roll, 0, 360, 255, -1)
        part[between > 0] = (250, 248, 245)
        if gaze is not None:
            h, v = np.radians(gaze)
            iris = inside + _EYEBALL_CM * unit * np.array([np.sin(h) * np.cos(v), -np.sin(v)])
            cv2.circle(drawn, _pixel(iris), max(int(_IRIS_CM * unit), 1), 255, -1)
            part[(between > 0) & (drawn > 0)] = (60, 42, 26)
    cv2.ellipse(image, _pixel(middle), half, roll, 0, 360, _LINE, 1, cv2.LINE_AA)


def _mouth(image: np.ndarray, placed: Any, mouth: np.ndarray | None) -> None:
    smile, jaw = (0.0, 0.0) if mouth is None else (float(v) for v in np.clip(mouth, 0, 1))
    share = np.linspace(-1, 1, 13)[:, None]
    corner = _MOUTH + [0.7 * smile, 1.5 * smile, 0.0]
    upper = np.hstack([share * corner[0], corner[1] + (1 - share**2) * (-0.4 - 1.7 * smile), np.full_like(share, 5.5)])
    lower = upper - np.hstack([0 * share, (1 - share**2) * 3.5 * jaw, 0 * share])
    colour = _SMILE if smile > 0.35 else _LINE
    for line in (upper, lower):
        cv2.polylines(image, [placed(line).round().astype(int)], False, colour, 2, cv2.LINE_AA)


def _shoulders_and_neck(image: np.ndarray, person: Person, face: np.ndarray, time: float, scale: float) -> None:
    shoulders = None if person.shoulders is None else person.shoulders.at(time)
    if shoulders is None:
        return
    chin = np.array([face[0] + face[2] / 2, face[1] + face[3]])
    ends = shoulders.reshape(2, 2)
    cv2.line(image, _pixel(chin * scale), _pixel(ends.mean(0) * scale), (128, 120, 112), 2, cv2.LINE_AA)


def _line(image: np.ndarray, ends: np.ndarray, colour: tuple[int, int, int], width: int) -> None:
    for shade, more in ((_EDGE, 2), (colour, 0)):  # a dark edge keeps it visible on any picture
        cv2.line(image, _pixel(ends[0]), _pixel(ends[1]), shade, width + more, cv2.LINE_AA)


def _words(image: np.ndarray, words: str, x: float, y: float) -> None:
    """Centred at x, kept inside the picture."""
    _, _, width, height = cv2.getTextSize((0, 0), words, (0, 0), FONT, 16, 600)
    left = int(np.clip(x - width / 2, 2, max(image.shape[1] - width - 2, 2)))
    base = int(np.clip(y, height + 2, image.shape[0] - 4))
    for shade, by in ((_EDGE, 1), ((255, 255, 255), 0)):
        cv2.putText(image, words, (left + by, base + by), shade, FONT, 16, 600)


def _pixel(point: Any) -> tuple[int, int]:
    return int(round(float(point[0]))), int(round(float(point[1])))
