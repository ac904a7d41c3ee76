"""The simulated plants: their sky is that of the weather, and the demonstration has a gap."""

import datetime as dt
import math

import psycopg

from pipelines.sources.solar.demo import seed_sandbox
from pipelines.sources.solar.sandbox import DEMO_PLANTS, readings
from pipelines.sources.weather.sandbox.model import weather_at
from pipelines.warehouse.connection import Warehouse


def test_the_weather_sees_the_sky_of_the_plants() -> None:
    """Its radiation is the mean of the hour before, as Open-Meteo's is."""
    here = DEMO_PLANTS[0]
    day = dt.date(2025, 6, 1)
    for one in readings(1, here.id, day, day):
        weather = weather_at(here.latitude, here.longitude, one.at + dt.timedelta(hours=1))
        served_items = weather["shortwave_radiation"]
        assert math.isclose(served_items, one.observed_irradiation_wh_per_m2, abs_tol=0.06)
        then = weather_at(here.latitude, here.longitude, one.at)
        assert then["is_day"] == (one.expected_irradiation_wh_per_m2 > 0)
        assert 0 <= then["cloud_cover"] <= 100


def test_the_demo_has_a_gap_and_a_day_to_correct(
    warehouse: Warehouse, owner: psycopg.Connection
) -> None:
    seed_sandbox(warehouse)
    gaps = owner.execute(
        "SELECT plant_id, hours_missing, retry_at > now() FROM solar.gaps"
        " WHERE status = 'partial' ORDER BY plant_id"
    ).fetchall()
    assert gaps == [(1, 4, False), (3, 4, True)]
    dark = "SELECT count(*) FROM solar.readings WHERE plant_id = 1 AND observed_energy_kwh = 0"
    assert (owner.execute(f"{dark} AND expected_energy_kwh > 0").fetchone() or (0,))[0] >= 3
