"""The strip below a clip: lanes of the cues of each person, a line where the clip is, the time since its beginning."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from cues.export.figure import FONT

_BLUE, _AMBER, _ROSE, _GREY = (184, 127, 47), (32, 142, 210), (180, 118, 204), (141, 134, 127)  # blue, green, red
_GROUND, _FIELD, _INK, _TICK = (28, 24, 21), (52, 46, 41), (232, 231, 230), (84, 78, 72)
_NAME_PX, _ROW_PX, _RULER_PX, _GAP_PX, _EDGE_PX = 178, 20, 30, 6, 10
_STEPS_S = (1, 2, 5, 10, 20, 30)
_LEAN_MM = 150.0  # half a lane
_NAMES = {"eye_contact": "eye contact", "forward_lean": "lean", "smiles": "smile"}

Lanes = dict[str, Any]


class CueStrip:
    """Drawn once for a clip from `start` to `end` [s]; `lanes` as `cues.web.timeline.timeline` gives them for a
    visitor. `height` in px; `width` as asked for."""

    def __init__(self, lanes: Lanes, start: float, end: float, width: int) -> None:
        self._start, self._end, self._width = start, end, width
        rows = [
            (person["role"], name, person[name])
            for person in lanes["people"]
            for name in _NAMES
            if person.get(name) is not None
        ]
        self.height = _RULER_PX + len(rows) * (_ROW_PX + _GAP_PX) + _EDGE_PX
        self._drawn = np.full((self.height, width, 3), _GROUND, np.uint8)
        self._ruler()
        for k, (role, name, content) in enumerate(rows):
            top = _RULER_PX + k * (_ROW_PX + _GAP_PX)
            cv2.putText(self._drawn, f"{role}: {_NAMES[name]}", (_EDGE_PX, top + 15), _INK, FONT, 15, 500)
            self._lane(self._drawn[top : top + _ROW_PX, :], name, content)

    def at(self, time: float) -> np.ndarray:
        """The strip at a time [s] of the session: (height, width, 3), BGR."""
        picture = self._drawn.copy()
        x = self.cursor(time)
        cv2.line(picture, (x, _RULER_PX - 4), (x, self.height - 4), (255, 255, 255), 2)
        words = f"{clock(time - self._start)} of {clock(self._end - self._start)}"
        cv2.putText(picture, words, (_EDGE_PX, 20), _INK, FONT, 15, 600)
        return picture

    def cursor(self, time: float) -> int:
        """Where the line stands at a time [s], px from the left."""
        share = (time - self._start) / (self._end - self._start)
        return int(round(_NAME_PX + min(max(share, 0.0), 1.0) * (self._width - _NAME_PX - _EDGE_PX)))

    def _ruler(self) -> None:
        room = (self._width - _NAME_PX) / (self._end - self._start)
        every = next((step for step in _STEPS_S if step * room >= 60), _STEPS_S[-1])
        for second in range(0, int(self._end - self._start) + 1, every):
            x = self.cursor(self._start + second)
            cv2.line(self._drawn, (x, _RULER_PX - 6), (x, self.height - _EDGE_PX), _TICK, 1)
            if x + 34 <= self._width:
                cv2.putText(self._drawn, clock(second)[:-2], (x + 3, 20), _INK, FONT, 13, 500)

    def _lane(self, row: np.ndarray, name: str, content: Lanes) -> None:
        row[:, _NAME_PX : self._width - _EDGE_PX] = _FIELD
        colour = {"eye_contact": _BLUE, "forward_lean": _AMBER, "smiles": _ROSE}[name]
        for episode in content["episodes"]:
            left, right = self._span(episode["start"], episode["end"])
            row[3:-3, left:right] = _GREY if episode.get("kind") == "back" else colour
        if name == "forward_lean":
            self._curve(row, content["mm"], content["rate"])
        across = np.add.outer(np.arange(row.shape[0]), np.arange(self._width)) % 6 == 0
        for start, end in content["unknown"]:
            left, right = self._span(start, end)
            row[:, left:right][across[:, left:right]] = _GREY

    def _curve(self, row: np.ndarray, millimetres: Sequence[float | None], rate: float) -> None:
        middle = _ROW_PX / 2
        points: list[tuple[int, int]] = []
        for k in range(int(self._start * rate), min(int(self._end * rate) + 1, len(millimetres))):
            value = millimetres[k]
            if value is None:
                points = []
                continue
            up = float(np.clip(value / _LEAN_MM, -1, 1)) * (middle - 2)
            points = [*points[-1:], (self.cursor(k / rate), int(round(middle - up)))]
            if len(points) == 2:
                cv2.line(row, points[0], points[1], _INK, 1, cv2.LINE_AA)

    def _span(self, start: float, end: float) -> tuple[int, int]:
        if end <= self._start or start >= self._end:
            return 0, 0
        left = self.cursor(start)
        return left, max(self.cursor(end), left + 1)


def clock(seconds: float) -> str:
    """0:03.4"""
    tenths = int(round(10 * max(seconds, 0.0) - 1e-6))
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"
