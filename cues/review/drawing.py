"""Episodes drawn at random, on which alone it can be judged how often the tool is right.

What somebody picks to judge is what they find doubtful or striking; a share of right ones among these says nothing of
the others. The draw depends on the session's id only, so that every reviewer meets the same episodes.
"""

import random
from collections.abc import Collection, Sequence
from typing import Any

from cues.review.verdicts import JUDGED

Row = dict[str, Any]

DRAWN_PER_CUE = 6


def drawn_episodes(episodes: Sequence[Row], session_id: str, left_out: Collection[str]) -> list[Row]:
    """At most `DRAWN_PER_CUE` episodes of each cue that is not left out, of everybody in the session, by start."""
    by_cue: dict[str, list[Row]] = {}
    for row in episodes:
        cue = JUDGED.get((row["cue"], row["kind"]))
        if cue is not None and cue not in left_out:
            by_cue.setdefault(cue, []).append(row)
    found: list[Row] = []
    for cue, rows in sorted(by_cue.items()):
        found += random.Random(f"{session_id} {cue}").sample(rows, min(DRAWN_PER_CUE, len(rows)))
    return sorted(found, key=lambda row: (row["start"], row["person"]))
