"""The formulae of the sun's position, beside pvlib's, and hours that are off against it."""

import datetime as dt
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from pvlib.irradiance import get_extra_radiation
from pvlib.solarposition import get_solarposition

from pipelines.sources.solar.sensor_rules import (
    apparent_elevation_degrees,
    extraterrestrial_w_per_m2,
    minutes_late,
    sun,
)

pytestmark = pytest.mark.filterwarnings("ignore:DatetimeIndex.dayofyear is deprecated")
YEARS = [pd.date_range(f"{year}-01-01", f"{year}-12-31", freq="37min") for year in (1990, 2026)]
PLACES = {
    "Europe/Madrid": (40.4, -3.7),
    "Europe/Helsinki": (60.2, 24.9),
    "America/Los_Angeles": (37.0, -122.0),
    "Australia/Melbourne": (-37.8, 145.0),
    "Asia/Kolkata": (19.1, 72.9),
}


@pytest.mark.parametrize("times", [one.tz_localize("UTC") for one in YEARS], ids=["1990", "2026"])
@pytest.mark.parametrize(("latitude", "longitude"), [(52.6, 12.3), (-33, 151), (0, 0), (78, 15)])
def test_elevation_is_that_of_nrel_within_0_02_degrees(
    times: pd.DatetimeIndex, latitude: float, longitude: float
) -> None:
    expected = get_solarposition(times, latitude, longitude)
    found = apparent_elevation_degrees(times, latitude, longitude)
    # At sunset itself the refraction of 0.65° is switched on, some seconds earlier or later.
    is_sunset = np.abs(expected.elevation + 0.8333) < 0.02
    apart = np.abs(found - expected.apparent_elevation)[~is_sunset]
    assert is_sunset.mean() < 0.01
    assert apart.max() < 0.02


def test_irradiance_outside_the_atmosphere_is_that_of_pvlib() -> None:
    times = YEARS[1].tz_localize("UTC")
    expected = get_extra_radiation(times, method="spencer").to_numpy()
    np.testing.assert_allclose(extraterrestrial_w_per_m2(times), expected, rtol=1e-12)


def week(zone: str, month: int) -> pd.DataFrame:
    """Readings of a week under the real sun."""
    latitude, longitude = PLACES[zone]
    begin = dt.datetime(2026, month, 3, tzinfo=ZoneInfo(zone)).astimezone(dt.UTC)
    at = pd.date_range(begin, periods=7 * 24, freq="h")
    light = np.zeros(len(at))
    for minute in range(5, 60, 10):
        times = at + pd.Timedelta(minutes=minute)
        height = np.sin(np.radians(apparent_elevation_degrees(times, latitude, longitude)))
        light += height.clip(min=0) / 6
    values = {"read_at": at, "expected_irradiation_wh_per_m2": (900 * light).round(1)}
    return pd.DataFrame(values)


@pytest.mark.parametrize("month", [1, 3, 6, 9, 11])
@pytest.mark.parametrize("zone", PLACES)
def test_hours_that_are_off_against_the_sun_are_noticed(zone: str, month: int) -> None:
    """Incident: a service named hours by their end, and the performance ratio was plausible."""
    right = week(zone, month)
    for hours in (-2, -1, 0, 1, 2):  # named by their end, a wrong clock, local times labelled Z
        moved = right.assign(read_at=right.read_at + hours * dt.timedelta(hours=1))
        place = PLACES[zone]
        late = minutes_late(moved, sun(pd.DatetimeIndex(moved.read_at), *place), place[1])
        assert late == pytest.approx(60 * hours, abs=15 if hours else 10)
