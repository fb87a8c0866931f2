"""How a recorded video call looks: two tiles side by side on a dark canvas, name labels, a bar with a
clock."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH, HEIGHT = 1280, 720
TILE_WIDTH, TILE_HEIGHT = 624, 468
TILES = ((10, 124, TILE_WIDTH, TILE_HEIGHT), (646, 124, TILE_WIDTH, TILE_HEIGHT))
CANVAS = (34, 30, 28)


@dataclass(frozen=True)
class Layout:
    """Size of the whole picture and boxes (x, y, width, height) of its two tiles, which are alike [px]."""

    width: int
    height: int
    tiles: tuple[tuple[int, int, int, int], tuple[int, int, int, int]]


SAMPLE = Layout(WIDTH, HEIGHT, TILES)


def side_by_side(tile_width: int, tile_height: int) -> Layout:
    """The sample's layout for tiles of another size; both numbers even."""
    width = 2 * tile_width + 32
    height = 2 * round(tile_height * HEIGHT / TILE_HEIGHT / 2)
    top = 2 * ((height - tile_height) // 4) - 2
    boxes = ((10, top, tile_width, tile_height), (tile_width + 22, top, tile_width, tile_height))
    return Layout(width, height, boxes)


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf", size)


def _write(
    picture: np.ndarray, text: str, place: tuple[int, int], size: int, color: tuple[int, int, int]
) -> np.ndarray:
    image = Image.fromarray(cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
    ImageDraw.Draw(image).text(place, text, font=_font(size), fill=color)
    return cv2.cvtColor(np.asarray(image), cv2.COLOR_RGB2BGR)


@lru_cache(maxsize=4)
def _corners(width: int, height: int, radius: int = 10) -> np.ndarray:
    mask = np.zeros((height * 4, width * 4), np.uint8)
    r = radius * 4
    cv2.rectangle(mask, (r, 0), (width * 4 - r, height * 4), 255, -1)
    cv2.rectangle(mask, (0, r), (width * 4, height * 4 - r), 255, -1)
    for x in (r, width * 4 - r - 1):
        for y in (r, height * 4 - r - 1):
            cv2.circle(mask, (x, y), r, 255, -1)
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)[..., None] / np.float32(255)


@lru_cache(maxsize=4)
def _label(name: str) -> np.ndarray:
    wide = int(_font(17).getlength(name)) + 22
    return _write(np.full((30, wide, 3), 26, np.uint8), name, (11, 4), 17, (240, 240, 240))


@lru_cache(maxsize=4)
def _canvas(second: int, width: int, height: int) -> np.ndarray:
    picture = np.full((height, width, 3), CANVAS, np.uint8)
    picture[:44] = (46, 41, 38)
    cv2.circle(picture, (24, 22), 6, (60, 60, 220), -1, cv2.LINE_AA)
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    picture = _write(picture, f"Recording   {clock}", (40, 12), 16, (215, 215, 215))
    return _write(picture, "Practice session", (width // 2 - 66, 12), 16, (165, 165, 165))


def compose(
    tiles: tuple[np.ndarray, np.ndarray], names: tuple[str, str], time: float, layout: Layout = SAMPLE
) -> np.ndarray:
    """(height, width, 3) uint8 BGR of the whole picture from two tiles of the layout's size."""
    picture = _canvas(int(time), layout.width, layout.height).copy()
    for tile, name, (x, y, w, h) in zip(tiles, names, layout.tiles, strict=True):
        round_ = _corners(w, h)
        place = picture[y : y + h, x : x + w]
        shown = tile.copy()
        label = _label(name)
        lh, lw = label.shape[:2]
        corner = shown[h - lh - 10 : h - 10, 10 : 10 + lw]
        corner[:] = (0.25 * corner + 0.75 * label).astype(np.uint8)
        strong = label > 60
        corner[strong] = label[strong]
        place[:] = (shown * round_ + place * (1 - round_)).astype(np.uint8)
    return picture
