"""A page with nothing but the report of the session in the folder REPORT_FOLDER, as Streamlit runs it."""

import os
from pathlib import Path

from cues.library.session_folder import read_session
from cues.web.report import View, first_screen, in_depth

LEFT_OUT = tuple(filter(None, os.environ.get("REPORT_LEFT_OUT", "").split(",")))

SESSION, VIEW = read_session(Path(os.environ["REPORT_FOLDER"])), View("0" * 32, "1", True, LEFT_OUT, files=())
first_screen(SESSION, VIEW)
in_depth(SESSION, VIEW)
