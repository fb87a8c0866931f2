"""Where the trainee is in a recording, said before its analysis"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("practice_session") as table:
        table.add_column(sa.Column("trainee_place", sa.String(length=10), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("practice_session") as table:
        table.drop_column("trainee_place")
