"""Migrating while several loads of each domain go on at once, against each other's locks."""

import datetime as dt
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text

from pipelines.ingest.deliveries import unbalanced
from pipelines.migrations import apply, history
from pipelines.orchestration.resources import utc_now
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.sources.bookings.counts import refresh
from pipelines.sources.flights import archive
from pipelines.sources.solar.load import Plant, load_response
from pipelines.sources.solar.windows import DAY, Window
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.drills.form import LONG
from pipelines_tests.sources.bookings import made_up as bookings
from pipelines_tests.sources.flights import made_up as flights
from pipelines_tests.sources.shipments import made_up as shipments
from pipelines_tests.sources.solar import made_up as solar

MIGRATIONS = 12 if LONG else 4
#: Loaders of each domain, which load every so manieth of this many deliveries, again and again.
LOADERS, DELIVERIES = 4, 40
#: Each file has so many records and begins so many after the one before: each comes three times.
RECORDS, STEP = 60, 20
DAYS, PLANTS = 8, 5
FIRST_DAY = dt.date(2026, 3, 2)
#: Against the order in which loads write them, so that whoever takes them one by one gets stuck.
TABLES = (
    *("bookings.events", "metrics.hotel_bookings_by_stay_night", "shipments.articles"),
    *("shipments.shipments", "flights.prices", "flights.itineraries", "solar.days"),
    *("solar.readings", "ops.quarantine", "ops.deliveries", "ops.watermarks"),
)
#: Each record once, however often it came, and counted once.
STORED = {
    "bookings": "SELECT count(*) FROM bookings.events"
    " UNION ALL SELECT sum(bookings) FROM metrics.hotel_bookings_by_stay_night",
    "shipments": "SELECT count(*) FROM shipments.articles",
}
COLUMNS = "SELECT count(*) FROM information_schema.columns WHERE column_name LIKE 'drill%'"
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
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


class Release:
    """A later version of the code, which has one more column in all tables and another view."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.number = 0
        files, upgrade = apply.object_files(), history.upgrade

        def views(*_: object) -> dict[str, str]:
            drill = f"CREATE OR REPLACE VIEW enriched.drill AS SELECT {self.number} AS n"
            return files | {"enriched.drill": drill}

        def upgraded(connection: Connection) -> None:
            upgrade(connection)
            for table in TABLES:
                column = f"drill_{self.number} integer"
                connection.execute(text(f"ALTER TABLE {table} ADD COLUMN {column}"))

        monkeypatch.setattr(apply, "object_files", views)
        monkeypatch.setattr(history, "upgrade", upgraded)


@pytest.fixture
def release(monkeypatch: pytest.MonkeyPatch) -> Release:
    return Release(monkeypatch)


def go_on_loading(
    pool: ThreadPoolExecutor, url: str, folder: Path, stop: threading.Event
) -> dict[str, list[Future[set[int]]]]:
    """Run loaders of each domain until stopped; return which deliveries each has loaded."""

    def go(domain: str, first: int) -> set[int]:
        store, number, loaded = Warehouse(url), first, set[int]()
        own = folder / f"{domain} {first}"
        own.mkdir()
        while not stop.is_set() or not loaded:
            LOADS[domain](store, number, own)
            loaded.add(number)
            number = (number + LOADERS) % DELIVERIES
        store.dispose()
        return loaded

    return {domain: [pool.submit(go, domain, n) for n in range(LOADERS)] for domain in LOADS}


def test_migrations_and_concurrent_loads_do_not_block_each_other(
    server: Connections, database: str, owner: psycopg.Connection, release: Release, tmp_path: Path
) -> None:
    for number in range(PLANTS):
        solar.register(owner, f"Plant {number}")
    stop = threading.Event()
    with ThreadPoolExecutor(len(LOADS) * LOADERS) as pool:
        loading = go_on_loading(pool, server.url(LOADER, database), tmp_path, stop)
        try:
            for number in range(1, MIGRATIONS + 1):
                release.number = number
                began = time.monotonic()
                apply.migrate(server.url(SUPERUSER, database))
                assert time.monotonic() - began < 120
                time.sleep(0.5)
        finally:
            stop.set()
        loaded = {
            domain: set[int]().union(*(one.result(timeout=300) for one in futures))
            for domain, futures in loading.items()
        }
    assert min(map(len, loaded.values())) >= LOADERS, loaded
    assert owner.execute(COLUMNS).fetchone() == (len(TABLES) * MIGRATIONS,)
    assert owner.execute(DEADLOCKS).fetchone() == (0,)
    assert owner.execute(LEFT_OVER).fetchall() == []
    with Warehouse(server.url(LOADER, database)) as store, store.engine.connect() as connection:
        assert [one for domain in LOADS for one in unbalanced(connection, domain)] == []
    for domain, query in STORED.items():
        sent = {n * STEP + record for n in loaded[domain] for record in range(RECORDS)}
        stored = owner.execute(query.encode()).fetchall()
        assert stored == [(len(sent),)] * len(stored), domain
