"""Daily counts of hotel bookings, the book of each hotel, and what contradicts among the events.

New events are added to the counts; if there are many, everything is recounted. The book of a night
with new events is made anew from the states of its reservations. Counts, book and watermark change
in the same transaction, so that every event counts once. The nights with new events are looked at
for contradictions; once a week all events are, and counts and book are compared with them.
"""

from sqlalchemy import Connection, cast, delete, func, select, text
from sqlalchemy.dialects.postgresql import REGCLASS

from pipelines.ingest.statements import execute_file
from pipelines.ingest.watermarks import move, position
from pipelines.sources.bookings import source, tables
from pipelines.warehouse.connection import Warehouse, analyze_table, set_local

#: How far events are counted and looked at (`ops.watermarks`), and the locks of who does.
WATERMARK, LOOKED_AT = "metrics.hotel_bookings", "bookings.findings"
COUNTED = "bookings.events"
#: The events and the book of all nights, and of those whose book is made anew.
ALL_NIGHTS = {"events": COUNTED, "kept": tables.hotel_book.fullname}
BOOK_NIGHTS = {"events": "book_events", "kept": "book_kept"}
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
        execute_file(connection, source, "counts/take_days", {}, {"hotels": "bookings.hotels"})
        if is_rebuilt := rebuild or counted == 0 or counted > last:
            number = tables.events.c.load_number
            is_fresh = (number > counted) & (number <= last)
            fresh = connection.execute(select(func.count()).where(is_fresh)).scalar_one()
        else:
            fresh = execute_file(connection, source, "counts/take_fresh", loads).rowcount
            estimate = select(func.ops.estimated_rows(cast(COUNTED, REGCLASS)))
            stored = float(connection.execute(estimate).scalar_one())  # -1 without statistics
            is_rebuilt = fresh > REBUILD_FROM * max(stored, 0)
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
                execute_file(connection, source, "counts/add", {}, names)
        if not is_rebuilt:
            execute_file(connection, source, "counts/take_book_nights", {})
        nights = ALL_NIGHTS if is_rebuilt else BOOK_NIGHTS
        execute_file(connection, source, "counts/compare_book", loads, nights)
        execute_file(connection, source, "counts/keep_book", {})
        if is_rebuilt:
            analyze_table(connection, tables.hotel_book.fullname)
        move(connection, WATERMARK, last)
        return fresh, is_rebuilt


def is_a_book_stale(connection: Connection) -> bool:
    """Return whether the book of a hotel is kept by other days than those of its hotel."""
    query = text("SELECT EXISTS (SELECT FROM bookings.stale_books)")
    return bool(connection.execute(query).scalar_one())


def look(store: Warehouse, *, is_whole: bool = False) -> None:
    """Look for contradictions in the nights with new events, or in all events and counts."""
    with store.transaction(LOOKED_AT) as connection:
        done, last = position(connection, LOOKED_AT), position(connection, COUNTED)
        if done == last and not is_whole:
            return
        if is_whole:
            connection.execute(delete(tables.findings))
            for table, day in tables.HOTEL_BOOKINGS.items():
                names = {"table": table.fullname, "day": day}
                execute_file(connection, source, "counts/compare", {"last": None}, names)
                axis = {"axis": table.name.removeprefix("hotel_bookings_by_")}
                execute_file(connection, source, "findings/find_counts", axis)
            execute_file(connection, source, "counts/take_days", {}, {"hotels": "bookings.books"})
            counted = {"last": position(connection, WATERMARK)}
            execute_file(connection, source, "counts/compare_book", counted, ALL_NIGHTS)
            execute_file(connection, source, "findings/find_book", {})
        else:
            loads = {"done": done, "last": last}
            execute_file(connection, source, "findings/take_nights", loads)
        names = {"events": COUNTED if is_whole else "of_nights"}
        execute_file(connection, source, "findings/find_events", {}, names)
        move(connection, LOOKED_AT, last)
