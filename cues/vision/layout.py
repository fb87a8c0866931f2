"""Where each person's picture is: tiles of a recorded call, or one room with everybody in it.

A picture is cut only where it has to be: between people. A cut is either a static uniform bar (the canvas of a call)
or a straight line, exactly vertical or horizontal, along which the picture is torn over its whole length in every
frame. A picture inside another (picture-in-picture) is a rectangle of such lines around a face. What cannot be cut is
one room.

Conventions: pictures are grey float arrays (k, h, w) of one stretch of the recording; rectangles x, y, w, h in px;
`boxes` are face boxes (n, 4) and `owner` says to which of the people each belongs.
"""

from collections.abc import Callable

import cv2
import numpy as np

from cues.parameters import Layout


def tiles_of(pictures: np.ndarray, boxes: np.ndarray, owner: np.ndarray, parameters: Layout) -> list[np.ndarray]:
    """The tile of each person 0..max(owner), in their order; people who share a tile get the same rectangle."""
    evidence = _Evidence(pictures, parameters)
    whole = np.array([0, 0, pictures.shape[2], pictures.shape[1]])
    groups = {int(p): boxes[owner == p] for p in np.unique(owner)}
    found = _split(evidence, whole, groups, canvas=None)
    return [found[person] for person in sorted(groups)]


class _Evidence:
    """Static structure of a stretch: where lines are torn, where bars are flat."""

    def __init__(self, pictures: np.ndarray, parameters: Layout) -> None:
        self.parameters = parameters
        pictures = pictures.astype(np.float32)
        mean = pictures.mean(0)
        self.flicker = pictures.std(0)
        self.across = _tears(mean, axis=1)
        self.down = _tears(mean, axis=0)
        self.mean = mean

    def vertical(self, x: int, top: int, bottom: int) -> float:
        """Share of the rows in [top, bottom) torn between the columns around x."""
        return float(self.across[top:bottom, max(x - 1, 0) : x + 2].max(1).mean())

    def horizontal(self, y: int, left: int, right: int) -> float:
        """Share of the columns in [left, right) torn between the rows around y."""
        return float(self.down[max(y - 1, 0) : y + 2, left:right].max(0).mean())

    def flat(self, part: tuple[slice, slice], canvas: float | None = None) -> bool:
        """Whether a bar is of one colour and never changes.

        With the canvas's grey level given, of that colour or as dark as a letterbox: a plain wall is not canvas.
        """
        p = self.parameters
        values = self.mean[part]
        if canvas is not None and values.mean() > p.dark_grey and abs(values.mean() - canvas) > 2 * p.flat_grey:
            return False
        return bool(
            np.percentile(values, 95) - np.percentile(values, 5) < p.flat_grey
            and np.percentile(self.flicker[part], 90) < p.flat_grey / 2
        )


def _tears(mean: np.ndarray, axis: int) -> np.ndarray:
    """Where the picture jumps across a line much more than beside it: bool, the jump is before the index."""
    step = np.abs(np.diff(mean, axis=axis, prepend=np.take(mean, [0], axis)))
    near = [np.roll(step, shift, axis) for shift in (-5, -4, -3, 3, 4, 5)]
    return (step > 3 + 2.0 * np.mean(near, axis=0)).astype(np.float32)


def _split(
    evidence: _Evidence, region: np.ndarray, groups: dict[int, np.ndarray], canvas: float | None
) -> dict[int, np.ndarray]:
    region = _trim(evidence, region, np.concatenate(list(groups.values())), canvas)
    if len(groups) == 1:
        return {person: region for person in groups}
    for vertical in (True, False):
        cut = _best_cut(evidence, region, groups, vertical)
        if cut is None:
            continue
        at, first, colour = cut
        canvas = colour if colour is not None else canvas
        x, y, w, h = region
        one, two = (
            (np.array([x, y, at - x, h]), np.array([at, y, x + w - at, h]))
            if vertical
            else (np.array([x, y, w, at - y]), np.array([x, at, w, y + h - at]))
        )
        inside = {p: b for p, b in groups.items() if p in first}
        outside = {p: b for p, b in groups.items() if p not in first}
        return {**_split(evidence, one, inside, canvas), **_split(evidence, two, outside, canvas)}
    by_size = sorted(groups, key=lambda p: np.median(groups[p][:, 2] * groups[p][:, 3]))
    inset = _inset(evidence, region, groups[by_size[0]], [groups[p] for p in by_size[1:]])
    if inset is not None:
        rest = {p: groups[p] for p in by_size[1:]}
        return {by_size[0]: inset, **_split(evidence, region, rest, canvas)}
    return {person: region for person in groups}


def _best_cut(
    evidence: _Evidence, region: np.ndarray, groups: dict[int, np.ndarray], vertical: bool
) -> tuple[int, set[int], float | None] | None:
    """The best place to cut between people, who is before it, and the canvas's grey level where it is a bar."""
    axis = 0 if vertical else 1
    start, length = int(region[axis]), int(region[axis + 2])
    other, other_length = int(region[1 - axis]), int(region[3 - axis])
    spans = {p: (b[:, axis].min(), (b[:, axis] + b[:, axis + 2]).max()) for p, b in groups.items()}
    best: tuple[float, int, set[int], float | None] | None = None
    for at in range(start + 1, start + length):
        before = {p for p, (_, high) in spans.items() if high <= at}
        after = {p for p, (low, _) in spans.items() if low >= at}
        if not before or not after or len(before) + len(after) < len(spans):
            continue
        colour = _bar_colour(evidence, region, at, vertical)
        measure = evidence.vertical if vertical else evidence.horizontal
        score = 1.0 if colour is not None else measure(at, other, other + other_length)
        if best is None or score > best[0]:
            best = (score, at, before, colour)
    if best is None or best[0] < evidence.parameters.tear_share:
        return None
    return best[1:]


def _bar_colour(evidence: _Evidence, region: np.ndarray, at: int, vertical: bool) -> float | None:
    """Grey level of the bar of canvas across the region at `at`, or None where there is none.

    A bar ends in a jump on one side at least; a plain wall behind two people, as flat as canvas, does not.
    """
    axis = 0 if vertical else 1
    low, high = int(region[axis]), int(region[axis] + region[axis + 2])
    other, past = int(region[1 - axis]), int(region[1 - axis] + region[3 - axis])
    measure = evidence.vertical if vertical else evidence.horizontal

    def strip(a: int, b: int) -> tuple[slice, slice]:
        return (slice(other, past), slice(a, b)) if vertical else (slice(a, b), slice(other, past))

    if not evidence.flat(strip(at - 2, at + 2)):
        return None
    left = next((k for k in range(at - 2, low + 1, -1) if not evidence.flat(strip(k - 2, k))), low)
    right = next((k for k in range(at + 2, high - 1) if not evidence.flat(strip(k, k + 2))), high)
    jumps = [measure(k + d, other, past) for k in (left, right) if low < k < high for d in (-2, 0, 2)]
    return (
        float(evidence.mean[strip(left, right)].mean())
        if max(jumps, default=0.0) >= evidence.parameters.edge_share
        else None
    )


def _trim(evidence: _Evidence, region: np.ndarray, boxes: np.ndarray, canvas: float | None) -> np.ndarray:
    """The region up to the nearest bars of canvas around the faces (what lies behind a bar is a title, not a room)."""
    colour = canvas if canvas is not None else 0.0
    left, top = int(region[0]), int(region[1])
    right, bottom = left + int(region[2]), top + int(region[3])
    low_x, low_y = (int(boxes[:, i].min()) for i in (0, 1))
    high_x, high_y = (int((boxes[:, i] + boxes[:, i + 2]).max()) for i in (0, 1))

    def bar(rows: slice, columns: slice) -> bool:
        return evidence.flat((rows, columns), colour)

    def ends(line: float, beyond: tuple[slice, slice]) -> bool:
        """A picture ends with a jump, or where only canvas follows; dark clothes begin without one."""
        return line >= evidence.parameters.edge_share or bar(*beyond)

    for _ in range(2):  # a bar across the whole width may only be seen once the sides are off, and the other way round
        rows, columns = slice(top, bottom), slice(left, right)
        for x in range(low_x - 1, left + 1, -1):
            if bar(rows, slice(x - 2, x)) and ends(evidence.vertical(x, top, bottom), (rows, slice(left, x))):
                left = x
                break
        for x in range(high_x + 1, right - 1):
            if bar(rows, slice(x, x + 2)) and ends(evidence.vertical(x, top, bottom), (rows, slice(x, right))):
                right = x
                break
        columns = slice(left, right)
        for y in range(low_y - 1, top + 1, -1):
            if bar(slice(y - 2, y), columns) and ends(evidence.horizontal(y, left, right), (slice(top, y), columns)):
                top = y
                break
        for y in range(high_y + 1, bottom - 1):
            if bar(slice(y, y + 2), columns) and ends(evidence.horizontal(y, left, right), (slice(y, bottom), columns)):
                bottom = y
                break
    return np.array([left, top, right - left, bottom - top])


def _inset(evidence: _Evidence, region: np.ndarray, small: np.ndarray, others: list[np.ndarray]) -> np.ndarray | None:
    """The rectangle of torn lines around a face inside somebody else's picture, or None."""
    x, y, w, h = region
    left, top = small[:, 0].min(), small[:, 1].min()
    right, bottom = (small[:, 0] + small[:, 2]).max(), (small[:, 1] + small[:, 3]).max()
    size = np.sqrt(np.median(small[:, 2] * small[:, 3]))
    reach = 3.0 * size
    high, low = int(max(top - 0.2 * size, y)), int(min(bottom + 0.5 * size, y + h))

    def nearest_line(
        candidates: range, border: float, measure: Callable[[int, int, int], float], a: int, b: int
    ) -> int | None:
        scored = [(measure(at, a, b), at) for at in candidates]
        best = max(scored, default=(0.0, 0))
        if best[0] >= evidence.parameters.tear_share:
            return best[1]
        reached = len(candidates) == 0 or abs(candidates[-1] - border) <= 2
        return int(border) if reached else None

    x0 = nearest_line(range(int(left), int(max(left - reach, x)), -1), x, evidence.vertical, high, low)
    x1 = nearest_line(range(int(right), int(min(right + reach, x + w))), x + w, evidence.vertical, high, low)
    if x0 is None or x1 is None:
        return None
    y0 = nearest_line(range(int(top), int(max(top - reach, y)), -1), y, evidence.horizontal, x0, x1)
    y1 = nearest_line(range(int(bottom), int(min(bottom + reach, y + h))), y + h, evidence.horizontal, x0, x1)
    if y0 is None or y1 is None:
        return None
    rectangle = np.array([x0, y0, x1 - x0, y1 - y0])
    torn = [
        evidence.vertical(side, y0, y1) >= evidence.parameters.tear_share
        for side in (x0, x1)
        if abs(side - x) > 2 and abs(side - x - w) > 2
    ]
    if not all(torn) or rectangle[2] * rectangle[3] > 0.4 * w * h:
        return None
    centres = np.concatenate([b[:, :2] + b[:, 2:] / 2 for b in others])
    inside = (centres[:, 0] > x0) & (centres[:, 0] < x1) & (centres[:, 1] > y0) & (centres[:, 1] < y1)
    return None if inside.mean() > 0.5 else rectangle


def thumbnail(image: np.ndarray) -> np.ndarray:
    """A small grey picture (36, 64) float32 to compare frames by."""
    return cv2.resize(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), (64, 36), interpolation=cv2.INTER_AREA).astype(
        np.float32
    )


def changed_share(a: np.ndarray, b: np.ndarray, parameters: Layout) -> float:
    """Share of the picture (two thumbnails) that is not what it was."""
    return float((np.abs(a - b) > parameters.changed_grey).mean())
