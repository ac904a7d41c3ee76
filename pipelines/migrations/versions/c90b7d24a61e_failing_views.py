"""List views that fail, which the views of all sources leave out."""

import sqlalchemy as sa
from alembic import op

revision = "c90b7d24a61e"
down_revision = "f27b9c41d0e6"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "failing_views",
        sa.Column("view_name", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("first_failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tested_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("view_name", name=op.f("failing_views_pkey")),
        schema="ops",
    )
