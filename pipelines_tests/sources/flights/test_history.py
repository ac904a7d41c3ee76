"""History against a plain model: random snapshots, late and rejected ones, and rebuilds."""

import datetime as dt
from random import Random
from typing import Any

import psycopg
import pytest

from pipelines.sources.flights import archive, tables
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.flights.made_up import (
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    answer,
    bring_up_to_date,
    flights_document,
    itinerary,
    leg,
)

Document = dict[str, Any]


def keep(warehouse: Warehouse, day: dt.date, document: Document) -> dt.datetime:
    with warehouse.transaction("flights") as connection:
        return archive.keep(connection, answer(document, day)).snapshot_at


def contents(owner: psycopg.Connection) -> dict[str, list[Any]]:
    """Every row of every table that is read from the archive."""
    return {
        table.name: owner.execute(f"SELECT * FROM {table.fullname} ORDER BY 1, 2").fetchall()
        for table in tables.READ_FROM_SNAPSHOTS
        if table is not tables.airports
    }


def random_document(random: Random) -> Document:
    legs = [
        leg(n, stops=random.randrange(2), airline_name=random.choice(["Wizz", "Wizz Air"]))
        for n in range(1, 6)
        if random.random() < 0.8
    ]
    for one in legs[1:]:
        one["airline_name"] = legs[0]["airline_name"]
    numbers = [int(one["id"].removeprefix("leg_")) for one in legs] or [9]
    itineraries = [
        itinerary(
            n,
            random.choices([*numbers, 9] if random.random() < 0.1 else numbers, k=2),
            price=random.choice(
                ["£35", "£40", "free"] if random.random() < 0.1 else ["£35", "£40"]
            ),
            agent=random.choice(["Trip.com", "Kiwi.com"]),
        )
        for n in range(1, 8)
        if random.random() < 0.7
    ]
    return flights_document(itineraries, legs)


def is_good(one: dict[str, Any], document: Document) -> bool:
    known = {each["id"] for each in document["legs"]}
    return one["price"] != "free" and set(one["legs"]) <= known


def is_accepted(document: Document) -> bool:
    bad = sum(not is_good(one, document) for one in document["itineraries"])
    return bad <= len(document["itineraries"]) / 2


def model(snapshots: dict[dt.datetime, Document]) -> dict[tuple[str, dt.datetime], tuple[str, str]]:
    """Compute metrics.flight_prices: the last good price by each snapshot that has the offer."""
    found: dict[tuple[str, dt.datetime], tuple[str, str]] = {}
    last: dict[str, tuple[str, str]] = {}
    for at, document in sorted(snapshots.items()):
        if not is_accepted(document):
            continue
        offered = {one["id"] for one in document["itineraries"]}
        last = {key: value for key, value in last.items() if key in offered}
        for one in document["itineraries"]:
            if is_good(one, document):
                last[one["id"]] = (one["price"], one["agent"])
        found |= {(key, at): value for key, value in last.items()}
    return found


def stored(owner: psycopg.Connection) -> dict[tuple[str, dt.datetime], tuple[str, str]]:
    rows = owner.execute(
        "SELECT itinerary_id, snapshot_at, '£' || price_amount::integer, agent"
        " FROM metrics.flight_prices"
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


@pytest.mark.answers("F49")
def test_any_snapshot_order_matches_the_model_and_a_rebuild(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    random = Random(0)
    snapshots: dict[dt.datetime, Document] = {}
    for _ in range(6):
        day = MONDAY + dt.timedelta(days=random.randrange(6))
        document = random_document(random)
        if random.random() < 0.2 and snapshots:
            document = random.choice(list(snapshots.values()))
        snapshots[keep(warehouse, day, document)] = document
        bring_up_to_date(warehouse)
        assert stored(owner) == model(snapshots)
    before = contents(owner)
    ledger = "SELECT name, sha256, read_count, rejected_count FROM ops.deliveries ORDER BY 1, 2"
    entries = owner.execute(ledger).fetchall()
    bring_up_to_date(warehouse, rebuild=True)
    assert contents(owner) == before
    assert owner.execute(ledger).fetchall() == entries
    assert owner.execute(
        "SELECT count(*) FROM ops.deliveries WHERE rejected_count <> (SELECT count(*)"
        " FROM ops.quarantine WHERE quarantine.delivery_id = deliveries.delivery_id)"
    ).fetchone() == (0,)


def test_storage_grows_with_changes_and_not_with_days(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    for number in range(30):
        keep(warehouse, MONDAY + dt.timedelta(days=number), flights_document())
    bring_up_to_date(warehouse)
    rows = {name: len(rows) for name, rows in contents(owner).items()}
    assert rows["prices"] == rows["itineraries"] == 2
    assert rows["legs"] == 3
    assert owner.execute("SELECT count(*) FROM flights.payloads").fetchone() == (1,)
    assert owner.execute("SELECT count(*) FROM metrics.flight_prices").fetchone() == (60,)


@pytest.mark.answers("F49")
def test_price_rating_agent_and_legs_are_kept_as_they_were(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    keep(warehouse, MONDAY, flights_document([itinerary(1, [1, 2])]))
    keep(
        warehouse,
        TUESDAY,
        flights_document([itinerary(1, [2, 1], price="£40", agent="Kiwi.com", agent_rating=8.0)]),
    )
    bring_up_to_date(warehouse)
    assert owner.execute(
        "SELECT seen_from_at::date, seen_until_at::date, price_amount::integer, agent,"
        " agent_rating::integer, leg_ids FROM flights.prices ORDER BY 1"
    ).fetchall() == [
        (MONDAY, MONDAY, 35, "Trip.com", 10, ["leg_1", "leg_2"]),
        (TUESDAY, None, 40, "Kiwi.com", 8, ["leg_2", "leg_1"]),
    ]


def test_a_withdrawn_itinerary_keeps_its_legs_as_they_were_then(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    keep(warehouse, MONDAY, flights_document([itinerary(1, [1])], [leg(1, stops=0)]))
    keep(warehouse, TUESDAY, flights_document([itinerary(2, [1])], [leg(1, stops=1)]))
    bring_up_to_date(warehouse)
    assert owner.execute(
        "SELECT itinerary_id, max_stops, withdrawn_on FROM enriched.itineraries ORDER BY 1"
    ).fetchall() == [("it_1", 0, TUESDAY), ("it_2", 1, None)]
    assert owner.execute(
        "SELECT itinerary_id, stops FROM enriched.itinerary_legs ORDER BY 1"
    ).fetchall() == [("it_1", 0), ("it_2", 1)]


def test_a_changed_leg_applies_to_the_itineraries_on_offer(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    keep(warehouse, MONDAY, flights_document([itinerary(1, [1])], [leg(1, stops=0)]))
    keep(warehouse, TUESDAY, flights_document([itinerary(1, [1])], [leg(1, "BUD", "LHR", stops=2)]))
    bring_up_to_date(warehouse)
    assert owner.execute("SELECT max_stops, route FROM enriched.itineraries").fetchall() == [
        (2, "BUD-LHR")
    ]


def test_a_rejected_day_is_recorded_without_blocking_the_next(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    bad = flights_document([itinerary(n, [1], price="free") for n in range(9)])
    keep(warehouse, MONDAY, flights_document())
    keep(warehouse, TUESDAY, bad)
    keep(warehouse, WEDNESDAY, flights_document())
    outcomes, failures = bring_up_to_date(warehouse)
    assert (len(outcomes), len(failures)) == (2, 1)
    assert bring_up_to_date(warehouse) == ([], [])
    rejected = owner.execute(
        "SELECT snapshot_on FROM flights.snapshots WHERE rejection_reason IS NOT NULL"
    )
    assert rejected.fetchall() == [(TUESDAY,)]
    days = "SELECT DISTINCT snapshot_on FROM metrics.flight_prices ORDER BY 1"
    assert owner.execute(days).fetchall() == [(MONDAY,), (WEDNESDAY,)]
    keep(warehouse, TUESDAY, flights_document())
    assert len(bring_up_to_date(warehouse)[0]) == 2
    assert owner.execute(days).fetchall() == [(MONDAY,), (TUESDAY,), (WEDNESDAY,)]


@pytest.mark.parametrize("is_loaded_before", [True, False])
def test_a_rebuild_keeps_the_accepted_data_of_a_rejected_day(
    warehouse: Warehouse, owner: psycopg.Connection, *, is_loaded_before: bool
) -> None:
    """Whether that one was looked at before the rebuild or not."""
    bad = flights_document([itinerary(n, [1], price="free") for n in range(9)])
    for day in (MONDAY, TUESDAY):
        keep(warehouse, day, flights_document())
    bring_up_to_date(warehouse)
    before = contents(owner)
    at = keep(warehouse, MONDAY, bad)
    if is_loaded_before:
        bring_up_to_date(warehouse)
        assert contents(owner) == before
    outcomes, failures = bring_up_to_date(warehouse, rebuild=True)
    assert (len(outcomes), len(failures)) == (2, 1)
    assert contents(owner) == before
    rejected = owner.execute(
        "SELECT snapshot_at FROM flights.snapshots WHERE rejection_reason IS NOT NULL"
    )
    assert rejected.fetchall() == [(at,)]
    assert bring_up_to_date(warehouse) == ([], [])


@pytest.mark.answers("F49", "F56")
def test_morning_offers_withdrawn_by_evening_stay_in_the_history(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    """A second document of a day replaced the first, and what only that one offered."""
    keep(warehouse, MONDAY, flights_document([itinerary(1, [1]), itinerary(2, [1], price="£90")]))
    bring_up_to_date(warehouse)
    noon = keep(warehouse, MONDAY, flights_document([itinerary(1, [1], price="£36")]))
    keep(warehouse, MONDAY, flights_document([itinerary(1, [1], price="£36")]))  # says the same
    bring_up_to_date(warehouse)
    prices = "SELECT itinerary_id, price_amount::integer FROM metrics.flight_prices ORDER BY 1, 2"
    assert owner.execute(prices).fetchall() == [("it_1", 35), ("it_1", 36), ("it_2", 90)]
    by_day = "SELECT itinerary_id, snapshot_on, price_amount::integer"
    assert owner.execute(f"{by_day} FROM metrics.flight_prices_by_day ORDER BY 1").fetchall() == [
        ("it_1", MONDAY, 36),
        ("it_2", MONDAY, 90),
    ]
    assert owner.execute(
        "SELECT itinerary_id, withdrawn_at, last_seen_on, withdrawn_on FROM enriched.itineraries"
        " ORDER BY 1"
    ).fetchall() == [("it_1", None, MONDAY, None), ("it_2", noon, MONDAY, MONDAY)]


def test_a_rebuild_that_fails_leaves_the_tables_as_they_were(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    keep(warehouse, MONDAY, flights_document())
    bring_up_to_date(warehouse)
    before = contents(owner)
    owner.execute("UPDATE flights.payloads SET body_gzip = 'broken'")
    with pytest.raises(Exception, match="gzip"):
        bring_up_to_date(warehouse, rebuild=True)
    assert contents(owner) == before
