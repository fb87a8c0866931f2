"""A chunk of an upload as the server takes it."""

from cues.library.incoming import find_upload, open_chunk


def add(incoming, upload, data, offset, checksum=None):
    """The upload after `data` was added to it at `offset`; whole where that was the last of it."""
    chunk = open_chunk(incoming, upload.id, offset, checksum)
    try:
        chunk.write(data)
        chunk.keep()
        return chunk.finish() if chunk.offset == upload.length else find_upload(incoming, upload.id)
    finally:
        chunk.close()
