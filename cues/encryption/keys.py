"""The key of a library whose recordings are encrypted.

    library/encryption.json   the key of the library's files (random, 32 bytes), itself locked by AES-256-GCM with the
                              key that is given at start: the bytes of a key file, or a passphrase through scrypt

CUES_KEY_FILE names the key file, CUES_PASSPHRASE is the passphrase. A library whose folder has no `encryption.json` is
not encrypted. Another key only locks the same key of the files anew, so no recording is written again.
"""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cues.encryption.chunks import LOG_N, NONCE_BYTES, stretched
from cues.errors import CuesError
from cues.whole_files import write_whole

FILE_NAME = "encryption.json"
KEY_FILE, PASSPHRASE = "CUES_KEY_FILE", "CUES_PASSPHRASE"
KEY_BYTES, ID_BYTES = 32, 8
_FIRST_WORD = "cues-key-1"
_VERSION = 1


class LibraryKeyError(CuesError):
    """The key of a library is missing, wrong or unusable; the sentence is for whoever starts the program."""


@dataclass(frozen=True, repr=False)
class LibraryKey:
    """What the files of one library are encrypted with. id: of the library's encryption, no secret."""

    id: bytes
    secret: bytes

    def of_file(self, salt: bytes) -> bytes:
        """The key of one file."""
        return HKDF(SHA256(), KEY_BYTES, salt, b"cues file at rest").derive(self.secret)


@dataclass(frozen=True, repr=False)
class GivenKey:
    """What whoever starts the program has given: the bytes of a key file, or a passphrase."""

    kind: str
    secret: str

    def locks_with(self, salt: bytes, log_n: int) -> bytes:
        """The key that locks the library's key."""
        if self.kind == "passphrase":
            return stretched(self.secret, salt, KEY_BYTES, log_n)
        return HKDF(SHA256(), KEY_BYTES, salt, b"cues library key").derive(bytes.fromhex(self.secret))


_unlocked: dict[bytes, LibraryKey] = {}  # by the id of the encryption, as long as this process runs


def write_key_file(path: Path) -> None:
    """Writes a new random key for its owner alone. Raises LibraryKeyError; a file that is there is never replaced."""
    try:
        handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except OSError as problem:
        raise LibraryKeyError(f"The key file {path} cannot be made: {problem.strerror}.") from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{_FIRST_WORD} {secrets.token_hex(KEY_BYTES)}\n")
        file.flush()
        os.fsync(file.fileno())


def read_key_file(path: Path) -> GivenKey:
    """Raises LibraryKeyError."""
    try:
        if path.stat().st_mode & 0o077:
            raise LibraryKeyError(f"The key file {path} can be read by others: chmod 600 it, then start again.")
        word, _, digits = path.read_text(encoding="ascii").strip().partition(" ")
    except (OSError, UnicodeError) as problem:
        raise LibraryKeyError(f"The key file {path} cannot be read: {problem}.") from None
    if word != _FIRST_WORD or len(digits) != 2 * KEY_BYTES or set(digits) - set("0123456789abcdef"):
        raise LibraryKeyError(f"{path} is no key file; one is made by: python -m cues key FILE.")
    return GivenKey("key file", digits)


def given_key() -> GivenKey | None:
    """The key that the environment gives; None where it gives none. Raises LibraryKeyError."""
    file, passphrase = os.environ.get(KEY_FILE), os.environ.get(PASSPHRASE)
    if file and passphrase:
        raise LibraryKeyError(f"{KEY_FILE} and {PASSPHRASE} are both set: one of them is the key.")
    if file:
        return read_key_file(Path(file))
    return GivenKey("passphrase", passphrase) if passphrase else None


def is_encrypted(library: Path) -> bool:
    """Whether what comes into a library's folder is encrypted."""
    return (library / FILE_NAME).exists()


def same_encryption(one: Path, other: Path) -> bool:
    """Whether the files of two libraries are encrypted with one key, however each locks it."""
    return is_encrypted(one) and is_encrypted(other) and _read(one).id == _read(other).id


def key_of(path: Path) -> LibraryKey | None:
    """The key of the library in which a path lies; None where that is not encrypted or there is none. Raises
    LibraryKeyError where no key or a wrong one is given."""
    path = path.absolute()
    library = next((folder for folder in (path, *path.parents) if is_encrypted(folder)), None)
    return None if library is None else unlock(library)


def unlock(library: Path) -> LibraryKey:
    """The key of an encrypted library, by the key that is given. Raises LibraryKeyError."""
    said = _read(library)
    found = _unlocked.get(said.id)
    if found is None:
        given = given_key()
        if given is None:
            raise LibraryKeyError(
                f"The recordings in {library} are encrypted: give their key by {KEY_FILE} or {PASSPHRASE}, then start "
                "again."
            )
        found = _unlocked[said.id] = said.open(given)
    return found


def begin_encryption(library: Path, given: GivenKey) -> LibraryKey:
    """Makes the key of a library that is not encrypted, locked by the given one. Raises LibraryKeyError."""
    if is_encrypted(library):
        raise LibraryKeyError(f"The library in {library} is encrypted already.")
    made = LibraryKey(secrets.token_bytes(ID_BYTES), secrets.token_bytes(KEY_BYTES))
    _write(library, made, given)
    _unlocked[made.id] = made
    return made


def change_key(library: Path, old: GivenKey, new: GivenKey) -> None:
    """Locks the library's key by another one, at once or not at all. Raises LibraryKeyError."""
    _write(library, _read(library).open(old), new)


@dataclass(frozen=True, repr=False)
class _Locked:
    """What `encryption.json` says."""

    id: bytes
    kind: str
    log_n: int
    salt: bytes
    locked: bytes

    def open(self, given: GivenKey) -> LibraryKey:
        if given.kind != self.kind:
            other = {"key file": KEY_FILE, "passphrase": PASSPHRASE}[self.kind]
            raise LibraryKeyError(f"This library is locked with a {self.kind}: give it by {other}, then start again.")
        try:
            key = given.locks_with(self.salt, self.log_n)
            secret = AESGCM(key).decrypt(self.locked[:NONCE_BYTES], self.locked[NONCE_BYTES:], self.id)
        except InvalidTag:
            raise LibraryKeyError(
                f"The {self.kind} that was given is not the one of this library: nothing was opened. Give the right "
                "one, then start again."
            ) from None
        return LibraryKey(self.id, secret)


def _read(library: Path) -> _Locked:
    path = library / FILE_NAME
    try:
        said = json.loads(path.read_text(encoding="ascii"))
        if said["version"] != _VERSION or said["locked_by"] not in ("key file", "passphrase"):
            raise ValueError
        log_n = int(said["log_n"])
        if not LOG_N <= log_n <= LOG_N + 3:
            raise ValueError
        id_, salt, locked = (bytes.fromhex(said[name]) for name in ("id", "salt", "locked"))
        return _Locked(id_, said["locked_by"], log_n, salt, locked)
    except (OSError, ValueError, KeyError, TypeError):
        raise LibraryKeyError(
            f"{path} is damaged, and without it nothing of the recordings can be read: take it out of a backup."
        ) from None


def _write(library: Path, key: LibraryKey, given: GivenKey) -> None:
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(NONCE_BYTES)
    locked = nonce + AESGCM(given.locks_with(salt, LOG_N)).encrypt(nonce, key.secret, key.id)
    said = {"version": _VERSION, "id": key.id.hex(), "locked_by": given.kind, "log_n": LOG_N, "salt": salt.hex()}
    write_whole(library, {FILE_NAME: (json.dumps({**said, "locked": locked.hex()}, indent=1) + "\n").encode()})
