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
from sqlalchemy.schema import SchemaItem

from pipelines.warehouse.tables import (
    INSTANT,
    PLACE_KEY,
    WRITTEN_WITH,
    delivery_id_column,
    optional,
    required,
    source_metadata,
)

#: Type of prices: their scale is known to every driver.
PRICE = Numeric(16, 2)
SCHEMA = "flights"
ENDS = ("departure", "arrival")
metadata = source_metadata()


def _periods(name: str, key: Column[Any], *values: SchemaItem, comment: str) -> Table:
    """Return a table with a row for each period of a key in which nothing changed.

    The first snapshot of a period is part of the primary key; at most one period of a key is open.
    """
    is_open, is_closed = text("seen_until_at IS NULL"), text("seen_until_at IS NOT NULL")
    return Table(
        name,
        metadata,
        key,
        required(
            "seen_from_at",
            INSTANT,
            "Time of the first snapshot with these values.",
            primary_key=True,
        ),
        optional(
            "seen_until_at",
            INSTANT,
            "Time of the last snapshot with these values; null while they are current. They stay"
            " current while the record that has them is rejected, and a leg while the last"
            " accepted record of an offer whose present one is rejected names it.",
        ),
        *values,
        delivery_id_column(),
        Index(f"{name}_open_key", key.name, unique=True, postgresql_where=is_open),
        Index(f"{name}_seen_from_at_idx", "seen_from_at", postgresql_using="brin"),
        Index(f"{name}_seen_until_at_idx", "seen_until_at", postgresql_where=is_closed),
        schema=SCHEMA,
        comment=comment,
    )


def _sold_by() -> tuple[Column[Any], Column[Any]]:
    rating = "Rating of the agent for this itinerary, 0 to 10; null if none was sent."
    return (
        required("agent", Text, "Agent that sells the itinerary (flights.agents)."),
        optional("agent_rating", Double, rating),
    )


payloads = Table(
    "payloads",
    metadata,
    required("sha256", Text, "SHA-256 digest of the body, hexadecimal.", primary_key=True),
    required("byte_count", BigInteger, "Size of the body in bytes."),
    optional(
        "body_gzip",
        LargeBinary,
        "Body as received, gzipped; null if housekeeping has deleted it because of its age.",
    ),
    info={WRITTEN_WITH: "flights.snapshots"},
    schema=SCHEMA,
    comment="Bodies of documents as received, one row per distinct body.",
)

snapshots = Table(
    "snapshots",
    metadata,
    required("snapshot_at", INSTANT, "When the document was received.", primary_key=True),
    required(
        "snapshot_on",
        Date,
        "UTC date of snapshot_at. A day may have several snapshots.",
        Computed("(snapshot_at AT TIME ZONE 'UTC')::date", persisted=True),
    ),
    required(
        "sha256",
        Text,
        "Digest of the document's body (flights.payloads).",
        ForeignKey("flights.payloads.sha256"),
    ),
    required(
        "is_loaded",
        Boolean,
        "True if the document is loaded into the tables of this schema.",
        server_default=false(),
    ),
    optional("rejection_reason", Text, "Why the whole document was rejected; null if it was not."),
    required("source_url", Text, "URL of the document, with secrets masked."),
    optional(
        "itinerary_count",
        Integer,
        "Number of itineraries on offer as of the last load; null if never loaded.",
    ),
    optional(
        "price_currency", Text, "ISO 4217 code of most of the prices; null if there are none."
    ),
    *(
        optional(
            f"{which}_price",
            PRICE,
            f"{which.title()} price of accepted records, also departed ones, in price_currency;"
            " null if there are none. What can be had: metrics.flight_offers_by_day.",
        )
        for which in ("lowest", "median", "highest")
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
    required("airport_code", Text, "IATA code of the airport, three letters.", primary_key=True),
    optional("icao_code", Text, "ICAO code of the airport, four letters; null if it has none."),
    required("name", Text, "Name of the airport."),
    optional("city", Text, "City where the airport is, not always served_city; null if unknown."),
    optional(
        "served_city",
        Text,
        "City that the airport serves, with its country, such as London, GB: that of IATA's city"
        " code if it has several airports, otherwise that of the airport. Null if unknown.",
    ),
    optional("subdivision", Text, "State, province or region; null if unknown."),
    optional("country_code", Text, "ISO 3166-1 alpha-2 code, XK for Kosovo; null if unknown."),
    required(
        "city_code",
        Text,
        "IATA code of the city if it has several airports, LON for LHR, or the airport's own.",
    ),
    required("latitude", Double, "Latitude, degrees north (WGS 84)."),
    required("longitude", Double, "Longitude, degrees east (WGS 84)."),
    optional("elevation_feet", Double, "Elevation above sea level, feet; null if unknown."),
    optional("time_zone", Text, "IANA time zone, such as Europe/London; null if unknown."),
    optional(
        "place_key",
        Text,
        "Key of the place in weather.places: the coordinates.",
        Computed(PLACE_KEY, persisted=True),
    ),
    delivery_id_column(),
    schema=SCHEMA,
    comment="Airports with an IATA code, from the package airportsdata.",
)

airlines = _periods(
    "airlines",
    required(
        "airline_id",
        Text,
        "Airline code of the source; not the IATA code: Wizz Air is WZ here and W6 at IATA.",
        primary_key=True,
    ),
    required("name", Text, "Name of the airline."),
    comment="Airlines, one row for each period in which the source sent the same name.",
)

agents = _periods(
    "agents",
    required("agent", Text, "Name of the agent that sells itineraries, as sent.", primary_key=True),
    optional("agent_rating", Double, "Rating of the agent, 0 to 10; null if none was sent."),
    comment="Agents that sell itineraries, airlines included, one row for each period with"
    " the same rating.",
)

legs = _periods(
    "legs",
    required("leg_id", Text, "Leg id in the source.", primary_key=True),
    *(required(f"{end}_airport", Text, f"IATA code of the {end} airport.") for end in ENDS),
    *(
        required(
            f"{end}_local",
            DateTime,
            f"{end.title()} in the local time of the {end} airport, as sent.",
        )
        for end in ENDS
    ),
    *(
        optional(f"{end}_time_zone", Text, f"IANA time zone of the {end} airport; null if unknown.")
        for end in ENDS
    ),
    *(
        optional(
            f"{end}_at",
            INSTANT,
            f"{end.title()} as an instant; null if the time zone of the airport is unknown.",
        )
        for end in ENDS
    ),
    required("stops", Integer, "Number of stops; 0 is direct."),
    required("airline_id", Text, "Airline (flights.airlines)."),
    required("duration_minutes", Integer, "Flight time as stated by the source, minutes."),
    optional(
        "elapsed_minutes",
        Integer,
        "Minutes from departure to arrival; null if a time zone is unknown.",
    ),
    optional(
        "layover_minutes",
        Integer,
        "Elapsed minus stated minutes, for legs with stops; null for direct legs, if the times are"
        " not plausible, and if a time zone is unknown.",
    ),
    optional(
        "time_verdict",
        Text,
        "consistent: the elapsed time equals the stated duration; includes_layover: it is longer,"
        " on a leg with stops; impossible: anything else, an error in the source; null if a time"
        " zone is unknown.",
    ),
    optional(
        "clock_change",
        Text,
        "Set if the stated duration does not decide which instant is meant. ambiguous: a local"
        " time occurs twice as clocks change; skipped: a local time does not exist. Null"
        " otherwise.",
    ),
    CheckConstraint("stops >= 0", name="stops"),
    CheckConstraint("duration_minutes > 0", name="duration"),
    CheckConstraint(
        "time_verdict IN ('consistent', 'includes_layover', 'impossible')", name="time_verdict"
    ),
    CheckConstraint("clock_change IN ('ambiguous', 'skipped')", name="clock_change"),
    comment="Legs: flights from one airport to another, with or without stops. One row for"
    " each period in which the source sent the same values.",
)

prices = _periods(
    "prices",
    required("itinerary_id", Text, "Itinerary id in the source.", primary_key=True),
    required("price_amount", PRICE, "Price, in price_currency."),
    required("price_currency", Text, "ISO 4217 code of the price."),
    *_sold_by(),
    required("leg_ids", ARRAY(Text), "Leg ids in order (flights.legs)."),
    optional(
        "route",
        Text,
        "Legs in order by their airports: BUD-LTN, LTN-BUD. An id whose legs fly another route is"
        " another offer. Null if Isobar 4.0 stored the row and did not know its legs.",
    ),
    comment="Price, agent and legs of each itinerary, one row for each period without a"
    " change. A gap between two rows is a time when the itinerary was not on offer.",
)

rejected_offers = Table(
    "rejected_offers",
    metadata,
    required("itinerary_id", Text, "Itinerary id in the source.", primary_key=True),
    required("snapshot_at", INSTANT, "Time of the snapshot (flights.snapshots).", primary_key=True),
    required("reason", Text, "Why the record was rejected, in words."),
    info={WRITTEN_WITH: "flights.prices"},
    schema=SCHEMA,
    comment="Itineraries of each snapshot whose record was rejected, so that their price is"
    " unknown. The last accepted price remains in flights.prices.",
)

itineraries = Table(
    "itineraries",
    metadata,
    required("itinerary_id", Text, "Itinerary id in the source.", primary_key=True),
    *_sold_by(),
    required("price_amount", PRICE, "Last price, in price_currency."),
    required("price_currency", Text, "ISO 4217 code of the price."),
    required("leg_count", Integer, "Number of legs."),
    required("max_stops", Integer, "Highest number of stops on any leg; 0 if all legs are direct."),
    required("airlines", ARRAY(Text), "Names of the airlines, without duplicates."),
    required("airline_ids", ARRAY(Text), "The source's airline codes, each once; not IATA codes."),
    required("route", Text, "Legs in order: BUD-LTN, LTN-BUD."),
    required(
        "leg_stops",
        ARRAY(SmallInteger),
        "Stops on each leg, in the order of the legs; 0 is direct.",
    ),
    required("origin_airport", Text, "IATA code of the airport where the first leg begins."),
    required(
        "destination_airport",
        Text,
        "IATA code of the airport where the first leg ends. A leg is a direction, with its stops.",
    ),
    required("departure_on", Date, "Local date on which the first leg departs."),
    optional(
        "departs_at",
        INSTANT,
        "When the first leg departs; the end of departure_on (UTC) if the time zone is unknown.",
    ),
    optional(
        "return_on",
        Date,
        "Local date on which the last leg departs; null if there is only one leg.",
    ),
    required(
        "total_duration_minutes",
        BigInteger,
        "Total minutes from departure to arrival over all legs: layovers included, the stay at the"
        " destination excluded. The stated duration is used for a leg if its time zones are"
        " unknown or its times are impossible.",
    ),
    optional(
        "longest_leg_minutes",
        Integer,
        "Minutes from departure to arrival of the longest leg, by the same rule.",
    ),
    required(
        "is_inconsistent",
        Boolean,
        "True if the times of a leg contradict its stated duration (flights.legs.time_verdict).",
    ),
    required(
        "first_seen_at",
        INSTANT,
        "Time of the first snapshot whose record of the itinerary was accepted, on any route."
        " first_accepted_at is that of the present offer.",
    ),
    optional(
        "first_accepted_at",
        INSTANT,
        "Time of the first snapshot that offered this route under this id and was accepted.",
    ),
    optional(
        "last_accepted_at",
        INSTANT,
        "Time of the last snapshot whose record of the itinerary was accepted: the row has its"
        " values. Null while that is the newest snapshot.",
    ),
    optional(
        "last_seen_at",
        INSTANT,
        "Time of the last snapshot that contains the itinerary; null while the newest one does,"
        " even if its record is rejected there.",
    ),
    optional(
        "withdrawn_at",
        INSTANT,
        "Time of the first snapshot without the itinerary; null while the newest one contains it.",
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

lowest_prices = Table(
    "lowest_prices",
    metadata,
    required("from_city", Text, "City and country of departure.", primary_key=True),
    required("to_city", Text, "City and country of the first arrival.", primary_key=True),
    required("trip", Text, "one-way, round trip, or other: it ends elsewhere.", primary_key=True),
    required("price_currency", Text, "ISO 4217 code of the prices.", primary_key=True),
    required(
        "weeks_before_departure", SmallInteger, "Whole weeks; 0 is the last.", primary_key=True
    ),
    required("snapshot_at", INSTANT, "Time of the snapshot.", primary_key=True),
    required("departure_on", Date, "Local date of the first departure.", primary_key=True),
    *(required(f"{end}_airport", Text, "IATA code.", primary_key=True) for end in ENDS),
    required("lowest_price", PRICE, "Lowest price, in price_currency."),
    required("offers", Integer, "Number of offers in price_currency."),
    Index(None, "snapshot_at", postgresql_using="brin"),
    info={WRITTEN_WITH: "flights.prices"},
    schema=SCHEMA,
    comment="Lowest price of each snapshot of the last 60 days by cities, airports, kind of trip,"
    " currency and departure day, of accepted records that had not departed. From flights.prices.",
)

# Not foreign keys: the statement that writes it joins itineraries and legs in the same transaction.
# Checking each row again took a seventh of the time of a first load.
itinerary_legs = Table(
    "itinerary_legs",
    metadata,
    required("itinerary_id", Text, "Itinerary (flights.itineraries).", primary_key=True),
    required(
        "leg_number",
        SmallInteger,
        "Position of the leg in the itinerary, from 1.",
        primary_key=True,
    ),
    required("leg_id", Text, "Leg (flights.legs)."),
    required(
        "leg_seen_from_at",
        INSTANT,
        "seen_from_at of the leg's row in flights.legs: the period in which the itinerary was last"
        " accepted.",
    ),
    delivery_id_column(),
    Index(None, "leg_id", "leg_seen_from_at"),
    schema=SCHEMA,
    comment="Legs of each itinerary in order, as last accepted, one row each. Derived from"
    " flights.prices.",
)

#: Tables with history, one row for each period in which nothing changed. Snapshots are applied in
#: order. To insert one in the middle, all later ones are reverted first. Prices come before legs,
#: because a leg stays for the sake of an offer.
PERIODS = (airlines, agents, prices, legs)

#: Tables that are read from the archive.
READ_FROM_SNAPSHOTS = (*PERIODS, itineraries, itinerary_legs)
