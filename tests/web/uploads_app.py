"""A server with nothing but the routes of uploads, for the tests: `uvicorn tests.web.uploads_app:app`.

Who is signed in is what the header `Account` says. A line for every finished upload is added to `finished.txt`;
settings are environment variables, as the tests give them.
"""

import os
import time
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request

from cues.library.incoming import Incoming, Upload
from cues.web.uploads import upload_routes

FOLDER = Path(os.environ["UPLOADS_FOLDER"])


def account_of(request: Request) -> int | None:
    account = request.headers.get("account")
    return int(account) if account else None


def finished(upload: Upload) -> None:
    if (FOLDER / "fail").exists():
        raise RuntimeError("asked to fail")
    while (FOLDER / "wait").exists():
        time.sleep(0.05)
    with (FOLDER / "finished.txt").open("a") as file:
        file.write(f"{upload.id} {upload.owner} {upload.sha256}\n")


app = Starlette(
    routes=upload_routes(
        Incoming(
            FOLDER / "incoming",
            largest_bytes=int(os.environ.get("UPLOADS_LARGEST", 10**9)),
            reserve_bytes=int(os.environ.get("UPLOADS_RESERVE", 0)),
            suffixes=(".mp4", ".mov"),
        ),
        account_of,
        finished,
        stall_s=float(os.environ.get("UPLOADS_STALL_S", 30)),
    )
)
