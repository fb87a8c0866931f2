"""How far each cue can be trusted here: what reviewers said of episodes that were drawn at random."""

import pandas as pd
import streamlit as st

from cues.errors import SessionFolderError
from cues.library.folders import session_folder
from cues.library.session_folder import read_session
from cues.library.trust import trust
from cues.metrics.summary import SETUP_WORDS
from cues.review.agreement import wilson
from cues.web.running import running
from cues.web.visiting import visitor

CUE_WORDS = {"eye_contact": "Eye contact", "forward_lean": "Lean", "facial_mirroring": "Smiles"}


def page() -> None:
    """The page."""
    account = visitor()
    if account is None:
        return
    st.title("How far can each cue be trusted here?")
    st.write(
        "Of every session some episodes are drawn at random, and whoever reviews it can say whether they are right "
        "(on the page of a session, under Details). Only these count here: what somebody picks by themselves is what "
        "they doubt."
    )
    with running().library.reading() as db:
        found = trust(db, account, _setup_of)
    if not found:
        st.write("Nobody has judged drawn episodes yet, in the sessions that you can see.")
        return
    rows = []
    for one in found:
        low, high = wilson(one.agreed, one.judged)
        rows.append(
            {
                "Setup": SETUP_WORDS[one.setup],
                "Cue": CUE_WORDS[one.cue],
                "Agreed": f"{100 * one.agreed / one.judged:.0f} % ({100 * low:.0f}–{100 * high:.0f})",
                "Episodes": str(one.judged),
                "Sessions": str(one.sessions),
            }
        )
    st.table(pd.DataFrame(rows).set_index("Setup"))
    st.caption(
        "In brackets the 95 % interval (Wilson) as if every episode were independent; those of one session are alike, "
        "so the true one is wider. It says how often what the tool showed was right in the eyes of a reviewer who saw "
        "what the tool said; not how much it missed. Counted are the sessions that you can see."
    )


def _setup_of(session_id: str) -> str | None:
    try:
        return str(read_session(session_folder(running().library.folder, session_id)).summary["setup"])
    except SessionFolderError:
        return None
