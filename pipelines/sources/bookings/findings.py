"""What contradicts among booking events: rules over the nights that have new ones, or over all.

What was found stays in `bookings.findings` until its night is looked at again; the check
`no_findings` shows it. Once a week, all events are looked at, and all counts compared with them.
"""

from sqlalchemy import Connection, delete

from pipelines.ingest.statements import execute_file
from pipelines.ingest.watermarks import move, position
from pipelines.sources.bookings import source, tables
from pipelines.sources.bookings.counts import COUNTED
from pipelines.warehouse.connection import Warehouse

#: How far events are looked at (`ops.watermarks`), and the lock of who does.
WATERMARK = "bookings.findings"


def refresh(store: Warehouse, *, is_whole: bool = False) -> None:
    """Look at the nights with new events, or at all events and counts."""
    with store.transaction(WATERMARK) as connection:
        done, last = position(connection, WATERMARK), position(connection, COUNTED)
        if done == last and not is_whole:
            return
        if is_whole:
            connection.execute(delete(tables.findings))
            _run(connection, "find_counts")
        else:
            _run(connection, "take_nights", done=done, last=last)
        _run(connection, "find_events", events="bookings.events" if is_whole else "of_nights")
        move(connection, WATERMARK, last)


def _run(connection: Connection, name: str, events: str = "", **parameters: int) -> None:
    execute_file(connection, source, f"findings/{name}", parameters, {"events": events})
