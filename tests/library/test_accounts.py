"""Accounts, invitations, sign-ins and the limit on attempts."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from cues.library import accounts
from cues.library.accounts import (
    IDLE,
    LONGEST,
    AccountError,
    Roles,
    _hasher,
    accept_invitation,
    begin_sign_in,
    check_password,
    create_account,
    invite,
    invited,
    note_failure,
    note_seen,
    owner_of_library,
    set_password,
    sign_out,
    sign_out_everywhere,
    signed_in,
)
from cues.library.database import Library
from cues.library.models import Account, Invitation, SignIn, SignInFailure, now

PASSWORD = "a long enough one"


def made(library: Library) -> Account:
    with library.writing() as db:
        account = create_account(db, "a@example.org", "A", Roles(trainee=True))
        set_password(db, account, PASSWORD)
        return account


def test_the_right_password_signs_in_and_a_wrong_one_does_not(library: Library) -> None:
    account = made(library)
    assert check_password(library, "a@example.org", "another long one", "here") is None
    found = check_password(library, " A@EXAMPLE.org", PASSWORD, "here")
    assert found is not None and found.id == account.id


def test_neither_passwords_nor_tokens_are_kept_as_they_are(library: Library) -> None:
    account = made(library)
    with library.writing() as db:
        token = begin_sign_in(db, account, "here")
        kept = db.scalars(select(SignIn)).one()
        assert token not in kept.token_hash
        assert str(account.password_hash).startswith("$argon2id$") and PASSWORD not in str(account.password_hash)


def test_after_too_many_failures_even_the_right_password_waits(library: Library) -> None:
    made(library)
    for _ in range(8):
        assert check_password(library, "a@example.org", "guess", "here") is None
    with pytest.raises(AccountError, match="Too many"):
        check_password(library, "a@example.org", PASSWORD, "elsewhere")
    with library.writing() as db:
        for failure in db.scalars(select(SignInFailure)):
            failure.at -= timedelta(minutes=16)
    assert check_password(library, "a@example.org", PASSWORD, "here") is not None


class Counting:
    """The hasher, and how often it was asked."""

    def __init__(self) -> None:
        self.verified = 0

    def verify(self, kept: str, password: str) -> bool:
        self.verified += 1
        return _hasher.verify(kept, password)


def test_a_name_that_does_not_exist_costs_as_much_as_one_that_does(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As many hashes of the same cost are verified and as much is written: how long that takes then tells nothing."""
    made(library)
    with library.writing() as db:
        create_account(db, "invited@example.org", "I", Roles(trainee=True))
        closed = create_account(db, "closed@example.org", "C", Roles(trainee=True))
        set_password(db, closed, PASSWORD)
        closed.active = False
    for name in ("a", "nobody", "invited", "closed"):
        counting = Counting()
        monkeypatch.setattr(accounts, "_hasher", counting)
        assert check_password(library, f"{name}@example.org", "guess", "here") is None
        assert counting.verified == 1, name
    with library.reading() as db:
        assert db.scalar(select(func.count()).select_from(SignInFailure)) == 4
        kept = db.scalar(select(Account.password_hash).where(Account.email == "a@example.org"))
    assert str(kept).rpartition("$")[0].rpartition("$")[0] == accounts._NOBODY.rpartition("$")[0].rpartition("$")[0]


def test_attempts_at_the_same_time_are_counted_like_those_one_after_the_other(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(library)
    counting = Counting()
    monkeypatch.setattr(accounts, "_hasher", counting)

    def attempt(_: int) -> str:
        try:
            return str(check_password(library, "a@example.org", "guess", "here"))
        except AccountError:
            return "refused"

    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(attempt, range(20)))
    assert (answers.count("None"), answers.count("refused"), counting.verified) == (8, 12, 8)


def test_one_address_cannot_try_all_names(library: Library) -> None:
    assert check_password(library, "0@example.org", "guess", "here") is None
    with library.writing() as db:
        for k in range(1, 40):
            note_failure(db, f"{k}@example.org", "here")
    with pytest.raises(AccountError, match="Too many"):
        check_password(library, "another@example.org", "guess", "here")
    assert check_password(library, "another@example.org", "guess", "elsewhere") is None


def test_a_sign_in_ends_when_idle_when_old_and_when_signed_out(library: Library) -> None:
    account = made(library)
    with library.writing() as db:
        tokens = [begin_sign_in(db, account, "here") for _ in range(4)]
        rows = {token: signed_in(db, token) for token in tokens}
        idle, old, kept, out = (rows[token] for token in tokens)
        assert idle and old and kept and out
        idle.seen -= IDLE
        old.created -= LONGEST
        sign_out(db, tokens[3])
    with library.reading() as db:
        assert [signed_in(db, token) is not None for token in tokens] == [False, False, True, False]
    with library.writing() as db:
        sign_out_everywhere(db, account.id)
        assert signed_in(db, tokens[2]) is None
        assert signed_in(db, None) is None and signed_in(db, "unknown") is None


def test_use_puts_off_the_idle_time_out_but_does_not_wake_the_dead(library: Library) -> None:
    account = made(library)
    with library.writing() as db:
        used, dead = (begin_sign_in(db, account, "here") for _ in range(2))
        for token, ago in ((used, IDLE - timedelta(minutes=1)), (dead, IDLE)):
            found = signed_in(db, token)
            assert found
            found.seen -= ago
        db.flush()
        note_seen(db, used)
        note_seen(db, dead)
        found = signed_in(db, used)
        assert found and found.seen > now() - timedelta(minutes=1)
        assert signed_in(db, dead) is None


def test_an_account_that_is_switched_off_is_out_at_once(library: Library) -> None:
    account = made(library)
    with library.writing() as db:
        token = begin_sign_in(db, account, "here")
        db.get_one(Account, account.id).active = False
    with library.reading() as db:
        assert signed_in(db, token) is None
    assert check_password(library, "a@example.org", PASSWORD, "here") is None


def test_an_invitation_works_once_and_not_for_ever(library: Library) -> None:
    with library.writing() as db:
        owner = owner_of_library(db)
        new = create_account(db, "new@example.org", "New", Roles(supervisor=True))
        first = invite(db, owner, new)
        second = invite(db, owner, new)
        assert invited(db, first) is None  # the newer one replaced it
        with pytest.raises(AccountError, match="12 characters"):
            accept_invitation(db, second, "short")
        accept_invitation(db, second, PASSWORD)
        with pytest.raises(AccountError, match="not valid"):
            accept_invitation(db, second, PASSWORD)
        third = invite(db, owner, new)
        kept = db.scalars(select(Invitation).where(Invitation.used.is_(None))).one()
        kept.expires = now() - timedelta(seconds=1)
        db.flush()
        assert invited(db, third) is None
    assert check_password(library, "new@example.org", PASSWORD, "here") is not None


def test_only_administrators_invite(library: Library) -> None:
    trainee = made(library)
    with library.writing() as db, pytest.raises(AccountError, match="administrator"):
        invite(db, trainee, trainee)


def test_a_new_password_signs_out_every_browser(library: Library) -> None:
    account = made(library)
    with library.writing() as db:
        token = begin_sign_in(db, account, "here")
        set_password(db, db.get_one(Account, account.id), "yet another long one")
        assert signed_in(db, token) is None


def test_the_owner_is_made_once(library: Library) -> None:
    with library.writing() as db:
        first = owner_of_library(db)
        assert owner_of_library(db).id == first.id
        assert first.trainee and first.administrator and not first.supervisor
        assert db.scalar(select(func.count(Account.id))) == 1


@pytest.mark.parametrize(
    ("email", "name", "roles"),
    [("no address", "A", Roles(trainee=True)), ("a@b", " ", Roles(trainee=True)), ("a@b", "A", Roles())],
)
def test_an_account_needs_an_address_a_name_and_a_role(library: Library, email: str, name: str, roles: Roles) -> None:
    with library.writing() as db, pytest.raises(AccountError):
        create_account(db, email, name, roles)
