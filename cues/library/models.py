"""The tables of the library's database: accounts, sessions, what is shared with whom, consents, jobs, what was done.

The observations of a session are not in here: they lie in its folder (`cues.library.folders`). Times are aware UTC on
every database. A session or upload is known by an id that cannot be guessed; tokens are kept only as their SHA-256.
"""

import re
from datetime import UTC, date, datetime
from enum import StrEnum
from secrets import token_hex
from typing import Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, DateTime, Dialect, Enum, ForeignKey, MetaData, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

ID_LENGTH = 32  # 128 bits, hexadecimal
TOKEN_LENGTH = 64  # SHA-256, hexadecimal


def is_uid(word: str) -> bool:
    """Whether a browser may have drawn it with `new_uid`'s rule."""
    return re.fullmatch(f"[0-9a-f]{{{ID_LENGTH}}}", word) is not None


def new_uid() -> str:
    """An id that stays the same in every library that a row is handed over to."""
    return token_hex(ID_LENGTH // 2)


def now() -> datetime:
    """This machine's time, aware UTC."""
    return datetime.now(UTC)


class Moment(TypeDecorator[datetime]):
    """An aware UTC time; SQLite keeps no zone, so it is put back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return value if value is None or value.tzinfo is not None else value.replace(tzinfo=UTC)


class Words(TypeDecorator[str]):
    """Text of a length. A NUL, which PostgreSQL cannot keep, becomes the sign for a character that cannot be shown, so
    that a text with one is neither refused nor taken for the text without."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        return None if value is None else value.replace("\0", "\N{REPLACEMENT CHARACTER}")


class LongWords(Words):
    """The same of any length."""

    impl = Text
    cache_ok = True


class Base(DeclarativeBase):
    """Names of keys and constraints are fixed, so that migrations can change them on every database."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: Moment(), dict[str, Any]: JSON(), list[str]: JSON()}


def _words(kind: type[StrEnum]) -> Enum:
    """A column that holds the words of an enumeration as text, which every database can extend."""
    return Enum(
        kind, native_enum=False, create_constraint=False, length=30, values_callable=lambda k: [e.value for e in k]
    )


class JobState(StrEnum):
    """What a job is doing. The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class JobKind(StrEnum):
    """What a job makes: the session's tables and figures, or a copy of the recording that browsers can play."""

    ANALYSIS = "analysis"
    REVIEW_COPY = "review_copy"


class Account(Base):
    """A person who signs in. Several roles may be one person's; the owner of a library is trainee and administrator.

    guesses_first: a trainee is asked for their own guess before they see the figures of a session.
    """

    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(Words(ID_LENGTH), unique=True, index=True, default=new_uid)
    email: Mapped[str] = mapped_column(Words(254), unique=True)
    name: Mapped[str] = mapped_column(Words(120))
    password_hash: Mapped[str | None] = mapped_column(Words(200))
    trainee: Mapped[bool] = mapped_column(default=False)
    supervisor: Mapped[bool] = mapped_column(default=False)
    administrator: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    guesses_first: Mapped[bool] = mapped_column(default=True)
    created: Mapped[datetime] = mapped_column(default=now)


class SignIn(Base):
    """One browser in which somebody is signed in. `form_token` is what every form sent from it must carry."""

    __tablename__ = "sign_in"
    token_hash: Mapped[str] = mapped_column(Words(TOKEN_LENGTH), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    form_token: Mapped[str] = mapped_column(Words(60))
    created: Mapped[datetime] = mapped_column(default=now)
    seen: Mapped[datetime] = mapped_column(default=now)
    account: Mapped[Account] = relationship(lazy="joined", innerjoin=True)


class SignInFailure(Base):
    """A wrong password or code, kept for as long as the limit on attempts looks back."""

    __tablename__ = "sign_in_failure"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    email: Mapped[str] = mapped_column(Words(254), index=True)
    address: Mapped[str] = mapped_column(Words(64), index=True)


class Invitation(Base):
    """A link by which one person may set a password, once."""

    __tablename__ = "invitation"
    token_hash: Mapped[str] = mapped_column(Words(TOKEN_LENGTH), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    created: Mapped[datetime] = mapped_column(default=now)
    expires: Mapped[datetime]
    used: Mapped[datetime | None]


class PracticeSession(Base):
    """One practice session of a trainee; private to them until shared."""

    __tablename__ = "practice_session"
    id: Mapped[str] = mapped_column(Words(ID_LENGTH), primary_key=True)
    trainee_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    title: Mapped[str] = mapped_column(Words(200))
    held_on: Mapped[date]
    setup: Mapped[str] = mapped_column(Words(20), default="auto")
    trainee_place: Mapped[str | None] = mapped_column(Words(10))
    keep_until: Mapped[date | None] = mapped_column(index=True)
    created: Mapped[datetime] = mapped_column(default=now)
    recordings: Mapped[list["Recording"]] = relationship(order_by="Recording.position", cascade="all, delete-orphan")


class Recording(Base):
    """A file of a session, whole and checked; its bytes lie in the session's folder under `stored_as`."""

    __tablename__ = "recording"
    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("practice_session.id", ondelete="CASCADE"), index=True)
    position: Mapped[int] = mapped_column(CheckConstraint("position in (0, 1)", name="first_or_second"))
    file_name: Mapped[str] = mapped_column(Words(255))
    stored_as: Mapped[str] = mapped_column(Words(60))
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(Words(64), index=True)
    added: Mapped[datetime] = mapped_column(default=now)


class Consent(Base):
    """What one recorded person agreed to. `purposes` holds words of `cues.library.consents.PURPOSES`."""

    __tablename__ = "consent"
    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("practice_session.id", ondelete="CASCADE"), index=True)
    person: Mapped[str] = mapped_column(Words(120))
    purposes: Mapped[list[str]]
    given_on: Mapped[date]
    valid_until: Mapped[date | None]
    entered_by: Mapped[int] = mapped_column(ForeignKey("account.id"))
    entered: Mapped[datetime] = mapped_column(default=now)


class Share(Base):
    """A session that a supervisor may see, without the cues in `left_out`; ended, not deleted, when taken back.

    asked: when the trainee last asked this supervisor for a review.
    """

    __tablename__ = "share"
    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("practice_session.id", ondelete="CASCADE"), index=True)
    supervisor_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    left_out: Mapped[list[str]] = mapped_column(default=list)
    asked: Mapped[datetime | None]
    created: Mapped[datetime] = mapped_column(default=now)
    ended: Mapped[datetime | None]


class Comment(Base):
    """What somebody wrote at a time or a stretch [s] of a session, or answered there. Text only.

    cue: a word of `cues.library.sessions.CUES`, null where it is about the whole; resolved: of the first of a thread.
    """

    __tablename__ = "comment"
    __table_args__ = (CheckConstraint('start >= 0 and ("end" is null or "end" >= start)', name="order"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(Words(ID_LENGTH), unique=True, index=True, default=new_uid)
    session_id: Mapped[str] = mapped_column(ForeignKey("practice_session.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    start: Mapped[float]
    end: Mapped[float | None]
    cue: Mapped[str | None] = mapped_column(Words(20))
    answers_to: Mapped[int | None] = mapped_column(ForeignKey("comment.id", ondelete="CASCADE"), index=True)
    text: Mapped[str] = mapped_column(LongWords())
    created: Mapped[datetime] = mapped_column(default=now)
    edited: Mapped[datetime | None]
    resolved: Mapped[datetime | None]


class VerdictRow(Base):
    """What a reviewer says of one episode, or adds; the content is a `cues.review.verdicts.Verdict`.

    A reviewer's rows of a session, in order, are their acts; a later one on the same episode replaces an earlier one.
    undone: taken back, and can be brought again until the reviewer's next act. drawn: the episode was drawn at random.
    """

    __tablename__ = "verdict"
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(Words(ID_LENGTH), unique=True, index=True, default=new_uid)
    session_id: Mapped[str] = mapped_column(ForeignKey("practice_session.id", ondelete="CASCADE"), index=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    word: Mapped[str] = mapped_column(Words(10))
    person: Mapped[int]
    cue: Mapped[str] = mapped_column(Words(20))
    kind: Mapped[str] = mapped_column(Words(30))
    start: Mapped[float]
    end: Mapped[float]
    new_start: Mapped[float | None]
    new_end: Mapped[float | None]
    drawn: Mapped[bool] = mapped_column(default=False)
    analysis: Mapped[str] = mapped_column(Words(60))
    undone: Mapped[bool] = mapped_column(default=False)
    created: Mapped[datetime] = mapped_column(default=now)


class KeptTierRow(Base):
    """A tier that somebody made in another program and that is no tier of the tool; for them alone.

    The content is a `cues.library.kept_tiers.Tier`; marks: {"marks": [[start, end or null, text], ...]}, ms.
    """

    __tablename__ = "kept_tier"
    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("practice_session.id", ondelete="CASCADE"), index=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), index=True)
    view: Mapped[str] = mapped_column(LongWords())
    subject: Mapped[str] = mapped_column(LongWords())
    name: Mapped[str] = mapped_column(LongWords())
    marks: Mapped[dict[str, Any]]
    created: Mapped[datetime] = mapped_column(default=now)


class SignOff(Base):
    """A reviewer has finished with a session; ended when they open their review again."""

    __tablename__ = "sign_off"
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(Words(ID_LENGTH), unique=True, index=True, default=new_uid)
    session_id: Mapped[str] = mapped_column(ForeignKey("practice_session.id", ondelete="CASCADE"), index=True)
    reviewer_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    created: Mapped[datetime] = mapped_column(default=now)
    ended: Mapped[datetime | None]


class Guess(Base):
    """What a trainee thinks of their own figures before seeing them: column of the minutes -> per cent.

    There is a row where they are asked; until `answered` (with no figures where they skipped it) the session's cues
    are hidden from them. shown: those who see the session see the guess, too.
    """

    __tablename__ = "guess"
    session_id: Mapped[str] = mapped_column(ForeignKey("practice_session.id", ondelete="CASCADE"), primary_key=True)
    figures: Mapped[dict[str, Any]] = mapped_column(default=dict)
    answered: Mapped[datetime | None]
    shown: Mapped[bool] = mapped_column(default=False)
    created: Mapped[datetime] = mapped_column(default=now)


class PracticePoint(Base):
    """The one thing to practise that trainee and supervisor chose in a session: a cue, and in words what about it.

    figure: the cue's figure in this session and its band, as they were then; `clips`: what was judged of each.
    """

    __tablename__ = "practice_point"
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(Words(ID_LENGTH), unique=True, index=True, default=new_uid)
    session_id: Mapped[str] = mapped_column(ForeignKey("practice_session.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    cue: Mapped[str] = mapped_column(Words(20))
    text: Mapped[str] = mapped_column(LongWords())
    clips: Mapped[dict[str, Any]]
    created: Mapped[datetime] = mapped_column(default=now)
    ended: Mapped[datetime | None]


class Job(Base):
    """Long work on a session. `stage` and `share` (0-1) are what a page shows; `problem` is a sentence for people."""

    __tablename__ = "job"
    id: Mapped[int] = mapped_column(primary_key=True)
    session_id: Mapped[str] = mapped_column(ForeignKey("practice_session.id", ondelete="CASCADE"), index=True)
    kind: Mapped[JobKind] = mapped_column(_words(JobKind))
    state: Mapped[JobState] = mapped_column(_words(JobState), default=JobState.QUEUED, index=True)
    stage: Mapped[str] = mapped_column(Words(30), default="")
    share: Mapped[float] = mapped_column(default=0.0)
    speed: Mapped[float | None]
    seconds_left: Mapped[float | None]
    attempts: Mapped[int] = mapped_column(default=0)
    cancel: Mapped[bool] = mapped_column(default=False)
    problem: Mapped[str | None] = mapped_column(LongWords())
    coordinator: Mapped[str | None] = mapped_column(Words(60))
    lease_until: Mapped[datetime | None]
    queued: Mapped[datetime] = mapped_column(default=now)
    started: Mapped[datetime | None]
    finished: Mapped[datetime | None]


class Segment(Base):
    """A part of an analysis that runs anywhere and once; its result is a file named `name` in the session's folder."""

    __tablename__ = "segment"
    job_id: Mapped[int] = mapped_column(ForeignKey("job.id", ondelete="CASCADE"), primary_key=True)
    name: Mapped[str] = mapped_column(Words(60), primary_key=True)
    done: Mapped[bool] = mapped_column(default=False)
    attempts: Mapped[int] = mapped_column(default=0)


class Deed(Base):
    """Who did what to which session: views, downloads, exports, deletions, shares, sign-ins. Rows are only added.

    Ids are kept without a foreign key: a deed outlives what it was done to.
    """

    __tablename__ = "deed"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    account_id: Mapped[int | None] = mapped_column(index=True)
    action: Mapped[str] = mapped_column(Words(40), index=True)
    session_id: Mapped[str | None] = mapped_column(Words(ID_LENGTH), index=True)
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    address: Mapped[str] = mapped_column(Words(64), default="")
