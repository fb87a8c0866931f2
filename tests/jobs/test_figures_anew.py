"""Figures of an earlier version of the program are computed again, and nothing else is touched."""

import json

from cues.corrections import Corrections, Neutral
from cues.jobs.figures_anew import bring_up_to_date
from cues.library.accounts import Roles, create_account
from cues.library.database import open_library
from cues.library.folders import make_session_folder
from cues.library.session_folder import read_session, save_corrections, write_results
from cues.library.sessions import create_session
from cues.metrics.session import measure_session
from cues.metrics.summary import SCHEMA_VERSION
from cues.observations import write_observations
from cues.parameters import Parameters
from tests.made_session import made_session


def test_figures_of_an_earlier_version_are_computed_again_with_their_corrections(tmp_path):
    library = open_library(tmp_path)
    with library.writing() as db:
        ada = create_account(db, "ada@example.org", "Ada", Roles(trainee=True))
        ids = [create_session(db, ada, name, ada.created.date(), "auto", None).id for name in ("old", "bare", "new")]
    folders = [make_session_folder(library.folder, session_id) for session_id in ids]
    observations = made_session(minutes=2).observations
    corrections = Corrections((Neutral(0, 10.0, 20.0),))
    for folder in folders:
        write_observations(observations, folder)
        write_results(folder, measure_session(observations, corrections, Parameters()))
        save_corrections(folder, corrections)
    old, bare, new = folders
    for folder in (old, bare):
        summary = json.loads((folder / "session.json").read_text())
        (folder / "session.json").write_text(json.dumps(summary | {"schema": SCHEMA_VERSION - 1}))
    (bare / "observations.parquet").unlink()  # cannot be computed: its page says so
    before = {path: path.stat().st_mtime_ns for path in new.iterdir()}
    bring_up_to_date(library)
    library.close()
    told = read_session(old).summary
    assert told["schema"] == SCHEMA_VERSION
    assert [entry["kind"] for entry in told["corrections"]] == ["neutral"]
    assert json.loads((bare / "session.json").read_text())["schema"] == SCHEMA_VERSION - 1
    assert {path: path.stat().st_mtime_ns for path in new.iterdir()} == before
