"""Who is in a picture, without knowing anything before: the search that starts tracks and finds lost people again.

The face detector inside the landmarker is made for near faces, so the picture is searched in overlapping square
windows of several sizes. Bodies are searched once in the whole picture; a head seen only by the body network (turned
away, covered, in profile) is a sighting without landmarks.

What tells one person from another across cuts is how they and their surroundings look: a colour histogram of head,
clothes and background. Faces are never compared by an identity network.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from cues.vision.crop import Window, cut_window
from cues.vision.head_pose import HeadPose, Lens, lens_of_tile, solve_head_pose
from cues.vision.landmarks import Body, BodyReader, Face, FaceReader

_SAME_FACE = 0.5  # of the smaller box's side: centres nearer than this are one face
_SAME_PLACE = 0.3  # of the box's side: the detector's centre lies .06 sides below the mesh's
_RESIDUAL_MAX = 0.05
_COLOUR_BINS = (12, 6, 4)
_FACES_MOST = 6  # faces in a window of the search
_BODIES_MOST = 5  # bodies in the whole picture


@dataclass(frozen=True)
class Sighting:
    """One person in one picture: `box` x, y, w, h px of the face; `face` in frame px or None; `body` or None."""

    box: np.ndarray
    face: Face | None
    body: Body | None
    look: np.ndarray

    @property
    def centre(self) -> np.ndarray:
        """Centre of the face [px]."""
        return self.box[:2] + self.box[2:] / 2

    @property
    def size(self) -> float:
        """Side of a square as large as the face's box [px]."""
        return float(np.sqrt(self.box[2] * self.box[3]))


def find_people(
    image: np.ndarray, region: np.ndarray, faces: FaceReader, bodies: BodyReader | None, smallest_share: float
) -> list[Sighting]:
    """Everybody in `region` (x, y, w, h px) of a BGR picture, largest face first.

    smallest_share: faces down to about this share of the region's shorter side are searched for.
    """
    found: list[tuple[np.ndarray, Face | None, Body | None]] = []
    lens, _ = lens_of_tile(region, whole_frame=True, focal_over_width=1.0)
    for x, y, side in search_windows(region, smallest_share):
        view, window = cut_window(image, x, y, side, region)
        for place in faces.places(view, _FACES_MOST):
            centre = window.to_frame(place.centre[None])[0]
            if any(_shows(box, centre) for box, _, _ in found):
                continue  # a face lies in many windows
            face = faces.read_at(view, place)
            moved = None if face is None else face_in_frame(face, window)
            if moved is None or any(same_face(moved.box, box) for box, _, _ in found):
                continue
            if plausible_pose(moved, lens) is not None:
                found.append((moved.box, moved, None))
    if bodies is not None:
        found = _add_bodies(image, region, bodies, found)
    sightings = [Sighting(box, face, body, appearance(image, box, region)) for box, face, body in found]
    return sorted(sightings, key=lambda s: -s.size)


def plausible_pose(face: Face, lens: Lens) -> HeadPose | None:
    """The head's pose where the mesh has the shape of a face, else None.

    The detector also finds hands and cloth; there the mesh fits the canonical face badly. Rms residual over the
    side of the box, measured on real clips: faces .015-.04 (occluded ones up to .06), hands and cloth .05-.075.
    """
    pose = solve_head_pose(face.points, lens)
    fits = pose is not None and pose.residual < _RESIDUAL_MAX * np.sqrt(face.box[2] * face.box[3])
    return pose if fits else None


def search_windows(region: np.ndarray, smallest_share: float) -> list[tuple[float, float, float]]:
    """Overlapping squares (x, y, side px) that cover the region, from the largest down."""
    x, y, w, h = region
    short = min(w, h)
    squares = [(x + (w - max(w, h)) / 2, y + (h - max(w, h)) / 2, max(w, h))] if max(w, h) > 1.2 * short else []
    side = float(short)
    # The detector finds a face of a sixth of its window reliably.
    while side * 0.17 > smallest_share * short or side == short:
        across, down = (int(np.ceil((length - side) / (side * 0.6))) + 1 for length in (w, h))
        for column in np.linspace(x, x + w - side, across):
            squares += [(float(column), float(row), side) for row in np.linspace(y, y + h - side, down)]
        side /= 1.8
    return squares


def same_face(a: np.ndarray, b: np.ndarray) -> bool:
    """Whether two boxes (x, y, w, h) show one face: their centres are nearer than half the smaller one."""
    apart = np.hypot(*((a[:2] + a[2:] / 2) - (b[:2] + b[2:] / 2)))
    return bool(apart < _SAME_FACE * min(np.sqrt(a[2] * a[3]), np.sqrt(b[2] * b[3])))


def _shows(box: np.ndarray, centre: np.ndarray) -> bool:
    """Whether the face of a box (x, y, w, h px) is the one that a detector sees around `centre`."""
    apart = np.hypot(*(box[:2] + box[2:] / 2 - centre))
    return bool(apart < _SAME_PLACE * np.sqrt(box[2] * box[3]))


def appearance(image: np.ndarray, box: np.ndarray, region: np.ndarray) -> np.ndarray:
    """Colour histogram of the head, the clothes below it and what is beside it; unit sum, shape (3 * bins,).

    The parts are kept apart so that a similar wall behind two people does not make them one.
    """
    x, y, w, h = box
    head = _histogram(image, np.array([x - 0.15 * w, y - 0.4 * h, 1.3 * w, 1.4 * h]), region)
    clothes = _histogram(image, np.array([x - 0.6 * w, y + 1.25 * h, 2.2 * w, 1.2 * h]), region)
    around = _histogram(image, np.array([x - 1.6 * w, y - 0.6 * h, 4.2 * w, 1.4 * h]), region)
    return np.concatenate([head, clothes, around]) / 3


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Bhattacharyya coefficient of two appearances: 1 alike, 0 nothing in common."""
    return float(np.sqrt(a * b).sum())


def _histogram(image: np.ndarray, box: np.ndarray, region: np.ndarray) -> np.ndarray:
    left, top = (max(int(box[i]), int(region[i]), 0) for i in (0, 1))
    right = int(min(box[0] + box[2], region[0] + region[2], image.shape[1]))
    bottom = int(min(box[1] + box[3], region[1] + region[3], image.shape[0]))
    bins = int(np.prod(_COLOUR_BINS))
    if right - left < 4 or bottom - top < 4:
        return np.full(bins, 1 / bins)
    part = cv2.resize(image[top:bottom, left:right], (48, 48), interpolation=cv2.INTER_AREA)
    colours = cv2.cvtColor(part, cv2.COLOR_BGR2HSV)
    counts = cv2.calcHist([colours], [0, 1, 2], None, list(_COLOUR_BINS), [0, 180, 0, 256, 0, 256]).ravel()
    return counts / counts.sum()


def _add_bodies(
    image: np.ndarray,
    region: np.ndarray,
    bodies: BodyReader,
    found: list[tuple[np.ndarray, Face | None, Body | None]],
) -> list[tuple[np.ndarray, Face | None, Body | None]]:
    x, y, w, h = region
    side = max(w, h)
    view, window = cut_window(image, x + (w - side) / 2, y + (h - side) / 2, side, region)
    out = list(found)
    for body in bodies.read(view, _BODIES_MOST):
        moved = body_in_frame(body, window)
        centre, size = moved.head
        box = np.array([*(centre - size / 2), size, size * 1.1])
        match = next((i for i, (known, _, _) in enumerate(out) if same_face(box, known)), None)
        if match is not None:
            out[match] = (out[match][0], out[match][1], moved)
        elif moved.image["nose"][2] > 0.5 and moved.image["shoulder_left"][2] + moved.image["shoulder_right"][2] > 1.2:
            out.append((box, None, moved))
    return out


def face_in_frame(face: Face, window: Window) -> Face:
    """A face read in a crop, with its points in frame px."""
    return Face(window.to_frame(face.points), face.blendshapes)


def body_in_frame(body: Body, window: Window) -> Body:
    """A body read in a crop, with its positions in frame px."""
    image = {name: np.array([*window.to_frame(p[:2]), p[2]]) for name, p in body.image.items()}
    return Body(image, body.world, window.to_frame(body.extent))
