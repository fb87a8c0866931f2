"""The passphrase that a hand-over file, or the key of a library, is locked with.

A made one has 20 signs out of 30 that are not taken for one another on paper: 98 bits. A chosen one has at least
LEAST characters (NIST SP 800-63B asks for length, not for kinds of characters).
"""

import secrets
import unicodedata

from cues.errors import CuesError

LEAST, MOST = 12, 200
_SIGNS = "abcdefghjkmnpqrstuvwxyz2345678"
_GROUPS, _GROUP = 5, 4


class PassphraseError(CuesError):
    """A passphrase that cannot be used."""


def made_passphrase() -> str:
    """Such as 7kmq-x2ah-…: groups that can be read out on the telephone."""
    return "-".join("".join(secrets.choice(_SIGNS) for _ in range(_GROUP)) for _ in range(_GROUPS))


def usable(passphrase: str) -> str:
    """The passphrase in one spelling, whatever keyboard it was typed on. Raises PassphraseError."""
    text = unicodedata.normalize("NFKC", passphrase).strip()
    if not LEAST <= len(text) <= MOST:
        raise PassphraseError(f"A passphrase has at least {LEAST} characters and at most {MOST}.")
    return text
