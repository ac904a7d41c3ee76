"""Hotels have a time zone, a begin of their days and a book; findings say what was found."""

from alembic import op

revision = "0003_days_of_hotels"
down_revision = "0002_parts_of_sources"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns, and call the findings so; the next refresh makes the books."""
    op.execute(
        """
        ALTER TABLE bookings.hotels
            ADD time_zone text,
            ADD day_begins time NOT NULL DEFAULT '04:00',
            ADD CONSTRAINT hotels_time_zone_is_like_europe_berlin_check CHECK (
                time_zone IS NULL OR time_zone ~ '^(UTC|[A-Z][A-Za-z_]+(/[A-Za-z_-]+)+)$'
                AND timezone(time_zone, '2000-01-01 00:00+00'::timestamptz) IS NOT NULL
            ),
            ADD CONSTRAINT hotels_day_begins_in_the_morning_check CHECK (day_begins <= '12:00');
        UPDATE bookings.findings
        SET rule = CASE rule
            WHEN 'booked_before_cancelled' THEN 'cancelled_before_booked'
            WHEN 'no_double_booking' THEN 'double_booking'
            WHEN 'event_before_stay' THEN 'event_after_night'
            ELSE rule
        END;
        DELETE FROM ops.watermarks WHERE name = 'bookings.findings';
        """
    )
