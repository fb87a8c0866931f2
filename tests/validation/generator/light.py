"""Lamps, and how much of them reaches every vertex: openness to the room and to the key light, found once
per person."""

import hashlib

import numpy as np

from . import model, raster
from .body import Mesh
from .identity import Identity

_FAR_CM, _SIZE = 500.0, 288


def lamps(identity: Identity) -> np.ndarray:
    """(6, 3): key direction and colour, fill direction and colour, light from above, light from below
    (linear RGB)."""
    side = -1.0 if identity.key_from_left else 1.0
    key = np.array([0.62 * side, 0.50, 0.72])
    fill = np.array([-0.25 * side, -0.05, 1.0])
    warm, cool = np.array([1.10, 0.96, 0.80]), np.array([0.97, 1.0, 1.06])
    tone = cool * (1 - identity.warmth) + warm * identity.warmth
    return np.array(
        [
            key / np.linalg.norm(key),
            0.98 * tone,
            fill / np.linalg.norm(fill),
            0.16 * np.array([0.92, 0.98, 1.12]),
            0.40 * (0.5 * tone + 0.5),
            0.20 * warm,
        ]
    )


def _directions(count: int) -> np.ndarray:
    """Evenly spread over the sphere (Fibonacci)."""
    k = np.arange(count) + 0.5
    z, turn = 1 - 2 * k / count, k * np.pi * (3 - np.sqrt(5))
    return np.stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z], 1)


def _visible(points: np.ndarray, triangles: np.ndarray, direction: np.ndarray, bias_cm: float) -> np.ndarray:
    """(n,) True where nothing of the mesh lies between a vertex and far away in `direction`."""
    helper = np.array([0, 1.0, 0]) if abs(direction[1]) < 0.9 else np.array([1.0, 0, 0])
    x = np.cross(helper, direction)
    x /= np.linalg.norm(x)
    y = np.cross(direction, x)
    seen = (points - [0, -18.0, 0]) @ np.stack([x, y, direction], 1)
    seen[:, 2] -= _FAR_CM
    focal = _SIZE / 100.0 * _FAR_CM
    nearest, _ = raster.rasterize(
        seen.astype(np.float32),
        seen,
        triangles,
        np.zeros(len(triangles), np.int64),
        focal,
        _SIZE / 2,
        _SIZE / 2,
        _SIZE,
        _SIZE,
    )
    u = np.clip((_SIZE / 2 + focal * seen[:, 0] / -seen[:, 2]).astype(int), 0, _SIZE - 1)
    v = np.clip((_SIZE / 2 - focal * seen[:, 1] / -seen[:, 2]).astype(int), 0, _SIZE - 1)
    front = 1.0 / np.maximum(nearest[v, u], 1e-6)
    return -seen[:, 2] <= front + bias_cm


def openness(
    face: np.ndarray,
    asleep: np.ndarray,
    face_triangles: np.ndarray,
    rigid: Mesh,
    trunk: Mesh,
    triangles: np.ndarray,
    key: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Share of the surroundings, and of a soft key light, that every vertex of (face, rigid, trunk) sees.

    `asleep` is the face with closed lids: lids keep the lighter of both, so that a blink does not unfold
    dark skin.
    """
    soft = key + 0.22 * _directions(14)
    soft /= np.linalg.norm(soft, axis=1, keepdims=True)
    around = _directions(72)
    around = around[around[:, 1] > -0.75]
    results = []
    for shape in (face, asleep):
        points = np.concatenate([shape, rigid.points, trunk.points])
        normals = np.concatenate(
            [
                raster.vertex_normals(np.ascontiguousarray(shape), face_triangles, len(shape)),
                rigid.normals,
                trunk.normals,
            ]
        )
        hair = slice(len(face), len(face) + len(rigid.points))
        total, weight = np.zeros(len(points)), np.full(len(points), 1e-6)
        for direction in around:
            facing = np.clip(normals @ direction, 0, 1)
            facing[hair] = 0.5 + 0.5 * facing[hair]
            total += facing * _visible(points, triangles, direction, 0.7)
            weight += facing
        lit = np.mean([_visible(points, triangles, d, 0.9) for d in soft], axis=0)
        results.append((total / weight, lit))
    (open_now, lit_now), (open_asleep, lit_asleep) = results
    lids = np.zeros(len(open_now), bool)
    lids[: len(face)] = np.linalg.norm(asleep - face, axis=1) > 0.02
    open_now[lids] = np.maximum(open_now, open_asleep)[lids]
    lit_now[lids] = np.maximum(lit_now, lit_asleep)[lids]
    return np.clip(0.12 + 0.88 * open_now, 0, 1), lit_now


def ever_seen(
    face: np.ndarray,
    shapes: dict[str, np.ndarray],
    rigid: Mesh,
    trunk: Mesh,
    triangles: np.ndarray,
    material: np.ndarray,
    sides: np.ndarray,
) -> np.ndarray:
    """(triangles,) False for hair and the inside of the mouth that no view shows; half the work is theirs.

    Views: head turned up to 60 degrees to either side, lifted and lowered 25, mouth closed and open; skin,
    eyes, cloth and glasses always stay. The same shapes in other colours are not looked at again.
    """
    moved = (shapes["jawOpen"], shapes["mouthSmile_L"], shapes["mouthSmile_R"])
    inputs = (face, *moved, rigid.points, rigid.normals, trunk.points, trunk.normals, triangles, material, sides)
    key = hashlib.blake2b(b"".join(np.ascontiguousarray(each).tobytes() for each in inputs)).digest()
    if key not in _LASTING:
        if len(_LASTING) >= _LASTING_MOST:
            _LASTING.pop(next(iter(_LASTING)))
        _LASTING[key] = _seen_in_some_view(face, shapes, rigid, trunk, triangles, material, sides)
    return _LASTING[key]


_LASTING: dict[bytes, np.ndarray] = {}
_LASTING_MOST = 24


def _seen_in_some_view(
    face: np.ndarray,
    shapes: dict[str, np.ndarray],
    rigid: Mesh,
    trunk: Mesh,
    triangles: np.ndarray,
    material: np.ndarray,
    sides: np.ndarray,
) -> np.ndarray:
    seen = ~np.isin(material, (raster.HAIR, raster.GUMS, raster.TEETH))
    shown = np.zeros(len(seen) + 1, bool)
    size, focal = 1000, 1250.0
    for jaw in (0.0, 0.25, 0.7):
        mouth = face + jaw * shapes["jawOpen"]
        if jaw:
            mouth = mouth + 0.6 * (shapes["mouthSmile_L"] + shapes["mouthSmile_R"])
        points = np.concatenate([mouth, rigid.points, trunk.points]) - model.PIVOT
        normals = np.concatenate(
            [
                raster.vertex_normals(mouth.astype(np.float32), triangles[:1], len(face)),
                rigid.normals,
                trunk.normals,
            ]
        )
        for yaw in (-60, -45, -30, -20, -10, 0, 10, 20, 30, 45, 60):
            for pitch in (-25, -12, 0, 12, 25):
                turn = model.rotation(yaw, pitch, 0.0).T
                placed = (points @ turn + [0.0, -4.0, -64.0]).astype(np.float32)
                _, index = raster.rasterize(
                    placed, normals @ turn, triangles, sides, focal, size / 2, size / 2, size, size
                )
                shown[index.ravel()] = True  # -1, nothing there, marks the place behind the last triangle
    seen |= shown[:-1]
    return seen
