"""The cap counts every reject of a delivery, whatever made it, and each list by itself."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import psycopg
import pytest

from pipelines.failures import RejectedDelivery
from pipelines.ingest.contract import Reject
from pipelines.ingest.deliveries import Delivery, Outcome
from pipelines.ingest.feeds import Batches, Content, Insert, Parsed, Upsert
from pipelines.ingest.reasons import Reason
from pipelines.ingest.runner import Runner
from pipelines_tests.ingest.test_insert import trips  # noqa: F401 - a fixture

LEDGER = "SELECT read_count, loaded_count, rejected_count FROM ops.deliveries WHERE problem IS NULL"
KEPT = "SELECT jsonb_array_length(bad_records) FROM ops.deliveries WHERE problem IS NOT NULL"


def trip(number: int, price: Any = 1) -> dict[str, Any]:
    return {"trip_id": str(UUID(int=number)), "version": 1, "price": price}


def stops(count: int, number: Any = 1) -> list[dict[str, Any]]:
    return [{"stop": f"S{one}", "number": number} for one in range(count)]


def load(
    runner: Runner,
    trips_: Sequence[Any],
    stops_: Sequence[Any] = (),
    name: str = "trips",
    **more: Any,
) -> Outcome:
    delivery = Delivery("trips", name, f"{trips_} {stops_}", 1, dt.datetime.now(dt.UTC))
    document = {"trips": [*trips_], "stops": [*stops_]}
    outcome = runner.load(Content(delivery=delivery, document=document, **more))
    assert outcome is not None
    return outcome


@pytest.mark.parametrize("how", [Upsert(), Insert()])
def test_a_document_whose_records_share_one_key_is_rejected(
    trips: Runner,  # noqa: F811
    owner: psycopg.Connection,
    how: Any,
) -> None:
    """Incident: of a thousand records 999 were quarantined, and the delivery was accepted."""
    trips.feed = replace(trips.feed, load=how)
    with pytest.raises(RejectedDelivery, match=r"999 of 1,000 records are bad.*came_before"):
        load(trips, [trip(1, price) for price in range(1000)], stops(2))
    assert owner.execute("SELECT count(*) FROM bookings.trips").fetchone() == (0,)
    assert owner.execute("SELECT count(*) FROM ops.quarantine").fetchone() == (0,)
    assert owner.execute(KEPT).fetchall() == [(999,)]
    good = [trip(number) for number in range(1000)]
    outcome = load(trips, [*good, trip(1, 2)], stops(2))
    assert (outcome.read, outcome.loaded, outcome.rejected) == (1003, 1002, 1)


def test_a_list_that_contradicts_itself_is_not_hidden_by_a_long_one(
    trips: Runner,  # noqa: F811
    owner: psycopg.Connection,
) -> None:
    good = [trip(number) for number in range(1000)]
    bad = [{"stop": "S", "number": number} for number in range(30)]
    with pytest.raises(RejectedDelivery, match="29 of 30 records are bad"):
        load(trips, good, bad)
    assert owner.execute(LEDGER).fetchall() == []
    load(trips, good, bad[:15])
    assert owner.execute(LEDGER).fetchall() == [(1015, 1001, 14)]


def test_conflicts_and_invalid_records_of_a_list_count_together(
    trips: Runner,  # noqa: F811
    owner: psycopg.Connection,
) -> None:
    """Each kind alone is within the cap."""
    load(trips, [], stops(40))
    other = [*stops(15, 2), *({"stop": "", "number": 1} for _ in range(15)), *stops(40)[30:]]
    with pytest.raises(RejectedDelivery, match="30 of 40 records are bad"):
        load(trips, [trip(1)], other)
    assert owner.execute("SELECT count(*), max(number) FROM bookings.stops").fetchone() == (40, 1)
    assert owner.execute("SELECT count(*) FROM bookings.trips").fetchone() == (0,)


def test_lists_of_later_batches_have_a_cap_too(
    trips: Runner,  # noqa: F811
    owner: psycopg.Connection,
) -> None:
    """Whatever number the first record of a batch has."""
    parse = trips.feed.parse

    def batches(content: Content, context: Any) -> Any:
        (good,) = parse(content, context)
        yield good
        why = (Reason("stop_invalid", "is no stop"),)
        bad = [Reject(number, f"stops[{number}]", str(number), why) for number in range(500)]
        yield Parsed(read=500, rejects=bad, lists={"stops": 500})

    trips.feed = replace(trips.feed, parse=batches)
    with pytest.raises(RejectedDelivery, match="485 of 500 records are bad"):
        load(trips, [trip(number) for number in range(15)])
    assert owner.execute(LEDGER).fetchall() == []


def test_what_is_in_quarantine_already_does_not_reject_a_list_that_comes_again(
    trips: Runner,  # noqa: F811
    owner: psycopg.Connection,
) -> None:
    trips.feed = replace(trips.feed, fetch=Batches(fetch=lambda _: []))
    bad = [trip(number, "free") for number in range(30)]
    load(trips, [*bad, *(trip(number) for number in range(30, 60))])
    outcome = load(trips, [*bad, trip(60)], name="overlap", is_overlapping=True)
    assert (outcome.read, outcome.loaded, outcome.unchanged, outcome.rejected) == (31, 1, 30, 0)
    with pytest.raises(RejectedDelivery, match="30 of 31 records are bad"):
        load(trips, [*bad, trip(60)], name="no overlap")
    assert owner.execute("SELECT count(*) FROM ops.quarantine").fetchone() == (30,)
