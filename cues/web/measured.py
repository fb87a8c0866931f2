"""What was measured of a session, sample by sample, for what pages draw beyond its figures; the last few are kept.

An hour of two people takes about a second to compute from its tables, and some tens of MB while it is kept.
"""

from pathlib import Path
from threading import Lock

from cues.library.session_folder import load_corrections
from cues.metrics.session import SessionCues, measure_cues
from cues.observations import read_observations
from cues.parameters import Parameters

_KEPT = 3
_measured: dict[tuple[str, int], SessionCues] = {}
_measuring = Lock()


def measured_session(folder: Path) -> SessionCues:
    """The cues behind the figures that lie in `folder`, as they were last written.

    Raises SessionFolderError where the tables cannot be read.
    """
    key = (str(folder), (folder / "session.json").stat().st_mtime_ns)
    with _measuring:
        if key not in _measured:
            _measured[key] = measure_cues(read_observations(folder), load_corrections(folder), Parameters())
            while len(_measured) > _KEPT:
                del _measured[next(iter(_measured))]
        return _measured[key]
