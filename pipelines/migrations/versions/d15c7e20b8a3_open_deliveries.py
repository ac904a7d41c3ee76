"""Let PostgreSQL reject a commit before the counts of a delivery are written."""

import sqlalchemy as sa
from alembic import op

revision = "d15c7e20b8a3"
down_revision = "b3f0a9d2e418"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "deliveries",
        sa.Column("is_open", sa.Boolean(), server_default="false", nullable=False),
        schema="ops",
    )
