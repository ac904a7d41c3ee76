"""Tables of flights: the archive of documents, and what is read from them."""

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
)
from sqlalchemy.dialects.postgresql import ARRAY

from pipelines.sources.flights.periods import seen_columns, seen_indexes
from pipelines.warehouse.tables import WRITTEN_WITH, delivery_id_column, source_metadata

SCHEMA = "flights"
metadata = source_metadata()


payloads = Table(
    "payloads",
    metadata,
    Column("sha256", Text, primary_key=True, comment="Digest of the body, hexadecimal."),
    Column("byte_count", BigInteger, nullable=False, comment="Size of the body in bytes."),
    Column(
        "body_gzip",
        LargeBinary,
        comment="The body as received, gzipped; null: housekeeping has removed it for its age.",
    ),
    info={WRITTEN_WITH: "flights.snapshots"},
    schema=SCHEMA,
    comment="Documents as they were received, each distinct body once.",
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
        comment="Its day (UTC), which may have several.",
    ),
    Column(
        "sha256",
        Text,
        ForeignKey("flights.payloads.sha256"),
        nullable=False,
        comment="The document (flights.payloads).",
    ),
    Column(
        "is_loaded",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="Whether it is loaded into the tables.",
    ),
    Column(
        "rejection_reason",
        Text,
        comment="Why the document was rejected as a whole; null: it was not.",
    ),
    Column("source_url", Text, nullable=False, comment="Where it was fetched, secrets masked."),
    Column("itinerary_count", Integer, comment="Itineraries on offer then."),
    Column("price_currency", Text, comment="ISO 4217 code that most of its prices are in."),
    Column("lowest_price", Numeric, comment="Lowest price in price_currency."),
    Column("median_price", Numeric, comment="Median price in price_currency."),
    Column("highest_price", Numeric, comment="Highest price in price_currency."),
    Index(None, "snapshot_on"),
    schema=SCHEMA,
    comment="The archive of what was on offer: each document as it came, but not again when it is"
    " the same as the day's last one. Everything else in this schema is read from it.",
)

airports = Table(
    "airports",
    metadata,
    Column("airport_code", Text, primary_key=True, comment="IATA code, three letters."),
    Column("icao_code", Text, comment="ICAO code, four letters."),
    Column("name", Text, nullable=False, comment="Name of the airport."),
    Column("city", Text, comment="City it serves."),
    Column("subdivision", Text, comment="State, province or region."),
    Column("country_code", Text, comment="ISO 3166-1 alpha-2, and XK."),
    Column(
        "city_code",
        Text,
        nullable=False,
        comment="City with several airports (LON for LHR), else the airport's own code.",
    ),
    Column("latitude", Double, nullable=False, comment="Degrees north, WGS 84."),
    Column("longitude", Double, nullable=False, comment="Degrees east, WGS 84."),
    Column("elevation_feet", Double, comment="Height above sea level in feet."),
    Column("time_zone", Text, comment="IANA zone, such as Europe/London."),
    Column(
        "place_key",
        Text,
        Computed(
            "round(latitude::numeric, 4)::text || ',' || round(longitude::numeric, 4)::text",
            persisted=True,
        ),
        comment="What weather.places calls it: its coordinates.",
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
        comment="The source's code. Not the IATA code: Wizz Air is WZ here and W6 at IATA.",
    ),
    *seen_columns(),
    Column("name", Text, nullable=False, comment="Name of the airline."),
    delivery_id_column(),
    *seen_indexes("airlines", "airline_id"),
    schema=SCHEMA,
    comment="Airlines as the source names them: a row for each period under one name.",
)

agents = Table(
    "agents",
    metadata,
    Column("agent", Text, primary_key=True, comment="Name of the seller, as sent."),
    *seen_columns(),
    Column("agent_rating", Numeric, comment="Rating, 0 to 10."),
    delivery_id_column(),
    *seen_indexes("agents", "agent"),
    schema=SCHEMA,
    comment="Who sells itineraries, airlines and others: a row for each period with one rating.",
)

legs = Table(
    "legs",
    metadata,
    Column("leg_id", Text, primary_key=True, comment="The source's id of the leg."),
    *seen_columns(),
    Column("departure_airport", Text, nullable=False, comment="IATA code of the departure."),
    Column("arrival_airport", Text, nullable=False, comment="IATA code of the arrival."),
    Column(
        "departure_local",
        DateTime,
        nullable=False,
        comment="Departure on the clocks of the departure airport, as sent.",
    ),
    Column(
        "arrival_local",
        DateTime,
        nullable=False,
        comment="Arrival on the clocks of the arrival airport, as sent.",
    ),
    Column("departure_time_zone", Text, comment="IANA zone of the departure; null: not known."),
    Column("arrival_time_zone", Text, comment="IANA zone of the arrival; null: not known."),
    Column(
        "departure_at",
        DateTime(timezone=True),
        comment="Departure as an instant; null where the airport's zone is not known.",
    ),
    Column(
        "arrival_at",
        DateTime(timezone=True),
        comment="Arrival as an instant; null where the airport's zone is not known.",
    ),
    Column("stops", Integer, nullable=False, comment="Stops on the way; 0 is direct."),
    Column("airline_id", Text, nullable=False, comment="The airline (flights.airlines)."),
    Column("duration_minutes", Integer, nullable=False, comment="Time in the air, as stated."),
    Column("elapsed_minutes", Integer, comment="From departure to arrival."),
    Column(
        "layover_minutes",
        Integer,
        comment="Elapsed less stated time where there are stops; null when that makes no sense.",
    ),
    Column(
        "time_verdict",
        Text,
        comment="consistent: elapsed is what was stated; includes_layover: more, with stops;"
        " impossible: anything else; null where a zone is not known.",
    ),
    Column(
        "clock_change",
        Text,
        comment="Where a local time comes twice (ambiguous) or not at all (skipped) as clocks"
        " change, and the stated duration did not decide; null otherwise.",
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
    comment="Flights from one airport to another, with or without stops: a row for each period in"
    " which the source sent the same values of a leg.",
)

prices = Table(
    "prices",
    metadata,
    Column("itinerary_id", Text, primary_key=True, comment="The source's id of the itinerary."),
    *seen_columns(),
    Column("price_amount", Numeric, nullable=False, comment="The price, in price_currency."),
    Column("price_currency", Text, nullable=False, comment="ISO 4217 code."),
    Column("agent", Text, nullable=False, comment="Who offers it (flights.agents)."),
    Column("agent_rating", Numeric, comment="The agent's rating there and then, 0 to 10."),
    Column("leg_ids", ARRAY(Text), nullable=False, comment="The legs in their order."),
    delivery_id_column(),
    *seen_indexes("prices", "itinerary_id"),
    schema=SCHEMA,
    comment="The price of each itinerary, its agent and its legs: a row for each period in"
    " which nothing of it changed. A gap between two rows is a time when it was not offered.",
)

itineraries = Table(
    "itineraries",
    metadata,
    Column("itinerary_id", Text, primary_key=True, comment="The source's id of the itinerary."),
    Column("agent", Text, nullable=False, comment="Who sells it (flights.agents)."),
    Column("agent_rating", Numeric, comment="The agent's rating there, 0 to 10."),
    Column("price_amount", Numeric, nullable=False, comment="Last price, in price_currency."),
    Column("price_currency", Text, nullable=False, comment="ISO 4217 code."),
    Column("leg_count", Integer, nullable=False, comment="How many legs it has."),
    Column("max_stops", Integer, nullable=False, comment="Most stops on any of its legs."),
    Column("airlines", ARRAY(Text), nullable=False, comment="Names of its airlines, each once."),
    Column("airline_ids", ARRAY(Text), nullable=False, comment="Their codes, each once."),
    Column("route", Text, nullable=False, comment="Its legs in order: BUD-LTN, LTN-BUD."),
    Column(
        "leg_stops",
        ARRAY(SmallInteger),
        nullable=False,
        comment="Stops on each of its legs, in their order; 0 is direct.",
    ),
    Column(
        "origin_airport", Text, nullable=False, comment="IATA code: where the first leg begins."
    ),
    Column(
        "destination_airport",
        Text,
        nullable=False,
        comment="IATA code: where the first leg ends. A leg is one direction, stops included.",
    ),
    Column(
        "departure_on",
        Date,
        nullable=False,
        comment="Day on which its first leg departs, local.",
    ),
    Column(
        "return_on",
        Date,
        comment="Day on which its last leg departs, local; null where there is one leg alone.",
    ),
    Column(
        "total_duration_minutes",
        BigInteger,
        nullable=False,
        comment="Sum over its legs of the time from departure to arrival, layovers included,"
        " minutes; without the stay at the destination. The stated duration counts for a leg whose"
        " time zones are not known or whose times are impossible.",
    ),
    Column(
        "first_seen_at",
        DateTime(timezone=True),
        nullable=False,
        comment="The first snapshot with it.",
    ),
    Column(
        "last_seen_at",
        DateTime(timezone=True),
        comment="The last snapshot with it; null while it is offered.",
    ),
    Column(
        "withdrawn_at",
        DateTime(timezone=True),
        comment="The first snapshot without it; null while it is offered.",
    ),
    delivery_id_column(),
    Index("itineraries_price_idx", "price_amount", "itinerary_id"),
    Index("itineraries_rating_idx", desc("agent_rating"), "price_amount"),
    Index(None, "agent"),
    Index(None, "departure_on", "price_amount"),
    schema=SCHEMA,
    comment="Every itinerary ever seen, one row each, as last seen. Made from flights.prices.",
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
        comment="The itinerary (flights.itineraries).",
    ),
    Column("leg_number", SmallInteger, primary_key=True, comment="Place in the order, from 1."),
    Column("leg_id", Text, nullable=False, comment="The leg (flights.legs)."),
    Column(
        "leg_seen_from_at",
        DateTime(timezone=True),
        nullable=False,
        comment="Which period of the leg: the one in which the itinerary was last seen.",
    ),
    delivery_id_column(),
    Index(None, "leg_id", "leg_seen_from_at"),
    schema=SCHEMA,
    comment="The legs of each itinerary in their order, as last seen. Made from flights.prices.",
)

#: Tables with history, to which `flights.load` applies each snapshot.
PERIODS = (airlines, agents, legs, prices)

#: Tables that are rebuilt from them where they changed.
READ_FROM_PERIODS = (itineraries, itinerary_legs)

#: Tables that `flights.load` fills, in the order of their references.
READ_FROM_SNAPSHOTS = (airports, *PERIODS, *READ_FROM_PERIODS)
