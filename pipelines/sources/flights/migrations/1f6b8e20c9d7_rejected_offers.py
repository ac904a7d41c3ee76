"""Keep which itineraries of a snapshot were rejected: their price at that time is unknown."""

import sqlalchemy as sa
from alembic import op

revision = "1f6b8e20c9d7"
down_revision = "d84a1f6c0b3e"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "rejected_offers",
        sa.Column("itinerary_id", sa.Text(), nullable=False),
        sa.Column("snapshot_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("itinerary_id", "snapshot_at", name=op.f("rejected_offers_pkey")),
        schema="flights",
    )
