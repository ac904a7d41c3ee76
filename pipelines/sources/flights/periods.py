"""History in periods: one row for each period in which nothing changed.

A table of periods has a key, `seen_from_at` and `seen_until_at`, and the values. The two times are
those of the first and the last snapshot that contained the row; the latter is null while the row is
current. Snapshots are applied in order. To insert one in the middle, all later ones are reverted
first.
"""

from sqlalchemy import Table

from pipelines.sources.flights import tables

PERIOD = ("seen_from_at", "seen_until_at", "delivery_id")
#: Tables without their own list: airlines come in legs, agents in itineraries.
RECORDS_OF = {"airlines": "legs", "agents": "prices"}


def names() -> list[dict[str, str]]:
    """Return what stands for `{name}` in the statements for tables of periods, for each table."""
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
