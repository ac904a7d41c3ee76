"""Tables of flights: the archive of documents, and what is read from them."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    SmallInteger,
    Table,
    Text,
    desc,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY

from pipelines.warehouse.tables import PLACE_KEY, WRITTEN_WITH, delivery_id_column, source_metadata

#: Type of prices: their scale is known to every driver.
PRICE = Numeric(16, 2)
SCHEMA = "flights"
metadata = source_metadata()


def seen_columns() -> tuple[Column[Any], Column[Any]]:
    """Return the columns of a row's period; its first snapshot is part of the key."""
    return (
        Column(
            "seen_from_at",
            DateTime(timezone=True),
            primary_key=True,
            comment="Time of the first snapshot with these values.",
        ),
        Column(
            "seen_until_at",
            DateTime(timezone=True),
            comment="Time of the last snapshot with these values; null while they are current.",
        ),
    )


def seen_indexes(table: str, key: str) -> tuple[Index, ...]:
    """Return indexes: at most one open period per key, and periods by start and end."""
    is_open, is_closed = text("seen_until_at IS NULL"), text("seen_until_at IS NOT NULL")
    return (
        Index(f"{table}_open_key", key, unique=True, postgresql_where=is_open),
        Index(f"{table}_seen_from_at_idx", "seen_from_at", postgresql_using="brin"),
        Index(f"{table}_seen_until_at_idx", "seen_until_at", postgresql_where=is_closed),
    )


payloads = Table(
    "payloads",
    metadata,
    Column("sha256", Text, primary_key=True, comment="SHA-256 digest of the body, hexadecimal."),
    Column("byte_count", BigInteger, nullable=False, comment="Size of the body in bytes."),
    Column(
        "body_gzip",
        LargeBinary,
        comment="Body as received, gzipped; null if housekeeping has deleted it because of its"
        " age.",
    ),
    info={WRITTEN_WITH: "flights.snapshots"},
    schema=SCHEMA,
    comment="Bodies of documents as received, one row per distinct body.",
)

snapshots = Table(
    "snapshots",
    metadata,
    Column(
        "snapshot_at",
        DateTime(timezone=True),
        primary_key=True,
        comment="When the document was received.",
    ),
    Column(
        "snapshot_on",
        Date,
        Computed("(snapshot_at AT TIME ZONE 'UTC')::date", persisted=True),
        nullable=False,
        comment="UTC date of snapshot_at. A day may have several snapshots.",
    ),
    Column(
        "sha256",
        Text,
        ForeignKey("flights.payloads.sha256"),
        nullable=False,
        comment="Digest of the document's body (flights.payloads).",
    ),
    Column(
        "is_loaded",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="True if the document is loaded into the tables of this schema.",
    ),
    Column(
        "rejection_reason",
        Text,
        comment="Why the whole document was rejected; null if it was not.",
    ),
    Column("source_url", Text, nullable=False, comment="URL of the document, with secrets masked."),
    Column(
        "itinerary_count",
        Integer,
        comment="Number of itineraries on offer as of the last load; null if never loaded.",
    ),
    Column(
        "price_currency",
        Text,
        comment="ISO 4217 code of most of the prices; null if there are none.",
    ),
    Column(
        "lowest_price",
        PRICE,
        comment="Lowest price of accepted records, in price_currency; null if there are none.",
    ),
    Column(
        "median_price",
        PRICE,
        comment="Median price of accepted records, in price_currency; null if there are none.",
    ),
    Column(
        "highest_price",
        PRICE,
        comment="Highest price of accepted records, in price_currency; null if there are none.",
    ),
    Index(None, "snapshot_on"),
    schema=SCHEMA,
    comment="Archive of offers, one row per document. A document that equals the previous"
    " one of the same day is not stored again. The other tables of this schema,"
    " except airports, are derived from the archive.",
)

airports = Table(
    "airports",
    metadata,
    Column(
        "airport_code", Text, primary_key=True, comment="IATA code of the airport, three letters."
    ),
    Column(
        "icao_code", Text, comment="ICAO code of the airport, four letters; null if it has none."
    ),
    Column("name", Text, nullable=False, comment="Name of the airport."),
    Column("city", Text, comment="City that the airport serves; null if unknown."),
    Column("subdivision", Text, comment="State, province or region; null if unknown."),
    Column(
        "country_code",
        Text,
        comment="ISO 3166-1 alpha-2 code of the country, or XK for Kosovo; null if unknown.",
    ),
    Column(
        "city_code",
        Text,
        nullable=False,
        comment="IATA code of the city if it has several airports (LON for LHR), otherwise the"
        " airport's own code.",
    ),
    Column("latitude", Double, nullable=False, comment="Latitude, degrees north (WGS 84)."),
    Column("longitude", Double, nullable=False, comment="Longitude, degrees east (WGS 84)."),
    Column("elevation_feet", Double, comment="Elevation above sea level, feet; null if unknown."),
    Column("time_zone", Text, comment="IANA time zone, such as Europe/London; null if unknown."),
    Column(
        "place_key",
        Text,
        Computed(PLACE_KEY, persisted=True),
        comment="Key of the place in weather.places: the coordinates.",
    ),
    delivery_id_column(),
    schema=SCHEMA,
    comment="Airports with an IATA code, from the package airportsdata.",
)

airlines = Table(
    "airlines",
    metadata,
    Column(
        "airline_id",
        Text,
        primary_key=True,
        comment="Airline code of the source; not the IATA code: Wizz Air is WZ here and W6 at"
        " IATA.",
    ),
    *seen_columns(),
    Column("name", Text, nullable=False, comment="Name of the airline."),
    delivery_id_column(),
    *seen_indexes("airlines", "airline_id"),
    schema=SCHEMA,
    comment="Airlines, one row for each period in which the source sent the same name.",
)

agents = Table(
    "agents",
    metadata,
    Column(
        "agent",
        Text,
        primary_key=True,
        comment="Name of the agent that sells itineraries, as sent.",
    ),
    *seen_columns(),
    Column("agent_rating", Double, comment="Rating of the agent, 0 to 10; null if none was sent."),
    delivery_id_column(),
    *seen_indexes("agents", "agent"),
    schema=SCHEMA,
    comment="Agents that sell itineraries, airlines included, one row for each period with"
    " the same rating.",
)

legs = Table(
    "legs",
    metadata,
    Column("leg_id", Text, primary_key=True, comment="Leg id in the source."),
    *seen_columns(),
    Column(
        "departure_airport", Text, nullable=False, comment="IATA code of the departure airport."
    ),
    Column("arrival_airport", Text, nullable=False, comment="IATA code of the arrival airport."),
    Column(
        "departure_local",
        DateTime,
        nullable=False,
        comment="Departure in the local time of the departure airport, as sent.",
    ),
    Column(
        "arrival_local",
        DateTime,
        nullable=False,
        comment="Arrival in the local time of the arrival airport, as sent.",
    ),
    Column(
        "departure_time_zone",
        Text,
        comment="IANA time zone of the departure airport; null if unknown.",
    ),
    Column(
        "arrival_time_zone", Text, comment="IANA time zone of the arrival airport; null if unknown."
    ),
    Column(
        "departure_at",
        DateTime(timezone=True),
        comment="Departure as an instant; null if the time zone of the airport is unknown.",
    ),
    Column(
        "arrival_at",
        DateTime(timezone=True),
        comment="Arrival as an instant; null if the time zone of the airport is unknown.",
    ),
    Column("stops", Integer, nullable=False, comment="Number of stops; 0 is direct."),
    Column("airline_id", Text, nullable=False, comment="Airline (flights.airlines)."),
    Column(
        "duration_minutes",
        Integer,
        nullable=False,
        comment="Flight time as stated by the source, minutes.",
    ),
    Column(
        "elapsed_minutes",
        Integer,
        comment="Minutes from departure to arrival; null if a time zone is unknown.",
    ),
    Column(
        "layover_minutes",
        Integer,
        comment="Elapsed minus stated minutes, for legs with stops; null for direct legs, if"
        " the times are not plausible, and if a time zone is unknown.",
    ),
    Column(
        "time_verdict",
        Text,
        comment="consistent: the elapsed time equals the stated duration; includes_layover: it"
        " is longer, on a leg with stops; impossible: anything else, an error in the"
        " source; null if a time zone is unknown.",
    ),
    Column(
        "clock_change",
        Text,
        comment="Set if the stated duration does not decide which instant is meant. ambiguous: a"
        " local time occurs twice as clocks change; skipped: a local time does not exist. Null"
        " otherwise.",
    ),
    delivery_id_column(),
    CheckConstraint("stops >= 0", name="stops"),
    CheckConstraint("duration_minutes > 0", name="duration"),
    CheckConstraint(
        "time_verdict IN ('consistent', 'includes_layover', 'impossible')", name="time_verdict"
    ),
    CheckConstraint("clock_change IN ('ambiguous', 'skipped')", name="clock_change"),
    *seen_indexes("legs", "leg_id"),
    schema=SCHEMA,
    comment="Legs: flights from one airport to another, with or without stops. One row for"
    " each period in which the source sent the same values.",
)

prices = Table(
    "prices",
    metadata,
    Column("itinerary_id", Text, primary_key=True, comment="Itinerary id in the source."),
    *seen_columns(),
    Column("price_amount", PRICE, nullable=False, comment="Price, in price_currency."),
    Column("price_currency", Text, nullable=False, comment="ISO 4217 code of the price."),
    Column(
        "agent", Text, nullable=False, comment="Agent that sells the itinerary (flights.agents)."
    ),
    Column(
        "agent_rating",
        Double,
        comment="Rating of the agent for this itinerary, 0 to 10; null if none was sent.",
    ),
    Column("leg_ids", ARRAY(Text), nullable=False, comment="Leg ids in order (flights.legs)."),
    delivery_id_column(),
    *seen_indexes("prices", "itinerary_id"),
    schema=SCHEMA,
    comment="Price, agent and legs of each itinerary, one row for each period without a"
    " change. A gap between two rows is a time when the itinerary was not on offer.",
)

rejected_offers = Table(
    "rejected_offers",
    metadata,
    Column("itinerary_id", Text, primary_key=True, comment="Itinerary id in the source."),
    Column(
        "snapshot_at",
        DateTime(timezone=True),
        primary_key=True,
        comment="Time of the snapshot (flights.snapshots).",
    ),
    Column("reason", Text, nullable=False, comment="Why the record was rejected, in words."),
    info={WRITTEN_WITH: "flights.prices"},
    schema=SCHEMA,
    comment="Itineraries of each snapshot whose record was rejected, so that their price is"
    " unknown. The last accepted price remains in flights.prices.",
)

itineraries = Table(
    "itineraries",
    metadata,
    Column("itinerary_id", Text, primary_key=True, comment="Itinerary id in the source."),
    Column(
        "agent", Text, nullable=False, comment="Agent that sells the itinerary (flights.agents)."
    ),
    Column(
        "agent_rating",
        Double,
        comment="Rating of the agent for this itinerary, 0 to 10; null if none was sent.",
    ),
    Column("price_amount", PRICE, nullable=False, comment="Last price, in price_currency."),
    Column("price_currency", Text, nullable=False, comment="ISO 4217 code of the price."),
    Column("leg_count", Integer, nullable=False, comment="Number of legs."),
    Column(
        "max_stops",
        Integer,
        nullable=False,
        comment="Highest number of stops on any leg; 0 if all legs are direct.",
    ),
    Column(
        "airlines",
        ARRAY(Text),
        nullable=False,
        comment="Names of the airlines, without duplicates.",
    ),
    Column(
        "airline_ids",
        ARRAY(Text),
        nullable=False,
        comment="Airline codes of the source, without duplicates; not IATA codes.",
    ),
    Column("route", Text, nullable=False, comment="Legs in order: BUD-LTN, LTN-BUD."),
    Column(
        "leg_stops",
        ARRAY(SmallInteger),
        nullable=False,
        comment="Stops on each leg, in the order of the legs; 0 is direct.",
    ),
    Column(
        "origin_airport",
        Text,
        nullable=False,
        comment="IATA code of the airport where the first leg begins.",
    ),
    Column(
        "destination_airport",
        Text,
        nullable=False,
        comment="IATA code of the airport where the first leg ends. A leg is one direction,"
        " stops included.",
    ),
    Column(
        "departure_on",
        Date,
        nullable=False,
        comment="Local date on which the first leg departs.",
    ),
    Column(
        "return_on",
        Date,
        comment="Local date on which the last leg departs; null if there is only one leg.",
    ),
    Column(
        "total_duration_minutes",
        BigInteger,
        nullable=False,
        comment="Total minutes from departure to arrival over all legs: layovers included, the"
        " stay at the destination excluded. The stated duration is used for a leg if its"
        " time zones are unknown or its times are impossible.",
    ),
    Column(
        "is_inconsistent",
        Boolean,
        nullable=False,
        comment="True if the times of a leg contradict its stated duration"
        " (flights.legs.time_verdict).",
    ),
    Column(
        "first_seen_at",
        DateTime(timezone=True),
        nullable=False,
        comment="Time of the first snapshot whose record of the itinerary was accepted.",
    ),
    Column(
        "last_seen_at",
        DateTime(timezone=True),
        comment="Time of the last snapshot that contains the itinerary; null while it is on offer.",
    ),
    Column(
        "withdrawn_at",
        DateTime(timezone=True),
        comment="Time of the first snapshot without the itinerary; null while it is on offer.",
    ),
    delivery_id_column(),
    Index("itineraries_price_idx", "price_amount", "itinerary_id"),
    Index("itineraries_rating_idx", desc("agent_rating"), "price_amount"),
    Index(None, "agent"),
    Index(None, "departure_on", "price_amount"),
    schema=SCHEMA,
    comment="Every itinerary of which a record was ever accepted, one row each, with its last"
    " accepted values. Derived from flights.prices.",
)

# Not foreign keys: the statement that writes it joins itineraries and legs in the same transaction.
# Checking each row again took a seventh of the time of a first load.
itinerary_legs = Table(
    "itinerary_legs",
    metadata,
    Column(
        "itinerary_id",
        Text,
        primary_key=True,
        comment="Itinerary (flights.itineraries).",
    ),
    Column(
        "leg_number",
        SmallInteger,
        primary_key=True,
        comment="Position of the leg in the itinerary, from 1.",
    ),
    Column("leg_id", Text, nullable=False, comment="Leg (flights.legs)."),
    Column(
        "leg_seen_from_at",
        DateTime(timezone=True),
        nullable=False,
        comment="seen_from_at of the leg's row in flights.legs: the period in which the"
        " itinerary was last seen.",
    ),
    delivery_id_column(),
    Index(None, "leg_id", "leg_seen_from_at"),
    schema=SCHEMA,
    comment="Legs of each itinerary in order, as last seen, one row each. Derived from"
    " flights.prices.",
)

#: Tables with history, to which each snapshot is applied.
PERIODS = (airlines, agents, legs, prices)

#: Tables that are rebuilt from them where they changed.
READ_FROM_PERIODS = (itineraries, itinerary_legs)

#: Tables that loads fill, in the order of their references.
READ_FROM_SNAPSHOTS = (airports, *PERIODS, *READ_FROM_PERIODS)
