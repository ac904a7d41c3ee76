"""What contradicts among booking events: rules over the nights that have new ones, or over all.

What was found stays in `bookings.findings` until its night is looked at again; the check
`no_findings` shows it. Once a week, all events are looked at, and all counts compared with them.
"""

from sqlalchemy import delete

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
        names = {"events": "bookings.events" if is_whole else "of_nights"}
        if is_whole:
            connection.execute(delete(tables.findings))
            for table, day in tables.HOTEL_BOOKINGS.items():
                compared = {"table": table.fullname, "day": day}
                execute_file(connection, source, "counts/compare", {"last": None}, compared)
                axis = {"axis": table.name.removeprefix("hotel_bookings_by_")}
                execute_file(connection, source, "findings/find_counts", axis)
        else:
            loads = {"done": done, "last": last}
            execute_file(connection, source, "findings/take_nights", loads)
        execute_file(connection, source, "findings/find_events", {}, names)
        move(connection, WATERMARK, last)
