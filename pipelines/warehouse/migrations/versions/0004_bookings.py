"""Hotel bookings, their counts by day, and watermarks."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SCHEMA bookings")
    op.execute(
        "COMMENT ON SCHEMA bookings IS"
        " 'What hotel systems say: rooms booked and cancelled, night by night.'"
    )
    op.create_table(
        "events",
        sa.Column(
            "event_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="The hotel system's id. Negative for an event that came without one: then it is made from what the event says.",
        ),
        sa.Column(
            "hotel_id",
            sa.BigInteger(),
            nullable=False,
            comment="The hotel, as its system numbers it.",
        ),
        sa.Column(
            "event_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When it was booked or cancelled. Times without a zone are read in BOOKINGS_TIME_ZONE.",
        ),
        sa.Column("status", sa.Text(), nullable=False, comment="booking or cancellation."),
        sa.Column(
            "room_reservation_id",
            sa.Uuid(),
            nullable=False,
            comment="The reservation; it has a row for each of its nights.",
        ),
        sa.Column(
            "night_of_stay",
            sa.Date(),
            nullable=False,
            comment="The night, by the day it begins on.",
        ),
        sa.Column(
            "delivery_id",
            sa.BigInteger(),
            nullable=False,
            comment="The delivery that wrote this row or last changed it (ops.deliveries).",
        ),
        sa.Column(
            "load_number",
            sa.BigInteger(),
            nullable=False,
            comment="Number of the load that wrote it: what is derived from the events has counted all up to one of these (ops.watermarks).",
        ),
        sa.CheckConstraint(
            "status IN ('booking', 'cancellation')", name=op.f("events_known_status_check")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("events_pkey")),
        schema="bookings",
        comment="Bookings and cancellations, one row for each night of a reservation, each event once. Of two events with one id the first stays, the other is in quarantine when it says something else. Rows never change, but for an id that comes later.",
    )
    op.create_index(
        op.f("events_event_at_idx"), "events", ["event_at"], unique=False, schema="bookings"
    )
    op.create_index(
        op.f("events_hotel_id_night_of_stay_idx"),
        "events",
        ["hotel_id", "night_of_stay"],
        unique=False,
        schema="bookings",
    )
    op.create_index(
        "events_load_number_idx",
        "events",
        ["load_number"],
        unique=False,
        schema="bookings",
        postgresql_using="brin",
    )
    op.create_index(
        "events_night_of_stay_idx",
        "events",
        ["night_of_stay"],
        unique=False,
        schema="bookings",
        postgresql_using="brin",
    )
    op.create_index(
        "events_room_reservation_id_idx",
        "events",
        ["room_reservation_id"],
        unique=False,
        schema="bookings",
        postgresql_using="brin",
        postgresql_ops={"room_reservation_id": "uuid_bloom_ops (n_distinct_per_range = -0.3)"},
        postgresql_with={"pages_per_range": 32},
    )
    op.create_table(
        "polls",
        sa.Column(
            "url", sa.Text(), nullable=False, comment="Address of the events API, without secrets."
        ),
        sa.Column(
            "watermark_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Time of the newest event that was read; null before the first. Reading goes on some time before it.",
        ),
        sa.Column(
            "read_whole_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When all events were last read from the beginning, for those that came late.",
        ),
        sa.Column(
            "polled_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When it was last read, or should have been.",
        ),
        sa.Column(
            "problem",
            sa.Text(),
            nullable=True,
            comment="Why it could not be read to its end then; null when it was.",
        ),
        sa.Column("run_id", sa.Text(), nullable=True, comment="The Dagster run that did."),
        sa.PrimaryKeyConstraint("url", name=op.f("polls_pkey")),
        schema="bookings",
        comment="How far the events API at each address was read.",
    )
    op.create_table(
        "hotel_bookings_by_event_day",
        sa.Column(
            "hotel_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="The hotel, as its system numbers it.",
        ),
        sa.Column("day", sa.Date(), nullable=False, comment="Day of the event (UTC)."),
        sa.Column("bookings", sa.Integer(), nullable=False, comment="Nights that were booked."),
        sa.Column(
            "cancellations", sa.Integer(), nullable=False, comment="Nights that were cancelled."
        ),
        sa.Column(
            "net_bookings",
            sa.Integer(),
            sa.Computed("bookings - cancellations", persisted=True),
            nullable=True,
            comment="bookings less cancellations; may be negative.",
        ),
        sa.PrimaryKeyConstraint("hotel_id", "day", name=op.f("hotel_bookings_by_event_day_pkey")),
        schema="metrics",
        comment="Bookings and cancellations of each hotel by the day on which they were made. Days without any have no row.",
    )
    op.create_table(
        "hotel_bookings_by_stay_night",
        sa.Column(
            "hotel_id",
            sa.BigInteger(),
            autoincrement=False,
            nullable=False,
            comment="The hotel, as its system numbers it.",
        ),
        sa.Column("day", sa.Date(), nullable=False, comment="The night of stay."),
        sa.Column("bookings", sa.Integer(), nullable=False, comment="Nights that were booked."),
        sa.Column(
            "cancellations", sa.Integer(), nullable=False, comment="Nights that were cancelled."
        ),
        sa.Column(
            "net_bookings",
            sa.Integer(),
            sa.Computed("bookings - cancellations", persisted=True),
            nullable=True,
            comment="bookings less cancellations; may be negative.",
        ),
        sa.PrimaryKeyConstraint("hotel_id", "day", name=op.f("hotel_bookings_by_stay_night_pkey")),
        schema="metrics",
        comment="Bookings and cancellations of each hotel by the night that they are about. Nights without any have no row.",
    )
    op.create_table(
        "watermarks",
        sa.Column(
            "name",
            sa.Text(),
            nullable=False,
            comment="A table that numbers its loads, such as bookings.events, or what follows it.",
        ),
        sa.Column(
            "position",
            sa.BigInteger(),
            nullable=False,
            comment="Number of its last load; for what follows, of the last one that it has counted.",
        ),
        sa.Column(
            "moved_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it last moved.",
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("watermarks_pkey")),
        schema="ops",
        comment="How far tables are, and what is derived from them. A watermark moves in the transaction that writes the rows.",
    )
