"""History against a plain model: random snapshots, late and rejected ones, and rebuilds."""

import datetime as dt
from random import Random
from typing import Any

import psycopg
import pytest

from pipelines.failures import DatabaseError
from pipelines.ingest.deliveries import miscounted
from pipelines.sources.flights import source
from pipelines_tests.sources.flights.made_up import (
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    Flights,
    flights_document,
    itinerary,
    leg,
)

Document = dict[str, Any]


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


Prices = dict[tuple[str, dt.datetime], tuple[str | None, str | None]]


def model(snapshots: dict[dt.datetime, Document]) -> Prices:
    """Compute metrics.flight_prices: the price by each snapshot with the offer, if it was good."""
    found: Prices = {}
    known: set[str] = set()
    for at, document in sorted(snapshots.items()):
        if not is_accepted(document):
            continue
        good = {
            one["id"]: (one["price"], one["agent"])
            for one in document["itineraries"]
            if is_good(one, document)
        }
        known = {*good, *(known & {one["id"] for one in document["itineraries"]})}
        found |= {(key, at): good.get(key, (None, None)) for key in known}
    return found


def stored(owner: psycopg.Connection) -> Prices:
    rows = owner.execute(
        "SELECT itinerary_id, snapshot_at, '£' || price_amount::integer, agent"
        " FROM metrics.flight_prices"
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def test_any_snapshot_order_matches_the_model_and_a_rebuild(flights: Flights) -> None:
    random = Random(0)
    snapshots: dict[dt.datetime, Document] = {}
    for _ in range(6):
        day = MONDAY + dt.timedelta(days=random.randrange(6))
        document = random_document(random)
        if random.random() < 0.2 and snapshots:
            document = random.choice(list(snapshots.values()))
        snapshots[flights.keep(day, document)] = document
        flights.bring_up_to_date()
        assert stored(flights.owner) == model(snapshots)
    before = flights.contents()
    ledger = (
        "SELECT DISTINCT ON (name, sha256) name, sha256, read_count, rejected_count"
        " FROM ops.deliveries ORDER BY name, sha256, delivery_id DESC"
    )
    entries = flights.rows(ledger)
    flights.bring_up_to_date(rebuild=True)
    assert flights.contents() == before
    assert flights.rows(ledger) == entries
    assert flights.row(
        "SELECT count(*) FROM ops.deliveries WHERE rejected_count <> (SELECT count(*)"
        " FROM ops.quarantine WHERE quarantine.delivery_id = deliveries.delivery_id)"
    ) == (0,)
    with flights.warehouse.engine.connect() as connection:
        assert miscounted(connection, source.ledgers[0].tables) == []


def test_storage_grows_with_changes_and_not_with_days(flights: Flights) -> None:
    for number in range(30):
        flights.keep(MONDAY + dt.timedelta(days=number), flights_document())
    flights.bring_up_to_date()
    rows = {name: len(rows) for name, rows in flights.contents().items()}
    assert rows["prices"] == rows["itineraries"] == 2
    assert rows["legs"] == 3
    assert flights.row("SELECT count(*) FROM flights.payloads") == (1,)
    assert flights.row("SELECT count(*) FROM metrics.flight_prices") == (60,)


def test_price_rating_agent_and_legs_are_kept_as_they_were(flights: Flights) -> None:
    flights.keep(MONDAY, flights_document([itinerary(1, [1, 2])]))
    flights.keep(
        TUESDAY,
        flights_document([itinerary(1, [2, 1], price="£40", agent="Kiwi.com", agent_rating=8.0)]),
    )
    flights.bring_up_to_date()
    assert flights.rows(
        "SELECT seen_from_at::date, seen_until_at::date, price_amount::integer, agent,"
        " agent_rating::integer, leg_ids FROM flights.prices ORDER BY 1"
    ) == [
        (MONDAY, MONDAY, 35, "Trip.com", 10, ["leg_1", "leg_2"]),
        (TUESDAY, None, 40, "Kiwi.com", 8, ["leg_2", "leg_1"]),
    ]


def test_a_withdrawn_itinerary_keeps_its_legs_as_they_were_then(flights: Flights) -> None:
    flights.keep(MONDAY, flights_document([itinerary(1, [1])], [leg(1, stops=0)]))
    flights.keep(TUESDAY, flights_document([itinerary(2, [1])], [leg(1, stops=1)]))
    flights.bring_up_to_date()
    assert flights.rows(
        "SELECT itinerary_id, max_stops, withdrawn_on FROM enriched.itineraries ORDER BY 1"
    ) == [("it_1", 0, TUESDAY), ("it_2", 1, None)]
    assert flights.rows("SELECT itinerary_id, stops FROM enriched.itinerary_legs ORDER BY 1") == [
        ("it_1", 0),
        ("it_2", 1),
    ]


def test_a_rejected_price_is_a_gap_with_its_reason(flights: Flights) -> None:
    """Incident: the last accepted price was shown as if it had been offered again."""
    legs = [itinerary(2, [1], price="£40")]
    flights.deliver(MONDAY, flights_document([itinerary(1, [1]), *legs]))
    for day in (TUESDAY, WEDNESDAY):
        flights.deliver(day, flights_document([itinerary(1, [1], price="free"), *legs]))
    query = (
        "SELECT snapshot_on, price_amount::integer, price_currency, agent, rejection_reason"
        " FROM metrics.flight_prices{} WHERE itinerary_id = 'it_1' ORDER BY 1"
    )
    gap = (None, None, None, 'price is not an amount above 0 with a currency: "free"')
    expected = [(MONDAY, 35, "GBP", "Trip.com", None), (TUESDAY, *gap), (WEDNESDAY, *gap)]
    assert flights.rows(query.format("")) == expected
    assert flights.rows(query.format("_by_day")) == expected
    totals = (
        "SELECT snapshot_on, lowest_price::integer, median_price::integer, itinerary_count"
        " FROM flights.snapshots ORDER BY 1"
    )
    of_days = [(MONDAY, 35, 35, 2), (TUESDAY, 40, 40, 2), (WEDNESDAY, 40, 40, 2)]
    assert flights.rows(totals) == of_days
    flights.bring_up_to_date(rebuild=True)
    assert flights.rows(query.format("")) == expected
    assert flights.rows(totals) == of_days
    flights.keep(WEDNESDAY, flights_document([itinerary(1, [1], price="£36"), *legs]))
    flights.bring_up_to_date()
    assert flights.rows(query.format("_by_day"))[1:] == [
        (TUESDAY, *gap),
        (WEDNESDAY, 36, "GBP", "Trip.com", None),
    ]


def test_a_rejected_day_is_recorded_without_blocking_the_next(flights: Flights) -> None:
    bad = flights_document([itinerary(n, [1], price="free") for n in range(9)])
    flights.keep(MONDAY, flights_document())
    flights.keep(TUESDAY, bad)
    flights.keep(WEDNESDAY, flights_document())
    outcomes, failures = flights.bring_up_to_date()
    assert (len(outcomes), len(failures)) == (2, 1)
    assert flights.bring_up_to_date() == ([], [])
    rejected = flights.owner.execute(
        "SELECT snapshot_on FROM flights.snapshots WHERE rejection_reason IS NOT NULL"
    )
    assert rejected.fetchall() == [(TUESDAY,)]
    days = "SELECT DISTINCT snapshot_on FROM metrics.flight_prices ORDER BY 1"
    assert flights.rows(days) == [(MONDAY,), (WEDNESDAY,)]
    flights.keep(TUESDAY, flights_document())
    assert len(flights.bring_up_to_date()[0]) == 2
    assert flights.rows(days) == [(MONDAY,), (TUESDAY,), (WEDNESDAY,)]


def test_a_fault_of_the_database_rejects_no_day(flights: Flights) -> None:
    """A lacking right marked the snapshot as rejected, and its prices never came."""
    flights.keep(MONDAY, flights_document())
    role = "INSERT ON flights.itineraries {} isobar_loader"
    flights.owner.execute(f"REVOKE {role.format('FROM')}")
    with pytest.raises(DatabaseError):
        flights.bring_up_to_date()
    flights.owner.execute(f"GRANT {role.format('TO')}")
    outcomes, failures = flights.bring_up_to_date()
    assert (len(outcomes), len(failures)) == (1, 0)


@pytest.mark.parametrize("is_loaded_before", [True, False])
def test_a_rebuild_keeps_the_accepted_data_of_a_rejected_day(
    flights: Flights, *, is_loaded_before: bool
) -> None:
    """Whether that one was looked at before the rebuild or not."""
    bad = flights_document([itinerary(n, [1], price="free") for n in range(9)])
    for day in (MONDAY, TUESDAY):
        flights.keep(day, flights_document())
    flights.bring_up_to_date()
    before = flights.contents()
    at = flights.keep(MONDAY, bad)
    if is_loaded_before:
        flights.bring_up_to_date()
        assert flights.contents() == before
    outcomes, failures = flights.bring_up_to_date(rebuild=True)
    assert (len(outcomes), len(failures)) == (2, 1)
    assert flights.contents() == before
    rejected = flights.owner.execute(
        "SELECT snapshot_at FROM flights.snapshots WHERE rejection_reason IS NOT NULL"
    )
    assert rejected.fetchall() == [(at,)]
    assert flights.bring_up_to_date() == ([], [])


def test_morning_offers_withdrawn_by_evening_stay_in_the_history(flights: Flights) -> None:
    """A second document of a day replaced the first, and what only that one offered."""
    flights.keep(MONDAY, flights_document([itinerary(1, [1]), itinerary(2, [1], price="£90")]))
    flights.bring_up_to_date()
    noon = flights.keep(MONDAY, flights_document([itinerary(1, [1], price="£36")]))
    flights.keep(MONDAY, flights_document([itinerary(1, [1], price="£36")]))  # says the same
    flights.bring_up_to_date()
    prices = "SELECT itinerary_id, price_amount::integer FROM metrics.flight_prices ORDER BY 1, 2"
    assert flights.rows(prices) == [("it_1", 35), ("it_1", 36), ("it_2", 90)]
    by_day = "SELECT itinerary_id, snapshot_on, price_amount::integer"
    assert flights.rows(f"{by_day} FROM metrics.flight_prices_by_day ORDER BY 1") == [
        ("it_1", MONDAY, 36),
        ("it_2", MONDAY, 90),
    ]
    assert flights.rows(
        "SELECT itinerary_id, withdrawn_at, last_seen_on, withdrawn_on FROM enriched.itineraries"
        " ORDER BY 1"
    ) == [("it_1", None, MONDAY, None), ("it_2", noon, MONDAY, MONDAY)]


@pytest.mark.parametrize("damage", ["'broken'", "substr(body_gzip, 1, 50)", "body_gzip || 'x'"])
def test_a_rebuild_that_fails_leaves_the_tables_as_they_were(flights: Flights, damage: str) -> None:
    flights.keep(MONDAY, flights_document())
    flights.bring_up_to_date()
    before = flights.contents()
    flights.owner.execute(f"UPDATE flights.payloads SET body_gzip = {damage}".encode())
    with pytest.raises(DatabaseError, match="an archived document is damaged"):
        flights.bring_up_to_date(rebuild=True)
    assert flights.contents() == before
