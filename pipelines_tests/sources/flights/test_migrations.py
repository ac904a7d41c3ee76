"""Itineraries of a database with rows get the same columns as newly loaded ones."""

import psycopg
import pytest

from pipelines.failures import PermanentFailure
from pipelines.migrations.apply import migrate
from pipelines.postgres.roles import SUPERUSER
from pipelines.postgres.server import Connections
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sources.flights.made_up import (
    MONDAY,
    deliver,
    flights_document,
    itinerary,
    leg,
)
from pipelines_tests.warehouse.schemas import differences

BEFORE_TRIPS = """
ALTER TABLE flights.itineraries
    DROP COLUMN origin_airport CASCADE,
    DROP COLUMN destination_airport CASCADE,
    DROP COLUMN departure_on CASCADE,
    DROP COLUMN return_on CASCADE,
    DROP COLUMN total_duration_minutes CASCADE,
    DROP COLUMN is_inconsistent CASCADE;
DROP TABLE flights.rejected_offers CASCADE;
UPDATE ops.alembic_version_flights SET version_num = 'e52b86d0f913';
"""
TRIPS = """
SELECT itinerary_id, origin_airport, destination_airport, departure_on, return_on,
    is_inconsistent, total_duration_minutes
FROM flights.itineraries ORDER BY itinerary_id
"""


def load_trips(warehouse: Warehouse) -> None:
    with_layover = leg(2, stops=1, arrival_time="2026-06-01T19:00")
    impossible = leg(3, arrival_time="2026-06-01T10:00")
    unknown_zone = leg(4, "BUD", "QQQ")
    legs = [leg(1), with_layover, impossible, unknown_zone]
    trips = [itinerary(1, [1]), itinerary(2, [1, 2]), itinerary(3, [3]), itinerary(4, [4])]
    deliver(warehouse, MONDAY, flights_document(trips, legs))


def test_the_duration_has_layovers_where_times_are_known(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    load_trips(warehouse)
    assert [(row[0], row[-1]) for row in owner.execute(TRIPS.encode())] == [
        ("it_1", 145),
        ("it_2", 145 + 265),
        ("it_3", 145),
        ("it_4", 145),
    ]
    doubtful = "SELECT itinerary_id FROM enriched.itineraries WHERE is_inconsistent"
    assert owner.execute(doubtful).fetchall() == [("it_3",)]


def test_migrated_trips_are_those_of_a_load(
    server: Connections, database: str, warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    load_trips(warehouse)
    loaded = owner.execute(TRIPS.encode()).fetchall()
    owner.execute(BEFORE_TRIPS.encode())
    migrate(server.url(SUPERUSER, database))
    assert owner.execute(TRIPS.encode()).fetchall() == loaded
    assert differences(server.url(SUPERUSER, database)) == []


def test_a_trip_without_legs_is_named(
    server: Connections, database: str, warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    load_trips(warehouse)
    owner.execute(BEFORE_TRIPS.encode())
    owner.execute("DELETE FROM flights.legs WHERE leg_id = 'leg_3'")
    with pytest.raises(PermanentFailure, match="it_3") as caught:
        migrate(server.url(SUPERUSER, database))
    assert "flights_rebuild" in caught.value.remedy
