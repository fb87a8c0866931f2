"""A page with nothing but the drop zone, and the routes it sends to: `uvicorn tests.web.drop_zone_app:app`.

One account is signed in unless there is a file `signed_out`. While there is a file `hold`, no upload is taken in beyond
the bytes that it names: the connection then stands still. The answers carry the application's content security policy.
A line for every finished upload is added to `finished.txt`.
"""

import asyncio
import os
from pathlib import Path

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cues.library.incoming import Incoming, Upload
from cues.web.gate import POLICY
from cues.web.uploads import upload_routes

FOLDER = Path(os.environ["UPLOADS_FOLDER"])
SUFFIXES = (".mp4", ".mov")
LARGEST = 60_000_000


def account_of(request: Request) -> int | None:  # noqa: ARG001
    return None if (FOLDER / "signed_out").exists() else 1


def finished(upload: Upload) -> None:
    with (FOLDER / "finished.txt").open("a") as file:
        file.write(f"{upload.id} {upload.owner} {upload.sha256}\n")


class HoldingWithPolicy:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        offset = int(dict(scope.get("headers", ())).get(b"upload-offset", 0))

        async def received() -> Message:
            nonlocal offset
            while scope.get("method") == "PATCH" and offset >= most_bytes():
                await asyncio.sleep(0.05)
            message = await receive()
            offset += len(message.get("body", b""))
            return message

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Content-Security-Policy"] = POLICY
            await send(message)

        await self.app(scope, received, sent)


def most_bytes() -> float:
    try:
        return float((FOLDER / "hold").read_text())
    except FileNotFoundError:
        return float("inf")


incoming = Incoming(FOLDER / "incoming", largest_bytes=LARGEST, reserve_bytes=0, suffixes=SUFFIXES)
app = st.App(
    Path(__file__).parent / "drop_zone_page.py",
    routes=upload_routes(incoming, account_of, finished, stall_s=300),
    middleware=[Middleware(HoldingWithPolicy)],
)
