"""Bookkeeping tables shared by every source: the ledger of deliveries and the quarantine.

`tables.py` files are the only declaration of storage. Migrations, COPY column lists and the column
schemas of asset pages are derived from them.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Interval,
    MetaData,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.sql import func
from sqlalchemy.types import TypeEngine

NAMING_CONVENTION = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


def source_metadata() -> MetaData:
    """Return an empty collection of tables with the naming convention for constraints."""
    return MetaData(naming_convention=NAMING_CONVENTION)


#: The type of an instant.
INSTANT = DateTime(timezone=True)
Kind = TypeEngine[Any] | type[TypeEngine[Any]]


def required(name: str, kind: Kind, comment: str, *items: Any, **options: Any) -> Column[Any]:
    """Return a column that is never null."""
    return Column(name, kind, *items, comment=comment, nullable=False, **options)


def optional(name: str, kind: Kind, comment: str, *items: Any, **options: Any) -> Column[Any]:
    """Return a column that may be null."""
    return Column(name, kind, *items, comment=comment, **options)


#: Key in the `info` of a table that is not an asset: the asset with which it is written.
WRITTEN_WITH = "written_with"
#: Key in the `info` of a table that a Citus cluster distributes: its distribution column.
DISTRIBUTED_BY = "distributed_by"
#: The platform's own tables: ledger, quarantine, inboxes, watermarks.
metadata = source_metadata()


def delivery_id_column() -> Column[int]:
    """Return the column of the delivery that wrote the row: no foreign key, as checks take long."""
    return required(
        "delivery_id",
        BigInteger,
        "Delivery that wrote or last changed this row (ops.deliveries); 0 if it is not known.",
    )


#: The key of a place, of columns with its coordinates.
PLACE_KEY = "round(latitude::numeric, 4)::text || ',' || round(longitude::numeric, 4)::text"


def coordinate_checks() -> tuple[CheckConstraint, ...]:
    """Return the constraints of coordinates that may be unknown: both or none, in their ranges."""
    return (
        CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="coordinates"),
        CheckConstraint("latitude BETWEEN -90 AND 90", name="latitude"),
        CheckConstraint("longitude BETWEEN -180 AND 180", name="longitude"),
    )


deliveries = Table(
    "deliveries",
    metadata,
    required(
        "delivery_id",
        BigInteger,
        "Number of the delivery, in the order of loading.",
        Identity(always=True),
        primary_key=True,
    ),
    required("feed", Text, "Feed that the delivery came from."),
    required(
        "name",
        Text,
        "What was delivered, in the source's terms: a day, a file name or a time window.",
    ),
    required(
        "sha256",
        Text,
        "SHA-256 digest of the content, hexadecimal; empty for a delivery that was rejected as a"
        " whole, as its content may come again.",
    ),
    required("byte_count", BigInteger, "Size of the content in bytes."),
    required("received_at", INSTANT, "When the content was received from the source."),
    required("loaded_at", INSTANT, "When the delivery was loaded.", server_default=func.now()),
    optional("run_id", Text, "Dagster run that loaded the delivery; null if none did."),
    required("read_count", Integer, "Number of source records in the delivery."),
    required(
        "loaded_count",
        Integer,
        "Number of source records that inserted or changed at least one row.",
    ),
    required(
        "unchanged_count",
        Integer,
        "Number of source records without changes. Includes records that are already in"
        " quarantine, and rejected records that a later delivery corrected.",
    ),
    required(
        "rejected_count",
        Integer,
        "Number of source records that were rejected and not corrected since. They are"
        " in quarantine (ops.quarantine) or purged.",
    ),
    required(
        "purged_count",
        Integer,
        "Number of rejected records that housekeeping has deleted from quarantine"
        " because of their age.",
        server_default="0",
    ),
    required(
        "drift",
        ARRAY(Text),
        "How the shape of the delivery differed from the source's contract, in words;"
        " empty if it did not.",
        server_default="{}",
    ),
    optional(
        "header",
        Text,
        "Header line of a CSV file, needed to read its quarantined lines; null for"
        " other deliveries.",
    ),
    optional(
        "problem",
        Text,
        "Why the delivery was rejected as a whole, so that nothing of it was loaded and its counts"
        " are zero; null if it was loaded.",
    ),
    optional(
        "bad_records",
        JSONB,
        "The first bad records of such a delivery: record_number, position, raw, reasons,"
        " reason_codes. Null if none are known, and once it was loaded or its file is gone.",
    ),
    required(
        "is_open",
        Boolean,
        "True while the delivery is being loaded or read again. Always false for others:"
        " PostgreSQL does not commit an open delivery.",
        server_default="false",
    ),
    optional(
        "modified_at",
        INSTANT,
        "When the file was last modified; null if it is no file, or was loaded by version 4 or"
        " older.",
    ),
    CheckConstraint(
        "read_count = loaded_count + unchanged_count + rejected_count", name="counts_balance"
    ),
    CheckConstraint("purged_count BETWEEN 0 AND rejected_count", name="purged"),
    Index(None, "feed", "name", "loaded_at"),
    schema="ops",
    comment="The ledger: one row per delivery, written in the same transaction as its rows. A file"
    " that changes, and changes back, is three deliveries. Counts are in source records."
    " read_count = loaded_count + unchanged_count + rejected_count.",
)

quarantine = Table(
    "quarantine",
    metadata,
    required(
        "quarantine_id",
        BigInteger,
        "Number of the rejected record, for isobar quarantine dismiss.",
        Identity(always=True),
        primary_key=True,
    ),
    required(
        "delivery_id",
        BigInteger,
        "Delivery that contained the record (ops.deliveries).",
        ForeignKey("ops.deliveries.delivery_id"),
        index=True,
    ),
    required(
        "record_number",
        BigInteger,
        "Number of the record in the delivery: the line of a CSV file, or the place in a document.",
    ),
    required("position", Text, "Position in the delivery: records[3], line 17."),
    required("raw", Text, "The whole record: text as received, JSON values serialized again."),
    required("reasons", ARRAY(Text), "Why the record was rejected, in words."),
    required("reason_codes", ARRAY(Text), "The code of each of the reasons."),
    required(
        "is_final",
        Boolean,
        "Whether reading the record again cannot make it valid, such as the second one of a key.",
    ),
    optional(
        "record_key",
        ARRAY(Text),
        "Key of the record in the source's terms; null if unknown. A later delivery"
        " with a valid record of the same key removes this one from quarantine.",
    ),
    optional(
        "dismissed_at",
        INSTANT,
        "When a person dismissed the record; null if not dismissed. Dismissed records"
        " no longer count as problems.",
    ),
    optional("dismissed_by", Text, "Who dismissed the record; null if not dismissed."),
    optional(
        "dismissal_reason",
        Text,
        "Why the record was dismissed, in that person's words; null if not dismissed.",
    ),
    CheckConstraint(
        "num_nulls(dismissed_at, dismissed_by, dismissal_reason) IN (0, 3)"
        " AND dismissal_reason ~ '\\S'",
        name="dismissed",
    ),
    Index("quarantine_raw_idx", text("md5(raw)")),
    Index("quarantine_record_key_idx", "record_key", postgresql_where="record_key IS NOT NULL"),
    Index(
        "quarantine_subject_idx",
        text("(record_key[1])"),
        postgresql_where="record_key IS NOT NULL",
    ),
    schema="ops",
    comment="Rejected records and the reasons, one row each, dismissed records included."
    " Housekeeping purges old records, which ops.deliveries counts.",
)

inbox_files = Table(
    "inbox_files",
    metadata,
    required("source", Text, "Source that the inbox belongs to.", primary_key=True),
    required("name", Text, "File name.", primary_key=True),
    required("byte_count", BigInteger, "Size of the file in bytes."),
    required(
        "modified_ns", BigInteger, "Modification time of the file, in nanoseconds since 1970 (UTC)."
    ),
    required(
        "changed_ns",
        BigInteger,
        "Change time (ctime) of the file, in nanoseconds since 1970 (UTC).",
    ),
    required("reading", Text, "Parse options, such as the encoding."),
    optional(
        "sha256",
        Text,
        "SHA-256 digest of the content, hexadecimal; null if the file was rejected as a whole, for"
        " the reason in ops.deliveries.problem.",
    ),
    optional("run_id", Text, "Dagster run that loaded or rejected the file; null if none did."),
    required(
        "looked_at", INSTANT, "When the file was loaded or rejected.", server_default=func.now()
    ),
    schema="ops",
    comment="Files in inboxes that were loaded or rejected, with size and times at that"
    " moment. A file that differs is loaded again.",
)

watermarks = Table(
    "watermarks",
    metadata,
    required(
        "name",
        Text,
        "Name of a table with numbered loads, of what is derived from it, or of an API that is"
        " requested from a time on.",
        primary_key=True,
    ),
    required(
        "position",
        BigInteger,
        "Number of the last load of the table; for what is derived, of the last load"
        " that it includes; for an API, the last delivery when all of its pages had been read.",
    ),
    required("moved_at", INSTANT, "When the watermark last moved.", server_default=func.now()),
    schema="ops",
    comment="Watermarks: the last load of each table, the last load that is included in what is"
    " derived from it, and how far APIs were read. That of a table moves in the transaction that"
    " writes its rows.",
)

reads = Table(
    "reads",
    metadata,
    required("name", Text, "Name of the input, as in the asset graph.", primary_key=True),
    required("request", Text, "Time from which on records were requested; empty: all records."),
    required(
        "digests", ARRAY(Text), "SHA-256 digest of each page or batch, in order, hexadecimal."
    ),
    required("read_at", INSTANT, "When all of it had come.", server_default=func.now()),
    schema="ops",
    comment="The last read of each list that comes in pages or batches, if all of it came and was"
    " loaded; one row each. The same parts for the same request are not loaded again.",
)

sources = Table(
    "sources",
    metadata,
    required("source", Text, "Name of the source.", primary_key=True),
    required(
        "checked_at",
        INSTANT,
        "When a run last requested new data, and received everything that there was.",
    ),
    optional(
        "expected_within",
        Interval,
        "Longest time until the next check: that between two runs of its schedule, and two hours."
        " Null if it has no schedule.",
    ),
    optional("run_id", Text, "Dagster run of the check; null if none did."),
    schema="ops",
    comment="Last check of each source for new data, one row per source that was ever checked."
    " metrics.freshness has what follows from it.",
)

last_look = Table(
    "last_look",
    metadata,
    required("number", Integer, "Always 1: there is one row.", primary_key=True),
    required("looked_at", INSTANT, "When it was looked."),
    required(
        "problems",
        JSONB,
        "What was wrong: key, severity, what, where, since, path, remedy, source, and the first"
        " rows that a check found; ops.problems has them as rows.",
    ),
    required(
        "is_by_daemon",
        Boolean,
        "Whether the daemon looked, which does so again within two minutes.",
    ),
    CheckConstraint("number = 1", name="number"),
    schema="ops",
    comment="What the last look at the platform found, one row: that of the sensor alerts, each"
    " minute, or that at the end of isobar run. The dashboards and isobar status show it.",
)

#: Alembic reads and writes it.
revision = Table(
    "revision",
    metadata,
    required(
        "version_num", String(32), "Id of the revision in pipelines/migrations.", primary_key=True
    ),
    schema="ops",
    comment="The revision of the tables, in one row.",
)
sql_objects = Table(
    "sql_objects",
    metadata,
    required(
        "name",
        Text,
        "Schema and name of a view or function, or a script of a schema:"
        " NAME/tables.sql, NAME/grants.sql, NAME/comments.",
        primary_key=True,
    ),
    required("sha256", Text, "SHA-256 digest of the SQL, hexadecimal."),
    required("applied_at", INSTANT, "When the SQL was applied.", server_default=func.now()),
    schema="ops",
    comment="SQL applied by isobar migrate: views, functions, triggers, privileges and comments.",
)
source_parts = Table(
    "source_parts",
    metadata,
    required(
        "name",
        Text,
        "Schema and name of a table, view or function; or feed NAME, as in ops.deliveries; or input"
        " NAME, as in ops.watermarks.",
        primary_key=True,
    ),
    required("source", Text, "The source that has it; ops: Isobar itself."),
    optional(
        "owed",
        JSONB,
        "Of what a migration or a reset dropped: its rights, comments and definition, which it gets"
        " back when it is made again. Null if it is there.",
    ),
    schema="ops",
    comment="What each source has in the database, also while it is not installed. isobar sources"
    " drop deletes it.",
)
