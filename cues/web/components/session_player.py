"""The video and the timeline of its cues, as one component: what is played, drawn and clicked stays in the browser.

The page gives addresses, not data: the recording is read by the video element in ranges, the lanes come from one
request (`cues.web.timeline`). The page hears of single acts only (a comment written), never of the time that passes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from cues.library.comments import LONGEST

_HERE = Path(__file__).parent
_HTML = '<section class="session-player" aria-label="Recording and timeline"></section>'

_component = st.components.v2.component(
    "cues_session_player",
    html=_HTML,
    css=(_HERE / "session_player.css").read_text(encoding="utf-8"),
    js=(_HERE / "session_player.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Moment:
    """A time to jump to [s], and what it is, in words. `kind` groups them for "next" and "previous"."""

    start: float
    end: float
    kind: str
    words: str


def session_player(
    key: str,
    videos: list[str],
    alignment: dict[str, Any] | None,
    lanes: str,
    overlay: str,
    moments: list[Moment],
    proposed: list[Moment],
    comments: list[dict[str, Any]],
    taken: dict[str, Any],
    review: dict[str, Any],
    on_comment: Callable[[], None],
    on_verdict: Callable[[], None],
) -> None:
    """Mounts the player. `videos`, one or two, `lanes` and `overlay` (with MINUTE in place of the minute) are addresses
    on this server; `alignment` says where in the second video a time of the first is. `proposed` are those of the
    `moments` that are listed first, `comments` the stretches with any (start, end or None [s], settled).

    `on_comment` is called with one in the state's `comment`: id (drawn by the browser), start, end or None [s], cue or
    None, text; it is sent again until `taken` has its `id`, and stays in the box unless it was `kept`.

    review: `verdicts` of the visitor (the fields of a `Verdict`, at the episodes as they are now), `undo` and `redo`:
    the acts that these would be about, "" for none, `taken`: id of the act that the page took last. `on_verdict` is
    called with one in the state's `verdict`: {"id" (drawn by the browser), "act": give, undo or redo, "verdict" or
    "which"}; it is sent again until it is taken."""
    told = [{**moment.__dict__, "proposed": moment in proposed} for moment in moments]
    data = {
        "videos": videos,
        "alignment": alignment and {name: alignment[name] for name in ("offset_s", "drift_ppm")},
        "lanes": lanes,
        "overlay": overlay,
        "moments": told,
        "comments": comments,
        "taken": taken,
        "review": review,
        "longest": LONGEST,
    }
    _component(key=key, data=data, on_comment_change=on_comment, on_verdict_change=on_verdict)
