"""History that grows with changes: a row for each period in which nothing changed.

A table of periods has a key, `seen_from_at` and `seen_until_at` (the instants of the first and the
last snapshot that had the row; null while the last one does), and the values. A snapshot is put on
top of those before it; one in the middle is put there by taking off all from it on.
"""

import datetime as dt
from typing import Any

from sqlalchemy import Column, Connection, DateTime, Index, Table, text

from pipelines.warehouse.sql_files import read_sql

PERIOD = ("seen_from_at", "seen_until_at", "delivery_id")


def seen_columns() -> tuple[Column[Any], Column[Any]]:
    """The period of a row; its first snapshot is part of the key."""
    return (
        Column(
            "seen_from_at",
            DateTime(timezone=True),
            primary_key=True,
            comment="The first snapshot with these values.",
        ),
        Column(
            "seen_until_at",
            DateTime(timezone=True),
            comment="The last snapshot with these values; null while they are current.",
        ),
    )


def seen_indexes(table: str, key: str) -> tuple[Index, ...]:
    """At most one open period for a key; and the periods by when they begin and end."""
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
    """Put the snapshot of an instant on top, `before` being the one before it.

    Closes what changed or is gone, and opens what changed or is new. Reads `stage_<table>` and
    `stage_rejected_<table>` (keys of rejected records); notes the keys in `touched_<table>`, and in
    `changed` the source records, which `stage_<records>` has by key.
    """
    values = {"at": at, "before": before, "delivery_id": delivery_id}
    _execute(connection, "apply_snapshot", table, values, records=records.name)


def revert_snapshots(connection: Connection, table: Table, *, before: dt.datetime | None) -> None:
    """Bring a table back to the snapshot `before`; notes the keys in `touched_<table>`."""
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
    for statement in script.split(";\n"):
        if statement.strip():
            connection.execute(text(statement), values)
