"""History in periods: one row for each period in which nothing changed.

A table of periods has a key, `seen_from_at` and `seen_until_at`, and the values. The two times are
those of the first and the last snapshot that contained the row; the latter is null while the row is
current. Snapshots are applied in order. To insert one in the middle, all later ones are reverted
first.
"""

from typing import Any

from sqlalchemy import Column, DateTime, Index, Table, text

PERIOD = ("seen_from_at", "seen_until_at", "delivery_id")
#: Tables without their own list: airlines come in legs, agents in itineraries.
RECORDS_OF = {"airlines": "legs", "agents": "prices"}


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


def names() -> list[dict[str, str]]:
    """Return what stands for `{name}` in the statements for tables of periods, for each table."""
    from pipelines.sources.flights import tables

    return [_names_of(table, RECORDS_OF.get(table.name, table.name)) for table in tables.PERIODS]


def _names_of(table: Table, records: str) -> dict[str, str]:
    (key,) = (column.name for column in table.primary_key if column.name != "seen_from_at")
    values = [column.name for column in table.columns if column.name not in (key, *PERIOD)]
    return {
        "table": table.fullname,
        "name": table.name,
        "key": key,
        "records": records,
        "values": ", ".join(values),
        "stored_values": ", ".join(f"stored.{column}" for column in values),
        "staged_values": ", ".join(f"staged.{column}" for column in values),
    }
