"""Daily counts of hotel bookings, the book of each hotel, and what contradicts among the events.

New events are added to the counts; if there are many, everything is recounted. The nights with new
events are followed reservation by reservation: their book is made anew, and what contradicts is
found. All of it and the watermark change in one transaction, so that every event counts once. Once
a week everything is compared with all events.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, func, select, text

from pipelines.ingest.statements import execute_file
from pipelines.ingest.watermarks import move, position
from pipelines.sources.bookings import source, tables
from pipelines.warehouse.connection import Warehouse, analyze_table, estimated_rows, set_local

#: How far events are counted (`ops.watermarks`), and the lock of who counts.
WATERMARK = "metrics.hotel_bookings"
COUNTED = "bookings.events"
#: The events and the book of all nights, and of those that are looked at.
ALL_NIGHTS = {"events": COUNTED, "kept": tables.hotel_book.fullname}
SOME_NIGHTS = {"events": "of_nights", "kept": "kept_book"}
#: Share of new events from which a full recount is faster (make bench).
REBUILD_FROM = 0.4
#: work_mem of a PostgreSQL operation, so that millions of counts need no disk.
REBUILD_MEMORY = "128MB"


def refresh(store: Warehouse, *, rebuild: bool = False) -> tuple[int, bool]:
    """Count the events that are not counted yet, and keep the book; `rebuild` recounts everything.

    Returns how many were new, and whether everything was recounted for them.
    """
    with store.transaction(WATERMARK) as connection:
        counted, last = position(connection, WATERMARK), position(connection, COUNTED)
        if counted == last and not rebuild and not is_a_book_stale(connection):
            return 0, False
        loads = {"counted": counted, "last": last}
        _execute(connection, "book/take_days", {}, hotels=tables.hotels.fullname)
        if is_rebuilt := rebuild or not has_book(connection) or counted > last:
            number = tables.events.c.load_number
            is_fresh = (number > counted) & (number <= last)
            fresh = connection.execute(select(func.count()).where(is_fresh)).scalar_one()
        else:
            fresh = _execute(connection, "counts/take_fresh", loads)
            is_rebuilt = fresh > REBUILD_FROM * max(estimated_rows(connection, COUNTED), 0)
        if is_rebuilt:
            set_local(connection, "work_mem", REBUILD_MEMORY)
            connection.execute(delete(tables.findings))
            connection.execute(delete(tables.books))
        for table, day in tables.HOTEL_BOOKINGS.items():
            names = {"table": table.fullname, "day": day}
            if is_rebuilt:
                _execute(connection, "counts/compare", loads, **names)
                _execute(connection, "counts/recount", {}, **names)
                analyze_table(connection, table.fullname)
            else:
                _execute(connection, "counts/add", {}, **names)
        if not is_rebuilt:
            _execute(connection, "findings/name_events", {})
            _execute(connection, "book/take_nights", {})
        _follow(connection, last, ALL_NIGHTS if is_rebuilt else SOME_NIGHTS)
        _execute(connection, "book/keep", {})
        if is_rebuilt:
            analyze_table(connection, tables.hotel_book.fullname)
        move(connection, WATERMARK, last)
        return fresh, is_rebuilt


def is_a_book_stale(connection: Connection) -> bool:
    """Return whether the book of a hotel is kept by other days than those of its hotel."""
    query = text("SELECT EXISTS (SELECT FROM bookings.stale_books)")
    return bool(connection.execute(query).scalar_one())


def has_book(connection: Connection) -> bool:
    """Return whether any hotel has a book: not before the first refresh of a database of 4.0."""
    return bool(connection.execute(select(tables.books.select().exists())).scalar_one())


def compare(store: Warehouse) -> None:
    """Find all that contradicts among the counted events, and counts and books that differ."""
    with store.transaction(WATERMARK) as connection:
        last = position(connection, WATERMARK)
        connection.execute(delete(tables.findings))
        for table, day in tables.HOTEL_BOOKINGS.items():
            names = {"table": table.fullname, "day": day}
            _execute(connection, "counts/compare", {"last": last}, **names)
            axis = {"axis": table.name.removeprefix("hotel_bookings_by_")}
            _execute(connection, "findings/find_counts", axis)
        _execute(connection, "book/take_days", {}, hotels=tables.books.fullname)
        _follow(connection, last, ALL_NIGHTS)
        if has_book(connection):
            _execute(connection, "book/find_differences", {})


def _follow(connection: Connection, last: int, nights: dict[str, str]) -> None:
    """Follow the reservations of some nights: find contradictions, and how their book differs."""
    _execute(connection, "book/follow", {"last": last}, **nights)
    _execute(connection, "findings/find_events", {"last": last}, **nights)
    _execute(connection, "book/compare", {}, **nights)


def _execute(connection: Connection, sql: str, values: Mapping[str, Any], **names: str) -> int:
    """Execute a file; return how many rows its last statement has written."""
    return execute_file(connection, source, sql, values, names).rowcount
