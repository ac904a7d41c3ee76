"""Initial data of the sandbox: shipments of ten days, each with its history."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from pipelines.sources.shipments import demo
from pipelines.sources.shipments.load import load_file
from pipelines.warehouse.connection import Warehouse

WAYS = """
SELECT tracking_number, array_agg(status ORDER BY seen_at), max(seen_at) - min(seen_at)
FROM shipments.status_history GROUP BY 1, carrier HAVING count(*) = 4
"""
ROWS = (
    "SELECT name, loaded_at, read_count, loaded_count FROM ops.deliveries ORDER BY name",
    "SELECT tracking_number, status, seen_at FROM shipments.status_history ORDER BY 1, 3",
    (
        "SELECT tracking_number, status, first_seen_at, last_seen_at, updated_at"
        " FROM shipments.shipments ORDER BY 1"
    ),
    "SELECT tracking_number, sku, quantity, unit_price FROM shipments.articles ORDER BY 1, 2",
)
EIGHT_DAYS = "Loaded the sandbox's shipments of 8 days."


def rows_of(owner: psycopg.Connection) -> list[list[Any]]:
    return [owner.execute(query.encode()).fetchall() for query in ROWS]


def empty(owner: psycopg.Connection) -> None:
    owner.execute("TRUNCATE shipments.shipments, ops.deliveries CASCADE")


def test_the_demo_has_the_ways_of_parcels(warehouse: Warehouse, owner: psycopg.Connection) -> None:
    assert demo.seed_sandbox(warehouse) == EIGHT_DAYS
    ways = owner.execute(WAYS).fetchall()
    assert len(ways) == 5 * 15
    assert {tuple(way) for _, way, _ in ways} == {
        ("inbound_scan", "scanned", "in_transit", "delivery")
    }
    assert {span for *_, span in ways} == {dt.timedelta(days=3)}
    loaded = owner.execute("SELECT count(DISTINCT loaded_at::date) FROM ops.deliveries").fetchone()
    assert loaded == (8,)
    assert demo.seed_sandbox(warehouse) is None


def test_two_seeds_at_once_load_each_day_once(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    demo.seed_sandbox(warehouse)
    undisturbed = rows_of(owner)
    empty(owner)
    with ThreadPoolExecutor(2) as threads:
        messages = list(threads.map(demo.seed_sandbox, [warehouse] * 2))
    assert rows_of(owner) == undisturbed
    days = [int(message.split()[-2]) for message in messages if message]
    assert sum(days) == 8


def test_a_killed_seed_is_continued(
    warehouse: Warehouse, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo.seed_sandbox(warehouse)
    undisturbed = rows_of(owner)
    empty(owner)
    calls = 0

    def killed(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 4:
            load_file(*arguments)
            raise KeyboardInterrupt
        return load_file(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(demo, "load_file", killed)
        with pytest.raises(KeyboardInterrupt):
            demo.seed_sandbox(warehouse)
    assert owner.execute("SELECT count(*) FROM ops.deliveries").fetchone() == (3,)
    assert demo.seed_sandbox(warehouse) == "Loaded the sandbox's shipments of 5 days."
    assert rows_of(owner) == undisturbed


def test_other_files_end_the_seed(warehouse: Warehouse, owner: psycopg.Connection) -> None:
    """A day before them would set the statuses of their shipments back."""
    demo.seed_sandbox(warehouse)
    owner.execute("DELETE FROM shipments.status_history")
    owner.execute("TRUNCATE shipments.shipments CASCADE")
    owner.execute("DELETE FROM ops.deliveries WHERE delivery_id > 1")
    owner.execute("UPDATE ops.deliveries SET name = 'theirs.csv'")
    assert demo.seed_sandbox(warehouse) is None
    assert owner.execute("SELECT count(*) FROM ops.deliveries").fetchone() == (1,)


def test_the_demo_has_the_currency_of_the_settings(
    warehouse: Warehouse, owner: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPMENTS_CURRENCY", "SEK")
    demo.seed_sandbox(warehouse)
    query = "SELECT DISTINCT currency FROM shipments.shipments"
    assert owner.execute(query).fetchall() == [("SEK",)]
