"""Square windows of a picture, brought to the size that the networks read best.

The face network looks at 256 x 256 pixels of about 1.5 faces; the detector before it at 128 x 128 of the whole
window. A window in which the face fills about a third serves both; larger faces are reduced by area averaging (the
network's own reduction aliases), smaller ones enlarged.
"""

from dataclasses import dataclass

import cv2
import numpy as np

FACE_SHARE = 0.36  # of the window's side
WINDOW_SIDE = 512  # px after scaling: 1.5 faces then have 276 px, just above the network's input


@dataclass(frozen=True)
class Window:
    """A square window of the upright frame: upper left corner and side [px]; `scale` = crop px per frame px."""

    x: float
    y: float
    side: float
    scale: float

    def to_frame(self, points: np.ndarray) -> np.ndarray:
        """Crop positions (n, 2) px as positions in the frame."""
        return points / self.scale + [self.x, self.y]


def window_around(centre: np.ndarray, side: float, tile: np.ndarray) -> tuple[float, float, float]:
    """x, y, side of a square around `centre`, moved into the tile (x, y, w, h px) as far as it fits."""
    x, y, w, h = tile
    left = _fit(centre[0] - side / 2, side, x, w)
    top = _fit(centre[1] - side / 2, side, y, h)
    return left, top, side


def _fit(start: float, side: float, low: float, length: float) -> float:
    if side >= length:
        return low + (length - side) / 2
    return min(max(start, low), low + length - side)


def cut_window(image: np.ndarray, x: float, y: float, side: float, tile: np.ndarray) -> tuple[np.ndarray, Window]:
    """The RGB crop (WINDOW_SIDE square) of a BGR frame, black outside the tile, and the window it shows."""
    x0, y0, size = int(round(x)), int(round(y)), max(int(round(side)), 8)
    left, top = max(x0, int(tile[0]), 0), max(y0, int(tile[1]), 0)
    right = min(x0 + size, int(tile[0] + tile[2]), image.shape[1])
    bottom = min(y0 + size, int(tile[1] + tile[3]), image.shape[0])
    canvas = np.zeros((size, size, 3), np.uint8)
    if right > left and bottom > top:
        canvas[top - y0 : bottom - y0, left - x0 : right - x0] = image[top:bottom, left:right]
    way = cv2.INTER_AREA if size > WINDOW_SIDE else cv2.INTER_CUBIC
    crop = cv2.resize(canvas, (WINDOW_SIDE, WINDOW_SIDE), interpolation=way)
    return cv2.cvtColor(crop, cv2.COLOR_BGR2RGB), Window(x0, y0, size, WINDOW_SIDE / size)


def head_in(image: np.ndarray, box: np.ndarray, most: int) -> np.ndarray:
    """The head around a face's `box` (x, y, w, h px), cut out of a BGR picture and no higher than `most` px."""
    x, y, w, h = (float(v) for v in box)
    left, top = max(int(x - 0.4 * w), 0), max(int(y - 0.5 * h), 0)
    head = image[top : int(y + 1.3 * h), left : int(x + 1.4 * w)]
    scale = min(1.0, most / max(head.shape[0], 1))
    return cv2.resize(head, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else head.copy()
