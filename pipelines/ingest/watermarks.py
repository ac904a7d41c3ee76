"""Watermarks: numbers of loads, and how far what follows a table has counted them.

Whoever numbers the loads of a table holds its source's lock (`Warehouse.transaction`), so that a
load that is seen is never followed by one with a smaller number.
"""

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from pipelines.warehouse.tables import watermarks


def position(connection: Connection, name: str) -> int:
    """Where a watermark is; 0 where it has never moved."""
    query = select(watermarks.c.position).where(watermarks.c.name == name)
    return connection.execute(query).scalar_one_or_none() or 0


def move(connection: Connection, name: str, to: int) -> None:
    """Move a watermark."""
    statement = insert(watermarks).values(name=name, position=to)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["name"],
            set_={"position": statement.excluded.position, "moved_at": func.clock_timestamp()},
        )
    )
