"""truth.json: what is exactly known about a rendered session.

Times are seconds from the first frame, angles degrees, lengths cm, boxes pixels [x, y, width, height].
Left, right and the sign of h are those of the picture.

- `schema` 1; `seed`; `setup` "split_screen" or "shared_room"; `video`: width, height, rate [frames/s],
  duration [s].
- `people[]` (two-shot: also `head_yaw_to_lens_deg`, the mean): `person` 0 or 1, `side`, `role`, `name`,
  `tile` the person's box in the picture (whole picture when shared); `camera_f_over_tile_width` focal
  length over tile width, principal point in the middle of the tile; `distance_cm` lens to upper neck at the
  neutral place.
- `targets`: name: h, v relative to the ray from the eyes to the lens, seen from the neutral place; each is
  a fixed point in space, so the direction changes a little as the person moves.
- `gaze[]`: contiguous stretches {start, end, target}; a stretch changes at the middle of the saccade.
  "partner" is the other person's face (in a call: the window that shows it).
- `blinks[]`: [start, end] from the first to the last movement of the lid; lids are more than half closed in
  about the stretch from 0.17 to 0.75 of it.
- `leans[]`: {start, end, cm}: while the head is 5 cm or more towards the lens (or, in a shared room, the
  other person) than the neutral posture by leaning alone, sway and sag left out; `cm` > 0 forward, < 0
  back, is the plateau.
- `smiles[]`: `onset` and `end` are the first and last movement, `amplitude` the weight of the smile shape
  (0-1); `mirrors` is null, or {onset, delay}: the other's smile that it answers and how long after it.
- `speech[]`: [start, end] of the person's turns; `turns[]` at the top: who says what when.
- `per_minute[]`: {minute (from 1), person, eye_contact_pct}: share of the minute's time looking at the
  partner, time in blinks left out of both.
"""

import json
from pathlib import Path

import numpy as np

from . import session
from .session import Part

LEAN_EVENT_CM = 5.0


def _r(x: float, digits: int = 3) -> float:
    return round(float(x), digits)


def lean_events(part: Part, duration: float) -> list[dict[str, float]]:
    """When each lean passes LEAN_EVENT_CM, to 5 ms."""
    events = []
    for lean in part.leans:
        times = np.arange(lean.start, min(lean.end, duration), 0.005)
        beyond = times[np.abs(session.lean_cm([lean], times)) >= LEAN_EVENT_CM]
        if len(beyond):
            events.append({"start": _r(beyond[0]), "end": _r(beyond[-1]), "cm": _r(lean.cm, 2)})
    return events


def eye_contact_pct(part: Part, start: float, end: float) -> float:
    """Share of start..end looking at the partner, blinks excluded, in percent."""
    times = np.arange(start, end, 0.01)
    seen = np.ones(len(times), bool)
    for s, e in part.blinks:
        seen &= ~((times >= s) & (times < e))
    contact = np.zeros(len(times), bool)
    for g in part.gaze:
        if g.target == "partner":
            contact |= (times >= g.start) & (times < g.end)
    return 100.0 * float((contact & seen).sum()) / max(1, int(seen.sum()))


def describe(part: Part, duration: float, **about: object) -> dict:
    """One entry of `people`; `about` gives person, side, role, name, tile and camera_f_over_tile_width."""
    return {
        **about,
        "distance_cm": _r(np.linalg.norm(part.pivot), 2),
        "targets": {name: {"h": _r(h), "v": _r(v)} for name, (h, v, _) in part.targets.items()},
        "gaze": [{"start": _r(g.start), "end": _r(g.end), "target": g.target} for g in part.gaze],
        "blinks": [[_r(s), _r(e)] for s, e in part.blinks],
        "leans": lean_events(part, duration),
        "smiles": [
            {
                "onset": _r(s.onset),
                "end": _r(s.end),
                "amplitude": _r(s.amplitude),
                "mirrors": None if s.answers is None else {"onset": _r(s.answers), "delay": _r(s.onset - s.answers)},
            }
            for s in part.smiles
        ],
        "speech": [[_r(s), _r(e)] for s, e in part.speech],
    }


def per_minute(parts: list[Part], duration: float) -> list[dict[str, float]]:
    """One row per minute and person; a last minute under 5 s is left out."""
    starts = np.arange(0, duration - 5.0, 60.0)
    return [
        {"minute": k + 1, "person": i, "eye_contact_pct": _r(eye_contact_pct(p, s, min(s + 60, duration)), 2)}
        for k, s in enumerate(starts)
        for i, p in enumerate(parts)
    ]


def write(path: Path, content: dict) -> None:
    """Compact but readable JSON: one event a line."""
    text = json.dumps(content, ensure_ascii=False, indent=1)
    path.write_text(text + "\n", encoding="utf-8")
