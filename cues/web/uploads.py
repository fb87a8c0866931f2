"""Routes that take recordings in: the tus 1.0.0 protocol, under /api/uploads.

A browser or any tus client creates an upload, sends it in pieces, asks after a break how far it is and goes on; the
extensions creation, termination and checksum are there. What lies on disk is `cues.library.incoming`; here is only the
protocol. A piece goes through memory in blocks, all disk work happens in threads, and every refusal is one sentence
that can be shown to the person who uploads.
"""

import asyncio
import base64
import binascii
import hashlib
import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from cues.library import incoming as on_disk
from cues.library.incoming import Chunk, Incoming, Upload

ADDRESS = "/api/uploads"
VERSION = "1.0.0"
EXTENSIONS = "creation,termination,checksum"
BLOCK_BYTES = 1 << 20
DISCARDED_BYTES = 16 << 20
"""A refused piece is read to its end up to this size: a browser hears a refusal only after it has sent everything."""
DISCARDING_S = 10.0

_SESSION_ID = re.compile(r"[0-9a-f]{32}")
_STATUS: dict[type[on_disk.UploadError], int] = {
    on_disk.TooLarge: 413,
    on_disk.WrongKind: 415,
    on_disk.TooManyOpen: 429,
    on_disk.DiskFull: 507,
    on_disk.Busy: 423,
    on_disk.WrongOffset: 409,
    on_disk.ChecksumMismatch: 460,
    on_disk.Gone: 404,
}
_NO_SUCH_UPLOAD = "There is no such upload."

AccountOf = Callable[[Request], int | None]
OnComplete = Callable[[Upload], None]
Result = TypeVar("Result")


class _Refused(Exception):
    """An answer other than the one that was asked for."""

    def __init__(self, status: int, sentence: str, **headers: str) -> None:
        super().__init__(sentence)
        self.response = _answer(status, sentence, **headers)


def upload_routes(
    incoming: Incoming, account_of: AccountOf, on_complete: OnComplete, stall_s: float = 30.0
) -> list[Route]:
    """The routes of uploads into `incoming`.

    `account_of` gives the id of the account that sent a request, or none when nobody is signed in. `on_complete` gets
    an upload when its last byte is there and its SHA-256 is known; it and `account_of` run in threads. It is called
    once, but again when it raised or the process died in it, as soon as the client asks after the upload. A piece of
    which nothing comes for `stall_s` is ended, so that a lost connection does not lock the upload.
    """

    async def create(request: Request) -> Response:
        owner = await _signed_in(request, account_of)
        _check_version(request)
        length = _whole_number(request, "Upload-Length")
        name, session_id = _metadata(request.headers.get("upload-metadata", ""))
        upload = await _disk(on_disk.create_upload, incoming, owner, length, name, session_id)
        return _answer(201, location=f"{ADDRESS}/{upload.id}", upload_offset="0")

    async def tell(request: Request) -> Response:
        upload = await _own_upload(request, incoming, account_of)
        _check_version(request)
        if upload.offset == upload.length and not upload.announced:
            # The process died after the last byte: what it owed is done now.
            chunk = await _disk(on_disk.open_chunk, incoming, upload.id, None, None)
            await _complete(incoming, chunk, on_complete)
        return _answer(
            200,
            upload_offset=str(upload.offset),
            upload_length=str(upload.length),
            upload_metadata=_metadata_of(upload),
        )

    async def add(request: Request) -> Response:
        upload = await _own_upload(request, incoming, account_of)
        _check_version(request)
        if request.headers.get("content-type") != "application/offset+octet-stream":
            raise _Refused(415, "The content type of a piece must be application/offset+octet-stream.")
        offset = _whole_number(request, "Upload-Offset")
        checksum = _checksum(request.headers.get("upload-checksum"))
        chunk = await _disk(on_disk.open_chunk, incoming, upload.id, offset, checksum)
        try:
            coming = int(request.headers.get("content-length", upload.length - chunk.offset))
            if coming > upload.length - chunk.offset:
                raise on_disk.TooLarge(f"More bytes came than the {upload.length} that were announced.")
            await _disk(on_disk.check_room, incoming, coming)
            await _receive(request, chunk, stall_s)
            whole = chunk.offset == upload.length
        except BaseException:
            await asyncio.shield(_disk(chunk.close))
            raise
        if whole:
            await _complete(incoming, chunk, on_complete)
        else:
            await _disk(chunk.close)
        return _answer(204, upload_offset=str(chunk.offset))

    async def remove(request: Request) -> Response:
        upload = await _own_upload(request, incoming, account_of)
        _check_version(request)
        await _disk(on_disk.remove_upload, incoming, upload.id)
        return _answer(204)

    async def options(request: Request) -> Response:  # noqa: ARG001
        return _answer(
            204,
            tus_version=VERSION,
            tus_extension=EXTENSIONS,
            tus_max_size=str(incoming.largest_bytes),
            tus_checksum_algorithm=",".join(on_disk.CHECKSUMS),
        )

    one = ADDRESS + "/{upload_id}"
    return [
        Route(ADDRESS, _answering(create), methods=["POST"]),
        Route(ADDRESS, options, methods=["OPTIONS"]),
        Route(one, _answering(tell), methods=["HEAD"]),
        Route(one, _answering(add), methods=["PATCH"]),
        Route(one, _answering(remove), methods=["DELETE"]),
        Route(one, options, methods=["OPTIONS"]),
    ]


def _answering(handle: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """The route's handler with refusals turned into answers; requests sent by other sites' pages never reach it."""

    async def answer(request: Request) -> Response:
        try:
            if request.method != "HEAD":
                _check_origin(request)
            return await handle(request)
        except _Refused as refusal:
            response = refusal.response
        except on_disk.UploadError as problem:
            response = _answer(_STATUS.get(type(problem), 400), str(problem))
        await _discard(request)
        return response

    return answer


async def _receive(request: Request, chunk: Chunk, stall_s: float) -> None:
    """Writes the request's body behind the upload; what came before a break stays."""
    waiting = bytearray()
    stream = request.stream()
    try:
        while True:
            try:
                async with asyncio.timeout(stall_s):
                    piece = await anext(stream)
            except StopAsyncIteration:
                break
            waiting += piece
            if len(waiting) >= BLOCK_BYTES:
                block, waiting = bytes(waiting), bytearray()
                await _disk(chunk.write, block)
        await _disk(chunk.write, bytes(waiting))
        await _disk(chunk.keep)
    except on_disk.TooLarge:
        await _disk(chunk.take_back)
        raise
    except (ClientDisconnect, TimeoutError):
        await _disk(chunk.write, bytes(waiting))
        await _disk(chunk.settle)
        raise _Refused(408, "The connection broke off: the upload can go on where it is.") from None


async def _complete(incoming: Incoming, chunk: Chunk, on_complete: OnComplete) -> None:
    """Hashes, renames and announces; the upload stays locked meanwhile."""
    # A client that leaves now does not stop it: the thread ends by itself.
    await run_in_threadpool(_announce, incoming, chunk, on_complete)


def _announce(incoming: Incoming, chunk: Chunk, on_complete: OnComplete) -> None:
    try:
        upload = chunk.finish()
        if not upload.announced:
            on_complete(upload)
            on_disk.mark_announced(incoming, upload)
    finally:
        chunk.close()


def announce_left(incoming: Incoming, on_complete: OnComplete) -> None:
    """Announces the uploads whose last byte came before a process died: the browser that sent them may never ask."""
    for upload_id in on_disk.unannounced(incoming):
        with suppress(on_disk.UploadError):  # taken or removed meanwhile, no room: the next start, or who asks for it
            _announce(incoming, on_disk.open_chunk(incoming, upload_id, None, None), on_complete)


async def _discard(request: Request) -> None:
    """Reads what is left of a refused request. A large or slow one is cut off instead, by closing the connection."""
    if int(request.headers.get("content-length", "0")) > DISCARDED_BYTES:
        return
    discarded = 0
    try:
        async with asyncio.timeout(DISCARDING_S):
            async for piece in request.stream():
                discarded += len(piece)
                if discarded > DISCARDED_BYTES:
                    return
    except (ClientDisconnect, TimeoutError, RuntimeError):
        return  # nobody is there to be told, or the body was read to its end already (RuntimeError)


async def _disk(work: Callable[..., Result], *values: object) -> Result:
    return await run_in_threadpool(work, *values)


async def _signed_in(request: Request, account_of: AccountOf) -> int:
    account = await run_in_threadpool(account_of, request)
    if account is None:
        raise _Refused(401, "You are not signed in any more. Sign in again: what was uploaded is kept.")
    return account


async def _own_upload(request: Request, incoming: Incoming, account_of: AccountOf) -> Upload:
    """The upload that the address names; other people's are as if they did not exist."""
    account = await _signed_in(request, account_of)
    upload = await _disk(on_disk.find_upload, incoming, request.path_params["upload_id"])
    if upload is None or upload.owner != account:
        raise _Refused(404, _NO_SUCH_UPLOAD)
    return upload


def _check_origin(request: Request) -> None:
    """Browsers say which page a request comes from; other clients say nothing and carry no cookie of a browser."""
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "none")
    own_page = site in ("same-origin", "none")
    if not own_page or (origin is not None and urlsplit(origin).netloc.lower() != request.headers["host"].lower()):
        raise _Refused(403, "This request came from a page of another site.")


def _check_version(request: Request) -> None:
    if request.headers.get("tus-resumable") != VERSION:
        raise _Refused(412, f"Only version {VERSION} of the tus protocol is spoken here.", tus_version=VERSION)


def _whole_number(request: Request, header: str) -> int:
    text = request.headers.get(header, "")
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise _Refused(400, f"{header} must be a whole number of bytes.")
    return int(text)


def _metadata(header: str) -> tuple[str, str | None]:
    """File name and session id out of `Upload-Metadata: filename <base64>,session <base64>`; others are passed over."""
    values = {}
    for pair in filter(None, header.split(",")):
        key, _, encoded = pair.strip().partition(" ")
        try:
            values[key] = base64.b64decode(encoded, validate=True).decode()
        except ValueError:
            raise _Refused(400, "Upload-Metadata must be pairs of a key and base64 of UTF-8.") from None
    if not values.get("filename"):
        raise _Refused(400, "Upload-Metadata must have the filename.")
    session_id = values.get("session") or None
    if session_id and not _SESSION_ID.fullmatch(session_id):
        raise _Refused(400, "The session in Upload-Metadata is no id of a session.")
    return values["filename"], session_id


def _metadata_of(upload: Upload) -> str:
    pairs = {"filename": upload.original_name, "session": upload.session_id}
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items() if value)


def _checksum(header: str | None) -> tuple[str, bytes] | None:
    if header is None:
        return None
    kind, _, encoded = header.partition(" ")
    if kind not in on_disk.CHECKSUMS:
        raise _Refused(400, f"Upload-Checksum must be one of {', '.join(on_disk.CHECKSUMS)}.")
    try:
        digest = base64.b64decode(encoded, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != hashlib.new(kind, usedforsecurity=False).digest_size:
        raise _Refused(400, f"Upload-Checksum must be {kind} and base64 of its digest.")
    return kind, digest


def _answer(status: int, sentence: str = "", **headers: str) -> Response:
    """Keyword names are header names with underscores."""
    named = {name.replace("_", "-").title(): value for name, value in headers.items()}
    return Response(
        sentence or None,
        status,
        headers={"Tus-Resumable": VERSION, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} | named,
        media_type="text/plain" if sentence else None,
    )
