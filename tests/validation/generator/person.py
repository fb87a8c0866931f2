"""One person before a camera: `render(identity, state, camera)` gives a picture, `exact(identity, state,
camera)` its truth.

*Conventions.* States and truth use the project's camera frame: cm, x right, y down, z away from the lens;
angles in degrees, head yaw > 0 turns the face to image right, pitch > 0 lifts it, roll > 0 tips its top to
image left. Gaze is relative to the ray from between the eyes to the lens: h > 0 image right, v > 0 up, (0,
0) is the lens.
"""

from dataclasses import dataclass, field
from functools import lru_cache

import cv2
import numpy as np

from . import body, hair, light, model, raster, skin
from .identity import CLOTHS, IRIS_COLORS, Identity, linear

TO_RENDERER = np.array([1.0, -1.0, -1.0])


@dataclass(frozen=True)
class Camera:
    width: int
    height: int
    focal: float
    """[px]"""
    axis_x: float | None = None
    """column [px] of the principal point; None is the middle. Its row is always the middle."""

    @property
    def centre(self) -> tuple[float, float]:
        """Principal point [px]."""
        return self.width / 2 if self.axis_x is None else self.axis_x, self.height / 2

    def project(self, point: np.ndarray) -> np.ndarray:
        """Pixel (..., 2) of points (..., 3) in the camera frame."""
        p = np.asarray(point, float)
        return p[..., :2] / p[..., 2:] * self.focal + self.centre


@dataclass(frozen=True)
class State:
    """What a person does at one instant; see the module for frames and signs."""

    pivot: tuple[float, float, float] = (0.0, 6.0, 70.0)
    """upper neck, about which the head turns, 8 cm behind and 7 cm below the eyes"""
    head: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """yaw, pitch, roll"""
    gaze: tuple[float, float] = (0.0, 0.0)
    fixation_cm: float = 80.0
    """distance at which the two lines of sight meet"""
    blink: float = 0.0
    """0 as open as the gaze leaves the lids, 1 closed"""
    expression: dict[str, float] = field(default_factory=dict)
    """weights of the face model's shapes, 0-1; lids follow gaze and blink by themselves"""
    trunk: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """yaw, pitch (> 0 hinges forward), roll of the trunk about the upper neck"""


@dataclass(frozen=True)
class _Prepared:
    face: np.ndarray
    shapes: dict[str, np.ndarray]
    face_triangles: np.ndarray
    head_share: np.ndarray
    centres: np.ndarray
    rigid: body.Mesh
    trunk: body.Mesh
    triangles: np.ndarray
    material: np.ndarray
    sides: np.ndarray
    aux: np.ndarray
    tint: np.ndarray
    openness: np.ndarray
    key_seen: np.ndarray
    texture: np.ndarray
    eye_colors: np.ndarray
    lights: np.ndarray
    palette: np.ndarray
    cloth: np.ndarray


def _smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


@lru_cache(maxsize=12)
def prepare(identity: Identity) -> _Prepared:
    """Everything about a person that does not change from frame to frame (about ten seconds, kept in
    memory)."""
    whole = model.load()
    # the neck stays where the clothes expect it, whatever the shape of the face
    held = _smoothstep(-13.0, -8.5, whole.neutral[:, 1] + 0.6 * np.clip(whole.neutral[:, 2] - 4, 0, None))
    shaped = whole.neutral + held[:, None].astype(np.float32) * np.tensordot(
        np.array(identity.shape, np.float32), whole.identities[: len(identity.shape)], 1
    )
    centres = model.eye_centres(shaped)
    middle = shaped[whole.triangles].mean(1)
    below = middle[:, 1] < body.collar_height(middle[:, 0], middle[:, 2]) - 1.8
    beside = (middle[:, 1] < -10.5) & (np.hypot(middle[:, 0], middle[:, 2] + 1.6) > 7.6) & (middle[:, 2] < 4.5)
    hidden = (whole.material == raster.SKIN) & (below | beside)
    kept = whole.triangles[~hidden]
    numbers, where = np.unique(kept, return_inverse=True)
    face_triangles = np.ascontiguousarray(where.reshape(-1, 3), np.int32)
    face_material = whole.material[~hidden]
    face = np.ascontiguousarray(shaped[numbers])
    height = whole.neutral[numbers, 1] + 0.6 * np.clip(whole.neutral[numbers, 2] - 4, 0, None)
    extras = [hair.grow(identity, shaped, whole)]
    if identity.glasses:
        extras.append(body.glasses(shaped, centres))
    rigid = body.joined(extras)
    trunk = body.torso(1.0 if identity.hair_style in ("short", "cropped") else 0.9)
    triangles = np.concatenate(
        [face_triangles, rigid.triangles + len(face), trunk.triangles + len(face) + len(rigid.points)]
    ).astype(np.int32)
    material = np.concatenate([face_material, rigid.material, trunk.material])
    sides = np.where(np.isin(material, raster.FRONT_FACING_ONLY), raster.CULL_BY_WINDING, raster.BOTH_SIDES)
    high = rigid.points[rigid.triangles].mean(1)[:, 1] > (6.0 if identity.hair_style in ("bob", "long") else -1.0)
    sides[len(face_triangles) :][: len(high)][high & (rigid.material == raster.HAIR)] = raster.CULL_BY_NORMAL
    lights = light.lamps(identity)
    shapes = {name: np.ascontiguousarray(shape[numbers]) for name, shape in whole.expressions.items()}
    asleep = face + shapes["eyeBlink_L"] + shapes["eyeBlink_R"]
    openness, key_seen = light.openness(face, asleep, face_triangles, rigid, trunk, triangles, lights[0])
    for inside, ambient, key in ((raster.TEETH, 0.5, 0.3), (raster.GUMS, 0.22, 0.12)):
        own = np.unique(face_triangles[face_material == inside])
        openness[own], key_seen[own] = ambient, key
    lasting = light.ever_seen(face, shapes, rigid, trunk, triangles, material, sides)
    triangles, material, sides = triangles[lasting], material[lasting], sides[lasting]
    extra = len(rigid.points) + len(trunk.points)
    palette = np.zeros((8, 4))
    palette[raster.TEETH] = [0.72, 0.68, 0.58, 0.12]
    palette[raster.GUMS] = [0.34, 0.11, 0.10, 0.10]
    palette[raster.HAIR] = hair.color(identity)
    palette[raster.GLASSES] = [0.03, 0.028, 0.03, 0.5]
    iris = np.r_[model.IRIS_RADIUS_CM, 0.21, 0.0, linear(IRIS_COLORS[identity.iris_color]) * 0.9, 0.74, 0.71, 0.69]
    eye_colors = np.stack([iris, iris])
    eye_colors[:, 2] = [0.4, 1.9]
    second = identity.cloth_second or CLOTHS[0]
    return _Prepared(
        face,
        shapes,
        face_triangles,
        _smoothstep(-13.5, -7.5, height)[:, None].astype(np.float32),
        centres,
        rigid,
        trunk,
        np.ascontiguousarray(triangles),
        material,
        sides,
        np.concatenate([whole.neutral[numbers], np.zeros((extra, 3))]).astype(np.float32),
        np.concatenate([np.ones(len(face)), rigid.tint, trunk.tint]).astype(np.float32),
        openness.astype(np.float32),
        key_seen.astype(np.float32),
        skin.paint(identity),
        eye_colors,
        lights,
        palette,
        np.array([linear(identity.cloth), linear(second), [identity.stripe_cm, 0.05, 0.045]]),
    )


def _frames(state: State) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Head rotation, trunk rotation and pivot in the renderer's frame (y up, z towards the viewer)."""
    yaw, pitch, roll = state.trunk
    return model.rotation(*state.head), model.rotation(yaw, -pitch, roll), np.array(state.pivot) * TO_RENDERER


def eyes(identity: Identity, state: State) -> np.ndarray:
    """(2, 3) rotation centres of the right and left eye in the camera frame [cm]."""
    turned, _, pivot = _frames(state)
    return ((prepare(identity).centres - model.PIVOT) @ turned.T + pivot) * TO_RENDERER


def gaze_direction(origin: np.ndarray, gaze: tuple[float, float]) -> np.ndarray:
    """Unit vector in the camera frame of a gaze (h, v) from a place (3,)."""
    z, x, y = _basis(origin)
    g = z + np.tan(np.radians(gaze[0])) * x + np.tan(np.radians(gaze[1])) * y
    return g / np.linalg.norm(g)


def gaze_angles(origin: np.ndarray, point: np.ndarray) -> tuple[float, float]:
    """(h, v) of the gaze from a place (3,) to another, both in the camera frame."""
    z, x, y = _basis(origin)
    g = np.asarray(point, float) - origin
    return float(np.degrees(np.arctan2(g @ x, g @ z))), float(np.degrees(np.arctan2(g @ y, g @ z)))


def _basis(origin: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    z = -np.asarray(origin, float) / np.linalg.norm(origin)
    x = np.array([1.0, 0, 0]) - z[0] * z
    x /= np.linalg.norm(x)
    up = np.array([0, -1.0, 0])
    y = up - (up @ z) * z - (up @ x) * x
    return z, x, y / np.linalg.norm(y)


def _eye_shapes(state: State, lines: np.ndarray, turned: np.ndarray) -> dict[str, float]:
    """Lid shapes that follow the eyes: weights per eye from its direction in the head, and the blink."""
    weights: dict[str, float] = {}
    closed = float(np.clip(state.blink, 0, 1))
    for line, side, outwards in ((lines[0], "R", -1), (lines[1], "L", 1)):
        x, y, z = turned.T @ line
        yaw, pitch = np.degrees(np.arctan2(x, z)), np.degrees(np.arcsin(np.clip(y, -1, 1)))
        out = yaw * outwards
        weights["eyeLookOut_" + side if out > 0 else "eyeLookIn_" + side] = min(1.0, abs(out) / 40) * (1 - closed)
        if pitch > 0:
            weights["eyeLookUp_" + side] = min(1.0, pitch / 22) * (1 - closed)
        else:
            weights["eyeLookDown_" + side] = min(1.0, -pitch / 40) * (1 - closed)
        weights["eyeBlink_" + side] = closed
    return weights


def render(identity: Identity, state: State, camera: Camera, background: np.ndarray | None = None) -> np.ndarray:
    """(height, width, 3) uint8 BGR; `background` the same in linear RGB float32, plain grey if None."""
    p = prepare(identity)
    turned, trunk_turned, pivot = _frames(state)
    centres = eyes(identity, state) * TO_RENDERER
    lines = _lines_of_sight(centres, state)
    points = p.face
    for name, weight in {**state.expression, **_eye_shapes(state, lines, turned)}.items():
        if weight:
            points = points + np.float32(weight) * p.shapes[name]
    normals = raster.vertex_normals(points, p.face_triangles, len(points))
    turn, trunk_turn = turned.T.astype(np.float32), trunk_turned.T.astype(np.float32)
    with_head = (points - model.PIVOT) @ turn
    with_trunk = (points - model.PIVOT) @ trunk_turn
    placed = np.concatenate(
        [
            p.head_share * with_head + (1 - p.head_share) * with_trunk,
            (p.rigid.points - model.PIVOT) @ turn,
            (p.trunk.points - model.PIVOT) @ trunk_turn,
        ]
    )
    placed += pivot.astype(np.float32)
    all_normals = np.concatenate([normals @ turn, p.rigid.normals @ turn, p.trunk.normals @ trunk_turn])
    aux = p.aux.copy()
    start = len(points)
    aux[start : start + len(p.rigid.points)] = p.rigid.aux @ turn
    aux[start + len(p.rigid.points) :] = p.trunk.aux
    eye_rows = np.concatenate([centres, lines, np.full((2, 1), model.IRIS_ARM_CM)], 1)
    if background is None:
        background = np.full((camera.height, camera.width, 3), 0.18, np.float32)
    scale = raster.SUPERSAMPLING
    focal, cx, cy = camera.focal * scale, camera.centre[0] * scale, camera.centre[1] * scale
    sides = p.sides
    if abs(pivot[0]) > 0.3 * abs(pivot[2]):
        # far from the axis hair that faces away from it can be in view
        sides = np.where(sides == raster.CULL_BY_NORMAL, raster.BOTH_SIDES, sides)
    nearest, index = raster.rasterize(
        placed, all_normals, p.triangles, sides, focal, cx, cy, camera.width * scale, camera.height * scale
    )
    return raster.shade(
        placed,
        all_normals,
        aux,
        p.openness,
        p.key_seen,
        p.tint,
        p.triangles,
        p.material,
        nearest,
        index,
        focal,
        cx,
        cy,
        p.texture,
        skin.FRAME,
        eye_rows,
        p.eye_colors,
        p.lights,
        p.palette,
        p.cloth,
        background,
    )


def _lines_of_sight(centres: np.ndarray, state: State) -> np.ndarray:
    """(2, 3) unit gaze of each eye in the renderer's frame; both meet `fixation_cm` from between the eyes."""
    between = centres.mean(0)
    meet = between + gaze_direction(between * TO_RENDERER, state.gaze) * TO_RENDERER * state.fixation_cm
    lines = meet - centres
    return lines / np.linalg.norm(lines, axis=1, keepdims=True)


def exact(identity: Identity, state: State, camera: Camera) -> dict[str, float | list]:
    """The truth of one picture.

    head_yaw, head_pitch, head_roll [deg]; gaze_h, gaze_v [deg]; distance [cm] from the lens to the upper
    neck; eye_distance [cm] from the lens to between the eyes; iris_right, iris_left [px]; iris_distance
    [px] between the iris centres as they would appear with the face turned to the lens; blink 0-1.
    """
    centres = eyes(identity, state)
    lines = _lines_of_sight(centres * TO_RENDERER, state) * TO_RENDERER
    irises = camera.project(centres + model.IRIS_ARM_CM * lines)
    between = centres.mean(0)
    return {
        "head_yaw": state.head[0],
        "head_pitch": state.head[1],
        "head_roll": state.head[2],
        "gaze_h": state.gaze[0],
        "gaze_v": state.gaze[1],
        "distance": float(np.linalg.norm(state.pivot)),
        "eye_distance": float(np.linalg.norm(between)),
        "iris_right": irises[0].tolist(),
        "iris_left": irises[1].tolist(),
        "blink": state.blink,
        "iris_distance": float(camera.focal * np.linalg.norm(centres[1] - centres[0]) / between[2]),
    }


def to_linear(picture: np.ndarray) -> np.ndarray:
    """A uint8 BGR picture as the linear RGB float32 that `render` takes as background."""
    return np.ascontiguousarray(linear(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB) / 255.0), np.float32)
