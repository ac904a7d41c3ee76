"""Each check of the flights domain finds what it is for, and nothing in what is well."""

from typing import Any

import pytest
from sqlalchemy import text

from pipelines.sources.flights import archive
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.sources.flights.made_up import (
    MONDAY,
    TUESDAY,
    answer,
    bring_up_to_date,
    deliver,
    flights_document,
    itinerary,
    leg,
)

NAMES = (
    "accepted_snapshots",
    "dangling_legs",
    "known_airports",
    "possible_times",
    "round_trips",
    "steady_prices",
    "steady_row_count",
)


pytestmark = pytest.mark.usefixtures("airports")


def found(warehouse: Warehouse) -> dict[str, list[dict[str, Any]]]:
    """The offending rows of every check that has some."""
    with warehouse.engine.connect() as connection:
        results = {
            name: connection.execute(text(read_sql("pipelines.sources.flights", f"checks/{name}")))
            for name in NAMES
        }
        rows = {name: [dict(row) for row in result.mappings()] for name, result in results.items()}
    return {name: offending for name, offending in rows.items() if offending}


def test_nothing_is_found_in_what_is_well(warehouse: Warehouse) -> None:
    assert found(warehouse) == {}
    deliver(warehouse, MONDAY, flights_document())
    assert found(warehouse) == {}
    changed = flights_document([itinerary(1, [1, 2], price="£60"), itinerary(2, [1])])
    deliver(warehouse, TUESDAY, changed)
    assert list(found(warehouse)) == ["steady_prices"]


def test_legs_that_are_not_there_are_named(warehouse: Warehouse) -> None:
    deliver(warehouse, MONDAY, flights_document([itinerary(1, [1]), itinerary(2, [1, 9])]))
    assert found(warehouse)["dangling_legs"] == [
        {"position": "itineraries[1]", "itinerary_id": "it_2", "legs": '["leg_1", "leg_9"]'}
    ]


def test_unknown_airports_are_named(warehouse: Warehouse) -> None:
    deliver(warehouse, MONDAY, flights_document([], [leg(1, "BUD", "QQQ")]))
    assert found(warehouse) == {
        "known_airports": [{"airport_code": "QQQ", "legs": 1, "example": "leg_1"}]
    }


def test_impossible_times_and_undecided_clock_changes_are_shown(warehouse: Warehouse) -> None:
    twice = {"departure_time": "2026-10-25T00:00", "arrival_time": "2026-10-25T01:30"}
    legs = [leg(1, duration_mins=25), leg(2, **twice, duration_mins=77, stops=1), leg(3)]
    deliver(warehouse, MONDAY, flights_document([], legs))
    shown = found(warehouse)["possible_times"]
    assert [(row["leg_id"], row["time_verdict"], row["clock_change"]) for row in shown] == [
        ("leg_1", "impossible", None),
        ("leg_2", "includes_layover", "ambiguous"),
    ]


def test_a_trip_may_end_at_another_airport_of_its_city_but_not_in_another_city(
    warehouse: Warehouse,
) -> None:
    legs = [leg(1, "LTN", "BUD"), leg(2, "BUD", "LGW"), leg(3, "BUD", "CDG")]
    trips = [itinerary(1, [1, 2]), itinerary(2, [1, 3]), itinerary(3, [1])]
    deliver(warehouse, MONDAY, flights_document(trips, legs))
    assert found(warehouse)["round_trips"] == [
        {"itinerary_id": "it_2", "route": "LTN-BUD, BUD-CDG"}
    ]


def test_prices_that_double_or_halve_are_shown_and_others_are_not(warehouse: Warehouse) -> None:
    def document(*prices: str) -> dict[str, Any]:
        return flights_document(
            [itinerary(number, [1], price=price) for number, price in enumerate(prices, start=1)]
        )

    deliver(warehouse, MONDAY, document("£50", "£50", "£50", "£50"))
    deliver(warehouse, TUESDAY, document("£100", "£25", "£99", "€100"))
    assert [
        (row["itinerary_id"], int(row["price_before"]), int(row["price_amount"]))
        for row in found(warehouse)["steady_prices"]
    ] == [("it_1", 50, 100), ("it_2", 50, 25)]


def test_a_snapshot_of_half_the_size_is_shown(warehouse: Warehouse) -> None:
    deliver(warehouse, MONDAY, flights_document([itinerary(n, [1]) for n in range(9)]))
    deliver(warehouse, TUESDAY, flights_document([itinerary(n, [1]) for n in range(4)]))
    (row,) = found(warehouse)["steady_row_count"]
    assert row["snapshot_at"].date() == TUESDAY
    assert (row["itinerary_count"], row["count_before"]) == (4, 9)


def test_a_refused_day_is_shown_with_its_reason(warehouse: Warehouse) -> None:
    bad = flights_document([itinerary(n, [1], price="free") for n in range(9)])
    with warehouse.transaction("flights") as connection:
        archive.keep(connection, answer(bad, MONDAY))
    bring_up_to_date(warehouse)
    (row,) = found(warehouse)["accepted_snapshots"]
    assert row["snapshot_at"].date() == MONDAY
    assert "9 of 9 records are bad" in row["rejection_reason"]
