"""The tables of hotel bookings: every event once, and the watermark of the events API."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)

from pipelines.warehouse.tables import WRITTEN_WITH, delivery_id_column, source_metadata

SCHEMA, METRICS = "bookings", "metrics"
metadata = source_metadata()

events = Table(
    "events",
    metadata,
    Column(
        "event_id",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="The hotel system's id. Negative for an event that came without one: then it is"
        " derived from its fields.",
    ),
    Column("hotel_id", BigInteger, nullable=False, comment="The hotel, as its system numbers it."),
    Column(
        "event_at",
        DateTime(timezone=True),
        nullable=False,
        comment="When it was booked or"
        " cancelled. Times without a zone are read in BOOKINGS_TIME_ZONE.",
    ),
    Column("status", Text, nullable=False, comment="booking or cancellation."),
    Column(
        "room_reservation_id",
        Uuid,
        nullable=False,
        comment="The reservation; it has a row for each of its nights.",
    ),
    Column("night_of_stay", Date, nullable=False, comment="The night, by the day it begins on."),
    delivery_id_column(),
    Column(
        "load_number",
        BigInteger,
        nullable=False,
        comment="Number of the load that wrote it: what is derived from the events has counted all"
        " up to one of these (ops.watermarks).",
    ),
    CheckConstraint("status IN ('booking', 'cancellation')", name="known_status"),
    Index(None, "event_at"),
    Index(None, "hotel_id", "night_of_stay"),
    Index("events_night_of_stay_idx", "night_of_stay", postgresql_using="brin"),
    Index("events_load_number_idx", "load_number", postgresql_using="brin"),
    Index(  # a tree of random keys would cost loads as much as all other indexes
        "events_room_reservation_id_idx",
        "room_reservation_id",
        postgresql_using="brin",
        postgresql_ops={"room_reservation_id": "uuid_bloom_ops (n_distinct_per_range = -0.3)"},
        postgresql_with={"pages_per_range": 32},
    ),
    schema=SCHEMA,
    comment="Bookings and cancellations, one row for each night of a reservation, each event once."
    " Of two events with one id the first stays, the other is in quarantine when its content"
    " differs. Rows never change, but for an id that comes later.",
)

api_pages = Table(
    "api_pages",
    metadata,
    Column("url", Text, primary_key=True, comment="Address of the events API, without secrets."),
    Column(
        "page_number",
        Integer,
        primary_key=True,
        autoincrement=False,
        comment="Its place in the reading, from 1.",
    ),
    Column("name", Text, nullable=False, comment="What was requested, as the ledger names it."),
    Column("body_gzip", LargeBinary, nullable=False, comment="The answer as received, gzipped."),
    Column("received_at", DateTime(timezone=True), nullable=False, comment="When it was received."),
    schema=SCHEMA,
    info={WRITTEN_WITH: "bookings.events"},
    comment="Answers of the events API that the sensor has read and the run it started is to load:"
    " so each page is downloaded once.",
)

polls = Table(
    "polls",
    metadata,
    Column("url", Text, primary_key=True, comment="Address of the events API, without secrets."),
    Column(
        "watermark_at",
        DateTime(timezone=True),
        comment="Time of the newest event that was read; null before the first. Reading goes on"
        " some time before it.",
    ),
    Column(
        "read_whole_at",
        DateTime(timezone=True),
        comment="When all events were last read from the beginning, for those that came late.",
    ),
    Column(
        "polled_at",
        DateTime(timezone=True),
        nullable=False,
        comment="When it was last read, or should have been.",
    ),
    Column("problem", Text, comment="Why it could not be read to its end then; null when it was."),
    Column("run_id", Text, comment="The Dagster run that did."),
    info={WRITTEN_WITH: "bookings.events"},
    schema=SCHEMA,
    comment="How far the events API at each address was read.",
)

hotels = Table(
    "hotels",
    metadata,
    Column(
        "hotel_id",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="The hotel, as its system numbers it.",
    ),
    Column("name", Text, nullable=False, comment="What people call it."),
    Column("city", Text, comment="Where it is."),
    Column("rooms", Integer, comment="Rooms that it has to let each night."),
    CheckConstraint("btrim(name) <> ''", name="name"),
    CheckConstraint("rooms > 0", name="rooms"),
    info={WRITTEN_WITH: "bookings.events"},
    schema=SCHEMA,
    comment="What the events do not say of hotels. Operators keep it with INSERT, UPDATE and"
    " DELETE; a hotel without a row has no name and no occupancy.",
)


def _counts(name: str, day: str, comment: str) -> Table:
    return Table(
        name,
        metadata,
        Column(
            "hotel_id",
            BigInteger,
            primary_key=True,
            autoincrement=False,
            comment="The hotel, as its system numbers it.",
        ),
        Column("day", Date, primary_key=True, comment=day),
        Column("bookings", Integer, nullable=False, comment="Nights that were booked."),
        Column("cancellations", Integer, nullable=False, comment="Nights that were cancelled."),
        Column(
            "net_bookings",
            Integer,
            Computed("bookings - cancellations", persisted=True),
            comment="bookings less cancellations; may be negative.",
        ),
        # Room to update the count of a late event in place, without touching any index.
        postgresql_with={"fillfactor": 90},
        schema=METRICS,
        comment=comment,
    )


hotel_bookings_by_event_day = _counts(
    "hotel_bookings_by_event_day",
    "Day of the event (UTC).",
    "Bookings and cancellations of each hotel by the day on which they were made. Days without"
    " any have no row.",
)
hotel_bookings_by_stay_night = _counts(
    "hotel_bookings_by_stay_night",
    "The night of stay.",
    "Bookings and cancellations of each hotel by the night that they are about. Nights without"
    " any have no row.",
)
#: The tables that `counts` keeps up to date.
HOTEL_BOOKINGS = (hotel_bookings_by_event_day, hotel_bookings_by_stay_night)
