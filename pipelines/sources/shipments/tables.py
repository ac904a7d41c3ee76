"""The tables of shipments: current state of the files, status history, parsed addresses.

The time of a file is when it was last modified. Files of one time are in the order of their names,
in which numbers count as numbers, and are numbered in it.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    Interval,
    Numeric,
    SmallInteger,
    Table,
    Text,
    text,
)

from pipelines.sources.shipments import CLASSES
from pipelines.warehouse.tables import (
    INSTANT,
    WRITTEN_WITH,
    delivery_id_column,
    optional,
    required,
    source_metadata,
)

SCHEMA = "shipments"
metadata = source_metadata()
KNOWN = ", ".join(f"'{status}'" for status in CLASSES)


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


def _status_class() -> Column[str]:
    return required(
        "status_class",
        Text,
        "Class of the status: under_way, exception, delivered, returned, lost or cancelled."
        " Unknown statuses count as under_way.",
    )


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
    optional(
        "time_zone",
        Text,
        "IANA time zone of the country, in which a promised day is judged; null if the clocks of"
        " the country differ, or it is unknown: UTC is used.",
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
        " from shipments.addresses.",
    ),
    required(
        "status",
        Text,
        "in_transit, inbound_scan, scanned, exception, delivery, returned, lost or cancelled. Any"
        " other status is kept as sent, in lower case, with _ between words.",
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
    required("first_seen_at", INSTANT, "Time of the first file with the shipment."),
    required("last_seen_at", INSTANT, "Time of the last file with the shipment."),
    required("updated_at", INSTANT, "When a load last changed the shipment or its articles."),
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
    _status_class(),
    required("status_changed_at", INSTANT, "Time of the file with which the status came."),
    required(
        "status_count",
        Integer,
        "Number of statuses in shipments.status_history.",
        server_default="1",
    ),
    optional(
        "last_sequence",
        Integer,
        "Number of the last file with the shipment among those of last_seen_at; null if it was"
        " loaded by version 4 or older, which took the time of loading as that of the file.",
    ),
    optional(
        "promised_on",
        Date,
        "Day of the receiver on which it should be delivered at the latest: the first one in the"
        " order of files; null if no file names one.",
    ),
    optional("promised_at", INSTANT, "Time of the file that promised the day; null if none did."),
    optional(
        "promised_sequence",
        Integer,
        "Number of that file among those of the same time; null with promised_at.",
    ),
    optional(
        "under_way_at",
        INSTANT,
        "Time of the first file that has it under way or with an exception; null if none did.",
    ),
    required(
        "is_first_seen_delivered",
        Boolean,
        "Whether the first file with it has it delivered, so that its way is unknown.",
        server_default="false",
    ),
    required(
        "exceptions",
        Integer,
        "How often its status became that of an exception.",
        server_default="0",
    ),
    ForeignKeyConstraint(["sender_address"], ["shipments.addresses.address"]),
    ForeignKeyConstraint(["receiver_address"], ["shipments.addresses.address"]),
    Index("shipments_last_changed_idx", text("updated_at DESC"), "tracking_number"),
    Index(None, "total_value"),
    Index(
        "shipments_open_idx",
        "status_changed_at",
        postgresql_where="status_class IN ('under_way', 'exception')",
    ),
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
    required("seen_at", INSTANT, "Time of the first file with this status.", primary_key=True),
    required("status", Text, "Status since seen_at, as in shipments.shipments."),
    required("status_raw", Text, "Status, as sent."),
    delivery_id_column(),
    required(
        "sequence",
        Integer,
        "Number of the file among those of the same time, from 0.",
        primary_key=True,
        server_default="0",
    ),
    optional(
        "previous_seen_at",
        INSTANT,
        "Time of the last file with the status before; null if there is none, or it was loaded by"
        " version 4 or older.",
    ),
    optional(
        "previous_sequence",
        Integer,
        "Number of that file among those of the same time; null with previous_seen_at.",
    ),
    _status_class(),
    ForeignKeyConstraint(
        ["tracking_number", "carrier"],
        ["shipments.shipments.tracking_number", "shipments.shipments.carrier"],
    ),
    Index(  # statuses that may get a meaning later
        "status_history_unknown_idx",
        "status",
        "status_raw",
        postgresql_where=f"status NOT IN ({KNOWN})",
    ),
    schema=SCHEMA,
    comment="Status changes of shipments, one row each, including the first status.",
)

status_days = Table(
    "status_days",
    metadata,
    required("carrier", Text, "Name of the carrier, as sent.", primary_key=True),
    required("status", Text, "Status, as in shipments.shipments.", primary_key=True),
    required("began_on", Date, "UTC date on which it came.", primary_key=True),
    required(
        "ended_on",
        Date,
        "UTC date on which another status came; infinity if none did.",
        primary_key=True,
    ),
    required(
        "is_at_midnight",
        Boolean,
        "Whether it came at 00:00 UTC exactly, so that it is silent a day earlier.",
        primary_key=True,
    ),
    required(
        "is_first", Boolean, "Whether it is the first status of the parcel.", primary_key=True
    ),
    required("parcels", BigInteger, "Number of parcels."),
    _status_class(),
    schema=SCHEMA,
    comment="Counts of shipments.status_history, which loads keep up to date.",
    info={WRITTEN_WITH: "shipments.shipments"},
)

rules = Table(
    "rules",
    metadata,
    required("stale_after", Interval, "SHIPMENTS_STALE_DAYS of the last run.", primary_key=True),
    schema=SCHEMA,
    comment="What views need of the settings, in one row.",
    info={WRITTEN_WITH: "shipments.shipments"},
)
