"""Loads of every domain that overlap and say the same, in whatever order they come."""

import datetime as dt
import time
from collections.abc import Callable
from pathlib import Path

import psycopg

from pipelines.failures import TransientFailure
from pipelines.orchestration.resources import utc_now
from pipelines.sources.bookings.counts import refresh
from pipelines.sources.flights import archive
from pipelines.sources.solar.load import Plant, load_response
from pipelines.sources.solar.windows import DAY, Window
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.checksums import checksum, columns_of
from pipelines_tests.sources.bookings import made_up as bookings
from pipelines_tests.sources.flights import made_up as flights
from pipelines_tests.sources.shipments import made_up as shipments
from pipelines_tests.sources.solar import made_up as solar

#: Each file has so many records and begins so many after the one before: each comes three times.
RECORDS, STEP = 60, 20
DAYS = 8
PLANTS = 5
FIRST_DAY = dt.date(2026, 3, 2)
#: Columns that say when and by which delivery a row came, which nobody can foresee.
NOTED = {
    *("delivery_id", "load_number", "run_id", "received_at", "loaded_at", "moved_at"),
    *("requested_at", "looked_at", "seen_at", "first_seen_at", "last_seen_at", "updated_at"),
    *("began_at", "ended_at", "response_count", "polled_at", "read_whole_at", "watermark_at"),
    "computed_at",
}
LEFT_OVER = """
SELECT pid, state, query FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
    AND state <> 'idle'
UNION ALL
SELECT pid, mode, relation::regclass::text FROM pg_locks
WHERE database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND pid <> pg_backend_pid() AND virtualtransaction <> '-1/0'
    AND pid IN (SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend')
"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
#: Loads the delivery of a number; its files go to the folder.
Load = Callable[[Warehouse, int, Path], object]


def load_bookings(store: Warehouse, number: int, folder: Path) -> None:
    events = [
        bookings.event(n, hotel_id=n % 7, night_of_stay=f"2022-08-{1 + n % 28:02}")
        for n in range(number * STEP, number * STEP + RECORDS)
    ]
    bookings.deliver(store, folder, events, f"{number}.csv")
    refresh(store)


def load_shipments(store: Warehouse, number: int, folder: Path) -> None:
    numbers = range(number * STEP, number * STEP + RECORDS)
    lines = [shipments.line(n // 2, sku=f"SKU{n % 2}") for n in numbers]
    shipments.deliver(store, folder, lines, f"{number}.csv")


def load_flights(store: Warehouse, number: int, folder: Path) -> None:
    """One of a few days, whose offers are dearer every day; all days that wait are loaded."""
    day = number % DAYS
    offers = [flights.itinerary(n, [1, 2], price=f"£{n + day}") for n in range(day, day + 20)]
    with store.transaction("flights") as connection:
        document = flights.flights_document(offers)
        at = dt.datetime.combine(FIRST_DAY + day * DAY, dt.time(5), dt.UTC)
        archive.keep(connection, flights.answer(document, at))
    _, failures = flights.bring_up_to_date(store)
    assert failures == []


def load_readings(store: Warehouse, number: int, folder: Path) -> None:
    """Three days of one of a few plants; the next window of the plant begins a day later."""
    first = FIRST_DAY + number // PLANTS * DAY
    window = Window(first, first + 3 * DAY)
    plant = Plant(1 + number % PLANTS, "Sierra", "UTC")
    answer = solar.answer_of(solar.items_of(window))
    load_response(store, plant, window, answer, run_id=None, now=utc_now())


LOADS: dict[str, Load] = {
    "bookings": load_bookings,
    "shipments": load_shipments,
    "flights": load_flights,
    "solar": load_readings,
}


def prepare(owner: psycopg.Connection, plants: int = PLANTS) -> None:
    """Return the plants that are requested."""
    for number in range(plants):
        solar.register(owner, f"Plant {number}")


def rows(owner: psycopg.Connection) -> dict[str, str]:
    """Return the contents of the domains' tables by table."""
    return {
        table: checksum(owner, table, [name for name in columns if name not in NOTED])
        for table, columns in columns_of(owner).items()
        if not table.startswith(("ops.", "weather.", "drill.")) and table != "solar.plants"
    }


def insist(load: Callable[[], object], seconds: float = 300) -> list[str]:
    """Retry a load, as a run does, until it does not fail for now; return the messages."""
    deadline = time.monotonic() + seconds
    problems: list[str] = []
    while True:
        try:
            load()
        except TransientFailure as failure:
            problems.append(str(failure))
        else:
            return problems
        assert time.monotonic() < deadline, problems[-1]
        time.sleep(0.1)
