"""4.0: what is wrong is evaluated in one place, and noted in ops.last_look."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0001_last_look"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "last_look",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("problems", JSONB, nullable=False),
        sa.Column("checks", JSONB, nullable=False),
        sa.Column("facts", JSONB, nullable=False),
        sa.Column("is_by_daemon", sa.Boolean, nullable=False),
        sa.CheckConstraint("number = 1", name="last_look_number_check"),
        schema="ops",
    )
