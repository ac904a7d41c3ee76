"""The tables of shipments: what the files say now, how each status changed, addresses in parts."""

from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Table,
    Text,
    text,
)

from pipelines.warehouse.tables import delivery_id_column, source_metadata

SCHEMA = "shipments"
metadata = source_metadata()


def _shipment_columns() -> list[Column[str]]:
    return [
        Column(
            "tracking_number",
            Text,
            primary_key=True,
            comment="The carrier's number of the parcel; another carrier may have the same.",
        ),
        Column("carrier", Text, primary_key=True, comment="Who carries it, as sent: DHL, UPS, …"),
    ]


addresses = Table(
    "addresses",
    metadata,
    Column("address", Text, primary_key=True, comment="The address as sent."),
    Column("street", Text, comment="What stands before the place: street, house, company."),
    Column("postcode", Text, comment="In capitals, without a country's prefix; null where none."),
    Column("city", Text, comment="Name of the place, as sent."),
    Column("country", Text, comment="Name of the country, as sent."),
    Column("country_code", Text, comment="ISO 3166-1 alpha-2 code of the country."),
    Column(
        "place_key",
        Text,
        Computed(
            "CASE WHEN postcode IS NOT NULL OR city IS NOT NULL THEN country_code || ' ' ||"
            " coalesce(CASE WHEN country_code IN ('NL', 'PT')"
            " THEN left(replace(postcode, ' ', ''), 4)"
            " WHEN country_code = 'US' THEN left(postcode, 5)"
            " WHEN country_code = 'IE' OR country_code = 'CA' AND substr(postcode, 2, 1) <> '0'"
            " THEN left(replace(postcode, ' ', ''), 3)"
            " WHEN country_code = 'GB' AND length(replace(postcode, ' ', '')) > 4"
            " THEN left(replace(postcode, ' ', ''), -3)"
            " ELSE replace(postcode, ' ', '') END, lower(city)) END",
            persisted=True,
        ),
        comment="What weather.places calls the place; null where country or place is not known."
        " Where postcodes go to a street (1016 BZ, SW1A 2AA), their first part, by which they are"
        " found on the map: those of one point are one place. In rural Canada (X0A 0H0) the first"
        " part is of a region, and all of it counts.",
    ),
    Column(
        "address_status",
        Text,
        nullable=False,
        comment="parsed: place and country are known; partly_parsed: they were read, and another"
        " reading is as good; no_postcode: they are known, without a postcode; odd_postcode: it has"
        " a number that is no postcode of the country; unknown_country: the last part names no"
        " country; unparsed: no place was found.",
    ),
    Column(
        "parser_version",
        SmallInteger,
        nullable=False,
        comment="Version of the parser that read it; a newer one reads it again.",
    ),
    delivery_id_column(),
    Index(None, "place_key"),
    Index(
        "addresses_problem_idx",
        "address_status",
        postgresql_where="address_status NOT IN ('parsed', 'no_postcode')",
    ),
    schema=SCHEMA,
    comment="Every address that a shipment has, in its parts. Read from the text, not looked up.",
)

shipments = Table(
    "shipments",
    metadata,
    *_shipment_columns(),
    Column("sender_address", Text, nullable=False, comment="From where (shipments.addresses)."),
    Column("receiver_address", Text, nullable=False, comment="To where (shipments.addresses)."),
    Column(
        "status",
        Text,
        nullable=False,
        comment="in_transit, inbound_scan, scanned or delivery; other words are kept as sent, in"
        " small letters and with _ between words.",
    ),
    Column("status_raw", Text, nullable=False, comment="The status as sent."),
    Column(
        "article_count",
        Integer,
        nullable=False,
        server_default="0",
        comment="How many different articles are in it (shipments.articles).",
    ),
    Column(
        "units",
        BigInteger,
        nullable=False,
        server_default="0",
        comment="How many pieces are in it.",
    ),
    Column(
        "total_value",
        Numeric,
        nullable=False,
        server_default="0",
        comment="Pieces times their prices. The files name no currency.",
    ),
    Column(
        "first_seen_at", DateTime(timezone=True), nullable=False, comment="When it was first seen."
    ),
    Column(
        "last_seen_at",
        DateTime(timezone=True),
        nullable=False,
        comment="When a file last had it, whether it changed anything or not.",
    ),
    Column(
        "updated_at",
        DateTime(timezone=True),
        nullable=False,
        comment="When anything of it last changed, its articles included.",
    ),
    delivery_id_column(),
    ForeignKeyConstraint(["sender_address"], ["shipments.addresses.address"]),
    ForeignKeyConstraint(["receiver_address"], ["shipments.addresses.address"]),
    Index("shipments_last_changed_idx", text("updated_at DESC"), "tracking_number"),
    Index(None, "total_value"),
    schema=SCHEMA,
    comment="Parcels, one row each, as the last file says that has it.",
)

articles = Table(
    "articles",
    metadata,
    *_shipment_columns(),
    Column("sku", Text, primary_key=True, comment="The seller's number of the article."),
    Column("article_name", Text, nullable=False, comment="What it is, as sent."),
    Column("quantity", Integer, nullable=False, comment="How many pieces, at least one."),
    Column(
        "unit_price",
        Numeric(10, 2),
        nullable=False,
        comment="Price of one piece. The files name no currency.",
    ),
    delivery_id_column(),
    ForeignKeyConstraint(
        ["tracking_number", "carrier"],
        ["shipments.shipments.tracking_number", "shipments.shipments.carrier"],
    ),
    schema=SCHEMA,
    comment="What is in each shipment, a row for each article. One that a later file leaves out"
    " stays: a file may tell a part.",
)

status_history = Table(
    "status_history",
    metadata,
    *_shipment_columns(),
    Column(
        "seen_at",
        DateTime(timezone=True),
        primary_key=True,
        comment="When a file with this status was loaded.",
    ),
    Column("status", Text, nullable=False, comment="The status from then on."),
    Column("status_raw", Text, nullable=False, comment="The status as sent."),
    delivery_id_column(),
    ForeignKeyConstraint(
        ["tracking_number", "carrier"],
        ["shipments.shipments.tracking_number", "shipments.shipments.carrier"],
    ),
    schema=SCHEMA,
    comment="Every change of a shipment's status, the first status included.",
)

READ_FROM_FILES = (shipments, articles, status_history, addresses)
"""What `shipments.load` fills."""
