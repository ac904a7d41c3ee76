"""History that grows with changes: a row for each period of days in which nothing changed.

A table of periods has a key, `seen_from_on` and `seen_until_on` (the days of the first and the
last snapshot that said so; null while the last one does), and what was said. A day is put on top
of the days before it; a day in the middle is put there by taking off all days from it on.
"""

import datetime as dt
from typing import Any

from sqlalchemy import Column, Connection, Date, Index, Table, text

from pipelines.warehouse.sql_files import read_sql

PERIOD = ("seen_from_on", "seen_until_on", "delivery_id")


def seen_columns() -> tuple[Column[Any], Column[Any]]:
    """The period of a row; its first day is part of the key."""
    return (
        Column(
            "seen_from_on",
            Date,
            primary_key=True,
            comment="Day of the first snapshot that says so.",
        ),
        Column(
            "seen_until_on",
            Date,
            comment="Day of the last snapshot that says so; null while it still does.",
        ),
    )


def seen_indexes(table: str, key: str) -> tuple[Index, ...]:
    """At most one open period for a key; and the periods by the days they begin and end."""
    is_open = text("seen_until_on IS NULL")
    return (
        Index(f"{table}_open_key", key, unique=True, postgresql_where=is_open),
        Index(f"{table}_seen_from_on_idx", "seen_from_on"),
        Index(f"{table}_seen_until_on_idx", "seen_until_on"),
    )


def apply_snapshot(
    connection: Connection,
    table: Table,
    *,
    day: dt.date,
    day_before: dt.date | None,
    delivery_id: int,
) -> None:
    """Put a day on top: close what changed or is gone, and open what changed or is new.

    Reads `stage_<table>` and `stage_offered_<table>` (keys, those of refused records too); notes
    the keys in `touched_<table>` and the source records in `changed`.
    """
    _execute(
        connection, "apply_snapshot", table, day=day, day_before=day_before, delivery_id=delivery_id
    )


def revert_snapshots(connection: Connection, table: Table, *, day_before: dt.date | None) -> None:
    """Bring a table back to where it was on `day_before`; notes the keys in `touched_<table>`."""
    _execute(connection, "revert_snapshots", table, day_before=day_before)


def _execute(connection: Connection, name: str, table: Table, **values: Any) -> None:
    """Execute each statement of a file for a table of periods."""
    (key,) = (column.name for column in table.primary_key if column.name != "seen_from_on")
    said = [column.name for column in table.columns if column.name not in (key, *PERIOD)]
    script = read_sql("pipelines.sources.flights", name).format(
        table=table.fullname,
        name=table.name,
        key=key,
        said=", ".join(said),
        held_said=", ".join(f"held.{column}" for column in said),
        staged_said=", ".join(f"staged.{column}" for column in said),
    )
    for statement in script.split(";\n"):
        if statement.strip():
            connection.execute(text(statement), values)
