"""What a short look says of each cue, as lines of a page."""

from typing import Any

from cues.probe_verdicts import CUES, VERDICTS

Row = dict[str, Any]


def verdict_line(verdict: Row) -> str:
    """Eye contact: works. Why. What to change, in bold."""
    change = f" **{verdict['change']}**" if verdict["change"] else ""
    return f"{CUES[verdict['cue']].capitalize()}: **{VERDICTS[verdict['verdict']]}**. {verdict['why']}{change}"


def first_change(verdict: Row | None, several: bool) -> str:
    """The one thing to change, with whom it concerns."""
    if verdict is None or verdict["change"] is None:
        return "Nothing in the picture needs to change."
    who = f"Person {verdict['person']} from the left: " if several and verdict["person"] is not None else ""
    return f"First thing to change. {who}{verdict['change']}"
