"""Rooms behind people: drawn from a seed, softly out of focus, with enough corners to measure camera motion
by."""

import cv2
import numpy as np


def _shelf(picture: np.ndarray, rng: np.random.Generator, x: int, y: int, w: int, rows: int, row: int) -> None:
    wood = np.array(rng.choice([(60, 88, 118), (46, 62, 84), (150, 165, 178)], axis=0), float)
    cv2.rectangle(picture, (x - 6, y - 6), (x + w + 6, y + rows * row + 6), wood.tolist(), -1)
    for r in range(rows):
        top = y + r * row
        cv2.rectangle(picture, (x, top), (x + w, top + row - 7), (wood * 0.42).tolist(), -1)
        place = x + 2
        while place < x + w - 8:
            if rng.random() < 0.16:
                place += int(rng.integers(8, 26))
                continue
            wide, high = int(rng.integers(6, 15)), int(row * rng.uniform(0.58, 0.88))
            base = np.array(
                cv2.cvtColor(
                    np.uint8([[[rng.integers(0, 180), rng.integers(40, 150), rng.integers(70, 215)]]]),
                    cv2.COLOR_HSV2BGR,
                )[0, 0],
                float,
            )
            right = min(place + wide, x + w - 2)
            cv2.rectangle(picture, (place, top + row - 7 - high), (right, top + row - 8), base.tolist(), -1)
            cv2.rectangle(picture, (place, top + row - 7 - high), (place + 1, top + row - 8), (base * 0.6).tolist(), -1)
            band = top + row - 7 - int(high * 0.75)
            cv2.rectangle(
                picture,
                (place + 2, band),
                (right - 1, band + 5),
                np.clip(base * 1.5 + 30, 0, 255).tolist(),
                -1,
            )
            place += wide + 1


def _frame(picture: np.ndarray, rng: np.random.Generator, x: int, y: int, w: int, h: int) -> None:
    cv2.rectangle(picture, (x + 4, y + 5), (x + w + 5, y + h + 6), (70, 80, 88), -1)
    cv2.rectangle(picture, (x, y), (x + w, y + h), (38, 44, 52), -1)
    cv2.rectangle(picture, (x + 5, y + 5), (x + w - 5, y + h - 5), (226, 232, 234), -1)
    left, top, right, bottom = x + 14, y + 14, x + w - 14, y + h - 14
    sky = rng.integers(130, 220, 3)
    cv2.rectangle(picture, (left, top), (right, bottom), sky.tolist(), -1)
    for k in range(3):
        line = [(left, bottom)]
        for i in range(7):
            line.append(
                (
                    left + (right - left) * i // 6,
                    int(bottom - (3 - k) * (bottom - top) * rng.uniform(0.12, 0.27)),
                )
            )
        color = (sky * (0.8 - 0.22 * k) * rng.uniform(0.7, 1.0, 3)).clip(0, 255)
        cv2.fillPoly(picture, [np.array(line + [(right, bottom)], np.int32)], color.tolist(), cv2.LINE_AA)


def _window(picture: np.ndarray, rng: np.random.Generator, x: int, y: int, w: int, h: int) -> None:
    cv2.rectangle(picture, (x - 9, y - 9), (x + w + 9, y + h + 9), (222, 228, 230), -1)
    ramp = np.linspace(0, 1, h)[:, None, None]
    picture[y : y + h, x : x + w] = (1 - ramp) * np.array([250, 240, 222]) + ramp * np.array([226, 232, 220])
    for _ in range(26):
        centre = (x + int(rng.integers(0, w)), y + int(h * rng.uniform(0.45, 1.0)))
        blob = picture[y : y + h, x : x + w].copy()
        cv2.circle(
            blob,
            (centre[0] - x, centre[1] - y),
            int(rng.integers(8, 24)),
            (int(rng.integers(95, 150)), int(rng.integers(150, 195)), int(rng.integers(120, 165))),
            -1,
            cv2.LINE_AA,
        )
        picture[y : y + h, x : x + w] = blob
    cv2.rectangle(picture, (x + w // 2 - 4, y), (x + w // 2 + 4, y + h), (222, 228, 230), -1)
    cv2.rectangle(picture, (x, y + h // 2 - 4), (x + w, y + h // 2 + 3), (222, 228, 230), -1)
    for left, right in ((x - 34, x + 14), (x + w - 14, x + w + 34)):
        for column in range(max(0, left), min(picture.shape[1], right)):
            tone = 190 + 24 * np.sin(column * 0.55) + 8 * np.sin(column * 0.21)
            picture[max(0, y - 22) : y + h + 60, column] = np.array([tone * 0.86, tone * 0.93, tone])


def _plant(picture: np.ndarray, rng: np.random.Generator, x: int, floor: int, size: int) -> None:
    pot = np.array(
        [
            (x - size // 5, floor - size // 3),
            (x + size // 5, floor - size // 3),
            (x + size // 7, floor),
            (x - size // 7, floor),
        ],
        np.int32,
    )
    cv2.fillPoly(picture, [pot], (86, 116, 176), cv2.LINE_AA)
    for _ in range(34):
        angle, length = rng.uniform(-1.25, 1.25), size * rng.uniform(0.35, 0.8)
        tip = np.array([x + np.sin(angle) * length, floor - size / 3 - np.cos(angle) * length])
        middle = (tip + [x, floor - size / 3]) / 2 + rng.normal(0, 4, 2)
        across = np.array([np.cos(angle), np.sin(angle)]) * rng.uniform(5, 10)
        leaf = np.array([(x, floor - size / 3), middle + across, tip, middle - across], np.int32)
        color = np.array([58, 112, 66]) * rng.uniform(0.6, 1.35)
        cv2.fillPoly(picture, [leaf], color.clip(0, 255).tolist(), cv2.LINE_AA)


def _lamp(picture: np.ndarray, x: int, y: int, size: int) -> np.ndarray:
    h, w = picture.shape[:2]
    gy, gx = np.mgrid[0:h, 0:w]
    glow = np.exp(-(((gx - x) / (1.9 * size)) ** 2) - ((gy - y) / (1.7 * size)) ** 2)
    picture = np.clip(picture + glow[..., None] * np.array([38, 74, 96]), 0, 255)
    cv2.line(picture, (x, y + size // 3), (x, y + 3 * size), (52, 60, 66), 5, cv2.LINE_AA)
    shade = np.array(
        [
            (x - size // 3, y - size // 2),
            (x + size // 3, y - size // 2),
            (x + size // 2, y + size // 3),
            (x - size // 2, y + size // 3),
        ],
        np.int32,
    )
    cv2.fillPoly(picture, [shade], (176, 222, 246), cv2.LINE_AA)
    return picture


def draw(seed: int, width: int, height: int) -> np.ndarray:
    """A room, (height, width, 3) uint8 BGR; even seeds have a window and books, odd ones a lamp, pictures
    and a plant."""
    rng = np.random.default_rng([seed, 19])
    unit = height / 468.0
    w, h = int(round(width / unit)), 468
    walls = [(196, 208, 212), (176, 186, 170), (188, 190, 206), (204, 198, 186)]
    wall = np.array(walls[(seed // 2 + seed) % len(walls)], float)
    picture = np.ones((h, w, 3)) * wall
    picture *= np.linspace(1.04, 0.82, h)[:, None, None] * np.linspace(1.05, 0.9, w)[None, :, None]
    texture = cv2.GaussianBlur(rng.normal(0, 1, (h, w)), (0, 0), 5)
    picture += 2.2 * (texture / texture.std())[..., None]
    picture = np.clip(picture, 0, 255).astype(np.float32)
    if seed % 2 == 0:
        _window(picture, rng, 40, 24, 122, 190)
        _plant(picture, rng, 96, 400, 150)
        _shelf(picture, rng, w - 182, 16, 168, 5, 78)
    else:
        picture = _lamp(picture.astype(np.float64), 84, 150, 78).astype(np.float32)
        _frame(picture, rng, 170, 28, 94, 116)
        _frame(picture, rng, w - 240, 22, 74, 92)
        _plant(picture, rng, w - 70, 330, 170)
        cv2.rectangle(picture, (w - 150, 330), (w, 350), (78, 104, 132), -1)
        cv2.rectangle(picture, (w - 150, 350), (w, h), (58, 78, 100), -1)
        _shelf(picture, rng, 14, 388, 130, 1, 76)
    picture = cv2.GaussianBlur(picture, (0, 0), 1.9)
    picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    grain = rng.normal(0, 1.1, (height, width, 1))
    return np.clip(picture + grain, 0, 255).astype(np.uint8)
