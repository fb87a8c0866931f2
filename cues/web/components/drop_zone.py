"""The place on a page where recordings are dropped: a tus client in the browser, in front of `cues.web.uploads`.

An upload belongs to the open page, not to a script run: reruns, a moved or unmounted zone and a new websocket leave it
alone. After a lost connection or a restarted server it goes on by itself; after a closed browser it goes on when the
same file is chosen again, because the browser remembers the upload's address until the upload ends.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from cues.web.uploads import ADDRESS

PIECE_BYTES = 16 << 20
"""Bytes of one PATCH: what the browser holds in memory, and as much as a refusal makes it send in vain."""

_HERE = Path(__file__).parent

_component = st.components.v2.component(
    "cues_drop_zone",
    html='<section class="drop-zone" aria-label="Upload of recordings"></section>',
    css=(_HERE / "drop_zone.css").read_text(encoding="utf-8"),
    js=(_HERE / "drop_zone.js").read_text(encoding="utf-8"),
)


def drop_zone(
    key: str,
    session_id: str,
    suffixes: Sequence[str],
    largest_bytes: int,
    most_files: int = 2,
    on_uploaded: Callable[[], None] = lambda: None,
    what: str = "recording",
) -> Any:
    """Mounts the drop zone for one session; `session_id` is "" for files of no session.

    `suffixes` (lower case, with their dot; none means any) and `largest_bytes` are told and refused in the browser, as
    the server does once more. `most_files` is how many are still wanted: unfinished uploads count, finished ones do
    not, so a page gives the number that its session lacks. `what` is dropped here, in a word.

    The result's `uploaded` is {"id", "name", "size"} of an upload that has just ended, else None; `on_uploaded` is
    called then. What the session has by now is to be read from the library: of two uploads that end at the same
    moment, only the last may be told.
    """
    data = {
        "zone": key,
        "session": session_id,
        "suffixes": list(suffixes),
        "largest": largest_bytes,
        "most": most_files,
        "what": what,
        "address": ADDRESS,
        "piece": PIECE_BYTES,
    }
    return _component(key=key, data=data, on_uploaded_change=on_uploaded)
