"""Where a gaze or a face points: directions in the camera frame, and angles relative to a possible partner.

Conventions
-----------
Camera frame and angles as in `cues.observations`: x right, y down, z away from the lens, cm; degrees, + =
image right and up. A target-relative angle pair u = (horizontal, vertical) stays the same while a person
looks at one thing and moves the head (METHOD 2.3); that is what makes one cluster out of one target. NaN in
gives NaN out.
"""

import numpy as np

TOWARD_CAMERA = -0.1
"""A ray meets the plane of the screen only when the z of its direction is below this (METHOD 2.3 a)."""


def eye_positions(person: dict[str, np.ndarray]) -> np.ndarray:
    """Midpoint of the eyes [cm, camera frame], shape (n, 3)."""
    return np.stack([person["eye_x"], person["eye_y"], person["eye_z"]], 1)


def ray_basis(eye: np.ndarray) -> np.ndarray:
    """Axes of the ray from the eyes (n, 3) to the lens: rows right, up, toward the lens; shape (n, 3, 3).
    METHOD 2.2."""
    with np.errstate(invalid="ignore", divide="ignore"):
        toward = -eye / np.linalg.norm(eye, axis=1, keepdims=True)
        right = np.array([1.0, 0.0, 0.0]) - toward[:, :1] * toward
        right /= np.linalg.norm(right, axis=1, keepdims=True)
    return np.stack([right, np.cross(toward, right), toward], 1)


def gaze_direction(h: np.ndarray, v: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """Unit vectors [camera frame] of gaze angles (n,) relative to the ray from `eye` (n, 3) to the lens; (n, 3).

    h is the azimuth, v the elevation: the inverse of `bearing`.
    """
    azimuth, elevation = np.radians(h), np.radians(v)
    level = np.cos(elevation)
    local = np.stack([level * np.sin(azimuth), np.sin(elevation), level * np.cos(azimuth)], 1)
    return np.einsum("ni,nij->nj", local, ray_basis(eye))


def face_direction(yaw: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """Unit vectors [camera frame] out of the face for head angles (n,) in degrees; (n, 3)."""
    y, p = np.radians(yaw), np.radians(pitch)
    return np.stack([np.cos(p) * np.sin(y), -np.sin(p), -np.cos(p) * np.cos(y)], 1)


def bearing(direction: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """Azimuth and elevation [deg] of directions (n, 3) relative to the ray from `eye` to the lens; (n, 2)."""
    local = np.einsum("nij,nj->ni", ray_basis(eye), direction)
    with np.errstate(invalid="ignore", divide="ignore"):
        local /= np.linalg.norm(local, axis=1, keepdims=True)
        return np.degrees(np.stack([np.arctan2(local[:, 0], local[:, 2]), np.arcsin(np.clip(local[:, 1], -1, 1))], 1))


def head_bearing(person: dict[str, np.ndarray]) -> np.ndarray:
    """Yaw and pitch [deg] of the face relative to the ray to the camera, (n, 2); NaN without a face."""
    return bearing(face_direction(person["head_yaw"], person["head_pitch"]), eye_positions(person))


def screen_angles(h: np.ndarray, v: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """Target-relative angles (n, 2) [deg] of gaze that ends on the plane of the camera and screen (METHOD 2.3
    a).

    The point of regard on that plane, seen from the session's median distance: a window 10 cm under the lens
    keeps its place when the person leans in. Gaze that never meets the plane, or an unknown eye position,
    keeps (h, v).
    """
    direction = gaze_direction(h, v, eye)
    known = np.isfinite(eye).all(1)
    distance = np.median(np.linalg.norm(eye[known], axis=1)) if known.any() else np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        spot = eye - direction * (eye[:, 2] / direction[:, 2])[:, None]
        u = np.degrees(np.stack([np.arctan(spot[:, 0] / distance), np.arctan(-spot[:, 1] / distance)], 1))
        meets = direction[:, 2] < TOWARD_CAMERA
    return np.where((meets & known)[:, None], u, np.stack([h, v], 1))


def room_angles(direction: np.ndarray, eye: np.ndarray, partner_eye: np.ndarray) -> np.ndarray:
    """Angles (n, 2) [deg] of directions (n, 3) relative to the bearing of the partner's eyes (METHOD 2.3
    b)."""
    u = bearing(direction, eye) - bearing(partner_eye - eye, eye)
    u[:, 0] = (u[:, 0] + 180) % 360 - 180
    return u


def steady_positions(positions: np.ndarray, time: np.ndarray, window_s: float, rate_hz: float) -> np.ndarray:
    """Positions (n, 3) smoothed over `window_s` and carried over gaps: a seat stays where it is; NaN if never
    seen."""
    known = np.isfinite(positions).all(1)
    if not known.any():
        return np.full_like(positions, np.nan)
    filled = np.stack([np.interp(time, time[known], positions[known, k]) for k in range(3)], 1)
    width = max(1, round(window_s * rate_hz))
    padded = np.pad(filled, ((width // 2, width - 1 - width // 2), (0, 0)), mode="edge")
    total = np.cumsum(np.vstack([np.zeros(3), padded]), 0)
    return (total[width:] - total[:-width]) / width
