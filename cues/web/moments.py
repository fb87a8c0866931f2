"""Moments worth looking at: at most six of a session, mixed from the cues, two of them drawn at random.

The random ones are there because what a tool picks is what a tool finds remarkable. They are drawn by the session's
id, so that everybody who opens a session sees the same ones. Words ask and do not judge.
"""

import random
from typing import Any

from cues.web.components.session_player import Moment

Row = dict[str, Any]

PROPOSED, AT_RANDOM = 6, 2
_LEAST_S = {"away": 3.0, "contact": 3.0, "lean": 2.0}


def all_moments(summary: Row, episodes: list[Row]) -> list[Moment]:
    """Every moment of a session by time; without the cues that were left out of `episodes`."""
    trainee = next(p for p in summary["people"] if p["role"] == "trainee")
    settled = trainee["cues"].get("eye_contact", {}).get("state") == "confident"
    found = [_moment(episode, settled, summary["setup"]) for episode in episodes]
    return sorted((m for m in found if m is not None), key=lambda m: m.start)


def proposed(summary: Row, episodes: list[Row], session_id: str) -> list[Moment]:
    """At most PROPOSED of them by time: the longest of each kind in turn, then AT_RANDOM of the others."""
    every = all_moments(summary, episodes)
    kinds: dict[str, list[Moment]] = {}
    for moment in sorted(every, key=lambda m: m.start - m.end):
        kinds.setdefault(moment.kind, []).append(moment)
    chosen: list[Moment] = []
    rank = 0
    while len(chosen) < PROPOSED - AT_RANDOM and any(len(of_kind) > rank for of_kind in kinds.values()):
        chosen += [of_kind[rank] for of_kind in kinds.values() if len(of_kind) > rank]
        rank += 1
    chosen = chosen[: PROPOSED - AT_RANDOM]
    rest = [moment for moment in every if moment not in chosen]
    drawn = random.Random(session_id).sample(rest, min(AT_RANDOM, len(rest)))
    return sorted([*chosen, *drawn], key=lambda m: m.start)


def _moment(episode: Row, settled: bool, setup: str) -> Moment | None:
    start, end, cue, kind = (episode[name] for name in ("start", "end", "cue", "kind"))
    length, mine = end - start, episode["role"] == "trainee"
    if cue == "facial_mirroring":
        who = "The trainee's smile answered the client's" if mine else "The client's smile answered the trainee's"
        return Moment(start, end, "shared smile", f"{who} {episode['strength']:.1f} s later. What was it about?")
    if not mine:
        return None
    if cue == "eye_contact" and settled and kind.startswith("away") and length >= _LEAST_S["away"]:
        way = kind.removeprefix("away_")
        return Moment(start, end, "away", f"Away ({way}) for {length:.0f} s. Tact, thought, notes?")
    if cue == "eye_contact" and settled and kind == "eye_contact" and length >= _LEAST_S["contact"]:
        return Moment(start, end, "toward the client", f"Toward the client's picture for {length:.0f} s. What held it?")
    if cue == "forward_lean" and length >= _LEAST_S["lean"]:
        closer = "Leaned toward the client" if setup == "shared_room" else "Moved closer to the camera"
        moved = closer if kind == "forward" else "Moved back"
        return Moment(start, end, "lean", f"{moved} for {length:.0f} s. What was being said?")
    return None
