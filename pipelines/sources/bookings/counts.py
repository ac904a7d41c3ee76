"""Daily counts of hotel bookings, kept up to date with `bookings.events`.

New events are added to the counts. If there are many, everything is recounted, which is faster
then, and only counts that differ are written. Counts and watermark change in the same transaction,
so that every event counts once.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, delete

from pipelines.ingest.statements import execute_file
from pipelines.ingest.watermarks import move, position
from pipelines.sources.bookings import source, tables
from pipelines.warehouse.connection import Warehouse, analyze_table, set_local

WATERMARK = "metrics.hotel_bookings"
COUNTED = "bookings.events"
#: Share of new events from which a full recount is faster (make bench).
REBUILD_FROM = 0.4
#: work_mem of a PostgreSQL operation, so that millions of counts need no disk.
REBUILD_MEMORY = "128MB"


@dataclass(frozen=True)
class Refreshed:
    """The number of new events, and whether everything was recounted for them."""

    events: int
    is_rebuilt: bool


def refresh(store: Warehouse, *, rebuild: bool = False) -> Refreshed:
    """Count the events that are not counted yet; `rebuild` recounts all of them."""
    with store.transaction(WATERMARK) as connection:
        counted, last = position(connection, WATERMARK), position(connection, COUNTED)
        if counted == last and not rebuild:
            return Refreshed(0, is_rebuilt=False)
        loads = {"counted": counted, "last": last}
        fresh = execute_file(connection, source, "counts/count_fresh", loads).scalar_one()
        stored = execute_file(connection, source, "counts/estimate_events", {}).scalar_one()
        is_rebuilt = rebuild or counted > last or fresh > REBUILD_FROM * float(stored)
        if is_rebuilt:
            set_local(connection, "work_mem", REBUILD_MEMORY)
            found = tables.findings.c.rule == "matches_recount"
            connection.execute(delete(tables.findings).where(found))
        for table, day in tables.HOTEL_BOOKINGS.items():
            names = {"table": table.fullname, "day": day}
            if is_rebuilt:
                execute_file(connection, source, "counts/compare", loads, names)
                execute_file(connection, source, "counts/recount", {}, names)
                analyze_table(connection, table.fullname)
            else:
                execute_file(connection, source, "counts/add", loads, names)
        move(connection, WATERMARK, last)
        return Refreshed(fresh, is_rebuilt)


def is_behind(connection: Connection) -> bool:
    """Return whether there are uncounted events."""
    return position(connection, WATERMARK) != position(connection, COUNTED)
