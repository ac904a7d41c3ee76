"""The simulated solar monitoring service: its responses over HTTP, its clock, its errors."""

import datetime as dt
import json
import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import requests

from pipelines.sources.solar.demo import seed_sandbox
from pipelines.sources.solar.sandbox import as_item
from pipelines.sources.solar.sandbox.sun import (
    CLIMATE,
    DEAD_SENSOR_PLANT,
    DEMO_PLANTS,
    EXPECTED_PERFORMANCE,
    SOILED_PLANT,
    SOILING,
    Plant,
    Reading,
    plant,
    readings,
)
from pipelines.sources.weather.sandbox.model import weather_at
from pipelines.warehouse.connection import Warehouse
from pipelines_tests.sandbox_server import sandbox_server

NOON = dt.datetime(2026, 9, 15, 12, 0, 30, tzinfo=dt.UTC)
TODAY = NOON.date()
Item = dict[str, Any]


@pytest.fixture(scope="module")
def served() -> Iterator[str]:
    with sandbox_server(now=lambda: NOON) as url:
        yield url


def request(url: str, plant_id: object, first: object, end: object) -> requests.Response:
    parameters = {"plant-id": str(plant_id), "from": str(first), "to": str(end)}
    return requests.get(url, params=parameters, timeout=10)


def get(url: str, plant_id: object, first: object, end: object) -> list[Item]:
    answer = request(url, plant_id, first, end)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    return items_of(answer)


def items_of(answer: requests.Response) -> list[Item]:
    """Not by `answer.json()`: with simplejson installed that rejects NaN."""
    items: list[Item] = json.loads(answer.content)
    return items


def year_of(plant_id: int, year: int, seed: int = 1) -> list[Reading]:
    return readings(seed, plant_id, dt.date(year, 1, 1), dt.date(year, 12, 31))


def test_a_year_is_returned_hourly_without_distortion(served: str) -> None:
    served_items = get(served, 4, "2024-01-01", "2025-01-01")
    assert served_items == [as_item(reading) for reading in year_of(4, 2024)]
    assert len(served_items) == 8784
    assert served_items[0]["datetime"] == "2024-01-01T00:00:00"
    assert served_items[-1]["datetime"] == "2024-12-31T23:00:00"


def test_future_hours_are_not_returned(served: str) -> None:
    served_items = get(served, 1, TODAY, TODAY + dt.timedelta(days=3))
    assert served_items == [as_item(reading) for reading in readings(1, 1, TODAY, TODAY)[:13]]
    assert served_items[-1]["datetime"] == "2026-09-15T12:00:00"
    assert get(served, 1, "2026-09-16", "2027-01-01") == []
    assert get(served, 1, "2026-09-14", "2026-09-14") == []
    assert get(served, 1, "9999-12-31", "9999-12-31") == []


def test_a_plant_returns_nothing_before_its_commissioning(served: str) -> None:
    assert get(served, 3, "2021-06-14", "2021-06-15") == []
    served_items = get(served, 3, "0001-01-01", "2021-06-17")
    assert [item["datetime"] for item in served_items[::24]] == [
        "2021-06-15T00:00:00",
        "2021-06-16T00:00:00",
    ]
    assert len(served_items) == 48


@pytest.mark.parametrize("here", [*DEMO_PLANTS, plant(5), plant(9)], ids=lambda one: one.name)
def test_the_sun_shines_by_day_reduced_by_clouds_and_losses(here: Plant) -> None:
    year = year_of(here.id, 2025)
    assert len(year) == 8760
    assert 0.75 <= here.performance_ratio <= 0.9
    kwh = here.size_kwp / 1000
    for one in year:
        expected, observed = one.expected_irradiation_wh_per_m2, one.observed_irradiation_wh_per_m2
        if expected == 0:
            assert one[1:] == (0.0, 0.0, 0.0, 0.0)
        else:
            assert 0.75 <= expected < 1098 * CLIMATE
            assert math.isclose(one.expected_energy_kwh, expected * kwh * EXPECTED_PERFORMANCE)
            assert one.observed_energy_kwh > 0
            if observed == 0:  # its sensor is dead
                assert here.id == DEAD_SENSOR_PLANT
                continue
            assert 0.1 < observed / expected <= 1 / CLIMATE + 1e-9
            performance = one.observed_energy_kwh / (observed * kwh) / here.performance_ratio
            least = (1 - SOILING) * 0.959 if here.id == SOILED_PLANT else 0.959
            assert least < performance < 1.001
    assert 0.4 < sum(one.expected_irradiation_wh_per_m2 == 0 for one in year) / 8760 < 0.6
    of_hour: Counter[int] = Counter()
    of_month: Counter[int] = Counter()
    for one in year:
        of_hour[one.at.hour] += round(one.expected_irradiation_wh_per_m2)
        of_month[one.at.month] += round(one.expected_irradiation_wh_per_m2)
    sun_at_noon = (12 - here.longitude / 15) % 24
    assert abs((of_hour.most_common(1)[0][0] + 0.5 - sun_at_noon + 12) % 24 - 12) <= 0.6
    assert of_month.most_common()[0][0] in ((6, 7) if here.latitude > 0 else (12, 1))


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
