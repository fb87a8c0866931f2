"""The small picture in a browser's tab, drawn here: three lanes of a timeline.

Browsers ask for it by themselves, for the pages on which one signs in as well, so it is open to everybody.
"""

from functools import cache

import cv2
import numpy as np
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

ICONS = ("/favicon.ico", "/favicon.png")
"""What browsers ask for where a page names none, and what Streamlit's page names."""

_SIDE = 64
_GROUND, _LANE = (0x9F, 0x6F, 0x2F), (0xFF, 0xFF, 0xFF)  # blue, green, red
_EPISODES = (((14, 20), (36, 50)), ((14, 34),), ((24, 28), (44, 50)))  # from, to [pixels], lane by lane
_FIRST, _APART, _THICK = 16, 16, 9  # pixels
_FINE = 8  # drawn so many times larger, for smooth corners


def icon_routes() -> list[Route]:
    """The same picture at both addresses."""
    return [Route(address, _icon) for address in ICONS]


def _icon(_: Request) -> Response:
    return Response(_png(), media_type="image/png", headers={"Cache-Control": "public, max-age=86400"})


@cache
def _png() -> bytes:
    drawn = np.full((_SIDE * _FINE, _SIDE * _FINE, 3), _GROUND, np.uint8)
    for lane, episodes in enumerate(_EPISODES):
        y = (_FIRST + _APART * lane) * _FINE
        for start, end in episodes:
            cv2.line(drawn, (start * _FINE, y), (end * _FINE, y), _LANE, _THICK * _FINE)  # its ends are round
    small = cv2.resize(drawn, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".png", small)[1])
