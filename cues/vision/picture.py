"""A decoded frame as an upright BGR picture with square pixels.

The display matrix (ISO 14496-12, 8.5.2: a 3 x 3 matrix of which a, b, c, d turn and mirror) and the pixel aspect come
from the recording; a browser applies both in the same way. Interlaced frames are rebuilt from their first field alone,
because a frame must not depend on its neighbours (segments read apart give the same pictures).
"""

from dataclasses import dataclass, field
from fractions import Fraction

import cv2
import numpy as np
from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter


@dataclass(frozen=True)
class Picture:
    """How stored frames become upright pictures of one size (pixels)."""

    width: int
    height: int
    transposed: bool
    flipped_x: bool  # after transposing
    flipped_y: bool
    pixel_aspect: float
    reformatter: VideoReformatter = field(default_factory=VideoReformatter, compare=False)

    @property
    def mirrored(self) -> bool:
        """Whether left and right are exchanged as well."""
        return self.transposed ^ self.flipped_x ^ self.flipped_y

    @property
    def rotation(self) -> int:
        """Clockwise turn [deg] that makes the stored picture upright, before any mirroring: 0, 90, 180 or 270."""
        if self.transposed:
            return 90 if self.flipped_x ^ self.mirrored else 270
        return 180 if self.flipped_y else 0

    def upright(self, frame: VideoFrame) -> np.ndarray:
        """(height, width, 3) uint8 BGR, C-contiguous. A frame of another shape (streams may change their size in
        the middle) is fitted in between black bars."""
        width, height = (self.height, self.width) if self.transposed else (self.width, self.height)
        fitted_width, fitted_height = _fitted(frame, self.pixel_aspect, width, height)
        # A smaller picture averages the pixels it leaves out; otherwise straight interpolation is enough.
        shrinks = fitted_width < frame.width or fitted_height < frame.height
        image: np.ndarray = self.reformatter.reformat(
            frame,
            fitted_width,
            fitted_height,
            "bgr24",
            dst_color_range="JPEG",
            interpolation="AREA" if shrinks else "BILINEAR",
            threads=1,
        ).to_ndarray()
        if frame.interlaced_frame and frame.height == fitted_height:
            image = _first_field(image)
        if (fitted_width, fitted_height) != (width, height):
            image = _between_bars(image, width, height)
        if self.transposed:
            image = cv2.transpose(image)
        if self.flipped_x or self.flipped_y:
            image = cv2.flip(image, -1 if self.flipped_x and self.flipped_y else 1 if self.flipped_x else 0)
        return np.ascontiguousarray(image)


def picture_of(frame: VideoFrame, pixel_aspect: Fraction | None, max_height: int | None = None) -> Picture:
    """The picture of a recording whose first frame is `frame`; unknown `pixel_aspect` (None, 0) counts as square.

    As in a browser the longer side grows: wide pixels widen the picture, tall ones make it taller. `max_height`
    scales the upright picture down, never up.
    """
    aspect = float(pixel_aspect) if pixel_aspect else 1.0
    if not 0.1 <= aspect <= 10:
        aspect = 1.0
    width = frame.width * max(aspect, 1.0)
    height = frame.height / min(aspect, 1.0)
    transposed, flipped_x, flipped_y = _orientation(frame)
    if transposed:
        width, height = height, width
    scale = min(1.0, max_height / height) if max_height else 1.0
    return Picture(
        width=max(1, round(width * scale)),
        height=max(1, round(height * scale)),
        transposed=transposed,
        flipped_x=flipped_x,
        flipped_y=flipped_y,
        pixel_aspect=aspect,
    )


def _orientation(frame: VideoFrame) -> tuple[bool, bool, bool]:
    """(transposed, flipped_x, flipped_y) of the frame's display matrix, taken to the nearest quarter turn."""
    # The frame's own `side_data` would refer back to it, so that each first frame of a segment, with its decoder's
    # buffers, waited for the collector, which so few objects do not call: 190 MB over an hour.
    data = SideDataContainer(frame).get(SideDataType.DISPLAYMATRIX)  # type: ignore[call-arg, call-overload]  # stubs
    if data is None:
        return False, False, False
    a, b, _, c, d = np.frombuffer(bytes(data), np.int32)[:5].astype(float)
    if abs(b) > abs(a):
        return True, c < 0, b < 0
    return False, a < 0, d < 0


def _fitted(frame: VideoFrame, pixel_aspect: float, width: int, height: int) -> tuple[int, int]:
    """Size in which `frame` fits into width x height with its proportions kept; exactly that where they agree."""
    proportion = frame.width * pixel_aspect / frame.height
    if abs(proportion * height - width) <= 0.02 * width:
        return width, height
    if proportion * height > width:
        return width, max(1, round(width / proportion))
    return max(1, round(height * proportion)), height


def _between_bars(image: np.ndarray, width: int, height: int) -> np.ndarray:
    whole = np.zeros((height, width, 3), np.uint8)
    top, left = (height - image.shape[0]) // 2, (width - image.shape[1]) // 2
    whole[top : top + image.shape[0], left : left + image.shape[1]] = image
    return whole


def _first_field(image: np.ndarray) -> np.ndarray:
    """Every second line replaced by the mean of its neighbours."""
    height, width = image.shape[:2]
    return cv2.resize(image[::2], (width, height), interpolation=cv2.INTER_LINEAR)
