"""Storage of the flights domain: the archive of documents and what is read from them."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
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
)

from pipelines.core.tables import delivery_id_column, metadata

SCHEMA = "flights"

payloads = Table(
    "payloads",
    metadata,
    Column("sha256", Text, primary_key=True, comment="Digest of the body, hexadecimal."),
    Column("byte_count", BigInteger, nullable=False, comment="Size of the body in bytes."),
    Column("body_gzip", LargeBinary, nullable=False, comment="The body as received, gzipped."),
    schema=SCHEMA,
    comment="Documents as they were received, each distinct body once.",
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("snapshot_on", Date, primary_key=True, comment="The day (UTC) it was fetched."),
    Column(
        "sha256",
        Text,
        ForeignKey("flights.payloads.sha256"),
        nullable=False,
        comment="The document of that day (flights.payloads).",
    ),
    Column("received_at", DateTime(timezone=True), nullable=False, comment="When it was fetched."),
    Column("source_url", Text, nullable=False, comment="Where it was fetched, secrets masked."),
    schema=SCHEMA,
    comment="The archive: which document was offered on which day."
    " Everything else in this schema is read from it.",
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
    Column("name", Text, nullable=False, comment="Name of the airline."),
    delivery_id_column(),
    schema=SCHEMA,
    comment="Airlines as the source names them.",
)

agents = Table(
    "agents",
    metadata,
    Column("agent", Text, primary_key=True, comment="Name of the seller, as sent."),
    Column("agent_rating", Numeric, comment="Rating when last seen, 0 to 10."),
    delivery_id_column(),
    schema=SCHEMA,
    comment="Who sells itineraries: airlines and others.",
)

legs = Table(
    "legs",
    metadata,
    Column("leg_id", Text, primary_key=True, comment="The source's id of the leg."),
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
    Column("stops", SmallInteger, nullable=False, comment="Stops on the way; 0 is direct."),
    Column("airline_id", Text, nullable=False, comment="The airline (flights.airlines)."),
    Column("duration_minutes", Integer, nullable=False, comment="Time in the air, as stated."),
    delivery_id_column(),
    CheckConstraint("stops >= 0", name="stops"),
    CheckConstraint("duration_minutes > 0", name="duration"),
    Index(None, "airline_id"),
    Index(None, "departure_airport"),
    Index(None, "arrival_airport"),
    schema=SCHEMA,
    comment="Flights from one airport to another, with or without stops.",
)

itineraries = Table(
    "itineraries",
    metadata,
    Column("itinerary_id", Text, primary_key=True, comment="The source's id of the itinerary."),
    Column("agent", Text, nullable=False, comment="Who sells it (flights.agents)."),
    Column("agent_rating", Numeric, comment="The agent's rating there, 0 to 10."),
    Column("leg_count", SmallInteger, nullable=False, comment="How many legs it has."),
    Column("first_seen_on", Date, nullable=False, comment="Day of the first snapshot with it."),
    Column(
        "last_seen_on",
        Date,
        comment="Day of the last snapshot with it; null while it is offered.",
    ),
    delivery_id_column(),
    Index(None, "agent"),
    schema=SCHEMA,
    comment="Offers of one or more legs by one agent, each ever seen, as last seen.",
)

itinerary_legs = Table(
    "itinerary_legs",
    metadata,
    Column(
        "itinerary_id",
        Text,
        ForeignKey("flights.itineraries.itinerary_id"),
        primary_key=True,
        comment="The itinerary (flights.itineraries).",
    ),
    Column("leg_number", SmallInteger, primary_key=True, comment="Place in the order, from 1."),
    Column(
        "leg_id",
        Text,
        ForeignKey("flights.legs.leg_id"),
        nullable=False,
        index=True,
        comment="The leg (flights.legs).",
    ),
    delivery_id_column(),
    schema=SCHEMA,
    comment="The legs of each itinerary in their order, as many as there are.",
)

prices = Table(
    "prices",
    metadata,
    Column(
        "itinerary_id",
        Text,
        ForeignKey("flights.itineraries.itinerary_id"),
        primary_key=True,
        comment="The itinerary (flights.itineraries).",
    ),
    Column(
        "seen_from_on",
        Date,
        primary_key=True,
        comment="Day of the first snapshot with this price; it holds until the next row's.",
    ),
    Column("price_amount", Numeric, nullable=False, comment="The price in its currency."),
    Column("price_currency", Text, nullable=False, comment="ISO 4217 code."),
    delivery_id_column(),
    schema=SCHEMA,
    comment="Every price of every itinerary: a row for each change.",
)

READ_FROM_SNAPSHOTS = (airports, airlines, agents, legs, itineraries, itinerary_legs, prices)
"""What `flights.load` fills, in the order of their references."""
