"""Any value in any place: every document is loaded, with its bad records in quarantine."""

import datetime as dt
import json
from random import Random
from typing import Any

import psycopg

from pipelines.http.client import JsonResponse
from pipelines.sources.flights import archive
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.flights.made_up import (
    MONDAY,
    bring_up_to_date,
    flights_document,
    itinerary,
    leg,
)

VALUES: list[Any] = [
    None, True, 0, -1, 10**400, 1e308, -0.0, float("nan"), float("inf"), "", " ", "\x00", "a\x00b",
    "\ud800", "x" * 201, "é" * 200, [], {}, [1], {"a": 1}, ["leg_1"], [["leg_1"]], [None],
    "'; DROP TABLE flights.legs; --", "<script>", "=1+1", "%s", "{id}", "{0}",
    "\\", '"', "{", "a,b",
    "\\N", "\t", "\u00a0", "\u202e", "NULL", "£", "€1.234,56", "2026-03-29T01:30", "QQQ",
    "2026-10-25T01:30", "0001-01-01T00:00", "2199-12-31T23:59:59", "2026-06-01T24:00",
]  # fmt: skip


def hostile_document(random: Random) -> dict[str, Any]:
    """A good document with a few values, keys or records replaced by others."""
    document = flights_document([itinerary(n, [1 + n % 3, 1]) for n in range(8)])
    records = [*document["itineraries"], *document["legs"]]
    for _ in range(random.randrange(1, 4)):
        record = random.choice(records)
        record[random.choice([*record, "new\x00key"])] = random.choice(VALUES)
    if random.random() < 0.2:
        record.pop(random.choice(list(record)))
    if random.random() < 0.2:
        document["itineraries"].append(random.choice([None, 1, "x", [], records[0]]))
        document["legs"].append(random.choice([None, leg(1), leg(1, stops=1)]))
    return document


def test_nothing_in_a_document_stops_the_load_or_is_lost(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    random = Random(0)
    for number in range(12):
        body = json.dumps(hostile_document(random)).encode()
        at = dt.datetime.combine(MONDAY, dt.time(), dt.UTC) + dt.timedelta(days=number)
        received = JsonResponse("http://source", body, None, at)
        with warehouse.transaction("flights") as connection:
            archive.keep(connection, received)
        _, failures = bring_up_to_date(warehouse)
        assert [str(one) for one in failures if "records are bad" not in str(one)] == []
    counted = owner.execute(
        "SELECT sum(rejected_count), (SELECT count(*) FROM ops.quarantine) FROM ops.deliveries"
        " WHERE source = 'flights'"
    ).fetchone()
    assert counted is not None
    assert counted[0] == counted[1] > 0
