"""Watermarks: numbers of loads, and up to which number derived tables have processed them; reads.

Loads of a table are numbered under the lock of its source (`Warehouse.transaction`). A load that is
visible is therefore never followed by one with a smaller number.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from pipelines.warehouse.tables import reads, watermarks


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


def pages_read(connection: Connection, name: str, request: str) -> list[str]:
    """Return the digests of the pages of an API's last read; none if it was of another request."""
    query = select(reads.c.pages).where(reads.c.name == name, reads.c.request == request)
    return connection.execute(query).scalar_one_or_none() or []


def forget_read(connection: Connection, name: str) -> None:
    """Forget the last read of an API, because pages of another one are loaded."""
    connection.execute(delete(reads).where(reads.c.name == name))


def note_read(connection: Connection, name: str, request: str, pages: Sequence[str]) -> None:
    """Note a read of an API whose pages are all loaded."""
    forget_read(connection, name)
    connection.execute(insert(reads).values(name=name, request=request, pages=[*pages]))
