"""The weather at the hours of departures and arrivals: from the forecast, or from the archive."""

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from pipelines.failures import TransientFailure
from pipelines.http.client import HttpClient
from pipelines.sources.weather.geocode_places import put_places
from pipelines.sources.weather.geocoding import Geocoder
from pipelines.sources.weather.hours import ARCHIVE, FORECAST, count_hours_due, fill_hours
from pipelines.sources.weather.observation import Hour
from pipelines.sources.weather.providers import Place, RequestRejected
from pipelines.sources.weather.providers.open_meteo_hours import (
    FORECAST_DAYS,
    VARIABLES,
    OpenMeteoHours,
    read_hours,
    weight,
)
from pipelines.sources.weather.sandbox.model import weather_at
from pipelines.warehouse.connection import Warehouse
from pipelines.warehouse.sql_files import read_sql
from pipelines_tests.fake_clock import FakeClock
from pipelines_tests.fake_source import FakeSource, body
from pipelines_tests.sources.flights.made_up import deliver, flights_document, itinerary, leg
from pipelines_tests.sources.weather.lookups import locate_places

CALLS = (
    "SELECT kind, outcome, count(*), count(DISTINCT request_id) FROM weather.api_requests"
    " GROUP BY 1, 2 ORDER BY 1, 2"
)
SHOWN = (
    "SELECT departure_temperature_celsius, departure_conditions, departure_wind_kmh,"
    " departure_weather_source, arrival_temperature_celsius, arrival_weather_source"
    " FROM enriched.itinerary_legs ORDER BY itinerary_id, leg_number"
)

pytestmark = pytest.mark.usefixtures("airports")


def fly(warehouse: Warehouse, clock: FakeClock, *days: int) -> None:
    """Legs from BUD to LTN at 15:35 local time, so many days from now."""
    legs = []
    for number, ahead in enumerate(days, start=1):
        on = clock().date() + dt.timedelta(days=ahead)
        times = {"departure_time": f"{on}T15:35", "arrival_time": f"{on}T17:00"}
        legs.append(leg(number, **times))
    itineraries = [itinerary(number, [number]) for number in range(1, len(days) + 1)]
    deliver(warehouse, clock().date(), flights_document(itineraries, legs))
    put_places(warehouse)


def fill_in_vain(
    warehouse: Warehouse, http: HttpClient, source: FakeSource, clock: FakeClock
) -> None:
    """Legs in three days, whose weather is requested from a service that only fails."""
    fly(warehouse, clock, 3)
    source.will(body(b"oops", status=500))
    broken = OpenMeteoHours(http, source.url.removesuffix("/flights.json"), clock)
    done = fill_hours(warehouse, broken, clock, sleep=lambda _: None)
    assert isinstance(done.failure, TransientFailure)


def due(warehouse: Warehouse, clock: FakeClock) -> int:
    with warehouse.engine.connect() as connection:
        return sum(count_hours_due(connection, clock(), kind) for kind in (FORECAST, ARCHIVE))


def test_future_legs_get_their_hourly_forecasts_in_one_request(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    http: HttpClient,
    sandbox: str,
    clock: FakeClock,
) -> None:
    fly(warehouse, clock, 3, 15, 20)
    provider = OpenMeteoHours(http, sandbox, clock)
    assert due(warehouse, clock) == 2
    assert fill_hours(warehouse, provider, clock).requests == 1
    assert owner.execute(CALLS).fetchall() == [("forecast", "success", 2, 1)]
    soon, later, beyond = owner.execute(SHOWN).fetchall()
    departure = dt.datetime(2026, 11, 23, 14, tzinfo=dt.UTC)  # 15:35 in Budapest
    true = weather_at(47.4369, 19.2556, departure)
    assert soon[0] == true["temperature_2m"]
    assert soon[2:4] == (true["wind_speed_10m"], "forecast")
    assert soon[5] == later[3] == "forecast"
    assert beyond[0] is None
    assert beyond[5].startswith("none yet: ")
    assert due(warehouse, clock) == 0


def test_a_forecast_is_refreshed_every_six_hours_until_it_expires(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    http: HttpClient,
    sandbox: str,
    clock: FakeClock,
) -> None:
    fly(warehouse, clock, 1)
    provider = OpenMeteoHours(http, sandbox, clock)
    requests = 0
    for _ in range(3 * 24 * 2):
        if due(warehouse, clock):
            requests += fill_hours(warehouse, provider, clock).requests
        clock.pass_by(minutes=30)
    assert requests == 7  # from ten o'clock till past the arrival at five of the next day
    last = owner.execute("SELECT max(requested_at) FROM weather.api_requests").fetchone()
    assert last is not None
    assert last[0] >= dt.datetime(2026, 11, 21, 17, tzinfo=dt.UTC)
    assert owner.execute("SELECT DISTINCT outcome FROM weather.api_requests").fetchall() == [
        ("success",)
    ]


def test_legs_of_long_ago_have_the_archive_by_ranges(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    http: HttpClient,
    sandbox: str,
    clock: FakeClock,
) -> None:
    """The real document has flights of 2020."""
    fly(warehouse, clock, -2210, -2203, -30)
    provider = OpenMeteoHours(http, sandbox, clock)
    done = fill_hours(warehouse, provider, clock)
    assert (done.succeeded, done.failed) == (4, 0)
    assert owner.execute(CALLS).fetchall() == [
        ("archive", "success", 2, 2),
        ("forecast", "success", 2, 1),
    ]
    old, _, recent = owner.execute(SHOWN).fetchall()
    departure = dt.datetime(2020, 11, 1, 14, tzinfo=dt.UTC)
    assert old[0] == weather_at(47.4369, 19.2556, departure)["temperature_2m"]
    assert (old[3], recent[3]) == ("archive", "forecast")
    assert due(warehouse, clock) == 0
    query = "SELECT weather_source, count(*) FROM weather.hourly GROUP BY 1 ORDER BY 1"
    assert owner.execute(query).fetchall() == [
        ("archive", 2 * 8 * 24),
        ("forecast", 2 * (30 + 16) * 24),
    ]


def test_distant_years_are_requested_year_by_year(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    http: HttpClient,
    sandbox: str,
    clock: FakeClock,
) -> None:
    fly(warehouse, clock, -2200, -1000)
    provider = OpenMeteoHours(http, sandbox, clock)
    for _ in range(4):
        fill_hours(warehouse, provider, clock)
        clock.pass_by(hours=3)
    assert due(warehouse, clock) == 0
    query = "SELECT max(cost) <= 16 FROM weather.api_requests WHERE kind = 'archive'"
    assert owner.execute(query).fetchone() == (True,)


def test_after_a_failure_only_a_run_by_hand_retries_at_once(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    http: HttpClient,
    source: FakeSource,
    sandbox: str,
    clock: FakeClock,
) -> None:
    fill_in_vain(warehouse, http, source, clock)
    assert owner.execute(CALLS).fetchall() == [("forecast", "failed", 8, 4)]
    assert owner.execute("SELECT sum(cost) FROM weather.api_requests").fetchone() == (0,)
    assert due(warehouse, clock) == 0
    with warehouse.engine.connect() as connection:
        check = text(read_sql("pipelines.sources.weather", "checks/filled_hours"))
        shown = [row.missing_hours for row in connection.execute(check)]
    assert shown == [1, 1]
    provider = OpenMeteoHours(http, sandbox, clock)
    assert fill_hours(warehouse, provider, clock).requests == 0
    assert fill_hours(warehouse, provider, clock, is_by_hand=True).succeeded == 2


def test_a_failure_is_tried_again_after_a_minute(
    warehouse: Warehouse,
    http: HttpClient,
    source: FakeSource,
    sandbox: str,
    clock: FakeClock,
) -> None:
    fill_in_vain(warehouse, http, source, clock)
    clock.pass_by(minutes=1)
    assert fill_hours(warehouse, OpenMeteoHours(http, sandbox, clock), clock).succeeded == 2


def test_one_rejected_place_does_not_block_the_others(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    http: HttpClient,
    sandbox: str,
    clock: FakeClock,
) -> None:
    fly(warehouse, clock, 3)

    class Picky(OpenMeteoHours):
        def forecast(self, places: Sequence[Place], past_days: int) -> list[list[Hour] | str]:
            if any(place.longitude == 19.2556 for place in places):
                raise RequestRejected("weather", "that is no place", place="there")
            return super().forecast(places, past_days)

    done = fill_hours(warehouse, Picky(http, sandbox, clock), clock)
    assert (done.succeeded, done.failed, done.requests) == (1, 1, 3)
    assert due(warehouse, clock) == 0
    booked = (
        "SELECT outcome, count(DISTINCT request_id) FROM weather.api_requests GROUP BY 1 ORDER BY 1"
    )
    assert owner.execute(booked).fetchall() == [("rejected", 2), ("success", 1)]


def test_an_airport_that_is_set_pending_keeps_its_coordinates(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    http: HttpClient,
    sandbox: str,
    clock: FakeClock,
) -> None:
    fly(warehouse, clock, 3)
    owner.execute("UPDATE weather.places SET geocoding_status = 'pending'")
    assert locate_places(warehouse, Geocoder(http, sandbox, clock), clock) == ([], None)
    assert fill_hours(warehouse, OpenMeteoHours(http, sandbox, clock), clock).succeeded == 2


def test_the_allowance_is_shared_with_the_present_weather(
    warehouse: Warehouse,
    owner: psycopg.Connection,
    http: HttpClient,
    sandbox: str,
    clock: FakeClock,
) -> None:
    fly(warehouse, clock, 3)
    owner.execute(
        "INSERT INTO weather.api_requests (request_id, provider, kind, requested_at, outcome, cost)"
        " VALUES (gen_random_uuid(), 'open-meteo', 'observation', %s, 'success', 596)",
        [clock()],
    )
    provider = OpenMeteoHours(http, sandbox, clock)
    assert fill_hours(warehouse, provider, clock).requests == 0
    clock.pass_by(minutes=1)
    assert fill_hours(warehouse, provider, clock).requests == 1


def test_hours_without_data_are_recorded_and_nonsense_is_rejected() -> None:
    """A value that was none became a null, and its hour was never requested again."""
    hours: dict[str, Any] = {
        "time": ["2026-11-20T10:00", "2026-11-20T11:00", "2026-11-20T10:00"],
        "temperature_2m": [7.5, None, 8.5],
        "wind_speed_10m": [1.0, None, 2.0],
        "precipitation": [0.0, None, 0.0],
        "cloud_cover": [50, None, 50],
        "shortwave_radiation": [100.0, None, 3.0],
        "weather_code": [61, None, 61],
    }
    found = read_hours({"hourly": hours, "hourly_units": VARIABLES})
    assert isinstance(found, list)
    assert [
        (hour.temperature_celsius, hour.wind_kmh, hour.shortwave_radiation_w_per_m2)
        for hour in found
    ] == [(8.5, 2.0, 3.0), (None, None, None)]
    short = {**hours, "time": ["2026-11-20T10:00"]}
    assert "not equally long" in str(read_hours({"hourly": short, "hourly_units": VARIABLES}))
    zoned = {**hours, "time": [f"2026-11-20T1{n}:00+09:00" for n in range(3)]}
    assert "makes no sense" in str(read_hours({"hourly": zoned, "hourly_units": VARIABLES}))
    for units, stated in (("°F", "'°F'"), (None, "None")):
        answer = {"hourly": hours, "hourly_units": {**VARIABLES, "temperature_2m": units}}
        assert read_hours(answer) == f"temperature_2m comes in {stated}, not in '°C'"
    for name, values in (
        ("wind_speed_10m", [1.0, 1.0, "2.0"]),
        ("temperature_2m", [float("nan"), 1.0, 1.0]),
        ("time", ["2026-11-20T10:00", "2026-11-20T11:00", "3026-11-20T12:00"]),
    ):
        odd = {"hourly": {**hours, name: values}, "hourly_units": VARIABLES}
        assert re.search("makes no sense|do not follow one another", str(read_hours(odd)))
    assert read_hours({}) == "the answer has no hours"


def test_an_impossible_value_is_null_and_the_response_is_kept() -> None:
    """One -0.2 W/m² cost a place all of its hours, and it was requested again for ever."""
    hours: dict[str, Any] = {
        "time": [f"2026-11-20T1{n}:00" for n in range(4)],
        "temperature_2m": [7.5, 7.0, 300.0, 6.5],
        "wind_speed_10m": [1.0, -20.0, 2.0, 3.0],
        "precipitation": [0.0, 0.0, 0.0, 0.0],
        "cloud_cover": [50, 101, 50, 50],
        "shortwave_radiation": [-0.2, 3.0, 1e9, -1.0],
        "weather_code": [61, 99999, 1.5, 0],
    }
    found = read_hours({"hourly": hours, "hourly_units": VARIABLES})
    assert isinstance(found, list)
    assert [
        (one.temperature_celsius, one.wind_kmh, one.shortwave_radiation_w_per_m2, one.wmo_code)
        for one in found
    ] == [(7.5, 1.0, 0.0, 61), (7.0, None, 3.0, None), (None, 2.0, None, None), (6.5, 3.0, None, 0)]
    assert [one.impossible for one in found] == [
        (),
        ("wind_kmh", "cloud_cover_pct", "weather_code"),
        ("temperature_celsius", "shortwave_radiation_w_per_m2", "weather_code"),
        ("shortwave_radiation_w_per_m2",),
    ]


def test_the_view_knows_how_far_the_forecast_goes() -> None:
    assert f"interval '{FORECAST_DAYS} days'" in read_sql(
        "pipelines.sources.flights", "views/enriched.itinerary_legs"
    )


def test_a_request_is_weighed_by_its_days() -> None:
    assert weight(16) == 1.0
    assert weight(365) == pytest.approx(15.6, abs=0.1)
