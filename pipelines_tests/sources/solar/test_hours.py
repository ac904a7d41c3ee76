"""Which end of its hour a time names, and how it is noticed that it names the other one."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

from pipelines.sources.solar.sensor_rules import minutes_late, sun
from pipelines.sources.solar.sun_position import apparent_elevation_degrees
from pipelines.sources.solar.transform import ENDS_OF_HOURS, ParsedResponse, read_response
from pipelines.sources.solar.windows import Window
from pipelines_tests.sources.solar.made_up import Item, item

NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
PLACES = {
    "Europe/Madrid": (40.4, -3.7),
    "Europe/Helsinki": (60.2, 24.9),
    "America/Los_Angeles": (37.0, -122.0),
    "Australia/Melbourne": (-37.8, 145.0),
    "Asia/Kolkata": (19.1, 72.9),
}


def week(zone: str, month: int, *, tilt_hours: float = 0.0) -> pd.DataFrame:
    """Readings of a week under the real sun; modules that face east see more of it earlier."""
    latitude, longitude = PLACES[zone]
    begin = dt.datetime(2026, month, 3, tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
    at = pd.date_range(begin, periods=7 * 24, freq="h")
    light = np.zeros(len(at))
    for minute in range(5, 60, 10):
        times = at + pd.Timedelta(minutes=minute)
        height = np.sin(np.radians(apparent_elevation_degrees(times, latitude, longitude)))
        later = times + pd.Timedelta(hours=tilt_hours)
        slope = np.sin(np.radians(apparent_elevation_degrees(later, latitude, longitude)))
        light += np.where(height > 0, 0.2 * height + 0.8 * slope.clip(min=0), 0.0) / 6
    values = {"plant_id": 1, "read_at": at, "latitude": latitude, "longitude": longitude}
    return pd.DataFrame(values | {"expected_irradiation_wh_per_m2": (900 * light).round(1)})


def late(readings: pd.DataFrame) -> float:
    return float(minutes_late(readings, sun(readings)).loc[1])


@pytest.mark.parametrize("month", [1, 3, 6, 9, 11])
@pytest.mark.parametrize("zone", PLACES)
def test_hours_that_are_off_against_the_sun_are_noticed(zone: str, month: int) -> None:
    """Incident: a service named hours by their end, and the performance ratio was plausible."""
    right = week(zone, month)
    assert abs(late(right)) < 10
    for hours in (-2, -1, 1, 2):  # named by their end, a wrong clock, local times labelled Z
        moved = right.assign(read_at=right.read_at + hours * HOUR)
        assert late(moved) == pytest.approx(60 * hours, abs=15)


def ended(day: dt.date, zone: str) -> list[Item]:
    """The hours of a day by their end, as local clocks show it."""
    ends = [dt.datetime.combine(day + dt.timedelta(n), dt.time(), ZoneInfo(zone)) for n in (0, 1)]
    first, end = (one.astimezone(dt.UTC) for one in ends)
    count = int((end - first) / HOUR)
    local = [(first + n * HOUR).astimezone(ZoneInfo(zone)) for n in range(1, count + 1)]
    return [item(one.replace(tzinfo=None), n) for n, one in enumerate(local)]


def read(items: list[Item], day: dt.date, zone: str) -> ParsedResponse:
    window = Window(day, day + dt.timedelta(days=1))
    return read_response(items, plant_id=1, zone=zone, window=window, now=NOW, names_end=True)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "Asia/Kolkata"])
def test_hours_by_their_end_are_stored_by_their_begin(zone: str) -> None:
    day = dt.date(2026, 6, 1)
    parsed = read(ended(day, zone), day, zone)
    first = dt.datetime.combine(day, dt.time(), ZoneInfo(zone)).astimezone(dt.UTC)
    assert list(parsed.readings.read_at) == [first + n * HOUR for n in range(24)]
    assert list(parsed.readings.expected_energy_kwh) == [*range(24)]
    assert parsed.rejects == []


def test_midnights_of_hours_by_their_end_are_reported() -> None:
    day = dt.date(2026, 6, 1)
    window, items = Window(day, day + dt.timedelta(days=1)), ended(day, "Europe/Paris")
    parsed = read_response(items, plant_id=1, zone="Europe/Paris", window=window, now=NOW)
    assert parsed.drift == [ENDS_OF_HOURS]
    assert read(items, day, "Europe/Paris").drift == []


@pytest.mark.parametrize(
    ("day", "count"), [(dt.date(2026, 3, 29), 23), (dt.date(2026, 10, 25), 25)]
)
def test_hours_by_their_end_when_clocks_change(day: dt.date, count: int) -> None:
    parsed = read(ended(day, "Europe/Paris"), day, "Europe/Paris")
    assert list(parsed.readings.expected_energy_kwh) == [*range(count)]
    assert parsed.rejects == []


def test_quarters_stand_for_no_hour_and_24_is_the_next_midnight() -> None:
    day = dt.date(2026, 6, 3)
    items = [item(dt.datetime.combine(day, dt.time(hour))) for hour in range(24)]
    items += [item(f"{day}T10:{minute}:00") for minute in (15, 30, 45)]
    window = Window(day, day + dt.timedelta(days=1))
    parsed = read_response(items, plant_id=1, zone="UTC", window=window, now=NOW)
    assert (len(parsed.readings), len(parsed.rejects)) == (23, 4)
    midnight = [item(f"{day - dt.timedelta(days=1)}T24:00:00")]
    parsed = read_response(midnight, plant_id=1, zone="UTC", window=window, now=NOW)
    assert parsed.readings["read_at"][0] == pd.Timestamp(day, tz="UTC")


def test_a_time_with_an_offset_names_the_end_too() -> None:
    day = dt.date(2026, 6, 1)
    parsed = read([item("2026-06-02T00:00:00+02:00")], day, "Europe/Paris")
    assert list(parsed.readings.read_at) == [dt.datetime(2026, 6, 1, 21, tzinfo=dt.UTC)]
