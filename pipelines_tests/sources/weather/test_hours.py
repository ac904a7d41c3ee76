"""The weather at the hours of departures and arrivals: from the forecast, or from the archive."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest

from pipelines.postgres.server import Connections
from pipelines.sources.weather.providers.open_meteo_hours import (
    VARIABLES,
    Hours,
    read_hours,
)
from pipelines.sources.weather.sandbox.model import weather_at
from pipelines.testing.fake_source import FakeSource, body
from pipelines_tests.sources.flights.made_up import airports_loaded
from pipelines_tests.sources.weather.site import CALLS, Site

SHOWN = (
    "SELECT departure_temperature_celsius, departure_conditions, departure_wind_kmh,"
    " departure_weather_source, arrival_temperature_celsius, arrival_weather_source"
    " FROM enriched.itinerary_legs ORDER BY itinerary_id, leg_number"
)


@pytest.fixture(scope="module")
def template(server: Connections, template: str) -> Iterator[str]:
    """With the airports that legs are between."""
    with airports_loaded(server, template) as name:
        yield name


def test_future_legs_get_their_hourly_forecasts_in_one_request(site: Site) -> None:
    site.fly(3, 15, 17)
    assert site.due() == 2
    assert site.fill().requests == 1
    assert site.rows(CALLS) == [("forecast", "success", 2, 1)]
    soon, later, beyond = site.rows(SHOWN)
    departure = dt.datetime(2026, 11, 23, 14, tzinfo=dt.UTC)  # 15:35 in Budapest
    true = weather_at(47.4369, 19.2556, departure)
    assert soon[0] == true["temperature_2m"]
    assert soon[2:4] == (true["wind_speed_10m"], "forecast")
    assert soon[5] == later[3] == "forecast"
    assert beyond[0] is None
    assert beyond[5].startswith("none yet: ")
    assert site.due() == 0


def test_a_forecast_is_refreshed_every_six_hours_until_it_expires(site: Site) -> None:
    site.fly(1)
    requests = 0
    for _ in range(3 * 24 * 2):
        if site.due():
            requests += site.fill().requests
        site.clock.pass_by(minutes=30)
    assert requests == 7  # from ten o'clock till past the arrival at five of the next day
    last = site.row("SELECT max(requested_at) FROM weather.api_requests")
    assert last[0] >= dt.datetime(2026, 11, 21, 17, tzinfo=dt.UTC)
    assert site.rows("SELECT DISTINCT outcome FROM weather.api_requests") == [("success",)]


def test_legs_of_long_ago_have_the_archive_by_ranges(site: Site) -> None:
    """The real document has flights of 2020."""
    site.fly(-2210, -2203, -30)
    done = site.fill()
    assert (done.succeeded, done.failed) == (4, 0)
    assert site.rows(CALLS) == [("archive", "success", 2, 2), ("forecast", "success", 2, 1)]
    old, _, recent = site.rows(SHOWN)
    departure = dt.datetime(2020, 11, 1, 14, tzinfo=dt.UTC)
    assert old[0] == weather_at(47.4369, 19.2556, departure)["temperature_2m"]
    assert (old[3], recent[3]) == ("archive", "forecast")
    assert site.due() == 0
    query = "SELECT weather_source, count(*) FROM weather.hourly GROUP BY 1 ORDER BY 1"
    assert site.rows(query) == [("archive", 2 * 8 * 24), ("forecast", 2 * (30 + 16) * 24)]


def test_the_allowance_is_shared_with_the_present_weather(site: Site) -> None:
    site.fly(3)
    site.owner.execute(
        "INSERT INTO weather.api_requests (request_id, provider, kind, requested_at, outcome, cost)"
        " VALUES (gen_random_uuid(), 'open-meteo', 'observation', %s, 'success', 9996)",
        [site.clock()],
    )
    assert site.fill().requests == 0
    site.clock.pass_by(days=1)
    assert site.fill().requests == 1


def answered(**values: Any) -> Hours | str:
    """What is read of a response of three hours with these values, or with those of a fair day."""
    hours: dict[str, Any] = {
        "time": [f"2026-11-20T1{n}:00" for n in range(3)],
        "temperature_2m": [7.5, 7.0, 6.5],
        "wind_speed_10m": [1.0, 2.0, 3.0],
        "precipitation": [0.0, 0.0, 0.0],
        "cloud_cover": [50, 50, 50],
        "shortwave_radiation": [100.0, 3.0, 0.0],
        "weather_code": [61, 3, 0],
    }
    units = VARIABLES | values.pop("units", {})
    return read_hours({"hourly": hours | values, "hourly_units": units})


def test_hours_without_data_are_missing_and_of_equal_ones_the_last_counts() -> None:
    """A value that was none became a null, and its hour was never requested again."""
    times = ["2026-11-20T10:00", "2026-11-20T11:00", "2026-11-20T10:00"]
    found = answered(time=times, **{name: [1, None, 3] for name in VARIABLES})
    assert isinstance(found, Hours)
    (hour,) = found.rows.to_dict("records")
    assert hour["hour_at"] == dt.datetime(2026, 11, 20, 10, tzinfo=dt.UTC)
    assert (hour["temperature_celsius"], hour["wind_kmh"], hour["conditions"]) == (3, 3, "overcast")


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"time": ["2026-11-20T10:00"]}, "differ in length"),
        ({"time": [f"2026-11-20T1{n}:00+09:00" for n in range(3)]}, "is invalid"),
        ({"units": {"temperature_2m": "°F"}}, "temperature_2m is in '°F', not in '°C'"),
        ({"units": {"temperature_2m": None}}, "temperature_2m is in None, not in '°C'"),
        ({"wind_speed_10m": [1.0, 1.0, "2.0"]}, "is invalid"),
        ({"temperature_2m": [float("nan"), 1.0, 1.0]}, "is invalid"),
        (
            {"time": ["2026-11-20T10:00", "2026-11-20T11:00", "3026-11-20T12:00"]},
            "do not follow one another",
        ),
    ],
)
def test_nonsense_is_rejected(values: dict[str, Any], words: str) -> None:
    assert words in str(answered(**values))
    assert read_hours({}) == "the response has no hours"


def test_an_impossible_value_is_null_and_the_response_is_kept() -> None:
    """One -0.2 W/m² cost a place all of its hours, and it was requested again for ever."""
    found = answered(
        temperature_2m=[7.5, 300.0, 6.5],
        wind_speed_10m=[-20.0, 2.0, 3.0],
        cloud_cover=[50, 101, 50],
        shortwave_radiation=[-0.2, 1e9, -1.0],
        weather_code=[99999, 1.5, 0],
    )
    assert isinstance(found, Hours)
    kept = found.rows.astype(object).where(found.rows.notna(), None)
    names = ["temperature_celsius", "wind_kmh", "shortwave_radiation_w_per_m2", "wmo_code"]
    assert [*kept[names].itertuples(index=False, name=None)] == [
        (7.5, None, 0.0, None),
        (None, 2.0, None, None),
        (6.5, 3.0, None, 0),
    ]
    assert found.impossible == {
        "temperature_celsius": 1,
        "wind_kmh": 1,
        "cloud_cover_pct": 1,
        "shortwave_radiation_w_per_m2": 2,
        "weather_code": 2,
    }


def test_hours_that_the_archive_does_not_have_yet_are_requested_again(
    site: Site, source: FakeSource
) -> None:
    """Incident: they were stored without a value, and the check of hours passed."""
    site.fly(-200)
    at = dt.datetime.fromisoformat(
        site.row("SELECT min(departure_at)::date::text FROM flights.legs")[0]
    )
    hours: dict[str, Any] = {"time": [f"{at:%Y-%m-%d}T{hour:02}:00" for hour in range(24)]}
    absent = hours | {name: [None] * 24 for name in VARIABLES}
    source.will(body(json.dumps({"hourly": absent, "hourly_units": VARIABLES}).encode()))
    site.fill(source.url.removesuffix("/document.json"))
    assert site.row("SELECT count(*) FROM weather.hourly") == (0,)
    assert site.lacking()
    assert site.due() == 0, "not at once"
    site.clock.pass_by(hours=4)
    assert site.due() > 0
