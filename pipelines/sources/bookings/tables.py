"""The tables of hotel bookings: every event once, and the watermark of the events API."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Computed,
    Date,
    Double,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    Time,
    Uuid,
    func,
)

from pipelines.warehouse.tables import (
    DISTRIBUTED_BY,
    INSTANT,
    PLACE_KEY,
    WRITTEN_WITH,
    coordinate_checks,
    delivery_id_column,
    optional,
    required,
    source_metadata,
)

SCHEMA, METRICS = "bookings", "metrics"
metadata = source_metadata()


def _hotel_key() -> Column[int]:
    return required(
        "hotel_id",
        BigInteger,
        "Hotel number in the source system.",
        primary_key=True,
        autoincrement=False,
    )


events = Table(
    "events",
    metadata,
    required(
        "event_id",
        BigInteger,
        "Event id of the hotel system; if an event has none, a negative id derived from its"
        " fields.",
        primary_key=True,
        autoincrement=False,
    ),
    required("hotel_id", BigInteger, "Hotel number in the source system."),
    required(
        "event_at",
        INSTANT,
        "When the night was booked or cancelled. Times without offset are read in"
        " BOOKINGS_TIME_ZONE.",
    ),
    required("status", Text, "booking or cancellation."),
    required(
        "room_reservation_id",
        Uuid,
        "Reservation id; a reservation has one row per night and event.",
    ),
    required("night_of_stay", Date, "Night of the stay, by the date on which it begins."),
    delivery_id_column(),
    required(
        "load_number",
        BigInteger,
        "Number of the load that wrote the row. Derived counts include all loads up to their"
        " watermark (ops.watermarks).",
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

polls = Table(
    "polls",
    metadata,
    required("url", Text, "URL of the events API, without secrets.", primary_key=True),
    optional(
        "watermark_at",
        INSTANT,
        "Time of the newest event read; null before the first. The next poll starts before it, by"
        " BOOKINGS_EVENTS_OVERLAP_MINUTES.",
    ),
    optional(
        "read_whole_at",
        INSTANT,
        "When all events were last read from the beginning, to find late events; null if never.",
    ),
    required("polled_at", INSTANT, "When the last poll was started."),
    info={WRITTEN_WITH: "bookings.events"},
    schema=SCHEMA,
    comment="State of polling, one row per URL of the events API.",
)

hotels = Table(
    "hotels",
    metadata,
    _hotel_key(),
    required("name", Text, "Name of the hotel."),
    optional("city", Text, "City of the hotel; null if not entered."),
    optional("rooms", Integer, "Rooms available each night; null if not entered."),
    optional("country_code", Text, "ISO 3166-1 alpha-2 code of the country; null if not entered."),
    optional(
        "latitude",
        Double,
        "Latitude, degrees north; null if not entered: then no weather is joined.",
    ),
    optional("longitude", Double, "Longitude, degrees east; null if not entered."),
    optional(
        "time_zone",
        Text,
        "Time zone by which the hotel's days are cut, such as Europe/Berlin; null if not entered:"
        " then its days are those of UTC, from midnight.",
    ),
    required(
        "day_begins",
        Time,
        "Time of day in time_zone at which a business day begins: what happens before it belongs"
        " to the day before. Not used without a time_zone.",
        server_default="04:00",
    ),
    optional(
        "place_key",
        Text,
        "Key of the place in weather.places: the coordinates; null without coordinates.",
        Computed(PLACE_KEY, persisted=True),
    ),
    CheckConstraint("btrim(name) <> ''", name="name"),
    CheckConstraint("country_code ~ '^[A-Z]{2}$'", name="country_code"),
    *coordinate_checks(),
    CheckConstraint("rooms > 0", name="rooms"),
    # An unknown zone is an error of PostgreSQL, which names it.
    CheckConstraint(
        "time_zone IS NULL OR time_zone ~ '^(UTC|[A-Z][A-Za-z_]+(/[A-Za-z_-]+)+)$'"
        " AND timezone(time_zone, '2000-01-01 00:00+00'::timestamptz) IS NOT NULL",
        name="time_zone_is_like_europe_berlin",
    ),
    CheckConstraint("day_begins <= '12:00'", name="day_begins_in_the_morning"),
    info={WRITTEN_WITH: "bookings.events"},
    schema=SCHEMA,
    comment="Master data of hotels, which the events do not contain. Operators maintain it"
    " with INSERT, UPDATE and DELETE. A hotel without a row has no name and no"
    " occupancy.",
)

findings = Table(
    "findings",
    metadata,
    required(
        "finding_id",
        BigInteger,
        "Key of the finding; another one after each look.",
        Identity(always=True),
        primary_key=True,
    ),
    required(
        "rule",
        Text,
        "double_booking, double_cancellation, cancelled_before_booked, event_after_night or"
        " matches_recount.",
    ),
    required("hotel_id", BigInteger, "Hotel number in the source system."),
    required("day", Date, "Night of the stay, or day of the count."),
    optional("event_id", BigInteger, "The event (bookings.events); null for counts."),
    optional("status", Text, "booking or cancellation; null for counts."),
    optional("room_reservation_id", Uuid, "Reservation of the event; null for counts."),
    optional("event_at", INSTANT, "Time of the event; null for counts."),
    optional(
        "booked_before_at",
        INSTANT,
        "When the night was booked before; null unless it was booked twice.",
    ),
    optional("axis", Text, "event_day, stay_night or book, for counts; null for events."),
    optional("bookings", Integer, "Stored count of bookings; null if there is none."),
    optional("recounted_bookings", Integer, "Recount of bookings; null if there are no events."),
    optional("cancellations", Integer, "Stored count of cancellations, like bookings."),
    optional(
        "recounted_cancellations", Integer, "Recount of cancellations, like recounted_bookings."
    ),
    required("found_at", INSTANT, "When it was found.", server_default=func.clock_timestamp()),
    Index(None, "hotel_id", "day"),
    schema=SCHEMA,
    comment="Events that contradict others, and counts or books that differ from the events."
    " Findings of a night are replaced when it has new events, and all of them once a week.",
)


def _counts(name: str, day: str, comment: str) -> Table:
    return Table(
        name,
        metadata,
        _hotel_key(),
        required("day", Date, day, primary_key=True),
        required("bookings", Integer, "Number of nights booked."),
        required("cancellations", Integer, "Number of nights cancelled."),
        optional(
            "net_bookings",
            Integer,
            "bookings - cancellations; may be negative.",
            Computed("bookings - cancellations", persisted=True),
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
hotel_book = Table(
    "hotel_book",
    metadata,
    _hotel_key(),
    required("night_of_stay", Date, "The night, as the date on which it begins.", primary_key=True),
    required(
        "changed_on",
        Date,
        "Business day of the hotel on which it changed: by bookings.hotels.time_zone and"
        " day_begins; without a zone, the day in UTC.",
        primary_key=True,
    ),
    required(
        "change",
        Integer,
        "Reservations that were added to the books of the night on that day, less those that were"
        " removed; never 0.",
    ),
    # Sums are read from the index alone.
    PrimaryKeyConstraint("hotel_id", "night_of_stay", "changed_on", postgresql_include=["change"]),
    CheckConstraint("change <> 0", name="change"),
    schema=METRICS,
    info={DISTRIBUTED_BY: "hotel_id"},
    comment="Every change of what is on the books, by hotel, night and business day. The sum of"
    " change up to a day is what was on the books at its close, and the sum of all is what is on"
    " them now. A second booking of a night, or a second cancellation, changes nothing and has no"
    " row: it is a finding. Late events, changed time zones and new hotels are included with the"
    " next refresh.",
)
books = Table(
    "books",
    metadata,
    _hotel_key(),
    required("first_event_at", INSTANT, "Time of the hotel's first event."),
    optional("time_zone", Text, "Time zone by which its book is kept; null: UTC."),
    optional("day_begins", Time, "Time at which its days begin; null without a time zone."),
    info={WRITTEN_WITH: "bookings.events"},
    schema=SCHEMA,
    comment="Since when and by which days metrics.hotel_book is kept, one row per hotel. If"
    " bookings.hotels has other days, the next refresh makes the book of the hotel anew.",
)
#: The counts that `counts` keeps up to date, each with the SQL of the day by which it counts.
HOTEL_BOOKINGS = {
    hotel_bookings_by_event_day: "(event_at AT TIME ZONE 'UTC')::date",
    hotel_bookings_by_stay_night: "night_of_stay",
}
#: All that follows the events: the counts, the book, and what contradicts.
KEPT = (*HOTEL_BOOKINGS, hotel_book, findings)
