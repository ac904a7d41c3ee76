"""Leave room on the pages of the counts, so that an update stays on its page."""

from alembic import op

revision = "2b8e64d1c0fa"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("hotel_bookings_by_event_day", "hotel_bookings_by_stay_night"):
        op.execute(f"ALTER TABLE metrics.{name} SET (fillfactor = 90)")
