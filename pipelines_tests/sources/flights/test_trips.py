"""How long the trip of an itinerary takes, and where its times are doubtful."""

import psycopg

from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.flights.made_up import (
    MONDAY,
    deliver,
    flights_document,
    itinerary,
    leg,
)


def test_the_duration_has_layovers_where_times_are_known(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    with_layover = leg(2, stops=1, arrival_time="2026-06-01T19:00")
    impossible = leg(3, arrival_time="2026-06-01T10:00")
    unknown_zone = leg(4, "BUD", "QQQ")
    legs = [leg(1), with_layover, impossible, unknown_zone]
    trips = [itinerary(1, [1]), itinerary(2, [1, 2]), itinerary(3, [3]), itinerary(4, [4])]
    deliver(warehouse, MONDAY, flights_document(trips, legs))
    durations = (
        "SELECT itinerary_id, total_duration_minutes FROM flights.itineraries ORDER BY itinerary_id"
    )
    assert owner.execute(durations).fetchall() == [
        ("it_1", 145),
        ("it_2", 145 + 265),
        ("it_3", 145),
        ("it_4", 145),
    ]
    doubtful = "SELECT itinerary_id FROM enriched.itineraries WHERE is_inconsistent"
    assert owner.execute(doubtful).fetchall() == [("it_3",)]
