"""Hair as ribbons combed over the skull, on a dark cap that keeps the skin from showing through.

Strands start on the scalp, follow a comb direction and gravity, and are pushed out where they would enter
the head. Everything is in the face model's centimetres and moves with the head.
"""

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from . import model, raster
from .body import Mesh, joined
from .identity import HAIR_COLORS, Identity, linear

# where the scalp begins: height [cm] at angles around the head from the front (0) to the nape (180)
_HAIRLINE = np.array(
    [
        (0, 10.3),
        (18, 10.2),
        (32, 9.4),
        (45, 7.6),
        (56, 5.6),
        (66, 4.0),
        (74, 2.4),
        (82, 2.0),
        (90, 4.6),
        (102, 4.2),
        (112, 1.0),
        (125, -3.0),
        (150, -5.5),
        (180, -6.0),
    ]
)


@dataclass(frozen=True)
class Cut:
    length_cm: tuple[float, float]
    """shortest and longest strand"""
    lift_cm: float
    """how far the hair stands off the skull"""
    gravity: float
    parting_x: float
    strands: int
    width_cm: float


CUTS = {
    "cropped": Cut((0.5, 1.0), 0.25, 0.0, 2.0, 4200, 0.17),
    "short": Cut((2.4, 4.2), 0.95, 0.14, 3.0, 4200, 0.24),
    "bob": Cut((14.0, 17.0), 0.9, 0.9, -1.5, 2500, 0.52),
    "long": Cut((23.0, 28.0), 0.9, 0.9, 0.3, 2500, 0.52),
}


def _hairline(points: np.ndarray) -> np.ndarray:
    angle = np.degrees(np.abs(np.arctan2(points[:, 0], points[:, 2] - 0.5)))
    return np.interp(angle, _HAIRLINE[:, 0], _HAIRLINE[:, 1])


def _scalp(face: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Outer head surface for collisions: its vertices and normals, and the triangles of the scalp."""
    used = np.unique(triangles)
    normals = raster.vertex_normals(face, triangles, len(face))
    height = face[used, 1] - _hairline(face[used])
    return used, normals, height


def _comb(points: np.ndarray, cut: Cut, style: str) -> np.ndarray:
    """Direction in which the hair is combed at each place."""
    away = np.stack([points[:, 0] - cut.parting_x, np.zeros(len(points)), points[:, 2]], 1)
    if style in ("short", "cropped"):
        # from the crown forwards and outwards, to the side of the parting at the front
        out = np.stack(
            [
                0.55 * (points[:, 0] - cut.parting_x) / 6,
                np.full(len(points), -0.25),
                0.9 * np.clip((points[:, 2] + 4) / 6, -1, 1),
            ],
            1,
        )
        front = np.clip((points[:, 2] - 4) / 4, 0, 1)[:, None]
        swept = np.stack([-np.ones(len(points)), np.full(len(points), 0.35), np.full(len(points), -0.15)], 1)
        top = np.clip((points[:, 1] - 8.5) / 2, 0, 1)[:, None]
        return out * (1 - front * top) + swept * front * top
    side = np.sign(points[:, 0] - cut.parting_x)
    sideways = np.stack([side, np.full(len(points), -0.5), np.full(len(points), -0.45)], 1)
    back = np.clip((-points[:, 2] + 1) / 5, 0, 1)[:, None]
    down = np.stack([away[:, 0] * 0.05, -np.ones(len(points)), -0.3 * np.ones(len(points))], 1)
    return sideways * (1 - back) + down * back


def _strands(face: np.ndarray, triangles: np.ndarray, cut: Cut, style: str, rng: np.random.Generator) -> np.ndarray:
    """(strands, steps, 3) places along every strand, and their outward normals."""
    used, normals, _ = _scalp(face, triangles)
    tree = cKDTree(face[used])
    centre = face[triangles].mean(1)
    area = np.linalg.norm(
        np.cross(face[triangles[:, 1]] - face[triangles[:, 0]], face[triangles[:, 2]] - face[triangles[:, 0]]),
        axis=1,
    )
    ears = (np.abs(centre[:, 0]) > 7.4) & (centre[:, 1] < 5.0) & (centre[:, 2] > -4.5) & (centre[:, 2] < 3.5)
    on_scalp = (centre[:, 1] > _hairline(centre)) & ~ears
    weights = np.where(on_scalp, area, 0) * (1 + 2.0 * np.clip((centre[:, 1] - 9.5) / 3.0, 0, 1))
    chosen = rng.choice(len(triangles), cut.strands, p=weights / weights.sum())
    bary = rng.dirichlet((1, 1, 1), cut.strands)
    place = np.einsum("nk,nkd->nd", bary, face[triangles[chosen]])
    ragged = place[:, 1] - _hairline(place)
    hanging = style in ("bob", "long")
    steps = 10 if hanging else 6
    length = rng.uniform(*cut.length_cm, cut.strands)
    if style == "short":
        # short at the sides and the nape, longer on top
        length *= np.clip(0.22 + 0.78 * (place[:, 1] - 5.0) / 5.0, 0.22, 1.0)
    lift = cut.lift_cm * np.clip(0.35 + ragged / 3.5, 0.3, 1.0) * rng.uniform(0.45, 1.0, cut.strands)
    if style in ("short",):
        lift *= np.clip(0.3 + 0.7 * (place[:, 1] - 5.0) / 4.0, 0.3, 1.0)
    out = np.empty((cut.strands, steps, 3))
    normal_out = np.empty_like(out)
    jitter = rng.normal(0, 0.09 if hanging else 0.16, (cut.strands, 3))
    wave = rng.uniform(0, 2 * np.pi, cut.strands)
    direction = normals[used[tree.query(place)[1]]] * 0.8 + _comb(place, cut, style)
    for step in range(steps):
        _, nearest = tree.query(place)
        surface, normal = face[used[nearest]], normals[used[nearest]]
        height = ((place - surface) * normal).sum(1)
        wanted = lift * min(1.0, 0.25 + 1.5 * step / steps)
        inside = np.clip(wanted - height, 0, None)
        place = place + normal * inside[:, None] * 0.9
        out[:, step], normal_out[:, step] = place, normal
        blend = (height < lift + 0.8).astype(float)[:, None]
        aim = _comb(place, cut, style) * blend + jitter + np.array([0, -cut.gravity * (1 + 2.0 * step / steps), 0])
        aim += 0.06 * np.sin(wave + step * 0.9)[:, None] * normal
        if hanging:
            # long hair falls close to the neck and turns in at its ends
            low = np.clip((3.0 - place[:, 1]) / 8.0, 0, 1)[:, None]
            aim -= 0.55 * low * np.stack([place[:, 0] / 8, np.zeros(len(place)), place[:, 2] / 8], 1)
        direction = 0.55 * direction / np.linalg.norm(direction, axis=1, keepdims=True) + 0.6 * aim
        direction -= normal * np.clip((direction * normal).sum(1), -10, 0)[:, None] * blend
        direction /= np.linalg.norm(direction, axis=1, keepdims=True)
        place = place + direction * (length / steps)[:, None]
    # a strand that strays over the forehead is cut away altogether
    over_face = (np.abs(out[..., 0]) < 5.3) & (out[..., 2] > 5.5) & (out[..., 1] < 8.3)
    stays = ~over_face.any(1) if hanging else np.ones(cut.strands, bool)
    return np.stack([out[stays], normal_out[stays]])


def _ribbons(strands: np.ndarray, cut: Cut, rng: np.random.Generator) -> Mesh:
    places, normals = strands
    count, steps = places.shape[:2]
    tangent = np.gradient(places, axis=1)
    tangent /= np.linalg.norm(tangent, axis=2, keepdims=True) + 1e-9
    side = np.cross(tangent, normals)
    side /= np.linalg.norm(side, axis=2, keepdims=True) + 1e-9
    taper = np.interp(np.linspace(0, 1, steps), [0, 0.15, 0.75, 1], [0.7, 1, 0.9, 0.2])
    half = side * (cut.width_cm * rng.uniform(0.6, 1.2, (count, 1, 1)) * 0.5 * taper[None, :, None])
    points = np.stack([places - half, places + half], 2).reshape(-1, 3)
    tone = (
        rng.uniform(0.6, 1.35, (count, 1)) * np.interp(np.linspace(0, 1, steps), [0, 0.4, 1], [0.62, 1.0, 1.08])[None]
    )
    base = (np.arange(count)[:, None] * steps + np.arange(steps - 1)) * 2
    triangles = np.concatenate(
        [
            np.stack([base, base + 1, base + 2], -1).reshape(-1, 3),
            np.stack([base + 1, base + 3, base + 2], -1).reshape(-1, 3),
        ]
    ).astype(np.int32)

    def both(a: np.ndarray) -> np.ndarray:
        return np.repeat(a.reshape(count * steps, -1), 2, 0).astype(np.float32)

    return Mesh(
        points.astype(np.float32),
        both(normals),
        both(tangent),
        both(tone)[:, 0],
        triangles,
        np.full(len(triangles), raster.HAIR, np.int32),
    )


def _cap(face: np.ndarray, triangles: np.ndarray, cut: Cut) -> Mesh:
    """The scalp itself, moved out a little, as the dark ground of the hair."""
    used, normals, _ = _scalp(face, triangles)
    height = face[:, 1] - _hairline(face)
    ears = (np.abs(face[:, 0]) > 7.6) & (face[:, 1] < 5.0) & (face[:, 2] > -4.0) & (face[:, 2] < 3.5)
    inside = (height > 0.1) & ~ears
    kept = triangles[inside[triangles].all(1)]
    thickness = 0.12 + 0.35 * cut.lift_cm * np.clip(height / 3.0, 0, 1)
    points = face + normals * thickness[:, None]
    down = np.cross(np.cross(normals, [0, -1.0, 0.01]), normals)
    numbers, where = np.unique(kept, return_inverse=True)
    return Mesh(
        points[numbers].astype(np.float32),
        normals[numbers],
        down[numbers].astype(np.float32),
        np.full(len(numbers), 0.5, np.float32),
        where.reshape(-1, 3).astype(np.int32),
        np.full(len(kept), raster.HAIR, np.int32),
    )


def grow(identity: Identity, face: np.ndarray, face_model: model.FaceModel) -> Mesh:
    """The hair of a person whose neutral face shape is `face`, (N, 3)."""
    rng = np.random.default_rng([identity.seed, 13])
    cut = CUTS[identity.hair_style]
    skin = np.ascontiguousarray(face_model.triangles[face_model.material == raster.SKIN])
    above = face[skin].mean(1)[:, 1] > -9.0
    skin = np.ascontiguousarray(skin[above])
    strands = _strands(face, skin, cut, identity.hair_style, rng)
    return joined([_cap(face, skin, cut), _ribbons(strands, cut, rng)])


def color(identity: Identity) -> np.ndarray:
    """Linear RGB and highlight strength."""
    rgb = linear(HAIR_COLORS[identity.hair_color])
    return np.append(rgb, 0.06 + 0.25 * float(rgb.mean()))
