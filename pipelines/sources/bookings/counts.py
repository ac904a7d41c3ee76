"""Daily counts of hotel bookings, kept up to date with `bookings.events`.

New events are added to the counts. If there are many, everything is recounted, which is faster
then, and only counts that differ are written. Counts and watermark change in the same transaction,
so that every event counts once.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, Table, TextClause, text

from pipelines.ingest.statements import execute_file
from pipelines.ingest.watermarks import move, position
from pipelines.sources.bookings import source
from pipelines.sources.bookings.tables import (
    hotel_bookings_by_event_day,
    hotel_bookings_by_stay_night,
)
from pipelines.warehouse.connection import Warehouse, analyze_table, set_local
from pipelines.warehouse.sql_files import read_sql

PACKAGE = "pipelines.sources.bookings"
WATERMARK = "metrics.hotel_bookings"
COUNTED = "bookings.events"
#: The tables of counts, each with the SQL of the day by which it counts an event.
DAYS = {
    hotel_bookings_by_event_day: "(event_at AT TIME ZONE 'UTC')::date",
    hotel_bookings_by_stay_night: "night_of_stay",
}
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
        fresh = int(connection.execute(_statement("count_fresh"), loads).scalar_one())
        stored = float(connection.execute(_statement("estimate_events")).scalar_one())
        is_rebuilt = rebuild or counted > last or fresh > REBUILD_FROM * stored
        if is_rebuilt:
            set_local(connection, "work_mem", REBUILD_MEMORY)
            for table, day in DAYS.items():
                _recount(connection, table, day, last)
            connection.execute(_statement("drop_findings"))
        else:
            for name in ("count_by_event_day", "count_by_stay_night"):
                connection.execute(_statement(name), loads)
        move(connection, WATERMARK, last)
        return Refreshed(fresh, is_rebuilt)


def _recount(connection: Connection, table: Table, day: str, last: int) -> None:
    """Recount all events up to a load, by one of their dates."""
    names = {"table": table.fullname, "day": day}
    execute_file(connection, source, "counts/recount", {"last": last}, names)
    analyze_table(connection, table.fullname)


def is_behind(connection: Connection) -> bool:
    """Return whether there are uncounted events."""
    return position(connection, WATERMARK) != position(connection, COUNTED)


def _statement(name: str) -> TextClause:
    return text(read_sql(PACKAGE, f"counts/{name}"))
