"""Comments become conversations: answers, the cue they are about, whether they are settled"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("comment") as table:
        table.add_column(sa.Column("answers_to", sa.Integer(), nullable=True))
        table.add_column(sa.Column("cue", sa.String(length=20), nullable=True))
        table.add_column(sa.Column("resolved", sa.DateTime(timezone=True), nullable=True))
        table.create_index("ix_comment_answers_to", ["answers_to"])
        table.create_foreign_key("fk_comment_answers_to", "comment", ["answers_to"], ["id"], ondelete="CASCADE")


def downgrade() -> None:
    with op.batch_alter_table("comment") as table:
        table.drop_constraint("fk_comment_answers_to", type_="foreignkey")
        table.drop_index("ix_comment_answers_to")
        for name in ("resolved", "cue", "answers_to"):
            table.drop_column(name)
