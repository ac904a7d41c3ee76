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
            "Tracking number of the carrier; unique together with carrier.",
            primary_key=True,
        ),
        required("carrier", Text, "Name of the carrier, as sent: DHL, UPS, …", primary_key=True),
    ]


addresses = Table(
    "addresses",
    metadata,
    required("address", Text, "Address, as sent.", primary_key=True),
    optional(
        "street", Text, "Street, house number and company: the part before the place; null if none."
    ),
    optional("postcode", Text, "Postcode in upper case, without country prefix; null if none."),
    optional("city", Text, "City, as sent; null if none was found."),
    optional("country", Text, "Country, as sent; null if none was found."),
    optional("country_code", Text, "ISO 3166-1 alpha-2 code of the country; null if unknown."),
    optional(
        "place_key",
        Text,
        "Key of the place in weather.places; null if country or place is unknown. In"
        " NL, PT, US, IE, GB and urban Canada, only the first part of the postcode is"
        " used, so that neighbouring streets share a place: NL 1016 for 1016 BZ, GB SW1A"
        " for SW1A 2AA. Rural Canadian postcodes (X0A 0H0) are used in full, because"
        " their first part is a whole region.",
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
        "parsed: place and country are known; partly_parsed: they are known, but"
        " another interpretation is equally plausible; no_postcode: they are known,"
        " without a postcode; odd_postcode: the address has a number that is not a valid"
        " postcode of the country; unknown_country: the last part is not a known country;"
        " unparsed: no place was found.",
    ),
    required(
        "parser_version",
        SmallInteger,
        "Version of the parser that parsed the address; a newer version parses it again.",
    ),
    delivery_id_column(),
    Index(None, "place_key"),
    Index(
        "addresses_problem_idx",
        "address_status",
        postgresql_where="address_status NOT IN ('parsed', 'no_postcode')",
    ),
    schema=SCHEMA,
    comment="Addresses of shipments with their parts, one row each. The parts are parsed"
    " from the text, not looked up.",
)

shipments = Table(
    "shipments",
    metadata,
    *_shipment_columns(),
    required("sender_address", Text, "Address of the sender (shipments.addresses)."),
    required("receiver_address", Text, "Address of the receiver (shipments.addresses)."),
    optional(
        "receiver_country_code",
        Text,
        "ISO 3166-1 alpha-2 code of the receiver's country; null if unknown. A copy"
        " from shipments.addresses, for an index.",
    ),
    required(
        "status",
        Text,
        "in_transit, inbound_scan, scanned or delivery. Any other status is kept as"
        " sent, in lower case, with _ between words.",
    ),
    required("status_raw", Text, "Status, as sent."),
    required(
        "article_count",
        Integer,
        "Number of different articles (shipments.articles).",
        server_default="0",
    ),
    required("units", BigInteger, "Total number of pieces.", server_default="0"),
    required(
        "total_value", Numeric, "Sum of quantity times unit price, in currency.", server_default="0"
    ),
    required("first_seen_at", INSTANT, "When a file with the shipment was first loaded."),
    required(
        "last_seen_at",
        INSTANT,
        "When a file with the shipment was last loaded, with or without changes.",
    ),
    required("updated_at", INSTANT, "When the shipment or its articles last changed."),
    delivery_id_column(),
    optional(
        "currency",
        Text,
        "ISO 4217 code of the prices. The files do not state a currency, so this is the"
        " value of SHIPMENTS_CURRENCY when the last file with the shipment was loaded;"
        " null if it was not set.",
    ),
    optional(
        "sent_from_address",
        Text,
        "Address from which a returned shipment was first sent; null if it was never returned. A"
        " shipment is returned when a new status comes with the receiver as the sender.",
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
    comment="Shipments, one row each, as of the last file that contains them.",
)

articles = Table(
    "articles",
    metadata,
    *_shipment_columns(),
    required("sku", Text, "Article number of the seller.", primary_key=True),
    required("article_name", Text, "Name of the article, as sent."),
    required("quantity", Integer, "Number of pieces, at least one."),
    required(
        "unit_price",
        Numeric,
        "Price of one piece, in shipments.shipments.currency, with the decimals that it has.",
    ),
    delivery_id_column(),
    ForeignKeyConstraint(
        ["tracking_number", "carrier"],
        ["shipments.shipments.tracking_number", "shipments.shipments.carrier"],
    ),
    schema=SCHEMA,
    comment="Contents of each shipment, one row per article. Articles that a later file"
    " leaves out are kept, because a file may be partial.",
)

status_history = Table(
    "status_history",
    metadata,
    *_shipment_columns(),
    required("seen_at", INSTANT, "When a file with this status was loaded.", primary_key=True),
    required("status", Text, "Status since seen_at, as in shipments.shipments."),
    required("status_raw", Text, "Status, as sent."),
    delivery_id_column(),
    ForeignKeyConstraint(
        ["tracking_number", "carrier"],
        ["shipments.shipments.tracking_number", "shipments.shipments.carrier"],
    ),
    Index(  # statuses that may get a meaning later
        "status_history_unknown_idx",
        "status",
        "status_raw",
        postgresql_where="status NOT IN ('in_transit', 'inbound_scan', 'scanned', 'delivery')",
    ),
    schema=SCHEMA,
    comment="Status changes of shipments, one row each, including the first status.",
)
