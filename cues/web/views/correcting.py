"""Corrections from a page: checked, computed and written at once."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from cues.corrections import Correction, Corrections, add_correction
from cues.errors import CuesError
from cues.library.deeds import record
from cues.library.session_folder import load_corrections, save_corrections, write_results
from cues.metrics.session import measure_session
from cues.observations import RecordingFacts, read_observations
from cues.parameters import Parameters
from cues.web.views.acting import PROBLEM, act

if TYPE_CHECKING:
    from cues.web.views.session import Opened


def correct(opened: "Opened", correction: Correction, said: str) -> None:
    """Adds a correction; `said` is what the page says then."""
    change(opened, lambda corrections, facts: add_correction(corrections, correction, facts), said)


def change(opened: "Opened", change: Callable[[Corrections, RecordingFacts], Corrections], said: str) -> None:
    """Corrects, computes, writes; a correction that does not fit changes nothing and is said."""
    try:
        observations = read_observations(opened.folder)
        corrections = change(load_corrections(opened.folder), observations.facts)
        metrics = measure_session(observations, corrections, Parameters())
        save_corrections(opened.folder, corrections)
        write_results(opened.folder, metrics)
    except CuesError as problem:
        st.session_state[PROBLEM] = str(problem)
        st.rerun()
    act(lambda db, me: record(db, me.id, "correct", opened.session.id), said)
