"""Tiers that somebody made in another program, kept for them with the session"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kept_tier",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("owner_id", sa.Integer(), nullable=False),
        sa.Column("view", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("marks", sa.JSON(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_kept_tier"),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["practice_session.id"],
            name="fk_kept_tier_session_id_practice_session",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["owner_id"], ["account.id"], name="fk_kept_tier_owner_id_account", ondelete="CASCADE"),
    )
    for column in ("session_id", "owner_id"):
        op.create_index(f"ix_kept_tier_{column}", "kept_tier", [column])


def downgrade() -> None:
    op.drop_table("kept_tier")
