"""A second look at pictures in which every known face was hidden: a face that is still found in one is hidden too.

The analysis knows the faces of the people it measured. Somebody who walks through, a face in a mirror or a poster, a
face that was taken for another's: of these the face network alone may tell, picture by picture.
"""

import numpy as np

from cues.export.stills import hide, hide_all
from cues.vision.landmarks import FaceReader
from cues.vision.region import View

_HELD_S = 0.5
_MOST = 4


class SecondLook:
    """The face network, for the pictures of one file of a clip in their order."""

    def __init__(self) -> None:
        self._reader = FaceReader()
        self._held: list[tuple[float, np.ndarray]] = []

    def hide_found(self, image: np.ndarray, time: float) -> int:
        """Hides what is still found in a BGR picture of `time` [s], in place, and for a while afterwards where it was
        found; a picture in which there is still a face then is hidden as a whole. The number of faces found."""
        self._held = [(since, box) for since, box in self._held if 0 <= time - since <= _HELD_S]
        for _, box in self._held:
            hide(image, box)
        found = self._faces(image)
        for box in found:
            hide(image, box)
            self._held.append((time, box))
        if found and self._faces(image):
            hide_all(image, np.array([0, 0, image.shape[1], image.shape[0]]))
        return len(found)

    def _faces(self, image: np.ndarray) -> list[np.ndarray]:
        """Boxes [px] of faces in the whole picture and in squares as high as it, in which they are larger."""
        boxes = []
        for left, top, right, bottom in windows(image.shape[1], image.shape[0]):
            for face in self._reader.read(View.of(np.ascontiguousarray(image[top:bottom, left:right])), _MOST):
                boxes.append(face.box + np.array([left, top, 0, 0]))
        return boxes


def windows(width: int, height: int) -> list[tuple[int, int, int, int]]:
    """Left, top, right, bottom [px]: the whole picture, and overlapping squares along its longer side."""
    side = min(width, height)
    whole = [(0, 0, width, height)]
    if max(width, height) < 1.2 * side:
        return whole
    count = int(np.ceil((max(width, height) - side) / (0.6 * side))) + 1
    starts = np.linspace(0, max(width, height) - side, count).round().astype(int).tolist()
    if width >= height:
        return whole + [(start, 0, start + side, side) for start in starts]
    return whole + [(0, start, side, start + side) for start in starts]
