"""The bookkeeping every source shares: the ledger of deliveries and the quarantine.

`tables.py` files are the one declaration of storage: migrations, COPY column lists and the
asset pages' column schemas derive from them.
"""

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

NAMING_CONVENTION = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "ck": "%(table_name)s_%(constraint_name)s_check",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
    "pk": "%(table_name)s_pkey",
}


def source_metadata() -> MetaData:
    """An empty collection of tables, whose constraints and indexes are named as all others."""
    return MetaData(naming_convention=NAMING_CONVENTION)


#: Key in the `info` of a table that is no asset of its own: the one that it is written with.
WRITTEN_WITH = "written_with"
#: The platform's own tables: the ledger, the quarantine, inboxes, watermarks.
metadata = source_metadata()


def delivery_id_column() -> Column[int]:
    """The trace of a row: the delivery that wrote or last changed it.

    Not a foreign key: both are written in one transaction, and checking it for every row would
    cost a bulk load more than it could ever find.
    """
    return Column(
        "delivery_id",
        BigInteger,
        nullable=False,
        comment="The delivery that wrote this row or last changed it (ops.deliveries).",
    )


deliveries = Table(
    "deliveries",
    metadata,
    Column(
        "delivery_id",
        BigInteger,
        Identity(always=True),
        primary_key=True,
        comment="Number of the delivery, in the order of loading.",
    ),
    Column("source", Text, nullable=False, comment="Which feed."),
    Column(
        "name",
        Text,
        nullable=False,
        comment="What was delivered, in the source's terms: a day, a file name, a window.",
    ),
    Column("sha256", Text, nullable=False, comment="Digest of the content, hexadecimal."),
    Column("byte_count", BigInteger, nullable=False, comment="Size of the content in bytes."),
    Column(
        "received_at",
        DateTime(timezone=True),
        nullable=False,
        comment="When the content was received from the source.",
    ),
    Column(
        "loaded_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
        comment="When it was loaded.",
    ),
    Column("run_id", Text, comment="The Dagster run that loaded it."),
    Column("read_count", Integer, nullable=False, comment="Source records in the delivery."),
    Column(
        "loaded_count",
        Integer,
        nullable=False,
        comment="Source records that changed at least one row.",
    ),
    Column(
        "unchanged_count",
        Integer,
        nullable=False,
        comment="Source records that said what was known already, be it in quarantine, or that a"
        " later delivery said after they had been refused.",
    ),
    Column(
        "rejected_count",
        Integer,
        nullable=False,
        comment="Source records that were refused and not told well since: in quarantine"
        " (ops.quarantine), or forgotten.",
    ),
    Column(
        "forgotten_count",
        Integer,
        nullable=False,
        server_default="0",
        comment="Those of the refused that housekeeping has taken out of quarantine for their age.",
    ),
    Column(
        "drift",
        ARRAY(Text),
        nullable=False,
        server_default="{}",
        comment="How its shape differed from what the source promises, in words; empty when not.",
    ),
    Column(
        "header",
        Text,
        comment="First line of a CSV file, without which its quarantined lines cannot be read.",
    ),
    CheckConstraint(
        "read_count = loaded_count + unchanged_count + rejected_count", name="counts_balance"
    ),
    CheckConstraint("forgotten_count BETWEEN 0 AND rejected_count", name="forgotten"),
    UniqueConstraint("source", "name", "sha256"),
    schema="ops",
    comment="The ledger: one row for each delivery, written in one transaction with its rows."
    " read = loaded + unchanged + rejected, counted in source records;"
    " rejected = in quarantine + forgotten.",
)

quarantine = Table(
    "quarantine",
    metadata,
    Column(
        "quarantine_id",
        BigInteger,
        Identity(always=True),
        primary_key=True,
        comment="Number of the rejected record.",
    ),
    Column(
        "delivery_id",
        BigInteger,
        ForeignKey("ops.deliveries.delivery_id"),
        nullable=False,
        index=True,
        comment="The delivery it came with (ops.deliveries).",
    ),
    Column(
        "position",
        Text,
        nullable=False,
        comment="Where in the delivery: records[3], line 17.",
    ),
    Column(
        "raw",
        Text,
        nullable=False,
        comment="The whole record: text as it came, values from JSON written anew.",
    ),
    Column("reasons", ARRAY(Text), nullable=False, comment="Why it was refused, in words."),
    Column(
        "record_key",
        ARRAY(Text),
        comment="Its key in the source's terms, where it could be told: a later delivery that has"
        " the record with this key takes it out of here.",
    ),
    Column(
        "dismissed_at",
        DateTime(timezone=True),
        comment="When a person dismissed it: it is kept, and counts as no problem. Null: not so.",
    ),
    Column("dismissed_by", Text, comment="Who did."),
    Column("dismissal_reason", Text, comment="Why, in their words."),
    CheckConstraint(
        "num_nulls(dismissed_at, dismissed_by, dismissal_reason) IN (0, 3)"
        " AND dismissal_reason ~ '\\S'",
        name="dismissed",
    ),
    Index("quarantine_raw_idx", text("md5(raw)")),
    Index("quarantine_record_key_idx", "record_key", postgresql_where="record_key IS NOT NULL"),
    schema="ops",
    comment="Records that were refused, each with its reasons. Nothing that came is lost:"
    " what housekeeping takes out for its age is counted in ops.deliveries. What a person dismissed"
    " stays here, with who, when and why.",
)

inbox_files = Table(
    "inbox_files",
    metadata,
    Column("source", Text, primary_key=True, comment="Whose inbox."),
    Column("name", Text, primary_key=True, comment="Name of the file."),
    Column("byte_count", BigInteger, nullable=False, comment="Its size then."),
    Column(
        "modified_ns",
        BigInteger,
        nullable=False,
        comment="When its content was last changed then, in nanoseconds since 1970.",
    ),
    Column(
        "changed_ns",
        BigInteger,
        nullable=False,
        comment="When the file system last changed anything about it then, in nanoseconds.",
    ),
    Column("reading", Text, nullable=False, comment="How it was read, such as its encoding."),
    Column("sha256", Text, comment="Digest of its content; null where it was refused."),
    Column("problem", Text, comment="Why it was refused as a whole; null where it was taken."),
    Column("run_id", Text, comment="The Dagster run that took or refused it."),
    Column(
        "looked_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
        comment="When it was taken or refused.",
    ),
    schema="ops",
    comment="Files of inboxes as they were when taken or refused: others are taken next.",
)

watermarks = Table(
    "watermarks",
    metadata,
    Column(
        "name",
        Text,
        primary_key=True,
        comment="A table that numbers its loads, or what follows it.",
    ),
    Column(
        "position",
        BigInteger,
        nullable=False,
        comment="Number of its last load; for what follows, of the last one that it has counted.",
    ),
    Column(
        "moved_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
        comment="When it last moved.",
    ),
    schema="ops",
    comment="How far tables are, and what is derived from them. A watermark moves in the"
    " transaction that writes the rows.",
)

sql_objects = Table(
    "sql_objects",
    metadata,
    Column(
        "name",
        Text,
        primary_key=True,
        comment="Schema and name of the view or function, or a file such as NAME/grants.sql.",
    ),
    Column("sha256", Text, nullable=False, comment="Digest of the .sql file."),
    Column("plugin", Text, comment="The plug-in that it belongs to; null: Isobar itself."),
    Column(
        "applied_at",
        DateTime(timezone=True),
        nullable=False,
        server_default=func.now(),
        comment="When it was applied.",
    ),
    schema="ops",
    comment="Which version of each .sql file is applied: views, functions, triggers, rights.",
)
