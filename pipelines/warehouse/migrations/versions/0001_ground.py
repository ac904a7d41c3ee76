"""The ground: schemas, rights, bookkeeping, flights."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from pipelines.warehouse.sql_files import execute_script

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


SCHEMAS = {
    "flights": "What the source of flights says, and the archive it is read from.",
    "enriched": "Views for analysts: each domain joined with what the others know.",
    "metrics": "Views and functions for dashboards.",
}
RIGHTS = """
-- Rights on whatever the owner makes from here on, in these schemas and in later ones.
GRANT USAGE ON SCHEMA ops TO isobar_loader, isobar_analyst;
GRANT SELECT ON ops.alembic_version TO isobar_loader, isobar_analyst;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO isobar_loader, isobar_analyst;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO isobar_analyst;
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO isobar_loader;
ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO isobar_loader;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON FUNCTIONS TO isobar_loader, isobar_analyst;
"""
STATISTICS = """
-- So that a load can refresh the statistics of what it filled. Before PostgreSQL 17, where only the
-- owner may, autovacuum does it within a minute.
DO $$
BEGIN
    IF current_setting('server_version_num')::integer >= 170000 THEN
        ALTER DEFAULT PRIVILEGES GRANT MAINTAIN ON TABLES TO isobar_loader;
    END IF;
END
$$;
"""


def upgrade() -> None:
    execute_script(op.get_bind(), RIGHTS)
    execute_script(op.get_bind(), STATISTICS)
    for schema, comment in SCHEMAS.items():
        op.execute(f"CREATE SCHEMA {schema}")
        op.execute(f"COMMENT ON SCHEMA {schema} IS '{comment}'")
    op.create_table(
        "agents",
        sa.Column("agent", sa.Text(), nullable=False, comment="Name of the seller, as sent."),
        sa.Column(
            "seen_from_on",
            sa.Date(),
            nullable=False,
            comment="Day of the first snapshot that says so.",
        ),
        sa.Column(
            "seen_until_on",
            sa.Date(),
            nullable=True,
            comment="Day of the last snapshot that says so; null while it still does.",
        ),
        sa.Column("agent_rating", sa.Numeric(), nullable=True, comment="Rating, 0 to 10."),
        sa.Column(
            "delivery_id",
            sa.BigInteger(),
            nullable=False,
            comment="The delivery that wrote this row or last changed it (ops.deliveries).",
        ),
        sa.PrimaryKeyConstraint("agent", "seen_from_on", name=op.f("agents_pkey")),
        schema="flights",
        comment="Who sells itineraries, airlines and others: a row for each period with one rating.",
    )
    op.create_index(
        "agents_open_key",
        "agents",
        ["agent"],
        unique=True,
        schema="flights",
        postgresql_where=sa.text("seen_until_on IS NULL"),
    )
    op.create_index(
        "agents_seen_from_on_idx", "agents", ["seen_from_on"], unique=False, schema="flights"
    )
    op.create_index(
        "agents_seen_until_on_idx", "agents", ["seen_until_on"], unique=False, schema="flights"
    )
    op.create_table(
        "airlines",
        sa.Column(
            "airline_id",
            sa.Text(),
            nullable=False,
            comment="The source's code. Not the IATA code: Wizz Air is WZ here and W6 at IATA.",
        ),
        sa.Column(
            "seen_from_on",
            sa.Date(),
            nullable=False,
            comment="Day of the first snapshot that says so.",
        ),
        sa.Column(
            "seen_until_on",
            sa.Date(),
            nullable=True,
            comment="Day of the last snapshot that says so; null while it still does.",
        ),
        sa.Column("name", sa.Text(), nullable=False, comment="Name of the airline."),
        sa.Column(
            "delivery_id",
            sa.BigInteger(),
            nullable=False,
            comment="The delivery that wrote this row or last changed it (ops.deliveries).",
        ),
        sa.PrimaryKeyConstraint("airline_id", "seen_from_on", name=op.f("airlines_pkey")),
        schema="flights",
        comment="Airlines as the source names them: a row for each period under one name.",
    )
    op.create_index(
        "airlines_open_key",
        "airlines",
        ["airline_id"],
        unique=True,
        schema="flights",
        postgresql_where=sa.text("seen_until_on IS NULL"),
    )
    op.create_index(
        "airlines_seen_from_on_idx", "airlines", ["seen_from_on"], unique=False, schema="flights"
    )
    op.create_index(
        "airlines_seen_until_on_idx", "airlines", ["seen_until_on"], unique=False, schema="flights"
    )
    op.create_table(
        "airports",
        sa.Column("airport_code", sa.Text(), nullable=False, comment="IATA code, three letters."),
        sa.Column("icao_code", sa.Text(), nullable=True, comment="ICAO code, four letters."),
        sa.Column("name", sa.Text(), nullable=False, comment="Name of the airport."),
        sa.Column("city", sa.Text(), nullable=True, comment="City it serves."),
        sa.Column("subdivision", sa.Text(), nullable=True, comment="State, province or region."),
        sa.Column("country_code", sa.Text(), nullable=True, comment="ISO 3166-1 alpha-2, and XK."),
        sa.Column(
            "city_code",
            sa.Text(),
            nullable=False,
            comment="City with several airports (LON for LHR), else the airport's own code.",
        ),
        sa.Column("latitude", sa.Double(), nullable=False, comment="Degrees north, WGS 84."),
        sa.Column("longitude", sa.Double(), nullable=False, comment="Degrees east, WGS 84."),
        sa.Column(
            "elevation_feet", sa.Double(), nullable=True, comment="Height above sea level in feet."
        ),
        sa.Column(
            "time_zone", sa.Text(), nullable=True, comment="IANA zone, such as Europe/London."
        ),
        sa.Column(
            "delivery_id",
            sa.BigInteger(),
            nullable=False,
            comment="The delivery that wrote this row or last changed it (ops.deliveries).",
        ),
        sa.PrimaryKeyConstraint("airport_code", name=op.f("airports_pkey")),
        schema="flights",
        comment="Airports with an IATA code, from the package airportsdata.",
    )
    op.create_table(
        "itineraries",
        sa.Column(
            "itinerary_id", sa.Text(), nullable=False, comment="The source's id of the itinerary."
        ),
        sa.Column("agent", sa.Text(), nullable=False, comment="Who sells it (flights.agents)."),
        sa.Column(
            "agent_rating",
            sa.Numeric(),
            nullable=True,
            comment="The agent's rating there, 0 to 10.",
        ),
        sa.Column(
            "price_amount", sa.Numeric(), nullable=False, comment="Last price, in price_currency."
        ),
        sa.Column("price_currency", sa.Text(), nullable=False, comment="ISO 4217 code."),
        sa.Column("leg_count", sa.Integer(), nullable=False, comment="How many legs it has."),
        sa.Column(
            "max_stops", sa.Integer(), nullable=False, comment="Most stops on any of its legs."
        ),
        sa.Column(
            "airlines",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="Names of its airlines, each once.",
        ),
        sa.Column(
            "airline_ids",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="Their codes, each once.",
        ),
        sa.Column(
            "route", sa.Text(), nullable=False, comment="Its legs in order: BUD-LTN, LTN-BUD."
        ),
        sa.Column(
            "first_seen_on", sa.Date(), nullable=False, comment="Day of the first snapshot with it."
        ),
        sa.Column(
            "last_seen_on",
            sa.Date(),
            nullable=True,
            comment="Day of the last snapshot with it; null while it is offered.",
        ),
        sa.Column(
            "withdrawn_on",
            sa.Date(),
            nullable=True,
            comment="Day of the first snapshot without it; null while it is offered.",
        ),
        sa.Column(
            "delivery_id",
            sa.BigInteger(),
            nullable=False,
            comment="The delivery that wrote this row or last changed it (ops.deliveries).",
        ),
        sa.PrimaryKeyConstraint("itinerary_id", name=op.f("itineraries_pkey")),
        schema="flights",
        comment="Every itinerary ever seen, one row each, as last seen. Made from flights.prices.",
    )
    op.create_index(
        op.f("itineraries_agent_idx"), "itineraries", ["agent"], unique=False, schema="flights"
    )
    op.create_index(
        "itineraries_price_idx",
        "itineraries",
        ["price_amount", "itinerary_id"],
        unique=False,
        schema="flights",
    )
    op.create_index(
        "itineraries_rating_idx",
        "itineraries",
        [sa.literal_column("agent_rating DESC"), "price_amount"],
        unique=False,
        schema="flights",
    )
    op.create_table(
        "legs",
        sa.Column("leg_id", sa.Text(), nullable=False, comment="The source's id of the leg."),
        sa.Column(
            "seen_from_on",
            sa.Date(),
            nullable=False,
            comment="Day of the first snapshot that says so.",
        ),
        sa.Column(
            "seen_until_on",
            sa.Date(),
            nullable=True,
            comment="Day of the last snapshot that says so; null while it still does.",
        ),
        sa.Column(
            "departure_airport", sa.Text(), nullable=False, comment="IATA code of the departure."
        ),
        sa.Column(
            "arrival_airport", sa.Text(), nullable=False, comment="IATA code of the arrival."
        ),
        sa.Column(
            "departure_local",
            sa.DateTime(),
            nullable=False,
            comment="Departure on the clocks of the departure airport, as sent.",
        ),
        sa.Column(
            "arrival_local",
            sa.DateTime(),
            nullable=False,
            comment="Arrival on the clocks of the arrival airport, as sent.",
        ),
        sa.Column(
            "departure_time_zone",
            sa.Text(),
            nullable=True,
            comment="IANA zone of the departure; null: not known.",
        ),
        sa.Column(
            "arrival_time_zone",
            sa.Text(),
            nullable=True,
            comment="IANA zone of the arrival; null: not known.",
        ),
        sa.Column(
            "departure_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Departure as an instant; null where the airport's zone is not known.",
        ),
        sa.Column(
            "arrival_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="Arrival as an instant; null where the airport's zone is not known.",
        ),
        sa.Column(
            "stops", sa.SmallInteger(), nullable=False, comment="Stops on the way; 0 is direct."
        ),
        sa.Column(
            "airline_id", sa.Text(), nullable=False, comment="The airline (flights.airlines)."
        ),
        sa.Column(
            "duration_minutes", sa.Integer(), nullable=False, comment="Time in the air, as stated."
        ),
        sa.Column(
            "elapsed_minutes", sa.Integer(), nullable=True, comment="From departure to arrival."
        ),
        sa.Column(
            "layover_minutes",
            sa.Integer(),
            nullable=True,
            comment="Elapsed less stated time where there are stops; null when that makes no sense.",
        ),
        sa.Column(
            "time_verdict",
            sa.Text(),
            nullable=True,
            comment="consistent: elapsed is what was stated; includes_layover: more, with stops; impossible: anything else; null where a zone is not known.",
        ),
        sa.Column(
            "clock_change",
            sa.Text(),
            nullable=True,
            comment="Where a local time comes twice (ambiguous) or not at all (skipped) as clocks change, and the stated duration did not decide; null otherwise.",
        ),
        sa.Column(
            "delivery_id",
            sa.BigInteger(),
            nullable=False,
            comment="The delivery that wrote this row or last changed it (ops.deliveries).",
        ),
        sa.CheckConstraint(
            "clock_change IN ('ambiguous', 'skipped')", name=op.f("legs_clock_change_check")
        ),
        sa.CheckConstraint(
            "time_verdict IN ('consistent', 'includes_layover', 'impossible')",
            name=op.f("legs_time_verdict_check"),
        ),
        sa.CheckConstraint("duration_minutes > 0", name=op.f("legs_duration_check")),
        sa.CheckConstraint("stops >= 0", name=op.f("legs_stops_check")),
        sa.PrimaryKeyConstraint("leg_id", "seen_from_on", name=op.f("legs_pkey")),
        schema="flights",
        comment="Flights from one airport to another, with or without stops: a row for each period in which the source said the same of a leg.",
    )
    op.create_index(
        "legs_open_key",
        "legs",
        ["leg_id"],
        unique=True,
        schema="flights",
        postgresql_where=sa.text("seen_until_on IS NULL"),
    )
    op.create_index(
        "legs_seen_from_on_idx", "legs", ["seen_from_on"], unique=False, schema="flights"
    )
    op.create_index(
        "legs_seen_until_on_idx", "legs", ["seen_until_on"], unique=False, schema="flights"
    )
    op.create_table(
        "payloads",
        sa.Column("sha256", sa.Text(), nullable=False, comment="Digest of the body, hexadecimal."),
        sa.Column(
            "byte_count", sa.BigInteger(), nullable=False, comment="Size of the body in bytes."
        ),
        sa.Column(
            "body_gzip", sa.LargeBinary(), nullable=False, comment="The body as received, gzipped."
        ),
        sa.PrimaryKeyConstraint("sha256", name=op.f("payloads_pkey")),
        schema="flights",
        comment="Documents as they were received, each distinct body once.",
    )
    op.create_table(
        "prices",
        sa.Column(
            "itinerary_id", sa.Text(), nullable=False, comment="The source's id of the itinerary."
        ),
        sa.Column(
            "seen_from_on",
            sa.Date(),
            nullable=False,
            comment="Day of the first snapshot that says so.",
        ),
        sa.Column(
            "seen_until_on",
            sa.Date(),
            nullable=True,
            comment="Day of the last snapshot that says so; null while it still does.",
        ),
        sa.Column(
            "price_amount",
            sa.Numeric(),
            nullable=False,
            comment="What is asked, in price_currency.",
        ),
        sa.Column("price_currency", sa.Text(), nullable=False, comment="ISO 4217 code."),
        sa.Column("agent", sa.Text(), nullable=False, comment="Who asks it (flights.agents)."),
        sa.Column(
            "agent_rating",
            sa.Numeric(),
            nullable=True,
            comment="The agent's rating there and then, 0 to 10.",
        ),
        sa.Column(
            "leg_ids",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="The legs in their order.",
        ),
        sa.Column(
            "delivery_id",
            sa.BigInteger(),
            nullable=False,
            comment="The delivery that wrote this row or last changed it (ops.deliveries).",
        ),
        sa.PrimaryKeyConstraint("itinerary_id", "seen_from_on", name=op.f("prices_pkey")),
        schema="flights",
        comment="What was asked for each itinerary, by whom, for which legs: a row for each period in which nothing of it changed. A gap between two rows is a time when it was not offered.",
    )
    op.create_index(
        "prices_open_key",
        "prices",
        ["itinerary_id"],
        unique=True,
        schema="flights",
        postgresql_where=sa.text("seen_until_on IS NULL"),
    )
    op.create_index(
        "prices_seen_from_on_idx", "prices", ["seen_from_on"], unique=False, schema="flights"
    )
    op.create_index(
        "prices_seen_until_on_idx", "prices", ["seen_until_on"], unique=False, schema="flights"
    )
    op.create_table(
        "deliveries",
        sa.Column(
            "delivery_id",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="Number of the delivery, in the order of loading.",
        ),
        sa.Column("source", sa.Text(), nullable=False, comment="Which feed: flights, airports, …"),
        sa.Column(
            "name",
            sa.Text(),
            nullable=False,
            comment="What was delivered, in the source's terms: a day, a file name, a window.",
        ),
        sa.Column(
            "sha256", sa.Text(), nullable=False, comment="Digest of the content, hexadecimal."
        ),
        sa.Column(
            "byte_count", sa.BigInteger(), nullable=False, comment="Size of the content in bytes."
        ),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When the content was received from the source.",
        ),
        sa.Column(
            "loaded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When the transaction that loaded it began.",
        ),
        sa.Column("run_id", sa.Text(), nullable=True, comment="The Dagster run that loaded it."),
        sa.Column(
            "read_count", sa.Integer(), nullable=False, comment="Source records in the delivery."
        ),
        sa.Column(
            "loaded_count",
            sa.Integer(),
            nullable=False,
            comment="Source records that changed at least one row.",
        ),
        sa.Column(
            "unchanged_count",
            sa.Integer(),
            nullable=False,
            comment="Source records that said what was known already.",
        ),
        sa.Column(
            "rejected_count",
            sa.Integer(),
            nullable=False,
            comment="Source records in quarantine (ops.quarantine).",
        ),
        sa.Column(
            "drift",
            postgresql.ARRAY(sa.Text()),
            server_default="{}",
            nullable=False,
            comment="How its shape differed from what the source promises, in words; empty when not.",
        ),
        sa.CheckConstraint(
            "read_count = loaded_count + unchanged_count + rejected_count",
            name=op.f("deliveries_nothing_lost_check"),
        ),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("deliveries_pkey")),
        sa.UniqueConstraint(
            "source", "name", "sha256", name=op.f("deliveries_source_name_sha256_key")
        ),
        schema="ops",
        comment="The ledger: one row for each delivery, written in one transaction with its rows. read = loaded + unchanged + rejected, counted in source records.",
    )
    op.create_table(
        "sql_objects",
        sa.Column(
            "name", sa.Text(), nullable=False, comment="Schema and name of the view or function."
        ),
        sa.Column(
            "sha256", sa.Text(), nullable=False, comment="Digest of the .sql file it was made from."
        ),
        sa.Column(
            "applied_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
            comment="When it was made or replaced.",
        ),
        sa.PrimaryKeyConstraint("name", name=op.f("sql_objects_pkey")),
        schema="ops",
        comment="Which version of each view and function is applied.",
    )
    op.create_table(
        "itinerary_legs",
        sa.Column(
            "itinerary_id",
            sa.Text(),
            nullable=False,
            comment="The itinerary (flights.itineraries).",
        ),
        sa.Column(
            "leg_number", sa.SmallInteger(), nullable=False, comment="Place in the order, from 1."
        ),
        sa.Column("leg_id", sa.Text(), nullable=False, comment="The leg (flights.legs)."),
        sa.Column(
            "leg_seen_from_on",
            sa.Date(),
            nullable=False,
            comment="Which period of the leg: the one in which the itinerary was last seen.",
        ),
        sa.Column(
            "delivery_id",
            sa.BigInteger(),
            nullable=False,
            comment="The delivery that wrote this row or last changed it (ops.deliveries).",
        ),
        sa.ForeignKeyConstraint(
            ["itinerary_id"],
            ["flights.itineraries.itinerary_id"],
            name=op.f("itinerary_legs_itinerary_id_fkey"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(
            ["leg_id", "leg_seen_from_on"],
            ["flights.legs.leg_id", "flights.legs.seen_from_on"],
            name=op.f("itinerary_legs_leg_id_leg_seen_from_on_fkey"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("itinerary_id", "leg_number", name=op.f("itinerary_legs_pkey")),
        schema="flights",
        comment="The legs of each itinerary in their order, as last seen. Made from flights.prices.",
    )
    op.create_index(
        op.f("itinerary_legs_leg_id_leg_seen_from_on_idx"),
        "itinerary_legs",
        ["leg_id", "leg_seen_from_on"],
        unique=False,
        schema="flights",
    )
    op.create_table(
        "snapshots",
        sa.Column(
            "snapshot_on", sa.Date(), nullable=False, comment="The day (UTC) it was fetched."
        ),
        sa.Column(
            "sha256",
            sa.Text(),
            nullable=False,
            comment="The document of that day (flights.payloads).",
        ),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="When it was fetched.",
        ),
        sa.Column(
            "loaded_sha256",
            sa.Text(),
            nullable=True,
            comment="The document that the tables were brought up to date with; null: none yet.",
        ),
        sa.Column(
            "refused_sha256",
            sa.Text(),
            nullable=True,
            comment="The last document of that day that was refused as a whole; null: none.",
        ),
        sa.Column("refusal", sa.Text(), nullable=True, comment="Why that document was refused."),
        sa.Column(
            "source_url", sa.Text(), nullable=False, comment="Where it was fetched, secrets masked."
        ),
        sa.Column(
            "itinerary_count", sa.Integer(), nullable=True, comment="Itineraries on offer that day."
        ),
        sa.Column(
            "price_currency",
            sa.Text(),
            nullable=True,
            comment="ISO 4217 code that most of its prices are in.",
        ),
        sa.Column(
            "lowest_price", sa.Numeric(), nullable=True, comment="Lowest price in price_currency."
        ),
        sa.Column(
            "median_price", sa.Numeric(), nullable=True, comment="Median price in price_currency."
        ),
        sa.Column(
            "highest_price", sa.Numeric(), nullable=True, comment="Highest price in price_currency."
        ),
        sa.ForeignKeyConstraint(
            ["sha256"], ["flights.payloads.sha256"], name=op.f("snapshots_sha256_fkey")
        ),
        sa.PrimaryKeyConstraint("snapshot_on", name=op.f("snapshots_pkey")),
        schema="flights",
        comment="The archive: which document was offered on which day. Everything else in this schema is read from it.",
    )
    op.create_table(
        "quarantine",
        sa.Column(
            "quarantine_id",
            sa.BigInteger(),
            sa.Identity(always=True),
            nullable=False,
            comment="Number of the rejected record.",
        ),
        sa.Column(
            "delivery_id",
            sa.BigInteger(),
            nullable=False,
            comment="The delivery it came with (ops.deliveries).",
        ),
        sa.Column(
            "position",
            sa.Text(),
            nullable=False,
            comment="Where in the delivery: itineraries[3], line 17.",
        ),
        sa.Column(
            "raw",
            sa.Text(),
            nullable=False,
            comment="The whole record: text as it came, values from JSON written anew.",
        ),
        sa.Column(
            "reasons",
            postgresql.ARRAY(sa.Text()),
            nullable=False,
            comment="Why it was refused, in words.",
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["ops.deliveries.delivery_id"],
            name=op.f("quarantine_delivery_id_fkey"),
        ),
        sa.PrimaryKeyConstraint("quarantine_id", name=op.f("quarantine_pkey")),
        schema="ops",
        comment="Records that were refused, each with its reasons. Nothing that came is lost.",
    )
    op.create_index(
        op.f("quarantine_delivery_id_idx"),
        "quarantine",
        ["delivery_id"],
        unique=False,
        schema="ops",
    )
    op.execute("REVOKE INSERT, UPDATE, DELETE ON ops.sql_objects FROM isobar_loader")
