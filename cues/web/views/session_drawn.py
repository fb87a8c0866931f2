"""Episodes drawn at random, to be judged one by one; behind "Details"."""

from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from cues.library.session_folder import StoredSession, analysis_of
from cues.library.verdicts import Reviewer, give
from cues.review.drawing import drawn_episodes
from cues.review.verdicts import AGREE, DISAGREE, Verdict, attach
from cues.web.charts import jump_to
from cues.web.sentences import clock
from cues.web.views.acting import do
from cues.web.views.addresses import PAGES, TRUST

if TYPE_CHECKING:
    from cues.web.views.session import Opened

Row = dict[str, Any]

_WORDS = {
    "eye_contact": "eye contact",
    "forward": "leaning forward",
    "head_forward": "head forward",
    "back": "leaning back",
    "smile": "smiling",
}


def show(opened: "Opened", stored: StoredSession, reviewers: list[Reviewer]) -> None:
    """What is still to be judged of the draw by this visitor."""
    episodes = drawn_episodes(stored.episodes.to_pylist(), opened.session.id, opened.left_out)
    if not episodes or not opened.recordings:
        return
    mine = next((one.drawn for one in reviewers if one.account_id == opened.account.id), ())
    judged = attach(mine, episodes).of
    with st.expander("Details: were these right? Help to find out how far the figures can be trusted"):
        st.write(
            f"{len(episodes)} episodes of this session were drawn at random; you have judged {len(judged)}. Look at "
            "each, then say whether it is what the tool says."
        )
        for index, row in enumerate(episodes):
            if index not in judged:
                _one(opened, row, analysis_of(stored.summary))
        st.page_link(st.session_state[PAGES][TRUST], label="How far each cue can be trusted here")


def _one(opened: "Opened", row: Row, analysis: str) -> None:
    start, end = row["start"], row["end"]
    with st.container(horizontal=True, vertical_alignment="center"):
        link = f"[{clock(start)}, {end - start:.1f} s]({jump_to(max(start - 1, 0), end + 1)})"
        st.markdown(f"{link} · {row['role']}, {_WORDS[row['kind']]}", width="stretch")
        for word, label in ((AGREE, "Right"), (DISAGREE, "Not right")):
            verdict = Verdict(word, row["person"], row["cue"], row["kind"], start, end)
            change = partial(give, session_id=opened.session.id, verdicts=[verdict], analysis=analysis, drawn=True)
            key = f"drawn-{word}-{row['person']}-{row['kind']}-{start}"
            st.button(label, key=key, on_click=do, args=(change, "Your verdict is kept."))
