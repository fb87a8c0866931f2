"""The web application: `python app.py`, or `streamlit run app.py`.

It serves a library of practice sessions to this machine (or, behind a proxy with HTTPS, to a clinic's network) and
contacts no other. Settings are CUES_* environment variables (README.md) and `.streamlit/config.toml`.
"""

from cues.errors import CuesError
from cues.library.database import open_library
from cues.web.application import make_application
from cues.web.settings import read_settings

try:
    settings = read_settings()
    open_library(settings.library, settings.database_url).close()  # what keeps it shut is said before the server starts
except CuesError as problem:
    raise SystemExit(str(problem)) from None

app = make_application(settings)

if __name__ == "__main__":
    app.run(config={"server.port": settings.port} if settings.port else None)
