"""The simulated sky: neighbours share it, and so do weather services and plants."""

import datetime as dt
import json
import math
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest

from pipelines.sources.solar.sandbox import DEMO_PLANTS, readings
from pipelines.sources.weather.sandbox.model import HOUR, weather_of

MONTH = np.arange(np.datetime64("2026-11-01", "h"), np.datetime64("2026-12-01", "h"))
#: What may differ within 10 km, and what differs at least, in the mean, within 1,500 km.
VALUES = {
    "temperature_2m": (1.5, 2.0),
    "cloud_cover": (10, 20.0),
    "wind_speed_10m": (5.0, 10.0),
}
PLACES = [(52.52, 13.41), (40.71, -74.01), (-33.9, 151.2), (36.3, 59.6), (0.0, 179.99)]


def differences(place: tuple[float, float], kilometres: float, name: str) -> Any:
    """Return how much a value differs from that so far east, in each hour of a month."""
    latitude, longitude = place
    east = longitude + kilometres / 111.2 / math.cos(math.radians(latitude))
    other = (latitude, (east + 180) % 360 - 180)
    here, there = (np.array(weather_of(*one, MONTH)[name]) for one in (place, other))
    return np.abs(here - there)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", VALUES)
def test_neighbours_share_a_sky_and_distant_places_do_not(
    place: tuple[float, float], name: str
) -> None:
    """Incident: places a few kilometres apart had snow and a clear sky in the same hour."""
    near, far = VALUES[name]
    assert differences(place, 10, name).max() <= near
    assert differences(place, 1_500, name).mean() >= far


@pytest.mark.parametrize("month", ["2026-01", "2026-07"])
@pytest.mark.parametrize("name", VALUES)
def test_no_line_across_a_country_divides_summer_from_snow(name: str, month: str) -> None:
    """Incident: at 59 degrees north, ten kilometres made 29 °C and seven tenths of the clouds."""
    hours = np.arange(np.datetime64(month, "h"), np.datetime64(month, "M") + 1, dtype="M8[h]")
    near, _ = VALUES[name]
    for latitude in np.arange(54.5, 60.5, 0.09):
        here, north = (weather_of(at, 14.98, hours)[name] for at in (latitude, latitude + 0.09))
        assert np.abs(np.subtract(here, north)).max() <= near, latitude


def test_every_kind_of_weather_that_pages_show_occurs() -> None:
    year = np.arange(np.datetime64("2026-01-01", "h"), np.datetime64("2027-01-01", "h"))
    berlin, north, tropics = (
        weather_of(*place, year) for place in ((52.52, 13.41), (59.33, 18.07), (0.3, 32.6))
    )
    codes = {*berlin["weather_code"]}
    assert {0, 1, 2, 3, 45, 56, 61, 63, 66, 71, 80, 85, 95} <= codes
    assert {*north["weather_code"]} == {71, 73}
    assert max(tropics["temperature_2m"]) >= 35
    assert 0.005 < np.mean(np.array(berlin["weather_code"]) == 95) < 0.05


def test_present_weather_forecast_and_archive_agree(sandbox: str) -> None:
    def get(path: str, **query: str) -> Any:
        words = "&".join(f"{name}={value}" for name, value in query.items())
        with urlopen(f"{sandbox}/v1/{path}?latitude=52.52&longitude=13.41&{words}") as answer:
            return json.load(answer)

    names = "temperature_2m,cloud_cover,wind_speed_10m,weather_code"
    days = {"past_days": "10", "forecast_days": "1"}
    forecast = get("forecast", hourly=names, **days)["hourly"]
    archive = get("archive", hourly=names, start_date="2026-11-10", end_date="2026-11-20")["hourly"]
    assert forecast == archive
    now = get("forecast", current=names)["current"]
    position = forecast["time"].index(f"{now['time'][:13]}:00")
    assert {name: now[name] for name in names.split(",")} == {
        name: forecast[name][position] for name in names.split(",")
    }


@pytest.mark.parametrize("plant", DEMO_PLANTS[:1] + DEMO_PLANTS[2:], ids=lambda one: one.name)
def test_a_plant_is_under_the_sky_of_its_place(plant: Any) -> None:
    days = dt.date(2026, 11, 1), dt.date(2026, 11, 30)
    sensor = [one.observed_irradiation_wh_per_m2 for one in readings(1, plant.id, *days)]
    radiation = weather_of(plant.latitude, plant.longitude, MONTH + HOUR)["shortwave_radiation"]
    assert sensor == pytest.approx(radiation, abs=0.051)
