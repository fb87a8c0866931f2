"""A trainee's own figures over their sessions; nobody else sees this page."""

import streamlit as st

from cues.errors import SessionFolderError
from cues.library.folders import session_folder
from cues.library.guesses import own_guesses
from cues.library.session_folder import read_session
from cues.library.sessions import left_out_of, visible
from cues.metrics.summary import SETUP_WORDS
from cues.web.progress import (
    LEAST_MINUTES,
    LINES,
    Gap,
    Line,
    Point,
    Row,
    band,
    gap_chart,
    measured_figure,
    point_of,
    progress_chart,
)
from cues.web.running import running
from cues.web.sentences import guessed
from cues.web.visiting import visitor


def page() -> None:
    """The page."""
    account = visitor()
    if account is None:
        return
    st.title("My progress")
    st.caption(
        "Only you see this page. More is not better: it shows whether something has changed, not whether it is good."
    )
    library = running().library
    with library.reading() as db:
        mine = [s for s in db.scalars(visible(account)) if s.trainee_id == account.id]
        left_out = left_out_of(db, account, mine)
        mine = [s for s in mine if not left_out[s.id]]  # not before they have guessed
        guesses = own_guesses(db, account)
    found: dict[str, list[tuple[str, str, Row, list[Row]]]] = {}
    dates = {s.id: s.held_on for s in mine}
    for session in mine:
        try:
            stored = read_session(session_folder(library.folder, session.id))
        except SessionFolderError:
            continue  # not analysed yet
        rows = [row for row in stored.minutes.to_pylist() if row["role"] == "trainee"]
        found.setdefault(stored.summary["setup"], []).append((session.id, session.title, stored.summary, rows))
    if not found:
        st.write("There is no analysed session yet.")
        return
    setup = max(found, key=lambda name: len(found[name]))
    if len(found) > 1:
        setup = st.selectbox(
            "Sessions of one setup are compared", list(found), list(found).index(setup), format_func=_setup_words
        )
    for line in LINES:
        points = [point_of(i, title, dates[i], rows, line.column) for i, title, _, rows in found[setup]]
        _one([point for point in points if point is not None], line, len(found[setup]))
        gaps = [
            Gap(title, dates[i], guess.figures[line.column], measured_figure(summary, line.column))
            for i, title, summary, _ in found[setup]
            if (guess := guesses.get(i)) is not None and line.column in guess.figures and not guessed(summary)
        ]
        if gaps:
            st.markdown("**What you thought, and what was measured**")
            st.vega_lite_chart(spec=gap_chart(line, gaps), width="stretch")
            st.caption(
                "Ring: your guess; dot: measured, with its interval. A ring without a dot: it could not be measured."
            )
    st.caption(
        f"A point is the mean of a session's measured minutes, of at least {LEAST_MINUTES}. Grey: around your last but "
        "one session; a last session inside it differs by no more than minutes of one session differ by themselves. "
        "Different clients and topics make the true band wider, so a point outside may still be no change."
    )


def _one(points: list[Point], line: Line, sessions: int) -> None:
    st.header(line.title)
    if len(points) < 2:
        st.write(f"{len(points)} of {sessions} sessions have a figure; two are needed to compare.")
        return
    st.vega_lite_chart(spec=progress_chart(line, points), width="stretch")
    half, ordered = band(points), sorted(points, key=lambda point: point.held_on)
    difference = ordered[-1].value - ordered[-2].value
    if half is not None:
        inside = abs(difference) <= half
        words = "no finding" if inside else "more than minutes of one session differ by themselves"
        st.write(f"Last against the one before: {difference:+.0f} points, band ±{half:.0f}: {words}.")


def _setup_words(setup: str) -> str:
    return SETUP_WORDS[setup]
