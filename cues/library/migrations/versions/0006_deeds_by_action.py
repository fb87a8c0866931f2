"""Deeds are found by what was done: every start and the page of the library ask so, of millions in a large clinic"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_deed_action", "deed", ["action"])


def downgrade() -> None:
    op.drop_index("ix_deed_action", "deed")
