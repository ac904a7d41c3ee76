"""Migrating while loads go on, several at once, and against somebody who does not let go."""

import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, text

from pipelines.migrations import apply, history
from pipelines.postgres.roles import LOADER, SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.drills import loads
from pipelines_tests.drills.form import LONG
from pipelines_tests.drills.loads import DEADLOCKS, LEFT_OVER, LOADS

MIGRATIONS = 12 if LONG else 4
#: Against the order in which loads write them, so that whoever takes them one by one gets stuck.
TABLES = (
    *("bookings.events", "metrics.hotel_bookings_by_stay_night", "shipments.articles"),
    *("shipments.shipments", "flights.prices", "flights.itineraries", "solar.days"),
    *("solar.readings", "ops.quarantine", "ops.deliveries", "ops.watermarks"),
)
COLUMNS = "SELECT count(*) FROM information_schema.columns WHERE column_name LIKE 'drill%'"


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
) -> dict[str, Future[int]]:
    """Run a loader of each domain until stopped; return how many deliveries it loaded."""

    def go(domain: str) -> int:
        store, number = Warehouse(url), 0
        own = folder / domain
        own.mkdir()
        while not stop.is_set() or number == 0:
            LOADS[domain](store, number % 40, own)
            number += 1
        store.dispose()
        return number

    return {domain: pool.submit(go, domain) for domain in LOADS}


def test_migrations_and_concurrent_loads_do_not_block_each_other(
    server: Connections, database: str, owner: psycopg.Connection, release: Release, tmp_path: Path
) -> None:
    loads.prepare(owner)
    stop = threading.Event()
    with ThreadPoolExecutor() as pool:
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
        loaded = {domain: one.result(timeout=300) for domain, one in loading.items()}
    assert min(loaded.values()) > 1, loaded
    assert owner.execute(COLUMNS).fetchone() == (len(TABLES) * MIGRATIONS,)
    assert owner.execute(DEADLOCKS).fetchone() == (0,)
    assert owner.execute(LEFT_OVER).fetchall() == []
    locked = owner.execute(
        "SELECT (SELECT count(*) FROM bookings.events), (SELECT count(*) FROM shipments.articles)"
    ).fetchone()
    numbers = {domain: min(count, 40) - 1 for domain, count in loaded.items()}
    assert locked == tuple(
        numbers[domain] * loads.STEP + loads.RECORDS for domain in ("bookings", "shipments")
    )
