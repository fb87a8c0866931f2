"""Square windows of a picture, brought to the size that the networks read best.

The face network looks at 256 x 256 pixels of about 1.5 faces; the detector before it at 128 x 128 of the whole
window. A window in which the face fills about a third serves both. No window is made as a picture of its own: what a
network asks for is taken from the frame at once (`cues.vision.region`); only where a face is large its part of the
frame is reduced before, by a whole number and averaging, because a network's own reduction takes one pixel of many.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from cues.vision.region import View

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

    def from_frame(self, points: np.ndarray) -> np.ndarray:
        """Frame positions (n, 2) px as positions in the crop."""
        return (points - [self.x, self.y]) * self.scale


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


def cut_window(image: np.ndarray, x: float, y: float, side: float, tile: np.ndarray) -> tuple[View, Window]:
    """A square window of a BGR frame as networks see it (WINDOW_SIDE square, black outside the tile), and its place."""
    x0, y0, size = int(round(x)), int(round(y)), max(int(round(side)), 8)
    scale = WINDOW_SIDE / size
    left, top = max(x0, int(tile[0]), 0), max(y0, int(tile[1]), 0)
    right = min(x0 + size, int(tile[0] + tile[2]), image.shape[1])
    bottom = min(y0 + size, int(tile[1] + tile[3]), image.shape[0])
    pixels = image[top : max(bottom, top + 1), left : max(right, left + 1)]
    fewer = max(1, size // WINDOW_SIDE)
    if fewer > 1:
        shape = (max(pixels.shape[1] // fewer, 1), max(pixels.shape[0] // fewer, 1))
        pixels = cv2.resize(pixels[: shape[1] * fewer, : shape[0] * fewer], shape, interpolation=cv2.INTER_AREA)
    # One black pixel where the window goes beyond its tile: what is beyond that is as black.
    above, below = int(top > y0), int(bottom < y0 + size)
    before, behind = int(left > x0), int(right < x0 + size)
    if above or below or before or behind:
        pixels = cv2.copyMakeBorder(pixels, above, below, before, behind, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    # Middle of a pixel on middle of a pixel: 0.5 of the window, of the frame, and of what is left of it.
    onto = np.array([[1.0, 0.0, 0.5 + (x0 - left) * scale], [0.0, 1.0, 0.5 + (y0 - top) * scale]]) / (scale * fewer)
    onto[:, 2] += [before - 0.5, above - 0.5]
    return View(pixels, (WINDOW_SIDE, WINDOW_SIDE), onto), Window(x0, y0, size, scale)


def head_in(image: np.ndarray, box: np.ndarray, most: int) -> np.ndarray:
    """The head around a face's `box` (x, y, w, h px), cut out of a BGR picture and no higher than `most` px."""
    x, y, w, h = (float(v) for v in box)
    left, top = max(int(x - 0.4 * w), 0), max(int(y - 0.5 * h), 0)
    head = image[top : int(y + 1.3 * h), left : int(x + 1.4 * w)]
    scale = min(1.0, most / max(head.shape[0], 1))
    return cv2.resize(head, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else head.copy()
