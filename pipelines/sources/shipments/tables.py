"""The tables of shipments: current state of the files, status history, parsed addresses."""

from sqlalchemy import (
    BigInteger,
    Column,
    Computed,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Table,
    Text,
    text,
)

from pipelines.warehouse.tables import (
    INSTANT,
    delivery_id_column,
    optional,
    required,
    source_metadata,
)

SCHEMA = "shipments"
metadata = source_metadata()


def _shipment_columns() -> list[Column[str]]:
    return [
        required(
            "tracking_number",
            Text,
            "The carrier's number of the parcel; another carrier may have the same.",
            primary_key=True,
        ),
        required("carrier", Text, "Who carries it, as sent: DHL, UPS, …", primary_key=True),
    ]


addresses = Table(
    "addresses",
    metadata,
    required("address", Text, "The address as sent.", primary_key=True),
    optional("street", Text, "What stands before the place: street, house, company."),
    optional("postcode", Text, "In capitals, without a country's prefix; null where none."),
    optional("city", Text, "Name of the place, as sent."),
    optional("country", Text, "Name of the country, as sent."),
    optional("country_code", Text, "ISO 3166-1 alpha-2 code of the country."),
    optional(
        "place_key",
        Text,
        "What weather.places calls the place; null where country or place is not known."
        " Where postcodes go to a street (1016 BZ, SW1A 2AA), their first part, by which they are"
        " found on the map: those of one point are one place. In rural Canada (X0A 0H0) the first"
        " part is of a region, and all of it counts.",
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
    ),
    required(
        "address_status",
        Text,
        "parsed: place and country are known; partly_parsed: they were read, and another"
        " reading is as good; no_postcode: they are known, without a postcode; odd_postcode: it has"
        " a number that is no postcode of the country; unknown_country: the last part names no"
        " country; unparsed: no place was found.",
    ),
    required(
        "parser_version",
        SmallInteger,
        "Version of the parser that read it; a newer one reads it again.",
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
    required("sender_address", Text, "From where (shipments.addresses)."),
    required("receiver_address", Text, "To where (shipments.addresses)."),
    optional(
        "receiver_country_code",
        Text,
        "ISO 3166-1 alpha-2 code of the receiver's country, as in shipments.addresses: lists of"
        " one country are read from an index.",
    ),
    required(
        "status",
        Text,
        "in_transit, inbound_scan, scanned or delivery; other words are kept as sent, in"
        " small letters and with _ between words.",
    ),
    required("status_raw", Text, "The status as sent."),
    required(
        "article_count",
        Integer,
        "How many different articles are in it (shipments.articles).",
        server_default="0",
    ),
    required("units", BigInteger, "How many pieces are in it.", server_default="0"),
    required(
        "total_value",
        Numeric,
        "Pieces times their prices. The files name no currency.",
        server_default="0",
    ),
    required("first_seen_at", INSTANT, "When it was first seen."),
    required(
        "last_seen_at", INSTANT, "When a file last had it, whether it changed anything or not."
    ),
    required("updated_at", INSTANT, "When anything of it last changed, its articles included."),
    delivery_id_column(),
    optional(
        "currency",
        Text,
        "ISO 4217 code of its prices: SHIPMENTS_CURRENCY as its last file was loaded; null where it"
        " was not set.",
    ),
    ForeignKeyConstraint(["sender_address"], ["shipments.addresses.address"]),
    ForeignKeyConstraint(["receiver_address"], ["shipments.addresses.address"]),
    Index("shipments_last_changed_idx", text("updated_at DESC"), "tracking_number"),
    Index(
        "shipments_receiver_country_idx",
        "receiver_country_code",
        text("updated_at DESC"),
        "tracking_number",
    ),
    Index(None, "total_value"),
    schema=SCHEMA,
    comment="Parcels, one row each, as in the last file that has it.",
)

articles = Table(
    "articles",
    metadata,
    *_shipment_columns(),
    required("sku", Text, "The seller's number of the article.", primary_key=True),
    required("article_name", Text, "What it is, as sent."),
    required("quantity", Integer, "How many pieces, at least one."),
    required("unit_price", Numeric(10, 2), "Price of one piece. The files name no currency."),
    delivery_id_column(),
    ForeignKeyConstraint(
        ["tracking_number", "carrier"],
        ["shipments.shipments.tracking_number", "shipments.shipments.carrier"],
    ),
    schema=SCHEMA,
    comment="What is in each shipment, a row for each article. One that a later file leaves out"
    " stays: a file may be partial.",
)

status_history = Table(
    "status_history",
    metadata,
    *_shipment_columns(),
    required("seen_at", INSTANT, "When a file with this status was loaded.", primary_key=True),
    required("status", Text, "The status from then on."),
    required("status_raw", Text, "The status as sent."),
    delivery_id_column(),
    ForeignKeyConstraint(
        ["tracking_number", "carrier"],
        ["shipments.shipments.tracking_number", "shipments.shipments.carrier"],
    ),
    schema=SCHEMA,
    comment="Every change of a shipment's status, the first status included.",
)

#: Tables that `shipments.load` fills.
READ_FROM_FILES = (shipments, articles, status_history, addresses)
