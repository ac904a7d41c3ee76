"""All that the cookbook's answers are from, as it stood on 2 November 2026, some time after noon.

It comes as sources' data come, through the loads, at hours that are made up: what the tables say of
when it came is put right after each of them.
"""

import datetime as dt
from pathlib import Path

import psycopg

from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.cookbook import known_bookings, known_flights, known_shipments, known_solar

#: Columns that loads fill with the time of the clock.
WHEN_IT_CAME = {
    "ops.deliveries": ("received_at", "loaded_at"),
    "shipments.shipments": ("updated_at",),
    "solar.corrections": ("corrected_at",),
}


#: Views of sources that go by the clock: old weather, and what has departed.
BY_CLOCK = {
    "solar": ("metrics.solar_fleet_days",),
    "shipments": (
        "enriched.shipments",
        "metrics.parcels_by_day",
        "shipments.states",
        "shipments.weather_requests",
    ),
    "weather": ("weather.is_current", "enriched.weather_places"),
    "flights": (
        "enriched.itineraries",
        "metrics.flight_usual_prices",
        "metrics.flight_price_levels",
    ),
}
NOW = "'2026-11-02 12:30+00'::timestamptz"


def _at(day: int, hour: int, month: int = 11) -> dt.datetime:
    return dt.datetime(2026, month, day, hour, tzinfo=dt.UTC)


def put(warehouse: Warehouse, owner: psycopg.Connection, folder: Path) -> None:
    """Fill an empty, migrated database. `folder` is for files."""
    (folder / "inbox").mkdir()
    files, saturday, sunday, monday = folder / "inbox", *known_flights.OFFERS
    began = _clock(owner)
    known_flights.put_airports(warehouse)
    known_solar.put_first(warehouse, owner, _at(28, 5, month=10))
    _it_came(owner, began, _at(28, 5, month=10))
    known_shipments.put_friday(warehouse, files)
    _it_came(owner, began, _at(30, 18, month=10))
    known_flights.put_offers(warehouse, saturday)
    known_bookings.put_hotels(owner)
    known_bookings.put_first(warehouse, files)
    _it_came(owner, began, _at(31, 5, month=10))
    known_flights.put_offers(warehouse, sunday)
    _it_came(owner, began, _at(1, 5))
    known_flights.put_offers(warehouse, monday)
    _it_came(owner, began, _at(2, 5))
    known_shipments.put_monday(warehouse, files)
    known_bookings.put_second(warehouse, files)
    _it_came(owner, began, _at(2, 8))
    known_solar.put_second(warehouse, owner, _at(2, 12))
    _it_came(owner, began, _at(2, 12))
    known_shipments.put_weather(warehouse, owner)
    known_flights.put_weather(owner, _at(2, 8))
    known_solar.put_weather(warehouse, owner, _at(2, 8))


def set_clock(owner: psycopg.Connection) -> None:
    """Give the views that go by the clock the clock of that day."""
    for source, views in BY_CLOCK.items():
        for view in views:
            sql = read_sql(f"pipelines.sources.{source}", f"views/{view}")
            owner.execute(sql.replace("now()", NOW).encode())


def _clock(owner: psycopg.Connection) -> dt.datetime:
    row = owner.execute("SELECT now()").fetchone()
    assert row is not None
    now: dt.datetime = row[0]
    return now


def _it_came(owner: psycopg.Connection, began: dt.datetime, at: dt.datetime) -> None:
    """Say of all that came since the beginning, and of which it is not said yet, when it came."""
    for table, columns in WHEN_IT_CAME.items():
        for column in columns:
            owner.execute(f"UPDATE {table} SET {column} = %s WHERE {column} >= %s", [at, began])
