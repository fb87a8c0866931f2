"""Corrections from a page: checked, computed and written at once. For callbacks of controls."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from cues.corrections import Correction, Corrections, add_correction, undo_correction
from cues.library.deeds import record
from cues.library.session_folder import load_corrections, save_corrections, write_results
from cues.metrics.session import measure_session
from cues.observations import RecordingFacts, read_observations
from cues.parameters import Parameters
from cues.web.running import running
from cues.web.views.acting import do_on_own

if TYPE_CHECKING:
    from cues.web.views.session import Opened


def correct(opened: "Opened", correction: Correction, said: str) -> None:
    """Adds a correction, once where it is asked for twice in a row; `said` is what the page says then."""

    def added(corrections: Corrections, facts: RecordingFacts) -> Corrections:
        again = corrections.items[-1:] == (correction,)
        return corrections if again else add_correction(corrections, correction, facts)

    do_on_own(opened.session.id, partial(_change, opened, added), said)


def take_back(opened: "Opened") -> None:
    """Takes back the last correction."""
    do_on_own(opened.session.id, partial(_change, opened, undo_correction), "Taken back.")


def _change(opened: "Opened", change: Callable[[Corrections, RecordingFacts], Corrections]) -> None:
    """Corrects, computes, writes. Raises CuesError for a correction that does not fit; nothing has changed then."""
    observations = read_observations(opened.folder)
    before = load_corrections(opened.folder)
    corrections = change(before, observations.facts)
    if corrections == before:
        return
    metrics = measure_session(observations, corrections, Parameters())
    save_corrections(opened.folder, corrections)
    write_results(opened.folder, metrics)
    with running().library.writing() as db:
        record(db, opened.account.id, "correct", opened.session.id)
