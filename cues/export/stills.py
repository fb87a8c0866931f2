"""Pictures of moments: every face is hidden, or there is no picture; as they are only where everybody agreed to it.

A face is hidden by smoothed squares, four across a field that reaches well beyond it: about two across the face. Where
the place of somebody's face is not known within `NEAR_S` of the moment, or somebody was in the picture who was not
measured, the face cannot be hidden for certain, and there is no picture.
"""

from pathlib import Path

import cv2
import numpy as np

from cues.observations import Observations, in_file
from cues.vision.video import read_frames_at

NEAR_S = 0.5
_WIDEST_PX = 960
_SQUARES = 4  # across a hidden field; of six the face network still made a face now and then, in pictures of a clip
_SMOOTHED_PX = 96  # across it while its squares are smoothed by a sixth of one
_BESIDE, _ABOVE, _BELOW = 0.45, 0.7, 0.35  # of the face's width and height


def still(observations: Observations, folder: Path, person: int, time: float, *, hidden: bool) -> bytes | None:
    """A JPEG of the picture at `time` [s] of the file in which `person` is, with every face `hidden`; None where one
    cannot be, or the picture cannot be read."""
    facts = observations.facts
    file = facts.file_of(person)
    recording = next(iter(sorted(folder.glob(f"recording-{file + 1}.*"))), None)
    if recording is None:
        return None
    boxes: list[np.ndarray | None] = []
    if hidden:
        if any(entry.get("file", file) == file for entry in facts.left_out):  # where it does not say which file, in any
            return None
        boxes = [_box(observations, p, time) for p in observations.people if facts.file_of(p) == file]
        if any(box is None for box in boxes):
            return None
    instant = in_file(facts.alignment, file, np.array([time]))
    for frame in read_frames_at(recording, [float(instant[0])]):
        image = np.ascontiguousarray(frame.image)
        for box in boxes:
            if box is not None:
                hide(image, box)
        scale = min(1.0, _WIDEST_PX / image.shape[1])
        smaller = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
        return cv2.imencode(".jpg", smaller, [cv2.IMWRITE_JPEG_QUALITY, 82])[1].tobytes()
    return None


def hide(image: np.ndarray, box: np.ndarray) -> None:
    """Hides the head around a face's `box` (x, y, w, h px) in a BGR picture (h, w, 3), in place."""
    x, y, w, h = (float(v) for v in box)
    left, top = max(int(x - _BESIDE * w), 0), max(int(y - _ABOVE * h), 0)
    part = image[top : int(y + (1 + _BELOW) * h), left : int(x + (1 + _BESIDE) * w)]
    if part.size == 0:
        return
    part[:] = _coarse(part)


def hide_all(image: np.ndarray, tile: np.ndarray) -> None:
    """Hides a whole `tile` (x, y, w, h px) of a BGR picture (h, w, 3), in place."""
    x, y, w, h = (float(v) for v in tile)
    part = image[max(int(y), 0) : int(np.ceil(y + h)), max(int(x), 0) : int(np.ceil(x + w))]
    if part.size:
        part[:] = _coarse(part)


def _coarse(part: np.ndarray) -> np.ndarray:
    squares = cv2.resize(part, (_SQUARES, _SQUARES), interpolation=cv2.INTER_AREA)
    small = cv2.resize(squares, (_SMOOTHED_PX, _SMOOTHED_PX), interpolation=cv2.INTER_NEAREST)
    smooth = cv2.GaussianBlur(small, (0, 0), _SMOOTHED_PX / _SQUARES / 6)
    return cv2.resize(smooth, (part.shape[1], part.shape[0]), interpolation=cv2.INTER_LINEAR)


def _box(observations: Observations, person: int, time: float) -> np.ndarray | None:
    columns = observations.person(person)
    boxes = np.stack([columns[f"box_{k}"] for k in "xywh"], 1)
    near = np.flatnonzero(np.isfinite(boxes).all(1) & (np.abs(columns["time"] - time) < NEAR_S))
    if not len(near):
        return None
    found: np.ndarray = boxes[near[np.abs(columns["time"][near] - time).argmin()]]
    return found
