"""The tables of hotel bookings: every event once, and the watermark of the events API."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
)

from pipelines.warehouse.tables import (
    DISTRIBUTED_BY,
    PLACE_KEY,
    WRITTEN_WITH,
    coordinate_checks,
    delivery_id_column,
    source_metadata,
)

SCHEMA, METRICS = "bookings", "metrics"
metadata = source_metadata()


def _hotel_key() -> Column[int]:
    return Column(
        "hotel_id",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="Hotel number in the source system.",
    )


events = Table(
    "events",
    metadata,
    Column(
        "event_id",
        BigInteger,
        primary_key=True,
        autoincrement=False,
        comment="Event id of the hotel system; if an event has none, a negative id derived from"
        " its fields.",
    ),
    Column("hotel_id", BigInteger, nullable=False, comment="Hotel number in the source system."),
    Column(
        "event_at",
        DateTime(timezone=True),
        nullable=False,
        comment="When the night was booked or cancelled. Times without offset are read in"
        " BOOKINGS_TIME_ZONE.",
    ),
    Column("status", Text, nullable=False, comment="booking or cancellation."),
    Column(
        "room_reservation_id",
        Uuid,
        nullable=False,
        comment="Reservation id; a reservation has one row per night and event.",
    ),
    Column(
        "night_of_stay",
        Date,
        nullable=False,
        comment="Night of the stay, by the date on which it begins.",
    ),
    delivery_id_column(),
    Column(
        "load_number",
        BigInteger,
        nullable=False,
        comment="Number of the load that wrote the row. Derived counts include all loads up to"
        " their watermark (ops.watermarks).",
    ),
    CheckConstraint("status IN ('booking', 'cancellation')", name="known_status"),
    Index(None, "event_at"),
    Index(None, "hotel_id", "night_of_stay"),
    Index("events_night_of_stay_idx", "night_of_stay", postgresql_using="brin"),
    Index(
        "events_load_number_idx",
        "load_number",
        postgresql_using="brin",
        # Counting reads what has no summary yet, which was a fifth of the table between vacuums.
        # With small ranges, PostgreSQL would drop requests for summaries during large loads.
        postgresql_with={"autosummarize": True, "pages_per_range": 512},
    ),
    Index(  # a tree of random keys would cost loads as much as all other indexes
        "events_room_reservation_id_idx",
        "room_reservation_id",
        postgresql_using="brin",
        postgresql_ops={"room_reservation_id": "uuid_bloom_ops (n_distinct_per_range = -0.3)"},
        postgresql_with={"pages_per_range": 32},
    ),
    schema=SCHEMA,
    info={DISTRIBUTED_BY: "hotel_id"},
    comment="Bookings and cancellations, one row per event, which covers one night of a"
    " reservation. Of two events with the same id, the first is kept; if the second"
    " differs, it is in quarantine. Rows never change, except that a derived id is"
    " replaced if the event arrives later with its id.",
)

api_pages = Table(
    "api_pages",
    metadata,
    Column("url", Text, primary_key=True, comment="URL of the events API, without secrets."),
    Column(
        "page_number",
        Integer,
        primary_key=True,
        autoincrement=False,
        comment="Number of the page within the poll, from 1.",
    ),
    Column("name", Text, nullable=False, comment="Name of the page, as in ops.deliveries."),
    Column("body_gzip", LargeBinary, nullable=False, comment="Response body as received, gzipped."),
    Column(
        "received_at",
        DateTime(timezone=True),
        nullable=False,
        comment="When the page was received.",
    ),
    schema=SCHEMA,
    info={WRITTEN_WITH: "bookings.events"},
    comment="Pages of the events API that the sensor has fetched and its run will load, so"
    " that each page is downloaded only once.",
)

polls = Table(
    "polls",
    metadata,
    Column("url", Text, primary_key=True, comment="URL of the events API, without secrets."),
    Column(
        "watermark_at",
        DateTime(timezone=True),
        comment="Time of the newest event read; null before the first. The next poll starts"
        " before it, by BOOKINGS_EVENTS_OVERLAP_MINUTES.",
    ),
    Column(
        "read_whole_at",
        DateTime(timezone=True),
        comment="When all events were last read from the beginning, to find late events; null"
        " if never.",
    ),
    Column(
        "polled_at",
        DateTime(timezone=True),
        nullable=False,
        comment="When the last poll was started.",
    ),
    Column("problem", Text, comment="Why the last poll failed; null if it succeeded."),
    Column("run_id", Text, comment="Dagster run of the last poll; null if none."),
    info={WRITTEN_WITH: "bookings.events"},
    schema=SCHEMA,
    comment="State of polling, one row per URL of the events API.",
)

hotels = Table(
    "hotels",
    metadata,
    _hotel_key(),
    Column("name", Text, nullable=False, comment="Name of the hotel."),
    Column("city", Text, comment="City of the hotel; null if not entered."),
    Column("rooms", Integer, comment="Rooms available each night; null if not entered."),
    Column(
        "country_code", Text, comment="ISO 3166-1 alpha-2 code of the country; null if not entered."
    ),
    Column(
        "latitude",
        Double,
        comment="Latitude, degrees north; null if not entered: then no weather is joined.",
    ),
    Column("longitude", Double, comment="Longitude, degrees east; null if not entered."),
    Column(
        "place_key",
        Text,
        Computed(PLACE_KEY, persisted=True),
        comment="Key of the place in weather.places: the coordinates; null without coordinates.",
    ),
    CheckConstraint("btrim(name) <> ''", name="name"),
    CheckConstraint("country_code ~ '^[A-Z]{2}$'", name="country_code"),
    *coordinate_checks(),
    CheckConstraint("rooms > 0", name="rooms"),
    info={WRITTEN_WITH: "bookings.events"},
    schema=SCHEMA,
    comment="Master data of hotels, which the events do not contain. Operators maintain it"
    " with INSERT, UPDATE and DELETE. A hotel without a row has no name and no"
    " occupancy.",
)

audits = Table(
    "audits",
    metadata,
    _hotel_key(),
    Column(
        "load_number",
        BigInteger,
        nullable=False,
        comment="Up to which load the audit read the events (bookings.events).",
    ),
    Column(
        "audited_at",
        DateTime(timezone=True),
        nullable=False,
        comment="When all events of the hotel were last audited.",
    ),
    info={WRITTEN_WITH: "bookings.findings"},
    schema=SCHEMA,
    comment="When each hotel was audited: the longest ago is the next.",
)

findings = Table(
    "findings",
    metadata,
    Column(
        "finding_id",
        BigInteger,
        Identity(always=True),
        primary_key=True,
        comment="Key of the finding; another one after each audit.",
    ),
    Column("rule", Text, nullable=False, comment="Name of the check that shows the finding."),
    Column("hotel_id", BigInteger, nullable=False, comment="Hotel number in the source system."),
    Column("day", Date, nullable=False, comment="Night of the stay, or day of the count."),
    Column("event_id", BigInteger, comment="The event (bookings.events); null for counts."),
    Column("status", Text, comment="booking or cancellation; null for counts."),
    Column("room_reservation_id", Uuid, comment="Reservation of the event; null for counts."),
    Column("event_at", DateTime(timezone=True), comment="Time of the event; null for counts."),
    Column(
        "booked_before_at",
        DateTime(timezone=True),
        comment="When the night was booked before; null unless it was booked twice.",
    ),
    Column("axis", Text, comment="event_day or stay_night, for counts; null for events."),
    Column("bookings", Integer, comment="Stored count of bookings; null if there is none."),
    Column(
        "recounted_bookings", Integer, comment="Recount of bookings; null if there are no events."
    ),
    Column("cancellations", Integer, comment="Stored count of cancellations, like bookings."),
    Column(
        "recounted_cancellations",
        Integer,
        comment="Recount of cancellations, like recounted_bookings.",
    ),
    Column(
        "found_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.clock_timestamp(),
        comment="When the last audit of the hotel or night found it.",
    ),
    Index(None, "hotel_id", "day"),
    schema=SCHEMA,
    comment="What the last audit of each hotel and night found: events that contradict others, and"
    " counts that differ from the events. All findings of a hotel or night are replaced when it is"
    " audited again, each hotel at least once a week.",
)


def _counts(name: str, day: str, comment: str) -> Table:
    return Table(
        name,
        metadata,
        _hotel_key(),
        Column("day", Date, primary_key=True, comment=day),
        Column("bookings", Integer, nullable=False, comment="Number of nights booked."),
        Column("cancellations", Integer, nullable=False, comment="Number of nights cancelled."),
        Column(
            "net_bookings",
            Integer,
            Computed("bookings - cancellations", persisted=True),
            comment="bookings - cancellations; may be negative.",
        ),
        # Room to update the count of a late event in place, without touching any index.
        postgresql_with={"fillfactor": 90},
        schema=METRICS,
        info={DISTRIBUTED_BY: "hotel_id"},
        comment=comment,
    )


hotel_bookings_by_event_day = _counts(
    "hotel_bookings_by_event_day",
    "Day of the event (UTC).",
    "Bookings and cancellations by hotel and day of the event. Days without events have no row.",
)
hotel_bookings_by_stay_night = _counts(
    "hotel_bookings_by_stay_night",
    "Night of the stay, by the date on which it begins.",
    "Bookings and cancellations by hotel and night of the stay. Nights without events have no row.",
)
#: The tables that `counts` keeps up to date.
HOTEL_BOOKINGS = (hotel_bookings_by_event_day, hotel_bookings_by_stay_night)
