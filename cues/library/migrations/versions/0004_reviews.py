"""Reviews: verdicts, sign-offs, guesses, the thing to practise; ids that stay the same when a session is handed over"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    for name in ("account", "comment"):
        _add_uid(name)
    op.add_column("account", sa.Column("guesses_first", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column("share", sa.Column("asked", _AT, nullable=True))
    op.create_table(
        "verdict",
        *_of_a_session("verdict", "reviewer_id"),
        sa.Column("word", sa.String(length=10), nullable=False),
        sa.Column("person", sa.Integer(), nullable=False),
        sa.Column("cue", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("start", sa.Double(), nullable=False),
        sa.Column("end", sa.Double(), nullable=False),
        sa.Column("new_start", sa.Double(), nullable=True),
        sa.Column("new_end", sa.Double(), nullable=True),
        sa.Column("drawn", sa.Boolean(), nullable=False),
        sa.Column("analysis", sa.String(length=60), nullable=False),
        sa.Column("undone", sa.Boolean(), nullable=False),
        sa.Column("created", _AT, nullable=False),
    )
    op.create_table(
        "sign_off",
        *_of_a_session("sign_off", "reviewer_id"),
        sa.Column("created", _AT, nullable=False),
        sa.Column("ended", _AT, nullable=True),
    )
    op.create_table(
        "practice_point",
        *_of_a_session("practice_point", "author_id"),
        sa.Column("cue", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("clips", sa.JSON(), nullable=False),
        sa.Column("created", _AT, nullable=False),
        sa.Column("ended", _AT, nullable=True),
    )
    for name in ("verdict", "sign_off", "practice_point"):
        op.create_index(f"ix_{name}_session_id", name, ["session_id"])
        op.create_index(f"ix_{name}_uid", name, ["uid"], unique=True)
    op.create_table(
        "guess",
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("answered", _AT, nullable=True),
        sa.Column("shown", sa.Boolean(), nullable=False),
        sa.Column("created", _AT, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_guess"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["practice_session.id"],
            name="fk_guess_session_id_practice_session",
            ondelete="CASCADE",
        ),
    )


def downgrade() -> None:
    for name in ("guess", "practice_point", "sign_off", "verdict"):
        op.drop_table(name)
    op.drop_column("share", "asked")
    op.drop_column("account", "guesses_first")
    for name in ("comment", "account"):
        op.drop_index(f"ix_{name}_uid", name)
        op.drop_column(name, "uid")


def _of_a_session(name: str, author: str) -> list[sa.schema.SchemaItem]:
    """The columns and keys of a table whose rows somebody wrote about a session."""
    return [
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uid", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column(author, sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=f"pk_{name}"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["practice_session.id"],
            name=f"fk_{name}_session_id_practice_session",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint([author], ["account.id"], name=f"fk_{name}_{author}_account"),
    ]


def _add_uid(name: str) -> None:
    # Columns are added in place: SQLite would make the table anew for more, and rows that refer to it would go with it.
    op.add_column(name, sa.Column("uid", sa.String(length=32), nullable=False, server_default=""))
    rows = sa.table(name, sa.column("id", sa.Integer), sa.column("uid", sa.String))
    connection = op.get_bind()
    for (number,) in connection.execute(sa.select(rows.c.id)).all():
        connection.execute(rows.update().where(rows.c.id == number).values(uid=secrets.token_hex(16)))
    op.create_index(f"ix_{name}_uid", name, ["uid"], unique=True)
