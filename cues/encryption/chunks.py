"""AES-256-GCM in chunks, of which hand-over files and files at rest are made.

Each chunk is authenticated with the file's header, its number and whether it is the last one: a chunk that is changed,
missing, moved, taken from another file or put behind the last one is noticed, and nothing is handed out of it before.
That is the STREAM construction (Hoang, Reyhanitabar, Rogaway and Vizár 2015). The nonce is either counted, in files
that are written once from front to back, or drawn at random and stored in front of the chunk, in files of which a chunk
may be written again after a crash: a counted nonce would then lock two different contents.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from cues.encryption.passphrases import usable

TAG_BYTES, NONCE_BYTES, PREFIX_BYTES = 16, 12, 7
LOG_N, BLOCKS, PARALLEL = 17, 8, 1
"""scrypt's log2(N), r and p: 128 MB and some tenths of a second; OWASP's figures (Password Storage Cheat Sheet)."""


class ChunkError(Exception):
    """A chunk is not what was written at this place of this file."""


class Chunks:
    """The chunks of one file under a key of its own (32 bytes). prefix: PREFIX_BYTES in front of every counted nonce,
    None for random ones."""

    def __init__(self, key: bytes, header: bytes, prefix: bytes | None = None) -> None:
        self._cipher, self._header, self._prefix = AESGCM(key), header, prefix
        self.overhead = TAG_BYTES + (NONCE_BYTES if prefix is None else 0)

    def seal(self, number: int, last: bool, content: bytes) -> bytes:
        """A chunk as it is written."""
        place = _place(number, last)
        if self._prefix is not None:
            return self._cipher.encrypt(self._prefix + place, content, self._header)
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, self._header + place)

    def open(self, number: int, last: bool, sealed: bytes) -> bytes:
        """Its content. Raises ChunkError."""
        place = _place(number, last)
        try:
            if self._prefix is not None:
                return self._cipher.decrypt(self._prefix + place, sealed, self._header)
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], self._header + place)
        except (InvalidTag, ValueError):  # ValueError: less than a tag is left
            raise ChunkError from None


def stretched(passphrase: str, salt: bytes, length: int, log_n: int = LOG_N, p: int = PARALLEL) -> bytes:
    """So many bytes of key out of a passphrase, by scrypt (RFC 7914). Raises PassphraseError."""
    return Scrypt(salt=salt, length=length, n=1 << log_n, r=BLOCKS, p=p).derive(usable(passphrase).encode())


def _place(number: int, last: bool) -> bytes:
    return number.to_bytes(4, "big") + bytes([last])
