"""What moves in a picture when nobody leans: bumped cameras, zooms, and cameras that frame by themselves.

All of them are windows cut out of a picture that is rendered with a margin, so face and room move alike, as they do
when a lens turns or zooms (and when software cuts the picture, which is what auto-framing is).

Conventions: windows are (centre x, centre y, width) in px of the rendered picture, shape (n, 3) over the frames.
"""

import cv2
import numpy as np

from tests.validation.generator.person import Camera, State

MARGIN = 4 / 3
"""The rendered picture's size over that of the tile."""
_FACE_CM = np.array([0.0, -7.0, -8.0])  # the middle of the face from the upper neck


def windows(kind: str, times: np.ndarray, states: list[State], camera: Camera, tile_width: int) -> np.ndarray:
    """The course of one camera over the frames.

    still; bump: turned by 6 % of the picture to the side and 4.5 % upwards within a quarter of a second, shaking, for
    good; slow_zoom: 22 % nearer in a quarter of the session; zoom_and_back: 12 % nearer for 14 s; framing_steps: every
    22 s another zoom between 1.15 and 1.45, the face kept in the middle; framing_follows: face kept in the middle and
    at one size.
    """
    zoom = np.ones(len(times))
    centre = np.tile(np.array(camera.centre), (len(times), 1))
    seconds = times[-1]
    if kind == "bump":
        after = times - 0.46 * seconds
        come = np.clip(after / 0.25, 0, 1) + 0.5 * np.exp(-np.clip(after, 0, None) / 0.3) * np.sin(6 * np.pi * after)
        centre += np.where(after > 0, come, 0)[:, None] * np.array([0.06, -0.045]) * tile_width
    elif kind == "slow_zoom":
        zoom = 1 + 0.22 * np.clip((times / seconds - 0.38) / 0.26, 0, 1)
    elif kind == "zoom_and_back":
        zoom = 1 + 0.12 * np.clip(np.minimum(times - 0.45 * seconds, 0.45 * seconds + 14 - times) / 0.8, 0, 1)
    elif kind == "framing_steps":
        levels = np.array([1.2, 1.4, 1.15, 1.35, 1.2, 1.45, 1.25, 1.4])
        zoom = _smooth(levels[np.minimum(times // 22, len(levels) - 1).astype(int)], times, 0.5)
        centre = _smooth(_faces(states, camera), times, 1.5)
    elif kind == "framing_follows":
        away = np.array([state.pivot[2] + _FACE_CM[2] for state in states])
        zoom = 1.3 * _smooth(away, times, 1.0) / np.median(away)
        centre = _smooth(_faces(states, camera), times, 1.0)
    elif kind != "still":
        raise ValueError(f"there is no camera {kind}")
    width = tile_width / zoom
    half = np.column_stack([width, width * camera.height / camera.width]) / 2
    centre = np.clip(centre, half, np.array([camera.width, camera.height]) - half)
    return np.column_stack([centre, width])


def moved_picture(picture: np.ndarray, window: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The window of a picture at the tile's size (width, height)."""
    x, y, width = window
    scale = size[0] / width
    # pixel centres: column c of the tile shows x + (c + 0.5 - size / 2) / scale - 0.5 of the picture
    move = np.array(
        [
            [scale, 0.0, (size[0] - 1) / 2 - scale * (x - 0.5)],
            [0.0, scale, (size[1] - 1) / 2 - scale * (y - 0.5)],
        ]
    )
    return cv2.warpAffine(picture, move, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def _faces(states: list[State], camera: Camera) -> np.ndarray:
    return camera.project(np.array([state.pivot for state in states]) + _FACE_CM)


def _smooth(values: np.ndarray, times: np.ndarray, tau: float) -> np.ndarray:
    """What follows `values` (n,) or (n, 2) with the time constant `tau` [s], critically damped."""
    step = times[1] - times[0]
    followed, speed, out = values[0].astype(float), np.zeros_like(values[0], float), np.empty(values.shape)
    w = 2 / tau
    for k, aim in enumerate(values):
        speed = speed + step * (w * w * (aim - followed) - 2 * w * speed)
        followed = followed + step * speed
        out[k] = followed
    return out
