"""A file of the library as an answer, whole or in ranges, decrypted on its way where it is encrypted."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse

from cues.encryption.at_rest import kept_bytes, open_kept


class KeptFileResponse(FileResponse):
    """See FileResponse; `size` is the length of the content [bytes], from `kept_bytes`."""

    def __init__(
        self,
        path: Path,
        media_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        filename: str | None = None,
    ) -> None:
        found = list(path.stat()[:10])
        found[6] = kept_bytes(path)
        super().__init__(
            path, media_type=media_type, headers=headers, filename=filename, stat_result=os.stat_result(found)
        )
        self._file = Path(path)

    @asynccontextmanager
    async def _open_file(self) -> AsyncIterator[anyio.AsyncFile[bytes]]:
        file = anyio.wrap_file(await run_in_threadpool(open_kept, self._file))
        try:
            yield file
        finally:
            # Closing must finish even when the sending was broken off.
            with anyio.CancelScope(shield=True):
                await file.aclose()
