"""Torso in plain cloth and glasses: rigid meshes in the face model's centimetres."""

from dataclasses import dataclass

import numpy as np

from . import raster

# height [cm], half width, half depth, middle in depth, how much lower the front lies: neck opening to lap
_RINGS = np.array(
    [
        (-11.6, 6.6, 5.7, -1.6, 3.4),
        (-11.2, 7.2, 6.3, -1.6, 3.4),
        (-12.0, 7.9, 6.9, -1.6, 3.4),
        (-13.3, 9.6, 7.4, -1.8, 2.6),
        (-14.6, 12.6, 8.2, -2.2, 1.8),
        (-16.2, 16.0, 8.8, -2.4, 1.0),
        (-18.3, 18.6, 9.2, -2.4, 0.4),
        (-21.5, 20.0, 9.8, -2.2, 0.0),
        (-26.0, 20.2, 10.6, -1.6, 0.0),
        (-32.0, 19.4, 11.4, -1.0, 0.0),
        (-42.0, 18.4, 11.6, -0.6, 0.0),
        (-66.0, 18.0, 11.6, -0.6, 0.0),
    ]
)
_AROUND = 72


@dataclass(frozen=True)
class Mesh:
    points: np.ndarray
    """(n, 3) float32 [cm]"""
    normals: np.ndarray
    aux: np.ndarray
    tint: np.ndarray
    triangles: np.ndarray
    material: np.ndarray


def joined(parts: list[Mesh]) -> Mesh:
    """One mesh out of several."""
    offsets = np.cumsum([0] + [len(p.points) for p in parts[:-1]])
    return Mesh(
        *(np.concatenate([getattr(p, name) for p in parts]) for name in ("points", "normals", "aux", "tint")),
        np.concatenate([p.triangles + o for p, o in zip(parts, offsets, strict=True)]).astype(np.int32),
        np.concatenate([p.material for p in parts]),
    )


def _grid(points: np.ndarray, closed: bool, material: int, aux: np.ndarray, tint: np.ndarray) -> Mesh:
    """Mesh of (rows, columns, 3) points; `closed` joins the last column to the first."""
    rows, columns = points.shape[:2]
    i, j = np.meshgrid(np.arange(rows - 1), np.arange(columns if closed else columns - 1), indexing="ij")
    a, b = i * columns + j, i * columns + (j + 1) % columns
    c, d = a + columns, b + columns
    triangles = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3), np.stack([b, c, d], -1).reshape(-1, 3)])
    flat = np.ascontiguousarray(points.reshape(-1, 3), np.float32)
    triangles = np.ascontiguousarray(triangles, np.int32)
    return Mesh(
        flat,
        raster.vertex_normals(flat, triangles, len(flat)),
        aux.reshape(-1, 3).astype(np.float32),
        tint.reshape(-1).astype(np.float32),
        triangles,
        np.full(len(triangles), material, np.int32),
    )


def collar_height(x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Height of the neck opening [cm] in the direction of (x, z)."""
    front = np.clip(np.cos(np.arctan2(x, z + 1.6)), 0, 1)
    return _RINGS[1, 0] - _RINGS[1, 4] * front**1.5


def torso(scale: float = 1.0) -> Mesh:
    """Trunk, neck opening with a ribbed edge, and both upper arms; `scale` widens or narrows the
    shoulders."""
    heights = np.concatenate(
        [np.linspace(a, b, 4, endpoint=False) for a, b in zip(_RINGS[:-1, 0], _RINGS[1:, 0], strict=True)]
    )
    steps = np.arange(len(heights)) / 4
    ring = np.stack([np.interp(steps, np.arange(len(_RINGS)), _RINGS[:, k]) for k in range(5)], 1)
    phi = np.linspace(0, 2 * np.pi, _AROUND, endpoint=False)
    square = (np.abs(np.sin(phi)) ** 2.6 + np.abs(np.cos(phi)) ** 2.6) ** (-1 / 2.6)
    round_share = np.clip((-13.0 - ring[:, :1]) / 6.0, 0, 1)
    reach = 1 + round_share * (square[None] - 1)
    wide = 1 + (scale - 1) * np.clip((-12.0 - ring[:, :1]) / 6.0, 0, 1)
    x = ring[:, 1:2] * wide * np.sin(phi) * reach
    z = ring[:, 2:3] * np.cos(phi) * reach + ring[:, 3:4]
    y = ring[:, 0:1] - ring[:, 4:5] * np.clip(np.cos(phi), 0, 1) ** 1.5
    tint = np.ones_like(x)
    tint[steps <= 2.0] = 0.86
    # seen from the front the cloth pattern is laid flat, so that it does not swim around the trunk
    trunk = _grid(np.stack([x, y, z], -1), True, raster.CLOTH, np.stack([x, y, z], -1), tint)
    return joined([trunk] + [_arm(side, scale) for side in (-1, 1)])


def _arm(side: int, scale: float) -> Mesh:
    shoulder = np.array([side * 14.9 * scale, -22.4, -2.2])
    elbow = np.array([side * 21.6 * scale, -50.0, 2.0])
    along = np.linspace(-0.16, 1.1, 26)
    phi = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    radius = 5.5 - 0.9 * np.clip(along, 0, 1)
    radius = radius * np.sqrt(np.clip(1 - (np.clip(-along, 0, None) / 0.161) ** 2, 0.0, 1))
    axis = (elbow - shoulder) / np.linalg.norm(elbow - shoulder)
    across = np.cross(axis, [0, 0, 1.0])
    across /= np.linalg.norm(across)
    other = np.cross(across, axis)
    middle = shoulder + along[:, None] * (elbow - shoulder)
    points = middle[:, None] + radius[:, None, None] * (
        np.cos(phi)[None, :, None] * across + np.sin(phi)[None, :, None] * other
    )
    return _grid(points, True, raster.CLOTH, points, np.full(points.shape[:2], 0.97))


def _tube(line: np.ndarray, radius: float, closed: bool) -> Mesh:
    """A thin tube along (n, 3) points."""
    ahead = np.roll(line, -1, 0) - np.roll(line, 1, 0)
    if not closed:
        ahead[0], ahead[-1] = line[1] - line[0], line[-1] - line[-2]
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    side = np.cross(ahead, [0.13, 0.2, 0.97])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    other = np.cross(side, ahead)
    phi = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    points = line[:, None] + radius * (
        np.cos(phi)[None, :, None] * side[:, None] + np.sin(phi)[None, :, None] * other[:, None]
    )
    if closed:
        points = np.concatenate([points, points[:1]])
    return _grid(points, True, raster.GLASSES, np.zeros_like(points), np.ones(points.shape[:2]))


def glasses(face: np.ndarray, centres: np.ndarray) -> Mesh:
    """Round-cornered rims before both eyes, a bridge and two temples, fitted to a face shape (N, 3)."""
    front = float(centres[:, 2].mean()) + 2.1
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    parts = []
    for centre, side in zip(centres, (-1, 1), strict=True):
        x = centre[0] + side * 0.15 + 2.55 * np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.75
        y = centre[1] - 0.25 + 2.0 * np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** 0.75
        z = front - 0.035 * np.abs(x) ** 2 * 0.6
        parts.append(_tube(np.stack([x, y, z], 1), 0.13, True))
        ear = np.abs(face[:9409, 0]).max() - 1.0
        start = np.array([side * (abs(centre[0]) + 2.75), centre[1] + 0.7, front - 0.7])
        end = np.array([side * ear, centre[1] + 0.3, -1.5])
        parts.append(_tube(start + np.linspace(0, 1, 10)[:, None] * (end - start), 0.12, False))
    bridge = np.linspace(-1, 1, 11)
    inner = abs(centres[1, 0]) + 0.15 - 2.5
    parts.append(
        _tube(
            np.stack(
                [bridge * inner, centres[0, 1] + 0.5 + 0.25 * (1 - bridge**2), front + 0.1 * (1 - bridge**2)],
                1,
            ),
            0.13,
            False,
        )
    )
    return joined(parts)
