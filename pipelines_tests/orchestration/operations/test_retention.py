"""Retention in the warehouse: what is purged, and that the ledger stays balanced."""

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest
from psycopg import Connection

from pipelines.ingest import deliveries
from pipelines.ingest.contract import Reject
from pipelines.ingest.deliveries import (
    Delivery,
    close_delivery,
    open_delivery,
    resolve_quarantined,
    write_rejects,
)
from pipelines.ingest.reasons import Reason
from pipelines.orchestration.operations import housekeeping
from pipelines.sources.flights import archive as flight_archive
from pipelines.sources.flights.archive import remove_documents
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.flights.made_up import (
    MONDAY,
    bring_up_to_date,
    contents,
    flights_document,
    itinerary,
    keep,
)
from pipelines_tests.sources.flights.test_history import random_document, stored
from pipelines_tests.sources.shipments.made_up import deliver, line

pytestmark = pytest.mark.usefixtures("few_airports")
NOW = dt.datetime.now(dt.UTC)
A_YEAR_AGO = NOW - dt.timedelta(days=365)
LEDGER = """
SELECT name, read_count, loaded_count, unchanged_count, rejected_count, purged_count
FROM ops.deliveries ORDER BY delivery_id
"""
IN_QUARANTINE = "SELECT count(*) FROM ops.quarantine"


def midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def age(owner: Connection, name: str, days: int = 400) -> None:
    owner.execute(
        "UPDATE ops.deliveries SET loaded_at = loaded_at - make_interval(days => %s)"
        " WHERE name = %s",
        (days, name),
    )


def is_balanced(warehouse: Warehouse, source: str = "shipments") -> bool:
    with warehouse.engine.connect() as connection:
        return deliveries.unbalanced(connection, source) == []


def test_old_rejected_records_are_purged_and_counted_in_the_ledger(
    warehouse: Warehouse, owner: Connection, tmp_path: Path
) -> None:
    bad = {"article_price": "free"}
    old = [line(1), line(2), line(3, **bad), line(4, **bad)]
    deliver(warehouse, tmp_path, old, "old.csv")
    deliver(warehouse, tmp_path, [line(5), line(6), line(7, **bad)], "young.csv")
    age(owner, "old.csv")
    assert housekeeping.purge_quarantine(warehouse, A_YEAR_AGO) == {"shipments": 2}
    assert owner.execute(LEDGER).fetchall() == [
        ("old.csv", 4, 2, 0, 2, 2),
        ("young.csv", 3, 2, 0, 1, 0),
    ]
    assert owner.execute("SELECT position FROM ops.quarantine").fetchall() == [("line 4",)]
    assert is_balanced(warehouse)
    assert housekeeping.purge_quarantine(warehouse, A_YEAR_AGO) == {}
    deliver(warehouse, tmp_path, [line(4), line(7)], "answer.csv")
    assert owner.execute(LEDGER).fetchall() == [
        ("old.csv", 4, 2, 0, 2, 2),
        ("young.csv", 3, 2, 1, 0, 0),
        ("answer.csv", 2, 2, 0, 0, 0),
    ]
    assert is_balanced(warehouse)


def test_a_redelivered_file_returns_to_quarantine_and_is_not_purged(
    warehouse: Warehouse, owner: Connection, tmp_path: Path
) -> None:
    old = [line(1), line(2), line(3, article_price="free")]
    deliver(warehouse, tmp_path, old, "old.csv")
    age(owner, "old.csv")
    housekeeping.purge_quarantine(warehouse, A_YEAR_AGO)
    deliver(warehouse, tmp_path, [line(9)], "old.csv")
    deliver(warehouse, tmp_path, old, "old.csv")
    entries = [row for row in owner.execute(LEDGER) if row[1] == 3]
    assert sorted(entries) == [("old.csv", 3, 0, 2, 1, 0), ("old.csv", 3, 2, 0, 1, 1)]
    assert owner.execute(IN_QUARANTINE).fetchone() == (1,)
    assert is_balanced(warehouse)
    assert housekeeping.purge_quarantine(warehouse, A_YEAR_AGO) == {}


def test_a_load_and_two_concurrent_housekeepers_keep_the_balance(
    warehouse: Warehouse, owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(housekeeping, "BATCH_SIZE", 7)
    delivery = Delivery("test", "old", "ab" * 32, 10, NOW)
    rejects = [
        Reject(n, f"rows[{n}]", "bad", (Reason("bad", "bad"),), ("k", str(n))) for n in range(500)
    ]
    with warehouse.transaction("test") as connection:
        number, _ = open_delivery(connection, delivery, None)
        write_rejects(connection, number, rejects)
        close_delivery(connection, number, read=500, loaded=0, stored=0, rejected=500)
    age(owner, "old")
    oldest = "SELECT quarantine_id FROM ops.quarantine ORDER BY 1 LIMIT 3"
    with ThreadPoolExecutor(2) as pool:
        purges = [
            pool.submit(housekeeping.purge_quarantine, warehouse, A_YEAR_AGO) for _ in range(2)
        ]
        while not all(purge.done() for purge in purges):
            answered = [number for (number,) in owner.execute(oldest)]
            with warehouse.transaction("test") as connection:  # as every load does
                resolve_quarantined(connection, answered)
    counts = [purge.result().get("test", 0) for purge in purges]
    [(_, read, _, left, rejected, forgotten)] = owner.execute(LEDGER).fetchall()
    assert (read, rejected) == (500, forgotten)
    assert left + forgotten == 500
    assert sum(counts) == forgotten
    assert is_balanced(warehouse, "test")


def test_without_old_documents_a_rebuild_loses_no_price_history(
    warehouse: Warehouse, owner: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days in any order, some rejected, some alike; then old documents go, and days go on."""
    random = Random(0)
    days: dict[dt.date, dict[str, object]] = {}

    def archive(first: int) -> None:
        day = MONDAY + dt.timedelta(days=random.randrange(first, 10))
        document = random_document(random)
        if random.random() < 0.3 and days:
            document = random.choice(list(days.values()))
        days[day] = document
        keep(warehouse, day, document)

    for _ in range(10):
        archive(0)
    bring_up_to_date(warehouse)
    before = stored(owner)
    tables = contents(owner)
    cut = MONDAY + dt.timedelta(days=random.randrange(4, 8))
    monkeypatch.setattr(flight_archive, "BATCH_SIZE", 1)
    stored_bytes = "SELECT sum(octet_length(body_gzip)) FROM flights.payloads"
    ((size,),) = owner.execute(stored_bytes).fetchall()
    removed = remove_documents(warehouse, midnight(cut))
    assert removed > 1
    assert owner.execute(stored_bytes).fetchall() < [(size,)]
    bring_up_to_date(warehouse, rebuild=True)
    assert stored(owner) == before
    assert contents(owner) == tables
    for _ in range(3):
        archive((cut - MONDAY).days)
        bring_up_to_date(warehouse)
    after, old = stored(owner), {key for key in before if key[1] < midnight(cut)}
    assert {key: after.get(key) for key in old} == {key: before[key] for key in old}
    tables = contents(owner)
    bring_up_to_date(warehouse, rebuild=True)
    assert contents(owner) == tables
    assert is_balanced(warehouse, "flights")


def test_a_document_that_is_not_loaded_yet_stays(warehouse: Warehouse, owner: Connection) -> None:
    keep(warehouse, MONDAY, flights_document())
    bring_up_to_date(warehouse)
    keep(warehouse, MONDAY + dt.timedelta(days=1), flights_document([itinerary(1, [1, 2])]))
    keep(warehouse, MONDAY + dt.timedelta(days=2), flights_document([itinerary(2, [1, 3])]))
    assert remove_documents(warehouse, midnight(dt.date(2030, 1, 1))) == 1
    outcomes, failures = bring_up_to_date(warehouse)
    assert (len(outcomes), failures) == (2, [])
