"""Days on which clocks change: each half hour around it is sent in local time and found again.

What each path does with the hour that comes twice or not at all is tested beside it; here nothing
may be lost, doubled or moved on the way to what people read.
"""

import datetime as dt
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd
import psycopg
import pytest

from pipelines.http.client import HttpClient
from pipelines.sources.bookings import Settings
from pipelines.sources.bookings.counts import refresh
from pipelines.sources.flights.times import add_times
from pipelines.sources.weather.geocode_places import put_places
from pipelines.sources.weather.hours import fill_hours
from pipelines.sources.weather.providers.open_meteo_hours import OpenMeteoHours
from pipelines.sources.weather.sandbox.model import weather_at
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.fake_clock import FakeClock
from pipelines_tests.sandbox_server import sandbox_server
from pipelines_tests.sources.bookings import made_up as bookings
from pipelines_tests.sources.flights import made_up as flights

HALF_HOUR, DAY = dt.timedelta(minutes=30), dt.timedelta(days=1)
ZONES = (
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/Santiago",  # whose clocks change at midnight
    "Africa/Casablanca",  # which goes back for Ramadan
    "Australia/Sydney",
    "Australia/Lord_Howe",  # by half an hour
    "Pacific/Auckland",
    "Pacific/Chatham",  # 45 minutes beside its neighbours, at a quarter to
)
AIRPORTS = {
    "LHR": "Europe/London",
    "JFK": "America/New_York",
    "SCL": "America/Santiago",
    "SYD": "Australia/Sydney",
    "LDH": "Australia/Lord_Howe",
    "AKL": "Pacific/Auckland",
}
#: Whose clocks are those of UTC, all year.
ICELAND = "KEF"
MINUTES = 600
LEGS = """
SELECT itinerary_id, arrival_at, arrival_temperature_celsius, longitude, latitude
FROM enriched.itinerary_legs
INNER JOIN flights.airports ON arrival_airport = airport_code
WHERE time_verdict = 'consistent'
"""


def changes(zone: str, year: int = 2025) -> list[dt.datetime]:
    """The instants of a year from which on a zone's clocks have another offset."""
    hours = [dt.datetime(year, 1, 1, tzinfo=dt.UTC) + n * HALF_HOUR for n in range(365 * 48)]
    offsets = [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    return [hours[n] for n in range(1, len(hours)) if offsets[n] != offsets[n - 1]]


def around(change: dt.datetime, steps: int) -> list[dt.datetime]:
    return [change + n * HALF_HOUR for n in range(-steps, steps)]


def local(instant: dt.datetime, zone: str) -> dt.datetime:
    return instant.astimezone(ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def is_shown_twice(instant: dt.datetime, zone: str) -> bool:
    stated = local(instant, zone).replace(tzinfo=ZoneInfo(zone))
    return stated.utcoffset() != stated.replace(fold=1).utcoffset()


def both(zone: str) -> list[dt.datetime]:
    """Each half hour of the days around both changes."""
    found = changes(zone)
    assert len(found) >= 2, zone
    return [instant for change in found for instant in around(change, 72)]


@pytest.mark.parametrize("zone", ZONES)
def test_legs_across_each_half_hour_keep_their_flown_times(zone: str) -> None:
    flown = [(at - dt.timedelta(minutes=MINUTES), at, "UTC", zone) for at in both(zone)]
    flown += [(at, at + dt.timedelta(minutes=MINUTES), zone, "UTC") for at in both(zone)]
    flown += [(at, at + HALF_HOUR, zone, zone) for at in both(zone)]
    legs = pd.DataFrame(
        {
            "departure_local": pd.to_datetime([local(one[0], one[2]) for one in flown]),
            "arrival_local": pd.to_datetime([local(one[1], one[3]) for one in flown]),
            "departure_time_zone": [one[2] for one in flown],
            "arrival_time_zone": [one[3] for one in flown],
            "duration_minutes": [round((one[1] - one[0]).total_seconds() / 60) for one in flown],
            "stops": 0,
        }
    )
    read = add_times(legs)
    wrong = Counter[str]()
    for row, (departure, arrival, from_zone, to_zone) in zip(read.itertuples(), flown, strict=True):
        assert row.time_verdict == "consistent", row
        if (row.departure_at, row.arrival_at) != (departure, arrival):
            assert row.clock_change == "ambiguous", row
            assert is_shown_twice(departure, from_zone), row
            assert is_shown_twice(arrival, to_zone), row
            wrong[to_zone] += 1
    assert wrong["UTC"] == 0
    assert wrong[zone] <= 2, "only within the hour that comes twice"


@pytest.mark.parametrize("zone", ZONES)
def test_daily_and_hourly_counts_include_each_event_once(
    owner: psycopg.Connection, warehouse: Warehouse, tmp_path: Path, zone: str
) -> None:
    """Sent in local time; those of the hour that comes twice count as of the first."""
    instants = both(zone)
    events = [
        bookings.event(n, event_timestamp=f"{local(at, zone):%Y-%m-%d %H:%M:%S}")
        for n, at in enumerate(instants)
    ]
    counted = bookings.deliver(warehouse, tmp_path, events, settings=Settings(time_zone=zone))
    assert bookings.counts(counted) == (len(events), len(events), 0, 0)
    refresh(warehouse)
    stored: dict[int, dt.datetime] = dict(
        owner.execute("SELECT event_id, event_at FROM bookings.events").fetchall()
    )
    for n, at in enumerate(instants):
        first = local(at, zone).replace(tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
        assert stored[n] == first
        assert stored[n] == at or is_shown_twice(at, zone)
    by_day: dict[dt.date, int] = dict(
        owner.execute("SELECT day, bookings FROM metrics.hotel_bookings_by_event_day").fetchall()
    )
    by_hour = Counter(at.astimezone(dt.UTC).replace(minute=0) for at in stored.values())
    assert by_day == Counter(
        {
            day: sum(count for hour, count in by_hour.items() if hour.date() == day)
            for day in {hour.date() for hour in by_hour}
        }
    )
    assert sum(by_day.values()) == len(events)


@pytest.mark.usefixtures("airports")
def test_legs_have_the_weather_of_their_true_arrival_hour(
    owner: psycopg.Connection, warehouse: Warehouse
) -> None:
    arrivals = [
        (airport, zone, at)
        for airport, zone in AIRPORTS.items()
        for change in changes(zone)
        for at in around(change, 5)
    ]
    legs = [
        flights.leg(
            n,
            ICELAND,
            airport,
            departure_time=f"{at - dt.timedelta(minutes=MINUTES):%Y-%m-%dT%H:%M}",
            arrival_time=f"{local(at, zone):%Y-%m-%dT%H:%M}",
            duration_mins=MINUTES,
        )
        for n, (airport, zone, at) in enumerate(arrivals)
    ]
    offers = [flights.itinerary(n, [n]) for n in range(len(legs))]
    flights.deliver(warehouse, flights.MONDAY, flights.flights_document(offers, legs))
    clock = FakeClock()
    http = HttpClient("weather", "WEATHER_BASE_URL")
    put_places(warehouse)
    with sandbox_server(now=clock) as url:
        assert fill_hours(warehouse, OpenMeteoHours(http, url, clock), clock).failed == 0
    rows = {row[0]: row[1:] for row in owner.execute(LEGS)}
    for n, (airport, _, at) in enumerate(arrivals):
        arrival_at, temperature, longitude, latitude = rows.pop(f"it_{n}")
        assert arrival_at == at, airport
        hour = at.replace(minute=0)
        assert temperature == weather_at(latitude, longitude, hour)["temperature_2m"], (airport, at)
    assert rows == {}
