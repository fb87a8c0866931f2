"""A CPU z-buffer rasterizer with per-pixel shading, made for one head and torso before a still background.

*Conventions.* Camera space is centimetres with x right, y up and the camera looking along -z, so everything
visible has z < 0. A pinhole projects (x, y, z) to u = cx + f x / -z, v = cy - f y / -z in pixels. Colours
are linear RGB until the last step, which averages 2 x 2 sub-pixels and writes sRGB as 8-bit BGR. The same
input gives the same output.

Every vertex carries a normal, three auxiliary numbers (what they mean depends on the material: place in the
face texture, hair tangent, place on the cloth), ambient openness and key-light visibility (0-1) and a tint
(a factor).
"""

import math

import numba
import numpy as np

SKIN, EYE_RIGHT, EYE_LEFT, TEETH, GUMS, HAIR, CLOTH, GLASSES = range(8)
SUPERSAMPLING = 2
BOTH_SIDES, CULL_BY_WINDING, CULL_BY_NORMAL = range(3)
_LEVELS = np.arange(16384) / 16383.0
_SRGB = np.round(255 * np.where(_LEVELS <= 0.0031308, 12.92 * _LEVELS, 1.055 * _LEVELS ** (1 / 2.4) - 0.055)).astype(
    np.uint8
)
FRONT_FACING_ONLY = (SKIN, EYE_RIGHT, EYE_LEFT, TEETH, GUMS, CLOTH)


@numba.njit(cache=True)
def vertex_normals(points: np.ndarray, triangles: np.ndarray, count: int) -> np.ndarray:
    """Area-weighted normals, (count, 3) float32, of the first `count` vertices; unused vertices get (0, 0,
    1)."""
    out = np.zeros((count, 3), np.float32)
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
        vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for i in (a, b, c):
            out[i, 0] += nx
            out[i, 1] += ny
            out[i, 2] += nz
    for i in range(count):
        length = math.sqrt(out[i, 0] ** 2 + out[i, 1] ** 2 + out[i, 2] ** 2)
        if length > 1e-12:
            for k in range(3):
                out[i, k] /= length
        else:
            out[i, 2] = 1.0
    return out


@numba.njit(cache=True, inline="always")
def _clip_span(weight, slope, first, last):
    """The part of [first, last] where weight + slope * step is not negative."""
    if slope > 1e-12:
        first = max(first, -weight / slope - 1e-7)
    elif slope < -1e-12:
        last = min(last, -weight / slope + 1e-7)
    elif weight < -1e-9:
        last = first - 1.0
    return first, last


@numba.njit(cache=True)
def rasterize(points, normals, triangles, sides, focal, cx, cy, width, height):
    """Nearest triangle per sub-pixel: (inverse depth, triangle index or -1), both (height, width).

    `focal`, `cx`, `cy` are in sub-pixels. Triangles that touch the camera plane are dropped, and those
    turned away where `sides` is CULL_BY_WINDING or CULL_BY_NORMAL (hair at the far side of the head).
    """
    inverse_depth = np.zeros((height, width), np.float32)
    index = np.full((height, width), -1, np.int32)
    n = points.shape[0]
    sx, sy, sw = np.empty(n, np.float64), np.empty(n, np.float64), np.empty(n, np.float64)
    for i in range(n):
        depth = -points[i, 2]
        if depth < 1.0:
            sw[i] = -1.0
            continue
        sw[i] = 1.0 / depth
        sx[i] = cx + focal * points[i, 0] * sw[i]
        sy[i] = cy - focal * points[i, 1] * sw[i]
    for t in range(triangles.shape[0]):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        if sw[a] < 0 or sw[b] < 0 or sw[c] < 0:
            continue
        area = (sx[b] - sx[a]) * (sy[c] - sy[a]) - (sx[c] - sx[a]) * (sy[b] - sy[a])
        if area == 0.0 or (sides[t] == CULL_BY_WINDING and area > 0.0):
            continue
        if sides[t] == CULL_BY_NORMAL and normals[a, 2] < -0.25:
            continue
        x0 = max(0, int(math.ceil(min(sx[a], sx[b], sx[c]) - 0.5)))
        x1 = min(width - 1, int(math.floor(max(sx[a], sx[b], sx[c]) - 0.5)))
        y0 = max(0, int(math.ceil(min(sy[a], sy[b], sy[c]) - 0.5)))
        y1 = min(height - 1, int(math.floor(max(sy[a], sy[b], sy[c]) - 0.5)))
        if x0 > x1 or y0 > y1:
            continue
        inv = 1.0 / area
        # weights are linear in x and y; on each row the three edges leave one span, so thin slanted hairs
        # stay cheap
        ax, ay = (sy[b] - sy[c]) * inv, (sx[c] - sx[b]) * inv
        bx, by = (sy[c] - sy[a]) * inv, (sx[a] - sx[c]) * inv
        for y in range(y0, y1 + 1):
            px, py = x0 + 0.5 - sx[c], y + 0.5 - sy[c]
            wa, wb = ax * px + ay * py, bx * px + by * py
            first, last = 0.0, float(x1 - x0)
            first, last = _clip_span(wa, ax, first, last)
            first, last = _clip_span(wb, bx, first, last)
            first, last = _clip_span(1.0 - wa - wb, -ax - bx, first, last)
            if first > last:
                continue
            w0 = wa * sw[a] + wb * sw[b] + (1.0 - wa - wb) * sw[c]
            dw = ax * sw[a] + bx * sw[b] - (ax + bx) * sw[c]
            for step in range(int(math.ceil(first)), int(math.floor(last)) + 1):
                w = w0 + dw * step
                if w > inverse_depth[y, x0 + step]:
                    inverse_depth[y, x0 + step] = w
                    index[y, x0 + step] = t
    return inverse_depth, index


@numba.njit(cache=True, inline="always")
def _smoothstep(low, high, x):
    t = min(1.0, max(0.0, (x - low) / (high - low)))
    return t * t * (3.0 - 2.0 * t)


@numba.njit(cache=True)
def _iris_color(radius, angle, eye, out):
    """Colour of the iris at `radius` [cm] from its middle; eye = iris radius, pupil radius, fibre phase,
    rgb."""
    edge, pupil = eye[0], eye[1]
    fibre = 0.5 + 0.25 * math.sin(angle * 23.0 + eye[2]) + 0.15 * math.sin(angle * 41.0 + 2.1 * eye[2])
    fibre += 0.1 * math.sin(angle * 9.0 + radius * 40.0)
    inner = 1.0 + 0.45 * (1.0 - _smoothstep(pupil, pupil + 0.45 * (edge - pupil), radius))
    limbus = 1.0 - 0.8 * _smoothstep(0.78 * edge, 0.98 * edge, radius)
    dark = _smoothstep(pupil - 0.02, pupil + 0.02, radius)
    for k in range(3):
        out[k] = 0.004 + dark * eye[3 + k] * (0.65 + 0.7 * fibre) * inner * limbus


@numba.njit(cache=True, inline="always")
def _empty(index, y, x):
    return index[y, x] < 0 and index[y, x + 1] < 0 and index[y + 1, x] < 0 and index[y + 1, x + 1] < 0


@numba.njit(cache=True, inline="always")
def _same_surface(index, inverse_depth, material, y, x):
    t = index[y, x]
    if t < 0:
        return False
    m = material[t]
    if m != SKIN and m != CLOTH:
        return False
    for dy in range(2):
        for dx in range(2):
            other = index[y + dy, x + dx]
            if other < 0 or material[other] != m:
                return False
            if abs(inverse_depth[y + dy, x + dx] - inverse_depth[y, x]) > 0.004 * inverse_depth[y, x]:
                return False
    return True


@numba.njit(cache=True, fastmath=True)
def shade(
    points,
    normals,
    aux,
    openness,
    key_seen,
    tint,
    triangles,
    material,
    inverse_depth,
    index,
    focal,
    cx,
    cy,
    texture,
    texture_frame,
    eyes,
    eye_colors,
    lights,
    palette,
    cloth,
    background,
):
    """Shaded picture, (height, width, 3) uint8 BGR, from what `rasterize` returned for 2 x 2 sub-pixels.

    texture: (h, w, 4) linear RGB and gloss; texture_frame: x0, y1, pixels per cm of the frontal projection.
    eyes: (2, 7) rotation centre xyz, gaze xyz, distance from the centre to the iris; right eye first.
    lights: (6, 3) key direction and colour, fill direction and colour, sky, ground. palette: rows per
    material. cloth: (3, 3) main colour, second colour, (stripe period, weave strength, fold strength).
    """
    height, width = background.shape[0], background.shape[1]
    out = np.empty((height, width, 3), np.uint8)
    color, iris = np.zeros(3), np.zeros(3)
    n, view, tex = np.zeros(3), np.zeros(3), np.zeros(4)
    total = np.zeros(3)
    rows, columns = index.shape
    for y in range(height):
        for x in range(width):
            if _empty(index, 2 * y, 2 * x):
                for k in range(3):
                    out[y, x, 2 - k] = _SRGB[int(16383.0 * min(1.0, background[y, x, k]) + 0.5)]
                continue
            total[:] = 0.0
            # where all four sub-pixels show one smooth surface, one of them stands for all
            once = _same_surface(index, inverse_depth, material, 2 * y, 2 * x)
            stride = 4 if once else 1
            if not once and index[2 * y, 2 * x] >= 0 and material[index[2 * y, 2 * x]] == HAIR:
                stride = 3
            samples = 0
            for sub in range(0, 4, stride):
                samples += 1
                yy, xx = 2 * y + (sub >> 1), 2 * x + (sub & 1)
                t = index[yy, xx]
                if t < 0:
                    for k in range(3):
                        total[k] += background[y, x, k]
                    continue
                a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
                m = material[t]
                # the pixel's ray and its perspective-correct weights, from the ray's meeting with the
                # triangle
                dx, dy = (xx + 0.5 - cx) / focal, -(yy + 0.5 - cy) / focal
                depth = 1.0 / inverse_depth[yy, xx]
                px, py, pz = dx * depth, dy * depth, -depth
                wa, wb, wc = _weights(points, a, b, c, px, py, pz)
                length = math.sqrt(dx * dx + dy * dy + 1.0)
                view[0], view[1], view[2] = -dx / length, -dy / length, 1.0 / length
                norm = 0.0
                for k in range(3):
                    n[k] = wa * normals[a, k] + wb * normals[b, k] + wc * normals[c, k]
                    norm += n[k] * n[k]
                norm = math.sqrt(norm) + 1e-12
                for k in range(3):
                    n[k] /= norm
                u = wa * aux[a, 0] + wb * aux[b, 0] + wc * aux[c, 0]
                v = wa * aux[a, 1] + wb * aux[b, 1] + wc * aux[c, 1]
                w = wa * aux[a, 2] + wb * aux[b, 2] + wc * aux[c, 2]
                ao = wa * openness[a] + wb * openness[b] + wc * openness[c]
                seen = wa * key_seen[a] + wb * key_seen[b] + wc * key_seen[c]
                factor = wa * tint[a] + wb * tint[b] + wc * tint[c]
                if n[0] * view[0] + n[1] * view[1] + n[2] * view[2] < 0.0 and m != CLOTH:
                    for k in range(3):
                        n[k] = -n[k]
                ndk = n[0] * lights[0, 0] + n[1] * lights[0, 1] + n[2] * lights[0, 2]
                ndf = n[0] * lights[2, 0] + n[1] * lights[2, 1] + n[2] * lights[2, 2]
                up = 0.5 + 0.5 * n[1]
                gloss, wrap = 0.0, 0.15
                if m == SKIN:
                    _sample(
                        texture,
                        (u - texture_frame[0]) * texture_frame[2],
                        (texture_frame[1] - v) * texture_frame[2],
                        tex,
                    )
                    for k in range(3):
                        color[k] = tex[k] * factor
                    gloss, wrap = tex[3], 0.35
                elif m in (EYE_RIGHT, EYE_LEFT):
                    side = 0 if m == EYE_RIGHT else 1
                    glint = _eye(eyes[side], eye_colors[side], lights, dx, dy, color, iris)
                    # the upper lid throws a shadow: how far up is the nearest sub-pixel that is not this eye
                    reach = max(1, int(0.42 * focal / depth))
                    lid = reach
                    for step in range(1, reach + 1):
                        other = index[max(0, yy - step), xx]
                        if other < 0 or material[other] != m:
                            lid = step
                            break
                    below = reach
                    for step in range(1, reach + 1):
                        other = index[min(rows - 1, yy + step), xx]
                        if other < 0 or material[other] != m:
                            below = step
                            break
                    shadow = 0.36 + 0.64 * _smoothstep(-0.1, 0.85, lid / reach)
                    shadow *= 0.72 + 0.28 * _smoothstep(0.0, 0.4, below / reach)
                    lit = 0.5 * max(0.0, ndk) + 0.5
                    for k in range(3):
                        light = lights[1, k] * 0.55 * lit + 0.6 * lights[3, k] + 0.75 * lights[4, k]
                        total[k] += color[k] * light * shadow + glint * (0.35 + 0.65 * shadow)
                    continue
                elif m == HAIR:
                    for k in range(3):
                        color[k] = palette[HAIR, k] * factor
                    wrap = 0.45
                elif m == CLOTH:
                    weave = 1.0 + cloth[2, 1] * math.sin(u * 21.0) * math.sin(v * 19.0)
                    fold = 1.0 + cloth[2, 2] * (math.sin(0.55 * u + 0.3 * v) + math.sin(0.23 * u - 0.61 * v + 1.0))
                    stripe = 0.0
                    if cloth[2, 0] > 0.0:
                        stripe = _smoothstep(0.55, 0.75, 0.5 + 0.5 * math.sin(2.0 * math.pi * v / cloth[2, 0]))
                    for k in range(3):
                        color[k] = (cloth[0, k] * (1 - stripe) + cloth[1, k] * stripe) * weave * fold * factor
                    wrap = 0.2
                else:
                    for k in range(3):
                        color[k] = palette[m, k] * factor
                    gloss = palette[m, 3]
                spec = 0.0
                if m == HAIR:
                    # Kajiya and Kay's highlight along a strand; the auxiliary numbers are its tangent
                    hx, hy, hz = lights[0, 0] + view[0], lights[0, 1] + view[1], lights[0, 2] + view[2]
                    hn = math.sqrt(hx * hx + hy * hy + hz * hz)
                    tn = math.sqrt(u * u + v * v + w * w) + 1e-9
                    th = (u * hx + v * hy + w * hz) / (hn * tn)
                    s = math.sqrt(max(0.0, 1.0 - th * th))
                    s2 = s * s
                    s4 = s2 * s2
                    s8 = s4 * s4
                    s16 = s8 * s8
                    spec = (
                        palette[HAIR, 3]
                        * (s16 * s16 * s16 * s8 * s4 + 0.35 * s8 * s4 * s2)
                        * max(0.0, 0.3 + ndk)
                        * seen
                        * factor
                    )
                elif gloss > 0.0:
                    hx, hy, hz = lights[0, 0] + view[0], lights[0, 1] + view[1], lights[0, 2] + view[2]
                    hn = math.sqrt(hx * hx + hy * hy + hz * hz)
                    nh = max(0.0, (n[0] * hx + n[1] * hy + n[2] * hz) / hn)
                    nv = max(0.0, n[0] * view[0] + n[1] * view[1] + n[2] * view[2])
                    fresnel = 0.35 + 0.65 * (1.0 - nv) ** 4
                    nh2 = nh * nh
                    nh6 = nh2 * nh2 * nh2
                    nh20 = nh6 * nh6 * nh6 * nh2
                    tight = nh20 * nh2 if m == SKIN else nh20 * nh20
                    spec = gloss * (tight + 0.175 * nh6) * seen * fresnel * 1.6
                for k in range(3):
                    bleed = wrap * (1.0 if k == 0 else 0.5) if m == SKIN else wrap
                    # inside skin red light spreads into shadows, blue does not
                    spread = 0.35 - 0.23 * k if m == SKIN else 0.0
                    key = max(0.0, (ndk + bleed) / (1.0 + bleed)) * (seen + spread * seen * (1.0 - seen))
                    ambient = lights[5, k] * (1.0 - up) + lights[4, k] * up
                    opened = ao + 0.8 * spread * ao * (1.0 - ao)
                    light = lights[1, k] * key + (ambient + lights[3, k] * max(0.0, ndf)) * opened
                    total[k] += color[k] * light + spec * lights[1, k]
            for k in range(3):
                mean = total[k] / samples
                out[y, x, 2 - k] = _SRGB[int(16383.0 * min(1.0, mean) + 0.5)]
    return out


@numba.njit(cache=True, inline="always")
def _weights(points, a, b, c, px, py, pz):
    """Barycentric weights of a point in the plane of a triangle."""
    ux, uy, uz = points[b, 0] - points[a, 0], points[b, 1] - points[a, 1], points[b, 2] - points[a, 2]
    vx, vy, vz = points[c, 0] - points[a, 0], points[c, 1] - points[a, 1], points[c, 2] - points[a, 2]
    wx, wy, wz = px - points[a, 0], py - points[a, 1], pz - points[a, 2]
    uu, uv, vv = ux * ux + uy * uy + uz * uz, ux * vx + uy * vy + uz * vz, vx * vx + vy * vy + vz * vz
    wu, wv = wx * ux + wy * uy + wz * uz, wx * vx + wy * vy + wz * vz
    scale = uu * vv - uv * uv
    if scale < 1e-14:
        return 1.0, 0.0, 0.0
    wb = min(1.0, max(0.0, (vv * wu - uv * wv) / scale))
    wc = min(1.0 - wb, max(0.0, (uu * wv - uv * wu) / scale))
    return 1.0 - wb - wc, wb, wc


@numba.njit(cache=True, inline="always")
def _sample(texture, x, y, out):
    h, w = texture.shape[0], texture.shape[1]
    x, y = min(w - 1.001, max(0.0, x)), min(h - 1.001, max(0.0, y))
    i, j = int(x), int(y)
    fx, fy = x - i, y - j
    for k in range(4):
        top = texture[j, i, k] * (1 - fx) + texture[j, i + 1, k] * fx
        bottom = texture[j + 1, i, k] * (1 - fx) + texture[j + 1, i + 1, k] * fx
        out[k] = top * (1 - fy) + bottom * fy


@numba.njit(cache=True)
def _eye(eye, colors, lights, dx, dy, color, iris):
    """Fills `color` with sclera or iris where a ray meets the eye; returns the strength of the corneal glint.

    The iris is a flat disc that turns about the eye's rotation centre, seen through a clear front, so its
    picture is an exact projection at every gaze; the white of the eye stands still.
    """
    gx, gy, gz, arm = eye[3], eye[4], eye[5], eye[6]
    ox, oy, oz = eye[0] + arm * gx, eye[1] + arm * gy, eye[2] + arm * gz
    along = dx * gx + dy * gy - gz
    for k in range(3):
        color[k] = colors[6 + k]
    if along > -1e-6:
        return 0.0
    t = (ox * gx + oy * gy + oz * gz) / along
    qx, qy, qz = dx * t - ox, dy * t - oy, -t - oz
    radius = math.sqrt(qx * qx + qy * qy + qz * qz)
    # redder towards the corners, away from the iris
    far = _smoothstep(0.75, 1.6, radius)
    color[1] *= 1.0 - 0.22 * far
    color[2] *= 1.0 - 0.24 * far
    edge = colors[0]
    if radius < edge + 0.03:
        _iris_color(radius, math.atan2(qy, qx), colors, iris)
        mix = 1.0 - _smoothstep(edge - 0.03, edge + 0.03, radius)
        for k in range(3):
            color[k] = color[k] * (1 - mix) + iris[k] * mix
    glint = 0.0
    if radius < 0.62:
        z = math.sqrt(0.78 * 0.78 - radius * radius)
        nx, ny, nz = (qx + gx * z) / 0.78, (qy + gy * z) / 0.78, (qz + gz * z) / 0.78
        length = math.sqrt(dx * dx + dy * dy + 1.0)
        vx, vy, vz = -dx / length, -dy / length, 1.0 / length
        for row in (0, 2):
            hx, hy, hz = lights[row, 0] + vx, lights[row, 1] + vy, lights[row, 2] + vz
            hn = math.sqrt(hx * hx + hy * hy + hz * hz)
            nh = max(0.0, (nx * hx + ny * hy + nz * hz) / hn)
            glint += (1.1 if row == 0 else 0.35) * nh**420
    return glint
