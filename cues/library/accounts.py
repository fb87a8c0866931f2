"""Who may sign in: accounts, invitations, sign-ins, and the limit on attempts.

Tokens are 256 bits from the system's source of randomness; only their SHA-256 is kept. Passwords are kept as argon2id
hashes with the library's own parameters (argon2-cffi's defaults, RFC 9106).
"""

import hashlib
import secrets
import threading
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from cues.errors import CuesError
from cues.library.database import Library
from cues.library.deeds import record
from cues.library.models import Account, Invitation, SignIn, SignInFailure, now

IDLE = timedelta(hours=2)
LONGEST = timedelta(hours=12)
INVITATION_LASTS = timedelta(days=7)
PASSWORD_LEAST = 12
"""Characters; NIST SP 800-63B asks for length, not for kinds of characters."""
PASSWORD_MOST = 200
_SEEN_EVERY = timedelta(minutes=1)
_ATTEMPTS_WITHIN = timedelta(minutes=15)
_ATTEMPTS_PER_EMAIL, _ATTEMPTS_PER_ADDRESS = 8, 40
_ELSEWHERE = "@from-a-file.invalid"
"""What ends the address of people who are known from hand-over files only; `.invalid` is nobody's (RFC 2606)."""
_SAID_SO = " (from a file)"

_hasher = PasswordHasher()
_verifying = threading.Lock()
"""A password is looked at after the one before was counted; a hash needs 64 MiB, which nobody may multiply."""
_NOBODY = _hasher.hash(secrets.token_hex(16))
"""Verified for names that do not exist, so that they take as long as those that do."""


class AccountError(CuesError):
    """What was asked for cannot be done; the sentence is for the person who asked."""


@dataclass(frozen=True)
class Roles:
    """What somebody may do; several at once."""

    trainee: bool = False
    supervisor: bool = False
    administrator: bool = False


def create_account(db: Session, email: str, name: str, roles: Roles) -> Account:
    """A new account without a password. Raises AccountError for an address that is no e-mail or is taken."""
    email, name = email.strip().lower(), " ".join(name.split())
    if not 3 <= len(email) <= 254 or email.count("@") != 1 or any(c.isspace() for c in email):
        raise AccountError("This is no e-mail address.")
    if email.endswith(_ELSEWHERE):
        raise AccountError("This address is kept for people who are known from files only.")
    if not 1 <= len(name) <= 120:
        raise AccountError("A name is needed, of at most 120 characters.")
    if not (roles.trainee or roles.supervisor or roles.administrator):
        raise AccountError("An account needs at least one role.")
    if db.scalar(select(Account.id).where(Account.email == email)) is not None:
        raise AccountError("There is an account with this e-mail address already.")
    account = Account(email=email, name=name, **roles.__dict__)
    db.add(account)
    db.flush()
    return account


def known_from_file(db: Session, uid: str, name: str, roles: Roles) -> Account:
    """An account for somebody of another library whom a hand-over file names: nobody can sign in to it, and its name
    says where it comes from. The one with this uid where there is one."""
    found = db.scalar(select(Account).where(Account.uid == uid))
    if found is None:
        name = " ".join(name.removesuffix(_SAID_SO).split())[: 120 - len(_SAID_SO)] or "Somebody"
        found = Account(uid=uid, email=uid + _ELSEWHERE, name=name + _SAID_SO, active=False, **roles.__dict__)
        db.add(found)
        db.flush()
    return found


def is_from_file(account: Account) -> bool:
    """Whether somebody is known from hand-over files only. All others are people of this library, closed or not."""
    return account.email.endswith(_ELSEWHERE)


def from_file() -> ColumnElement[bool]:
    """The same as a condition on accounts."""
    return Account.email.endswith(_ELSEWHERE, autoescape=True)


def become_supervisor(db: Session, account: Account) -> None:
    """Lets somebody supervise who may make accounts anyway: the owner of a library on their own machine.

    It shows them nothing by itself: a supervisor sees what was shared with them. Raises AccountError.
    """
    if not account.administrator:
        raise AccountError("You are no supervisor in this library. An administrator can invite you as one.")
    db.get_one(Account, account.id).supervisor = True
    record(db, account.id, "become supervisor")


def owner_of_library(db: Session) -> Account:
    """The first account of the library, made when there is none: whoever starts the program on this machine."""
    first = db.scalar(select(Account).order_by(Account.id).limit(1))
    if first is not None:
        return first
    return create_account(db, "owner@localhost", "Owner", Roles(trainee=True, administrator=True))


def set_password(db: Session, account: Account, password: str) -> None:
    """Raises AccountError for a password that is too short, too long, or the account's own name."""
    if not PASSWORD_LEAST <= len(password) <= PASSWORD_MOST:
        raise AccountError(f"A password has at least {PASSWORD_LEAST} characters and at most {PASSWORD_MOST}.")
    if password.strip().lower() in (account.email, account.name.lower()):
        raise AccountError("The password must not be the e-mail address or the name.")
    account.password_hash = _hasher.hash(password)
    sign_out_everywhere(db, account.id)


def invite(db: Session, by: Account, account: Account) -> str:
    """A token with which `account` may set a password once, within INVITATION_LASTS; older ones no longer work."""
    if not by.administrator:
        raise AccountError("Only an administrator can invite people.")
    db.execute(delete(Invitation).where(Invitation.account_id == account.id, Invitation.used.is_(None)))
    token = secrets.token_urlsafe(32)
    db.add(Invitation(token_hash=_hash(token), account_id=account.id, expires=now() + INVITATION_LASTS))
    record(db, by.id, "invite", details={"account": account.id})
    return token


def invited(db: Session, token: str) -> Account | None:
    """The account that an invitation is for; None when it is unknown, used or too old."""
    found = db.get(Invitation, _hash(token))
    if found is None or found.used is not None or found.expires < now():
        return None
    account = db.get(Account, found.account_id)
    return account if account is not None and account.active else None


def accept_invitation(db: Session, token: str, password: str) -> Account:
    """Sets the password; the invitation is used up. Raises AccountError."""
    account = invited(db, token)
    if account is None:
        raise AccountError("This invitation is not valid any more. Ask your administrator for a new one.")
    set_password(db, account, password)
    db.get_one(Invitation, _hash(token)).used = now()
    record(db, account.id, "accept invitation")
    return account


def check_password(library: Library, email: str, password: str, address: str) -> Account | None:
    """The account that e-mail and password belong to, or None; both take the same time.

    Raises AccountError after too many failures for this e-mail or from this address.
    """
    email = email.strip().lower()[:254]
    with _verifying:
        with library.reading() as db:
            _refuse_too_many(db, email, address)
            account = db.scalar(select(Account).where(Account.email == email, Account.active))
            kept = account.password_hash if account is not None else None
        try:  # slow on purpose, so outside of any transaction
            _hasher.verify(kept or _NOBODY, password[:PASSWORD_MOST])
            right = kept is not None
        except (VerificationError, InvalidHashError):
            right = False
        if account is None or kept is None or not right:
            with library.writing() as db:
                note_failure(db, email, address)
            return None
    if _hasher.check_needs_rehash(kept):
        with library.writing() as db:
            db.get_one(Account, account.id).password_hash = _hasher.hash(password)
    return account


def refuse_code(db: Session, address: str) -> None:
    """Notes a wrong code for the limit on attempts. Raises AccountError after too many from this address."""
    _refuse_too_many(db, None, address)
    note_failure(db, "", address)


def note_failure(db: Session, email: str, address: str) -> None:
    """A wrong password or code, for the limit on attempts."""
    at = now()
    over = or_(SignInFailure.at < at - _ATTEMPTS_WITHIN, SignInFailure.at > at + _ATTEMPTS_WITHIN)
    db.execute(delete(SignInFailure).where(over))
    db.add(SignInFailure(email=email, address=address))
    record(db, None, "sign-in refused", address=address)


def _refuse_too_many(db: Session, email: str | None, address: str) -> None:
    """Failures from a time that has not come are of before the clock was put back: they count no longer than others,
    so that nobody is kept out until it is there again."""
    at = now()
    lately = SignInFailure.at.between(at - _ATTEMPTS_WITHIN, at + _ATTEMPTS_WITHIN)
    limits = [(SignInFailure.address == address, _ATTEMPTS_PER_ADDRESS)]
    if email is not None:
        limits.append((SignInFailure.email == email, _ATTEMPTS_PER_EMAIL))
    for limit, most in limits:
        if (db.scalar(select(func.count()).where(limit, lately)) or 0) >= most:
            raise AccountError("Too many attempts. Wait a quarter of an hour, then try again.")


def begin_sign_in(db: Session, account: Account, address: str) -> str:
    """A new token for the browser in which `account` has just shown who they are."""
    token = secrets.token_urlsafe(32)
    db.add(SignIn(token_hash=_hash(token), account_id=account.id, form_token=secrets.token_urlsafe(24)))
    db.execute(delete(SignIn).where(SignIn.created < now() - LONGEST))
    record(db, account.id, "sign in", address=address)
    return token


def signed_in(db: Session, token: str | None) -> SignIn | None:
    """The sign-in that a token stands for, with its account; None when unknown, idle for too long or too old."""
    if not token:
        return None
    found = db.get(SignIn, _hash(token))
    if found is None or not found.account.active or not _still_valid(found, now()):
        return None
    return found


def _still_valid(sign_in: SignIn, at: datetime) -> bool:
    """After a clock was put back by more than IDLE nobody can tell how long ago it was: it has ended then."""
    future = max(sign_in.seen, sign_in.created) > at + IDLE
    return sign_in.seen + IDLE > at and sign_in.created + LONGEST > at and not future


def to_be_noted_as_seen(sign_in: SignIn) -> bool:
    """Whether it is long enough ago that this sign-in was last noted as used: a write for every request is too many."""
    at = now()
    return sign_in.seen + _SEEN_EVERY < at or sign_in.seen > at + _SEEN_EVERY


def note_seen(db: Session, token: str) -> None:
    """Notes that a sign-in is in use, which puts off its time-out; one of before the clock was put back begins now."""
    found, at = db.get(SignIn, _hash(token)), now()
    if found is not None and _still_valid(found, at):
        found.seen, found.created = at, min(found.created, at)


def sign_out(db: Session, token: str) -> None:
    """Ends one sign-in."""
    found = db.get(SignIn, _hash(token))
    if found is not None:
        record(db, found.account_id, "sign out")
        db.delete(found)


def sign_out_everywhere(db: Session, account_id: int) -> None:
    """Ends all sign-ins of an account."""
    db.execute(delete(SignIn).where(SignIn.account_id == account_id))
    record(db, account_id, "sign out everywhere")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
