"""Record when each source was last checked for new data."""

import sqlalchemy as sa
from alembic import op

revision = "f27b9c41d0e6"
down_revision = "e8a4b60d31f7"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sources",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expected_within", sa.Interval()),
        sa.Column("run_id", sa.Text()),
        sa.PrimaryKeyConstraint("source", name=op.f("sources_pkey")),
        schema="ops",
    )
