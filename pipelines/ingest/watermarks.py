"""Watermarks: numbers of loads, and up to which number derived tables have processed them.

Loads of a table are numbered under the lock of its source (`Warehouse.transaction`). A load that is
visible is therefore never followed by one with a smaller number.
"""

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.postgresql import insert

from pipelines.warehouse.tables import watermarks


def position(connection: Connection, name: str) -> int:
    """Return the position of a watermark; 0 if it has never moved."""
    query = select(watermarks.c.position).where(watermarks.c.name == name)
    return connection.execute(query).scalar_one_or_none() or 0


def move(connection: Connection, name: str, to: int) -> None:
    """Move a watermark to a position."""
    statement = insert(watermarks).values(name=name, position=to)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["name"],
            set_={"position": statement.excluded.position, "moved_at": func.clock_timestamp()},
        )
    )
