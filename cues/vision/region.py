"""Turned rectangles of a picture, as networks want them: cut out, brought to the network's size, and back.

A network's positions go through `Region.place` to px of the view. As in MediaPipe's own preparation pixel number i of
the network's input is taken from i / n of the region, without half a pixel.
"""

from dataclasses import dataclass

import cv2
import numpy as np


@dataclass(frozen=True)
class View:
    """A picture with px of its own, whatever it is taken from: `pixels` (h, w, 3) BGR uint8, `size` width and height
    [px of the view], `onto` (2, 3): px of the view to those of `pixels`."""

    pixels: np.ndarray
    size: tuple[float, float]
    onto: np.ndarray

    @classmethod
    def of(cls, image: np.ndarray) -> "View":
        """A whole BGR picture."""
        return cls(image, (float(image.shape[1]), float(image.shape[0])), np.eye(2, 3))


@dataclass(frozen=True)
class Region:
    """`centre`, `size` (2,) px of the view, `angle` [rad] by which it is turned."""

    centre: np.ndarray
    size: np.ndarray
    angle: float

    def cut(self, view: View, side: int, beyond_black: bool) -> np.ndarray:
        """The region brought to (side, side, 3), RGB uint8; beyond the picture it is black, or as at its edge."""
        turned = _turn(self.angle) * (self.size / side)
        onto = np.column_stack([turned, self.centre - turned @ [side / 2, side / 2]])
        matrix = view.onto[:, :2] @ onto
        matrix[:, 2] += view.onto[:, 2]
        cut = cv2.warpAffine(
            view.pixels,
            matrix,
            (side, side),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT if beyond_black else cv2.BORDER_REPLICATE,
        )
        return cv2.cvtColor(cut, cv2.COLOR_BGR2RGB)

    def place(self, points: np.ndarray) -> np.ndarray:
        """Positions (n, 2) of the region, 0-1, as px of the view."""
        return (points.astype(float) - 0.5) * self.size @ _turn(self.angle).T + self.centre


def turned_between(start: np.ndarray, end: np.ndarray) -> float:
    """Angle [rad] of the line between two image positions (2,) with the horizontal, + = clockwise."""
    return float(np.arctan2(end[1] - start[1], end[0] - start[0]))


def _turn(angle: float) -> np.ndarray:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine], [sine, cosine]])
