"""Where solar plants are, and the weather at the hours of their readings, and no more than that."""

import datetime as dt

import psycopg
import pytest
from sqlalchemy import text

from pipelines.http.client import HttpClient
from pipelines.sources.weather.due import count_new_places
from pipelines.sources.weather.geocode_places import put_places
from pipelines.sources.weather.hours import ARCHIVE, FORECAST, count_hours_due, fill_hours
from pipelines.sources.weather.providers.open_meteo_hours import OpenMeteoHours
from pipelines.sources.weather.sandbox.model import weather_at
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.fake_clock import FakeClock
from pipelines_tests.solar_rows import add_plant, add_readings

HERE = (37.09, -2.36)
DAY = dt.timedelta(days=1)
LACKING = """
SELECT count(*) FROM enriched.solar_readings
WHERE temperature_celsius IS NULL OR shortwave_radiation_w_per_m2 IS NULL
"""
CALLS = (
    "SELECT kind, outcome, count(*), count(DISTINCT request_id) FROM weather.api_requests"
    " GROUP BY 1, 2 ORDER BY 1, 2"
)


def due(warehouse: Warehouse, clock: FakeClock) -> int:
    with warehouse.engine.connect() as connection:
        return sum(count_hours_due(connection, clock(), kind) for kind in (FORECAST, ARCHIVE))


def check(warehouse: Warehouse) -> list[tuple[str, int]]:
    query = text(read_sql("pipelines.sources.weather", "checks/filled_hours"))
    with warehouse.engine.connect() as connection:
        return [(row.place_key, row.missing_hours) for row in connection.execute(query)]


def test_active_plants_become_places_without_current_weather(
    owner: psycopg.Connection, warehouse: Warehouse, clock: FakeClock
) -> None:
    add_plant(owner, 1, coordinates=HERE)
    add_plant(owner, 2, coordinates=(37.09001, -2.36))  # the same place
    add_plant(owner, 3)
    add_plant(owner, 4, coordinates=(-0.00001, 180.0))
    add_plant(owner, 5, coordinates=(50.0, 5.0))
    owner.execute("UPDATE solar.plants SET retired_at = now() WHERE plant_id = 5")
    put_places(warehouse)
    put_places(warehouse)
    query = (
        "SELECT place_key, latitude, longitude, geocoding_status, is_observed FROM weather.places"
        " ORDER BY place_id"
    )
    assert owner.execute(query).fetchall() == [
        ("0.0000,180.0000", -0.00001, 180.0, "given", False),
        ("37.0900,-2.3600", 37.09, -2.36, "given", False),
    ]


def test_the_sensor_sees_a_plant_that_has_no_place_yet(
    owner: psycopg.Connection, warehouse: Warehouse, clock: FakeClock
) -> None:
    """Nothing else may be due for days where there are plants alone."""

    def pending() -> int:
        with warehouse.engine.connect() as connection:
            return count_new_places(connection, clock())

    add_plant(owner, 1)
    add_plant(owner, 2, coordinates=HERE)
    owner.execute("UPDATE solar.plants SET retired_at = now() WHERE plant_id = 2")
    assert pending() == 0
    owner.execute("UPDATE solar.plants SET retired_at = NULL")
    assert pending() == 1
    put_places(warehouse)
    assert pending() == 0
    owner.execute("UPDATE solar.plants SET latitude = 1, longitude = 1 WHERE plant_id = 1")
    assert pending() == 1


@pytest.mark.usefixtures("airports")
def test_a_plant_is_named_like_an_airport_at_its_place(
    owner: psycopg.Connection, warehouse: Warehouse, clock: FakeClock
) -> None:
    query = "SELECT latitude, longitude, place_key FROM flights.airports WHERE airport_code = 'BUD'"
    row = owner.execute(query).fetchone()
    assert row is not None
    add_plant(owner, 1, coordinates=row[:2])
    put_places(warehouse)
    assert owner.execute("SELECT place_key FROM weather.places").fetchall() == [(row[2],)]


@pytest.mark.parametrize(
    "zone",
    ["Europe/Madrid", "America/New_York", "Asia/Kolkata"],
)
def test_every_reading_gets_its_weather_in_every_zone(
    owner: psycopg.Connection,
    warehouse: Warehouse,
    http: HttpClient,
    sandbox: str,
    clock: FakeClock,
    zone: str,
) -> None:
    """With days on which clocks change, from the archive and from the forecast."""
    add_plant(owner, 1, zone, HERE)
    today = clock().date()
    add_readings(owner, 1, today - 60 * DAY, today - 18 * DAY)
    add_readings(owner, 1, today - 10 * DAY, today)
    add_readings(owner, 1, "2025-10-20", "2025-11-20")
    put_places(warehouse)
    assert due(warehouse, clock) == 2  # a place, once for each source
    done = fill_hours(warehouse, OpenMeteoHours(http, sandbox, clock), clock)
    assert (done.succeeded, done.failed) == (2, 0)
    assert owner.execute(CALLS).fetchall() == [
        ("archive", "success", 1, 1),
        ("forecast", "success", 1, 1),
    ]
    assert owner.execute(LACKING).fetchone() == (0,)
    assert due(warehouse, clock) == 0
    assert check(warehouse) == []
    first = owner.execute(
        "SELECT read_at, temperature_celsius FROM enriched.solar_readings ORDER BY read_at"
    ).fetchone()
    assert first is not None
    hour = first[0].replace(minute=0)
    assert first[1] == weather_at(*HERE, hour)["temperature_2m"]


@pytest.mark.parametrize("zone", ["Europe/Madrid", "America/New_York"])
def test_each_reading_gets_the_past_weather_and_no_forecast(
    owner: psycopg.Connection,
    warehouse: Warehouse,
    http: HttpClient,
    sandbox: str,
    clock: FakeClock,
    zone: str,
) -> None:
    """An answer brings coming hours too. They would have stayed what they were forecast to be."""
    add_plant(owner, 1, zone, HERE)
    provider = OpenMeteoHours(http, sandbox, clock)
    clock.pass_by(hours=9)  # when yesterday is over in all of these zones
    requests = 0
    for _ in range(5):
        today = clock().date()
        add_readings(owner, 1, today - DAY, today)
        put_places(warehouse)
        for _ in range(4):
            requests += fill_hours(warehouse, provider, clock).requests
            clock.pass_by(hours=6)
    assert requests <= 5
    stale = """
    SELECT count(*) FROM solar.readings CROSS JOIN weather.hourly
    WHERE hour_at IN (
        date_trunc('hour', read_at, 'UTC'), date_trunc('hour', read_at, 'UTC') + interval '1 hour'
    ) AND fetched_at < hour_at
    """
    assert owner.execute(stale).fetchone() == (0,)
    assert owner.execute(LACKING).fetchone() == (0,)


def test_a_day_without_readings_wants_no_weather(
    owner: psycopg.Connection, warehouse: Warehouse, clock: FakeClock
) -> None:
    add_plant(owner, 1, coordinates=HERE)
    owner.execute(
        "INSERT INTO solar.days"
        " (plant_id, day, status, hours_expected, hours_present, requested_at)"
        " VALUES (1, '2026-11-01', 'failed', 24, 0, now())"
    )
    put_places(warehouse)
    assert owner.execute("SELECT count(*) FROM weather.wanted_hours").fetchone() == (0,)
    assert due(warehouse, clock) == 0


def test_two_or_three_hours_stand_for_a_day(
    owner: psycopg.Connection, warehouse: Warehouse, clock: FakeClock
) -> None:
    """Ten years of a hundred plants are nine million readings."""
    add_plant(owner, 1, coordinates=HERE)
    add_readings(owner, 1, "2025-01-01", "2026-01-01")
    put_places(warehouse)
    query = "SELECT count(*), min(hour_at), max(hour_at) FROM weather.wanted_hours"
    assert owner.execute(query).fetchone() == (
        730,
        dt.datetime(2025, 1, 1, 23, tzinfo=dt.UTC),
        dt.datetime(2026, 1, 1, 0, tzinfo=dt.UTC),
    )


def test_what_is_missing_in_the_middle_of_years_is_found(
    owner: psycopg.Connection,
    warehouse: Warehouse,
    http: HttpClient,
    sandbox: str,
    clock: FakeClock,
) -> None:
    """First the newest year came, then the oldest, then that between."""
    add_plant(owner, 1, coordinates=HERE)
    put_places(warehouse)
    provider = OpenMeteoHours(http, sandbox, clock)
    for first, end in (
        ("2025-01-01", "2025-03-01"),
        ("2024-01-01", "2024-03-01"),
        ("2024-03-01", "2024-03-20"),
        ("2024-03-23", "2025-01-01"),
        ("2024-03-20", "2024-03-23"),
    ):
        add_readings(owner, 1, first, end)
        clock.pass_by(hours=4)
        assert due(warehouse, clock) == 1
        assert fill_hours(warehouse, provider, clock).succeeded == 1
        clock.pass_by(hours=4)
        assert due(warehouse, clock) == 0
        assert owner.execute(LACKING).fetchone() == (0,)


def test_years_of_history_get_their_weather_latest_year_first(
    owner: psycopg.Connection,
    warehouse: Warehouse,
    http: HttpClient,
    sandbox: str,
    clock: FakeClock,
) -> None:
    add_plant(owner, 1, coordinates=HERE)
    today = clock().date()
    add_readings(owner, 1, today - 1000 * DAY, today - 200 * DAY)
    put_places(warehouse)
    fill_hours(warehouse, OpenMeteoHours(http, sandbox, clock), clock)
    assert owner.execute(LACKING).fetchone() == (0,)
    assert owner.execute(CALLS).fetchall() == [("archive", "success", 3, 3)]
    assert due(warehouse, clock) == 0


def test_two_plants_in_one_place_share_requests_and_gaps(
    owner: psycopg.Connection,
    warehouse: Warehouse,
    http: HttpClient,
    sandbox: str,
    clock: FakeClock,
) -> None:
    add_plant(owner, 1, coordinates=HERE)
    add_plant(owner, 2, coordinates=HERE)
    for number in (1, 2):
        add_readings(owner, number, "2026-11-01", "2026-11-03")
    put_places(warehouse)
    owner.execute(
        "INSERT INTO weather.fetch_state (place_id, kind, problem)"
        " SELECT place_id, kind, 'it is away' FROM weather.places,"
        " unnest(ARRAY['forecast', 'archive', 'observation']) AS kind"
    )
    assert check(warehouse) == [("37.0900,-2.3600", 4)]
    assert fill_hours(warehouse, OpenMeteoHours(http, sandbox, clock), clock).requests == 1
    assert check(warehouse) == []


def test_a_moved_plant_has_the_weather_of_its_new_place(
    owner: psycopg.Connection,
    warehouse: Warehouse,
    http: HttpClient,
    sandbox: str,
    clock: FakeClock,
) -> None:
    add_plant(owner, 1, coordinates=HERE)
    add_readings(owner, 1, "2026-11-10", "2026-11-12")
    put_places(warehouse)
    provider = OpenMeteoHours(http, sandbox, clock)
    fill_hours(warehouse, provider, clock)
    owner.execute("UPDATE solar.plants SET latitude = 52.6, longitude = 12.34")
    assert owner.execute(LACKING).fetchone() == (48,)
    put_places(warehouse)
    assert due(warehouse, clock) == 1
    fill_hours(warehouse, provider, clock)
    assert owner.execute(LACKING).fetchone() == (0,)
    query = "SELECT temperature_celsius FROM enriched.solar_readings ORDER BY read_at LIMIT 1"
    there = weather_at(52.6, 12.34, dt.datetime(2026, 11, 10, tzinfo=dt.UTC))["temperature_2m"]
    assert owner.execute(query).fetchone() == (there,)
