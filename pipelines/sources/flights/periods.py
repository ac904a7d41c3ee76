"""History in periods: one row for each period in which nothing changed.

A table of periods has a key, `seen_from_at` and `seen_until_at`, and the values. The two times are
those of the first and the last snapshot that contained the row; the latter is null while the row is
current. Snapshots are applied in order. To insert one in the middle, all later ones are reverted
first.
"""

import datetime as dt
from typing import Any

from sqlalchemy import Column, Connection, DateTime, Index, Table, text

from pipelines.warehouse.connection import execute_statements
from pipelines.warehouse.sql_files import read_sql

PERIOD = ("seen_from_at", "seen_until_at", "delivery_id")


def seen_columns() -> tuple[Column[Any], Column[Any]]:
    """Return the columns of a row's period; its first snapshot is part of the key."""
    return (
        Column(
            "seen_from_at",
            DateTime(timezone=True),
            primary_key=True,
            comment="Time of the first snapshot with these values.",
        ),
        Column(
            "seen_until_at",
            DateTime(timezone=True),
            comment="Time of the last snapshot with these values; null while they are current.",
        ),
    )


def seen_indexes(table: str, key: str) -> tuple[Index, ...]:
    """Return indexes: at most one open period per key, and periods by start and end."""
    is_open, is_closed = text("seen_until_at IS NULL"), text("seen_until_at IS NOT NULL")
    return (
        Index(f"{table}_open_key", key, unique=True, postgresql_where=is_open),
        Index(f"{table}_seen_from_at_idx", "seen_from_at", postgresql_using="brin"),
        Index(f"{table}_seen_until_at_idx", "seen_until_at", postgresql_where=is_closed),
    )


def apply_snapshot(
    connection: Connection,
    table: Table,
    *,
    records: Table,
    at: dt.datetime,
    before: dt.datetime | None,
    delivery_id: int,
) -> None:
    """Apply the snapshot of a time; `before` is the previous snapshot's time.

    Closes the periods of changed and missing rows, and opens those of changed and new rows. Reads
    `stage_<table>` and `stage_rejected_<table>` (keys of rejected records). Records the keys in
    `touched_<table>`, and in `changed` the source records, which `stage_<records>` has by key.
    """
    values = {"at": at, "before": before, "delivery_id": delivery_id}
    _execute(connection, "apply_snapshot", table, values, records=records.name)


def revert_snapshots(connection: Connection, table: Table, *, before: dt.datetime | None) -> None:
    """Revert a table to the snapshot `before`; records the keys in `touched_<table>`."""
    _execute(connection, "revert_snapshots", table, {"before": before})


def _execute(
    connection: Connection, name: str, table: Table, values: dict[str, Any], **names: str
) -> None:
    """Execute each statement of a file for a table of periods."""
    (key,) = (column.name for column in table.primary_key if column.name != "seen_from_at")
    value_columns = [column.name for column in table.columns if column.name not in (key, *PERIOD)]
    script = read_sql("pipelines.sources.flights", name).format(
        table=table.fullname,
        name=table.name,
        key=key,
        values=", ".join(value_columns),
        stored_values=", ".join(f"stored.{column}" for column in value_columns),
        staged_values=", ".join(f"staged.{column}" for column in value_columns),
        **names,
    )
    execute_statements(connection, script, values)
