"""Bookkeeping tables shared by every source: the ledger of deliveries and the quarantine.

`tables.py` files are the only declaration of storage. Migrations, COPY column lists and the column
schemas of asset pages are derived from them.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
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


def required(
    name: str,
    kind: TypeEngine[Any] | type[TypeEngine[Any]],
    comment: str,
    *items: Any,
    **options: Any,
) -> Column[Any]:
    """Return a column that is never null."""
    return Column(name, kind, *items, comment=comment, nullable=False, **options)


def optional(
    name: str,
    kind: TypeEngine[Any] | type[TypeEngine[Any]],
    comment: str,
    *items: Any,
    **options: Any,
) -> Column[Any]:
    """Return a column that may be null."""
    return Column(name, kind, *items, comment=comment, **options)


#: Key in the `info` of a table that is not an asset: the asset with which it is written.
WRITTEN_WITH = "written_with"
#: The platform's own tables: ledger, quarantine, inboxes, watermarks.
metadata = source_metadata()


def delivery_id_column() -> Column[int]:
    """Return the column for data lineage: the delivery that wrote or last changed the row.

    It is not a foreign key. Both rows are written in one transaction, and checking the key for
    every row would cost a bulk load more than it could ever find.
    """
    return required(
        "delivery_id",
        BigInteger,
        "The delivery that wrote this row or last changed it (ops.deliveries).",
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
    required("source", Text, "Which feed."),
    required(
        "name", Text, "What was delivered, in the source's terms: a day, a file name, a window."
    ),
    required("sha256", Text, "Digest of the content, hexadecimal."),
    required("byte_count", BigInteger, "Size of the content in bytes."),
    required("received_at", INSTANT, "When the content was received from the source."),
    required("loaded_at", INSTANT, "When it was loaded.", server_default=func.now()),
    optional("run_id", Text, "The Dagster run that loaded it."),
    required("read_count", Integer, "Source records in the delivery."),
    required("loaded_count", Integer, "Source records that changed at least one row."),
    required(
        "unchanged_count",
        Integer,
        "Source records with nothing new, those known from quarantine included, or that a"
        " later delivery brought after they had been rejected.",
    ),
    required(
        "rejected_count",
        Integer,
        "Source records that were rejected and not corrected since: in quarantine"
        " (ops.quarantine), or purged.",
    ),
    required(
        "purged_count",
        Integer,
        "Rejected records that housekeeping has deleted from quarantine for their age.",
        server_default="0",
    ),
    required(
        "drift",
        ARRAY(Text),
        "How its shape differed from what the source promises, in words; empty when not.",
        server_default="{}",
    ),
    optional(
        "header",
        Text,
        "First line of a CSV file, without which its quarantined lines cannot be read.",
    ),
    CheckConstraint(
        "read_count = loaded_count + unchanged_count + rejected_count", name="counts_balance"
    ),
    CheckConstraint("purged_count BETWEEN 0 AND rejected_count", name="purged"),
    UniqueConstraint("source", "name", "sha256"),
    schema="ops",
    comment="The ledger: one row for each delivery, written in one transaction with its rows."
    " read = loaded + unchanged + rejected, counted in source records;"
    " rejected = in quarantine + purged.",
)

quarantine = Table(
    "quarantine",
    metadata,
    required(
        "quarantine_id",
        BigInteger,
        "Number of the rejected record.",
        Identity(always=True),
        primary_key=True,
    ),
    required(
        "delivery_id",
        BigInteger,
        "The delivery it came with (ops.deliveries).",
        ForeignKey("ops.deliveries.delivery_id"),
        index=True,
    ),
    required("position", Text, "Where in the delivery: records[3], line 17."),
    required("raw", Text, "The whole record: text as it came, values from JSON written anew."),
    required("reasons", ARRAY(Text), "Why it was rejected, in words."),
    optional(
        "record_key",
        ARRAY(Text),
        "Its key in the source's terms, where it is known: a later delivery that has"
        " the record with this key takes it out of here.",
    ),
    optional(
        "dismissed_at",
        INSTANT,
        "When a person dismissed it: it is kept, and counts as no problem. Null: not so.",
    ),
    optional("dismissed_by", Text, "Who did."),
    optional("dismissal_reason", Text, "Why, in their words."),
    CheckConstraint(
        "num_nulls(dismissed_at, dismissed_by, dismissal_reason) IN (0, 3)"
        " AND dismissal_reason ~ '\\S'",
        name="dismissed",
    ),
    Index("quarantine_raw_idx", text("md5(raw)")),
    Index("quarantine_record_key_idx", "record_key", postgresql_where="record_key IS NOT NULL"),
    schema="ops",
    comment="Rejected records, each with its reasons. Nothing that came is lost:"
    " what housekeeping takes out for its age is counted in ops.deliveries. What a person dismissed"
    " stays here, with who, when and why.",
)

inbox_files = Table(
    "inbox_files",
    metadata,
    required("source", Text, "Whose inbox.", primary_key=True),
    required("name", Text, "Name of the file.", primary_key=True),
    required("byte_count", BigInteger, "Its size then."),
    required(
        "modified_ns",
        BigInteger,
        "When its content was last changed then, in nanoseconds since 1970.",
    ),
    required(
        "changed_ns",
        BigInteger,
        "When the file system last changed anything about it then, in nanoseconds.",
    ),
    required("reading", Text, "How it was read, such as its encoding."),
    optional("sha256", Text, "Digest of its content; null where it was rejected."),
    optional("problem", Text, "Why it was rejected as a whole; null where it was loaded."),
    optional("run_id", Text, "The Dagster run that loaded or rejected it."),
    required("looked_at", INSTANT, "When it was loaded or rejected.", server_default=func.now()),
    schema="ops",
    comment="Files of inboxes as they were when loaded or rejected: others are loaded next.",
)

watermarks = Table(
    "watermarks",
    metadata,
    required("name", Text, "A table that numbers its loads, or what follows it.", primary_key=True),
    required(
        "position",
        BigInteger,
        "Number of its last load; for what follows, of the last one that it has counted.",
    ),
    required("moved_at", INSTANT, "When it last moved.", server_default=func.now()),
    schema="ops",
    comment="How far tables are, and what is derived from them. A watermark moves in the"
    " transaction that writes the rows.",
)

sql_objects = Table(
    "sql_objects",
    metadata,
    required(
        "name",
        Text,
        "Schema and name of the view or function, or a file such as NAME/grants.sql.",
        primary_key=True,
    ),
    required("sha256", Text, "Digest of the .sql file."),
    optional("plugin", Text, "The plug-in that it belongs to; null: Isobar itself."),
    required("applied_at", INSTANT, "When it was applied.", server_default=func.now()),
    schema="ops",
    comment="Which version of each .sql file is applied: views, functions, triggers, rights.",
)
