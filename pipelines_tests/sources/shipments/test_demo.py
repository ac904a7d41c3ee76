"""Initial data of the sandbox: shipments of ten days, each with its history."""

import datetime as dt

import psycopg

from pipelines.sources.shipments import demo
from pipelines.warehouse.connection import Warehouse

WAYS = """
SELECT tracking_number, array_agg(status ORDER BY seen_at), max(seen_at) - min(seen_at)
FROM shipments.status_history GROUP BY 1, carrier HAVING count(*) = 4
"""


def test_the_demo_has_the_ways_of_parcels(warehouse: Warehouse, owner: psycopg.Connection) -> None:
    assert demo.seed_sandbox(warehouse) == "Loaded the sandbox's shipments of 8 days."
    ways = owner.execute(WAYS).fetchall()
    assert len(ways) == 5 * 15
    assert {tuple(way) for _, way, _ in ways} == {
        ("inbound_scan", "scanned", "in_transit", "delivery")
    }
    assert {span for *_, span in ways} == {dt.timedelta(days=3)}
    loaded = owner.execute("SELECT count(DISTINCT loaded_at::date) FROM ops.deliveries").fetchone()
    assert loaded == (8,)
    assert demo.seed_sandbox(warehouse) is None
