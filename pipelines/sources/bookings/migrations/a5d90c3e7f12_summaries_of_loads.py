"""Summarise the index of loads as it grows, so that counting new events reads only these."""

from alembic import op

revision = "a5d90c3e7f12"
down_revision = "e41a90c6d2b7"
branch_labels = None
depends_on = None

INDEX = "bookings.events_load_number_idx"


def upgrade() -> None:
    op.execute(f"ALTER INDEX {INDEX} SET (autosummarize = on, pages_per_range = 512)")
    op.execute(f"REINDEX INDEX {INDEX}")
