"""The web application: `python app.py`, or `streamlit run app.py`.

It serves the report of one analysed session (`cues/web/report.py`) to this machine only, and contacts no other.
CUES_REPORT is the session's folder (videos/sample/report when not given). CUES_PORT is the port for `python app.py`;
without it the first free one from 8501 on is taken. The other settings are in `.streamlit/config.toml`.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st


@asynccontextmanager
async def announced(_: st.App) -> AsyncIterator[dict[str, Any]]:
    """Says where the application is, once, when its port is settled."""
    address = f"http://{st.get_option('server.address')}:{st.get_option('server.port')}"
    print(f"The report: {address}  (Ctrl-C ends it)", flush=True)
    yield {}


app = st.App(Path(__file__).resolve().parent / "cues" / "web" / "report.py", lifespan=announced)

if __name__ == "__main__":
    port = os.environ.get("CUES_PORT", "")
    if port and not (port.isdecimal() and 0 < int(port) < 65536):
        raise SystemExit(f"CUES_PORT is '{port}': it must be a port number, such as 8501.")
    app.run(config={"server.port": int(port)} if port else None)
